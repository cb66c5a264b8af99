#include "engine/data/statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/error.hpp"

namespace abr {
namespace {

constexpr double kSmallestSd = 1e-12;  // uV, as in kernels/batch.hpp
constexpr std::array<const char*, kStaticInputs> kStaticNames = {
    "age",          "intensity",   "rate",        "fmp",          "age_missing",
    "rate_missing", "fmp_missing", "signal_mean", "signal_log_sd"};

// The median of the values that are not NaN; the mean of the middle two for an even number.
double median(std::vector<double> values) {
    std::erase_if(values, [](double v) { return std::isnan(v); });
    if (values.empty()) return 0;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    if (values.size() % 2 == 1) return *middle;
    return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

// Moments of the values that are not NaN; exactly 0 where they are all the same, which rounding would hide.
Moments moments(std::vector<double> values) {
    std::erase_if(values, [](double v) { return std::isnan(v); });
    if (values.empty()) return {};
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    if (*low == *high) return {*low, 0};
    const auto n = static_cast<double>(values.size());
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
    double squares = 0;
    for (const double v : values) squares += (v - mean) * (v - mean);
    return {mean, std::sqrt(squares / n)};
}

// The stored static inputs in the network's unit, not yet standardised.
std::array<double, kStoredStatics> raw_statics(const Recordings& table, std::size_t row,
                                               const FittedStatistics& s) {
    const auto filled = [](float value, double fill) { return std::isnan(value) ? fill : double{value}; };
    const auto flag = [](float value) { return std::isnan(value) ? 1.0 : 0.0; };
    const float age = table.age_years[row], rate = table.rate_hz[row], fmp = table.fmp[row];
    return {std::log1p(filled(age, s.fill_age_years)),
            double{table.intensity_db[row]},
            filled(rate, s.fill_rate_hz),
            std::log1p(filled(fmp, s.fill_fmp)),
            flag(age),
            flag(rate),
            flag(fmp)};
}

float standardise(double value, const Moments& m) {
    return m.sd == 0 ? 0.0f : static_cast<float>((value - m.mean) / m.sd);
}

}  // namespace

std::vector<double> class_weights(const std::vector<std::int64_t>& counts, const LossConfig& loss) {
    if (loss.class_weighting == ClassWeighting::given) return loss.class_weights;
    std::vector<double> weights(counts.size(), 1.0);
    const auto labelled = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
    if (loss.class_weighting == ClassWeighting::none || labelled == 0) return weights;
    for (std::size_t c = 0; c < counts.size(); ++c) {
        if (counts[c] == 0)
            throw InputError(
                fmt::format("loss.class_weights = \"balanced\": class {} of {} (in the order of "
                            "data.classes) has no training row; add recordings or remove the class",
                            c + 1, counts.size()));
        weights[c] = std::pow(static_cast<double>(labelled) /
                                  (static_cast<double>(counts.size()) * static_cast<double>(counts[c])),
                              loss.class_weight_power);
    }
    return weights;
}

Moments signal_moments(std::span<const float> signal) {
    const auto n = static_cast<double>(signal.size());
    double sum = 0, squares = 0;
    for (const float x : signal) sum += double{x};
    const double mean = sum / n;
    for (const float x : signal) squares += (double{x} - mean) * (double{x} - mean);
    return {mean, std::max(std::sqrt(squares / n), kSmallestSd)};
}

FittedStatistics fit_statistics(const Recordings& table, std::span<const std::int64_t> rows,
                                std::size_t classes, const LossConfig& loss, float static_dropout) {
    FittedStatistics s;
    const auto column = [&](const auto& value_of_row) {
        std::vector<double> values;
        values.reserve(rows.size());
        for (const std::int64_t row : rows) values.push_back(value_of_row(static_cast<std::size_t>(row)));
        return values;
    };
    const auto values_of = [&](const std::vector<float>& values) {
        return column([&](std::size_t row) { return double{values[row]}; });
    };
    s.fill_age_years = median(values_of(table.age_years));
    s.fill_rate_hz = median(values_of(table.rate_hz));
    s.fill_fmp = median(values_of(table.fmp));

    for (std::size_t i = 0; i < kStoredStatics; ++i)
        s.statics[i] = moments(column([&](std::size_t row) { return raw_statics(table, row, s)[i]; }));
    if (static_dropout > 0)
        for (const StaticInput flag : {kAgeMissing, kRateMissing, kFmpMissing}) {
            const double missing = s.statics[flag].mean + (1 - s.statics[flag].mean) * double{static_dropout};
            s.statics[flag] = {missing, std::sqrt(missing * (1 - missing))};
        }
    const auto length = static_cast<std::size_t>(table.length);
    std::vector<double> means, log_sds;
    for (const std::int64_t row : rows) {
        const Moments m =
            signal_moments(std::span(table.signal).subspan(static_cast<std::size_t>(row) * length, length));
        means.push_back(m.mean);
        log_sds.push_back(std::log(m.sd));
    }
    s.statics[kSignalMean] = moments(std::move(means));
    s.statics[kSignalLogSd] = moments(std::move(log_sds));

    for (const Component c : kScalars)
        s.target[c] = moments(column([&](std::size_t row) { return double{scalar_target(table, c, row)}; }));

    s.class_counts.assign(classes, 0);
    for (const std::int64_t row : rows)
        if (const std::int32_t label = table.label[static_cast<std::size_t>(row)]; label >= 0)
            ++s.class_counts[static_cast<std::size_t>(label)];
    s.class_weights = class_weights(s.class_counts, loss);
    return s;
}

Standardisation static_standardisation(const Moments& m) {
    return {static_cast<float>(m.mean), m.sd == 0 ? 0.0f : static_cast<float>(1 / m.sd)};
}

Standardisation target_standardisation(const Moments& m) {
    return {static_cast<float>(m.mean), m.sd == 0 ? 1.0f : static_cast<float>(1 / m.sd)};
}

std::array<float, kStoredStatics> standardised_statics(const Recordings& table, std::int64_t row,
                                                       const FittedStatistics& s) {
    const auto r = static_cast<std::size_t>(row);
    const std::array<double, kStoredStatics> raw = raw_statics(table, r, s);
    std::array<float, kStoredStatics> statics{};
    for (std::size_t i = 0; i < kStoredStatics; ++i) {
        statics[i] = standardise(raw[i], s.statics[i]);
        if (!std::isfinite(raw[i]) || !std::isfinite(statics[i]))
            throw InputError(
                fmt::format("data row {}: the static input '{}' is {} in the network's unit; age and FMP "
                            "must be >= 0, intensity and rate finite",
                            table.source_row[r], kStaticNames[i], raw[i]));
    }
    return statics;
}

void apply_statistics(const FittedStatistics& s, BatchSettings& settings) {
    settings.signal_mean = static_standardisation(s.statics[kSignalMean]);
    settings.signal_log_sd = static_standardisation(s.statics[kSignalLogSd]);
    for (const Component c : kScalars) settings.target[c] = target_standardisation(s.target[c]);
    for (std::size_t i = 0; i < settings.static_sd.size(); ++i)
        settings.static_sd[i] = s.statics[i].sd > 0 ? 1.0f : 0.0f;
    settings.fill_age = standardise(std::log1p(s.fill_age_years), s.statics[kAge]);
    settings.fill_rate = standardise(s.fill_rate_hz, s.statics[kRate]);
    settings.fill_fmp = standardise(std::log1p(s.fill_fmp), s.statics[kFmp]);
    settings.flag_age = standardise(1, s.statics[kAgeMissing]);
    settings.flag_rate = standardise(1, s.statics[kRateMissing]);
    settings.flag_fmp = standardise(1, s.statics[kFmpMissing]);
}

std::vector<NamedArray> to_named_arrays(const FittedStatistics& s) {
    std::vector<double> mean, sd;
    for (const Moments& m : s.statics) {
        mean.push_back(m.mean);
        sd.push_back(m.sd);
    }
    std::vector<double> target_mean, target_sd;
    for (const Component c : kScalars) {
        target_mean.push_back(s.target[c].mean);
        target_sd.push_back(s.target[c].sd);
    }
    return {{"statistics/fill", {s.fill_age_years, s.fill_rate_hz, s.fill_fmp}},
            {"statistics/static_mean", mean},
            {"statistics/static_sd", sd},
            {"statistics/target_mean", target_mean},
            {"statistics/target_sd", target_sd},
            {"statistics/class_counts", {s.class_counts.begin(), s.class_counts.end()}},
            {"statistics/class_weights", s.class_weights}};
}

FittedStatistics statistics_from_named_arrays(
    const std::function<std::vector<double>(const std::string&)>& read_values, std::size_t classes) {
    const auto read = [&](const std::string& name, std::size_t least, std::size_t most) {
        std::vector<double> values = read_values(name);
        const bool finite =
            std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
        if (values.size() < least || values.size() > most || !finite)
            throw InputError(fmt::format("{}: {} values{}, expected {} finite ones", name, values.size(),
                                         finite ? "" : ", not all finite", most));
        return values;
    };
    FittedStatistics s;
    const auto fill = read("statistics/fill", 3, 3);
    s.fill_age_years = fill[0];
    s.fill_rate_hz = fill[1];
    s.fill_fmp = fill[2];
    const auto mean = read("statistics/static_mean", kStaticInputs, kStaticInputs),
               sd = read("statistics/static_sd", kStaticInputs, kStaticInputs);
    for (std::size_t i = 0; i < kStaticInputs; ++i) s.statics[i] = {mean[i], sd[i]};
    // A checkpoint from before a task was added has fewer targets, and no head for it.
    const auto target_mean = read("statistics/target_mean", 1, kScalarTasks);
    const auto target_sd = read("statistics/target_sd", target_mean.size(), target_mean.size());
    for (std::size_t i = 0; i < target_mean.size(); ++i)
        s.target[kScalars[i]] = {target_mean[i], target_sd[i]};
    for (const double count : read("statistics/class_counts", classes, classes))
        s.class_counts.push_back(static_cast<std::int64_t>(count));
    s.class_weights = read("statistics/class_weights", classes, classes);
    return s;
}

}  // namespace abr
