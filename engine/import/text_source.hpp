// The text of a file, line by line, for layouts in text.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace abr {

// Lines end with a line feed, a carriage return, or both.
class TextSource {
  public:
    // InputError where there is no such file, it is no regular file, empty, larger than 2 GiB, or known by its first
    // bytes to be no text in single bytes (UTF-16, binary).
    explicit TextSource(const std::filesystem::path&);

    // Goes to the next line; false at the end.
    bool next();
    std::string_view line() const { return line_; }  // without its end
    std::int64_t number() const { return number_; }  // of the line, from 1
    void back() { pending_ = true; }                 // next() gives the same line again

    // The cell as a number with a decimal point or comma. InputError, naming line and `field`, where it is none or
    // not finite.
    double number(std::string_view cell, std::string_view field) const;

    // InputError: "FILE:LINE, FIELD: WHAT: expected EXPECTED; REMEDY", at the line read last, or at `line`.
    [[noreturn]] void fail(std::string_view field, std::string_view what, std::string_view expected,
                           std::string_view remedy) const;
    [[noreturn]] void fail(std::int64_t line, std::string_view field, std::string_view what,
                           std::string_view expected, std::string_view remedy) const;

    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
    std::string text_;
    std::string_view rest_, line_;
    std::int64_t number_ = 0;
    bool pending_ = false;
};

// What export again means for a file that a device wrote.
inline constexpr std::string_view kExportAgain = "export the file again, or leave it out with --skip-bad";

// Without spaces, tabs and NUL around it.
std::string_view trimmed(std::string_view text);
// The parts between separators, trimmed; at least one.
std::vector<std::string_view> split(std::string_view line, char separator);
// The parts between spaces and tabs; none where there is nothing else.
std::vector<std::string_view> words(std::string_view line);
// The number that a text begins with, with its decimal point or comma; nothing where there is none.
bool leading_number(std::string_view text, double& value);
// The number before "dB" in a name such as "80 dB nHL"; NaN where there is none.
double level_in(std::string_view name);
// `text` where it is UTF-8, otherwise every byte as the character of Latin-1; control characters left out.
std::string readable(std::string_view text);
// 0 for "L", "left", "AS" …, 1 for "R", "right", "AD" …, -1 for anything else.
std::int8_t ear_of(std::string_view name);
bool contains_ignoring_case(std::string_view text, std::string_view lower);

}  // namespace abr
