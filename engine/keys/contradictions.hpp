// Rules that tie several keys together.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/config/config.hpp"
#include "engine/keys/load.hpp"

namespace abr {

// What the sources of a configuration say, beside the values.
struct WrittenKeys {
    std::string file;
    std::map<std::string, SourcePlace> places;  // of every key that is written
    std::set<std::string> failed;               // keys whose value could not be read: rules about them wait
    // Of a stage: the keys among them that it writes itself, which alone can be its fault.
    std::optional<std::set<std::string>> of_stage;
};

// One problem for each rule that the configuration, of a run or of a stage of it, breaks.
std::vector<ConfigProblem> find_contradictions(const Config& config, const WrittenKeys& written);

}  // namespace abr
