#include "engine/synthetic/validation.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <stdexcept>
#include <utility>

#include "engine/synthetic/population.hpp"

namespace abr {
namespace {

using synthetic::Hearing;

constexpr double kPresetASampleIntervalMs = 0.05;

// Sums of a column over chosen rows; NaN values are left out.
class Moments {
  public:
    void add(double x) {
        if (std::isnan(x)) return;
        ++count_;
        sum_ += x;
        squares_ += x * x;
    }
    double mean() const { return sum_ / static_cast<double>(count_); }  // NaN without values
    double sd() const { return std::sqrt(squares_ / static_cast<double>(count_) - mean() * mean()); }

  private:
    std::int64_t count_ = 0;
    double sum_ = 0, squares_ = 0;
};

Moments moments(const std::vector<float>& column) {
    Moments result;
    for (const float x : column) result.add(double{x});
    return result;
}

// Linear interpolation between order statistics; NaN without values.
template <class T>
double quantile(std::vector<T> values, double fraction) {
    if (values.empty()) return std::nan("");
    std::sort(values.begin(), values.end());
    const double position = fraction * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(position);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    const double part = position - static_cast<double>(below);
    return (1 - part) * static_cast<double>(values[below]) + part * static_cast<double>(values[above]);
}

class Measurement {
  public:
    Measurement(const Recordings& cohort, const Latents& latents)
        : cohort_(cohort),
          latents_(latents),
          rows_(static_cast<std::size_t>(cohort.rows)),
          preset_a_(std::abs(cohort.sample_interval_ms - kPresetASampleIntervalMs) < 1e-9) {}

    CohortTable table() {
        counts();
        stimuli_and_ages();
        wave_v_marks();
        signals();
        if (!preset_a_) mark_rates();  // known for preset B
        physiology();
        thresholds();
        return {preset_a_ ? 'A' : 'B', std::move(checks_)};
    }

  private:
    void check(std::string statistic, double published, double tolerance, double measured) {
        checks_.push_back({std::move(statistic), published, tolerance, measured});
    }
    bool is(std::size_t row, Hearing label) const {
        return cohort_.label[row] == static_cast<std::int32_t>(label);
    }
    bool marked(std::size_t row) const { return !std::isnan(cohort_.scalar[Component::peak_latency][row]); }
    bool click(std::size_t row) const { return latents_.tone_burst_khz[row] == 0; }

    void counts() {
        const auto patients = static_cast<std::int64_t>(cohort_.patients.size());
        const auto sizes = synthetic::class_sizes(patients);
        std::vector<int> of_patient(cohort_.patients.size(), 0);
        std::vector<std::size_t> label_of(cohort_.patients.size(), 0);
        std::array<std::int64_t, synthetic::kClasses> class_recordings{}, class_patients{};
        for (std::size_t row = 0; row < rows_; ++row) {
            const auto patient = static_cast<std::size_t>(cohort_.patient[row]);
            label_of[patient] = static_cast<std::size_t>(cohort_.label[row]);
            ++of_patient[patient];
            ++class_recordings[label_of[patient]];
        }
        for (const std::size_t label : label_of) ++class_patients[label];
        std::int64_t recordings = 0;
        for (const auto& size : sizes) recordings += size.recordings;
        check("recordings", static_cast<double>(recordings), 0, static_cast<double>(rows_));
        for (std::size_t c = 0; c < synthetic::kClasses; ++c) {
            check(fmt::format("patients, {}", kCohortClasses[c]), static_cast<double>(sizes[c].patients), 0,
                  static_cast<double>(class_patients[c]));
            check(fmt::format("recordings, {}", kCohortClasses[c]), static_cast<double>(sizes[c].recordings),
                  0, static_cast<double>(class_recordings[c]));
        }
        check("recordings per patient: median", 24, 1, quantile(of_patient, 0.5));
        check("recordings per patient: fewest", 1, 1,
              *std::min_element(of_patient.begin(), of_patient.end()));
        check("recordings per patient: most", 125, 7,
              *std::max_element(of_patient.begin(), of_patient.end()));
    }

