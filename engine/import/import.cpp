#include "engine/import/import.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <span>

#include "engine/error.hpp"
#include "engine/import/text_source.hpp"
#include "engine/output/csv.hpp"

namespace abr {
namespace {

// Intervals agree if the last sample moves by no more than this share of one: devices round the durations they write.
constexpr double kIntervalTolerance = 0.05;
// Times that differ by less than this share of an interval are the same.
constexpr double kSameTime = 1e-3;
constexpr double kMostSamples = 1e6;
constexpr double kEpochMarginMs = 1;

constexpr const char* kFlat = "every sample is the same (nothing was recorded)";

using Cells = std::vector<std::string>;

std::string number_cell(double value) {
    return std::isnan(value) ? std::string() : shortest_number(static_cast<float>(value));
}

// The columns of what a file says, and their cells for an average.
struct AverageColumn {
    const char* name;
    bool is_text;
    std::string (*cell)(const Average&);
};

constexpr AverageColumn kAverageColumns[] = {
    {"patient_id", true, [](const Average& a) { return a.patient; }},
    {"ear", true,
     [](const Average& a) {
         return std::string(a.ear < 0 ? "" : a.ear == 0 ? "left" : "right");
     }},
    {"intensity_db", false, [](const Average& a) { return number_cell(a.level_db); }},
    {"rate_hz", false, [](const Average& a) { return number_cell(a.rate_hz); }},
    {"stimulus", true, [](const Average& a) { return a.stimulus; }},
    {"stimulus_frequency_hz", false, [](const Average& a) { return number_cell(a.frequency_hz); }},
    {"polarity", true, [](const Average& a) { return a.polarity; }},
    {"sweeps", false, [](const Average& a) { return number_cell(a.sweeps); }},
    {"rejected_sweeps", false, [](const Average& a) { return number_cell(a.rejected); }},
    {"channel", true, [](const Average& a) { return a.channel; }},
    {"record", true, [](const Average& a) { return a.record; }},
};
// And those that import fills.
constexpr const char* kRepetition = "repetition";   // 1, 2, ... of what kRepeated says
constexpr const char* kHalfBuffer = "half_buffer";  // 1 or 2; empty for a whole average
constexpr const char* kNoise = "residual_noise_uv";
constexpr const char* kSourceFile = "source_file";
constexpr const char* kRepeated[] = {"patient_id", "ear",     "intensity_db", "stimulus_frequency_hz",
                                     "stimulus",   "channel", "polarity",     kHalfBuffer};

double rms_of_half_difference(std::span<const float> a, std::span<const float> b) {
    double sum = 0;
    for (std::size_t k = 0; k < a.size(); ++k) {
        const double half = (double{a[k]} - double{b[k]}) / 2;
        sum += half * half;
    }
    return std::sqrt(sum / static_cast<double>(a.size()));
}

// Cuts and resamples averages to the samples that are wanted.
class Window {
  public:
    explicit Window(const ImportSettings& settings) : settings_(settings) {
        if (!settings.window_ms) return;
        const auto [from, to] = *settings.window_ms;
        if (!(from < to))
            throw InputError(
                fmt::format("--window-ms {:g}:{:g}: expected FROM before TO, in ms after the stimulus, "
                            "e.g. 0:20",
                            from, to));
        if (settings.interval_ms) {
            const double samples = (to - from) / *settings.interval_ms;
            if (std::abs(samples - std::round(samples)) > kSameTime)
                throw InputError(
                    fmt::format("--window-ms {:g}:{:g}: {:.2f} intervals of {:g} ms: expected a whole "
                                "number; choose a window or an interval that fits",
                                from, to, samples, *settings.interval_ms));
        }
    }

