#include "engine/input/row_joiner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/error.hpp"

namespace abr {
namespace {

// Two statements of the sample interval agree if they differ by no more than a float's rounding.
constexpr double kIntervalTolerance = 1e-6;

template <class T>
void move_to(std::vector<T>& to, std::vector<T>& from) {
    if (to.capacity() == 0)
        to.swap(from);
    else
        to.insert(to.end(), from.begin(), from.end());
    std::vector<T>().swap(from);  // gives the memory back at once
}

std::string rejection_summary(const TableSource& source, const ReadReport& report, std::int64_t rejected,
                              std::int64_t judged) {
    std::string text = fmt::format("{} of {} rows are bad", rejected, judged);
    for (const auto& [reason, rejection] : report.rejected) {
        text += fmt::format(", {} {} (from {} {})", rejection.count, reason,
                            source.form == TableForm::text ? "line" : "row", rejection.lines.front());
    }
    return text;
}

}  // namespace

std::string bad_rows_problem(const TableSource& source, const DataConfig& config, const ReadReport& report) {
    if (report.rejected.empty()) return {};
    const auto first = std::min_element(
        report.rejected.begin(), report.rejected.end(),
        [](const auto& a, const auto& b) { return a.second.lines.front() < b.second.lines.front(); });
    const std::int64_t judged = report.read - report.filtered;
    const std::int64_t rejected = judged - report.used;
    if (config.on_bad_row == OnBadRow::error) {
        return fmt::format("{}; {} such rows are left out with data.on_bad_row = \"skip\"",
                           first->second.first, rejected);
    }
    const bool too_many =
        static_cast<double>(rejected) > config.max_bad_fraction * static_cast<double>(judged);
    if (report.used > 0 && !too_many) return {};
    return file_message(
        source.path, rejection_summary(source, report, rejected, judged),
        fmt::format("no more than data.max_bad_fraction = {} of the rows, and one row that is used",
                    config.max_bad_fraction),
        "correct the rows; the first one is " + first->second.first);
}

RowJoiner::RowJoiner(const TableSource& source, const TableColumns& columns, const DataConfig& config,
                     std::int64_t length)
    : source_(source), columns_(columns), config_(config), interval_(config.sample_interval_ms) {
    all_.length = length;
    all_.has_clean = !columns.clean.empty();
    for (const Component c : kAllComponents) all_.has_column[c] = columns.has(c);
}

void RowJoiner::reserve(std::int64_t rows) {
    const auto samples = static_cast<std::size_t>(rows * all_.length);
    all_.signal.reserve(samples);
    if (all_.has_clean) all_.clean.reserve(samples);
}

void RowJoiner::add(RowBlock& block, const std::exception_ptr& error) {
    check_interval(block);
    if (error) std::rethrow_exception(error);
    Recordings& from = block.recordings;
    for (std::int64_t& row : from.source_row) row += report_.read;
    std::vector<std::int32_t> patient_of;  // the block's index -> the table's
    for (const std::string& name : from.patients) {
        const auto [at, is_new] =
            patients_.try_emplace(name, static_cast<std::int32_t>(all_.patients.size()));
        if (is_new) all_.patients.push_back(name);
        patient_of.push_back(at->second);
    }
    for (std::int32_t& patient : from.patient) patient = patient_of[static_cast<std::size_t>(patient)];

    all_.rows += from.rows;
    move_to(all_.source_row, from.source_row);
    move_to(all_.source_line, block.lines);
    move_to(all_.patient, from.patient);
    move_to(all_.ear, from.ear);
    move_to(all_.age_years, from.age_years);
    move_to(all_.intensity_db, from.intensity_db);
    move_to(all_.rate_hz, from.rate_hz);
    move_to(all_.fmp, from.fmp);
    move_to(all_.label, from.label);
    for (const Component c : kScalars) move_to(all_.scalar[c], from.scalar[c]);
    move_to(all_.signal, from.signal);
    move_to(all_.clean, from.clean);

    report_.read += block.read;
    report_.filtered += block.filtered;
    if (block.blank > 0) report_.skipped["blank_rows"] += block.blank;
    if (block.repeated_headers > 0) report_.skipped["repeated_headers"] += block.repeated_headers;
    report_.used += from.rows;
    for (const auto& [reason, part] : block.rejected) {
        Rejection& whole = report_.rejected[std::string(reason)];
        whole.count += part.count;
        if (whole.first.empty()) whole.first = part.first;
        for (const std::int64_t line : part.lines) {
            if (whole.lines.size() < kRejectionLines) whole.lines.push_back(line);
        }
    }
}

Recordings RowJoiner::finish(ReadReport& report) {
    check_rows();
    all_.sample_interval_ms = *interval_;
    report.read = report_.read;
    report.filtered = report_.filtered;
    report.used = report_.used;
    report.rejected = std::move(report_.rejected);
    report.skipped.merge(report_.skipped);
    return std::move(all_);
}

void RowJoiner::check_interval(const RowBlock& block) {
    for (std::size_t i = 0; i < block.sample_interval_ms.size(); ++i) {
        const double found = block.sample_interval_ms[i];
        if (!interval_) interval_ = found;
        if (std::abs(found - *interval_) <= kIntervalTolerance * *interval_) continue;
        const std::string& column = columns_.name(columns_[TableField::sample_interval_ms]);
        const std::string value = fmt::format("{}", found);
        if (config_.sample_interval_ms) {
            throw InputError(cell_message(source_, block.lines[i], column, value,
                                          fmt::format("{} as data.sample_interval_ms says", *interval_),
                                          "correct the setting or leave it out; the column suffices"));
        }
        throw InputError(cell_message(
            source_, block.lines[i], column, value, fmt::format("{} as in the rows before it", *interval_),
            "resample the recordings to one interval, or read one kind with a filter"));
    }
}

void RowJoiner::check_rows() const {
    const bool text = source_.form == TableForm::text;
    if (report_.read == 0) {
        throw InputError(file_message(source_.path,
                                      text ? "no rows after the header" : "the arrays have no rows",
                                      "one row for each recording", "export the data again"));
    }
    if (report_.filtered == report_.read) {
        throw InputError(file_message(source_.path,
                                      fmt::format("the filters leave none of {} rows", report_.read),
                                      "at least one recording", "correct [data.filters]"));
    }
    const std::string problem = bad_rows_problem(source_, config_, report_);
    if (!problem.empty()) throw InputError(problem);
}

}  // namespace abr
