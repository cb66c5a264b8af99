#include "engine/synthetic/physiology.hpp"

#include <algorithm>
#include <cmath>

namespace abr::synthetic {
namespace {

// Wave V latency against level, ms [form: Neely et al. 1988, K; constants C]: 5.56 ms at 80 dB.
constexpr double kLatencyFloorMs = 4.26, kLatencyRangeMs = 4.70, kLatencyBase = 5;
constexpr double kLatencyAt80Ms = 5.56;
double latency_at_level(double level_db) {
    return kLatencyFloorMs + kLatencyRangeMs * std::pow(kLatencyBase, -level_db / 100);
}

// Maturation of the interval I-V, ms, fast and slow part; years [C, checked against Gorga 1989, Chhajed 2021,
// Camarillo 2024].
constexpr double kFastMs = 0.75, kFastYears = 0.6;
constexpr double kSlowMs = 0.35, kSlowYears = 2;
double maturation_ms(double age_years) {
    return kFastMs * std::exp(-age_years / kFastYears) + kSlowMs * std::exp(-age_years / kSlowYears);
}
// The periphery's share, ms.
double periphery_ms(double age_years) {
    return 0.15 * std::exp(-age_years / 0.15);
}

// Delay by the click rate, ms per 1/s [Don 1977, S]; infants more [C].
constexpr double kRateDelay = 0.0056, kInfantRateDelay = 0.0050;
constexpr double kSlowRateHz = 11.1;

constexpr double kCentringMs = -0.056;     // mean of the neural delay that the floor already holds
constexpr double kLatencyJitterMs = 0.05;  // between the recordings of one ear

// Interval I-V of an adult at 80 dB, ms; it shortens with level [C].
constexpr double kInterpeakMs = 3.95, kInterpeakPerDb = 0.004;

// Wave V amplitude [F]: saturating in the level above threshold.
constexpr double kWaveVMaxUv = 0.40, kWaveVHalfDb = 50, kWaveVFootDb = 6;
constexpr double kWaveVImmature = 0.45;  // share lost by a newborn
constexpr double kWaveVJitter = 0.12;    // log
constexpr double kWaveVPerHz = 0.002;    // share lost per 1/s above the slow rate
constexpr double kWaveVLowFrequency = 0.8;
constexpr double kEarlyWaveUv = 0.20;  // I and III [C]

// Delay of low-frequency tone bursts against the click's centre, 4 kHz, ms [form: Neely et al. 1988].
double low_frequency_delay_ms(double latency_level_db, double khz) {
    const double level = std::clamp(latency_level_db, 0.0, 100.0) + 25;
    return 12.9 * std::pow(5.0, -level / 100) * (std::pow(khz, -0.413) - std::pow(4.0, -0.413));
}

// Delay of a sloping cochlear loss, ms: at all levels with the loss at 4 kHz, more near threshold.
double sensorineural_delay_ms(const Ear& ear, double level_db) {
    const double loss_4khz_db = ear.threshold_db + ear.tilt_db;
    const double near_threshold = std::exp(-std::max(level_db - ear.threshold_db, 0.0) / 12);
    return 0.010 * std::clamp(loss_4khz_db - 50, 0.0, 60.0) +
           (0.25 + 0.02 * std::max(ear.tilt_db, 0.0)) * near_threshold;
}

// Loudness recruitment: a lost cochlear amplifier compresses the range from threshold to 100 dB.
double recruited_level_db(const Ear& ear, double level_db) {
    return ear.normal_threshold_db + (level_db - ear.threshold_db) * (100 - ear.normal_threshold_db) /
                                         std::max(100 - ear.threshold_db, 5.0);
}

double effective_level_db(const Ear& ear, double level_db) {
    if (ear.hearing == Hearing::snhl || ear.mixed_db > 0) return recruited_level_db(ear, level_db);
    return level_db - ear.gap_db;
}

}  // namespace

double immaturity(double age_years) {
    return maturation_ms(age_years) / (kFastMs + kSlowMs);
}

Response draw_response(const Patient& patient, const Ear& ear, const Stimulus& stimulus,
                       CohortRandom& random) {
    const double m = patient.immaturity;
    const double level = stimulus.level_db;
    const bool snhl = ear.hearing == Hearing::snhl;
    const bool low_frequency = stimulus.tone_burst_khz > 0;
    const double rate_above_slow = stimulus.rate_hz - kSlowRateHz;

    Response response;
    response.effective_level_db = effective_level_db(ear, level);
    response.latency_level_db = level - ear.gap_db - 0.5 * ear.mixed_db;

    // Latencies
    const double maturation = maturation_ms(patient.age_years);
    const double rate_delay = (kRateDelay + kInfantRateDelay * m) * rate_above_slow;
    const double cochlear_delay = snhl ? sensorineural_delay_ms(ear, level) : 0;
    const double burst_delay =
        low_frequency ? low_frequency_delay_ms(response.latency_level_db, stimulus.tone_burst_khz) : 0;
    const double by_level =
        (latency_at_level(std::clamp(response.latency_level_db, -10.0, 100.0)) - kLatencyAt80Ms) *
        patient.slope_factor;
    response.wave_v_ms = kLatencyAt80Ms + by_level + maturation + periphery_ms(patient.age_years) +
                         patient.latency_offset_ms + patient.interpeak_offset_ms + ear.latency_offset_ms +
                         cochlear_delay + rate_delay + kCentringMs + random.normal(0, kLatencyJitterMs) +
                         burst_delay + ear.neural_delay_ms;
    const double interpeak = kInterpeakMs -
                             kInterpeakPerDb * (80 - std::clamp(response.latency_level_db, 0.0, 100.0)) +
                             maturation + patient.interpeak_offset_ms;
    response.wave_i_ms =
        response.wave_v_ms - interpeak - 0.5 * rate_delay - 0.1 * burst_delay - 0.3 * cochlear_delay;
    response.wave_iii_ms = response.wave_i_ms + 0.53 * interpeak + 0.2 * rate_delay;

    // Amplitudes
    if (ear.hearing == Hearing::total) return response;
    if (ear.hearing == Hearing::neuropathy) {
        if (level >= ear.threshold_db) response.wave_v_uv = ear.neural_amplitude_uv;
        return response;
    }
    const double effective = response.effective_level_db;
    const double log_amplitude = patient.log_amplitude + ear.log_amplitude;
    const double sensation = std::max(0.0, effective - ear.normal_threshold_db + kWaveVFootDb);
    response.wave_v_uv = kWaveVMaxUv * sensation / (sensation + kWaveVHalfDb) * (1 - kWaveVImmature * m) *
                         std::exp(log_amplitude + random.normal(0, kWaveVJitter)) *
                         (1 - kWaveVPerHz * rate_above_slow) * (low_frequency ? kWaveVLowFrequency : 1);
    response.wave_i_uv = kEarlyWaveUv * std::pow(std::clamp((effective - 30) / 50, 0.0, 1.4), 1.2) *
                         std::exp(0.6 * log_amplitude + random.normal(0, 0.25));
    response.wave_iii_uv = kEarlyWaveUv * std::clamp((effective - 20) / 60, 0.0, 1.4) *
                           std::exp(0.7 * log_amplitude + random.normal(0, 0.2)) * (1 - 0.2 * m);
    if (snhl) {
        const double loss_db = ear.threshold_db - 20;
        response.wave_v_uv *= std::clamp(1 - 0.004 * loss_db, 0.5, 1.0);
        response.wave_i_uv *= std::exp(-loss_db / 45);
        response.wave_iii_uv *= std::exp(-loss_db / 80);
    }
    return response;
}

}  // namespace abr::synthetic
