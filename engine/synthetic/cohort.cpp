#include "engine/synthetic/cohort.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "engine/error.hpp"
#include "engine/synthetic/annotation.hpp"
#include "engine/synthetic/noise.hpp"
#include "engine/synthetic/physiology.hpp"
#include "engine/synthetic/population.hpp"
#include "engine/synthetic/protocol.hpp"
#include "engine/synthetic/waveform.hpp"

namespace abr {
namespace {

using namespace synthetic;

struct Preset {
    double sample_interval_ms;
    double low_frequency_share;  // of ears
    // A mark later than this is not exported at all: in a recording of 10 ms the peak or its trough is then out of
    // sight, and the table knows a wave V only by its latency.
    double latest_latency_target_ms;
};
constexpr std::int64_t kSamples = 200;
constexpr Preset kPresetA = {0.05, 0, 9.75};
constexpr Preset kPresetB = {0.1, 0.25, 18.5};

constexpr double kHighestThresholdDb = 105;  // of the label: the limit of the stimulator
constexpr double kSlowNoiseSeen = 0.35;      // share of the slow noise that the annotator's display passes

// Columns of `Latents`, once for sizing, naming and filling alike.
struct LatentField {
    std::string_view name;
    std::vector<float> Latents::*column;
};
constexpr LatentField kLatentFields[] = {
    {"true_threshold_db", &Latents::true_threshold_db},
    {"effective_level_db", &Latents::effective_level_db},
    {"latency_level_db", &Latents::latency_level_db},
    {"wave_v_true_latency_ms", &Latents::wave_v_true_latency_ms},
    {"wave_v_true_amplitude_uv", &Latents::wave_v_true_amplitude_uv},
    {"wave_i_latency_ms", &Latents::wave_i_latency_ms},
    {"wave_i_amplitude_uv", &Latents::wave_i_amplitude_uv},
    {"wave_iii_latency_ms", &Latents::wave_iii_latency_ms},
    {"wave_iii_amplitude_uv", &Latents::wave_iii_amplitude_uv},
    {"residual_noise_uv", &Latents::residual_noise_uv},
    {"slow_noise_uv", &Latents::slow_noise_uv},
    {"snr_db", &Latents::snr_db},
    {"tone_burst_khz", &Latents::tone_burst_khz},
    {"alternating_polarity", &Latents::alternating_polarity},
    {"unilateral", &Latents::unilateral},
    {"good_ear", &Latents::good_ear},
    {"exact_age_years", &Latents::exact_age_years},
};

Recordings empty_table(const std::vector<PatientPlan>& plan, const Preset& preset) {
    Recordings table;
    table.rows = plan.back().first_row + plan.back().recordings;
    table.length = kSamples;
    table.sample_interval_ms = preset.sample_interval_ms;
    table.has_clean = true;
    for (const Component c : kAllComponents) table.has_column[c] = has_label_column(c);
    const auto rows = static_cast<std::size_t>(table.rows);
    const int digits = std::max(4, static_cast<int>(std::to_string(plan.size()).size()));
    table.patients.reserve(plan.size());
    for (std::size_t p = 0; p < plan.size(); ++p)
        table.patients.push_back(fmt::format("P{:0{}}", p + 1, digits));
    table.source_row.resize(rows);
    table.patient.resize(rows);
    table.ear.resize(rows);
    table.label.resize(rows);
    for (auto* column : {
             &table.age_years,
             &table.intensity_db,
             &table.rate_hz,
             &table.fmp,
         }) {
        column->resize(rows);
    }
    for (const Component c : kScalars) table.scalar[c].resize(rows, kMissing);
    table.signal.resize(rows * kSamples);
    table.clean.resize(rows * kSamples);
    return table;
}

// Generates one patient after another into the rows that the plan gave them.
class PatientGenerator {
  public:
    PatientGenerator(const NoiseSpectrum& spectrum, const Preset& preset, std::uint64_t seed,
                     Recordings& table, Latents* latents)
        : preset_(preset), seed_(seed), noise_(spectrum), table_(table), latents_(latents) {}

    // A function of the seed, the preset, the patient's number and its plan, of nothing else.
    void generate(std::uint32_t number, const PatientPlan& plan) {
        CohortRandom random(seed_, number, CohortRandom::kPatientLane);
        const Patient patient = draw_patient(plan, preset_.low_frequency_share, random);
        const std::vector<Stimulus> session = draw_session(patient, plan.recordings, random);
        for (std::size_t r = 0; r < session.size(); ++r) {
            const auto row = static_cast<std::size_t>(plan.first_row) + r;
            table_.source_row[row] = static_cast<std::int64_t>(row) + 1;
            table_.patient[row] = static_cast<std::int32_t>(number);
            CohortRandom of_recording(seed_, number, static_cast<std::uint32_t>(1 + r));
            generate_recording(row, patient, session[r], of_recording);
        }
    }

