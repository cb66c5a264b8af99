#include "engine/data/dataset.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "engine/error.hpp"
#include "tests/engine/small_table.hpp"

using namespace abr;

namespace {

Config two_classes() {
    Config config;
    config.data.classes = {"A", "B"};
    return config;
}

// Ten patients of each of two classes, 60 recordings.
Recordings table_of_60() {
    return balanced_table(10, 2);
}

}  // namespace

TEST_CASE("pitfall 12: no patient stands in two splits, and every row stands in one") {
    const Dataset data = build_dataset(table_of_60(), two_classes());
    std::set<std::int64_t> rows;
    std::set<std::pair<std::int32_t, std::size_t>> patient_and_split;
    std::set<std::int32_t> patients;
    for (std::size_t s = 0; s < kSplits; ++s) {
        const SplitData& part = data.parts[s];
        CHECK(part.rows > 0);
        for (std::size_t r = 0; r < part.source_row.size(); ++r) {
            CHECK(rows.insert(part.source_row[r]).second);
            patient_and_split.emplace(part.patient[r], s);
            patients.insert(part.patient[r]);
        }
    }
    CHECK(rows.size() == 60);
    CHECK(patients.size() == 20);
    CHECK(patient_and_split.size() == 20);
}

TEST_CASE("pitfall 12: a patient whom the table knows by two numbers does not come to stand in two splits") {
    Recordings table = table_of_60();
    // Whatever the split is, the one patient that all of these are stands in each part of it.
    std::fill(table.patients.begin(), table.patients.end(), "the same");
    Config apart = two_classes();  // else they would be kept together, as alike
    apart.data.alike_patients = AlikePatients::apart;
    CHECK_THROWS_WITH_AS(build_dataset(std::move(table), apart),
                         "patient 'the same' stands in the splits 'train' and 'val'", RunError);
}

TEST_CASE("pitfall 12: what is fitted is fitted on the training rows alone") {
    Recordings table = table_of_60();
    for (std::size_t r = 0; r < table.label.size(); r += 7)
        table.age_years[r] = table.rate_hz[r] = table.fmp[r] = table.scalar[Component::threshold][r] =
            kMissing;
    for (std::size_t r = 0; r < table.label.size(); r += 3) table.rate_hz[r] = 11.1f;
    const Recordings source = table;
    Config config = two_classes();
    config.loss.class_weighting = ClassWeighting::balanced;
    const Dataset data = build_dataset(std::move(table), config);
    std::vector<std::int64_t> training;
    for (const std::int64_t row : data.part(Split::train).source_row) training.push_back(row - 1);
    const float dropout = config.augmentation.static_dropout;
    CHECK(dropout > 0);
    CHECK(data.statistics == fit_statistics(source, training, 2, config.loss, dropout));
    std::vector<std::int64_t> all(static_cast<std::size_t>(source.rows));
    std::iota(all.begin(), all.end(), 0);
    CHECK_FALSE(data.statistics == fit_statistics(source, all, 2, config.loss, dropout));
}

TEST_CASE("dataset: the flags allow for the stage that drops most static inputs") {
    Config config = two_classes();
    config.augmentation.static_dropout = 0;
    CHECK(build_dataset(table_of_60(), config).statistics.statics[kAgeMissing].sd == 0);
    config.stages = {config, config};
    config.stages[0].augmentation.static_dropout = 0.25f;
    CHECK(build_dataset(table_of_60(), config).statistics.statics[kAgeMissing].mean == 0.25);
}

TEST_CASE("dataset: which static inputs each row lacks") {
    Recordings table = table_of_60();
    table.age_years[3] = table.fmp[3] = table.rate_hz[4] = kMissing;
    const Dataset data = build_dataset(std::move(table), two_classes());
    for (const SplitData& part : data.parts)
        for (std::size_t r = 0; r < part.source_row.size(); ++r) {
            const bool fourth = part.source_row[r] == 4, fifth = part.source_row[r] == 5;
            CHECK(part.missing[r] == std::array{fourth, fifth, fourth});
        }
}

