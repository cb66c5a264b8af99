#include "engine/data/dataset.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "engine/error.hpp"

namespace abr {
namespace {

Index count_present(const std::vector<std::int32_t>& values) {
    return std::count_if(values.begin(), values.end(), [](std::int32_t v) { return v >= 0; });
}
Index count_present(const std::vector<float>& values) {
    return std::count_if(values.begin(), values.end(), [](float v) { return !std::isnan(v); });
}

using RowsOfSplits = std::array<std::vector<std::int64_t>, kSplits>;

RowsOfSplits rows_of_splits(const Recordings& table, const PatientSplit& split) {
    RowsOfSplits rows;
    for (std::int64_t r = 0; r < table.rows; ++r) {
        const auto patient = static_cast<std::size_t>(table.patient[static_cast<std::size_t>(r)]);
        rows[static_cast<std::size_t>(split.split[patient])].push_back(r);
    }
    return rows;
}

void check_labels(const Recordings& table, std::size_t classes) {
    const auto largest = std::max_element(table.label.begin(), table.label.end());
    if (largest != table.label.end() && *largest >= static_cast<std::int32_t>(classes))
        throw InputError(fmt::format(
            "data row {} has class number {} (from 0), data.classes names {} classes; name all "
            "classes of the data",
            table.source_row[static_cast<std::size_t>(largest - table.label.begin())], *largest, classes));
}

// Counted on what was laid out and by name, not on what the split intended: a table that knows one patient by two
// numbers is found out as well.
void check_no_patient_twice(const Dataset& data) {
    std::unordered_map<std::string_view, std::size_t> stands_in;
    for (std::size_t s = 0; s < kSplits; ++s)
        for (const std::int32_t patient : data.parts[s].patient) {
            const std::string& name = data.patients[static_cast<std::size_t>(patient)];
            const std::size_t seen = stands_in.emplace(name, s).first->second;
            if (seen != s)
                throw RunError(fmt::format("patient '{}' stands in the splits '{}' and '{}'", name,
                                           kSplitNames[seen], kSplitNames[s]));
        }
}

// The class, or whether the label that a binary task goes by is there; -1 where the table does not say.
std::int32_t label_target(const Recordings& table, Component c, std::size_t row) {
    if (task_of(c).kind == TaskKind::classes) return table.label[row];
    if (!table.can_label(c)) return -1;
    return std::isnan(table.scalar[task_of(c).labelled_by][row]) ? 0 : 1;
}

// Why a further loss has nothing to read; empty where it has.
std::string reason_without(Component c, const NetworkSettings& model,
                           const PerComponent<std::string>& dropped) {
    if (c != Component::peak_location) return {};
    if (model.latency_head != LatencyHead::point) return "model.latency_head does not point";
    return dropped[Component::peak_latency];
}

// Of the given rows of a table: averages of the same ear, or of a patient whose ears are not given, at the same level and
// rate.
AlikeRows find_alike(const Recordings& table, std::span<const std::int64_t> rows) {
    const auto condition = [&](std::int32_t row) {
        const auto r = static_cast<std::size_t>(rows[static_cast<std::size_t>(row)]);
        // A missing rate is a condition of its own: NaN would be equal to nothing.
        const float rate = std::isnan(table.rate_hz[r]) ? -1 : table.rate_hz[r];
        return std::tuple(table.patient[r], table.ear[r], table.intensity_db[r], rate);
    };
    AlikeRows alike;
    alike.order.resize(rows.size());
    std::iota(alike.order.begin(), alike.order.end(), 0);
    std::ranges::stable_sort(alike.order, {}, condition);
    alike.first.resize(rows.size());
    alike.count.resize(rows.size());
    for (std::size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
        const auto same = [&](std::int32_t row) { return condition(row) == condition(alike.order[begin]); };
        while (end < rows.size() && same(alike.order[end])) ++end;
        for (std::size_t i = begin; i < end; ++i) {
            const auto row = static_cast<std::size_t>(alike.order[i]);
            alike.first[row] = static_cast<std::int32_t>(begin);
            alike.count[row] = static_cast<std::int32_t>(end - begin);
        }
    }
    return alike;
}

PerComponent<std::string> find_dropped(const Recordings& table, const Dataset& data, const Config& config) {
    PerComponent<std::string> dropped;
    for (const Component c : kAllComponents) {
        if (!is_task(c)) {
            const auto weighs = [c](const Config& stage) { return stage.loss.weights[c] > 0; };
            if (std::ranges::none_of(stages_of(config), weighs))
                dropped[c] = "its weight is 0";
            else
                dropped[c] = reason_without(c, config.model, dropped);
            continue;
        }
        if (!table.can_label(c))
            dropped[c] = fmt::format("the data have no column {}", task_of(c).label_column);
        else if (data.part(Split::train).labelled(c) == 0)
            dropped[c] = "no training row has a label";
        else if (data.part(Split::val).labelled(c) == 0)
            dropped[c] = "no validation row has a label";
    }
    return dropped;
}

void check_written_weights(const PerComponent<std::string>& dropped, const LossConfig& loss) {
    for (const Component c : kAllComponents)
        if (!dropped[c].empty() && loss.weights[c] > 0 && !loss.weight_written_at[c].empty())
            throw InputError(
                fmt::format("{}: loss.weights.{} = {} cannot be trained: {}; set the weight to 0, remove "
                            "the line, or supply the labels",
                            loss.weight_written_at[c], task_of(c).name, loss.weights[c], dropped[c]));
}

}  // namespace

DeviceRecordings SplitData::view() const {
    DeviceRecordings view{.rows = rows,
                          .length = length,
                          .signal = signal.data(),
                          .clean = clean.empty() ? nullptr : clean.data(),
                          .statics = statics.data()};
    if (!alike.order.empty()) view.alike = {alike.order.data(), alike.first.data(), alike.count.data()};
    for (const Component c : kAllComponents) {
        if (is_labelled(c)) view.label[c] = label[c].data();
        if (is_scalar(c)) view.scalar[c] = scalar[c].data();
    }
    return view;
}

std::string SplitData::fingerprint() const {
    std::uint64_t hash = 0xCBF29CE484222325U;  // FNV-1a (Fowler, Noll, Vo), by words
    const auto add = [&](const auto& values) {
        hash = (hash ^ values.size()) * 0x100000001B3U;
        for (const auto value : values) {
            hash = (hash ^ std::bit_cast<std::uint32_t>(value)) * 0x100000001B3U;
            hash ^= hash >> 32;
        }
    };
    add(signal);
    add(clean);
    // Age and FMP went through logarithms, which another processor may round otherwise.
    for (std::size_t i = 0; i < statics.size(); ++i)
        if (i % kStoredStatics != kAge && i % kStoredStatics != kFmp) add(std::span(statics).subspan(i, 1));
    for (const Component c : kAllComponents) {
        add(label[c]);
        add(scalar[c]);
    }
    return fmt::format("{:016x}", hash);
}

Index SplitData::labelled(Component c) const {
    if (task_of(c).kind == TaskKind::signal) return rows;
    return is_scalar(c) ? count_present(scalar[c]) : count_present(label[c]);
}

SplitData lay_out(const Recordings& table, std::span<const std::int64_t> rows,
                  const FittedStatistics& statistics) {
    SplitData part;
    part.rows = static_cast<Index>(rows.size());
    part.length = table.length;
    if (!table.has_clean) part.alike = find_alike(table, rows);
    const auto length = static_cast<std::size_t>(table.length);
    part.signal.reserve(rows.size() * length);
    if (table.has_clean) part.clean.reserve(rows.size() * length);
    const bool has_ears = std::ranges::any_of(table.ear, [](std::int8_t ear) { return ear >= 0; });
    for (const std::int64_t row : rows) {
        const auto r = static_cast<std::size_t>(row);
        const auto begin = static_cast<std::ptrdiff_t>(r * length),
                   end = begin + static_cast<std::ptrdiff_t>(length);
        part.signal.insert(part.signal.end(), table.signal.begin() + begin, table.signal.begin() + end);
        if (table.has_clean) {
            // A row whose clean cells are empty has, as a table without clean signals, itself as the target.
            const auto& source = std::isnan(table.clean[r * length]) ? table.signal : table.clean;
            part.clean.insert(part.clean.end(), source.begin() + begin, source.begin() + end);
        }
        const auto statics = standardised_statics(table, row, statistics);
        part.statics.insert(part.statics.end(), statics.begin(), statics.end());
        part.missing.push_back(
            {std::isnan(table.age_years[r]), std::isnan(table.rate_hz[r]), std::isnan(table.fmp[r])});
        for (const Component c : kAllComponents) {
            if (is_scalar(c)) part.scalar[c].push_back(scalar_target(table, c, r));
            if (is_labelled(c)) part.label[c].push_back(label_target(table, c, r));
        }
        part.patient.push_back(table.patient[r]);
        if (has_ears) part.ear.push_back(table.ear[r]);
        part.intensity_db.push_back(table.intensity_db[r]);
        part.source_row.push_back(table.source_row[r]);
    }
    return part;
}

Dataset build_dataset(Recordings&& recordings, const Config& config) {
    const Recordings table = std::move(recordings);
    check_labels(table, config.data.classes.size());
    Dataset data;
    data.classes = config.data.classes;
    data.patients = table.patients;
    data.sample_interval_ms = table.sample_interval_ms;
    data.first_sample_ms = table.first_sample_ms;
    data.length = table.length;
    data.split = split_patients(table, config.data);

    const RowsOfSplits rows = rows_of_splits(table, data.split);
    for (const Split s : {Split::train, Split::val})
        if (rows[static_cast<std::size_t>(s)].empty())
            throw InputError(fmt::format(
                "the split '{}' has no recordings: {} rows of {} patients are used; supply more "
                "patients or change {}",
                kSplitNames[static_cast<std::size_t>(s)], table.rows, table.patients.size(),
                config.data.split_file.empty() ? "data.train, data.val and data.test" : "data.split_file"));
    // One network learns in all stages: a flag that varies in one of them has to say something.
    float dropout = 0;
    for (const Config& stage : stages_of(config))
        dropout = std::max(dropout, stage.augmentation.static_dropout);
    data.statistics = fit_statistics(table, rows[0], data.classes.size(), config.loss, dropout);
    for (std::size_t s = 0; s < kSplits; ++s) data.parts[s] = lay_out(table, rows[s], data.statistics);
    check_no_patient_twice(data);
    const auto& latency = table.scalar[Component::peak_latency];
    for (std::size_t r = 0; r < latency.size(); ++r)
        if (!std::isnan(latency[r]) && std::isnan(scalar_target(table, Component::peak_latency, r)))
            ++data.latencies_outside_window;
    data.dropped = find_dropped(table, data, config);
    for (const Config& stage : stages_of(config)) check_written_weights(data.dropped, stage.loss);
    return data;
}

Config with_dropped_weights(Config config, const Dataset& data) {
    for (const Component c : kAllComponents)
        if (!data.dropped[c].empty()) config.loss.weights[c] = 0;
    for (Config& stage : config.stages) stage = with_dropped_weights(std::move(stage), data);
    return config;
}

}  // namespace abr
