#include "engine/import/text_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <limits>
#include <system_error>

#include "engine/error.hpp"
#include "engine/input/cell_number.hpp"
#include "engine/input/csv_chunks.hpp"
#include "engine/input/table_message.hpp"

namespace abr {
namespace {

using namespace std::string_view_literals;

constexpr std::uintmax_t kLargestText = std::uintmax_t{1} << 31;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kLooksBinaryWithin = 4096;
constexpr std::size_t kLongestNumber = 32;

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\0';
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

TextSource::TextSource(const std::filesystem::path& path) : path_(path) {
    const auto refuse = [&](std::string_view what, std::string_view remedy) {
        return InputError(file_message(path, what, "a text file that a device exported", remedy));
    };
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error))
        throw refuse(
            std::filesystem::is_directory(path, error) ? "a folder" : "no regular file, or none at all",
            "name the files in it, e.g. FOLDER/*.TXT");
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    if (error) throw refuse("cannot be read (" + error.message() + ")", "check the file and its medium");
    if (size == 0) throw refuse("the file is empty", kExportAgain);
    if (size > kLargestText)
        throw refuse(fmt::format("{} bytes, more than the {} that are read", size, kLargestText),
                     "export it in parts");
    text_.resize(size);
    std::ifstream file(path, std::ios::binary);
    file.read(text_.data(), static_cast<std::streamsize>(size));
    if (file.gcount() != static_cast<std::streamsize>(size))
        throw refuse("cannot be read whole", "check the file, its permissions and its medium");
    rest_ = text_;
    if (rest_.starts_with("\xFF\xFE"sv) || rest_.starts_with("\xFE\xFF"sv))
        throw refuse("text in UTF-16", "convert it with `iconv -f UTF-16 -t UTF-8`");
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
    if (rest_.substr(0, kLooksBinaryWithin).find('\0') != std::string_view::npos)
        throw refuse("a binary file", "name its layout with --format, or export it as text");
}

bool TextSource::next() {
    if (pending_) {
        pending_ = false;
        return true;
    }
    if (rest_.empty()) return false;
    const std::size_t end = std::min(rest_.find_first_of("\r\n"), rest_.size());
    line_ = rest_.substr(0, end);
    const std::size_t skip = rest_.substr(end).starts_with("\r\n") ? 2 : 1;
    rest_.remove_prefix(std::min(end + skip, rest_.size()));
    ++number_;
    return true;
}

double TextSource::number(std::string_view cell, std::string_view field) const {
    double value = 0;
    if ((parse_number(cell, '.', value) || parse_number(cell, ',', value)) && std::isfinite(value))
        return value;
    fail(field, cell.empty() ? "no value" : "value " + quoted_value(cell), "a finite number", kExportAgain);
}

void TextSource::fail(std::string_view field, std::string_view what, std::string_view expected,
                      std::string_view remedy) const {
    fail(number_, field, what, expected, remedy);
}

void TextSource::fail(std::int64_t line, std::string_view field, std::string_view what,
                      std::string_view expected, std::string_view remedy) const {
    throw InputError(fmt::format("{}:{}, {}: {}: expected {}; {}", path_.string(), line, readable(field),
                                 what, expected, remedy));
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

std::vector<std::string_view> split(std::string_view line, char separator) {
    std::vector<std::string_view> parts;
    for (std::size_t at = 0;;) {
        const std::size_t end = std::min(line.find(separator, at), line.size());
        parts.push_back(trimmed(line.substr(at, end - at)));
        if (end == line.size()) return parts;
        at = end + 1;
    }
}

std::vector<std::string_view> words(std::string_view line) {
    std::vector<std::string_view> parts;
    for (std::size_t at = 0; (at = line.find_first_not_of(" \t", at)) != std::string_view::npos;) {
        const std::size_t end = std::min(line.find_first_of(" \t", at), line.size());
        parts.push_back(line.substr(at, end - at));
        at = end;
    }
    return parts;
}

bool leading_number(std::string_view text, double& value) {
    text = trimmed(text).substr(0, kLongestNumber);
    const std::size_t length = std::min(text.find_first_not_of("+-.,0123456789eE"), text.size());
    for (std::size_t end = length; end > 0; --end) {  // "10e" of "10 evoked" is 10
        const std::string_view digits = text.substr(0, end);
        if ((parse_number(digits, '.', value) || parse_number(digits, ',', value)) && std::isfinite(value))
            return true;
    }
    return false;
}

double level_in(std::string_view name) {
    for (std::size_t at = 0; at + 2 <= name.size(); ++at) {
        if (!contains_ignoring_case(name.substr(at, 2), "db")) continue;
        const std::string_view before = trimmed(name.substr(0, at));
        const std::size_t last_other = before.find_last_not_of("0123456789.-");
        double level = 0;
        if (leading_number(before.substr(last_other == std::string_view::npos ? 0 : last_other + 1), level))
            return level;
    }
    return std::numeric_limits<double>::quiet_NaN();
}

std::string readable(std::string_view text) {
    const bool is_utf8 = find_text_flaw(text) == nullptr;
    std::string result;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20U || byte == 0x7FU) continue;
        if (is_utf8 || byte < 0x80U) {
            result += c;
        } else {
            result += static_cast<char>(0xC0U | byte >> 6);
            result += static_cast<char>(0x80U | (byte & 0x3FU));
        }
    }
    return result;
}

std::int8_t ear_of(std::string_view name) {
    constexpr std::array kLeft = {"l"sv, "left"sv, "as"sv, "le"sv},
                         kRight = {"r"sv, "right"sv, "ad"sv, "re"sv};
    const auto is_one_of = [&](const auto& names) {
        return std::ranges::any_of(names, [&](std::string_view n) { return equals_ignoring_case(name, n); });
    };
    return is_one_of(kLeft) ? 0 : is_one_of(kRight) ? 1 : -1;
}

bool contains_ignoring_case(std::string_view text, std::string_view sought) {
    return std::search(text.begin(), text.end(), sought.begin(), sought.end(),
                       [](char a, char b) { return lower(a) == b; }) != text.end();
}

}  // namespace abr
