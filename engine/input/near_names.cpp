#include "engine/input/near_names.hpp"

#include <algorithm>
#include <string>

#include "engine/edit_distance.hpp"
#include "engine/input/plain_text.hpp"

namespace abr {
namespace {

// Words in lower case between single underscores: "Wave V latency (ms)" is "wave_v_latency_ms".
std::string words_of(std::string_view name) {
    std::string words;
    for (const char c : folded(name)) {
        const bool is_word =
            (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
        if (is_word)
            words += c;
        else if (!words.empty() && words.back() != '_')
            words += '_';
    }
    if (words.ends_with('_')) words.pop_back();
    return words;
}

std::string_view without_unit(std::string_view words) {
    for (const std::string_view unit :
         {"_ms", "_uv", "_µv", "_db", "_db_nhl", "_nhl", "_hz", "_years", "_year", "_y"})
        if (words.ends_with(unit)) return words.substr(0, words.size() - unit.size());
    return words;
}

// Slips forgiven in a name of so many letters.
std::size_t slips(std::size_t length) {
    return length >= 10 ? 2 : length >= 6 ? 1 : 0;
}

}  // namespace

bool is_near(std::string_view theirs, std::string_view ours) {
    const std::string words = words_of(theirs);
    const std::string_view their_stem = without_unit(words), our_stem = without_unit(ours);
    if (their_stem.empty()) return false;
    const std::size_t allowed = slips(our_stem.size());
    return edit_distance(their_stem, our_stem, allowed) <= allowed;
}

}  // namespace abr
