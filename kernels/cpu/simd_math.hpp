// Vector functions for the loops of ops that are bound by arithmetic, compiled once for each SIMD level
// through Google Highway: include after <hwy/foreach_target.h>. In float they are polynomials and quotients
// of polynomials, with the error stated at each; in double, the oracle's precision, they are those of the
// standard library. NaN in gives NaN out.
#if defined(ABR_KERNELS_CPU_SIMD_MATH_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef ABR_KERNELS_CPU_SIMD_MATH_HPP
#undef ABR_KERNELS_CPU_SIMD_MATH_HPP
#else
#define ABR_KERNELS_CPU_SIMD_MATH_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "kernels/dropout.hpp"
#include "kernels/view.hpp"

HWY_BEFORE_NAMESPACE();
namespace abr::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class T>
using Full = hn::ScalableTag<T>;
template <class T>
using One = hn::CappedTag<T, 1>;
template <int n>
using Count = std::integral_constant<int, n>;

template <class T>
HWY_INLINE Index lanes() {
    return static_cast<Index>(hn::Lanes(Full<T>()));
}

// f(tag, i) for i over [begin, n): vectors of kLanes, then of half as many, down to single elements.
template <class T, Index kLanes = static_cast<Index>(hn::MaxLanes(Full<T>())), class F>
HWY_INLINE void for_each_vector(Index n, const F& f, Index begin = 0) {
    const hn::CappedTag<T, static_cast<std::size_t>(kLanes)> d;
    Index i = begin;
    for (; i + kLanes <= n; i += kLanes) f(d, i);
    if constexpr (kLanes > 1) for_each_vector<T, kLanes / 2>(n, f, i);
}

// f(tag, Count<k>, c) for panels of k vectors from column c on: pairs of vectors, then one, then single
// elements.
template <class T, class F>
HWY_INLINE void for_each_panel(Index columns, const F& f) {
    Index c = 0;
    for (; c + 2 * lanes<T>() <= columns; c += 2 * lanes<T>()) f(Full<T>(), Count<2>(), c);
    for (; c + lanes<T>() <= columns; c += lanes<T>()) f(Full<T>(), Count<1>(), c);
    for (; c < columns; ++c) f(One<T>(), Count<1>(), c);
}

template <class D, class V, class F>
HWY_INLINE V for_each_lane(D d, V v, const F& f) {
    HWY_ALIGN hn::TFromD<D> values[HWY_MAX_BYTES / sizeof(hn::TFromD<D>)];
    hn::Store(v, d, values);
    for (std::size_t i = 0; i < hn::Lanes(d); ++i) values[i] = f(values[i]);
    return hn::Load(d, values);
}

// min(v, limit), max(v, limit) that keep NaN; Highway's Min and Max do not on every level.
template <class V>
HWY_INLINE V at_most(V limit, V v) {
    return hn::IfThenElse(hn::Lt(limit, v), limit, v);
}
template <class V>
HWY_INLINE V at_least(V limit, V v) {
    return hn::IfThenElse(hn::Lt(v, limit), limit, v);
}

// c[0] + c[1] u + ... by Horner's rule.
template <class D, class V, std::size_t n>
HWY_INLINE V polynomial(D d, V u, const float (&c)[n]) {
    V sum = hn::Set(d, c[n - 1]);
    for (std::size_t i = n - 1; i-- > 0;) sum = hn::MulAdd(sum, u, hn::Set(d, c[i]));
    return sum;
}

// In float, Phi(x) - 1/2 and gelu'(x) - 1/2 are odd: x P(x^2) / Q(x^2) on [0, limit], minimax fits by Lawson's
// reweighted least squares. The last product is fused into the sum that follows, which saves a rounding.