  private:
    void generate_recording(std::size_t row, const Patient& patient, const Stimulus& stimulus,
                            CohortRandom& random) {
        const double interval_ms = preset_.sample_interval_ms;
        const Ear& ear = patient.ears[stimulus.ear];
        const Response response = draw_response(patient, ear, stimulus, random);
        draw_waveform(patient, ear, stimulus, response, interval_ms, random, clean_);
        const NoiseLevel level = draw_noise_level(patient, response.wave_v_uv, random);
        noise_.draw(random, in_band_, slow_);
        for (std::size_t k = 0; k < kSamples; ++k) {
            const double in_band = clean_[k] + level.residual_uv * in_band_[k];
            const double slow = level.slow_uv * slow_[k];
            recording_[k] = in_band + slow;
            seen_[k] = in_band + kSlowNoiseSeen * slow;
        }
        add_mains(patient, interval_ms, random, recording_);
        const Quality quality = draw_quality(recording_, level, interval_ms, random);
        const auto mark = draw_mark(seen_, response, level.residual_uv, interval_ms, random);

        const auto first = static_cast<std::ptrdiff_t>(row) * kSamples;
        const auto to_float = [](double x) { return static_cast<float>(x); };
        std::transform(recording_.begin(), recording_.end(), table_.signal.begin() + first, to_float);
        std::transform(clean_.begin(), clean_.end(), table_.clean.begin() + first, to_float);
        table_.ear[row] = static_cast<std::int8_t>(stimulus.ear);
        table_.label[row] = static_cast<std::int32_t>(patient.label);
        // Whole years, as clinics note them: maturation within the first year stays hidden.
        table_.age_years[row] = to_float(std::floor(patient.age_years));
        table_.intensity_db[row] = to_float(stimulus.level_db);
        table_.rate_hz[row] = to_float(stimulus.rate_hz);
        table_.fmp[row] = to_float(quality.fmp);
        table_.scalar[Component::threshold][row] =
            to_float(std::clamp(ear.threshold_db, 0.0, kHighestThresholdDb));
        const bool exported = mark && mark->latency_ms <= preset_.latest_latency_target_ms;
        table_.scalar[Component::peak_latency][row] = exported ? to_float(mark->latency_ms) : kMissing;
        table_.scalar[Component::peak_amplitude][row] = exported ? to_float(mark->amplitude_uv) : kMissing;
        if (latents_ == nullptr) return;

        const double values[] = {ear.threshold_db,
                                 response.effective_level_db,
                                 response.latency_level_db,
                                 response.wave_v_ms,
                                 response.wave_v_uv,
                                 response.wave_i_ms,
                                 response.wave_i_uv,
                                 response.wave_iii_ms,
                                 response.wave_iii_uv,
                                 level.residual_uv,
                                 level.slow_uv,
                                 quality.snr_db,
                                 stimulus.tone_burst_khz,
                                 patient.alternating_polarity ? 1.0 : 0.0,
                                 patient.unilateral ? 1.0 : 0.0,
                                 ear.good ? 1.0 : 0.0,
                                 patient.age_years};
        static_assert(std::size(values) == std::size(kLatentFields));
        for (std::size_t i = 0; i < std::size(values); ++i) {
            (latents_->*kLatentFields[i].column)[row] = to_float(values[i]);
        }
    }

    const Preset& preset_;
    std::uint64_t seed_;
    NoiseSource noise_;
    Recordings& table_;
    Latents* latents_;
    std::array<double, kSamples> clean_{}, in_band_{}, slow_{}, recording_{}, seen_{};
};

const Preset& checked_preset(const SyntheticSettings& settings) {
    if (settings.patients < kFewestCohortPatients || settings.patients > kMostCohortPatients) {
        throw InputError(
            fmt::format("synthetic cohort: patients = {}, expected {} to {}: choose a size in this range",
                        settings.patients, kFewestCohortPatients, kMostCohortPatients));
    }
    if (settings.preset == 'A') return kPresetA;
    if (settings.preset == 'B') return kPresetB;
    throw InputError(
        fmt::format("synthetic cohort: preset = \"{}\", expected \"A\" (20 kHz, 10 ms) or \"B\" (10 "
                    "kHz, 20 ms)",
                    settings.preset));
}

}  // namespace

std::vector<NamedColumn> Latents::columns() const {
    std::vector<NamedColumn> columns;
    columns.reserve(std::size(kLatentFields));
    for (const LatentField& field : kLatentFields) columns.push_back({field.name, this->*field.column});
    return columns;
}

Recordings generate_cohort(const SyntheticSettings& settings, cpu::Stream& stream, Latents* latents) {
    const Preset& preset = checked_preset(settings);
    const std::vector<PatientPlan> plan = plan_cohort(settings.patients, settings.seed);
    Recordings table = empty_table(plan, preset);
    if (latents != nullptr) {
        for (const LatentField& field : kLatentFields) {
            (latents->*field.column).resize(static_cast<std::size_t>(table.rows));
        }
    }
    const NoiseSpectrum spectrum(preset.sample_interval_ms);
    // A few patients share a task, so that the transform's plan is made less often.
    constexpr std::size_t kPatientsPerTask = 4;
    const std::size_t tasks = (plan.size() + kPatientsPerTask - 1) / kPatientsPerTask;
    stream.parallel_for(static_cast<Index>(tasks), [&](Index task) {
        PatientGenerator generator(spectrum, preset, settings.seed, table, latents);
        const std::size_t first = static_cast<std::size_t>(task) * kPatientsPerTask;
        const std::size_t end = std::min(plan.size(), first + kPatientsPerTask);
        for (std::size_t p = first; p < end; ++p) generator.generate(static_cast<std::uint32_t>(p), plan[p]);
    });
    return table;
}

}  // namespace abr
