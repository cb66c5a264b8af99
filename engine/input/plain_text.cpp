#include "engine/input/plain_text.hpp"

#include <algorithm>

namespace abr {
namespace {

bool within(char32_t c, char32_t first, char32_t last) {
    return c >= first && c <= last;
}

// Simple case folding (Unicode's CaseFolding.txt) of the scripts in which identifiers are written.
char32_t lower_case(char32_t c) {
    if (within(c, U'A', U'Z')) return c + 0x20;
    if (c < 0x80) return c;
    if (c == 0x130 || c == 0x131)
        return U'i';  // İ and ı: with I and i one letter, as a program of another locale has it
    if (within(c, 0xC0, 0xDE) && c != 0xD7) return c + 0x20;
    if (within(c, 0x100, 0x137) || within(c, 0x14A, 0x177)) return c | 1U;
    if (within(c, 0x139, 0x148) || within(c, 0x179, 0x17E)) return c + (c & 1U);
    if (c == 0x178) return 0xFF;
    if (within(c, 0x391, 0x3A9)) return c + 0x20;
    if (within(c, 0x410, 0x42F)) return c + 0x20;
    if (within(c, 0x400, 0x40F)) return c + 0x50;
    return c;
}

void append(std::string& text, char32_t c) {
    const auto byte = [&](char32_t value) { text += static_cast<char>(value); };
    if (c < 0x80) {
        byte(c);
    } else if (c < 0x800) {
        byte(0xC0 | c >> 6);
        byte(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        byte(0xE0 | c >> 12);
        byte(0x80 | (c >> 6 & 0x3F));
        byte(0x80 | (c & 0x3F));
    } else {
        byte(0xF0 | c >> 18);
        byte(0x80 | (c >> 12 & 0x3F));
        byte(0x80 | (c >> 6 & 0x3F));
        byte(0x80 | (c & 0x3F));
    }
}

}  // namespace

char32_t take_character(std::string_view& text) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    constexpr unsigned kLeadBits[] = {0, 0xFF, 0x1F, 0x0F, 0x07};
    char32_t c = lead & kLeadBits[length];
    bool whole = length <= text.size();
    for (std::size_t i = 1; whole && i < length; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        whole = (next & 0xC0U) == 0x80U;
        c = c << 6 | (next & 0x3FU);
    }
    text.remove_prefix(whole ? length : 1);
    return whole ? c : lead;
}

bool is_invisible(char32_t c) {
    return c == 0xA0 || c == 0xAD || c == 0x61C || c == 0x180E || within(c, 0x2000, 0x200F) ||
           within(c, 0x2028, 0x202F) || within(c, 0x205F, 0x206F) || c == 0x3000 || c == 0xFEFF;
}

std::string folded(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        const char32_t c = take_character(text);
        if (!is_invisible(c) && c >= 0x20) append(result, lower_case(c));
    }
    const auto last = result.find_last_not_of(' ');
    result.erase(last == std::string::npos ? 0 : last + 1);
    result.erase(0, std::min(result.find_first_not_of(' '), result.size()));
    return result;
}

bool is_spreadsheet_error(std::string_view text) {
    if (text.size() < 3 || text.front() != '#') return false;
    if (text.back() == '!' || text.back() == '?') return true;
    const std::string_view rest = text.substr(1);
    return rest == "N/A" || rest == "NV" || rest == "YOK" || rest == "N/D" || rest == "ND" || rest == "I/T";
}

}  // namespace abr
