// Building a batch on the device: gather, augmentation, degradation, z-score, static inputs, targets.
//
// For row b of the batch, place p = place + b of the step, recording r = order[state->first + p]; the step's seed, step
// and epoch are those of the state:
//   1. augmentation (training; one decision for the group with `augmentation.probability`): shift by n in [-N, N]
//      samples (x'(t) = x(t - n), exposed ends hold the edge value) and scale by u in [scale_low, scale_high]; both
//      act on recording and clean signal; a target that follows the shift (Task::follows, the latency) moves by n * dt,
//      one that follows the scale by u. In every mode a latency outside [0, T * dt] is masked; the wave still exists.
//   2. band (training, with `augmentation.band_probability`): the filters of another device on recording and clean
//      signal (kernels/batch/band.hpp).
//   3. clean = the given clean signal, else the recording itself, or in training with `degradation.noise_to_noise`
//      another average of the same (kernels/batch/noise_to_noise.hpp), all after 2. s = the recording's biased sd.
//   4. drift (with the group): a slow wave of drift_sd * s * N(0,1) * sin(pi * t / T + phase), phase uniform in
//      (0, 2 pi), t the sample's index, on the input.
//   5. degradation: white noise of noise_sd * s on the input, coloured noise and mains hum of random strength
//      (kernels/batch/interference.hpp). In training with `degradation.probability`; in validation_degraded on every
//      recording (unless that probability is 0); in validation none.
//   6. z = (x - mean) / sd of the degraded recording (biased sd, floor 1e-12 uV); target = (clean - mean) / sd.
//   7. statics: 7 standardised ones of the data set, then mean and ln(sd), standardised. In training, not part of
//      the group: static_noise_sd adds N(0, 1) times itself and static_sd to the four measured ones, then
//      static_dropout sets age, rate, FMP each to its fill value and its missing flag with that probability.
// Targets are standardised by BatchSettings; missing stays NaN / -1. What is off leaves every bit as it was.
//
// Draws: block j of a purpose is philox4x32(stream_key(seed, purpose), j, place, step, epoch); a decision of
// probability q falls when to_uniform(word) <= q, so 0 is never and 1 always.
//   augment_decision      block 0: word 0 group, word 1 shift (word * (2N + 1) / 2^32 - N), word 2 scale, word 3
//                         drift phase; block 1: words 0, 1 drift size (first of the pair); block 2: band.hpp;
//                         block 3: noise_to_noise.hpp
//   degradation_decision  block 0: word 0
//   degradation_noise     block j: words 0, 1 the pair of samples 4j, 4j + 1; words 2, 3 of 4j + 2, 4j + 3
//   augment_statics       block 0: words 0, 1 noise of age and intensity, words 2, 3 of rate and FMP;
//                         block 1: words 0, 1, 2 dropout of age, rate, FMP
//   degradation_tones     interference.hpp
//   validation_noise      as degradation_noise, with place = r, step = epoch = 0: keyed by (seed, recording) alone;
//                         validation_tones as degradation_tones likewise
// A further augmentation takes the next block of augment_decision, and says so in its header.
//
// All of a row's draws make its plan (kernels/batch/row.hpp), which the transforms, a header each beside it, carry out.
// Sums are in double, two-pass for mean and sd. Without noise about 4 T reads and 3 T writes a recording.
#pragma once

#include <array>
#include <cstdint>

#include "kernels/batch/settings.hpp"
#include "kernels/loss.hpp"
#include "kernels/step_state.hpp"
#include "kernels/streams.hpp"
#include "kernels/view.hpp"

namespace abr {

// Order of the static inputs of the network.
enum StaticInput : int {
    kAge,        // log1p(years)
    kIntensity,  // dB nHL
    kRate,       // 1/s
    kFmp,        // log1p
    kAgeMissing,
    kRateMissing,
    kFmpMissing,
    kSignalMean,   // uV
    kSignalLogSd,  // ln(uV)
    kStaticInputs
};
inline constexpr int kStoredStatics = 7;  // those that the data set holds; the last two come with the batch

// Which recordings of a split are averages of the same ear, at the same level and rate: those alike recording r are
// order[first[r]] ... order[first[r] + count[r] - 1], itself among them. Null where it is not known.
struct AlikeAverages {
    const std::int32_t* order = nullptr;  // (rows)
    const std::int32_t* first = nullptr;  // (rows)
    const std::int32_t* count = nullptr;  // (rows) >= 1
};

// A split's recordings on the device. Physical units, NaN / -1 = missing; all but `clean` are always there.
struct DeviceRecordings {
    Index rows = 0;
    Index length = 0;                              // T
    const float* signal = nullptr;                 // (rows, T) uV
    const float* clean = nullptr;                  // (rows, T) uV or null
    AlikeAverages alike = {};                      // read where there is no clean signal
    const float* statics = nullptr;                // (rows, 7) standardised and filled
    PerComponent<const std::int32_t*> label = {};  // of classes and binary tasks
    PerComponent<const float*> scalar = {};        // of scalar tasks
};

struct Standardisation {
    float mean = 0;
    float inverse_scale = 1;  // 0 for an input that is constant on the training rows: it is then always 0
};

struct BatchSettings {
    double sample_interval_ms = 0.1;  // dt
    double first_sample_ms = 0;       // time of sample 0, by the clock of the times that are learnt
    Standardisation signal_mean, signal_log_sd;       // static inputs made here
    PerComponent<Standardisation> target;             // of scalar tasks
    float fill_age = 0, fill_rate = 0, fill_fmp = 0;  // standardised fill-in values
    float flag_age = 1, flag_rate = 1, flag_fmp = 1;  // standardised value of "missing"
    // The sd of kAge, kIntensity, kRate, kFmp after standardisation; 0 for an input that is constant on the training rows.
    std::array<float, 4> static_sd = {};
    AugmentationSettings augmentation;
    DegradationSettings degradation;
};

enum class BatchMode { training, validation, validation_degraded };

template <class T>
struct Batch {
    Sequence<T> input;  // (batch, padded T, 1): z-scored; samples beyond T and padding rows are 0
    Matrix<T> statics;  // (batch, kStaticInputs)
    Targets<T> targets;
    T* mean = nullptr;  // (batch) uV, of the degraded recording
    T* sd = nullptr;    // (batch) uV
};

namespace cpu {

// order: rows of `recordings`, of the whole epoch. Every field of batch is overwritten but second_class, which is not
// read where nothing is mixed. Validation draws nothing by place.
template <class T>
void gather_batch(Stream&, const DeviceRecordings&, const BatchSettings&, BatchMode,
                  const std::int32_t* order, const StepState* state, Index place, const Batch<T>& batch);

}  // namespace cpu

namespace cuda {

template <class T>
void gather_batch(Stream&, const DeviceRecordings&, const BatchSettings&, BatchMode,
                  const std::int32_t* order, const StepState* state, Index place, const Batch<T>& batch);

}  // namespace cuda
}  // namespace abr
