// Who is measured: how many patients and recordings of which class, and what each patient and ear is like.
// Tags of constants: [S] taken from literature, [K] well known, [C] chosen, [F] fitted to the published
// marginals.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/synthetic/random.hpp"

namespace abr::synthetic {

// Values are the class indices of kCohortClasses.
enum class Hearing : std::uint8_t { normal, neuropathy, snhl, total, conductive };
inline constexpr std::size_t kClasses = 5;

struct ClassSize {
    std::int64_t patients = 0;
    std::int64_t recordings = 0;
};

// The published exact counts at 2,038 patients. Other sizes scale both, with at least 12 patients a class;
// NORMAL takes what the other classes leave.
std::array<ClassSize, kClasses> class_sizes(std::int64_t patients);

// Uniform draws in (0, 1) that the plan spreads evenly over the patients of a class and over their ages, so that
// the few adults or neuropathies of a cohort still have the intended shares and means, whatever the seed.
struct EvenDraws {
    double sex = 0.5, latency = 0.5, interpeak = 0.5, amplitude = 0.5, unilateral = 0.5;
    std::array<double, 2> low_frequency = {0.5, 0.5};  // of each ear
    std::array<double, 2> neural_response = {0.5, 0.5};
};

struct PatientPlan {
    Hearing label = Hearing::normal;
    int recordings = 0;          // 1 to 125
    std::int64_t first_row = 0;  // in the cohort
    double age_years = 0;
    EvenDraws even;
};

// One entry a patient, classes in random order; the counts of class_sizes hold exactly.
std::vector<PatientPlan> plan_cohort(std::int64_t patients, std::uint64_t seed);

struct Ear {
    Hearing hearing = Hearing::normal;
    bool good = false;               // the normal ear of a unilateral patient
    bool low_frequency = false;      // part of its recordings are low-frequency tone bursts
    double normal_threshold_db = 0;  // T0, what the threshold would be without the loss
    double threshold_db = 0;         // T
    double gap_db = 0;               // g, conductive loss: shifts the whole level function
    double mixed_db = 0;             // mix, cochlear part of a mixed loss, with recruitment
    double tilt_db = 0;              // SNHL: loss at 4 kHz above that at the click's centre
    double neural_amplitude_uv = 0;  // neuropathy with a low wave V: its amplitude
    double neural_delay_ms = 0;      // and its delay
    double latency_offset_ms = 0;    // ex
    double log_amplitude = 0;        // ea
    double microphonic_uv = 0;       // cm, amplitude at 85 dB
    double microphonic_khz = 0;
    double microphonic_decay_ms = 0;
    double n3_uv = 0;  // vestibular N3 of a deaf ear at high levels, 0 = none
};

struct Patient {
    Hearing label = Hearing::normal;
    double age_years = 0;
    double immaturity = 0;  // m, 1 newborn to 0 adult
    bool unilateral = false;
    std::size_t bad_ear = 0;  // index of the affected ear of a unilateral patient
    bool alternating_polarity = true;
    double latency_offset_ms = 0;    // b_per
    double interpeak_offset_ms = 0;  // b_ipl
    double slope_factor = 1;         // b_sl
    double log_amplitude = 0;        // b_amp
    double raw_noise_uv = 0;         // in-band rms of a single sweep
    double mains_factor = 1;
    bool tense = false;       // may show a post-auricular muscle response
    std::array<Ear, 2> ears;  // left, right
};

// low_frequency_share: probability that an ear has low-frequency tone bursts.
Patient draw_patient(const PatientPlan& plan, double low_frequency_share, CohortRandom& random);

}  // namespace abr::synthetic
