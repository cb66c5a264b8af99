// Random numbers of the cohort: one counter-based stream for each patient and recording, so that neither the
// number of threads nor the draws of another patient can change a recording.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/philox.hpp"

namespace abr::synthetic {

class CohortRandom {
  public:
    static constexpr std::uint32_t kPlan =
        0xFFFFFFFFu;                                  // stands in for a patient: the plan of the whole cohort
    static constexpr std::uint32_t kPatientLane = 0;  // recording r of a patient draws from lane 1 + r

    CohortRandom(std::uint64_t seed, std::uint32_t patient, std::uint32_t lane)
        : key_(stream_key(seed, Purpose::cohort)), patient_(patient), lane_(lane) {}

    // Two independent standard normals.
    NormalPair normal_pair() {
        const std::uint32_t a = bits();
        return to_normal(a, bits());
    }
    double normal(double mean, double sd) { return mean + sd * double{normal_pair().first}; }
    double log_normal(double median, double sigma) { return median * std::exp(normal(0, sigma)); }

    double uniform() {
        const std::uint32_t high = bits();
        return to_uniform_double(high, bits());
    }
    double uniform(double low, double high) { return low + (high - low) * uniform(); }
    bool chance(double probability) { return uniform() < probability; }
    std::size_t index(std::size_t count) {
        return static_cast<std::size_t>(uniform() * static_cast<double>(count));
    }

    // Index i with probability weights[i] / sum of the weights.
    std::size_t pick(std::span<const double> weights) {
        double sum = 0;
        for (const double weight : weights) sum += weight;
        double rest = uniform() * sum;
        std::size_t i = 0;
        for (; i + 1 < weights.size() && rest >= weights[i]; ++i) rest -= weights[i];
        return i;
    }

    // shape >= 1. Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000).
    double gamma(double shape, double scale) {
        const double d = shape - 1.0 / 3.0;
        const double c = 1.0 / std::sqrt(9.0 * d);
        for (;;) {
            const double x = normal(0, 1);
            const double root = 1.0 + c * x;
            if (root <= 0) continue;
            const double v = root * root * root;
            if (std::log(uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v * scale;
        }
    }
    // a, b >= 1.
    double beta(double a, double b) {
        const double x = gamma(a, 1);
        return x / (x + gamma(b, 1));
    }

  private:
    std::uint32_t bits() {
        if (used_ == 4) {
            block_ = philox4x32(key_, counter_++, patient_, lane_, 0);
            used_ = 0;
        }
        return block_[used_++];
    }

    std::uint64_t key_;
    std::uint32_t patient_, lane_;
    std::uint32_t counter_ = 0;
    std::size_t used_ = 4;
    Random4 block_{};
};

}  // namespace abr::synthetic