// gelu(z) = z Phi(z), exact erf form. Error at most 4e-7 * max(1, |z|).
template <class D, class V>
HWY_INLINE V gelu(D d, V z) {
    if constexpr (std::is_same_v<hn::TFromD<D>, float>) {
        // Phi - 1/2, error of the fit 5.5e-9.
        static constexpr float p[] = {3.98942245e-1f, 3.33722868e-2f, 4.65085501e-3f,
                                      1.64322321e-4f, 6.36002716e-6f, 2.33867103e-8f};
        static constexpr float q[] = {1.0f,           2.50318007e-1f, 2.83787214e-2f,
                                      1.85898502e-3f, 7.24004009e-5f, 1.21659081e-6f};
        // max(z, 0) - |z| (1 - Phi(|z|)): the second term is bounded, so that no error grows with z.
        const V magnitude = hn::Abs(z);
        const V x = at_most(hn::Set(d, 5.4f), magnitude);
        const V u = hn::Mul(x, x);
        const V tail = hn::NegMulAdd(x, hn::Div(polynomial(d, u, p), polynomial(d, u, q)), hn::Set(d, 0.5f));
        const V positive = hn::Mul(hn::Set(d, 0.5f), hn::Add(z, magnitude));
        return hn::NegMulAdd(x, tail, positive);
    } else {
        return for_each_lane(d, z, [](double v) { return v * (0.5 + 0.5 * std::erf(v * M_SQRT1_2)); });
    }
}

// Derivative of gelu, Phi(z) + z phi(z). Error at most 4e-7.
template <class D, class V>
HWY_INLINE V gelu_derivative(D d, V z) {
    if constexpr (std::is_same_v<hn::TFromD<D>, float>) {
        // Error of the fit 2.1e-8; beyond 5.8 the function is 1 within 1.2e-7.
        static constexpr float p[] = {7.978847145e-1f, -4.371520454e-2f, 1.460875560e-2f, -1.840437697e-4f,
                                      3.267214437e-5f, -1.596807195e-7f, 3.398428338e-9f, -1.894524584e-11f};
        static constexpr float q[] = {
            1.0f, 2.785461300e-1f, 3.615383779e-2f, 2.839320257e-3f, 1.419001145e-4f, 4.957574719e-6f};
        const V x = at_most(hn::Set(d, 5.8f), hn::Abs(z));
        const V u = hn::Mul(x, x);
        return hn::MulAdd(hn::CopySign(x, z), hn::Div(polynomial(d, u, p), polynomial(d, u, q)),
                          hn::Set(d, 0.5f));
    } else {
        constexpr double kInverseSqrtTwoPi = 0.398942280401432677939946;
        return for_each_lane(d, z, [](double v) {
            return 0.5 + 0.5 * std::erf(v * M_SQRT1_2) + v * kInverseSqrtTwoPi * std::exp(-0.5 * v * v);
        });
    }
}

// exp(x) for x <= 0; relative error at most 4e-7; at -87 and below the result stays near 1.6e-38.
template <class D, class V>
HWY_INLINE V exp_of_negative(D d, V x) {
    if constexpr (std::is_same_v<hn::TFromD<D>, float>) {
        // 2^n exp(r), r in [-ln 2 / 2, ln 2 / 2], ln 2 in two parts; coefficients of Cephes' expf (Moshier).
        static constexpr float c[] = {5.0000001201e-1f, 1.6666665459e-1f, 4.1665795894e-2f,
                                      8.3334519073e-3f, 1.3981999507e-3f, 1.9875691500e-4f};
        const hn::RebindToSigned<D> di;
        const V clamped = at_least(hn::Set(d, -87.0f), x);
        const V n = hn::Round(hn::Mul(clamped, hn::Set(d, 1.44269504088896341f)));
        const V r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f),
                                  hn::NegMulAdd(n, hn::Set(d, 0.693359375f), clamped));
        const V e = hn::Add(hn::MulAdd(polynomial(d, r, c), hn::Mul(r, r), r), hn::Set(d, 1.0f));
        const auto exponent = hn::Add(hn::ConvertTo(di, n), hn::Set(di, 127));
        return hn::Mul(e, hn::BitCast(d, hn::ShiftLeft<23>(exponent)));
    } else {
        return for_each_lane(d, x, [](double v) { return std::exp(v); });
    }
}

