#include "engine/input/bad_row.hpp"

#include <fmt/ranges.h>

#include <vector>

namespace abr {
namespace {

std::string remedy_of(const BadRow& bad, const TableColumns& columns, OnBadRow on_bad_row) {
    std::vector<std::string> ways = {"correct the row"};
    if (bad.reason == kUnknownEar) ways.push_back("say which ear it means under [data.ear_aliases]");
    const bool is_required = columns.is_sample(bad.column) ||
                             bad.column == columns[TableField::intensity_db] ||
                             bad.column == columns[TableField::sample_interval_ms];
    const bool is_whole = bad.value.find_first_of(".,") == std::string::npos;
    const bool may_mean_none = bad.reason == kNotANumber || bad.reason == kNotFinite ||
                               bad.reason == kUnknownEar || (bad.reason.starts_with("negative_") && is_whole);
    if (!is_required && may_mean_none && !bad.value.empty())
        ways.push_back(fmt::format("set data.missing = [\"{}\"] if that means none", bad.value));
    if (on_bad_row == OnBadRow::error) ways.push_back("leave such rows out with data.on_bad_row = \"skip\"");
    if (ways.size() > 1) ways.back() = "or " + ways.back();
    return fmt::format("{}", fmt::join(ways, ", "));
}

}  // namespace

std::string bad_row_message(const BadRow& bad, const TableSource& source, const TableColumns& columns,
                            OnBadRow on_bad_row, std::int64_t line) {
    const std::string remedy = remedy_of(bad, columns, on_bad_row);
    const std::string& column = columns.name(bad.column);
    if (!bad.what.empty()) return column_message(source, line, column, bad.what, bad.expected, remedy);
    return cell_message(source, line, column, bad.value, bad.expected, remedy);
}

}  // namespace abr
