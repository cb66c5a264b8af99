// The golden values that tests/oracle/metrics.py writes.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "test_paths.hpp"

namespace abr::test {

inline const nlohmann::json& golden() {
    static const nlohmann::json values = [] {
        std::ifstream file(ABR_SOURCE_DIR "/tests/oracle/metrics.json");
        if (!file) throw std::runtime_error("tests/oracle/metrics.json is missing");
        return nlohmann::json::parse(file);
    }();
    return values;
}

}  // namespace abr::test
