// Transposition of small blocks of a matrix, compiled once for each SIMD level: include after <hwy/foreach_target.h>.
#if defined(ABR_KERNELS_CPU_SIMD_TRANSPOSE_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ABR_KERNELS_CPU_SIMD_TRANSPOSE_HPP
#undef ABR_KERNELS_CPU_SIMD_TRANSPOSE_HPP
#else
#define ABR_KERNELS_CPU_SIMD_TRANSPOSE_HPP
#endif

#include <hwy/highway.h>

#include "kernels/view.hpp"

HWY_BEFORE_NAMESPACE();
namespace abr::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// to[c * to_stride + r] = from[r * from_stride + c] for r, c < 4.
template <class T>
HWY_INLINE void transpose_4x4(const T* from, Index from_stride, T* to, Index to_stride) {
    for (Index c = 0; c < 4; ++c)
        for (Index r = 0; r < 4; ++r) to[c * to_stride + r] = from[r * from_stride + c];
}
#if HWY_TARGET != HWY_SCALAR
HWY_INLINE void transpose_4x4(const float* from, Index from_stride, float* to, Index to_stride) {
    const hn::FixedTag<float, 4> d;
    const auto r0 = hn::LoadU(d, from), r1 = hn::LoadU(d, from + from_stride);
    const auto r2 = hn::LoadU(d, from + 2 * from_stride), r3 = hn::LoadU(d, from + 3 * from_stride);
    const auto lower01 = hn::InterleaveLower(d, r0, r1), upper01 = hn::InterleaveUpper(d, r0, r1);
    const auto lower23 = hn::InterleaveLower(d, r2, r3), upper23 = hn::InterleaveUpper(d, r2, r3);
    hn::StoreU(hn::ConcatLowerLower(d, lower23, lower01), d, to);
    hn::StoreU(hn::ConcatUpperUpper(d, lower23, lower01), d, to + to_stride);
    hn::StoreU(hn::ConcatLowerLower(d, upper23, upper01), d, to + 2 * to_stride);
    hn::StoreU(hn::ConcatUpperUpper(d, upper23, upper01), d, to + 3 * to_stride);
}
#endif

// The same for r < rows, c < columns; quick where both are multiples of 4. Four rows of `from` at a time, each from its
// beginning to its end: rows a power of two apart displace each other from the first-level cache.
template <class T>
HWY_INLINE void transpose(const T* from, Index from_stride, Index rows, Index columns, T* to,
                          Index to_stride) {
    if (rows % 4 != 0 || columns % 4 != 0) {
        for (Index r = 0; r < rows; ++r)
            for (Index c = 0; c < columns; ++c) to[c * to_stride + r] = from[r * from_stride + c];
        return;
    }
    for (Index r = 0; r < rows; r += 4)
        for (Index c = 0; c < columns; c += 4)
            transpose_4x4(from + r * from_stride + c, from_stride, to + c * to_stride + r, to_stride);
}

}  // namespace abr::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