    void stimuli_and_ages() {
        const Moments age = moments(cohort_.age_years);
        check("age, years: mean", 2.64, 0.4, age.mean());
        check("age, years: sd", 7.39, 1.2, age.sd());
        check("age, years: median", 0, 0, quantile(cohort_.age_years, 0.5));
        const Moments level = moments(cohort_.intensity_db);
        check("intensity, dB nHL: mean", 44, 2, level.mean());
        check("intensity, dB nHL: sd", 29.8, 1.5, level.sd());
        const Moments rate = moments(cohort_.rate_hz);
        check("rate, 1/s: mean", 33.7, 0.4, rate.mean());
        check("rate, 1/s: sd", 3.6, 0.5, rate.sd());
    }

    void wave_v_marks() {
        // Preset A has no published values: those of the model with clicks only, whose late waves V lie beyond the
        // end of the recording.
        Moments share;
        for (std::size_t row = 0; row < rows_; ++row) share.add(marked(row) ? 1 : 0);
        check("V marked", preset_a_ ? 0.716 : 0.746, 0.015, share.mean());
        const Moments latency = moments(cohort_.scalar[Component::peak_latency]);
        check("V latency, ms: mean", preset_a_ ? 7.29 : 7.83, 0.15, latency.mean());
        check("V latency, ms: sd", preset_a_ ? 1.07 : 1.71, 0.15, latency.sd());
        const Moments amplitude = moments(cohort_.scalar[Component::peak_amplitude]);
        check("V amplitude, uV: mean", 0.174, 0.015, amplitude.mean());
        check("V amplitude, uV: sd", 0.157, 0.035, amplitude.sd());
    }

    void signals() {
        check("signal, uV: sd over all samples", 0.153, 0.01, moments(cohort_.signal).sd());
        check("SNR, dB: mean", 9, 1, moments(latents_.snr_db).mean());
        check("FMP: median", 0.76, 0.05, quantile(cohort_.fmp, 0.5));
        check("FMP: mean", 2.4, 0.5, moments(cohort_.fmp).mean());
    }

    void mark_rates() {
        std::array<Moments, synthetic::kClasses> by_class;
        std::map<int, Moments> by_level;
        for (std::size_t row = 0; row < rows_; ++row) {
            const double mark = marked(row) ? 1 : 0;
            by_class[static_cast<std::size_t>(cohort_.label[row])].add(mark);
            if (is(row, Hearing::normal)) by_level[static_cast<int>(cohort_.intensity_db[row])].add(mark);
        }
        // NEUROPATHY and TOTAL are given as ranges; the others share the tolerance of the rates by level.
        constexpr std::array<std::pair<double, double>, synthetic::kClasses> kByClass = {
            {{0.80, 0.04}, {0.16, 0.03}, {0.65, 0.04}, {0.05, 0.01}, {0.72, 0.04}}};
        for (std::size_t c = 0; c < synthetic::kClasses; ++c) {
            check(fmt::format("V marked, {}", kCohortClasses[c]), kByClass[c].first, kByClass[c].second,
                  by_class[c].mean());
        }
        constexpr double kByLevel[] = {0.16, 0.56, 0.81, 0.89, 0.92, 0.93, 0.94, 0.95, 0.95, 0.95, 0.94};
        for (std::size_t i = 0; i < std::size(kByLevel); ++i) {
            const int level = 10 * static_cast<int>(i);
            check(fmt::format("V marked, NORMAL at {} dB", level), kByLevel[i], 0.04, by_level[level].mean());
        }
    }

