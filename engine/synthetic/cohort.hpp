// The synthetic cohort: averaged click-evoked auditory brainstem responses of a whole clinic, made from a
// seed.
//
// It stands in for a private collection of 51,961 recordings of 2,038 patients and reproduces its published
// statistics (validation.hpp measures them). Preset B: 10 kHz, 0 to 20 ms, about 15 % of the recordings with
// the late wave V of low-frequency tone bursts. Preset A: 20 kHz, 0 to 10 ms, clicks only. Units: ms from
// stimulus onset, dB nHL, uV; sample k lies at (k + 1/2) sample intervals.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/named_column.hpp"
#include "engine/recordings.hpp"
#include "kernels/cpu/stream.hpp"

namespace abr {

struct SyntheticSettings {
    char preset = 'B';             // 'A' or 'B'
    std::int64_t patients = 2038;  // 60 to 1,000,000; the full size has the published exact counts
    std::uint64_t seed = 42;
};

inline constexpr std::int64_t kFewestCohortPatients = 60;
inline constexpr std::int64_t kMostCohortPatients = 1'000'000;

// Names of the classes that `Recordings::label` of a cohort counts in: the default order of the data
// contract.
inline constexpr std::string_view kCohortClasses[] = {"NORMAL", "NEUROPATHY", "SNHL", "TOTAL", "CONDUCTIVE"};

// What the generator knew and no clinic could: one value a recording. NaN where the response has no such
// wave.
struct Latents {
    std::vector<float> true_threshold_db;         // T of the ear, unclipped
    std::vector<float> effective_level_db;        // Ieq, level that sets the amplitudes
    std::vector<float> latency_level_db;          // Ilat, level that sets the latencies
    std::vector<float> wave_v_true_latency_ms;    // LV
    std::vector<float> wave_v_true_amplitude_uv;  // A_V, peak to following trough; 0 without wave V
    std::vector<float> wave_i_latency_ms;         // L_I
    std::vector<float> wave_i_amplitude_uv;       // A_I, 0 without wave I
    std::vector<float> wave_iii_latency_ms;       // L_III
    std::vector<float> wave_iii_amplitude_uv;     // A_III, 0 without wave III
    std::vector<float> residual_noise_uv;         // rn, expected rms of the in-band noise of the average
    std::vector<float> slow_noise_uv;             // expected rms of the slow noise
    std::vector<float> snr_db;                    // of the recording, 1 to 11 ms (preset A: 1 to 10 ms)
    std::vector<float> tone_burst_khz;            // low-frequency tone burst logged as a click; 0 = click
    std::vector<float> alternating_polarity;      // 1 or 0 (a single polarity)
    std::vector<float> unilateral;                // 1: the patient's other ear hears normally
    std::vector<float> good_ear;                  // 1: this is that other ear
    std::vector<float> exact_age_years;           // with the fraction that age_years does not show

    // Every column under its name here, in this order. The views hold while the object is unchanged.
    std::vector<NamedColumn> columns() const;
};

// The cohort of `settings`, rows in patient order with the classes shuffled; the same bits for any number of
// threads. Fills `latents` if given. Throws InputError for a preset or a size out of range.
Recordings generate_cohort(const SyntheticSettings& settings, cpu::Stream& stream,
                           Latents* latents = nullptr);

}  // namespace abr
