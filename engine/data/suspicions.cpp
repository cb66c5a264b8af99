#include "engine/data/suspicions.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "engine/data/statistics.hpp"
#include "kernels/cpu/stream.hpp"

namespace abr {
namespace {

constexpr void (*kJudgements[])(const JudgedTable&, Suspicions&) = {
    judge_alike_patients, judge_lost_patients, judge_repetitions, judge_values,
    judge_latencies,      judge_thresholds,    judge_samples,     judge_units};

// Samples beyond so many times the usual peak of a recording, or recordings below it by so much, are of
// another kind: artefacts that an averager lets pass are ten or twenty times an ABR.
constexpr double kFarAbove = 100, kFarBelow = 1000;

std::span<const float> signal_of(const Recordings& recordings, std::size_t row) {
    const auto length = static_cast<std::size_t>(recordings.length);
    return std::span(recordings.signal).subspan(row * length, length);
}

SignalSummary summarise(std::span<const float> signal) {
    SignalSummary summary;
    summary.sd = signal_moments(signal).sd;
    std::uint64_t hash = 0xCBF29CE484222325U;
    for (const float sample : signal) {
        summary.peak = std::max(summary.peak, std::abs(sample));
        hash = (hash ^ std::bit_cast<std::uint32_t>(sample)) *
               0x100000001B3U;  // FNV-1a (Fowler, Noll, Vo) by words
        hash ^= hash >> 32;
    }
    summary.hash = hash;
    return summary;
}

std::string number_text(float value) {
    return fmt::format("{:.6g}", value);
}

// Collects the rows that one suspicion is about.
class Collector {
  public:
    Collector(const Recordings& recordings, std::string kind, std::string column) : recordings_(recordings) {
        suspicion_.kind = std::move(kind);
        suspicion_.column = std::move(column);
    }
    void add(std::size_t row, std::string value) {
        ++suspicion_.count;
        if (suspicion_.places.size() < kSuspectCells)
            suspicion_.places.push_back({std::move(value), recordings_.line_of(row)});
    }
    std::int64_t count() const { return suspicion_.count; }
    // Nothing is said where nothing was added.
    void say(std::string what, std::string remedy, Suspicions& suspicions) {
        if (suspicion_.count == 0) return;
        suspicion_.what = std::move(what);
        suspicion_.remedy = std::move(remedy);
        suspicions.push_back(std::move(suspicion_));
    }

