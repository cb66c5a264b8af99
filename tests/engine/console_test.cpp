#include "engine/records/console.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "engine/output/text_table.hpp"

namespace abr {
namespace {

using namespace std::chrono_literals;

const std::vector<std::string> kClasses = {"NORMAL", "NÖROPATİ"};

// A console on strings with a clock that stands still until it is moved.
struct Screen {
    std::ostringstream out, err;
    std::chrono::steady_clock::time_point time{};

    Console console(Verbosity verbosity, bool interactive, int width = 120, bool colour = false) {
        const Terminal terminal{interactive, colour, [width] { return width; }};
        return {verbosity, out, terminal, err, terminal, [this] { return time; }};
    }
};

bool has_control(const std::string& text) {
    return std::ranges::any_of(text, [](char c) { return (c >= 0 && c < 0x20 && c != '\n') || c == 0x7F; });
}

Progress progress_at(std::int64_t steps_done) {
    Progress progress;
    progress.epoch = 2;
    progress.epochs = 30;
    progress.steps_done = steps_done;
    progress.steps = 100;
    progress.last = {.step = 230, .learning_rate = 0.0009, .grad_norm = 1, .loss_total = 4.5, .loss = {}};
    progress.last.loss.values = {0.4, 0.5, 1.0, 0.25, 1.1, 9};
    progress.weights.values = {0.8, 0.6, 1.2, 1.2, 2.5, 1};
    progress.present.values.fill(true);
    progress.recordings_per_second = 1234.4;
    progress.seconds_left = 65;
    return progress;
}

EpochRecord record() {
    EpochRecord epoch;
    epoch.epoch = 2;
    epoch.seconds = 75;
    epoch.weight.values = {0.8, 0.6, 1.2, 1.2, 2.5, 0};
    StepRecord a{.step = 0, .learning_rate = 1e-3, .grad_norm = 1, .loss_total = 0, .loss = {}};
    a.loss.values = {0.5, 0.6, 0.7, 0.8, 0.9, 0};
    PerComponent<bool> present;
    present.values = {true, true, true, true, true, false};
    epoch.train = summarise_steps(std::span(&a, 1), epoch.weight, present);
    SplitMetrics val;
    val.loss_total = Metric::of(3.25);
    val.f1_macro = Metric::of(0.512);
    val.f1_macro_majority = Metric::of(0.1756);
    val.scalar[Component::peak_latency].mae = Metric::of(0.213);
    epoch.val = val;
    return epoch;
}

TEST_CASE("progress bar: total, signal, weighted peak sum, classification, rate, speed and time left") {
    Screen screen;
    Console console = screen.console(Verbosity::normal, true, 129);
    console.progress(progress_at(50));
    // peak = 0.6 * 0.5 + 1.2 * 1.0 + 1.2 * 0.25
    CHECK(screen.err.str() ==
          "\r\x1b[2Kepoch  3/30 [=========         ]  50%  total 4.5000  signal 0.4000  peak 1.8000  class "
          "1.1000  "
          "lr 9.0e-04  1234 rec/s  1:05 left");
    CHECK(screen.out.str().empty());
}

TEST_CASE("progress bar is redrawn at most 10 times a second and gone before a line") {
    Screen screen;
    Console console = screen.console(Verbosity::normal, true);
    for (int ms = 0; ms < 1000; ++ms, screen.time += 1ms) console.progress(progress_at(ms / 10));
    const std::string drawn = screen.err.str();
    CHECK(std::ranges::count(drawn, '\r') == 10);
    console.line("done");
    CHECK(screen.err.str() == drawn + "\r\x1b[2K");
    CHECK(screen.out.str() == "done\n");
}

TEST_CASE("progress bar fits terminals of any width") {
    for (const int width : {1, 5, 20, 30, 40, 60, 80, 300}) {
        CAPTURE(width);
        Screen screen;
        Console console = screen.console(Verbosity::normal, true, width);
        console.progress(progress_at(99));
        const std::size_t prefix = std::string_view("\r\x1b[2K").size();
        CHECK(screen.err.str().size() - prefix <= static_cast<std::size_t>(std::max(1, width - 1)));
    }
}

TEST_CASE("pitfall 3: a dropped component is not shown") {
    Screen screen;
    Console console = screen.console(Verbosity::verbose, true, 200);
    Progress progress = progress_at(1);
    for (const Component c : {Component::peak_exist, Component::peak_latency, Component::peak_amplitude}) {
        progress.present[c] = false;
    }
    console.progress(progress);
    CHECK(screen.err.str().find("peak") == std::string::npos);
    console.epoch(record(), 30);
    CHECK(screen.out.str().find("threshold") == std::string::npos);
    CHECK(screen.out.str().find("peak_latency") != std::string::npos);
}

TEST_CASE("pitfall 22: the epoch's line shows macro F1 beside the majority baseline") {
    Screen screen;
    Console console = screen.console(Verbosity::normal, false);
    console.epoch(record(), 30);
    CHECK(screen.out.str() ==
          "epoch  3/30  loss 4.8100  val 3.2500  signal 0.5000  peak 2.1600  class 0.9000  F1 0.512 "
          "(majority 0.176)  "
          "latency MAE 0.213 ms  1:15\n");
    ClassificationReport report;
    report.classes = {{1, 1, 1, 4, 4}, {0, 0, 0, 2, 0}};
    report.f1_macro = Metric::of(0.5);
    report.f1_weighted = report.accuracy = report.balanced_accuracy = Metric::of(0.6);
    console.classification(report, Metric::of(0.4), kClasses, "validation");
    CHECK(screen.out.str().find("always the majority") != std::string::npos);
}

TEST_CASE("without a terminal there are plain lines and no control characters, whatever the names hold") {
    Screen screen;
    Console console = screen.console(Verbosity::verbose, false);
    for (int s = 0; s < 70; ++s, screen.time += 1s) console.progress(progress_at(s));
    console.epoch(record(), 30);
    console.line("class \x1b[31mred\a");
    console.warning("tab\there \xC2\x9B");
    const std::string hostile[] = {"a\x1b[2J", "b\nc"};
    console.classification({.classes = {{}, {}},
                            .f1_macro = {},
                            .f1_weighted = {},
                            .f1_micro = {},
                            .accuracy = {},
                            .balanced_accuracy = {}},
                           {}, hostile, "t");
    CHECK_FALSE(has_control(screen.out.str()));
    CHECK_FALSE(has_control(screen.err.str()));
    CHECK(screen.err.str() == "warning: tab?here ?\n");
    CHECK(screen.out.str().starts_with("epoch  3/30 30%  total 4.5000"));  // after 30 s, and again after 60 s
    CHECK(screen.out.str().find("epoch  3/30 60%") != std::string::npos);
    CHECK(screen.out.str().find("epoch  3/30 31%") == std::string::npos);
}

TEST_CASE("quiet shows warnings alone") {
    Screen screen;
    Console console = screen.console(Verbosity::quiet, true);
    console.progress(progress_at(1));
    console.epoch(record(), 30);
    console.loss_variance(record());
    console.line("x");
    console.detail("x");
    console.warning("bad");
    CHECK(screen.out.str().empty());
    CHECK(screen.err.str() == "warning: bad\n");
}

TEST_CASE("details are for verbose alone") {
    Screen normal, verbose;
    normal.console(Verbosity::normal, false).detail("x");
    verbose.console(Verbosity::verbose, false).detail("x");
    CHECK(normal.out.str().empty());
    CHECK(verbose.out.str() == "x\n");
}

TEST_CASE("colours only where the terminal has them") {
    Screen plain, coloured;
    plain.console(Verbosity::normal, true, 80, false).epoch(record(), 30);
    coloured.console(Verbosity::normal, true, 80, true).epoch(record(), 30);
    CHECK_FALSE(has_control(plain.out.str()));
    CHECK(coloured.out.str().find("\x1b[1mF1 0.512\x1b[0m") != std::string::npos);
}

TEST_CASE("tables are aligned by characters, not bytes") {
    TextTable table({"class", "F1"});
    table.add({"NÖROPATİ", "0.5"});
    table.add_rule();
    table.add({"x", "10.25"});
    CHECK(table.text() ==
          "class        F1\n"
          "---------------\n"
          "NÖROPATİ    0.5\n"
          "---------------\n"
          "x         10.25");
    CHECK_THROWS_AS(table.add({"one"}), std::logic_error);
}

}  // namespace
}  // namespace abr
