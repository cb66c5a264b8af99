// Keys of [[stages]], and which of the others a stage may override.
#include <algorithm>

#include "engine/keys/key_members.hpp"

namespace abr {
namespace {

// Keys that hold for the whole run, by the beginning of their path, and the reason. All others may differ
// from stage to stage: everything that is made from them, the learner, the sampler, the schedule, is made
// anew in each.
struct WholeRun {
    std::string_view path, reason;
};
constexpr WholeRun kWholeRun[] = {
    {"run.", "it is the run's, whatever its stages do"},
    {"data.", "the data are read once, and what is fitted on them goes into every checkpoint"},
    {"model.", "the weights go from stage to stage, so the network keeps its shape"},
    {"training.checkpoint_minutes", "the checkpoints are the run's"},
    {"logging.", "the tables are the run's"},
    {"diagnostics.", "the run is judged as a whole"},
};

bool is_stage(const Config& config) {
    return !config.stage.name.empty();
}

// Of a setting of the network that does not shape it, as the dropout.
bool is_training_only(std::string_view path) {
    bool found = false;
    for_each_network_setting([&](const auto& setting) {
        found = found || (setting.training_only && path == "model." + std::string(setting.name));
    });
    return found;
}

}  // namespace

std::string_view whole_run_reason(const Key& key) {
    if (is_training_only(key.path)) return {};
    const auto found = std::ranges::find_if(
        kWholeRun, [&](const WholeRun& whole) { return key.path.starts_with(whole.path); });
    return found == std::end(kWholeRun) ? std::string_view() : found->reason;
}

const Key* find_stage_key(const std::vector<std::string>& segments) {
    std::vector<std::string> own = {std::string(kStageSection)};
    own.insert(own.end(), segments.begin(), segments.end());
    const Key* key = find_key(own);
    return key ? key : find_key(segments);
}

void add_stage_keys(std::vector<Key>& keys) {
    keys.insert(
        keys.end(),
        {{.path = "stages.name",
          .field = at<&Config::stage, &StageConfig::name>,
          .allowed = "letters, digits, _ and -; each once",
          .default_text = "none",
          .meaning = "what the stage is called in `epochs.csv`, on screen and by `--set stages.<name>.<key>`",
          .present = is_stage},
         {.path = "stages.init_from",
          .field = at<&Config::stage, &StageConfig::init_from>,
          .allowed = "a safetensors file, or `\"previous\"` behind the first stage",
          .default_text = "`\"previous\"`; in the first stage the initial weights",
          .meaning = "where the weights begin: those of the file, by name, or those of the best epoch of the "
                     "stage before; the average of the weights where there is one",
          .present = [](const Config& c) { return !c.stage.init_from.empty(); },
          .word = kPreviousStage},
         {.path = "stages.fresh",
          .field = at<&Config::stage, &StageConfig::fresh>,
          .allowed = "parts of the network",
          .meaning = "parts that have initial weights instead",
          .present = [](const Config& c) { return !c.stage.fresh.empty(); }},
         {.path = "stages.freeze",
          .field = at<&Config::stage, &StageConfig::freeze>,
          .allowed = "parts of the network",
          .meaning = "parts that are not trained",
          .present = [](const Config& c) { return !c.stage.freeze.empty(); }}});
}

}  // namespace abr
