// The arguments that predict and evaluate share.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "engine/cli/outputs.hpp"
#include "engine/prediction/predictor.hpp"

namespace CLI {
class App;
}

namespace abr {

struct PredictionArguments {
    PredictionRequest request;
    std::string part;  // "train", "val", "test" or empty
    std::string out;
    bool force = false;

    // The request, complete. Throws InputError where arguments miss each other.
    PredictionRequest checked() const;
    // Where messages go (check_outputs); `more`: outputs besides --out.
    std::FILE* check_files(const std::vector<NamedFile>& more = {}) const;
};

// Declares them; `out`: what --out writes.
std::shared_ptr<PredictionArguments> add_prediction_arguments(CLI::App&, const std::string& out);

// What was read: rows used, filtered and rejected, one line.
std::string rows_line(const std::string& file, const ReadReport&, Index used);

}  // namespace abr
