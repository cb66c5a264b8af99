// What the tests of every op share: guarded buffers, random values, error bounds, finite differences.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "kernels/cpu/stream.hpp"
#include "kernels/philox.hpp"
#include "kernels/view.hpp"

namespace abr::test {

// The precision of references: one wider than that under test.
template <class T>
using Wide = std::conditional_t<std::is_same_v<T, float>, double, long double>;

// Element `i` of the random sequence `seed`: uniform in (-1, 1).
inline double random_value(std::uint64_t seed, Index i) {
    const auto words = philox4x32(stream_key(seed, Purpose::cohort), static_cast<std::uint32_t>(i), 0, 0, 0);
    return 2 * to_uniform_double(words[0], words[1]) - 1;
}

// `size` elements between sentinels: NaNs of one bit pattern, so that a write outside shows in
// check_sentinels() and a read outside that matters shows in the result. Content starts as NaN (poison for
// outputs).
template <class T>
class GuardedBuffer {
  public:
    explicit GuardedBuffer(Index size)
        : size_(size), storage_(static_cast<std::size_t>(size + 2 * kGuard), sentinel()) {
        poison();
    }

    static constexpr Index kGuard = 64;  // elements at both ends

    T* data() { return storage_.data() + kGuard; }
    const T* data() const { return storage_.data() + kGuard; }
    Index size() const { return size_; }
    std::span<T> with_guards() { return storage_; }
    T& operator[](Index i) { return data()[i]; }
    const T& operator[](Index i) const { return data()[i]; }

    void poison() { std::fill_n(data(), size_, std::numeric_limits<T>::quiet_NaN()); }
    void fill(T value) { std::fill_n(data(), size_, value); }
    // The same values in float (rounded) and double.
    void fill_random(std::uint64_t seed, double scale = 1) {
        for (Index i = 0; i < size_; ++i) data()[i] = static_cast<T>(scale * random_value(seed, i));
    }
    void check_sentinels() const {
        const T expected = sentinel();
        Index overwritten = 0;
        for (Index i = 0; i < kGuard; ++i) {
            overwritten += std::memcmp(&storage_[static_cast<std::size_t>(i)], &expected, sizeof(T)) != 0;
            overwritten += std::memcmp(data() + size_ + i, &expected, sizeof(T)) != 0;
        }
        CHECK_MESSAGE(overwritten == 0, "elements written outside a buffer of ", size_);
    }

    bool same_bits(const GuardedBuffer& other) const {
        return size_ == other.size_ &&
               std::memcmp(data(), other.data(), static_cast<std::size_t>(size_) * sizeof(T)) == 0;
    }

  private:
    static T sentinel() { return static_cast<T>(std::nan("0x2abe500000000")); }

    Index size_;
    std::vector<T> storage_;
};

// A Sequence in a guarded buffer. An output starts as NaN everywhere, its padding rows included.
template <class T>
class GuardedSequence {
  public:
    GuardedSequence(Index batch, Index length, Index channels, Index pad)
        : shape_{nullptr, batch, length, channels, pad}, buffer_(shape_.size()) {}

    Sequence<T> view() {
        Sequence<T> s = shape_;
        s.data = buffer_.data();
        return s;
    }
    Sequence<const T> view() const {
        return {buffer_.data(), shape_.batch, shape_.length, shape_.channels, shape_.pad};
    }
    Matrix<T> matrix() { return as_matrix(view()); }
    Matrix<const T> matrix() const { return as_matrix(view()); }
    GuardedBuffer<T>& buffer() { return buffer_; }
    const GuardedBuffer<T>& buffer() const { return buffer_; }
    Index size() const { return buffer_.size(); }