TEST_CASE("dataset: averages of one ear at one level and rate are alike, where no clean signal is given") {
    Recordings table = empty_table();
    for (int r = 0; r < 9; ++r) add_row(table, r < 8 ? "one" : "other", 0);
    table.ear = {0, 0, 1, 0, -1, -1, 0, 0, 0};
    table.intensity_db = {50, 50, 50, 50, 50, 50, 60, 50, 50};
    table.rate_hz = {21, 33, 21, 21, 21, 21, 21, kMissing, 21};
    const std::vector<std::int64_t> rows = {8, 7, 6, 5, 4, 3, 2, 1, 0};
    const auto alike = [&](std::size_t place) {
        const SplitData part = lay_out(table, rows, FittedStatistics{});
        const AlikeAverages view = part.view().alike;
        std::set<std::int64_t> found;
        for (std::int32_t i = 0; i < view.count[place]; ++i)
            found.insert(rows[static_cast<std::size_t>(view.order[view.first[place] + i])]);
        CHECK(found.size() == static_cast<std::size_t>(view.count[place]));
        return found;
    };
    using Set = std::set<std::int64_t>;
    CHECK(alike(8) == Set{0, 3});
    CHECK(alike(5) == Set{0, 3});
    CHECK(alike(4) == Set{4, 5});
    for (const std::size_t alone : {0u, 1u, 2u, 6u, 7u}) CHECK(alike(alone) == Set{rows[alone]});
    table.rate_hz[0] = kMissing;
    CHECK(alike(8) == Set{0, 7});
    table.has_clean = true;
    table.clean = table.signal;
    CHECK(lay_out(table, rows, FittedStatistics{}).view().alike.order == nullptr);
}

TEST_CASE("dataset: each row's arrays are those of its source row") {
    Recordings table = table_of_60();
    table.has_clean = true;
    table.clean = table.signal;
    for (float& value : table.clean) value *= 0.5f;
    table.label[7] = -1;
    table.scalar[Component::threshold][8] = kMissing;
    const Recordings source = table;
    const Dataset data = build_dataset(std::move(table), two_classes());
    CHECK(data.length == kSmallLength);
    CHECK(data.first_sample_ms == 0);
    for (const SplitData& part : data.parts) {
        const DeviceRecordings view = part.view();
        CHECK(view.rows == part.rows);
        CHECK(view.length == kSmallLength);
        for (Index r = 0; r < part.rows; ++r) {
            const auto i = static_cast<std::size_t>(r);
            const auto from = static_cast<std::size_t>(part.source_row[i] - 1);
            for (Index k = 0; k < kSmallLength; ++k) {
                const auto sample = from * kSmallLength + static_cast<std::size_t>(k);
                CHECK(view.signal[r * kSmallLength + k] == source.signal[sample]);
                CHECK(view.clean[r * kSmallLength + k] == source.clean[sample]);
            }
            const auto statics =
                standardised_statics(source, static_cast<std::int64_t>(from), data.statistics);
            for (std::size_t k = 0; k < kStoredStatics; ++k)
                CHECK(view.statics[i * kStoredStatics + k] == statics[k]);
            CHECK(view.label[Component::classification][r] == source.label[from]);
            CHECK(view.label[Component::peak_exist][r] == 1);
            CHECK(view.scalar[Component::peak_latency][r] == source.scalar[Component::peak_latency][from]);
            CHECK(view.scalar[Component::peak_amplitude][r] ==
                  source.scalar[Component::peak_amplitude][from]);
            CHECK((view.scalar[Component::threshold][r] == source.scalar[Component::threshold][from] ||
                   (from == 8 && std::isnan(view.scalar[Component::threshold][r]))));
            CHECK(part.patient[i] == source.patient[from]);
        }
    }
}

TEST_CASE("dataset: a row whose clean signal is missing has the recording itself as its target") {
    Recordings table = table_of_60();
    table.has_clean = true;
    table.clean.assign(table.signal.size(), 0.25f);
    const auto missing = table.clean.begin() + 5 * kSmallLength;
    std::fill(missing, missing + kSmallLength, kMissing);
    const Dataset data = build_dataset(std::move(table), two_classes());
    for (const SplitData& part : data.parts)
        for (std::size_t i = 0; i < part.clean.size(); ++i)
            CHECK(part.clean[i] == (part.source_row[i / kSmallLength] == 6 ? part.signal[i] : 0.25f));
}

TEST_CASE("dataset: without clean signals the kernels see none") {
    const Dataset data = build_dataset(table_of_60(), two_classes());
    CHECK(data.part(Split::train).view().clean == nullptr);
}

