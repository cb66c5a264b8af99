// What a person sees of a run: a progress bar on a terminal, plain lines elsewhere, tables now and then.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/records/epoch_record.hpp"
#include "kernels/optimizer.hpp"
#include "metrics/classification.hpp"

namespace abr {

enum class Verbosity { quiet, normal, verbose };

// What the bar may do. Elsewhere than on a terminal no control character is written.
struct Terminal {
    bool interactive = false;
    bool colour = false;
    std::function<int()> width;  // columns, asked for at every redraw; not called unless interactive
};
// A file descriptor is interactive if it is a terminal and TERM is not "dumb"; colours unless NO_COLOR is
// set and not empty (no-color.org).
Terminal detect_terminal(int descriptor);

struct Progress {
    std::int64_t epoch = 0, epochs = 0;      // 0-based epoch of how many
    std::int64_t steps_done = 0, steps = 0;  // optimiser steps of this epoch
    StepRecord last;                         // the latest step that the host has read
    PerComponent<double> weights;            // of this epoch
    PerComponent<bool> present;              // components that are not dropped
    double recordings_per_second = 0;
    double seconds_left = 0;  // of this epoch
};

class Console {
  public:
    using Clock = std::function<std::chrono::steady_clock::time_point()>;
    // out: results; err: the bar and warnings. Both outlive the console. The bar is drawn on err.
    Console(Verbosity, std::ostream& out, Terminal out_terminal, std::ostream& err, Terminal err_terminal,
            Clock now = std::chrono::steady_clock::now);
    // On standard output and standard error.
    static Console standard(Verbosity);

    // At most 10 redraws a second; without a terminal a plain line at most every 30 s.
    void progress(const Progress&);
    // One line: losses, macro F1 beside the majority baseline, latency error, time; with verbose every
    // component.
    void epoch(const EpochRecord&, std::int64_t epochs);
    // Scores by class, and the means beside the macro F1 of always answering the training majority.
    void classification(const ClassificationReport&, const Metric& f1_macro_majority,
                        std::span<const std::string> class_names, std::string_view title);
    // Mean, standard deviation, minimum and maximum of each component over the epoch's steps.
    void loss_variance(const EpochRecord&);

    void line(std::string_view text);     // normal and verbose
    void detail(std::string_view text);   // verbose only
    void warning(std::string_view text);  // always, on err

  private:
    void clear_bar();
    void write(std::string_view text);
    std::string emphasised(std::string_view text) const;

    Verbosity verbosity_;
    std::ostream* out_;
    std::ostream* err_;
    Terminal out_terminal_, err_terminal_;
    Clock now_;
    std::optional<std::chrono::steady_clock::time_point> drawn_;
    bool bar_visible_ = false;
};

}  // namespace abr
