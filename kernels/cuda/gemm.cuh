// The matrix product that every convolution and linear map of the CUDA backend is made of:
//   c(m, n) (=, +=) bias[n] + sum_d a(m, d) * b(d, n)
// Nothing is copied beforehand: an operand's element lies at the sum of two offsets, one for each of its indices, and an
// index may run over two levels (sample and position, tap and channel). The windows of a channels-last sequence are
// rows of such an operand. A sum runs in the order of d whatever the tile.
#pragma once

#include <span>
#include <stdexcept>
#include <string>

#include "kernels/cuda/device.cuh"

namespace abr::cuda {

// Throws std::length_error for a batch whose rows 32 bits cannot number.
inline void check_count(Index count) {
    if (count < 0 || count >= Index{1} << 31)
        throw std::length_error("cuda: a matrix product with " + std::to_string(count) + " rows or columns");
}

// n / divisor for n < 2^31 by a multiplication (Granlund and Montgomery 1994, "Division by invariant integers using
// multiplication", figure 4.1).
class Divider {
  public:
    Divider() = default;
    explicit Divider(Index divisor) : divisor_(static_cast<std::uint32_t>(divisor)) {
        check_count(divisor);
        while ((std::uint64_t{1} << shift_) < divisor_) ++shift_;
        multiplier_ =
            static_cast<std::uint32_t>((((std::uint64_t{1} << shift_) - divisor_) << 32) / divisor_ + 1);
    }
    ABR_HOST_DEVICE std::uint32_t quotient(std::uint32_t n) const {
        const auto high = static_cast<std::uint32_t>((std::uint64_t{n} * multiplier_) >> 32);
        return (high + n) >> shift_;
    }
    ABR_HOST_DEVICE std::uint32_t divisor() const { return divisor_; }

  private:
    std::uint32_t divisor_ = 1, multiplier_ = 1, shift_ = 0;
};

// The offset of index i: (i / inner) * outer + (i % inner) * step.
struct Axis {
    std::uint32_t count = 0;
    Divider inner;
    Index outer = 0, step = 0;

    Axis() = default;
    Axis(Index size, Index stride) : Axis(size, size, 0, stride) {}
    Axis(Index size, Index inner_size, Index outer_stride, Index stride)
        : count(static_cast<std::uint32_t>(size)),
          inner(inner_size > 0 ? inner_size : 1),
          outer(outer_stride),
          step(stride) {
        check_count(size);
    }
    ABR_HOST_DEVICE Index offset(std::uint32_t i) const {
        const std::uint32_t q = inner.quotient(i);
        return q * outer + (i - q * inner.divisor()) * step;
    }
    // Indices 4 i ... 4 i + 3 are neighbours in memory.
    bool runs_in_fours() const {
        return step == 1 && count % 4 == 0 &&
               (inner.divisor() >= count || (inner.divisor() % 4 == 0 && outer % 4 == 0));
    }
    bool moves_by_fours() const { return step % 4 == 0 && outer % 4 == 0; }
};

// side: m of a, n of b.
struct Operand {
    const float* data = nullptr;
    Axis side, depth;
    bool along_depth = false;  // neighbours in memory are so in depth
    bool vector = false;       // they may be read as float4

    Operand() = default;
    Operand(const float* first, const Axis& side_axis, const Axis& depth_axis, bool runs_along_depth)
        : data(first), side(side_axis), depth(depth_axis), along_depth(runs_along_depth) {
        const Axis& run = along_depth ? depth : side;
        vector = run.runs_in_fours() && (along_depth ? side : depth).moves_by_fours() && is_aligned(data, 16);
    }
};

struct Output {
    float* data = nullptr;
    Axis rows, columns;
    bool vector = false;  // four columns may be written as float4

    Output() = default;
    Output(float* first, const Axis& row_axis, const Axis& column_axis)
        : data(first), rows(row_axis), columns(column_axis) {
        vector = columns.runs_in_fours() && rows.moves_by_fours() && is_aligned(data, 16);
    }
};

struct Product {
    Operand a, b;  // of the same depth; not a along its side with b along the depth
    Output c;
    const float* bias = nullptr;  // one value a column, or null
    Write write = Write::overwrite;
};

// At most kMaxPhases products, the phases of a transposed convolution: they may differ in depth and by a row a sample,
// the first one has the most rows. Zeroes the padding rows of `padded`, the sequence where c lies, too.
inline constexpr Index kMaxPhases = 4;
void multiply(Stream&, std::span<const Product>, Sequence<float> padded);
// c, which is dense, += a * b: a sum over all rows of a batch, cut into slices (gemm_plan.hpp).
void accumulate_weight_product(Stream&, const Product&, float* workspace);
// sums[o] += sum_{b,t} x[b,t,o] over the real rows.
void accumulate_column_sums(Stream&, Sequence<const float> x, float* sums, float* workspace);

}  // namespace abr::cuda