TEST_CASE("dataset: a latency outside the window is masked, and the wave exists, unmarked is absent") {
    Recordings table = table_of_60();
    table.scalar[Component::peak_latency][3] = 4.5f;
    table.scalar[Component::peak_latency][4] = kMissing;
    const Dataset data = build_dataset(std::move(table), two_classes());
    CHECK(data.latencies_outside_window == 1);
    int found = 0;
    for (const SplitData& part : data.parts)
        for (std::size_t r = 0; r < part.source_row.size(); ++r) {
            if (part.source_row[r] != 4 && part.source_row[r] != 5) continue;
            ++found;
            CHECK(std::isnan(part.scalar[Component::peak_latency][r]));
            CHECK(part.label[Component::peak_exist][r] == (part.source_row[r] == 4 ? 1 : 0));
        }
    CHECK(found == 2);
}

TEST_CASE("pitfall 7: a component without labels is dropped with the reason, and its weight becomes 0") {
    Recordings table = table_of_60();
    table.has_column[Component::threshold] = table.has_column[Component::peak_latency] = false;
    std::fill(table.scalar[Component::threshold].begin(), table.scalar[Component::threshold].end(), kMissing);
    std::fill(table.scalar[Component::peak_latency].begin(), table.scalar[Component::peak_latency].end(),
              kMissing);
    const Config config = two_classes();
    const Dataset data = build_dataset(std::move(table), config);
    CHECK(data.dropped[Component::threshold] == "the data have no column threshold_db");
    CHECK(data.dropped[Component::peak_latency] == "the data have no column wave_v_latency_ms");
    CHECK_FALSE(data.is_on(Component::peak_exist));
    for (const Component on : {Component::signal, Component::peak_amplitude, Component::classification})
        CHECK(data.is_on(on));
    CHECK(data.part(Split::train).label[Component::peak_exist][0] == -1);
    const Config resolved = with_dropped_weights(config, data);
    CHECK(resolved.loss.weights[Component::threshold] == 0);
    CHECK(resolved.loss.weights[Component::signal] == config.loss.weights[Component::signal]);
}

TEST_CASE("pitfall 7: a weight that the file gives to a component without labels is an error at its place") {
    Recordings table = table_of_60();
    std::fill(table.scalar[Component::threshold].begin(), table.scalar[Component::threshold].end(), kMissing);
    Config config = two_classes();
    config.loss.weight_written_at[Component::threshold] = "run.toml:7:1";
    CHECK_THROWS_WITH_AS(
        build_dataset(Recordings(table), config),
        doctest::Contains("run.toml:7:1: loss.weights.threshold = 1 cannot be trained: no training row"),
        InputError);
    config.loss.weights[Component::threshold] = 0;
    CHECK(build_dataset(Recordings(table), config).dropped[Component::threshold] ==
          "no training row has a label");
}

TEST_CASE(
    "pitfall 7: labels that only training rows have do not keep a component, one class of existence does") {
    const Dataset whole = build_dataset(table_of_60(), two_classes());
    Recordings table = table_of_60();
    for (const SplitData* part : {&whole.part(Split::val), &whole.part(Split::test)})
        for (const std::int64_t row : part->source_row)
            table.scalar[Component::threshold][static_cast<std::size_t>(row - 1)] = kMissing;
    const Dataset data = build_dataset(std::move(table), two_classes());
    CHECK(data.dropped[Component::threshold] == "no validation row has a label");
    CHECK(data.part(Split::train).labelled(Component::threshold) == data.part(Split::train).rows);
    CHECK(data.is_on(Component::peak_exist));  // every wave is marked
}

TEST_CASE("dataset: a table without rows, without a validation split, or with more classes is an error") {
    CHECK_THROWS_WITH_AS(build_dataset(empty_table(), two_classes()),
                         doctest::Contains("split 'train' has no recordings: 0 rows of 0 patients"),
                         InputError);
    Recordings unlabelled = empty_table();
    add_row(unlabelled, "only", -1);
    CHECK_THROWS_WITH_AS(build_dataset(std::move(unlabelled), two_classes()),
                         doctest::Contains("split 'val' has no recordings: 1 rows of 1 patients"),
                         InputError);
    CHECK_THROWS_WITH_AS(build_dataset(balanced_table(3, 3), two_classes()),
                         doctest::Contains("has class number 2 (from 0), data.classes names 2"), InputError);
}
