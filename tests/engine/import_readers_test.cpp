// Every layout that import reads: exact numbers, and what is said of files that are damaged.
#include <doctest/doctest.h>

#include <cctype>
#include <cmath>
#include <string>
#include <vector>

#include "engine/error.hpp"
#include "engine/import/layout.hpp"
#include "tests/engine/import_files.hpp"
#include "tests/engine/output_files.hpp"

using namespace abr;
using test::contains;

namespace {

struct ReadFile {
    std::string layout;
    std::vector<Average> averages;
    std::vector<std::string> notes;
};

ReadFile read(const std::string& bytes, const ReadOptions& options = {}, const std::string& format = "") {
    const test::TemporaryFolder folder;
    const auto path = folder.path / "file";
    test::put(path, bytes);
    ReadFile file;
    const Layout& layout = find_layout(path, format);
    file.layout = layout.name;
    layout.read(path, options,
                {[&](Average average) { file.averages.push_back(std::move(average)); },
                 [&](std::string note) { file.notes.push_back(std::move(note)); }});
    return file;
}

std::string refusal(const std::string& bytes, const ReadOptions& options = {},
                    const std::string& format = "") {
    return test::message_of<InputError>([&] { read(bytes, options, format); });
}

using Floats = std::vector<float>;

const test::IhsAverage kAverage{
    .average = {0.1, -0.25, 0.5, 1.0001}, .first_half = {0.2, -0.5, 0, 1}, .second_half = {0, 0, 1, 1.0002}};

}  // namespace

TEST_CASE(
    "IHS SmartEP: averages with their half buffers, times from Zero Position, each block's own header") {
    test::IhsAverage second = kAverage;
    second.name = "WF.2";
    second.ear = "L";
    second.level = "35";
    second.period_us = "25.00";
    second.zero = "1";
    second.frequency = "2000";
    const ReadFile file = read(test::ihs_file({kAverage, second}));
    CHECK(file.layout == "ihs-smartep");
    REQUIRE(file.averages.size() == 2);
    const Average& a = file.averages[0];
    CHECK(a.samples == Floats{0.1f, -0.25f, 0.5f, 1.0001f});
    CHECK(a.halves[0] == Floats{0.2f, -0.5f, 0, 1});
    CHECK(a.halves[1] == Floats{0, 0, 1, 1.0002f});
    CHECK(a.interval_ms == doctest::Approx(0.05));
    CHECK(a.first_ms == doctest::Approx(-0.1));  // point 1 of 3, the third is at 0 ms
    CHECK(a.patient == "ID-1");
    CHECK(a.record == "WF.1");
    CHECK(a.channel == "1");
    CHECK(a.stimulus == "click");
    CHECK(a.frequency_hz == 0);
    CHECK(a.ear == 1);
    CHECK(a.level_db == 60);
    CHECK(a.rate_hz == doctest::Approx(37.1));
    CHECK(a.sweeps == 1000);
    CHECK(a.rejected == 3);
    const Average& b = file.averages[1];
    CHECK(b.ear == 0);
    CHECK(b.level_db == 35);
    CHECK(b.interval_ms == doctest::Approx(0.025));
    CHECK(b.first_ms == 0);
    CHECK(b.stimulus == "tone");
    CHECK(b.frequency_hz == 2000);

    const ReadFile without_halves = read(test::ihs_file({kAverage}, false));
    CHECK(without_halves.averages[0].samples == a.samples);
    CHECK(without_halves.averages[0].halves[0].empty());

    // What the user says takes precedence.
    const ReadFile told =
        read(test::ihs_file({kAverage}), {.unit_uv = 1000, .interval_ms = 0.1, .stimulus_ms = 0.2});
    CHECK(told.averages[0].samples[1] == -250);
    CHECK(told.averages[0].interval_ms == 0.1);
    CHECK(told.averages[0].first_ms == -0.2);
}

TEST_CASE(
    "IHS SmartEP: separators, line ends, byte order mark, blank lines at the end and Latin-1 change "
    "nothing") {
    std::string text = test::ihs_file({kAverage});
    const Floats samples = read(text).averages[0].samples;
    std::string windows = "\xEF\xBB\xBF";
    for (const char c : text) windows += c == '\n' ? std::string("\r\n") : c == ',' ? ";" : std::string(1, c);
    std::string commas = windows + "\r\n  \r\n";
    for (std::size_t at = 1; at + 1 < commas.size(); ++at)
        if (commas[at] == '.' && std::isdigit(static_cast<unsigned char>(commas[at + 1]))) commas[at] = ',';
    CHECK(read(windows).averages[0].samples == samples);
    CHECK(read(commas).averages[0].samples == samples);
    test::IhsAverage turkish = kAverage;
    turkish.identifier = "Ay\xFE";  // not UTF-8
    CHECK(read(test::ihs_file({turkish})).averages[0].patient == "Ay\xC3\xBE");
}

