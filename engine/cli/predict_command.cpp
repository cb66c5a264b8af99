// abr_engine predict: what a trained network says of new recordings.
#include <cstdio>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "engine/cli/cli.hpp"
#include "engine/cli/prediction_arguments.hpp"
#include "engine/error.hpp"
#include "engine/records/tables.hpp"

namespace abr {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  abr_engine predict --checkpoint runs/clinic/checkpoints/best_f1.safetensors --data new.csv"
    " --out predictions.csv\n"
    "  abr_engine predict --checkpoint best_f1.safetensors --data new.csv --config configs/spreadsheet.toml\n"
    "      --out predictions.csv --restored restored.csv\n"
    "\n"
    "The checkpoint alone says what the network is and how its inputs are scaled; --config says how the file "
    "is\n"
    "laid out and is not needed for the engine's own columns. Recordings need no labels. Columns of the "
    "output:\n"
    "those of predictions_val.csv, with the probabilities as the validation of the training has calibrated "
    "them;\n"
    "of --restored: recording, patient_id and the restored samples in uV; of --marks: how likely wave V "
    "stands at "
    "each\n"
    "sample (they add up to 1; a network whose model.latency_head points, which is the default).";

struct SampleFiles {
    std::string restored, marks;
};

int predict(const PredictionArguments& arguments, const SampleFiles& files) {
    const auto& [restored, marks] = files;
    const PredictionRequest request = arguments.checked();
    std::FILE* const messages = arguments.check_files({{"--restored", restored}, {"--marks", marks}});
    Predictor predictor(request);
    if (!marks.empty() && !predictor.checkpoint().shape.has_pointer())
        throw InputError(
            "--marks: this network tells the latency without pointing at a sample; leave the option out, or "
            "train "
            "with model.latency_head = \"point\"");
    if (!restored.empty() && !predictor.checkpoint().shape.built[Component::signal])
        throw InputError(
            "--restored: this network was trained without restoring signals; leave the option out");
    const Evaluation evaluation = predictor.predict();
    const SplitView split = predictor.split();
    const std::vector<PredictionRow> rows =
        prediction_rows(split, evaluation, predictor.checkpoint().evaluation.temperature);
    write_predictions(arguments.out, split.classes, rows);
    if (!restored.empty()) write_samples(restored, rows, evaluation.restored_uv);
    if (!marks.empty()) write_samples(marks, rows, evaluation.wave_v_map);
    fmt::print(messages, "{}\n{}\n{}: predictions of {} recordings\n", predictor.backend().line(),
               rows_line(request.data.string(), predictor.report(), split.data.rows), arguments.out,
               rows.size());
    if (!restored.empty())
        fmt::print(messages, "{}: restored signals, {} samples of {} ms\n", restored, split.data.length,
                   predictor.checkpoint().data.sample_interval_ms);
    if (!marks.empty()) fmt::print(messages, "{}: where wave V may stand\n", marks);
    return kExitDone;
}

}  // namespace

Command add_predict_command(CLI::App& program) {
    CLI::App* app = program.add_subcommand("predict", "Apply a trained network to recordings");
    app->footer(kFooter);
    auto arguments = add_prediction_arguments(*app, "CSV file of predictions to write");
    auto files = std::make_shared<SampleFiles>();
    app->add_option("--restored", files->restored, "CSV file of restored signals to write");
    app->add_option("--marks", files->marks, "CSV file of where wave V may stand to write");
    return {app, [arguments, files] { return predict(*arguments, *files); }};
}

}  // namespace abr
