#include "engine/input/table_message.hpp"

#include <fmt/format.h>

#include "engine/input/plain_text.hpp"

namespace abr {
namespace {

constexpr std::size_t kShownBytes = 60;

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

}  // namespace

std::string quoted_value(std::string_view value) {
    std::size_t shown = value.size();
    if (shown > kShownBytes) {
        shown = kShownBytes;
        while (shown > 0 && is_continuation(value[shown])) --shown;
    }
    std::string text = "`";
    for (std::string_view rest = value.substr(0, shown); !rest.empty();) {
        const std::string_view before = rest;
        const char32_t c = take_character(rest);
        if (c < 0x20U || (c >= 0x7FU && c < 0xA0U)) {
            text += fmt::format("\\x{:02X}", static_cast<unsigned>(c));
        } else if (is_invisible(c)) {
            text += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
        } else {
            text += before.substr(0, before.size() - rest.size());
        }
    }
    if (shown < value.size()) text += "...";
    return text + "`";
}

std::string TableSource::place(std::int64_t line, std::string_view column) const {
    const std::string name = quoted_value(column);
    if (form == TableForm::text) return fmt::format("{}:{}, column {}", path.string(), line, name);
    if (line == 0) return fmt::format("{}: array {}", path.string(), name);
    return fmt::format("{}: row {}, array {}", path.string(), line, name);
}

std::string cell_message(const TableSource& source, std::int64_t line, std::string_view column,
                         std::string_view value, std::string_view expected, std::string_view remedy) {
    const std::string what = value.empty() ? "no value" : "value " + quoted_value(value);
    return column_message(source, line, column, what, expected, remedy);
}

std::string column_message(const TableSource& source, std::int64_t line, std::string_view column,
                           std::string_view what, std::string_view expected, std::string_view remedy) {
    return fmt::format("{}: {}: expected {}; {}", source.place(line, column), what, expected, remedy);
}

std::string file_message(const std::filesystem::path& path, std::string_view what, std::string_view expected,
                         std::string_view remedy) {
    return fmt::format("{}: {}: expected {}; {}", path.string(), what, expected, remedy);
}

}  // namespace abr