TEST_CASE("IHS SmartEP: damaged files are refused with line, field and remedy") {
    const std::string text = test::ihs_file({kAverage});
    const auto changed = [&](const std::string& from, const std::string& to) {
        std::string copy = text;
        copy.replace(copy.find(from), from.size(), to);
        return refusal(copy);
    };
    CHECK(contains(changed("   3,", "   5,"),
                   "file:15, Data Pnt:: 5 after 2: expected points that count up by 1"));
    CHECK(contains(changed("   -0.2500", "   -0.2x00"),
                   "file:14, WF.1: value `-0.2x00`: expected a finite number; export the file again"));
    CHECK(contains(changed("   -0.2500", "       nan"), "file:14, WF.1: value `nan`"));
    CHECK(contains(changed("Intensity:,60", "Intensity:,hi"),
                   "file:5, Intensity:: value `hi`: expected a number"));
    CHECK(contains(changed("Smp. Period:,50.00", "Smp. Period:,0"), "Smp. Period:: no period for WF.1"));
    CHECK(contains(changed("Zero Position:,3", "Zero Position:,"), "give --stimulus-ms"));
    CHECK(contains(changed("Average(uV):", "Mean:"), "no `Average(uV):` for every average"));
    CHECK(contains(refusal(text.substr(0, text.find("Data Pnt"))), "column names: none in 11 lines"));
    CHECK(contains(refusal(text.substr(0, text.find("   1,"))), "samples: none after the column names"));
    CHECK(contains(refusal(text.substr(0, text.size() - 20)), "cells: the line has"));
}

TEST_CASE("BioSig text: records of two groups, volts as uV, clicks, subjects and announced records") {
    const test::BiosigRecord tone{.number = 7, .samples = {"-1.5e-007", "2.25E-6", "3e-7", "0"}};
    test::BiosigRecord click{.number = 8, .level = 35.5, .duration_ms = 0.16384, .frequency = ""};
    click.samples = {"1e-6", "-1e-6", "2e-6", "4e-6"};
    const ReadFile file = read(test::biosig_group("NO.4357", "DX", {tone}, "1") +
                               test::biosig_group("", "Click_NH", {click}, "3"));
    CHECK(file.layout == "biosig-text");
    REQUIRE(file.averages.size() == 2);
    const Average& a = file.averages[0];
    CHECK(a.samples == Floats{-0.15f, 2.25f, 0.3f, 0});
    CHECK(a.interval_ms == doctest::Approx(0.05));
    CHECK(a.first_ms == 0);
    CHECK(a.patient == "NO.4357");
    CHECK(a.record == "7");
    CHECK(a.level_db == 90);
    CHECK(a.frequency_hz == 16000);
    CHECK(a.polarity == "90 deg");
    CHECK(a.sweeps == 512);
    CHECK(a.rejected == 4);
    CHECK(a.ear == -1);
    const Average& b = file.averages[1];
    CHECK(b.samples == Floats{1, -1, 2, 4});
    CHECK(b.interval_ms == doctest::Approx(0.04096));
    CHECK(b.patient == "");
    CHECK(b.level_db == 35.5);
    CHECK(b.frequency_hz == 0);
    CHECK(b.stimulus == "Click_NH");
    REQUIRE(file.notes.size() == 1);
    CHECK(file.notes[0] == "its header announces 3 records, and it holds 1");
    CHECK(read(test::biosig_group("M", "DX", {tone}, "1"), {.unit_uv = 1}).averages[0].samples[1] ==
          2.25e-6f);
}