    // Laws of the latency, on NORMAL patients and clicks; true latencies of the waves where a mark's bias by noise
    // would show.
    void physiology() {
        struct AgeBand {
            const char* name;
            double from, to, latency_ms;
        };
        constexpr AgeBand kBands[] = {{"0-0.1", 0, 0.1, 6.88},       {"0.1-0.25", 0.1, 0.25, 6.67},
                                      {"0.25-0.5", 0.25, 0.5, 6.40}, {"0.5-1", 0.5, 1, 6.23},
                                      {"1-2", 1, 2, 5.87},           {"2-3", 2, 3, 5.77},
                                      {"adult", 18, 200, 5.69}};
        constexpr double kSlopeFromDb = 10, kSlopeToDb = 90, kAdultYears = 18;
        std::array<std::map<std::int32_t, Moments>, std::size(kBands)> latency_by_age;  // of each patient
        Moments adult_interpeak, level, latency, product;
        for (std::size_t row = 0; row < rows_; ++row) {
            if (!is(row, Hearing::normal) || !click(row)) continue;
            const double age = double{latents_.exact_age_years[row]};
            const double true_latency = double{latents_.wave_v_true_latency_ms[row]};
            const double db = double{cohort_.intensity_db[row]};
            if (db == 80) {
                for (std::size_t i = 0; i < std::size(kBands); ++i) {
                    if (age < kBands[i].from || age >= kBands[i].to) continue;
                    latency_by_age[i][cohort_.patient[row]].add(true_latency);
                }
                if (age >= kAdultYears)
                    adult_interpeak.add(true_latency - double{latents_.wave_i_latency_ms[row]});
            }
            if (marked(row) && db >= kSlopeFromDb && db <= kSlopeToDb) {
                const double marked_latency = double{cohort_.scalar[Component::peak_latency][row]};
                level.add(db);
                latency.add(marked_latency);
                product.add(db * marked_latency);
            }
        }
        if (!preset_a_) {  // its window cuts late waves off and flattens the slope
            const double slope_ms =
                (product.mean() - level.mean() * latency.mean()) / (level.sd() * level.sd());
            check("V latency, NORMAL clicks, us/dB: slope 10-90 dB", -36, 4, 1000 * slope_ms);
        }
        check("interval I-V at 80 dB, ms: adult", 4.0, 0.2, adult_interpeak.mean());
        for (std::size_t i = 0; i < std::size(kBands); ++i) {
            Moments patients;  // each counts once, however often measured
            for (const auto& [patient, latencies] : latency_by_age[i]) patients.add(latencies.mean());
            check(fmt::format("V latency at 80 dB, ms: age {}", kBands[i].name), kBands[i].latency_ms, 0.1,
                  patients.mean());
        }
    }

    // Percentiles over affected ears. The expected ones were taken on a cohort of the same size: the tolerances are
    // three standard errors of the difference between two cohorts (3,280, 325 and 165 ears).
    void thresholds() {
        struct Expected {
            Hearing label;
            double percentiles[3], tolerance_db;
        };
        constexpr Expected kExpected[] = {{Hearing::normal, {1, 9, 18}, 1},
                                          {Hearing::snhl, {34, 55, 82}, 5.5},
                                          {Hearing::conductive, {23, 42, 61}, 8}};
        constexpr int kPercent[] = {5, 50, 95};
        std::map<std::pair<std::int32_t, int>, std::size_t> row_of_ear;
        for (std::size_t row = 0; row < rows_; ++row) {
            if (latents_.good_ear[row] == 0) row_of_ear[{cohort_.patient[row], cohort_.ear[row]}] = row;
        }
        for (const Expected& expected : kExpected) {
            std::vector<float> ears;
            for (const auto& [ear, row] : row_of_ear) {
                if (is(row, expected.label)) ears.push_back(latents_.true_threshold_db[row]);
            }
            for (std::size_t i = 0; i < std::size(kPercent); ++i) {
                check(fmt::format("threshold, {}, dB nHL: percentile {}",
                                  kCohortClasses[static_cast<std::size_t>(expected.label)], kPercent[i]),
                      expected.percentiles[i], expected.tolerance_db, quantile(ears, kPercent[i] / 100.0));
            }
        }
    }

    const Recordings& cohort_;
    const Latents& latents_;
    std::size_t rows_;
    bool preset_a_;
    std::vector<CohortCheck> checks_;
};

}  // namespace

bool CohortCheck::ok() const {
    return std::abs(measured - published) <= tolerance;
}

bool CohortTable::ok() const {
    return std::all_of(checks.begin(), checks.end(), [](const CohortCheck& check) { return check.ok(); });
}

const CohortCheck& CohortTable::at(const std::string& statistic) const {
    for (const CohortCheck& check : checks) {
        if (check.statistic == statistic) return check;
    }
    throw std::out_of_range("no cohort statistic \"" + statistic + "\"");
}

CohortTable measure_cohort(const Recordings& cohort, const Latents& latents) {
    return Measurement(cohort, latents).table();
}

void print_cohort_table(std::FILE* file, const CohortTable& table) {
    fmt::print(file, "| statistic | published | measured | tolerance | ok |\n|---|---|---|---|---|\n");
    for (const CohortCheck& check : table.checks) {
        fmt::print(file, "| {} | {:.6g} | {:.5g} | {} | {} |\n", check.statistic, check.published,
                   check.measured, check.tolerance == 0 ? "exact" : fmt::format("±{:g}", check.tolerance),
                   check.ok() ? "yes" : "no");
    }
}

}  // namespace abr
