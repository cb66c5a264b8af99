// Unbiased integers and permutations from one stream of counter-based random numbers.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/philox.hpp"

namespace abr {

// Words of philox4x32(key, 0..., c1, c2, c3) in order.
class RandomSequence {
  public:
    explicit RandomSequence(std::uint64_t key, std::uint32_t c1 = 0, std::uint32_t c2 = 0,
                            std::uint32_t c3 = 0)
        : key_(key), c1_(c1), c2_(c2), c3_(c3) {}

    std::uint32_t next() {
        if (used_ == 4) {
            words_ = philox4x32(key_, block_++, c1_, c2_, c3_);
            used_ = 0;
        }
        return words_[used_++];
    }

    // Uniform in [0, n), n >= 1 (Lemire 2019, "Fast random integer generation in an interval").
    std::uint32_t below(std::uint32_t n) {
        std::uint64_t product = std::uint64_t{next()} * n;
        if (static_cast<std::uint32_t>(product) < n) {
            const std::uint32_t threshold = (0u - n) % n;
            while (static_cast<std::uint32_t>(product) < threshold) product = std::uint64_t{next()} * n;
        }
        return static_cast<std::uint32_t>(product >> 32);
    }

    // Fisher and Yates; fewer than 2^32 elements.
    template <class T>
    void shuffle(std::vector<T>& values) {
        for (std::size_t i = values.size(); i > 1; --i)
            std::swap(values[i - 1], values[below(static_cast<std::uint32_t>(i))]);
    }

  private:
    std::uint64_t key_;
    std::uint32_t c1_, c2_, c3_;
    std::uint32_t block_ = 0;
    Random4 words_{};
    std::size_t used_ = 4;
};

}  // namespace abr
