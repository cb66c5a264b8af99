// What averaging leaves of the noise: in-band activity, slow drift, mains, and the quality measures of a
// recording. Tags of constants: [S] taken from literature, [K] well known, [C] chosen, [F] fitted to the
// published marginals.
#pragma once

#include <complex>
#include <memory>
#include <span>
#include <vector>

#include "engine/synthetic/physiology.hpp"

namespace abr::synthetic {

// Expected rms values of the noise of one averaged recording, uV.
struct NoiseLevel {
    double residual_uv = 0;  // rn, in band
    double slow_uv = 0;
};

// A noisier patient and fewer sweeps give more; a clear wave V lets the examiner stop early.
NoiseLevel draw_noise_level(const Patient& patient, double wave_v_uv, CohortRandom& random);

// Standard deviations of the spectral lines of both kinds of noise, each for a process of rms 1. Immutable;
// one for each sample rate.
class NoiseSpectrum {
  public:
    static constexpr std::size_t kPoints = 2048;  // of the inverse transform

    explicit NoiseSpectrum(double sample_interval_ms);

    double sample_interval_ms() const { return sample_interval_ms_; }
    std::span<const float> in_band() const { return in_band_; }  // lines 0 to kPoints / 2
    std::span<const float> slow() const { return slow_; }

  private:
    double sample_interval_ms_;
    std::vector<float> in_band_, slow_;
};

// Draws noise; owns the transform's plan and buffers, so each thread needs its own.
class NoiseSource {
  public:
    explicit NoiseSource(const NoiseSpectrum& spectrum);
    ~NoiseSource();

    // Writes in-band and slow noise of rms 1 (of the ensemble), independent of each other.
    void draw(CohortRandom& random, std::span<double> in_band, std::span<double> slow);

  private:
    struct Transform;
    const NoiseSpectrum& spectrum_;
    std::unique_ptr<Transform> transform_;
    std::vector<std::complex<float>> lines_, samples_;
};

// Adds 50, 150 and 250 Hz with random phases, uV.
void add_mains(const Patient& patient, double sample_interval_ms, CohortRandom& random,
               std::span<double> recording);

struct Quality {
    double fmp = 0;     // variance of the average over variance of its noise (Fmp, Elberling and Don 1984)
    double snr_db = 0;  // signal over residual noise
};

// Over 1 to 11 ms, or 1 to 10 ms where the recording ends there.
Quality draw_quality(std::span<const double> recording, const NoiseLevel& noise, double sample_interval_ms,
                     CohortRandom& random);

}  // namespace abr::synthetic