    void poison() { buffer_.poison(); }
    // Random real rows, zero padding rows; the values do not depend on `pad`.
    void fill_random(std::uint64_t seed, double scale = 1) {
        buffer_.fill(T{0});
        for (Index b = 0; b < shape_.batch; ++b)
            for (Index t = 0; t < shape_.length; ++t)
                for (Index c = 0; c < shape_.channels; ++c)
                    view().row(b, t)[c] = static_cast<T>(
                        scale * random_value(seed, (b * shape_.length + t) * shape_.channels + c));
    }
    void check_sentinels() const { buffer_.check_sentinels(); }
    void check_zero_padding() const {
        Index wrong = 0;
        for (Index b = 0; b < shape_.batch; ++b)
            for (Index t = -shape_.pad; t < shape_.length + shape_.pad; ++t) {
                if (t >= 0 && t < shape_.length) continue;
                for (Index c = 0; c < shape_.channels; ++c) wrong += !(view().row(b, t)[c] == T{0});
            }
        CHECK_MESSAGE(wrong == 0, "padding elements that are not zero");
    }
    // The real rows without padding, as (batch, length, channels).
    template <class U = T>
    std::vector<U> values() const {
        std::vector<U> out;
        out.reserve(static_cast<std::size_t>(shape_.batch * shape_.length * shape_.channels));
        for (Index b = 0; b < shape_.batch; ++b)
            for (Index i = 0; i < shape_.length * shape_.channels; ++i)
                out.push_back(static_cast<U>(view().row(b, 0)[i]));
        return out;
    }

  private:
    Sequence<T> shape_;  // without data
    GuardedBuffer<T> buffer_;
};

template <class T>
std::vector<T> values(const GuardedBuffer<T>& buffer) {
    return {buffer.data(), buffer.data() + buffer.size()};
}

// Largest |value - reference|; NaN where any value is NaN.
template <class T, class R>
R largest_error(const std::vector<T>& value, const std::vector<R>& reference) {
    R largest = 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const R error = std::abs(static_cast<R>(value[i]) - reference[i]);
        if (!(error <= largest)) largest = error;
        if (std::isnan(error)) return error;
    }
    return largest;
}

// The bound of every op: the largest error is at most twice that of a naive version in the same precision
// plus 2 ulp of the largest reference value.
template <class T>
void check_error(const std::vector<T>& computed, const std::vector<T>& naive,
                 const std::vector<Wide<T>>& reference, const std::string& what) {
    REQUIRE(computed.size() == reference.size());
    REQUIRE(naive.size() == reference.size());
    Wide<T> largest = 0;
    for (const auto value : reference) largest = std::max(largest, std::abs(value));
    const auto magnitude = static_cast<T>(largest);
    const T ulp = std::nextafter(magnitude, std::numeric_limits<T>::infinity()) - magnitude;
    const auto bound = 2 * largest_error(naive, reference) + 2 * static_cast<Wide<T>>(ulp);
    const auto error = largest_error(computed, reference);
    CHECK_MESSAGE(error <= bound, what, ": error ", static_cast<double>(error), ", bound ",
                  static_cast<double>(bound), ", largest value ", static_cast<double>(largest));
}

// sum dy * y over the real rows: a loss whose upstream gradient is dy.
inline double upstream_loss(Sequence<const double> dy, Sequence<const double> y) {
    double sum = 0;
    for (Index b = 0; b < y.batch; ++b)
        for (Index t = 0; t < y.length; ++t)
            for (Index c = 0; c < y.channels; ++c) sum += dy.row(b, t)[c] * y.row(b, t)[c];
    return sum;
}
inline double upstream_loss(Matrix<const double> dy, Matrix<const double> y) {
    double sum = 0;
    for (Index i = 0; i < y.size(); ++i) sum += dy.data[i] * y.data[i];
    return sum;
}

// Holds `analytic` (n) against fourth-order central differences of loss() with respect to x (n). At most
// `probes` elements, spread evenly, ends included; the tolerance is relative to the largest analytic element,
// at least 1.
template <class Loss>
void check_gradient(Loss loss, double* x, Index n, const double* analytic, const std::string& what,
                    Index probes = 60, double tolerance = 1e-8) {
    double scale = 1;
    for (Index i = 0; i < n; ++i) scale = std::max(scale, std::abs(analytic[i]));
    const Index count = std::min(n, probes);
    for (Index probe = 0; probe < count; ++probe) {
        const Index i = count > 1 ? probe * (n - 1) / (count - 1) : 0;
        const double kept = x[i];
        const double h = 1e-3 * std::max(1.0, std::abs(kept));
        const auto at = [&](double steps) {
            x[i] = kept + steps * h;
            return loss();
        };
        const double numeric = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h);
        x[i] = kept;
        CHECK_MESSAGE(std::abs(numeric - analytic[i]) <= tolerance * scale, what, "[", i, "]: analytic ",
                      analytic[i], ", numeric ", numeric);
    }
}

}  // namespace abr::test