// tanh(x). Error at most 2e-7, absolute.
template <class D, class V>
HWY_INLINE V tanh(D d, V x) {
    if constexpr (std::is_same_v<hn::TFromD<D>, float>) {
        // 1 - 2 e / (1 + e), e = exp(-2 |x|): most exact near 1, where 1 - tanh^2 magnifies errors.
        const V one = hn::Set(d, 1.0f);
        const V e = exp_of_negative(d, hn::Mul(hn::Set(d, -2.0f), hn::Abs(x)));
        return hn::CopySign(hn::Sub(one, hn::Div(hn::Add(e, e), hn::Add(one, e))), x);
    } else {
        return for_each_lane(d, x, [](double v) { return std::tanh(v); });
    }
}

// Sums of f(tag, i) over i in [0, n), where f returns the vector of elements from i on.
template <class T, class F>
HWY_INLINE T sum_of(Index n, const F& f) {
    const Full<T> d;
    auto sum = hn::Zero(d);
    Index i = 0;
    for (; i + lanes<T>() <= n; i += lanes<T>()) sum = hn::Add(sum, f(d, i));
    T total = hn::GetLane(hn::SumOfLanes(d, sum));
    for_each_vector<T>(
        n, [&](auto tag, Index j) HWY_ATTR { total += hn::GetLane(hn::SumOfLanes(tag, f(tag, j))); }, i);
    return total;
}

// Softmax of scale * row (n), in place.
template <class T>
HWY_INLINE void softmax(T* row, Index n, T scale) {
    const Full<T> d;
    T largest = row[0];
    Index i = 0;
    if (n >= lanes<T>()) {
        auto m = hn::LoadU(d, row);
        for (; i + lanes<T>() <= n; i += lanes<T>()) m = hn::Max(m, hn::LoadU(d, row + i));
        largest = hn::GetLane(hn::MaxOfLanes(d, m));
    }
    for (; i < n; ++i) largest = std::max(largest, row[i]);
    const T sum = sum_of<T>(n, [&](auto tag, Index j) HWY_ATTR {
        const auto shifted = hn::Sub(hn::LoadU(tag, row + j), hn::Set(tag, largest));
        const auto e = exp_of_negative(tag, hn::Mul(shifted, hn::Set(tag, scale)));
        hn::StoreU(e, tag, row + j);
        return e;
    });
    for_each_vector<T>(n, [&](auto tag, Index j) HWY_ATTR {
        hn::StoreU(hn::Mul(hn::LoadU(tag, row + j), hn::Set(tag, 1 / sum)), tag, row + j);
    });
}

// The factors (0 or 1 / (1 - rate)) of consecutive elements of one recording; all 1 where dropout is off.
template <class T>
class DropoutFactors {
  public:
    static constexpr Index kCapacity = 2048;