  private:
    const Recordings& recordings_;
    Suspicion suspicion_;
};

// A column of numbers, what can be in it at all, and whether 0 can be.
struct JudgedColumn {
    std::string name;
    const std::vector<float>& values;
    double low, high;
    std::string_view unit;
    bool may_be_zero = true;
    bool in_steps = false;  // of 5, as levels are
    bool required = false;
};

bool is_code(float value) {
    constexpr float kCodes[] = {-1, -9,  -88, -99,  -888, -999,  -9999, 88,
                                99, 888, 999, 8888, 9999, 99999, 777,   -777};
    return std::ranges::find(kCodes, value) != std::end(kCodes);
}

bool is_step(float value) {
    return std::fmod(value, 5.0F) == 0;
}

std::string quoted_list(const std::set<float>& values) {
    std::string list;
    for (const float value : values)
        list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", number_text(value));
    return list;
}

void judge_column(const JudgedTable& table, const JudgedColumn& column, Suspicions& suspicions) {
    const auto beyond = [&](float value) { return value < column.low || value > column.high; };
    // A code within the range stands out where all other values are steps of a dial.
    const bool others_are_steps = column.in_steps && std::ranges::all_of(column.values, [](float value) {
                                      return std::isnan(value) || is_code(value) || is_step(value);
                                  });
    Collector codes(table.recordings, "code_values", column.name),
        implausible(table.recordings, "implausible_values", column.name),
        zeros(table.recordings, "zero_values", column.name);
    std::set<float> found;
    for (std::size_t r = 0; r < column.values.size(); ++r) {
        const float value = column.values[r];
        if (std::isnan(value)) continue;
        if (is_code(value) && (beyond(value) || others_are_steps)) {
            codes.add(r, number_text(value));
            found.insert(value);
        } else if (value == 0 && !column.may_be_zero) {
            zeros.add(r, number_text(value));
        } else if (beyond(value)) {
            implausible.add(r, number_text(value));
        }
    }
    const auto remedy = [&](const std::string& words) {
        return column.required
                   ? fmt::format(
                         "correct them, or leave such rows out with [data.filters] \"{}\" = {{ at_least = "
                         "{}, "
                         "at_most = {} }}",
                         column.name, column.low, column.high)
                   : fmt::format("if they mean that there is none, set [data.missing_in] \"{}\" = [{}]",
                                 column.name, words);
    };
    codes.say(fmt::format("{} values are {}, which is a usual code for none", codes.count(),
                          fmt::join(found, ", ")),
              remedy(quoted_list(found)), suspicions);
    zeros.say(fmt::format("{} values are 0, which no wave V has", zeros.count()), remedy("\"0\""),
              suspicions);
    implausible.say(fmt::format("{} values are below {} or above {} {}, which no recording has",
                                implausible.count(), column.low, column.high, column.unit),
                    column.required ? remedy({}) : "correct them, or check the unit and the column",
                    suspicions);
}

}  // namespace

void judge_values(const JudgedTable& table, Suspicions& suspicions) {
    const Recordings& r = table.recordings;
    const ColumnNames& names = table.config.columns;
    const JudgedColumn columns[] = {
        {names.intensity_db, r.intensity_db, -30, 150, "dB nHL", true, true, true},
        {names.label[Component::threshold], r.scalar[Component::threshold], -30, 140, "dB nHL", true, true},
        {names.label[Component::peak_latency], r.scalar[Component::peak_latency], 0, 1e5, "ms", false},
        {names.label[Component::peak_amplitude], r.scalar[Component::peak_amplitude], -1e5, 1e5, "uV", false},
        {names.age_years, r.age_years, 0, 1e5, "years"},
        {names.rate_hz, r.rate_hz, 0.1, 2000, "1/s", false},
        {names.fmp, r.fmp, 0, 1e6, ""}};
    for (const JudgedColumn& column : columns) judge_column(table, column, suspicions);
}

void judge_latencies(const JudgedTable& table, Suspicions& suspicions) {
    const Recordings& r = table.recordings;
    Collector outside(r, "latency_outside", table.config.columns.label[Component::peak_latency]);
    const auto& latency = r.scalar[Component::peak_latency];
    for (std::size_t row = 0; row < latency.size(); ++row)
        if (!std::isnan(latency[row]) && std::isnan(scalar_target(r, Component::peak_latency, row)))
            outside.add(row, number_text(latency[row]));
    outside.say(fmt::format("{} latencies lie outside the recording ({:.4g} to {:.4g} ms) and are not learnt",
                            outside.count(), std::max(0.0, r.first_sample_ms), r.end_ms()),
                "check data.latency_unit, data.sample_interval_ms and data.first_sample_ms", suspicions);
}

void judge_thresholds(const JudgedTable& table, Suspicions& suspicions) {
    const Recordings& r = table.recordings;
    const auto& threshold = r.scalar[Component::threshold];
    std::map<std::pair<std::int32_t, int>, std::set<float>> of_ear;
    Collector several(r, "thresholds_of_one_ear", table.config.columns.label[Component::threshold]);
    for (std::size_t row = 0; row < threshold.size(); ++row) {
        if (std::isnan(threshold[row])) continue;
        std::set<float>& values = of_ear[{r.patient[row], r.ear[row]}];
        // Where the ear is not known, two are of two ears.
        const std::size_t allowed = r.ear[row] < 0 ? 2 : 1;
        if (values.insert(threshold[row]).second && values.size() == allowed + 1)
            several.add(row, fmt::format("{}", fmt::join(values, ", ")));
    }
    several.say(
        fmt::format(
            "{} ears have several thresholds; a threshold is one of the ear, whatever the level of the "
            "recording",
            several.count()),
        "give every recording of an ear its threshold, or keep recordings of one stimulus by a filter",
        suspicions);
}

void judge_samples(const JudgedTable& table, Suspicions& suspicions) {
    const Recordings& r = table.recordings;
    std::vector<float> peaks;
    for (const SignalSummary& signal : table.signals) peaks.push_back(signal.peak);
    if (peaks.empty()) return;
    const auto middle = peaks.begin() + static_cast<std::ptrdiff_t>(peaks.size() / 2);
    std::ranges::nth_element(peaks, middle);
    const double usual = *middle;
    Collector large(r, "sample_outliers", "signal"), small(r, "small_recordings", "signal");
    for (std::size_t row = 0; row < table.signals.size(); ++row) {
        const double peak = table.signals[row].peak;
        if (peak > kFarAbove * usual) large.add(row, number_text(table.signals[row].peak));
        if (peak < usual / kFarBelow) small.add(row, number_text(table.signals[row].peak));
    }
    const std::string others = fmt::format("{:.3g} uV", usual);
    large.say(fmt::format("{} recordings have samples more than {:g} times the usual peak of {}",
                          large.count(), kFarAbove, others),
              "correct or leave out these rows", suspicions);
    small.say(
        fmt::format("{} recordings stay below a thousandth of the usual peak of {}", small.count(), others),
        "bring all recordings to one unit", suspicions);
}

void judge_repetitions(const JudgedTable& table, Suspicions& suspicions) {
    const Recordings& r = table.recordings;
    std::unordered_map<std::uint64_t, std::size_t> first;  // row
    Collector same_patient(r, "repeated_recordings", "signal"), others(r, "shared_recordings", "signal");
    for (std::size_t row = 0; row < table.signals.size(); ++row) {
        const auto [known, is_new] = first.try_emplace(table.signals[row].hash, row);
        if (is_new || !std::ranges::equal(signal_of(r, known->second), signal_of(r, row))) continue;
        const bool same = r.patient[known->second] == r.patient[row];
        (same ? same_patient : others).add(row, fmt::format("as line {}", r.line_of(known->second)));
    }
    same_patient.say(fmt::format("{} recordings have the samples of an earlier one of the same patient",
                                 same_patient.count()),
                     "remove the copies: they count several times", suspicions);
    others.say(
        fmt::format("{} recordings have the samples of an earlier one of another patient", others.count()),
        "correct the identifiers or remove the copies: they may train and validate at once", suspicions);
}

std::vector<Suspicion> find_suspicions(const Recordings& recordings, const DataConfig& config, int threads) {
    JudgedTable table{recordings, config,
                      std::vector<SignalSummary>(static_cast<std::size_t>(recordings.rows))};
    cpu::Stream stream(threads);
    constexpr Index kRowsPerTask = 256;
    stream.parallel_for((recordings.rows + kRowsPerTask - 1) / kRowsPerTask, [&](Index task) {
        const Index end = std::min(recordings.rows, (task + 1) * kRowsPerTask);
        for (Index row = task * kRowsPerTask; row < end; ++row) {
            const auto r = static_cast<std::size_t>(row);
            table.signals[r] = summarise(signal_of(recordings, r));
        }
    });
    Suspicions suspicions;
    for (const auto judge : kJudgements) judge(table, suspicions);
    return suspicions;
}

}  // namespace abr
