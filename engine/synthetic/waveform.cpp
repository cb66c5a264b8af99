#include "engine/synthetic/waveform.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace abr::synthetic {
namespace {

// g(x) = exp(-x^2 / 2)
double bell(double x) {
    return std::exp(-0.5 * x * x);
}

// The samples of one recording, to which the parts of the waveform add.
class Trace {
  public:
    Trace(std::span<double> samples, double interval_ms) : samples_(samples), interval_ms_(interval_ms) {}

    // Adds height * g((t - centre) / width); beyond 7 widths it is below 3e-11 of its height.
    void add_bell(double height, double centre_ms, double width_ms) {
        if (height == 0) return;
        add_between(centre_ms - 7 * width_ms, centre_ms + 7 * width_ms,
                    [&](double t) { return height * bell((t - centre_ms) / width_ms); });
    }
    // Adds height * cos or sin(2 pi f (t - onset)) * exp(-(t - onset) / decay) after onset.
    template <class Oscillation>
    void add_decay(double height, double onset_ms, double khz, double decay_ms, Oscillation oscillation) {
        add_between(onset_ms, onset_ms + 25 * decay_ms, [&](double t) {
            const double after = t - onset_ms;
            return height * oscillation(2 * std::numbers::pi * khz * after) * std::exp(-after / decay_ms);
        });
    }

  private:
    template <class Function>
    void add_between(double from_ms, double to_ms, Function function) {
        const double last = static_cast<double>(samples_.size());
        const auto begin = static_cast<std::size_t>(std::clamp(from_ms / interval_ms_ + 0.5, 0.0, last));
        const auto end = static_cast<std::size_t>(std::clamp(to_ms / interval_ms_ + 0.5, 0.0, last));
        for (std::size_t k = begin; k < end; ++k) {
            samples_[k] += function((static_cast<double>(k) + 0.5) * interval_ms_);
        }
    }

