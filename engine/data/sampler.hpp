// The order in which the training rows are visited in an epoch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/config/config.hpp"

namespace abr {

// An order depends on (seed, epoch) alone: the same for any number of threads and after a resume. Every epoch
// has as many places as there are training rows.
//
//   shuffle    each row once, in random order
//   balanced   each class has an equal share of the places of the labelled rows, but no recording stands more
//              than max_repeats times; places that a small class cannot fill go to the larger ones. Within a
//              class the rows stand equally often, those with one repeat more are drawn anew each epoch. Rows
//              without a class stand once.
class EpochSampler {
  public:
    // labels: class of each training row, -1 = none; max_repeats >= 1.
    EpochSampler(Sampler kind, std::span<const std::int32_t> labels, std::size_t classes, int max_repeats,
                 std::uint64_t seed);

    // Training rows (0-based) in the order of this epoch.
    std::vector<std::int32_t> order(std::uint32_t epoch) const;
    // For each class, how often a recording of it stands in an epoch at most; 0 for a class without rows.
    std::vector<std::int64_t> largest_repeats() const;

  private:
    struct Stratum {
        std::vector<std::int32_t> rows;
        std::int64_t places = 0;  // in an epoch
    };
    std::vector<Stratum> strata_;  // one for each class, then one of the rows without a class
    std::size_t rows_ = 0;
    std::uint64_t key_ = 0;
};

}  // namespace abr
