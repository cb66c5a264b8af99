#include "engine/data/suspicions.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "tests/engine/small_table.hpp"

using namespace abr;

namespace {

// Recordings as they should be: 20 ms, sd 0.2 uV, wave V at 6 ms.
Recordings usual() {
    Recordings table = empty_table();
    table.sample_interval_ms = 2.5;
    for (int r = 0; r < 30; ++r) add_row(table, "p" + std::to_string(r), 0);
    for (float& latency : table.scalar[Component::peak_latency]) latency += 5;
    return table;
}

Suspicions suspicions_of(const Recordings& table, const DataConfig& config = {}) {
    return find_suspicions(table, config, 2);
}

void scale(std::vector<float>& values, float factor) {
    for (float& value : values) value *= factor;
}

}  // namespace

TEST_CASE("suspicions: usual recordings give none, missing values are no matter") {
    Recordings table = usual();
    CHECK(suspicions_of(table).empty());
    table.age_years.assign(table.age_years.size(), kMissing);
    table.scalar[Component::peak_latency].assign(table.age_years.size(), kMissing);
    table.scalar[Component::peak_amplitude].assign(table.age_years.size(), kMissing);
    CHECK(suspicions_of(table).empty());
}

TEST_CASE("suspicions: each column in another unit gives one sentence that names it and the remedy") {
    struct Mistake {
        std::function<void(Recordings&)> change;
        std::string column, unit, remedy;
    };
    const std::vector<Mistake> mistakes = {
        {[](Recordings& t) { scale(t.signal, 1e-6f); }, "signal: ", "looks like V;",
         "data.signal_unit = \"V\""},
        {[](Recordings& t) { scale(t.signal, 1e-3f); }, "signal: ", "looks like mV;",
         "data.signal_unit = \"mV\""},
        {[](Recordings& t) { scale(t.signal, 1e3f); }, "signal: ", "looks like nV",
         "data.signal_unit = \"nV\""},
        {[](Recordings& t) { scale(t.scalar[Component::peak_latency], 1e-3f); },
         "wave_v_latency_ms: ", "looks like s;", "data.latency_unit = \"s\""},
        {[](Recordings& t) { scale(t.scalar[Component::peak_latency], 1e3f); },
         "wave_v_latency_ms: ", "looks like us;", "data.latency_unit = \"us\""},
        {[](Recordings& t) { scale(t.scalar[Component::peak_amplitude], 1e-6f); },
         "wave_v_amplitude_uv: ", "looks like V;", "data.amplitude_unit = \"V\""},
        {[](Recordings& t) { scale(t.scalar[Component::peak_amplitude], 1e3f); },
         "wave_v_amplitude_uv: ", "looks like nV;", "data.amplitude_unit = \"nV\""},
        {[](Recordings& t) { scale(t.age_years, 12); }, "age_years: ", "looks like months;", "divide by 12"},
        {[](Recordings& t) { scale(t.age_years, 365); }, "age_years: ", "looks like days;",
         "divide by 365.25"},
        {[](Recordings& t) { t.sample_interval_ms *= 1e-3; }, "sample_interval_ms: ", "an interval in s;",
         "multiply by 1000"},
        {[](Recordings& t) { t.sample_interval_ms *= 1e3; }, "sample_interval_ms: ", "an interval in us;",
         "divide by 1000"},
        {[](Recordings& t) {
             for (std::int64_t r = 0; r < t.rows; ++r)
                 for (std::int64_t k = 0; k < t.length; ++k)
                     t.signal[static_cast<std::size_t>(r * t.length + k)] = k % 2 == 0 ? 1.0f : -1.0f;
         },
         "signal: ", "looks like z-scored signals", "supply them in uV"},
    };
    for (const Mistake& mistake : mistakes) {
        CAPTURE(mistake.unit);
        Recordings table = usual();
        mistake.change(table);
        std::vector<std::string> warnings;
        for (const Suspicion& suspicion : suspicions_of(table))
            if (suspicion.kind == "unit") warnings.push_back(suspicion_text(suspicion));
        REQUIRE(warnings.size() == 1);
        CAPTURE(warnings.front());
        CHECK(warnings.front().starts_with(mistake.column));
        CHECK(warnings.front().find(mistake.unit) != std::string::npos);
        CHECK(warnings.front().find(mistake.remedy) != std::string::npos);
    }
}

namespace {

// The kinds that are found, with their columns.
std::vector<std::string> kinds(const Recordings& table, const DataConfig& config = {}) {
    std::vector<std::string> found;
    for (const Suspicion& suspicion : suspicions_of(table, config)) found.push_back(suspicion.kind);
    return found;
}

using Kinds = std::vector<std::string>;

}  // namespace