    // The times of the average's samples that are wanted. InputError where it does not fill the window.
    SampleTimes wanted(const SampleTimes& recorded) const {
        const double interval = settings_.interval_ms.value_or(recorded.interval_ms);
        const double recorded_end = recorded[recorded.length - 1] + recorded.interval_ms;
        // Without a window from the sound on, or from a first sample that comes just after it.
        const bool just_after = !settings_.interval_ms && recorded.first_ms > 0 &&
                                recorded.first_ms <= (1 + kSameTime) * recorded.interval_ms;
        const double from = settings_.window_ms ? settings_.window_ms->first
                            : just_after        ? recorded.first_ms
                                                : 0;
        // Without a window: what is there, and the half interval that a sample stands for.
        const double to =
            settings_.window_ms ? settings_.window_ms->second : recorded_end - recorded.interval_ms / 2;
        SampleTimes times{from + interval / 2, interval, 0};
        if (!settings_.interval_ms) {
            // The device's own samples, from the first that is not before the window.
            const double first = std::ceil((from - recorded.first_ms) / interval - kSameTime);
            times.first_ms = recorded.first_ms + first * interval;
        }
        const double samples = settings_.window_ms ? std::round((to - from) / interval)
                               : settings_.interval_ms
                                   ? std::floor((to - from) / interval + kSameTime)
                                   : std::round((recorded_end - times.first_ms) / interval);
        const double margin = 0.5 * recorded.interval_ms;
        if (samples < 1 || samples > kMostSamples || times.first_ms < recorded.first_ms - margin ||
            times.first_ms + (samples - 1) * interval > recorded_end - recorded.interval_ms + margin)
            throw InputError(
                fmt::format("samples from {:.4g} to {:.4g} ms after the stimulus: expected samples from "
                            "{:.4g} to {:.4g} ms; choose a "
                            "shorter --window-ms, or correct where the stimulus is with --stimulus-ms",
                            recorded.first_ms, recorded_end - recorded.interval_ms, from, to));
        times.length = static_cast<std::int64_t>(samples);
        return times;
    }

    std::vector<float> cut(const SampleTimes& recorded, const SampleTimes& wanted_times,
                           std::span<const float> samples) {
        const auto same = [](const SampleTimes& a, const SampleTimes& b) {
            return a.first_ms == b.first_ms && a.interval_ms == b.interval_ms && a.length == b.length;
        };
        if (!resampler_ || !same(recorded, from_) || !same(wanted_times, to_)) {
            resampler_.emplace(recorded, wanted_times);
            from_ = recorded;
            to_ = wanted_times;
        }
        return (*resampler_)(samples);
    }

  private:
    const ImportSettings& settings_;
    std::optional<BandLimitedResampler> resampler_;
    SampleTimes from_, to_;
};

class Importer {
  public:
    Importer(const ImportSettings& settings, ImportReport& report)
        : settings_(settings), report_(report), read_(settings.read), window_(settings) {
        if (settings.window_ms) {
            // What the window needs, and what the filter reads beside it.
            const double margin =
                BandLimitedResampler::kHalfWidth * settings.interval_ms.value_or(0) + kEpochMarginMs;
            read_.epoch_ms = {settings.window_ms->first + settings.delay_ms - margin,
                              settings.window_ms->second + settings.delay_ms + margin};
        }
        for (const AverageColumn& column : kAverageColumns)
            table_.columns.push_back({column.name, column.is_text, {}});
        for (const char* name : {kRepetition, kHalfBuffer, kNoise})
            table_.columns.push_back({name, false, {}});
        table_.columns.push_back({kSourceFile, true, {}});
    }

