#include "engine/training/stage_weights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

#include "engine/error.hpp"
#include "engine/formats/safetensors.hpp"
#include "engine/output/text_table.hpp"
#include "engine/training/setup.hpp"

namespace abr {
namespace {

constexpr std::size_t kNamesShown = 10;

std::string first_names(const std::vector<std::string>& names) {
    const auto shown = std::min(names.size(), kNamesShown);
    return printable(fmt::format("{}{}",
                                 fmt::join(names.begin(), names.begin() + std::ptrdiff_t(shown), ", "),
                                 names.size() > shown ? ", ..." : ""));
}

// What a checkpoint holds beside the parameters.
bool is_state(const std::string& name) {
    constexpr std::string_view kPrefixes[] = {"ema/", "optimizer/", "statistics/", "progress/"};
    return std::ranges::any_of(kPrefixes, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

// The classes that the file's network tells apart; nothing where it does not say.
std::optional<std::vector<std::string>> classes_of(const SafetensorsFile& file) {
    const auto text = file.metadata().find("data");
    if (text == file.metadata().end()) return std::nullopt;
    const Json data = Json::parse(text->second, nullptr, false);
    try {
        return data.at("classes").get<std::vector<std::string>>();
    } catch (const Json::exception&) {
        return std::nullopt;
    }
}

class Reader {
  public:
    Reader(const SafetensorsFile& file, const StageConfig& stage) : file_(file), stage_(stage) {}

    WeightOrigin read(std::span<const std::string> classes, const ParameterLayout& layout,
                      std::span<float> values) const {
        WeightOrigin result;
        std::set<std::string> known;
        for (const ParameterSpec& spec : layout.specs()) {
            known.insert(spec.name);
            const bool wanted = !belongs_to_any(spec, stage_.fresh) && file_.contains(spec.name);
            (wanted ? result.loaded : result.fresh).push_back(spec.name);
            if (wanted) copy(spec, values.subspan(std::size_t(spec.offset), std::size_t(spec.size)));
        }
        for (const auto& [name, entry] : file_.entries())
            if (!known.contains(name) && !is_state(name)) result.unused.push_back(name);
        if (result.loaded.empty())
            fail(fmt::format("no tensor is loaded: the network's begin with {}, the file's with {}",
                             first_names(result.fresh), first_names(result.unused)),
                 "give a checkpoint of such a network");
        check_classes(result, classes);
        return result;
    }

  private:
    [[noreturn]] void fail(const std::string& what, const std::string& remedy) const {
        throw InputError(fmt::format("{}: stages.{}.init_from: {}: {}; {}", stage_.written_at, stage_.name,
                                     file_.name(), what, remedy));
    }

    void copy(const ParameterSpec& spec, std::span<float> to) const {
        const std::string average = "ema/" + spec.name;
        const std::string& name = file_.contains(average) ? average : spec.name;
        if (const auto& shape = file_.shape(name); shape != spec.shape)
            fail(fmt::format("`{}` has shape [{}], in this network [{}]", name, fmt::join(shape, ", "),
                             fmt::join(spec.shape, ", ")),
                 fmt::format("give a checkpoint of such a network, or name the part in stages.{}.fresh",
                             stage_.name));
        const std::vector<float> values = file_.floats(name);
        if (!std::ranges::all_of(values, [](float v) { return std::isfinite(v); }))
            fail(fmt::format("`{}` has a value that is not finite", name), "give a sound checkpoint");
        std::ranges::copy(values, to.begin());
    }

    void check_classes(const WeightOrigin& result, std::span<const std::string> classes) const {
        const auto theirs = classes_of(file_);
        const bool has_head = std::ranges::any_of(
            result.loaded, [](const std::string& name) { return name.starts_with("heads.classification."); });
        if (!has_head || !theirs || std::ranges::equal(*theirs, classes)) return;
        fail(fmt::format("its classes are {}, those of the data {}", first_names(*theirs),
                         first_names({classes.begin(), classes.end()})),
             fmt::format("name heads.classification in stages.{}.fresh", stage_.name));
    }

    const SafetensorsFile& file_;
    const StageConfig& stage_;
};

}  // namespace

WeightOrigin load_weights(const std::filesystem::path& path, const StageConfig& stage,
                          std::span<const std::string> classes, const ParameterLayout& layout,
                          std::span<float> values) {
    return Reader(SafetensorsFile::open(path), stage).read(classes, layout, values);
}

std::optional<WeightOrigin> initialise(Learner& learner, const Session& session, const Config& stage,
                                       const std::filesystem::path& previous) {
    const auto& from = stage.stage.init_from;
    if (from.empty()) return std::nullopt;
    LearnerState state = learner.state();
    const WeightOrigin result =
        load_weights(from == kPreviousStage ? previous : from, stage.stage, session.dataset.classes,
                     learner.network().parameters(), state.value);
    if (!state.ema.empty()) state.ema = state.value;
    learner.restore(state);
    return result;
}

Json stages_json(const Session& session) {
    Json stages = Json::array();
    for (const Config& config : session.stages()) {
        const StageConfig& stage = config.stage;
        const Network network(learner_settings(config, session.dataset).shape, 1);
        const ParameterLayout& layout = network.parameters();
        WeightOrigin weights;
        std::vector<std::string> frozen;
        for (const ParameterSpec& spec : layout.specs()) {
            // The stage before has the same network.
            const bool from_before = stage.init_from == kPreviousStage && !belongs_to_any(spec, stage.fresh);
            (from_before ? weights.loaded : weights.fresh).push_back(spec.name);
            if (belongs_to_any(spec, stage.freeze)) frozen.push_back(spec.name);
        }
        if (!stage.init_from.empty() && stage.init_from != kPreviousStage) {
            std::vector<float> values(static_cast<std::size_t>(layout.size()));
            weights = load_weights(stage.init_from, stage, session.dataset.classes, layout, values);
        }
        stages.push_back(
            Json{{"name", stage.name},
                 {"init_from", stage.init_from.empty() ? Json() : Json(stage.init_from.string())},
                 {"loaded", weights.loaded},
                 {"fresh", weights.fresh},
                 {"unused", weights.unused},
                 {"frozen", frozen}});
    }
    return {{"stages", stages}};
}

}  // namespace abr
