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
    "of --restored: recording, patient_id and the restored samples in uV.";

int predict(const PredictionArguments& arguments, const std::string& restored) {
    const PredictionRequest request = arguments.checked();
    std::FILE* const messages = arguments.check_files({{"--restored", restored}});
    Predictor predictor(request);
    if (!restored.empty() && !predictor.checkpoint().shape.built[Component::signal])
        throw InputError(
            "--restored: this network was trained without restoring signals; leave the option out");
    const Evaluation evaluation = predictor.predict();
    const SplitView split = predictor.split();
    const std::vector<PredictionRow> rows =
        prediction_rows(split, evaluation, predictor.checkpoint().evaluation.temperature);
    write_predictions(arguments.out, split.classes, rows);
    if (!restored.empty()) write_restored(restored, rows, evaluation.restored_uv);
    fmt::print(messages, "{}\n{}\n{}: predictions of {} recordings\n", predictor.backend().line(),
               rows_line(request.data.string(), predictor.report(), split.data.rows), arguments.out,
               rows.size());
    if (!restored.empty())
        fmt::print(messages, "{}: restored signals, {} samples of {} ms\n", restored, split.data.length,
                   predictor.checkpoint().data.sample_interval_ms);
    return kExitDone;
}

}  // namespace

Command add_predict_command(CLI::App& program) {
    CLI::App* app = program.add_subcommand("predict", "Apply a trained network to recordings");
    app->footer(kFooter);
    auto arguments = add_prediction_arguments(*app, "CSV file of predictions to write");
    auto restored = std::make_shared<std::string>();
    app->add_option("--restored", *restored, "CSV file of restored signals to write");
    return {app, [arguments, restored] { return predict(*arguments, *restored); }};
}

}  // namespace abr
