#include "engine/records/console.hpp"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <vector>

#include "engine/output/text_table.hpp"

namespace abr {
namespace {

constexpr auto kRedrawInterval = std::chrono::milliseconds(100);
constexpr auto kPlainInterval = std::chrono::seconds(30);
constexpr int kDefaultWidth = 80;
constexpr std::string_view kClearLine = "\r\x1b[2K";

std::string number(const std::optional<double>& value, int decimals) {
    return value ? fmt::format("{:.{}f}", *value, decimals) : "-";
}

std::string duration(double seconds) {
    if (!std::isfinite(seconds) || seconds < 0) return "-";
    const auto whole = static_cast<std::int64_t>(std::min(std::round(seconds), 3.6e8));
    if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

// Weighted sum of the three components of wave V, of those that are there.
template <class Loss>
std::optional<double> peak_loss(const PerComponent<double>& weights, const Loss& loss) {
    std::optional<double> sum;
    for (const Component c : {Component::peak_exist, Component::peak_latency, Component::peak_amplitude}) {
        const std::optional<double> value = loss(c);
        if (value) sum = sum.value_or(0) + (weights[c] != 0 ? weights[c] * *value : 0.0);
    }
    return sum;
}

// The fields of the progress line, the most important first. A component that was dropped is not shown.
std::vector<std::string> progress_fields(const Progress& progress) {
    const StepRecord& last = progress.last;
    const auto loss = [&](Component c) {
        return progress.present[c] ? std::optional(last.loss[c]) : std::nullopt;
    };
    std::vector<std::string> fields = {fmt::format("total {:.4f}", last.loss_total)};
    const auto add = [&](const char* name, const std::optional<double>& value) {
        if (value) fields.push_back(fmt::format("{} {:.4f}", name, *value));
    };
    add("signal", loss(Component::signal));
    add("peak", peak_loss(progress.weights, loss));
    add("class", loss(Component::classification));
    fields.push_back(fmt::format("lr {:.1e}", last.learning_rate));
    fields.push_back(fmt::format("{:.0f} rec/s", progress.recordings_per_second));
    fields.push_back(duration(progress.seconds_left) + " left");
    return fields;
}

double done_fraction(const Progress& progress) {
    if (progress.steps <= 0) return 0;
    return std::clamp(static_cast<double>(progress.steps_done) / static_cast<double>(progress.steps), 0.0,
                      1.0);
}

std::string epoch_label(std::int64_t epoch, std::int64_t epochs) {
    const std::string total = std::to_string(epochs);
    return fmt::format("epoch {:>{}}/{}", epoch + 1, total.size(), total);
}

// One line of at most `width` columns: fields that do not fit are left out, then the bar shrinks and goes.
std::string progress_line(const Progress& progress, std::size_t width) {
    const double fraction = done_fraction(progress);
    const std::string label = epoch_label(progress.epoch, progress.epochs);
    const std::string percent = fmt::format("{:3.0f}%", std::floor(100 * fraction));
    constexpr std::size_t kSmallestBar = 6, kLargestBar = 24;
    std::string fields;
    const std::size_t fixed = label.size() + percent.size() + 4;  // blanks and the bar's brackets
    for (const std::string& field : progress_fields(progress)) {
        if (fixed + kSmallestBar + fields.size() + 2 + field.size() > width) break;
        fields += "  " + field;
    }
    if (fixed + kSmallestBar > width) return (label + " " + percent).substr(0, width);
    const std::size_t bar = std::min(kLargestBar, width - fixed - fields.size());
    const auto filled = static_cast<std::size_t>(std::floor(fraction * static_cast<double>(bar)));
    return fmt::format("{} [{}{}] {}{}", label, std::string(filled, '='), std::string(bar - filled, ' '),
                       percent, fields);
}

}  // namespace

Terminal detect_terminal(int descriptor) {
    const char* term = std::getenv("TERM");
    const char* no_colour = std::getenv("NO_COLOR");
    Terminal terminal;
    terminal.interactive = ::isatty(descriptor) == 1 && term != nullptr && std::string_view(term) != "dumb";
    terminal.colour = terminal.interactive && (no_colour == nullptr || *no_colour == '\0');
    terminal.width = [descriptor] {
        winsize size{};
        const bool known = ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
        return known ? static_cast<int>(size.ws_col) : kDefaultWidth;
    };
    return terminal;
}

Console::Console(Verbosity verbosity, std::ostream& out, Terminal out_terminal, std::ostream& err,
                 Terminal err_terminal, Clock now)
    : verbosity_(verbosity),
      out_(&out),
      err_(&err),
      out_terminal_(std::move(out_terminal)),
      err_terminal_(std::move(err_terminal)),
      now_(std::move(now)) {}

Console Console::standard(Verbosity verbosity) {
    return {verbosity, std::cout, detect_terminal(STDOUT_FILENO), std::cerr, detect_terminal(STDERR_FILENO)};
}

void Console::clear_bar() {
    if (!bar_visible_) return;
    *err_ << kClearLine << std::flush;
    bar_visible_ = false;
}

void Console::write(std::string_view text) {
    clear_bar();
    *out_ << text << std::endl;
}

std::string Console::emphasised(std::string_view text) const {
    return out_terminal_.colour ? fmt::format("\x1b[1m{}\x1b[0m", text) : std::string(text);
}

void Console::progress(const Progress& progress) {
    if (verbosity_ == Verbosity::quiet) return;
    const auto now = now_();
    if (!err_terminal_.interactive) {
        if (!drawn_) drawn_ = now;  // short epochs have a line of their own: none before its time
        if (now - *drawn_ < kPlainInterval) return;
        drawn_ = now;
        std::string text = fmt::format("{} {:.0f}%", epoch_label(progress.epoch, progress.epochs),
                                       std::floor(100 * done_fraction(progress)));
        for (const std::string& field : progress_fields(progress)) text += "  " + field;
        write(text);
        return;
    }
    if (bar_visible_ && drawn_ && now - *drawn_ < kRedrawInterval) return;
    drawn_ = now;
    // The last column stays free: some terminals wrap as soon as it is filled.
    const auto width = static_cast<std::size_t>(std::max(1, err_terminal_.width() - 1));
    *err_ << kClearLine << progress_line(progress, width) << std::flush;
    bar_visible_ = true;
}

void Console::epoch(const EpochRecord& record, std::int64_t epochs) {
    if (verbosity_ == Verbosity::quiet) return;
    const auto train = [&](Component c) {
        const std::optional<TrainLoss>& loss = record.train.loss[c];
        return loss ? std::optional(loss->loss.mean) : std::nullopt;
    };
    std::string text =
        fmt::format("{}  loss {:.4f}", epoch_label(record.epoch, epochs), record.train.loss_total);
    if (record.val) text += fmt::format("  val {}", number(record.val->loss_total.value, 4));
    const auto add = [&](const char* name, const std::optional<double>& value) {
        if (value) text += fmt::format("  {} {:.4f}", name, *value);
    };
    add("signal", train(Component::signal));
    add("peak", peak_loss(record.weight, train));
    add("class", train(Component::classification));
    if (record.val) {
        const SplitMetrics& val = *record.val;
        if (val.f1_macro.value) {
            text += "  " + emphasised("F1 " + number(val.f1_macro.value, 3)) +
                    fmt::format(" (majority {})", number(val.f1_macro_majority.value, 3));
        }
        if (val.scalar[Component::peak_latency].mae.value) {
            text +=
                fmt::format("  latency MAE {} ms", number(val.scalar[Component::peak_latency].mae.value, 3));
        }
    }
    write(text + "  " + duration(record.seconds));
    drawn_ = now_();
    if (verbosity_ == Verbosity::verbose) loss_variance(record);
}

void Console::classification(const ClassificationReport& report, const Metric& f1_macro_majority,
                             std::span<const std::string> class_names, std::string_view title) {
    if (verbosity_ == Verbosity::quiet || report.classes.empty()) return;
    TextTable table({std::string(title), "precision", "recall", "F1", "support", "predicted"});
    std::int64_t support = 0;
    for (std::size_t c = 0; c < report.classes.size(); ++c) {
        const ClassScores& scores = report.classes[c];
        support += scores.support;
        table.add({class_names[c], number(scores.precision, 3), number(scores.recall, 3),
                   number(scores.f1, 3), std::to_string(scores.support), std::to_string(scores.predicted)});
    }
    table.add_rule();
    table.add({"macro F1", "", "", number(report.f1_macro.value, 3), std::to_string(support), ""});
    table.add({"  always the majority", "", "", number(f1_macro_majority.value, 3), "", ""});
    table.add({"weighted F1", "", "", number(report.f1_weighted.value, 3), "", ""});
    table.add({"accuracy", "", "", number(report.accuracy.value, 3), "", ""});
    table.add({"balanced accuracy", "", "", number(report.balanced_accuracy.value, 3), "", ""});
    write("\n" + table.text() + "\n");
}

void Console::loss_variance(const EpochRecord& record) {
    if (verbosity_ == Verbosity::quiet) return;
    TextTable table(
        {fmt::format("training loss, epoch {}", record.epoch + 1), "mean", "std", "min", "max", "share"});
    for (const Component c : kAllComponents) {
        const std::optional<TrainLoss>& train = record.train.loss[c];
        if (!train) continue;
        const Spread& loss = train->loss;
        table.add({std::string(task_of(c).name), number(loss.mean, 4), number(loss.std, 4),
                   number(loss.min, 4), number(loss.max, 4), number(train->share, 3)});
    }
    write("\n" + table.text() + "\n");
}

void Console::line(std::string_view text) {
    if (verbosity_ != Verbosity::quiet) write(printable(text));
}

void Console::detail(std::string_view text) {
    if (verbosity_ == Verbosity::verbose) write(printable(text));
}

void Console::warning(std::string_view text) {
    clear_bar();
    const bool colour = err_terminal_.colour;
    *err_ << (colour ? "\x1b[33mwarning:\x1b[0m " : "warning: ") << printable(text) << std::endl;
}

}  // namespace abr
