#include "engine/input/csv_cell_ends.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "kernels/cpu/simd_levels.hpp"

// Highway compiles the part between HWY_BEFORE_NAMESPACE and HWY_AFTER_NAMESPACE once for each SIMD level by
// including this file again.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/input/csv_cell_ends.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef ABR_CSV_CELL_ENDS_BLOCK
#define ABR_CSV_CELL_ENDS_BLOCK
namespace abr {

constexpr std::ptrdiff_t kBlock = 64;

// What follows on the separators that were found.
struct SeparatorScan {
    const char* at;     // the line end or quote, the end of the text, or where the room for separators ended
    const char** ends;  // after the last separator
};

}  // namespace abr
#endif

HWY_BEFORE_NAMESPACE();
namespace abr {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Bit i for each character i of a block that is `first` or `second`.
HWY_INLINE std::uint64_t find_in_block(const char* block, char first, char second) {
    std::uint64_t word = 0;
    const hn::CappedTag<std::uint8_t, kBlock> d;
    if constexpr (hn::MaxLanes(d) < 8) {
        for (int i = 0; i < kBlock; ++i) word |= std::uint64_t{block[i] == first || block[i] == second} << i;
    } else {
        const auto* characters = reinterpret_cast<const std::uint8_t*>(block);
        const auto wanted = hn::Set(d, static_cast<std::uint8_t>(first));
        const auto also = hn::Set(d, static_cast<std::uint8_t>(second));
        std::uint8_t bits[kBlock / 8 + 8];  // eight are read, more may be written
        for (std::size_t i = 0; i < kBlock; i += hn::Lanes(d)) {
            const auto found = hn::LoadU(d, characters + i);
            hn::StoreMaskBits(d, hn::Or(hn::Eq(found, wanted), hn::Eq(found, also)), bits + i / 8);
        }
        std::memcpy(&word, bits, sizeof word);
    }
    return word;
}

// Writes separators from `ends` on as far as `room`, until a line end or a quote.
SeparatorScan scan_separators(const char* at, const char* end, char separator, const char** ends,
                              const char** room) {
    char copy[kBlock];
    for (; at < end && room - ends >= kBlock; at += kBlock) {
        const char* block = at;
        if (end - at < kBlock) {
            std::memset(copy, 0, kBlock);
            std::memcpy(copy, at, static_cast<std::size_t>(end - at));
            block = copy;
        }
        std::uint64_t separators = find_in_block(block, separator, separator);
        const std::uint64_t stops = find_in_block(block, '\n', '"');
        const int stop = std::countr_zero(stops);
        if (stop < kBlock) separators &= (std::uint64_t{1} << stop) - 1;
        const char** const after = ends + std::popcount(separators);
        // Eight at once, needed or not: a loop that ends after each one's own number is hard to predict.
        do {
            for (int i = 0; i < 8; ++i) {
                ends[i] = at + std::countr_zero(separators);
                separators &= separators - 1;
            }
            ends += 8;
        } while (ends < after);
        ends = after;
        if (stop < kBlock) return {at + stop, ends};
    }
    return {std::min(at, end), ends};
}

}  // namespace HWY_NAMESPACE
}  // namespace abr
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abr {

HWY_EXPORT(scan_separators);

const char* CellEnds::find(const char* begin, const char* end, char separator) {
    count_ = 0;
    const char* at = begin;
    for (;;) {
        if (ends_.size() < count_ + 2 * kBlock) ends_.resize(2 * (count_ + 2 * kBlock));
        const SeparatorScan found = HWY_DYNAMIC_DISPATCH(scan_separators)(
            at, end, separator, ends_.data() + count_, ends_.data() + ends_.size());
        at = found.at;
        count_ = static_cast<std::size_t>(found.ends - ends_.data());
        if (at == end || *at == '\n') break;
        if (*at == '"') return nullptr;
    }
    ends_[count_++] = at;
    return at;
}

}  // namespace abr
#endif
