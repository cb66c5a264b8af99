#include "engine/import/epochs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "engine/error.hpp"
#include "engine/import/text_source.hpp"
#include "engine/input/table_message.hpp"

namespace abr {
namespace {

constexpr double kLongestAverageMs = 1000;
constexpr double kMostEpochSamples = 1e6;

class EpochSum {
  public:
    EpochSum(const Continuous::Channel& channel, const ReadOptions& options)
        : channel_(channel),
          begin_(static_cast<std::int64_t>(std::ceil(options.epoch_ms->first / channel.interval_ms))),
          length_(static_cast<std::size_t>(std::clamp(
              std::ceil((options.epoch_ms->second - options.epoch_ms->first) / channel.interval_ms), 1.0,
              kMostEpochSamples))),
          reject_uv_(options.reject_uv),
          sums_{std::vector<double>(length_), std::vector<double>(length_)} {}

    void add(double time_ms) {
        const double at = std::round(time_ms / channel_.interval_ms) + static_cast<double>(begin_);
        if (at < 0 || at + static_cast<double>(length_) > static_cast<double>(channel_.samples.size()))
            return;
        const float* const epoch = channel_.samples.data() + static_cast<std::size_t>(at);
        if (reject_uv_ &&
            std::any_of(epoch, epoch + length_, [&](float s) { return std::abs(s) > *reject_uv_; })) {
            ++rejected_;
            return;
        }
        const std::size_t half = (counts_[0] + counts_[1]) % 2;
        ++counts_[half];
        for (std::size_t k = 0; k < length_; ++k) sums_[half][k] += double{epoch[k]};
    }

    bool is_empty() const { return counts_[0] == 0; }

    // What is not of the epochs themselves is the caller's.
    Average average() const {
        Average average;
        const auto sweeps = static_cast<double>(counts_[0] + counts_[1]);
        for (std::size_t k = 0; k < length_; ++k) {
            average.samples.push_back(static_cast<float>((sums_[0][k] + sums_[1][k]) / sweeps));
            if (counts_[1] == 0) continue;
            for (std::size_t half : {0U, 1U})
                average.halves[half].push_back(
                    static_cast<float>(sums_[half][k] / static_cast<double>(counts_[half])));
        }
        average.interval_ms = channel_.interval_ms;
        average.first_ms = static_cast<double>(begin_) * channel_.interval_ms;
        average.channel = channel_.name;
        average.sweeps = sweeps;
        average.rejected = static_cast<double>(rejected_);
        return average;
    }

  private:
    const Continuous::Channel& channel_;
    std::int64_t begin_;  // samples after the event
    std::size_t length_;
    std::optional<double> reject_uv_;
    std::array<std::vector<double>, 2> sums_;
    std::array<std::size_t, 2> counts_{};
    std::size_t rejected_ = 0;
};

}  // namespace

void average_epochs(const std::filesystem::path& path, Continuous recording, const ReadOptions& options,
                    const AverageSink& sink) {
    const auto refuse = [&](std::string_view what, std::string_view expected, std::string_view remedy) {
        return InputError(file_message(path, what, expected, remedy));
    };
    if (recording.channels.empty())
        throw refuse("no channel in volts", "at least one", "give the unit of its channels with --unit");
    std::map<std::string, std::vector<double>> events;
    for (const Continuous::Event& event : recording.events) events[event.name].push_back(event.time_ms);
    if (!options.events.empty())
        std::erase_if(events, [&](const auto& e) {
            return std::ranges::find(options.events, e.first) == options.events.end();
        });
    if (events.empty() && !recording.events.empty())
        throw refuse(fmt::format("no event that --events names among {}", recording.events.size()),
                     "one at least",
                     fmt::format("name those of stimuli, as {} is called",
                                 quoted_value(recording.events.front().name)));

    for (Continuous::Channel& channel : recording.channels) {
        const double duration_ms = static_cast<double>(channel.samples.size()) * channel.interval_ms;
        if (events.empty()) {
            if (duration_ms > kLongestAverageMs)
                throw refuse(fmt::format("{:.0f} ms without any event", duration_ms),
                             "stimuli marked in a continuous recording, or an average",
                             "export it with its events, or as averages");
            Average average;
            average.patient = recording.patient;
            average.record = average.channel = channel.name;
            average.level_db = level_in(channel.name);
            average.interval_ms = channel.interval_ms;
            average.first_ms = -options.stimulus_ms.value_or(0);
            average.samples = std::move(channel.samples);
            sink.add(std::move(average));
            continue;
        }
        if (!options.epoch_ms)
            throw refuse("a continuous recording", "a window around its stimuli",
                         "give --window-ms, e.g. 0:20");
        for (const auto& [name, times] : events) {
            EpochSum sum(channel, options);
            for (const double time : times) sum.add(time);
            if (sum.is_empty()) {
                sink.note(fmt::format("no epoch of event {} is left in channel {}", quoted_value(name),
                                      channel.name));
                continue;
            }
            Average average = sum.average();
            average.patient = recording.patient;
            average.record = name;
            average.level_db = level_in(name);
            sink.add(std::move(average));
        }
    }
}

}  // namespace abr
