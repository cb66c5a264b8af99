// What bench_kernels prints and writes of each case.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "bench/ceilings.hpp"
#include "bench/harness.hpp"
#include "engine/output/csv.hpp"

namespace abr::bench {

// A line on standard output and, if there is a path, a row of a CSV file for each measurement, as soon as it is there.
// Cells stay empty where there is nothing to say: no count of operations, or a wrong result.
class Report {
  public:
    // Throws RunError where the file cannot be written.
    Report(const Ceilings&, const std::filesystem::path& csv, std::size_t name_width);

    void add(const Case&, const Measurement&);
    int wrong() const { return wrong_; }  // cases that were not right

  private:
    void add_row(const std::string& name, std::optional<double> seconds, std::optional<double> flop_rate,
                 std::optional<double> byte_rate, std::optional<double> error);

    Ceilings ceilings_;
    std::size_t name_width_;
    std::optional<CsvWriter> csv_;
    int wrong_ = 0;
};

}  // namespace abr::bench
