// One table of recordings, written as different programs and languages write it.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "engine/input/read_recordings.hpp"
#include "engine/keys/load.hpp"
#include "tests/e2e/engine_program.hpp"
#include "tests/e2e/tiny_runs.hpp"
#include "tests/engine/same_recordings.hpp"
#include "tests/npz_writer.hpp"

using namespace abr;
using namespace abr::test;

namespace {

// The spreadsheet's words (data contract), with a cell that needs quotes and one that is filtered out.
constexpr int kPatients = 40, kEach = 4, kSamples = 200;
const char* const kClasses[] = {"NORMAL", "NÖROPATİ", "SNİK", "TOTAL", "İTİK"};
const char32_t* const kClassesUtf32[] = {U"NORMAL", U"NÖROPATİ", U"SNİK", U"TOTAL", U"İTİK"};

struct Row {
    int patient = 0, repeat = 0;
    std::string id() const { return fmt::format("Şükrü \"Ağa\", {}; no\n{}", patient, patient % 7); }
    int label() const { return patient % 5; }
    float age() const { return repeat == 3 ? kMissing : 1.25f * static_cast<float>(patient); }
    float intensity() const { return static_cast<float>(30 + 10 * repeat); }
    float rate() const { return 33.3f; }
    float fmp() const { return 0.1f * static_cast<float>(1 + patient); }
    float latency() const { return repeat == 0 ? kMissing : 5.5f + 0.037f * static_cast<float>(patient); }
    float amplitude() const { return repeat == 0 ? kMissing : 0.1f + 0.011f * static_cast<float>(patient); }
    bool alternate() const { return (patient + repeat) % 9 != 0; }
    float sample(int k) const {
        return 0.3f * std::sin(0.05f * static_cast<float>(k * (1 + label())) + static_cast<float>(patient)) +
               0.01f * static_cast<float>(repeat) + 1e-5f * static_cast<float>(k);
    }
};

template <class Visit>
void for_each_row(const Visit& visit) {
    for (int p = 0; p < kPatients; ++p)
        for (int r = 0; r < kEach; ++r) visit(Row{p, r});
}

struct Dialect {
    std::string name;
    char separator, decimal;
    bool byte_order_mark = false, crlf = false, all_quoted = false, spaces = false, last_line_end = true;
};

const std::vector<Dialect> kDialects = {
    {"English Excel", ',', '.', true, true},
    {"pandas", ',', '.'},
    {"R write.csv", ',', '.', false, false, true},
    {"no line end at the end", ',', '.', false, false, false, false, false},
    {"Turkish Excel", ';', ',', true, true},
    {"German LibreOffice", ';', ',', false, false, true},
    {"German with spaces", ';', ',', false, true, false, true},
    {"semicolons with points", ';', '.'},
    {"tabs", '\t', '.', false, true},
    {"tabs with commas", '\t', ',', true, false},
    {"tabs, all quoted", '\t', ',', false, false, true},
    {"comma with spaces", ',', '.', true, false, false, true, false},
};

std::string csv_text(const Dialect& dialect) {
    std::string text = dialect.byte_order_mark ? "\xEF\xBB\xBF" : "";
    bool first = true;
    const auto cell = [&](std::string value, bool must_quote = false) {
        if (!first) text += dialect.separator;
        first = false;
        if (dialect.spaces) text += ' ';
        if (must_quote || dialect.all_quoted) {
            std::string quoted = "\"";
            for (const char c : value) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
            value = quoted + '"';
        }
        text += value;
        if (dialect.spaces) text += ' ';
    };
    const auto number = [&](float value) {
        std::string shortest = std::isnan(value) ? "" : fmt::format("{}", value);
        if (const auto point = shortest.find('.'); point != std::string::npos)
            shortest[point] = dialect.decimal;
        cell(shortest);
    };
    const auto end_line = [&] {
        text += dialect.crlf ? "\r\n" : "\n";
        first = true;
    };
    for (const char* name : {"Patient_ID", "Age", "Intensity", "Stimulus Rate", "FMP", "Hear_Loss",
                             "V Latancy", "V Amplitude", "Stimulus Polarity", "Sweeps Rejected"})
        cell(name);
    for (int k = 1; k <= kSamples; ++k) cell(std::to_string(k));
    end_line();
    for_each_row([&](const Row& row) {
        cell(row.id(), true);
        number(row.age());
        number(row.intensity());
        number(row.rate());
        number(row.fmp());
        cell(kClasses[row.label()]);
        number(row.latency());
        number(row.amplitude());
        cell(row.alternate() ? "Alternate" : "Rarefaction");
        cell(std::to_string(row.patient % 120));
        for (int k = 0; k < kSamples; ++k) number(row.sample(k));
        end_line();
    });
    if (!dialect.last_line_end) text.resize(text.size() - (dialect.crlf ? 2 : 1));
    return text;
}

std::u32string utf32(const std::string& utf8) {
    std::u32string text;
    for (std::size_t i = 0; i < utf8.size(); ++i) {
        const auto lead = static_cast<unsigned char>(utf8[i]);
        if (lead < 0x80)
            text += lead;
        else  // two bytes suffice for Turkish
            text +=
                static_cast<char32_t>((lead & 0x1F) << 6 | (static_cast<unsigned char>(utf8[++i]) & 0x3F));
    }
    return text;
}

std::string npz_bytes(bool compressed) {
    std::vector<std::u32string> ids, classes, polarities;
    std::vector<float> age, intensity, rate, fmp, latency, amplitude, signal;
    std::vector<std::int64_t> sweeps;
    for_each_row([&](const Row& row) {
        ids.push_back(utf32(row.id()));
        classes.emplace_back(kClassesUtf32[row.label()]);
        polarities.emplace_back(row.alternate() ? U"Alternate" : U"Rarefaction");
        age.push_back(row.age());
        intensity.push_back(row.intensity());
        rate.push_back(row.rate());
        fmp.push_back(row.fmp());
        latency.push_back(row.latency());
        amplitude.push_back(row.amplitude());
        sweeps.push_back(row.patient % 120);
        for (int k = 0; k < kSamples; ++k) signal.push_back(row.sample(k));
    });
    const std::string rows = fmt::format("({},)", kPatients * kEach);
    NpzWriter npz(compressed);
    const auto text = [&](const char* name, const std::vector<std::u32string>& values) {
        const UnicodeArray array(values);
        npz.add(name, array.descr, rows, array.bytes);
    };
    text("patient_id", ids);
    text("class", classes);
    text("Stimulus Polarity", polarities);
    npz.add("age_years", "<f4", rows, raw_bytes(age)).add("intensity_db", "<f4", rows, raw_bytes(intensity));
    npz.add("rate_hz", "<f4", rows, raw_bytes(rate)).add("fmp", "<f4", rows, raw_bytes(fmp));
    npz.add("wave_v_latency_ms", "<f4", rows, raw_bytes(latency));
    npz.add("wave_v_amplitude_uv", "<f4", rows, raw_bytes(amplitude));
    npz.add("Sweeps Rejected", "<i8", rows, raw_bytes(sweeps));
    npz.add("signal", "<f4", fmt::format("({}, {})", kPatients * kEach, kSamples), raw_bytes(signal));
    return npz.bytes();
}

// configs/spreadsheet.toml without the names of the columns, which an NPZ file calls as we do.
std::string npz_config() {
    std::string text = content(ABR_SOURCE_DIR "/configs/spreadsheet.toml");
    const auto from = text.find("[data.columns]"), to = text.find("[data.class_aliases]");
    REQUIRE(from < to);
    return text.erase(from, to - from);
}

Recordings load(const std::filesystem::path& config, const std::string& source,
                const std::filesystem::path& path) {
    const std::vector<std::string> overrides = {"data.source=" + source, "data.path=" + path.string()};
    ReadReport report;
    return read_recordings(load_config(config, overrides).data, 2, report);
}

}  // namespace

