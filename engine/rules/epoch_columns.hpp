// Words of the rules about epochs.csv: window, slope, steady, on, best so far.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/records/recorded_run.hpp"
#include "kernels/components.hpp"

namespace abr {

// Rows [first, end) of epochs.csv, in a run with stages of those of the stage under way, which is judged as
// if it were the run.
struct Rows {
    std::size_t first = 0, end = 0;
    std::size_t count() const { return end - first; }
    std::size_t last() const { return end - 1; }
};

class EpochColumns {
  public:
    // Throws NotJudged where epochs.csv is missing, broken, not in the order of its epochs, or has no row.
    explicit EpochColumns(const RecordedRun& run);

    std::size_t done() const { return done_; }
    Rows all() const { return {0, done_}; }
    // The last n rows. Throws NotJudged where there are fewer.
    Rows last(std::size_t n) const;

    // The values of a column in these rows. Throws NotJudged where one is empty.
    std::vector<double> values(std::string_view column, Rows) const;
    double value(std::string_view column, std::size_t row) const { return values(column, {row, row + 1})[0]; }
    std::optional<double> cell(std::string_view column, std::size_t row) const;

    double weight(Component, std::size_t row) const;
    bool is_on(Component component, std::size_t row) const { return weight(component, row) > 0; }
    // No weight changed and the rate did not restart among these rows. A restart is a rise after a fall, so that
    // warm-up is none.
    bool is_steady(Rows) const;
    // First row since which the component has had its present weight, if that is above 0. While a ramp rises
    // this is the last row.
    std::optional<std::size_t> full_weight_since(Component) const;

    // Highest val_f1_macro of rows [0, end). Throws NotJudged where none was measured.
    double best_f1(std::size_t end) const;
    double majority_f1() const;
    // How much the best F1 rose within the window: against the best of the rows up to its first one.
    double f1_gain(Rows window) const { return best_f1(window.end) - best_f1(window.first + 1); }

  private:
    std::span<const std::optional<double>> cells(std::string_view column) const;

    const RunTable& table_;
    std::size_t first_;  // row of the table
    std::size_t done_;
};

std::string column_of(std::string_view prefix, Component);  // "train_share_" + "signal"

double mean(const std::vector<double>&);
double median(std::vector<double>);
// Least squares over 0, 1, 2 ...; at least two values.
double slope(const std::vector<double>&);
// slope / mean; 0 where the mean is 0.
double relative_slope(const std::vector<double>&);

}  // namespace abr