    std::span<double> samples_;
    double interval_ms_;
};

// A wave with its following trough [C]: the trough has `depth` of the peak's height, lies `delay` later.
struct WaveShape {
    double width_ms, trough_depth, trough_delay_ms, trough_width_ms;
};
constexpr WaveShape kWaveI = {0.20, 0.6, 0.55, 0.30};
constexpr WaveShape kWaveII = {0.22, 0.6, 0.55, 0.30};
constexpr WaveShape kWaveIII = {0.26, 0.6, 0.65, 0.35};

void add_early_wave(Trace& trace, double amplitude_uv, double latency_ms, const WaveShape& shape) {
    const double height = amplitude_uv / (1 + 0.75 * shape.trough_depth);
    trace.add_bell(height, latency_ms, shape.width_ms);
    trace.add_bell(-height * shape.trough_depth, latency_ms + shape.trough_delay_ms, shape.trough_width_ms);
}

// Wave V and the slow negativity SN10 after it [C]; broader at low levels, in infants, in neuropathy and for
// low frequencies.
WaveShape wave_v_shape(double immaturity, bool neuropathy, bool low_frequency, double effective_level_db) {
    WaveShape shape{};
    shape.width_ms = 0.40 + 0.0022 * std::clamp(80 - effective_level_db, 0.0, 90.0) + 0.07 * immaturity +
                     (neuropathy ? 0.30 : 0) + (low_frequency ? 0.25 : 0);
    shape.trough_depth = 0.70;
    shape.trough_delay_ms = 1.35 + 0.35 * immaturity + 0.5 * (shape.width_ms - 0.4);
    shape.trough_width_ms = 0.60 + 0.15 * immaturity + 0.3 * (shape.width_ms - 0.4);
    return shape;
}

// Height of the bell at which the shape's peak to following trough is 1, on a grid of 25 us from 1 ms before
// the peak to 4 ms after it.
double unit_height(const WaveShape& shape, double centre_after_peak_ms) {
    constexpr double kStepMs = 0.025;
    constexpr int kSteps = 200;
    double peak = -1e30, trough = 0;
    for (int i = 0; i <= kSteps; ++i) {
        const double t = -1 + i * kStepMs - centre_after_peak_ms;
        const double value = bell(t / shape.width_ms) -
                             shape.trough_depth * bell((t - shape.trough_delay_ms) / shape.trough_width_ms);
        if (value > peak) peak = trough = value;
        trough = std::min(trough, value);
    }
    return 1 / (peak - trough);
}

void add_wave_v(Trace& trace, const WaveShape& shape, const Response& response) {
    // The trough pulls the peak forward; to first order this puts it back at the wave's latency.
    const double delay = shape.trough_delay_ms,
                 trough_variance = shape.trough_width_ms * shape.trough_width_ms;
    const double shift = shape.trough_depth * delay / trough_variance *
                         std::exp(-delay * delay / (2 * trough_variance)) * shape.width_ms * shape.width_ms;
    const double height = response.wave_v_uv * unit_height(shape, shift);
    const double centre = response.wave_v_ms + shift;
    trace.add_bell(height, centre, shape.width_ms);
    trace.add_bell(-height * shape.trough_depth, centre + delay, shape.trough_width_ms);
}

void add_neural_waves(Trace& trace, double immaturity, const Ear& ear, const Stimulus& stimulus,
                      const Response& response) {
    add_early_wave(trace, response.wave_i_uv, response.wave_i_ms, kWaveI);
    add_early_wave(trace, 0.45 * response.wave_i_uv,
                   response.wave_i_ms + 0.45 * (response.wave_iii_ms - response.wave_i_ms), kWaveII);
    add_early_wave(trace, response.wave_iii_uv, response.wave_iii_ms, kWaveIII);
    if (response.wave_v_uv == 0) return;
    add_wave_v(trace,
               wave_v_shape(immaturity, ear.hearing == Hearing::neuropathy, stimulus.tone_burst_khz > 0,
                            response.effective_level_db),
               response);
    const double high_level_uv =
        response.wave_v_uv * std::clamp((response.effective_level_db - 30) / 50, 0.0, 1.0);
    trace.add_bell(0.35 * high_level_uv, response.wave_v_ms - 0.85, 0.28);                     // IV
    trace.add_bell(0.12 * high_level_uv, response.wave_v_ms + 1.75 + 0.3 * immaturity, 0.35);  // VI
}

// Cochlear microphonic [C; onset S]. Alternating polarity cancels most of it.
void add_microphonic(Trace& trace, bool alternating, const Ear& ear, double level_db) {
    constexpr double kFromDb = 50, kReferenceDb = 85, kDbPerDecade = 40, kOnsetMs = 0.6, kCancelled = 0.05;
    if (level_db < kFromDb) return;
    const double height = ear.microphonic_uv * std::pow(10, (level_db - kReferenceDb) / kDbPerDecade) *
                          (alternating ? kCancelled : 1);
    trace.add_decay(height, kOnsetMs, ear.microphonic_khz, ear.microphonic_decay_ms,
                    [](double phase) { return std::sin(phase); });
}

// Stimulus artefact [C]; drawn for each recording, as cables and electrodes move.
void add_artefact(Trace& trace, bool alternating, double level_db, CohortRandom& random) {
    constexpr double kMedianUv = 0.10, kSigma = 0.9, kReferenceDb = 80, kDbPerDecade = 25, kCancelled = 0.25;
    constexpr double kKhz = 1.5, kDecayMs = 0.25;
    const double height = random.log_normal(kMedianUv, kSigma) *
                          std::pow(10, (level_db - kReferenceDb) / kDbPerDecade) *
                          (alternating ? kCancelled : 1);
    trace.add_decay(height, 0, kKhz, kDecayMs, [](double phase) { return std::cos(phase); });
}

// Post-auricular muscle response [C]: a patient is prone to it, a recording then has it or not.
void add_muscle_response(Trace& trace, const Patient& patient, const Ear& ear, double level_db,
                         CohortRandom& random) {
    constexpr double kFromDb = 60, kShare = 0.35, kMedianUv = 0.3, kSigma = 0.7, kMostUv = 1.5;
    constexpr double kReferenceDb = 80, kDbPerDecade = 40;
    const bool deaf_to_it = ear.hearing == Hearing::total || ear.hearing == Hearing::neuropathy;
    if (!patient.tense || deaf_to_it || level_db < kFromDb || !random.chance(kShare)) return;
    const double height = std::min(random.log_normal(kMedianUv, kSigma), kMostUv) *
                          std::pow(10, (level_db - kReferenceDb) / kDbPerDecade);
    trace.add_bell(height, 12.6, 0.8);
    trace.add_bell(-0.9 * height, 15.6, 1.1);
}

// Vestibular N3 of deaf ears, which mimics a response [C, phenomenon K].
void add_n3(Trace& trace, const Ear& ear, double level_db) {
    constexpr double kFromDb = 85, kLatencyMs = 3.3, kWidthMs = 0.35;
    if (level_db >= kFromDb) trace.add_bell(-ear.n3_uv, kLatencyMs, kWidthMs);
}

}  // namespace

void draw_waveform(const Patient& patient, const Ear& ear, const Stimulus& stimulus, const Response& response,
                   double sample_interval_ms, CohortRandom& random, std::span<double> clean) {
    std::fill(clean.begin(), clean.end(), 0.0);
    Trace trace(clean, sample_interval_ms);
    add_neural_waves(trace, patient.immaturity, ear, stimulus, response);
    add_microphonic(trace, patient.alternating_polarity, ear, stimulus.level_db);
    add_artefact(trace, patient.alternating_polarity, stimulus.level_db, random);
    add_n3(trace, ear, stimulus.level_db);
    add_muscle_response(trace, patient, ear, stimulus.level_db, random);
}

}  // namespace abr::synthetic