TEST_CASE("BioSig text: damaged files are refused with line, field and remedy") {
    const test::BiosigRecord record{.samples = {"1e-6", "2e-6", "3e-6", "4e-6"}};
    const std::string text = test::biosig_group("M", "DX", {record, record}, "2");
    const auto changed = [&](const std::string& from, const std::string& to) {
        std::string copy = text;
        copy.replace(copy.find(from), from.size(), to);
        return refusal(copy);
    };
    CHECK(contains(changed("3e-6\n", ""),
                   "file:11, record 0, samples: 3 samples: expected 4 as No. Points says"));
    CHECK(contains(changed("3e-6\n", "3e-6\n3e-6\n"), "5 samples: expected 4"));
    CHECK(contains(changed("3e-6", "3e-6e"), "file:26, sample: value `3e-6e`: expected a finite number"));
    CHECK(contains(changed("3e-6", "overflow"), "file:26, line: `overflow`: expected a field"));
    CHECK(contains(changed("Duration: 0.2 ms", "Duration: 0 ms"), "Aqu. Duration: no duration above 0 ms"));
    CHECK(contains(changed("Delay: 0 ms", "Delay: 2 ms"),
                   "Onset Delay: 2 ms: expected 0 ms; say with --stimulus-ms"));
    CHECK(contains(changed("No. Points: 4", "No. Points: four"),
                   "No. Points: value `four`: expected a number"));
    CHECK(contains(refusal(text.substr(0, text.find("   Record"))), "records: none"));
    CHECK(contains(refusal(text.substr(0, text.size() - 5)), "3 samples: expected 4"));
}

TEST_CASE("EPL text: one average for each level, kHz, lines that end with carriage returns") {
    const ReadFile file = read(test::epl_file("10;20;80;", {{0.1, 0.2, -0.3}, {0.4, 0.5, 0.6}}));
    CHECK(file.layout == "epl");
    REQUIRE(file.averages.size() == 3);
    CHECK(file.averages[1].samples == Floats{0.2f, 0.5f});
    CHECK(file.averages[2].samples == Floats{-0.3f, 0.6f});
    const Average& a = file.averages[2];
    CHECK(a.level_db == 80);
    CHECK(a.frequency_hz == 16000);
    CHECK(a.interval_ms == doctest::Approx(0.01));
    CHECK(a.rate_hz == 40);
    CHECK(a.sweeps == 512);
    CHECK(a.ear == 1);
    CHECK(a.record == "RUN-3");
    CHECK(a.patient == "");
    CHECK(read(test::epl_file("10;", {{1}, {2}}, "Click")).averages[0].frequency_hz == 0);

    CHECK(contains(refusal(test::epl_file("10;20;", {{1, 2}, {3}})),
                   "file:8, samples: 1 numbers: expected 2, one for each of LEVELS"));
    CHECK(contains(refusal(test::epl_file("10;x;", {{1, 2}})), "LEVELS: value `x`"));
    CHECK(contains(refusal(test::epl_file("", {{1}})), "LEVELS: none"));
    CHECK(contains(refusal(test::epl_file("10;", {})), "samples: none"));
    CHECK(contains(refusal(":RUN-3\tLEVEL SWEEP\r:LEVELS:10;\r"), "no line `:DATA`"));
    CHECK(contains(refusal(":RUN-3\r:LEVELS:10;\r:DATA\r1\r"), "SAMPLE (usec): no interval above 0"));
}

TEST_CASE("ABRA CSV: an average a line, short lines, clicks by name, the exchanged columns of old exports") {
    const ReadOptions options{.interval_ms = 0.04096};
    const ReadFile file =
        read("Freq(Hz),Level(db),0,1,2,3\n8000.0,90.0,0.5,-0.25,1e-3,2\nClick,80,1,2,3,\n", options);
    CHECK(file.layout == "abra");
    REQUIRE(file.averages.size() == 2);
    CHECK(file.averages[0].samples == Floats{0.5f, -0.25f, 1e-3f, 2});
    CHECK(file.averages[0].level_db == 90);
    CHECK(file.averages[0].frequency_hz == 8000);
    CHECK(file.averages[0].interval_ms == 0.04096);
    CHECK(file.averages[1].samples == Floats{1, 2, 3});
    CHECK(file.averages[1].frequency_hz == 0);
    CHECK(file.averages[1].record == "2");
    CHECK(file.notes.empty());

    const ReadFile exchanged = read("Freq(Hz),Level(db),0,1\n90.0,0.1,1,2\n85.0,0.1,1,2\n", options);
    REQUIRE(exchanged.notes.size() == 1);
    CHECK(contains(exchanged.notes[0], "2 lines have a level below 1 dB and a \"frequency\" below 125 Hz"));
    const ReadFile attenuation = read(",Freq(Hz),PostAtten(dB),1,2\n0,8000,10,1,2\n", options);
    CHECK(std::isnan(attenuation.averages[0].level_db));
    CHECK(attenuation.averages[0].samples == Floats{1, 2});
    CHECK(contains(attenuation.notes.at(0), "attenuations and no levels"));

    CHECK(contains(refusal("Freq(Hz),Level(dB),0,1\n8000,90,1,2\n"),
                   "give --source-interval-ms; 10 ms in 244"));
    CHECK(contains(refusal("Freq(Hz),Level(dB),0,1\n8000,90,1\n", options),
                   "file:2, cells: the line has 3: expected 4"));
    CHECK(contains(refusal("Freq(Hz),Level(dB),0,1\n8000,90,1,x\n", options), "file:2, sample 1: value `x`"));
    CHECK(contains(refusal("Freq(Hz),Level(dB),a,b\n8000,90,1,2\n", options), "no columns `0`, `1`"));
    CHECK(contains(refusal("Freq(Hz),Level(dB),0,1\n8000,90,,\n", options), "samples: none"));
}

