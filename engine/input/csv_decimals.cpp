#include "engine/input/csv_decimals.hpp"

#include <bit>
#include <cstdint>

#include "kernels/cpu/simd_levels.hpp"

// Highway compiles the part between HWY_BEFORE_NAMESPACE and HWY_AFTER_NAMESPACE once for each SIMD level by
// including this file again.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/input/csv_decimals.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef ABR_CSV_DECIMALS_TABLES
#define ABR_CSV_DECIMALS_TABLES
namespace abr {

// The last n of 16 characters are kept by the 16 bytes from kKeep[n] on.
alignas(32) constexpr std::uint8_t kKeep[32] = {
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
// With the number's sign, because a branch on it would be mispredicted wherever a signal crosses zero.
constexpr double kPowersOfTen[2][16] = {
    {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15},
    {-1e0, -1e1, -1e2, -1e3, -1e4, -1e5, -1e6, -1e7, -1e8, -1e9, -1e10, -1e11, -1e12, -1e13, -1e14, -1e15}};

}  // namespace abr
#endif

HWY_BEFORE_NAMESPACE();
namespace abr {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR
std::size_t read_plain(const char*, const char*, const char* const*, std::size_t, char, float*) {
    return 0;  // without vectors every number is read the general way
}
#else
// The number that 16 digits from 0 to 9 make: pairs, then fours, then eights, all at once.
HWY_INLINE std::uint64_t digits_value(hn::Vec<hn::FixedTag<std::uint8_t, 16> > digits) {
    const hn::FixedTag<std::uint16_t, 8> d16;
    const hn::FixedTag<std::uint32_t, 4> d32;
    const hn::FixedTag<std::uint64_t, 2> d64;
    const auto ones = hn::BitCast(d16, digits);
    const auto pairs = hn::BitCast(
        d32, hn::Add(hn::Mul(hn::And(ones, hn::Set(d16, 0xFF)), hn::Set(d16, 10)), hn::ShiftRight<8>(ones)));
    const auto fours =
        hn::Add(hn::Mul(hn::And(pairs, hn::Set(d32, 0xFFFF)), hn::Set(d32, 100)), hn::ShiftRight<16>(pairs));
    const auto eights =
        hn::Add(hn::MulEven(fours, hn::Set(d32, 10000)), hn::ShiftRight<32>(hn::BitCast(d64, fours)));
    return hn::GetLane(eights) * 100000000 + hn::ExtractLane(eights, 1);
}

// Digits and power of ten are exact in double, so their quotient is correctly rounded (Clinger 1990, "How to read
// floating point numbers accurately"). Rounding it once more to float is right unless it lies at, or next to, the
// middle between two floats.
std::size_t read_plain(const char* readable, const char* begin, const char* const* ends, std::size_t count,
                       char decimal, float* values) {
    constexpr std::uint64_t kDropped = (std::uint64_t{1} << 29) - 1;  // bits of a double that a float has not
    constexpr std::uint64_t kMiddle = std::uint64_t{1} << 28;
    const hn::FixedTag<std::uint8_t, 16> d;
    const hn::FixedTag<std::int8_t, 16> signed_d;
    const auto mark = hn::Set(d, static_cast<std::uint8_t>(decimal));
    const auto nine = hn::Set(d, 9);
    const auto positions = hn::Iota(signed_d, 0);
    for (std::size_t i = 0; i < count; ++i) {
        const char* const end = ends[i];
        if (begin == end || end - readable < 16) return i;
        const std::ptrdiff_t negative = *begin == '-' ? 1 : 0;
        const std::ptrdiff_t length = end - begin - negative;
        if (length < 1 || length > 16) return i;

        // The 16 characters before the cell's end: the number at their end, zeros before it.
        const auto characters = hn::LoadU(d, reinterpret_cast<const std::uint8_t*>(end) - 16);
        const auto keep = hn::LoadU(d, kKeep + length);
        const auto mark_at = static_cast<int>(hn::FindFirstTrue(d, hn::Eq(hn::And(characters, keep), mark)));
        if (mark_at == 15) return i;
        const auto values_or_rubbish = hn::And(hn::Sub(characters, hn::Set(d, '0')), keep);
        // What stands before the mark moves onto its place; without one mark_at is -1.
        const auto before = hn::Lt(positions, hn::Set(signed_d, static_cast<std::int8_t>(mark_at + 1)));
        const auto from = hn::BitCast(d, hn::Add(positions, hn::VecFromMask(signed_d, before)));
        const auto digits = hn::TableLookupBytesOr0(values_or_rubbish, from);
        if (!hn::AllTrue(d, hn::Eq(hn::Min(digits, nine), digits))) return i;

        const std::uint64_t number = digits_value(digits);
        if (number > std::uint64_t{1} << 53) return i;
        const int decimals = mark_at < 0 ? 0 : 15 - mark_at;
        const double quotient =
            static_cast<double>(static_cast<std::int64_t>(number)) / kPowersOfTen[negative][decimals];
        if (((std::bit_cast<std::uint64_t>(quotient) & kDropped) - (kMiddle - 1)) <= 2) return i;
        values[i] = static_cast<float>(quotient);
        begin = end + 1;
    }
    return count;
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace abr
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abr {

HWY_EXPORT(read_plain);

std::size_t read_decimals(const char* readable, const char* begin, const char* const* ends, std::size_t count,
                          char decimal, float* values) {
    return HWY_DYNAMIC_DISPATCH(read_plain)(readable, begin, ends, count, decimal, values);
}

}  // namespace abr
#endif
