#include "engine/data/unit_warnings.hpp"

#include <doctest/doctest.h>

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

void scale(std::vector<float>& values, float factor) {
    for (float& value : values) value *= factor;
}

}  // namespace

TEST_CASE("unit warnings: usual recordings give none, missing values are no matter") {
    Recordings table = usual();
    CHECK(unit_warnings(table).empty());
    table.age_years.assign(table.age_years.size(), kMissing);
    table.scalar[Component::peak_latency].assign(table.age_years.size(), kMissing);
    table.scalar[Component::peak_amplitude].assign(table.age_years.size(), kMissing);
    CHECK(unit_warnings(table).empty());
}

TEST_CASE("unit warnings: each column in another unit gives one sentence that names it and the remedy") {
    struct Mistake {
        std::function<void(Recordings&)> change;
        std::string column, unit, remedy;
    };
    const std::vector<Mistake> mistakes = {
        {[](Recordings& t) { scale(t.signal, 1e-6f); }, "signal: ", "looks like V;",
         "multiply the samples by 1e6"},
        {[](Recordings& t) { scale(t.signal, 1e-3f); }, "signal: ", "looks like mV;", "by 1000"},
        {[](Recordings& t) { scale(t.signal, 1e3f); }, "signal: ", "looks like nV", "divide nV by 1000"},
        {[](Recordings& t) { scale(t.scalar[Component::peak_latency], 1e-3f); },
         "wave_v_latency_ms: ", "looks like s;", "multiply by 1000"},
        {[](Recordings& t) { scale(t.scalar[Component::peak_latency], 1e3f); },
         "wave_v_latency_ms: ", "looks like us;", "divide by 1000"},
        {[](Recordings& t) { scale(t.scalar[Component::peak_amplitude], 1e-6f); },
         "wave_v_amplitude_uv: ", "looks like V;", "multiply by 1e6"},
        {[](Recordings& t) { scale(t.scalar[Component::peak_amplitude], 1e3f); },
         "wave_v_amplitude_uv: ", "looks like nV;", "divide by 1000"},
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
        const auto warnings = unit_warnings(table);
        REQUIRE(warnings.size() == 1);
        CAPTURE(warnings.front());
        CHECK(warnings.front().starts_with(mistake.column));
        CHECK(warnings.front().find(mistake.unit) != std::string::npos);
        CHECK(warnings.front().find(mistake.remedy) != std::string::npos);
    }
}