TEST_CASE("time and columns: levels and units from the names, time from the first column, any separator") {
    const ReadFile file = read(
        "% a comment\nTime (ms)\t80 dB nHL\tL_60dB "
        "(mV)\tmean\n-0.1\t1\t0.002\t3\n0\t4\t0.005\t6\n0.1\t7\t8\t9\n");
    CHECK(file.layout == "time-columns");
    REQUIRE(file.averages.size() == 3);
    CHECK(file.averages[0].samples == Floats{1, 4, 7});
    CHECK(file.averages[0].level_db == 80);
    CHECK(file.averages[0].first_ms == doctest::Approx(-0.1));
    CHECK(file.averages[0].interval_ms == doctest::Approx(0.1));
    CHECK(file.averages[0].record == "80 dB nHL");
    CHECK(file.averages[1].samples == Floats{2, 5, 8000});
    CHECK(file.averages[1].level_db == 60);
    CHECK(std::isnan(file.averages[2].level_db));

    const auto interval = [](const std::string& text, const ReadOptions& options = {}) {
        return read(text, options).averages.at(0).interval_ms;
    };
    CHECK(interval("time_us,20dB\n0,1\n50,2\n100,3\n") == doctest::Approx(0.05));
    CHECK(interval("Time [s];20dB\n0;1,5\n0,00005;2\n0,0001;3\n") == doctest::Approx(0.05));
    CHECK(interval("t(ms) 20dB\n0.00 1\n0.04 2\n0.08 3\n0.12 1\n0.16 2\n0.20 3\n0.25 5\n") ==
          doctest::Approx(0.25 / 6));
    CHECK(interval("time 20dB\n0 1\n1 2\n", {.interval_ms = 0.1}) == doctest::Approx(0.1));

    CHECK(read("time_ms;20dB;\n0;1;\n1;2;\n").averages.size() == 1);
    CHECK(contains(refusal("time 20dB\n0 1\n1 2\n"), "file:1, time: a time without its unit"));
    CHECK(contains(refusal("time_ms 20dB\n0 1\n1 2\n5 3\n"),
                   "1 is not where sample 2 of evenly spaced ones lies"));
    CHECK(contains(refusal("time_ms 20dB\n0 1\n0 2\n"), "times that do not grow"));
    CHECK(contains(refusal("time_ms 20dB\n0 1\n"), "1 lines of numbers: expected two at least"));
    CHECK(contains(refusal("time_ms 20 dB\n0 1\n1 2\n"), "file:2, cells: the line has 2: expected 3"));
    CHECK(
        contains(refusal("time_ms\n0\n1\n"), "names: 1 columns: expected the time and at least one average"));
    CHECK(contains(refusal("time_ms,20dB\n0,1\n1,\n"), "20dB: no value: expected a finite number"));
}

TEST_CASE("TDT .arf: records of BioSigRZ and of BioSigRP, told apart by what makes sense") {
    for (const std::size_t time_bytes : {8U, 4U}) {
        CAPTURE(time_bytes);
        const std::string bytes = test::arf_file("M-1",
                                                 {{.level = 90, .samples = {1e-6f, -2e-6f, 3e-6f}},
                                                  {.level = 70, .frequency = 0, .samples = {0, 1e-6f}}},
                                                 time_bytes);
        const ReadFile file = read(bytes);
        CHECK(file.layout == "tdt-arf");
        REQUIRE(file.averages.size() == 2);
        CHECK(file.averages[0].samples == Floats{static_cast<float>(1e6 * double{1e-6f}),
                                                 static_cast<float>(-1e6 * double{2e-6f}),
                                                 static_cast<float>(1e6 * double{3e-6f})});
        CHECK(file.averages[0].patient == "M-1");
        CHECK(file.averages[0].record == "0/0");
        CHECK(file.averages[0].level_db == 90);
        CHECK(file.averages[0].frequency_hz == 8000);
        CHECK(file.averages[0].interval_ms == doctest::Approx(0.04096));
        CHECK(file.averages[0].sweeps == 512);
        CHECK(file.averages[0].rejected == 2);
        CHECK(file.averages[1].level_db == 70);
        CHECK(file.averages[1].frequency_hz == 0);
        CHECK(contains(refusal(bytes.substr(0, bytes.size() - 1)), "truncated, or records whose samples"));
        CHECK(contains(refusal(bytes.substr(0, 5000)), "begins with"));
        CHECK(contains(refusal(bytes.substr(0, 5000), {}, "tdt-arf"), "no such header"));
    }
}

