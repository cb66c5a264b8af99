#include "engine/prediction/predictor.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <set>
#include <utility>

#include "engine/data/split.hpp"
#include "engine/error.hpp"
#include "engine/input/file_kind.hpp"
#include "engine/input/resample.hpp"
#include "engine/keys/keys.hpp"
#include "engine/keys/load.hpp"
#include "engine/training/setup.hpp"

namespace abr {
namespace {

// Two sample intervals are the same if they differ by no more than a float's rounding.
constexpr double kIntervalTolerance = 1e-6;

// Two beginnings are the same if they differ by less than this share of an interval.
constexpr double kFirstSampleTolerance = 0.01;

std::string class_list(const std::vector<std::string>& classes) {
    std::string text;
    for (const std::string& name : classes) text += (text.empty() ? "" : ", ") + toml_string(name);
    return '[' + text + ']';
}

// The layout that the user gave, with the file's name and kind on top.
Config load_layout(const PredictionRequest& request, const Checkpoint& checkpoint) {
    std::vector<std::string> overrides;
    const std::string classes = class_list(checkpoint.data.classes);
    if (request.layout.empty()) overrides.push_back("data.classes=" + classes);
    overrides.insert(overrides.end(), request.overrides.begin(), request.overrides.end());
    overrides.push_back(is_npz(first_bytes(request.data)) ? "data.source=npz" : "data.source=csv");
    overrides.push_back("data.path=" + toml_string(request.data.string()));
    Config config =
        request.layout.empty() ? load_defaults(overrides) : load_config(request.layout, overrides);
    if (config.data.classes != checkpoint.data.classes) {
        throw InputError(
            fmt::format("{}: data.classes = {}, the network of {} was trained on {}; write data.classes "
                        "= {} and map the file's names by [data.class_aliases]",
                        request.layout.string(), class_list(config.data.classes), request.checkpoint.string(),
                        classes, classes));
    }
    return config;
}

Recordings fit_to_network(Recordings recordings, const Checkpoint& checkpoint,
                          const PredictionRequest& request) {
    const double interval = checkpoint.data.sample_interval_ms;
    const Index length = checkpoint.shape.length;
    const double first = checkpoint.data.first_sample_ms;
    if (std::abs(recordings.first_sample_ms - first) > kFirstSampleTolerance * interval)
        throw InputError(fmt::format(
            "{}: the first sample is {:.6g} ms after the stimulus; the network of {} takes recordings from "
            "{:.6g} ms on; "
            "say with --set data.first_sample_ms when the recordings begin, and cut them with data.window_ms",
            request.data.string(), recordings.first_sample_ms, request.checkpoint.string(), first));
    const bool same_interval =
        std::abs(recordings.sample_interval_ms - interval) <= kIntervalTolerance * interval;
    if (same_interval && recordings.length == length) return recordings;
    const std::string differ = fmt::format(
        "{}: {} samples of {} ms each; the network of {} takes {} of {} ms", request.data.string(),
        recordings.length, recordings.sample_interval_ms, request.checkpoint.string(), length, interval);
    if (!request.resample) {
        throw InputError(differ +
                         "; choose the columns that it takes, or have the recordings resampled and cut "
                         "with --resample");
    }
    try {
        return resampled(std::move(recordings), interval, length);
    } catch (const InputError& error) {
        throw InputError(fmt::format("{}; {}", differ, error.what()));
    }
}

// Rows of the patients of one part of a split file, or all rows.
std::vector<std::int64_t> chosen_rows(const Recordings& recordings, const PredictionRequest& request,
                                      AlikePatients alike) {
    std::vector<Split> split;
    if (request.part) split = read_split_file(request.split_file, recordings.patients, alike);
    std::vector<std::int64_t> rows;
    for (std::int64_t r = 0; r < recordings.rows; ++r) {
        const auto patient = static_cast<std::size_t>(recordings.patient[static_cast<std::size_t>(r)]);
        if (!request.part || split[patient] == *request.part) rows.push_back(r);
    }
    if (rows.empty()) {
        throw InputError(fmt::format(
            "{}: no recording belongs to the part `{}` of {}; choose another part", request.data.string(),
            kSplitNames[static_cast<std::size_t>(*request.part)], request.split_file.string()));
    }
    return rows;
}

}  // namespace

Predictor::Predictor(const PredictionRequest& request) : checkpoint_(load_checkpoint(request.checkpoint)) {
    for (const Component c : kAllComponents)
        if (!checkpoint_.shape.built[c]) dropped_[c] = "the network was trained without this component";
    read_data(request);
}

void Predictor::read_data(const PredictionRequest& request) {
    const Config layout = load_layout(request, checkpoint_);
    backend_ = choose_backend(layout.run.backend);
    threads_ = layout.run.threads;
    seed_ = layout.run.seed;
    Recordings recordings =
        fit_to_network(read_recordings(layout.data, threads_, report_), checkpoint_, request);
    data_ = lay_out(recordings, chosen_rows(recordings, request, layout.data.alike_patients),
                    checkpoint_.statistics);
    patients_ = std::move(recordings.patients);
}

std::size_t Predictor::patients_measured() const {
    return std::set<std::int32_t>(data_.patient.begin(), data_.patient.end()).size();
}

Evaluation Predictor::predict() {
    DeviceRecordings recordings = data_.view();
    if (recordings.clean == nullptr) recordings.clean = recordings.signal;
    return evaluate(recordings);
}

Evaluation Predictor::measure() {
    return evaluate(data_.view());
}

Evaluation Predictor::evaluate(const DeviceRecordings& recordings) {
    const auto learner = make_learner(backend_, learner_settings(checkpoint_), recordings, threads_);
    // What is validated and saved as best is the average of the weights where there is one.
    LearnerState state = checkpoint_.learner;
    if (!state.ema.empty()) state.value = state.ema;
    learner->restore(state);
    return learner->evaluate(recordings, true);
}

}  // namespace abr
