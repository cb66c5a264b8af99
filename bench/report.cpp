#include "bench/report.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <vector>

namespace abr::bench {
namespace {

const std::vector<std::string> kColumns = {"name",          "seconds",    "gflop_per_s", "gb_per_s",
                                           "product_share", "copy_share", "error"};

std::string cell(const std::optional<double>& value, double factor, int decimals, const char* unit = "") {
    return value ? fmt::format("{:.{}f}{}", *value * factor, decimals, unit) : "";
}

}  // namespace

Report::Report(const Ceilings& ceilings, const std::filesystem::path& csv, std::size_t name_width)
    : ceilings_(ceilings), name_width_(name_width) {
    if (!csv.empty()) csv_.emplace(csv, csv_header(kColumns));
    fmt::print("{:<{}}{:>12}{:>10}{:>9}{:>9}{:>9}{:>10}\n", "case", name_width_, "us", "GFLOP/s", "GB/s",
               "product", "copy", "error");
    add_row("ceiling/matrix_product", {}, ceilings.flop_per_second, {}, {});
    add_row("ceiling/copy", {}, {}, ceilings.bytes_per_second, {});
}

void Report::add(const Case& c, const Measurement& m) {
    std::optional<double> seconds, flop_rate, byte_rate;
    if (m.right()) {
        seconds = m.seconds;
        if (c.flop > 0) flop_rate = c.flop / m.seconds;
        byte_rate = m.bytes / m.seconds;
    } else {
        ++wrong_;
    }
    add_row(c.name, seconds, flop_rate, byte_rate, m.error);
    if (!m.right())
        fmt::print(stderr,
                   "bench_kernels: {}: not timed, for its result is wrong: an error of {:.1e} of its largest "
                   "value against the same op in double, {:.0e} is allowed\n",
                   c.name, m.error, kTolerance);
}

void Report::add_row(const std::string& name, std::optional<double> seconds, std::optional<double> flop_rate,
                     std::optional<double> byte_rate, std::optional<double> error) {
    const auto share = [](std::optional<double> value, double ceiling) {
        return value ? std::optional(*value / ceiling) : std::nullopt;
    };
    const auto in_billions = [](std::optional<double> value) {
        return value ? std::optional(*value / 1e9) : std::nullopt;
    };
    const auto of_product = share(flop_rate, ceilings_.flop_per_second);
    const auto of_copy = share(byte_rate, ceilings_.bytes_per_second);
    fmt::print("{:<{}}{:>12}{:>10}{:>9}{:>9}{:>9}{:>10}\n", name, name_width_, cell(seconds, 1e6, 1),
               cell(flop_rate, 1e-9, 1), cell(byte_rate, 1e-9, 1), cell(of_product, 100, 0, " %"),
               cell(of_copy, 100, 0, " %"), error ? fmt::format("{:.1e}", *error) : "");
    std::fflush(stdout);
    if (!csv_) return;
    CsvRow row;
    row.text(name).number(seconds).number(in_billions(flop_rate)).number(in_billions(byte_rate));
    csv_->append(row.number(of_product).number(of_copy).number(error));
}

}  // namespace abr::bench