TEST_CASE("EDF: without events every signal is an average, in uV whatever its unit") {
    const std::string bytes = test::edf_file({{.label = "Cz 80 dB", .samples = {0, 10, -10, 1000}},
                                              {.label = "Mz",
                                               .unit = "mV",
                                               .physical_minimum = "-50",
                                               .physical_maximum = "150",
                                               .samples = {0, -1}},
                                              {.label = "Temp", .unit = "degC", .samples = {1, 2}}},
                                             1, false, "EDF+C");
    const ReadFile file = read(bytes);
    CHECK(file.layout == "edf");
    REQUIRE(file.averages.size() == 2);
    CHECK(file.averages[0].samples == Floats{0, 1, -1, 100});
    CHECK(file.averages[0].interval_ms == 250);
    CHECK(file.averages[0].level_db == 80);
    CHECK(file.averages[0].channel == "Cz 80 dB");
    CHECK(file.averages[0].patient == "MCH-0234567");
    CHECK(file.averages[1].samples == Floats{50000, 49900});
    CHECK(file.averages[1].interval_ms == 500);
    REQUIRE(file.notes.size() == 1);
    CHECK(file.notes[0] == "signal `Temp` is in `degC` and was left out");
    CHECK(read(test::edf_file({{.label = "Cz", .samples = {1, 2}}}, 1, false, "", "Ada L"))
              .averages[0]
              .patient == "Ada L");
    CHECK(read(test::edf_file({{.label = "Cz", .samples = {1, 2}}}, 1, false, "EDF+C", "X X X X"))
              .averages[0]
              .patient == "");
}

TEST_CASE("EDF and BDF: epochs around each kind of event are averaged, in halves, artifacts rejected") {
    // 20 Hz for 3 s; at each event the samples 1, 2, 3 follow, times what the event is.
    std::vector<int> samples(60, 0);
    const auto respond = [&](std::size_t at, int size) {
        for (int k = 0; k < 3; ++k) samples[at + static_cast<std::size_t>(k)] = size * (k + 1);
    };
    respond(4, 10);
    respond(14, 30);
    respond(24, 50);
    respond(34, 300);  // an artifact: up to 90 uV
    respond(44, -20);
    ReadOptions options;
    options.epoch_ms = {0, 150};
    const auto check = [&](const ReadFile& file, const std::string& loud, const std::string& soft) {
        REQUIRE(file.averages.size() == 2);
        const Average& a = file.averages[loud < soft ? 0 : 1];
        CHECK(a.record == loud);
        CHECK(a.channel == "Cz");
        CHECK(a.interval_ms == 50);
        CHECK(a.first_ms == 0);
        CHECK(a.samples == Floats{3, 6, 9});  // the mean of 1, 3 and 5 uV and their multiples
        CHECK(a.halves[0] == Floats{3, 6, 9});
        CHECK(a.halves[1] == Floats{3, 6, 9});
        CHECK(a.sweeps == 3);
        CHECK(a.rejected == 1);
        const Average& b = file.averages[loud < soft ? 1 : 0];
        CHECK(b.record == soft);
        CHECK(b.samples == Floats{-2, -4, -6});
        CHECK(b.halves[0].empty());
        CHECK(b.sweeps == 1);
    };
    options.reject_uv = 50;
    std::string annotations = std::string("+0\x14\x14\0", 5);
    for (const char* onset : {"0.2", "0.7", "1.2", "1.7"})
        annotations += "+" + std::string(onset) +
                       "\x14"
                       "80 dB\x14" +
                       '\0';
    annotations += std::string(
                       "+2.2\x15"
                       "0.1\x14"
                       "40 dB\x14\0",
                       17) +
                   "+2.95\x14"
                   "80 dB\x14";  // the last beyond the end
    const ReadFile edf = read(test::edf_file({{.label = "Cz", .samples = samples},
                                              {.label = "EDF Annotations", .annotations = annotations}},
                                             3, false, "EDF+C"),
                              options);
    check(edf, "80 dB", "40 dB");
    CHECK(edf.averages[1].level_db == 80);
    std::vector<int> status(60, 0x10000);  // the upper bits are the device's own
    for (const std::size_t at : {4U, 14U, 24U, 34U}) status[at] = status[at + 1] = 0x10002;
    status[44] = 0x10001;
    const test::EdfSignal trigger{.label = "Status",
                                  .unit = "Boolean",
                                  .physical_minimum = "-8388608",
                                  .physical_maximum = "8388607",
                                  .digital_minimum = "-8388608",
                                  .digital_maximum = "8388607",
                                  .samples = status};
    const std::string bdf = test::edf_file({{.label = "Cz", .samples = samples}, trigger}, 3, true);
    check(read(bdf, options), "2", "1");
    options.events = {"1"};
    CHECK(read(bdf, options).averages.size() == 1);

    options.events = {"7"};
    CHECK(contains(refusal(bdf, options), "no event that --events names among 5"));
    CHECK(contains(refusal(bdf),
                   "a continuous recording: expected a window around its stimuli; give --window-ms"));
    CHECK(contains(refusal(test::edf_file({{.label = "Cz", .samples = samples}}, 3)),
                   "3000 ms without any event: expected stimuli marked"));
    options.events = {};
    options.epoch_ms = {0, 5000};
    CHECK(read(bdf, options).notes.size() == 2);  // no epoch fits
}