    ImportedTable import_all() {
        std::set<std::pair<dev_t, ino_t>> read;
        for (const std::filesystem::path& path : settings_.files) {
            struct stat status {};  // a file that is not there is refused where it is read
            if (::stat(path.c_str(), &status) == 0 && !read.emplace(status.st_dev, status.st_ino).second)
                throw InputError(fmt::format(
                    "{}: is named twice: expected every file once, as its recordings would count twice; "
                    "name it once",
                    path.string()));
            read_file(path);
        }
        if (table_.rows() == 0)
            throw InputError("no recording is left to write: " +
                             (report_.left_out.empty() ? std::string("the files hold none")
                                                       : report_.left_out.begin()->second.front()));
        cut_to_shortest();
        count_repetitions();  // may be a key of the labels, and changes where they join patients
        if (!settings_.labels.empty()) {
            report_.labels = apply_labels(settings_.labels, settings_.label_keys, table_);
            count_repetitions();
        }
        check_levels();
        return std::move(table_);
    }

  private:
    void leave_out(const std::string& reason, const std::string& which) {
        report_.left_out[reason].push_back(which);
    }

    void read_file(const std::filesystem::path& path) {
        report_.files.push_back({path, {}, 0, 0});
        identified_ = true;
        const AverageSink sink{
            [&](Average average) { add(path, std::move(average)); },
            [&](std::string note) { report_.notes.push_back(fmt::format("{}: {}", path.string(), note)); }};
        try {
            const Layout& layout = find_layout(path, settings_.format);
            report_.files.back().title = layout.title;
            layout.read(path, read_, sink);
        } catch (const InputError& error) {
            if (!settings_.skip_bad) throw;
            leave_out("files, or the rest of them, that cannot be read", error.what());
        }
        report_.subjects_from_file_names += !identified_;
    }

    std::string place(const std::filesystem::path& path, const Average& average) const {
        const std::string where =
            average.line > 0 ? fmt::format("{}:{}", path.string(), average.line) : path.string();
        const std::string number =
            average.record.empty() ? std::to_string(report_.files.back().averages) : average.record;
        return fmt::format("{}, average {}", where, number);
    }

    void add(const std::filesystem::path& path, Average average) {
        ++report_.files.back().averages;
        try {
            use(path, average);
        } catch (const InputError& error) {
            const std::string message = fmt::format("{}: {}", place(path, average), error.what());
            if (!settings_.skip_bad) throw InputError(message);
            leave_out("averages that cannot be used", message);
        }
    }

    void use(const std::filesystem::path& path, Average& average) {
        for (std::size_t k = 0; k < average.samples.size(); ++k)
            if (!std::isfinite(average.samples[k]))
                throw InputError(fmt::format("sample {} is {}: expected a finite number; {}", k,
                                             average.samples[k], kExportAgain));
        name_subject(path, average);
        const SampleTimes recorded{average.first_ms - settings_.delay_ms + 0.0,  // no -0
                                   average.interval_ms, static_cast<std::int64_t>(average.samples.size())};
        const SampleTimes wanted = window_.wanted(recorded);
        check_grid(wanted);
        const auto cut = [&](std::span<const float> samples) {
            return window_.cut(recorded, wanted, samples);
        };
        std::vector<float> samples = cut(average.samples);
        if (std::ranges::all_of(samples, [&](float s) { return s == samples.front(); }))
            return leave_out(kFlat, place(path, average));
        if (average.halves[0].empty() || settings_.half_buffers == HalfBuffers::drop)
            return append(path, average, std::move(samples), "", "");
        std::vector<float> first = cut(average.halves[0]), second = cut(average.halves[1]);
        if (settings_.half_buffers == HalfBuffers::noise)
            return append(path, average, std::move(samples), "",
                          number_cell(rms_of_half_difference(first, second)));
        average.sweeps /= 2;
        append(path, average, std::move(first), "1", "");
        append(path, average, std::move(second), "2", "");
    }

    void name_subject(const std::filesystem::path& path, Average& average) {
        if (settings_.subject == SubjectFrom::folder)
            average.patient = std::filesystem::absolute(path).parent_path().filename().string();
        if (average.patient.empty() && settings_.subject == SubjectFrom::header) identified_ = false;
        if (average.patient.empty() || settings_.subject == SubjectFrom::file)
            average.patient = path.stem().string();
    }