    DropoutFactors(const Dropout& dropout, Index b)
        : draws_(dropout),
          place_(draws_.place + static_cast<std::uint32_t>(b)),
          threshold_(dropout_threshold(dropout.rate)),
          scale_(T{1} / (T{1} - static_cast<T>(dropout.rate))) {
        if (!draws_.on) std::fill_n(factors_, kCapacity, T{1});
        auto k0 = static_cast<std::uint32_t>(draws_.key);
        auto k1 = static_cast<std::uint32_t>(draws_.key >> 32);
        for (auto& round : round_keys_) {
            std::fill_n(round[0], kLanes, k0);
            std::fill_n(round[1], kLanes, k1);
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
    }

    // Factors at [at, at + n) of the buffer become those of elements [begin, begin + n); at + n <= kCapacity.
    HWY_NOINLINE void draw(Index begin, Index n, Index at = 0) {
        if (!draws_.on) return;
        const Index offset = begin % 4;
        philox_words(static_cast<std::uint32_t>(begin / 4), (offset + n + 3) / 4);
        const std::uint32_t* words = words_ + offset;
        if constexpr (std::is_same_v<T, float>) {
            for_each_vector<T>(n, [&](auto d, Index i) HWY_ATTR {
                const hn::RebindToUnsigned<decltype(d)> d32;
                const hn::RebindToSigned<decltype(d)> signed32;  // 24 bits fit, and compare faster
                const auto cell = hn::BitCast(signed32, hn::ShiftRight<8>(hn::LoadU(d32, words + i)));
                const auto dropped = hn::Lt(cell, hn::Set(signed32, static_cast<std::int32_t>(threshold_)));
                hn::StoreU(hn::IfThenZeroElse(hn::RebindMask(d, dropped), hn::Set(d, scale_)), d,
                           factors_ + at + i);
            });
        } else {
            for (Index i = 0; i < n; ++i) factors_[at + i] = dropout_factor(words[i], threshold_, scale_);
        }
    }

    const T* data() const { return factors_; }

  private:
    static constexpr Index kLanes = HWY_MAX_BYTES / sizeof(std::uint64_t);

    // The words of counters first ... first + blocks, four a counter, to words_.
    HWY_INLINE void philox_words(std::uint32_t first, Index blocks) {
#if HWY_TARGET == HWY_SCALAR
        for (Index i = 0; i < blocks; ++i) {
            const Random4 block = philox4x32(draws_.key, first + static_cast<std::uint32_t>(i), place_,
                                             draws_.step, draws_.epoch);
            std::copy(block.begin(), block.end(), words_ + 4 * i);
        }
#else
        // One counter in each 64-bit lane, its words in the low halves: a multiplication reads the low halves only,
        // so that what is left in the high halves never matters. Two vectors in turn hide the latency.
        const hn::ScalableTag<std::uint64_t> d;
        const hn::Repartition<std::uint32_t, decltype(d)> d32;
        const auto multiply = [&](auto a, auto b)
                                  HWY_ATTR { return hn::MulEven(hn::BitCast(d32, a), hn::BitCast(d32, b)); };
        const auto m0 = hn::Set(d, 0xD2511F53u);
        const auto m1 = hn::Set(d, 0xCD9E8D57u);
        const auto step = static_cast<Index>(hn::Lanes(d));
        using V = hn::Vec<decltype(d)>;
        const auto pack = [&](V even, V odd) HWY_ATTR {
            return hn::BitCast(d,
                               hn::OddEven(hn::BitCast(d32, hn::ShiftLeft<32>(odd)), hn::BitCast(d32, even)));
        };
        const V fixed1 = hn::Set(d, place_);
        const V fixed2 = hn::Set(d, draws_.step);
        const V fixed3 = hn::Set(d, draws_.epoch);
        V counter = hn::Add(hn::Iota(d, 0), hn::Set(d, first));
        for (Index i = 0; i < blocks; i += 2 * step) {
            V c0[2], c1[2], c2[2], c3[2];
            for (int u = 0; u < 2; ++u) {
                c0[u] = counter;
                counter = hn::Add(counter, hn::Set(d, static_cast<std::uint64_t>(step)));
                c1[u] = fixed1;
                c2[u] = fixed2;
                c3[u] = fixed3;
            }
            for (const auto& round : round_keys_)
                for (int u = 0; u < 2; ++u) {
                    const V p0 = multiply(m0, c0[u]);
                    const V p1 = multiply(m1, c2[u]);
                    c0[u] = hn::Xor(hn::ShiftRight<32>(p1), hn::Xor(c1[u], hn::Load(d, round[0])));
                    c2[u] = hn::Xor(hn::ShiftRight<32>(p0), hn::Xor(c3[u], hn::Load(d, round[1])));
                    c1[u] = p1;
                    c3[u] = p0;
                }
            for (int u = 0; u < 2; ++u) {
                const V c01 = pack(c0[u], c1[u]);
                const V c23 = pack(c2[u], c3[u]);
                hn::StoreInterleaved2(c01, c23, d,
                                      reinterpret_cast<std::uint64_t*>(words_ + 4 * (i + u * step)));
            }
        }
#endif
    }

    DropoutDraws draws_;
    std::uint32_t place_;
    std::uint32_t threshold_;
    T scale_;
    alignas(HWY_MAX_BYTES) std::uint64_t round_keys_[10][2][kLanes];
    alignas(HWY_MAX_BYTES) T factors_[kCapacity];
    // Room for two whole vectors of counters beyond the last, and for an unaligned beginning.
    alignas(HWY_MAX_BYTES) std::uint32_t words_[kCapacity + 4 + 8 * kLanes];
};

}  // namespace abr::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