TEST_CASE("EDF: damaged files are refused") {
    const std::string bytes = test::edf_file({{.label = "Cz", .samples = {1, 2, 3, 4}}}, 2);
    const auto changed = [&](std::size_t at, const std::string& to) {
        std::string copy = bytes;
        copy.replace(at, to.size(), to);
        return refusal(copy, {}, "edf");
    };
    CHECK(contains(refusal(bytes.substr(0, bytes.size() - 1)), "truncated: 1 of 2 records"));
    CHECK(contains(refusal(bytes.substr(0, 400), {}, "edf"), "its header is not complete"));
    CHECK(contains(changed(192, "EDF+D"), "a discontinuous file"));
    CHECK(contains(changed(236, "two     "), "number of records: value `two`"));
    CHECK(contains(changed(252, "0   "), "0 signals"));
    CHECK(contains(changed(256 + 120, "1000    "), "digital minimum and maximum are 1000"));
    CHECK(contains(changed(256 + 216, "0       "), "0 samples in a record"));
    CHECK(contains(changed(0, "1       "), "no such header"));
    CHECK(contains(changed(236, "-1      "), "2000 ms without any event"));
}

namespace {

// A record of files in a folder, read by its header.
struct WfdbRecord {
    test::TemporaryFolder folder;
    void add(const std::string& name, const std::string& bytes) const {
        test::put(folder.path / name, bytes);
    }
    ReadFile read(const ReadOptions& options = {}) const {
        ReadFile file;
        const Layout& layout = find_layout(folder.path / "r.hea", "");
        file.layout = layout.name;
        layout.read(folder.path / "r.hea", options,
                    {[&](Average average) { file.averages.push_back(std::move(average)); },
                     [&](std::string note) { file.notes.push_back(std::move(note)); }});
        return file;
    }
    std::string refusal(const std::string& header, const ReadOptions& options = {}) const {
        add("r.hea", header);
        return test::message_of<InputError>([&] { read(options); });
    }
};

}  // namespace

