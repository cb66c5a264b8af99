#include "engine/training/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <type_traits>
#include <utility>

#include "engine/error.hpp"
#include "engine/output/json.hpp"
#include "engine/output/text_table.hpp"

namespace abr {
namespace {

constexpr const char* kStepColumns = "step_columns";

// One list of the numbers serves writing and reading.
template <class Progress, class Visit>
void for_each_number(Progress&& p, const Visit& visit) {
    visit("epoch", p.epoch);
    visit("step", p.step);
    visit("stage", p.begin.stage);
    visit("stage.first_epoch", p.begin.epoch);
    visit("stage.first_step", p.begin.step);
    visit("best_f1.epoch", p.best_f1.epoch);
    visit("best_f1.value", p.best_f1.value);
    visit("best_loss.epoch", p.best_loss.epoch);
    visit("best_loss.value", p.best_loss.value);
    visit("early_stopping.epoch", p.stopping.epoch);
    visit("early_stopping.value", p.stopping.value);
    visit("plateau.best_loss", p.plateau.best_loss);
    visit("plateau.epochs_without_improvement", p.plateau.epochs_without_improvement);
    visit("plateau.reductions", p.plateau.reductions);
}

// Likewise of the columns behind the first, which is the step.
template <class Record, class Visit>
void for_each_column(Record&& record, const Visit& visit) {
    visit("learning_rate", record.learning_rate);
    visit("grad_norm", record.grad_norm);
    visit("loss_total", record.loss_total);
    for (const Component c : kAllComponents) visit("loss_" + std::string(task_of(c).name), record.loss[c]);
}

std::vector<std::string> step_columns() {
    std::vector<std::string> columns = {"step"};
    for_each_column(StepRecord{}, [&](const std::string& name, double) { columns.push_back(name); });
    return columns;
}

[[noreturn]] void reject(const SafetensorsFile& file, const std::string& what) {
    throw InputError(fmt::format("{}: {}; expected a checkpoint written by abr_engine", file.name(), what));
}

// What version 1 kept in fixed places, as if it had written the names.
Json positional_progress(const SafetensorsFile& file) {
    Json json = Json::object();
    const auto name = [&](const auto& values, std::initializer_list<const char*> names) {
        if (values.size() != names.size()) reject(file, "the tensors `progress/...` have the wrong size");
        std::size_t place = 0;
        for (const char* n : names) json[n] = values[place++];
    };
    name(file.integers(kProgressTensors[1]),
         {"epoch", "step", "best_f1.epoch", "best_loss.epoch", "early_stopping.epoch",
          "plateau.epochs_without_improvement", "plateau.reductions"});
    name(file.doubles(kProgressTensors[2]),
         {"best_f1.value", "best_loss.value", "early_stopping.value", "plateau.best_loss"});
    json[kStepColumns] = {"step",
                          "learning_rate",
                          "grad_norm",
                          "loss_total",
                          "loss_signal",
                          "loss_peak_exist",
                          "loss_peak_latency",
                          "loss_peak_amplitude",
                          "loss_classification",
                          "loss_threshold"};
    return json;
}

Json named_progress(const SafetensorsFile& file) {
    Json json = Json::parse(file.metadata_value(kProgressKey), nullptr, false);
    if (!json.is_object() || !json.contains(kStepColumns))
        reject(file, fmt::format("metadata `{}` is no JSON object with `{}`", kProgressKey, kStepColumns));
    return json;
}

// Takes the numbers that are there out of `json`.
void take_numbers(Json& json, TrainingProgress& progress, const SafetensorsFile& file) {
    for_each_number(progress, [&]<class V>(const char* name, V& value) {
        const auto found = json.find(name);
        if (found == json.end()) return;
        if (std::is_same_v<V, double> ? !found->is_number() : !found->is_number_integer())
            reject(file, fmt::format("metadata `{}`: {} = {} is no number of its kind", kProgressKey, name,
                                     found->dump()));
        found->get_to(value);
        json.erase(found);
    });
}

// The records whose columns `names` tells; the last is that of the step before `step`.
std::vector<StepRecord> take_records(const Json& names, std::int64_t step, const SafetensorsFile& file) {
    const auto broken = [&] {
        reject(file, fmt::format("`{}` is no table of the columns that it should have", kStepsTensor));
    };
    std::map<std::string, std::size_t> place;
    if (!names.is_array()) broken();
    for (const Json& name : names)
        if (!name.is_string() || !place.emplace(name.get<std::string>(), place.size()).second) broken();
    const std::size_t columns = place.size();
    const auto step_place = place.extract("step");
    const auto cells = file.doubles(kStepsTensor);
    if (step_place.empty() || cells.size() % columns != 0) broken();

    std::vector<StepRecord> records(cells.size() / columns);
    const std::int64_t first = step - std::ssize(records);
    if (first < 0) reject(file, fmt::format("`{}` holds more steps than were done", kStepsTensor));
    for (std::size_t row = 0; row < records.size(); ++row) {
        const double* cell = cells.data() + row * columns;
        records[row].step = first + static_cast<std::int64_t>(row);
        if (cell[step_place.mapped()] != static_cast<double>(records[row].step))
            reject(file, fmt::format("`{}` holds other steps than those before step {}", kStepsTensor, step));
        for_each_column(records[row], [&](const std::string& name, double& value) {
            if (const auto found = place.find(name); found != place.end()) value = cell[found->second];
        });
    }
    for (const std::string& name : step_columns()) place.erase(name);
    if (!place.empty()) reject(file, fmt::format("a step has no `{}`", printable(place.begin()->first)));
    return records;
}

void check(const TrainingProgress& p, const SafetensorsFile& file) {
    if (std::min({p.epoch, p.step, p.begin.stage, p.begin.epoch, p.begin.step,
                  p.plateau.epochs_without_improvement, p.plateau.reductions}) < 0)
        reject(file, "the run's progress holds a negative count");
    if (p.begin.epoch > p.epoch || p.begin.step > p.step || (p.begin.stage == 0 && p.begin != StageBegin{}))
        reject(file, "the run's progress begins its stage elsewhere than it can have begun");
    for (const BestEpoch& best : {p.best_f1, p.best_loss, p.stopping})
        if (best.epoch != -1 && (best.epoch < p.begin.epoch || best.epoch >= p.epoch))
            reject(file, "the run's progress names an epoch that is not complete in its stage");
    for (const auto& [key, value] : {std::pair("epoch", p.epoch), std::pair("step", p.step)})
        if (file.metadata_value(key) != std::to_string(value))
            reject(file, fmt::format("metadata `{}` and the run's progress differ", key));
}

}  // namespace

std::string progress_text(const TrainingProgress& progress) {
    std::map<std::string, Json> defaults;
    for_each_number(TrainingProgress{}, [&](const char* name, const auto& value) { defaults[name] = value; });
    Json json = Json::object();
    for_each_number(progress, [&](const char* name, const auto& value) {
        if (Json number = value; number != defaults.at(name)) json[name] = std::move(number);
    });
    json[kStepColumns] = step_columns();
    return json.dump();
}

std::vector<double> step_values(const std::vector<StepRecord>& records) {
    std::vector<double> values;
    for (const StepRecord& record : records) {
        values.push_back(static_cast<double>(record.step));
        for_each_column(record, [&](const std::string&, double value) { values.push_back(value); });
    }
    return values;
}

std::int64_t step_column_count() {
    return std::ssize(step_columns());
}

TrainingProgress read_progress(const SafetensorsFile& file) {
    Json json = file.contains(kProgressTensors[1]) ? positional_progress(file) : named_progress(file);
    const Json columns = std::move(json[kStepColumns]);
    json.erase(kStepColumns);
    TrainingProgress progress;
    take_numbers(json, progress, file);
    if (!json.empty())
        reject(file,
               fmt::format("metadata `{}`: a run has no `{}`", kProgressKey, printable(json.begin().key())));
    check(progress, file);
    progress.epoch_steps = take_records(columns, progress.step, file);
    return progress;
}

}  // namespace abr
