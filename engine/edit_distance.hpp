// How far two names are from each other.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

namespace abr {

// Levenshtein distance (1966): insertions, deletions and substitutions of bytes; more than `limit` where it
// is more.
inline std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
    std::vector<std::size_t> last(b.size() + 1), current(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        current[0] = i;
        std::size_t least = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t substitution = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            current[j] = std::min(std::min(last[j], current[j - 1]) + 1, substitution);
            least = std::min(least, current[j]);
        }
        if (least > limit) return least;  // no later row has less
        std::swap(last, current);
    }
    return last[b.size()];
}

}  // namespace abr
