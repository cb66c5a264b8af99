#include "engine/training/checkpoint.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "engine/error.hpp"
#include "engine/formats/safetensors.hpp"
#include "engine/output/file.hpp"
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
    const auto steps = step_values(progress.epoch_steps);
    tensors.push_back({kStepsTensor,
                       TensorType::f64,
                       {std::ssize(progress.epoch_steps), step_column_count()},
                       steps.data()});

    const Json data = {{"classes", checkpoint.data.classes},
                       {"sample_interval_ms", checkpoint.data.sample_interval_ms},
                       {"first_sample_ms", checkpoint.data.first_sample_ms}};
    return serialize_safetensors(std::move(tensors), {{"format", "abr_engine"},
                                                      {"format_version", std::to_string(kCheckpointVersion)},
                                                      {"engine_version", kEngineVersion},
                                                      {"epoch", std::to_string(progress.epoch)},
                                                      {"step", std::to_string(progress.step)},
                                                      {kProgressKey, progress_text(progress)},
                                                      {"model", to_json(checkpoint.shape).dump()},
                                                      {"data", data.dump()},
                                                      {"evaluation", to_json(checkpoint.evaluation).dump()}});
}

void write_checkpoint(const Checkpoint& checkpoint, const ParameterLayout& layout, const RunFolder& folder,
                      std::span<const char* const> files) {
    const std::string bytes = serialize_checkpoint(checkpoint, layout);
    for (const char* file : files) write_file_atomically(folder.file(file), bytes);
}

std::int64_t checkpoint_bytes_per_step() {
    return step_column_count() * static_cast<std::int64_t>(sizeof(double));
}

Checkpoint load_checkpoint(const std::filesystem::path& path) {
    const auto file = SafetensorsFile::open(path);
    const auto& metadata = file.metadata();
    if (const auto format = metadata.find("format");
        format == metadata.end() || format->second != "abr_engine")
        reject(file.name(), "the safetensors file has no metadata `format` = `abr_engine`");
    if (const auto& version = file.metadata_value("format_version");
        version != "1" && version != std::to_string(kCheckpointVersion))
        throw InputError(
            fmt::format("{}: checkpoint format version `{}`: expected 1 or {}; use the version of abr_engine "
                        "that wrote it (engine_version `{}`)",
                        file.name(), version, kCheckpointVersion, file.metadata_value("engine_version")));

    Checkpoint checkpoint;
    checkpoint.shape =
        network_from_json(parse_metadata(file, "model"), file.name(), file.metadata_value("engine_version"));
    checkpoint.data = parse_data(file, checkpoint.shape);
    checkpoint.statistics = statistics_from_named_arrays(
        [&](const std::string& name) { return file.doubles(name); }, checkpoint.data.classes.size());
    checkpoint.evaluation = parse_evaluation(file, checkpoint.shape);
    checkpoint.progress = read_progress(file);

    const Network network(checkpoint.shape, 1);
    const auto& layout = network.parameters();
    std::set<std::string> known(std::begin(kProgressTensors), std::end(kProgressTensors));
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
