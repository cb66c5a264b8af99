// What a patient and an ear are like.
#include "engine/synthetic/population.hpp"

#include <algorithm>
#include <cmath>
#include <unsupported/Eigen/SpecialFunctions>

#include "engine/synthetic/physiology.hpp"

namespace abr::synthetic {
namespace {

// What depends on the class alone.
struct ClassTraits {
    double unilateral;       // share of patients whose other ear is normal [C]
    double single_polarity;  // share of patients measured without alternating polarity [C]
    double microphonic_uv;   // median c of the microphonic at 85 dB, by the hearing of the ear [C]
};
constexpr ClassTraits kTraits[kClasses] = {
    {0.00, 0.08, 0.05},   // NORMAL
    {0.10, 0.60, 0.22},   // NEUROPATHY
    {0.20, 0.15, 0.015},  // SNHL
    {0.10, 0.30, 1e-4},   // TOTAL
    {0.20, 0.08, 0.05},   // CONDUCTIVE
};
const ClassTraits& traits(Hearing hearing) {
    return kTraits[static_cast<std::size_t>(hearing)];
}

// Patient and ear effects [C].
constexpr double kLatencyOffsetSd = 0.12;    // b_per, ms
constexpr double kInterpeakSd = 0.16;        // b_ipl, ms
constexpr double kInterpeakSex = 0.10;       // ms, half the difference of men and women
constexpr double kInterpeakSexGrowth = 0.5;  // it grows with maturity
constexpr double kMaleShare = 0.53;
constexpr double kSlopeSd = 0.10;         // b_sl, a factor about 1
constexpr double kLogAmplitudeSd = 0.56;  // b_amp
constexpr double kLogAmplitudeFemale = 0.12;
constexpr double kEarLatencySd = 0.06;       // ex, ms
constexpr double kEarLogAmplitudeSd = 0.15;  // ea

constexpr double kNoNeuralResponse = 0.79;  // share of neuropathic ears without wave V

// Noise of a single sweep, in band, rms uV [F].
constexpr double kRawInfantUv = 0.80, kInfantBelowYears = 2;
constexpr double kRawChildUv = 1.05, kChildBelowYears = 12;
constexpr double kRawOlderUv = 1.40;
constexpr double kRawSigma = 0.35;
constexpr double kAwakeShare = 0.10, kAwakeFactor = 2;
constexpr double kMainsShare = 0.05, kMainsFactor = 6;   // patients near a mains source [C]
constexpr double kTenseAboveUv = 2, kTenseShare = 0.04;  // post-auricular muscle [C]

double normal_quantile(double probability) {
    return Eigen::numext::ndtri(probability);
}

double draw_raw_noise_uv(double age_years, CohortRandom& random) {
    const double typical = age_years < kInfantBelowYears  ? kRawInfantUv
                           : age_years < kChildBelowYears ? kRawChildUv
                                                          : kRawOlderUv;
    const double awake = random.chance(kAwakeShare) ? kAwakeFactor : 1;
    return random.log_normal(typical, kRawSigma) * awake;
}

// The hearing loss of an ear: thresholds in dB nHL, delays in ms.
void draw_hearing(Ear& ear, double immaturity, double even_draw, CohortRandom& random) {
    ear.normal_threshold_db = std::clamp(random.normal(7 + 5 * immaturity, 5), -5.0, 24.0);
    ear.threshold_db = ear.normal_threshold_db;
    switch (ear.hearing) {
        case Hearing::normal:
            break;
        case Hearing::snhl:
            ear.threshold_db = 30 + 60 * random.beta(1.4, 1.9);
            ear.tilt_db = std::clamp(random.normal(9, 9), -5.0, 30.0);
            break;
        case Hearing::conductive:
            ear.gap_db = std::clamp(random.normal(30, 10), 12.0, 58.0);
            if (random.chance(0.12)) ear.mixed_db = random.uniform(10, 25);
            ear.threshold_db += ear.gap_db + ear.mixed_db;
            break;
        case Hearing::neuropathy:
            if (even_draw < kNoNeuralResponse) {
                ear.threshold_db = 130;
            } else {
                // The low wave V is a property of the ear: one amplitude and delay for all of its recordings.
                ear.threshold_db = random.uniform(55, 85);
                ear.neural_amplitude_uv = random.uniform(0.03, 0.10);
                ear.neural_delay_ms = std::abs(random.normal(0.8, 0.4));
            }
            break;
        case Hearing::total:
            ear.threshold_db = random.uniform(102, 125);
            break;
    }
}

// Cochlear microphonic [C; its length in neuropathy S] and the vestibular N3 of deaf ears [C, phenomenon K].
void draw_receptor_potentials(Ear& ear, CohortRandom& random) {
    const bool neuropathy = ear.hearing == Hearing::neuropathy;
    ear.microphonic_uv = random.log_normal(traits(ear.hearing).microphonic_uv, 0.5);
    ear.microphonic_khz = neuropathy ? random.uniform(0.8, 1.6) : random.uniform(1.5, 2.5);
    ear.microphonic_decay_ms = neuropathy ? random.uniform(0.8, 1.8) : random.uniform(0.25, 0.45);
    if (ear.hearing == Hearing::total && random.chance(0.12)) ear.n3_uv = random.uniform(0.05, 0.2);
}

}  // namespace

Patient draw_patient(const PatientPlan& plan, double low_frequency_share, CohortRandom& random) {
    const Hearing label = plan.label;
    const EvenDraws& even = plan.even;
    Patient patient;
    patient.label = label;
    patient.age_years = plan.age_years;
    patient.immaturity = immaturity(patient.age_years);
    const bool male = even.sex < kMaleShare;
    patient.unilateral = even.unilateral < traits(label).unilateral;
    patient.bad_ear = random.index(2);
    patient.alternating_polarity = !random.chance(traits(label).single_polarity);
    patient.latency_offset_ms = kLatencyOffsetSd * normal_quantile(even.latency);
    patient.interpeak_offset_ms =
        kInterpeakSd * normal_quantile(even.interpeak) +
        (male ? 1 : -1) * kInterpeakSex * (1 - kInterpeakSexGrowth * patient.immaturity);
    patient.slope_factor = random.normal(1, kSlopeSd);
    patient.log_amplitude =
        kLogAmplitudeSd * normal_quantile(even.amplitude) + (male ? 0 : kLogAmplitudeFemale);
    patient.raw_noise_uv = draw_raw_noise_uv(patient.age_years, random);
    patient.mains_factor = random.chance(kMainsShare) ? kMainsFactor : 1;
    patient.tense = random.chance(kTenseShare) || patient.raw_noise_uv > kTenseAboveUv;
    for (std::size_t side = 0; side < patient.ears.size(); ++side) {
        Ear& ear = patient.ears[side];
        ear.good = patient.unilateral && side != patient.bad_ear;
        ear.hearing = ear.good ? Hearing::normal : label;
        ear.low_frequency = even.low_frequency[side] < low_frequency_share;
        ear.latency_offset_ms = random.normal(0, kEarLatencySd);
        ear.log_amplitude = random.normal(0, kEarLogAmplitudeSd);
        draw_hearing(ear, patient.immaturity, even.neural_response[side], random);
        draw_receptor_potentials(ear, random);
    }
    return patient;
}

}  // namespace abr::synthetic