TEST_CASE("WFDB: every format's samples, gain, baseline and unit") {
    const WfdbRecord record;
    const auto samples = [&](const std::string& format, const std::string& bytes) {
        record.add("r.hea", "# made by hand\nr 1 20000 4\nr.dat " + format + " 2/uV 12 0 0 0 0 Cz 60 dB\n");
        record.add("r.dat", bytes);
        const ReadFile file = record.read();
        REQUIRE(file.averages.size() == 1);
        CHECK(file.layout == "wfdb");
        CHECK(file.averages[0].interval_ms == doctest::Approx(0.05));
        CHECK(file.averages[0].channel == "Cz 60 dB");
        CHECK(file.averages[0].level_db == 60);
        return file.averages[0].samples;
    };
    using namespace std::string_literals;
    CHECK(samples("16", "\x02\x00\xFE\xFF"s) == Floats{1, -1});
    CHECK(samples("61", "\x00\x02\xFF\xFE"s) == Floats{1, -1});
    CHECK(samples("24", "\x02\x00\x01\xFE\xFF\xFF"s) == Floats{32769, -1});
    CHECK(samples("32", "\x02\x00\x00\x01\xFE\xFF\xFF\xFF"s) == Floats{8388609, -1});
    CHECK(samples("80", "\x82\x7E"s) == Floats{1, -1});
    CHECK(samples("212", "\x02\xF0\xFE"s) == Floats{1, -1});

    // Two signals in turn, a baseline in the gain, another unit, an incomplete last frame.
    record.add("r.hea", "r 2 1000\nr.dat 16 2(10)/mV\nr.dat 16 100/degC 12 0\n");
    record.add("r.dat", "\x0C\x00\x01\x00\x08\x00\x01\x00\x07\x00"s);
    const ReadFile two = record.read();
    REQUIRE(two.averages.size() == 1);
    CHECK(two.averages[0].samples == Floats{1000, -1000});
    CHECK(two.notes.size() == 1);
    CHECK(record.read({.unit_uv = 1}).averages.size() == 2);
}

TEST_CASE("WFDB: annotations are events, with their skips and texts, and mistakes are refused") {
    const WfdbRecord record;
    std::string bytes;
    for (int k = 0; k < 2000; ++k) {
        const int value = k == 100 || k == 1600 ? 7 : 0;
        bytes += static_cast<char>(value);
        bytes += '\0';
    }
    record.add("r.dat", bytes);
    const std::string header = "r 1 1000 2000\nr.dat 16 1/uV\n";
    record.add("r.hea", header);
    const auto word = [](unsigned code, unsigned step) {
        const unsigned value = code << 10 | step;
        return std::string{static_cast<char>(value & 0xFFU), static_cast<char>(value >> 8)};
    };
    // Code 1 at 100; a skip of 1400 and code 1 at 1600, which is called "click".
    record.add("r.atr", word(1, 100) + word(59, 0) + std::string("\0\0\x78\x05", 4) + word(1, 100) +
                            word(63, 5) + std::string("click\0", 6) + word(0, 0));
    ReadOptions options;
    options.epoch_ms = {-1, 2};
    const ReadFile file = record.read(options);
    REQUIRE(file.averages.size() == 2);
    CHECK(file.averages[0].record == "1");
    CHECK(file.averages[1].record == "click");
    for (const Average& average : file.averages) CHECK(average.samples == Floats{0, 7, 0});
    CHECK(file.averages[0].first_ms == -1);

    CHECK(contains(record.refusal("r 1 1000 9\n../r.dat 16 1/uV\n"), "a file in the header's folder"));
    CHECK(contains(record.refusal("r 1 1000 9\nnone.dat 16 1/uV\n"), "none.dat: is not there"));
    CHECK(contains(record.refusal("r 1 1000 9\nr.dat 310 1/uV\n"), "format 310: expected 16, 24"));
    CHECK(contains(record.refusal("r 1 1000 9\nr.dat 16x2 1/uV\n"), "without skew"));
    CHECK(contains(record.refusal("r 2 1000 9\nr.dat 16 1/uV\n"), "signal line: none"));
    CHECK(contains(record.refusal("r 2 1000 9\nr.dat 16 1/uV\nr.dat 24 1/uV\n"),
                   "signals of one file in two formats"));
    CHECK(contains(record.refusal("r/2 1 1000 9\nr.dat 16 1/uV\n"), "a record in segments"));
}

