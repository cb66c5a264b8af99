#include "engine/synthetic/noise.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <unsupported/Eigen/FFT>

namespace abr::synthetic {
namespace {

// Sweeps of an average [C].
constexpr double kMedianSweeps = 2000, kSweepsSigma = 0.35, kFewestSweeps = 400, kMostSweeps = 8000;
constexpr double kClearWaveUv = 0.25, kClearFactor = 0.6;  // the examiner stops early
constexpr double kFaintWaveUv = 0.05, kFaintFactor = 1.5;  // or goes on
constexpr double kResidualSigma = 0.15;
constexpr double kDisturbedShare = 0.02;  // of recordings
constexpr double kDisturbedFactor[] = {2, 4};
constexpr double kSlowMedian = 3.2, kSlowSigma = 0.65;  // slow over in-band rms [F]

// Mains hum [C].
constexpr double kMainsHz[] = {50, 150, 250};
constexpr double kMainsMedianUv = 0.004, kMainsSigma = 0.6;

// Quality [F].
constexpr double kFromMs = 1, kToMs = 11, kToShortMs = 10;
constexpr double kFmpSigma = 1.0;
constexpr double kLowestSnr = 0.0126;  // power ratio, -19 dB

// Amplifier: high-pass at 33 Hz.
double high_pass(double hz) {
    const double ratio = hz / 33 * (hz / 33);
    return ratio / (1 + ratio);
}
// Power spectral densities, arbitrary unit [F]. In band: falling spectrum, muscle about 300 Hz, white floor.
double in_band_psd(double hz) {
    const double falling = std::pow(std::max(hz, 150.0) / 150, -1.2);
    const double octaves = hz > 0 ? std::log(hz / 300) / 0.5 : -1e9;
    const double muscle = 0.35 * std::exp(-0.5 * octaves * octaves);
    const double low_pass = 1 / (1 + std::pow(hz / 1500, 4));
    return (falling + muscle + 0.012) * high_pass(hz) * low_pass;
}
double slow_psd(double hz) {
    return high_pass(hz) / (1 + std::pow(hz / 60, 4));
}

// Standard deviation of each spectral line such that the process has rms 1: inner lines count twice, with
// their mirror images.
template <class Psd>
std::vector<float> line_amplitudes(double sample_interval_ms, Psd psd) {
    constexpr std::size_t kHalf = NoiseSpectrum::kPoints / 2;
    const double line_hz = 1000 / sample_interval_ms / NoiseSpectrum::kPoints;
    std::vector<double> power(kHalf + 1);
    double total = 0;
    for (std::size_t k = 0; k <= kHalf; ++k) {
        power[k] = psd(static_cast<double>(k) * line_hz);
        total += (k == 0 || k == kHalf) ? power[k] : 2 * power[k];
    }
    std::vector<float> amplitudes;
    amplitudes.reserve(power.size());
    for (const double p : power) amplitudes.push_back(static_cast<float>(std::sqrt(p / total)));
    return amplitudes;
}

}  // namespace

NoiseLevel draw_noise_level(const Patient& patient, double wave_v_uv, CohortRandom& random) {
    double sweeps = std::clamp(random.log_normal(kMedianSweeps, kSweepsSigma), kFewestSweeps, kMostSweeps);
    if (wave_v_uv > kClearWaveUv) sweeps *= kClearFactor;
    if (wave_v_uv < kFaintWaveUv) sweeps *= kFaintFactor;
    sweeps = 100 * std::round(sweeps / 100);
    NoiseLevel noise;
    noise.residual_uv = patient.raw_noise_uv / std::sqrt(sweeps) * random.log_normal(1, kResidualSigma);
    if (random.chance(kDisturbedShare)) {
        noise.residual_uv *= random.uniform(kDisturbedFactor[0], kDisturbedFactor[1]);
    }
    noise.slow_uv = noise.residual_uv * random.log_normal(kSlowMedian, kSlowSigma);
    return noise;
}

NoiseSpectrum::NoiseSpectrum(double sample_interval_ms)
    : sample_interval_ms_(sample_interval_ms),
      in_band_(line_amplitudes(sample_interval_ms, in_band_psd)),
      slow_(line_amplitudes(sample_interval_ms, slow_psd)) {}

struct NoiseSource::Transform {
    Eigen::FFT<float> fft;
};

NoiseSource::NoiseSource(const NoiseSpectrum& spectrum)
    : spectrum_(spectrum),
      transform_(std::make_unique<Transform>()),
      lines_(NoiseSpectrum::kPoints),
      samples_(NoiseSpectrum::kPoints) {
    transform_->fft.SetFlag(Eigen::FFT<float>::Unscaled);
}
NoiseSource::~NoiseSource() = default;

void NoiseSource::draw(CohortRandom& random, std::span<double> in_band, std::span<double> slow) {
    constexpr std::size_t kPoints = NoiseSpectrum::kPoints, kHalf = kPoints / 2;
    // Two real processes share one transform: in-band noise is the real part of the result and slow noise the
    // imaginary part. With Hermitian spectra A and B the lines are Z[k] = A[k] + i B[k], and at the mirror
    // image conj(A[k]) + i conj(B[k]).
    const std::span<const float> a = spectrum_.in_band(), b = spectrum_.slow();
    for (const std::size_t k : {std::size_t{0}, kHalf}) {
        const NormalPair z = random.normal_pair();
        lines_[k] = {a[k] * z.first, b[k] * z.second};
    }
    constexpr float kRootHalf =
        std::numbers::sqrt2_v<float> / 2;  // real and imaginary part share a line's power
    for (std::size_t k = 1; k < kHalf; ++k) {
        const NormalPair za = random.normal_pair(), zb = random.normal_pair();
        const float a_re = kRootHalf * a[k] * za.first, a_im = kRootHalf * a[k] * za.second;
        const float b_re = kRootHalf * b[k] * zb.first, b_im = kRootHalf * b[k] * zb.second;
        lines_[k] = {a_re - b_im, a_im + b_re};
        lines_[kPoints - k] = {a_re + b_im, b_re - a_im};
    }
    transform_->fft.inv(samples_.data(), lines_.data(), static_cast<Eigen::Index>(kPoints));
    for (std::size_t k = 0; k < in_band.size(); ++k) {
        in_band[k] = samples_[k].real();
        slow[k] = samples_[k].imag();
    }
}

void add_mains(const Patient& patient, double sample_interval_ms, CohortRandom& random,
               std::span<double> recording) {
    for (const double hz : kMainsHz) {
        const double amplitude_uv = random.log_normal(kMainsMedianUv, kMainsSigma) * patient.mains_factor;
        const double phase = random.uniform(0, 2 * std::numbers::pi);
        const double step = 2 * std::numbers::pi * hz * sample_interval_ms / 1000;
        for (std::size_t k = 0; k < recording.size(); ++k) {
            recording[k] += amplitude_uv * std::sin(phase + (static_cast<double>(k) + 0.5) * step);
        }
    }
}

Quality draw_quality(std::span<const double> recording, const NoiseLevel& noise, double sample_interval_ms,
                     CohortRandom& random) {
    const double window_ms = static_cast<double>(recording.size()) * sample_interval_ms;
    const double to_ms = window_ms < kToMs ? kToShortMs : kToMs;
    const auto from = static_cast<std::size_t>(std::lround(kFromMs / sample_interval_ms));
    const auto to = static_cast<std::size_t>(std::lround(to_ms / sample_interval_ms));
    const std::span<const double> part = recording.subspan(from, to - from);
    double mean = 0, variance = 0;
    for (const double x : part) mean += x;
    mean /= static_cast<double>(part.size());
    for (const double x : part) variance += (x - mean) * (x - mean);
    variance /= static_cast<double>(part.size());

    const double residual_power = noise.residual_uv * noise.residual_uv;
    const double noise_power = residual_power + noise.slow_uv * noise.slow_uv;
    Quality quality;
    quality.fmp = variance / noise_power * random.log_normal(1, kFmpSigma);
    quality.snr_db =
        10 * std::log10(std::max(variance - residual_power, kLowestSnr * residual_power) / residual_power);
    return quality;
}

}  // namespace abr::synthetic