TEST_CASE("one table in twelve dialects of CSV and two of NPZ loads to identical data") {
    const TemporaryFolder folder;
    const std::filesystem::path spreadsheet = ABR_SOURCE_DIR "/configs/spreadsheet.toml";
    const std::filesystem::path csv = folder.path / "a.csv", npz = folder.path / "a.npz";
    put(csv, csv_text(kDialects.front()));
    const Recordings first = load(spreadsheet, "csv", csv);
    std::int64_t expected = 0;
    for_each_row([&](const Row& row) {
        if (!row.alternate()) return;
        const auto r = static_cast<std::size_t>(expected++);
        CHECK(first.patients.at(static_cast<std::size_t>(first.patient.at(r))) == row.id());
        CHECK(first.label.at(r) == row.label());
        CHECK(first.signal.at(r * kSamples + 7) == row.sample(7));
        CHECK(first.fmp.at(r) == row.fmp());
        CHECK(std::isnan(first.age_years.at(r)) == std::isnan(row.age()));
    });
    CHECK(first.rows == expected);
    CHECK(kDialects.size() == 12);
    for (const Dialect& dialect : kDialects) {
        CAPTURE(dialect.name);
        put(csv, csv_text(dialect));
        check_same(load(spreadsheet, "csv", csv), first);
    }
    put(folder.path / "npz.toml", npz_config());
    for (const bool compressed : {false, true}) {
        put(npz, npz_bytes(compressed));
        check_same(load(folder.path / "npz.toml", "npz", npz), first);
    }
}

TEST_CASE("the spreadsheet configuration trains to the same curve on every dialect") {
    const TemporaryFolder folder;
    put(folder.path / "npz.toml", npz_config());
    const auto train = [&](const std::string& config, const std::string& file, const std::string& name) {
        const Outcome outcome =
            engine(folder.path, "run " + config + kTiny.substr(kTiny.find(" --set model")) +
                                    " --quiet --set training.batch_size=40 --set data.path=" + file +
                                    " --experiment-name " + name);
        REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
    };
    std::size_t number = 0;
    for (const Dialect& dialect : kDialects) {
        put(folder.path / "a.csv", csv_text(dialect));
        train(shipped("spreadsheet.toml"), "a.csv", "d" + std::to_string(number));
        CAPTURE(dialect.name);
        if (number > 0)
            check_same_results(folder.path / "runs/d0",
                               folder.path / "runs" / ("d" + std::to_string(number)));
        ++number;
    }
    put(folder.path / "a.npz", npz_bytes(true));
    train("npz.toml --set data.source=npz", "a.npz", "npz");
    check_same_results(folder.path / "runs/d0", folder.path / "runs/npz");
}