TEST_CASE("MATLAB: a signal by columns, numbers, cells and rows of text as columns, compressed or not") {
    const std::string signal = test::mat_numbers("signal", 2, 3, {1, 4, 2, 5, 3, 6});
    const std::string interval = test::mat_numbers("sample_interval_ms", 1, 1, {0.1});
    const std::string variables =
        test::mat_numbers("intensity_db", 2, 1, {80, 62.5}) +
        test::mat_numbers("age", 1, 2, {34, std::nan("")}) +
        test::mat_cells("patient_id", {test::mat_text("", u"007"), test::mat_text("", u"Ay\u015Fe")}) +
        test::mat_cells("class", {test::mat_text("", u"SNHL"), test::mat_text("", u"")}) +
        test::mat_matrix("ear", 4, {2, 5},
                         test::mat_element(16, "lreifgth t")) +  // rows "left", "right", by columns
        test::mat_numbers("raw", 3, 3, {1, 2, 3, 4, 5, 6, 7, 8, 9}) +
        test::mat_matrix("s", 2, {1, 1}, "") +  // a structure, and an object as MATLAB's dates are
        test::mat_element(14, test::mat_element(6, std::string("\x11\0\0\0\0\0\0\0", 8)) +
                                  test::mat_element(1, "when") + test::mat_element(1, "MCOS"));
    for (const bool compressed : {false, true}) {
        CAPTURE(compressed);
        const auto stored = [&](const std::string& matrix) {
            return compressed ? test::mat_compressed(matrix) : matrix;
        };
        const ReadFile file = read(test::mat_file(stored(interval) + variables + stored(signal)));
        CHECK(file.layout == "matlab");
        REQUIRE(file.averages.size() == 2);
        CHECK(file.averages[0].samples == Floats{1, 2, 3});
        CHECK(file.averages[1].samples == Floats{4, 5, 6});
        CHECK(file.averages[0].interval_ms == 0.1);
        CHECK(file.averages[0].first_ms == 0);
        CHECK(file.averages[0].patient == "007");
        CHECK(file.averages[1].patient ==
              "Ay\xC5\x9F"
              "e");
        CHECK(file.averages[0].ear == 0);
        CHECK(file.averages[1].ear == 1);
        using Others = std::vector<std::pair<std::string, std::string>>;
        CHECK(file.averages[0].others == Others{{"age", "34"}, {"class", "SNHL"}, {"intensity_db", "80"}});
        CHECK(file.averages[1].others == Others{{"age", ""}, {"class", ""}, {"intensity_db", "62.5"}});
    }
    const std::string all = interval + signal;
    CHECK(
        read(test::mat_file(signal + test::mat_numbers("first_sample_ms", 1, 1, {-1})), {.interval_ms = 0.2})
            .averages[1]
            .first_ms == -1);
    CHECK(
        contains(refusal(test::mat_file(signal)), "variable `sample_interval_ms`: missing, or not above 0"));
    CHECK(contains(refusal(test::mat_file(interval)), "variable `signal`: missing or empty"));
    CHECK(contains(refusal(test::mat_file(all + test::mat_numbers("class", 1, 3, {0, 1, 2}))),
                   "variable `class`: 3 values: expected 2, one for each row of signal"));
    CHECK(contains(refusal(test::mat_file(all + test::mat_numbers("intensity_db", 2, 2, {0, 1, 2, 3}))),
                   "variable `intensity_db`: no vector of real numbers or texts"));
    CHECK(
        contains(refusal(test::mat_file(signal + test::mat_numbers("sample_interval_ms", 1, 2, {0.1, 0.1}))),
                 "variable `sample_interval_ms`: 2 values: expected one number"));
    CHECK(contains(refusal(test::mat_file(all).substr(0, 250)), "damaged, or cut off"));
    const std::string packed = test::mat_file(test::mat_compressed(signal));
    CHECK(contains(refusal(packed.substr(0, packed.size() - 9)), "damaged, or cut off"));
    CHECK(contains(refusal("MATLAB 7.3 MAT-file, Platform: GLNXA64" + std::string(200, ' ')), "'-v7'"));
    std::string big_endian = test::mat_file(all);
    std::swap(big_endian[126], big_endian[127]);
    CHECK(contains(refusal(big_endian), "big-endian"));
}

TEST_CASE("layouts: what none of them is is refused with the names of those that are known") {
    const test::TemporaryFolder folder;
    const auto refused = [&](const std::filesystem::path& path, const std::string& name = "") {
        return test::message_of<InputError>([&] { find_layout(path, name); });
    };
    test::put(folder.path / "notes.txt", "nothing of ours");
    test::put(folder.path / "empty", "");
    CHECK(contains(
        refused(folder.path / "notes.txt"),
        "notes.txt: begins with `nothing of ours`: expected the beginning of a layout that is known: "
        "ihs-smartep, biosig-text, epl, abra, time-columns, tdt-arf, edf, wfdb, matlab; export it in one of "
        "these"));
    CHECK(contains(refused(folder.path / "notes.txt", "xls"), "--format `xls`: expected one of ihs-smartep"));
    CHECK(contains(refused(folder.path / "empty"), "the file is empty"));
    CHECK(contains(refused(folder.path / "none"), "there is no such file"));
    CHECK(contains(refused(folder.path), "a folder: expected a file of recordings; name the files in it"));
    CHECK(contains(refusal("\xFF\xFEI\0d\0", {}, "ihs-smartep"), "text in UTF-16"));
    CHECK(contains(refusal(std::string("Identifier:,\0,x", 15), {}, "ihs-smartep"), "a binary file"));
}