    // All recordings must have one interval, and begin at one time.
    void check_grid(const SampleTimes& wanted) {
        if (table_.rows() == 0) {
            table_.sample_interval_ms = wanted.interval_ms;
            table_.first_sample_ms = wanted.first_ms;
            report_.shortest_ms = report_.longest_ms =
                static_cast<double>(wanted.length) * wanted.interval_ms;
        }
        const double difference = std::abs(wanted.interval_ms - table_.sample_interval_ms);
        if (difference * static_cast<double>(wanted.length) > kIntervalTolerance * wanted.interval_ms)
            throw InputError(
                fmt::format("samples every {:.6g} ms: expected {:.6g} ms as before; bring all to one "
                            "interval with --interval-ms, or import the files apart",
                            wanted.interval_ms, table_.sample_interval_ms));
        const double shift = std::abs(wanted.first_ms - table_.first_sample_ms);
        if (shift > kIntervalTolerance * wanted.interval_ms)
            throw InputError(
                fmt::format("its first sample lies {:.4g} ms after the stimulus: expected {:.4g} ms as "
                            "before; bring all to the same times with --interval-ms",
                            wanted.first_ms, table_.first_sample_ms));
        const double end_ms = static_cast<double>(wanted.length) * wanted.interval_ms;
        report_.shortest_ms = std::min(report_.shortest_ms, end_ms);
        report_.longest_ms = std::max(report_.longest_ms, end_ms);
    }

    void append(const std::filesystem::path& path, const Average& average, std::vector<float> samples,
                std::string half, std::string noise) {
        for (ImportedColumn& column : table_.columns) column.cells.emplace_back();
        const auto set = [&](std::string_view name, std::string cell) {
            if (table_.find(name) == nullptr)
                table_.columns.push_back({std::string(name), name == "class", Cells(table_.rows() + 1)});
            table_.find(name)->cells.back() = std::move(cell);
        };
        for (const AverageColumn& known : kAverageColumns) set(known.name, known.cell(average));
        for (const auto& [name, cell] : average.others) set(name, cell);
        set(kHalfBuffer, std::move(half));
        set(kNoise, std::move(noise));
        set(kSourceFile, readable(path.string()));
        table_.signal.push_back(std::move(samples));
        ++report_.files.back().recordings;
    }

    void cut_to_shortest() {
        std::size_t shortest = table_.signal.front().size();
        for (const auto& samples : table_.signal) shortest = std::min(shortest, samples.size());
        for (auto& samples : table_.signal) samples.resize(shortest);
        table_.length = static_cast<std::int64_t>(shortest);
    }

    void count_repetitions() {
        std::map<std::vector<std::string>, int> seen;
        for (std::size_t row = 0; row < table_.rows(); ++row) {
            std::vector<std::string> key;
            for (const char* name : kRepeated) key.push_back(table_.find(name)->cells[row]);
            table_.find(kRepetition)->cells[row] = std::to_string(++seen[std::move(key)]);
        }
    }

    void check_levels() const {
        const std::vector<std::string>& levels = table_.find("intensity_db")->cells;
        const auto missing = std::ranges::count(levels, std::string());
        if (missing == 0) return;
        const auto row = static_cast<std::size_t>(std::ranges::find(levels, std::string()) - levels.begin());
        throw InputError(fmt::format(
            "{} of {} recordings have no level, the first {} of {}: expected dB nHL for each; "
            "give them with --labels: a table with the columns file, record and intensity_db",
            missing, levels.size(), table_.find("record")->cells[row], table_.find(kSourceFile)->cells[row]));
    }

    const ImportSettings& settings_;
    ImportReport& report_;
    ReadOptions read_;
    Window window_;
    ImportedTable table_;
    bool identified_ = true;  // every average of the file had an identifier
};

}  // namespace

ImportedTable import_recordings(const ImportSettings& settings, ImportReport& report) {
    return Importer(settings, report).import_all();
}

}  // namespace abr
