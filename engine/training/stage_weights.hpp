// What weights a stage begins with: initial ones, those of a file, or those of the stage before.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/config/config.hpp"
#include "engine/output/json.hpp"
#include "engine/training/session.hpp"
#include "model/learner.hpp"
#include "model/parameters.hpp"

namespace abr {

// Where the tensors of a network came from, by name.
struct WeightOrigin {
    std::vector<std::string> loaded, fresh;  // of the network
    std::vector<std::string> unused;         // of the file, and not of the network
};

// Copies the network's tensors from a safetensors file, of a checkpoint or of another program, into `values`:
// those of the average of the weights ("ema/<name>") where the file has one. The stage's `fresh` parts, and
// what the file lacks, stay as they are. Throws InputError, naming the stage's place, for a file that cannot
// be read, that holds a tensor in another shape or type, or one with a value that is not finite, that knows
// other classes than `classes` and has a head for them, or that has no tensor of the network. A part that is
// named in `fresh` is no such fault: a shape or a class that differs is never passed over unasked.
WeightOrigin load_weights(const std::filesystem::path&, const StageConfig&,
                          std::span<const std::string> classes, const ParameterLayout&,
                          std::span<float> values);

// Gives a stage's learner its weights; the average of the weights begins with the same. `previous`: the file
// of the stage before. Nothing for initial weights.
std::optional<WeightOrigin> initialise(Learner&, const Session&, const Config& stage,
                                       const std::filesystem::path& previous);

// stages.json: of each stage where its weights come from, and what is frozen. Reads every file that a stage
// asks for, so that one that does not fit is found before the first stage is trained.
Json stages_json(const Session&);

}  // namespace abr
