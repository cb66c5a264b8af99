#include "engine/data/report.hpp"

#include <set>

#include "engine/output/text_table.hpp"

namespace abr {
namespace {

std::vector<std::array<DataReport::ClassCount, kSplits>> count_classes(const Dataset& data) {
    std::vector<std::array<DataReport::ClassCount, kSplits>> counts(data.classes.size());
    for (std::size_t s = 0; s < kSplits; ++s) {
        const SplitData& part = data.parts[s];
        std::set<std::pair<std::int32_t, std::int32_t>> seen;  // class, patient
        const auto& label = part.label[Component::classification];
        for (std::size_t r = 0; r < label.size(); ++r) {
            if (label[r] < 0) continue;
            DataReport::ClassCount& count = counts[static_cast<std::size_t>(label[r])][s];
            ++count.recordings;
            if (seen.emplace(label[r], part.patient[r]).second) ++count.patients;
        }
    }
    return counts;
}

// {"train": ..., "val": ..., "test": ...}
template <class Value>
Json by_split(const Value& value_of_split) {
    Json json = Json::object();
    for (std::size_t s = 0; s < kSplits; ++s) json[std::string(kSplitNames[s])] = value_of_split(s);
    return json;
}

}  // namespace

DataReport make_data_report(const Dataset& data, ReadReport rows, const EpochSampler& sampler) {
    DataReport report;
    report.rows = std::move(rows);
    report.classes = data.classes;
    report.class_counts = count_classes(data);
    report.sample_interval_ms = data.sample_interval_ms;
    report.latencies_outside_window = data.latencies_outside_window;
    for (const Component c : kAllComponents) {
        for (std::size_t s = 0; s < kSplits; ++s) report.labels[c][s] = data.parts[s].labelled(c);
        report.components[c] =
            data.dropped[c].empty() ? std::string(kComponentOn) : "dropped: " + data.dropped[c];
        if (data.dropped[c].empty() || !is_task(c)) continue;
        const std::string name(task_of(c).name);
        for (const char* suffix : {"", "_std", "_min", "_max"})
            report.absent_metrics["train_loss_" + name + suffix] = data.dropped[c];
        report.absent_metrics["train_share_" + name] = data.dropped[c];
    }
    report.largest_repeats = sampler.largest_repeats();
    report.baselines = compute_baselines(data);
    for (std::size_t s = 0; s < kSplits; ++s) report.fingerprints[s] = data.parts[s].fingerprint();
    return report;
}

Json to_json(const Baselines& baselines) {
    const auto both = [&](Metric SplitBaselines::*metric) {
        return Json{{"val", to_json_value(baselines.val.*metric)},
                    {"test", to_json_value(baselines.test.*metric)}};
    };
    return Json{{"f1_macro_majority", both(&SplitBaselines::f1_macro_majority)},
                {"latency_mae_ms", both(&SplitBaselines::latency_mae_ms)},
                {"threshold_mae_db", both(&SplitBaselines::threshold_mae_db)}};
}

Json to_json(const DataReport& report) {
    Json rejected = Json::object();
    for (const auto& [reason, rejection] : report.rows.rejected)
        rejected[reason] = {{"count", rejection.count}, {"lines", rejection.lines}};
    Json classes = Json::object(), sampler = Json::object();
    for (std::size_t c = 0; c < report.classes.size(); ++c) {
        classes[report.classes[c]] = by_split([&](std::size_t s) {
            const DataReport::ClassCount& count = report.class_counts[c][s];
            return Json{{"recordings", count.recordings}, {"patients", count.patients}};
        });
        sampler[report.classes[c]] = report.largest_repeats[c];
    }
    Json ranges = Json::object();
    for (const auto& [column, range] : report.rows.ranges)  // NaN becomes null
        ranges[column] = {{"minimum", range.minimum},
                          {"maximum", range.maximum},
                          {"values", range.values},
                          {"missing", range.missing}};
    Json components = Json::object(), labels = Json::object();
    for (const Component c : kAllComponents) {
        const std::string name(task_of(c).name);
        if (is_task(c) || report.components[c] == kComponentOn) components[name] = report.components[c];
        if (is_task(c)) labels[name] = by_split([&](std::size_t s) { return report.labels[c][s]; });
    }
    Json json;
    Json suspicious = Json::array();
    for (const Suspicion& suspicion : report.rows.suspicions) {
        Json examples = Json::array();
        for (const SuspectCell& cell : suspicion.places)
            examples.push_back({{"value", printable(cell.value)}, {"line", cell.line}});
        suspicious.push_back({{"kind", suspicion.kind},
                              {"column", printable(suspicion.column)},
                              {"count", suspicion.count},
                              {"what", printable(suspicion.what)},
                              {"remedy", printable(suspicion.remedy)},
                              {"examples", examples}});
    }
    json["rows"] = {{"read", report.rows.read},
                    {"skipped", Json(report.rows.skipped)},
                    {"filtered", report.rows.filtered},
                    {"rejected", rejected},
                    {"used", report.rows.used}};
    json["suspicious"] = suspicious;
    json["classes"] = classes;
    json["sample_interval_ms"] = report.sample_interval_ms;
    json["ranges"] = ranges;
    json["latencies_outside_window"] = report.latencies_outside_window;
    json["components"] = components;
    json["labels"] = labels;
    json["absent_metrics"] = Json(report.absent_metrics);
    json["sampler"] = sampler;
    json["baselines"] = to_json(report.baselines);
    json["fingerprints"] = by_split([&](std::size_t s) { return report.fingerprints[s]; });
    return json;
}

}  // namespace abr
