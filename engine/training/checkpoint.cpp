#include "engine/training/checkpoint.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <set>
#include <utility>

#include "engine/error.hpp"
#include "engine/formats/safetensors.hpp"
#include "engine/output/json.hpp"
#include "engine/output/text_table.hpp"
#include "engine/training/network_json.hpp"
#include "engine/version.hpp"

namespace abr {
namespace {

[[noreturn]] void reject(const std::string& file, const std::string& what) {
    throw InputError(fmt::format("{}: {}; expected a checkpoint written by abr_engine", file, what));
}

Json parse_metadata(const SafetensorsFile& file, const std::string& key) {
    const Json json = Json::parse(file.metadata_value(key), nullptr, false);
    if (!json.is_object()) reject(file.name(), fmt::format("metadata `{}` is no JSON object", key));
    return json;
}

DataSettings parse_data(const SafetensorsFile& file, const NetworkShape& shape) {
    const Json json = parse_metadata(file, "data");
    DataSettings data;
    try {
        json.at("classes").get_to(data.classes);
        json.at("sample_interval_ms").get_to(data.sample_interval_ms);
        data.first_sample_ms = json.value("first_sample_ms", 0.0);  // earlier checkpoints knew no other
    } catch (const Json::exception& error) {
        reject(file.name(), fmt::format("metadata `data`: {}", error.what()));
    }
    if (static_cast<Index>(data.classes.size()) != shape.classes)
        reject(file.name(), "metadata `data` and `model` differ in the number of classes");
    if (!(data.sample_interval_ms > 0))
        reject(file.name(), "metadata `data`: sample_interval_ms is not positive");
    if (!std::isfinite(data.first_sample_ms))
        reject(file.name(), "metadata `data`: first_sample_ms is not finite");
    return data;
}

EvaluationSettings parse_evaluation(const SafetensorsFile& file, const NetworkShape& shape) {
    try {
        return evaluation_settings_from_json(parse_metadata(file, "evaluation"), shape.classes, file.name());
    } catch (const Json::exception& error) {
        reject(file.name(), fmt::format("metadata `evaluation`: {}", error.what()));
    }
}

// The four buffers of LearnerState under their prefixes.
template <class State, class Visit>
void for_each_buffer(State& state, const Visit& visit) {
    visit(std::string(), state.value);
    visit(std::string("ema/"), state.ema);
    visit(std::string("optimizer/first_moment/"), state.first_moment);
    visit(std::string("optimizer/second_moment/"), state.second_moment);
}

constexpr const char* kStepsTensor = "progress/epoch_steps";
constexpr const char* kCountersTensor = "progress/counters";
constexpr const char* kValuesTensor = "progress/values";
constexpr const char* kEpochKey = "epoch";
constexpr const char* kStepKey = "step";

// Progress as flat arrays. A step record is (step, learning_rate, grad_norm, loss_total, loss of each
// component).
constexpr std::size_t kRecordValues = 4 + kComponents;

std::vector<double> record_values(const std::vector<StepRecord>& records) {
    std::vector<double> values;
    values.reserve(records.size() * kRecordValues);
    for (const auto& r : records) {
        values.insert(values.end(),
                      {static_cast<double>(r.step), r.learning_rate, r.grad_norm, r.loss_total});
        values.insert(values.end(), r.loss.values.begin(), r.loss.values.end());
    }
    return values;
}

// first_step: of the epoch.
std::vector<StepRecord> records_from(const std::vector<double>& values, std::int64_t first_step,
                                     const std::string& file) {
    std::vector<StepRecord> records(values.size() / kRecordValues);
    for (std::size_t i = 0; i < records.size(); ++i) {
        const double* v = values.data() + i * kRecordValues;
        const std::int64_t step = first_step + static_cast<std::int64_t>(i);
        if (v[0] != static_cast<double>(step))
            reject(file, fmt::format("`{}` holds other steps than those before step {}", kStepsTensor,
                                     first_step + std::ssize(records)));
        records[i] = {step, v[1], v[2], v[3], {}};
        std::copy_n(v + 4, kComponents, records[i].loss.values.begin());
    }
    return records;
}

std::array<std::int64_t, 7> counters_of(const TrainingProgress& p) {
    return {p.epoch,
            p.step,
            p.best_f1.epoch,
            p.best_loss.epoch,
            p.stopping.epoch,
            p.plateau.epochs_without_improvement,
            p.plateau.reductions};
}
std::array<double, 4> values_of(const TrainingProgress& p) {
    return {p.best_f1.value, p.best_loss.value, p.stopping.value, p.plateau.best_loss};
}

TrainingProgress parse_progress(const SafetensorsFile& file) {
    const auto counters = file.integers(kCountersTensor);
    const auto values = file.doubles(kValuesTensor);
    const auto steps = file.doubles(kStepsTensor);
    TrainingProgress p;
    if (counters.size() != counters_of(p).size() || values.size() != values_of(p).size() ||
        steps.size() % kRecordValues != 0)
        reject(file.name(), "the tensors `progress/...` have the wrong size");
    p.epoch = counters[0];
    p.step = counters[1];
    p.best_f1 = {counters[2], values[0]};
    p.best_loss = {counters[3], values[1]};
    p.stopping = {counters[4], values[2]};
    p.plateau = {values[3], counters[5], counters[6]};
    const auto begun = static_cast<std::int64_t>(steps.size() / kRecordValues);
    if (p.epoch < 0 || p.step < begun || p.plateau.epochs_without_improvement < 0 || p.plateau.reductions < 0)
        reject(file.name(), fmt::format("`{}` holds a negative count", kCountersTensor));
    for (const BestEpoch& best : {p.best_f1, p.best_loss, p.stopping})
        if (best.epoch < -1 || best.epoch >= p.epoch)
            reject(file.name(), fmt::format("`{}` names an epoch that is not complete", kCountersTensor));
    for (const auto& [key, value] : {std::pair(kEpochKey, p.epoch), std::pair(kStepKey, p.step)})
        if (file.metadata_value(key) != std::to_string(value))
            reject(file.name(), fmt::format("metadata `{}` and `{}` differ", key, kCountersTensor));
    p.epoch_steps = records_from(steps, p.step - begun, file.name());
    return p;
}

}  // namespace

std::string serialize_checkpoint(const Checkpoint& checkpoint, const ParameterLayout& layout) {
    std::vector<TensorSource> tensors;
    for_each_buffer(checkpoint.learner, [&](const std::string& prefix, const std::vector<float>& buffer) {
        if (buffer.empty()) return;
        for (const auto& spec : layout.specs())
            tensors.push_back({prefix + spec.name, TensorType::f32, spec.shape, buffer.data() + spec.offset});
    });
    const auto arrays = to_named_arrays(checkpoint.statistics);
    for (const auto& array : arrays)
        tensors.push_back(
            {array.name, TensorType::f64, {static_cast<Index>(array.values.size())}, array.values.data()});
    const auto& progress = checkpoint.progress;
    const auto counters = counters_of(progress);
    const auto values = values_of(progress);
    const auto records = record_values(progress.epoch_steps);
    tensors.push_back(
        {kCountersTensor, TensorType::i64, {static_cast<Index>(counters.size())}, counters.data()});
    tensors.push_back({kValuesTensor, TensorType::f64, {static_cast<Index>(values.size())}, values.data()});
    tensors.push_back({kStepsTensor,
                       TensorType::f64,
                       {static_cast<Index>(progress.epoch_steps.size()), static_cast<Index>(kRecordValues)},
                       records.data()});

    const Json data = {{"classes", checkpoint.data.classes},
                       {"sample_interval_ms", checkpoint.data.sample_interval_ms},
                       {"first_sample_ms", checkpoint.data.first_sample_ms}};
    return serialize_safetensors(std::move(tensors), {{"format", "abr_engine"},
                                                      {"format_version", std::to_string(kCheckpointVersion)},
                                                      {"engine_version", kEngineVersion},
                                                      {kEpochKey, std::to_string(progress.epoch)},
                                                      {kStepKey, std::to_string(progress.step)},
                                                      {"model", to_json(checkpoint.shape).dump()},
                                                      {"data", data.dump()},
                                                      {"evaluation", to_json(checkpoint.evaluation).dump()}});
}

std::int64_t checkpoint_bytes_per_step() {
    return static_cast<std::int64_t>(kRecordValues * sizeof(double));
}

Checkpoint load_checkpoint(const std::filesystem::path& path) {
    const auto file = SafetensorsFile::open(path);
    const auto& metadata = file.metadata();
    if (const auto format = metadata.find("format");
        format == metadata.end() || format->second != "abr_engine")
        reject(file.name(), "the safetensors file has no metadata `format` = `abr_engine`");
    if (const auto& version = file.metadata_value("format_version");
        version != std::to_string(kCheckpointVersion))
        throw InputError(
            fmt::format("{}: checkpoint format version `{}`: expected {}; use the version of abr_engine "
                        "that wrote it (engine_version `{}`)",
                        file.name(), version, kCheckpointVersion, file.metadata_value("engine_version")));

    Checkpoint checkpoint;
    checkpoint.shape =
        network_from_json(parse_metadata(file, "model"), file.name(), file.metadata_value("engine_version"));
    checkpoint.data = parse_data(file, checkpoint.shape);
    checkpoint.statistics = statistics_from_named_arrays(
        [&](const std::string& name) { return file.doubles(name); }, checkpoint.data.classes.size());
    checkpoint.evaluation = parse_evaluation(file, checkpoint.shape);
    checkpoint.progress = parse_progress(file);

    const Network network(checkpoint.shape, 1);
    const auto& layout = network.parameters();
    std::set<std::string> known = {kCountersTensor, kValuesTensor, kStepsTensor};
    for (const auto& array : to_named_arrays(checkpoint.statistics)) known.insert(array.name);
    const bool has_ema = file.contains("ema/" + layout.specs().front().name);
    for_each_buffer(checkpoint.learner, [&](const std::string& prefix, std::vector<float>& buffer) {
        if (prefix == "ema/" && !has_ema) return;
        const auto bytes_of = [&](const ParameterSpec& spec) {
            return file.bytes(prefix + spec.name, TensorType::f32, spec.shape);
        };
        // The file holds every tensor before memory for them is asked for.
        for (const auto& spec : layout.specs()) {
            bytes_of(spec);
            known.insert(prefix + spec.name);
        }
        buffer.resize(static_cast<std::size_t>(layout.size()));
        for (const auto& spec : layout.specs()) {
            const auto bytes = bytes_of(spec);
            std::memcpy(buffer.data() + spec.offset, bytes.data(), bytes.size());
        }
    });
    for (const auto& [name, entry] : file.entries())
        if (!known.contains(name))
            reject(file.name(), fmt::format("the network has no tensor `{}`", printable(name)));
    return checkpoint;
}

}  // namespace abr