TEST_CASE(
    "suspicions: every kind of silently wrong data is found by its own judgement alone, with place and "
    "remedy") {
    struct Case {
        std::string kind;
        std::function<void(Recordings&)> change;
        std::int64_t count;
        std::string text;  // part of the sentence
    };
    const auto threshold = [](Recordings& t) -> std::vector<float>& {
        return t.scalar[Component::threshold];
    };
    const auto latency = [](Recordings& t) -> std::vector<float>& {
        return t.scalar[Component::peak_latency];
    };
    const std::vector<Case> cases = {
        {"alike_patients", [](Recordings& t) { t.patients[3] = "P04"; }, 2,
         "`P04` in line 4, `p4` in line 5"},
        {"exponent_patients", [](Recordings& t) { t.patients[8] = "4,5E+11"; }, 1, "`4,5E+11` in line 9"},
        {"error_patients", [](Recordings& t) { t.patients[8] = "#DEĞER!"; }, 1, "`#DEĞER!` in line 9"},
        {"nobody_patients", [](Recordings& t) { t.patients[8] = "Unknown"; }, 1, "`Unknown` in line 9"},
        {"code_values", [&](Recordings& t) { threshold(t)[6] = -888; }, 1,
         "[data.missing_in] \"threshold_db\" = [\"-888\"]"},
        {"code_values",
         [&](Recordings& t) {
             for (float& value : threshold(t)) value = 35;
             threshold(t)[2] = threshold(t)[3] = -1;
         },
         2, "2 values are -1, which is a usual code for none (`-1` in line 3, `-1` in line 4)"},
        {"code_values", [](Recordings& t) { t.intensity_db[7] = 9999; }, 1,
         "[data.filters] \"intensity_db\""},
        {"zero_values", [&](Recordings& t) { latency(t)[4] = 0; }, 1, "which no wave V has (`0` in line 5)"},
        {"zero_values", [](Recordings& t) { t.scalar[Component::peak_amplitude][4] = 0; }, 1,
         "wave_v_amplitude_uv"},
        {"implausible_values", [](Recordings& t) { t.intensity_db[1] = 231; }, 1, "`231` in line 2"},
        {"latency_outside", [&](Recordings& t) { latency(t)[9] = 44.5f; }, 1, "0 to 20 ms"},
        {"thresholds_of_one_ear",
         [&](Recordings& t) {
             t.patient[1] = t.patient[0];
             t.ear[0] = t.ear[1] = 1;
         },
         1, "20, 21` in line 2"},
        {"sample_outliers", [](Recordings& t) { t.signal[17] = -7e5f; }, 1, "`700000` in line 3"},
        {"small_recordings",
         [](Recordings& t) {
             for (std::size_t k = 0; k < 8; ++k) t.signal[8 + k] *= 1e-6f;
         },
         1, "in line 2"},
        {"shared_recordings", [](Recordings& t) { std::copy_n(t.signal.begin(), 8, t.signal.begin() + 40); },
         1, "`as line 1` in line 6"},
        {"repeated_recordings",
         [&](Recordings& t) {
             t.patient[5] = 0;
             threshold(t)[5] = threshold(t)[0];
             std::copy_n(t.signal.begin(), 8, t.signal.begin() + 40);
         },
         1, "of the same patient"},
    };
    for (const Case& one : cases) {
        CAPTURE(one.text);
        Recordings table = usual();
        one.change(table);
        const Suspicions found = suspicions_of(table);
        CHECK(kinds(table) == Kinds{one.kind});
        REQUIRE(found.size() >= 1);
        CHECK(found.front().count == one.count);
        const std::string text = suspicion_text(found.front());
        CAPTURE(text);
        CHECK(text.find(one.text) != std::string::npos);
    }
}

TEST_CASE(
    "suspicions: codes within the range are none where others lie between the steps, nor are two thresholds "
    "of "
    "two unnamed ears") {
    Recordings table = usual();
    table.scalar[Component::threshold][3] = -1;  // beside 20, 21, 22 …
    CHECK(suspicions_of(table).empty());
    table = usual();
    table.patient[1] = table.patient[0];
    CHECK(suspicions_of(table).empty());
    table.patient[2] = table.patient[0];
    CHECK(kinds(table) == Kinds{"thresholds_of_one_ear"});
}

TEST_CASE("suspicions: recordings that begin before the stimulus end earlier after it") {
    Recordings table = usual();  // 20 ms
    table.first_sample_ms = -14;
    Kinds found = kinds(table);
    CHECK(found == Kinds{"latency_outside"});
    table.first_sample_ms = -2;
    CHECK(suspicions_of(table).empty());
}
