#include "engine/cli/prediction_arguments.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "engine/error.hpp"

namespace abr {

PredictionRequest PredictionArguments::checked() const {
    PredictionRequest complete = request;
    if (part.empty() != request.split_file.empty())
        throw InputError("--split-file FILE and --part NAME go together; give both or none");
    if (!part.empty()) {
        const auto found = std::find(kSplitNames.begin(), kSplitNames.end(), part);
        complete.part = static_cast<Split>(found - kSplitNames.begin());
    }
    return complete;
}

std::FILE* PredictionArguments::check_files(const std::vector<NamedFile>& more) const {
    std::vector<NamedFile> outputs = {{"--out", out}};
    outputs.insert(outputs.end(), more.begin(), more.end());
    return check_outputs(outputs,
                         {{"--checkpoint", request.checkpoint},
                          {"--data", request.data},
                          {"--config", request.layout},
                          {"--split-file", request.split_file}},
                         force);
}

std::shared_ptr<PredictionArguments> add_prediction_arguments(CLI::App& app, const std::string& out) {
    auto arguments = std::make_shared<PredictionArguments>();
    PredictionRequest& request = arguments->request;
    app.add_option("--checkpoint", request.checkpoint,
                   "Trained network (a run's checkpoints/best_f1.safetensors)")
        ->required();
    app.add_option("--data", request.data, "Recordings, CSV or NPZ")->required();
    app.add_option("--out", arguments->out, out)->required();
    add_force_flag(app, arguments->force);
    app.add_option("--config", request.layout,
                   "Configuration whose [data] describes the file: columns, class names, filters");
    app.add_option("--set", request.overrides, "Replace a value of it: section.key=value")
        ->allow_extra_args(false);
    app.add_flag("--resample", request.resample,
                 "Bring recordings of another sample interval or length to the network's");
    app.add_option("--split-file", request.split_file, "The split.csv of a run; needs --part");
    app.add_option("--part", arguments->part, "Use the patients of this part of --split-file alone")
        ->check(CLI::IsMember({"train", "val", "test"}));
    return arguments;
}

std::string rows_line(const std::string& file, const ReadReport& report, Index used) {
    std::int64_t rejected = 0;
    for (const auto& [reason, rejection] : report.rejected) rejected += rejection.count;
    return fmt::format("{}: {} rows read, {} filtered, {} rejected, {} used", file, report.read,
                       report.filtered, rejected, used);
}

}  // namespace abr
