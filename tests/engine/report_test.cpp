#include "engine/data/report.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/engine/small_table.hpp"

using namespace abr;

namespace {

Config two_classes() {
    Config config;
    config.data.classes = {"A", "B"};
    return config;
}

// Class A has 30 patients, B 10, of 1 to 5 recordings each.
Recordings unequal_table() {
    Recordings table = balanced_table(10, 2);
    for (int p = 10; p < 30; ++p)
        for (int r = 0; r <= p % 5; ++r) add_row(table, "c0p" + std::to_string(p), 0);
    return table;
}

EpochSampler sampler_of(const Dataset& data, Sampler kind) {
    return {kind, data.part(Split::train).label[Component::classification], data.classes.size(), 3, 42};
}

}  // namespace

TEST_CASE(
    "pitfall 22: the majority baseline is the macro F1 of always answering the largest training class") {
    const Dataset data = build_dataset(unequal_table(), two_classes());
    const Baselines baselines = compute_baselines(data);
    for (const auto& [split, metric] : {std::pair(Split::val, baselines.val.f1_macro_majority),
                                        std::pair(Split::test, baselines.test.f1_macro_majority)}) {
        double first = 0, all = 0;
        for (const std::int32_t label : data.part(split).label[Component::classification]) {
            first += label == 0;
            all += 1;
        }
        // Precision is the class's share p, recall 1: F1 = 2p / (1 + p); class B counts 0.
        const double share = first / all;
        CHECK(metric.value.value() == doctest::Approx(2 * share / (1 + share) / 2));
    }
}

TEST_CASE(
    "baselines: least squares finds a target that is linear in the static inputs, and only static inputs") {
    Recordings table = unequal_table();
    for (std::size_t r = 0; r < table.label.size(); ++r) {
        table.scalar[Component::threshold][r] =
            5 + 0.3f * table.intensity_db[r] - 2 * std::log1p(table.age_years[r]);
        // Depends on the recording's mean alone, which the baseline must not see.
        table.scalar[Component::peak_latency][r] = r % 2 == 0 ? 1.0f : 3.0f;
        for (std::int64_t k = 0; k < table.length; ++k)
            table.signal[r * static_cast<std::size_t>(table.length) + static_cast<std::size_t>(k)] +=
                10 * table.scalar[Component::peak_latency][r];
    }
    Dataset data = build_dataset(std::move(table), two_classes());
    const Baselines baselines = compute_baselines(data);
    CHECK(baselines.val.threshold_mae_db.value.value() < 1e-4);
    CHECK(baselines.test.threshold_mae_db.value.value() < 1e-4);
    CHECK(baselines.val.latency_mae_ms.value.value() > 0.5);

    // What holds in one split alone is not learnt there.
    for (const Split shifted : {Split::val, Split::test}) {
        Dataset other = data;
        for (float& db : other.parts[static_cast<std::size_t>(shifted)].scalar[Component::threshold]) db += 7;
        const Baselines found = compute_baselines(other);
        const bool val = shifted == Split::val;
        CHECK(found.val.threshold_mae_db.value.value() == doctest::Approx(val ? 7 : 0).epsilon(1e-4));
        CHECK(found.test.threshold_mae_db.value.value() == doctest::Approx(val ? 0 : 7).epsilon(1e-4));
    }
}

TEST_CASE("baselines: a target that no row has gives no number but a reason") {
    Recordings table = unequal_table();
    std::fill(table.scalar[Component::threshold].begin(), table.scalar[Component::threshold].end(), kMissing);
    const Baselines baselines = compute_baselines(build_dataset(std::move(table), two_classes()));
    CHECK_FALSE(baselines.val.threshold_mae_db.value.has_value());
    CHECK(baselines.val.threshold_mae_db.reason == "no training row has the target");
    CHECK(to_json(baselines)["threshold_mae_db"]["val"].is_null());
    CHECK(baselines.val.latency_mae_ms.value.has_value());
}

TEST_CASE("pitfall 18: the report counts classes by split and gives the largest repeats of the sampler") {
    const Dataset data = build_dataset(unequal_table(), two_classes());
    const Json json = to_json(make_data_report(data, {}, sampler_of(data, Sampler::balanced)));
    // Stratified; 4.5 and 1.5 patients of validation and test are rounded up.
    CHECK(json["classes"]["A"]["train"]["patients"] == 20);
    CHECK(json["classes"]["B"]["train"]["patients"] == 6);
    CHECK(json["classes"]["B"]["val"]["patients"] == 2);
    std::int64_t recordings = 0;
    for (const char* split : {"train", "val", "test"})
        for (const char* name : {"A", "B"})
            recordings += json["classes"][name][split]["recordings"].get<std::int64_t>();
    CHECK(recordings == 120);
    const auto train_a = json["classes"]["A"]["train"]["recordings"].get<double>();
    const auto train_b = json["classes"]["B"]["train"]["recordings"].get<double>();
    REQUIRE(train_a > train_b);
    REQUIRE((train_a + train_b) / 2 <= 3 * train_b);  // the cap is not reached
    CHECK(json["sampler"]["B"].get<double>() == std::ceil(std::floor((train_a + train_b) / 2) / train_b));
    CHECK(json["sampler"]["A"] == 1);
}

TEST_CASE(
    "report: data_report.json has the keys of the contract, and dropped components declare their columns") {
    Recordings table = unequal_table();
    table.has_column[Component::threshold] = false;
    std::fill(table.scalar[Component::threshold].begin(), table.scalar[Component::threshold].end(), kMissing);
    table.scalar[Component::peak_latency][0] = 99;
    ReadReport read;
    read.read = 130;
    read.filtered = 7;
    read.used = 120;
    read.rejected["negative latency"] = {3, {11, 12, 20}, "the first"};
    read.ranges["age_years"] = {119, 1, 0.0, 80.5};
    read.ranges["threshold_db"] = {0, 120};
    const Dataset data = build_dataset(std::move(table), two_classes());
    const Json json = to_json(make_data_report(data, read, sampler_of(data, Sampler::shuffle)));
    for (const char* key : {"rows", "classes", "sample_interval_ms", "ranges", "components", "absent_metrics",
                            "sampler", "baselines"})
        CHECK(json.contains(key));
    CHECK(
        json["rows"].dump() ==
        R"({"read":130,"skipped":{},"filtered":7,"rejected":{"negative latency":{"count":3,"lines":[11,12,20]}},"used":120})");
    CHECK(json["sample_interval_ms"] == 0.5);
    CHECK(json["ranges"]["age_years"]["maximum"] == 80.5);
    CHECK(json["ranges"]["age_years"]["missing"] == 1);
    CHECK(Json::parse(json.dump())["ranges"]["threshold_db"]["minimum"].is_null());
    CHECK(json["latencies_outside_window"] == 1);
    CHECK(json["components"]["signal"] == "on");
    CHECK(json["components"]["threshold"] == "dropped: the data have no column threshold_db");
    CHECK(json["labels"]["threshold"]["train"] == 0);
    CHECK(json["labels"]["peak_exist"]["val"].get<std::int64_t>() == data.part(Split::val).rows);
    CHECK(json["absent_metrics"]["train_loss_threshold_std"] == "the data have no column threshold_db");
    CHECK(json["absent_metrics"].size() == 5);
    CHECK(json["baselines"]["latency_mae_ms"]["test"].is_number());
    CHECK(json["sampler"]["A"] == 1);
}
