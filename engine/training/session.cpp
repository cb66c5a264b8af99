#include "engine/training/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/data/load_recordings.hpp"
#include "engine/error.hpp"
#include "engine/training/setup.hpp"

namespace abr {
namespace {

// The first words of its parameters' names, which are parts of it.
std::string part_names(const ParameterLayout& layout) {
    std::vector<std::string> parts = {"encoder", "decoder", "heads"};
    for (const ParameterSpec& spec : layout.specs())
        if (const auto part = spec.name.substr(0, spec.name.find('.')); std::ranges::count(parts, part) == 0)
            parts.push_back(part);
    return fmt::format("{}", fmt::join(parts, ", "));
}

void check_parts(const StageConfig& stage, const ParameterLayout& layout) {
    const auto check = [&](const char* key, const std::vector<std::string>& parts) {
        for (const std::string& part : parts)
            if (std::ranges::none_of(layout.specs(),
                                     [&](const ParameterSpec& spec) { return belongs_to(spec, part); }))
                throw InputError(
                    fmt::format("{}: stages.{}.{}: the network has no part `{}`; it has {}, and what "
                                "lies below them, such as {}",
                                stage.written_at, stage.name, key, part, part_names(layout),
                                layout.specs().front().name));
    };
    check("freeze", stage.freeze);
    check("fresh", stage.fresh);
    if (std::ranges::all_of(layout.specs(),
                            [&](const ParameterSpec& spec) { return belongs_to_any(spec, stage.freeze); }))
        throw InputError(fmt::format("{}: stages.{}.freeze: nothing would be trained; leave a part out",
                                     stage.written_at, stage.name));
}

}  // namespace

Session::Session(const Config& written)
    : backend(choose_backend(written.run.backend)),
      dataset(build_dataset(load_recordings(written, rows), written)),
      config(with_dropped_weights(written, dataset)) {
    for (const Config& stage : stages())
        check_parts(stage.stage, Network(learner_settings(stage, dataset).shape, 1).parameters());
}

std::unique_ptr<Learner> Session::learner(const Config& stage) const {
    return make_learner(backend, learner_settings(stage, dataset), dataset.part(Split::train).view(),
                        stage.run.threads);
}

}  // namespace abr
