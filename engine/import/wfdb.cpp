#include "engine/import/wfdb.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "engine/error.hpp"
#include "engine/import/epochs.hpp"
#include "engine/import/text_source.hpp"
#include "engine/input/cell_number.hpp"
#include "engine/input/table_message.hpp"

namespace abr {
namespace {

constexpr std::size_t kMostSignals = 4096;
constexpr std::uintmax_t kLargestFile = std::uintmax_t{1} << 33;
constexpr double kDefaultGain = 200, kDefaultFrequency = 250;  // header(5)
constexpr const char* kAnnotators[] = {".atr", ".trigger"};

template <class Integer>
bool whole_number(std::string_view text, Integer& value) {
    const char* const end = text.data() + text.size();
    const auto [last, error] = std::from_chars(text.data(), end, value);
    return error == std::errc() && last == end && !text.empty();
}

// The next line that says something; `text` is left behind it.
std::string_view take_line(std::string_view& text) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
        const std::string_view line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!line.empty() && !line.starts_with('#')) return line;
    }
    return {};
}

// A name, a whole number of signals and a frequency; then a file's name and a format.
bool recognises(std::string_view first_bytes) {
    const std::vector<std::string_view> record = words(take_line(first_bytes)),
                                        signal = words(take_line(first_bytes));
    std::size_t signals = 0;
    double frequency = 0, format = 0;
    return record.size() >= 3 && record.size() <= 6 && whole_number(record[1], signals) && signals > 0 &&
           leading_number(record[2], frequency) && frequency > 0 && signal.size() >= 2 &&
           signal[0].find('.') != std::string_view::npos && leading_number(signal[1], format) && format >= 8;
}

struct Signal {
    std::string file, description;
    int format = 0;
    double gain = kDefaultGain, baseline = 0;
    std::string unit = "mV";
};

struct Record {
    std::string name;
    double interval_ms = 0;
    std::vector<Signal> signals;
};

class HeaderReader {
  public:
    HeaderReader(const std::filesystem::path& path, const ReadOptions& options)
        : text_(path), options_(options) {}

    Record read() {
        Record record;
        next_line("record line");
        const std::vector<std::string_view> parts = words(text_.line());
        std::size_t signals = 0;
        if (parts.size() < 2 || !whole_number(parts[1], signals) || signals == 0 || signals > kMostSignals)
            text_.fail("record line", fmt::format("`{}`", readable(text_.line().substr(0, 40))),
                       "RECORD SIGNALS FREQUENCY", kExportAgain);
        record.name = readable(parts[0]);
        if (record.name.find('/') != std::string::npos)
            text_.fail("record line", "a record in segments", "one record", "join its segments first");
        double frequency = kDefaultFrequency;
        if (parts.size() > 2 && (!leading_number(parts[2], frequency) || !(frequency > 0)))
            text_.fail("frequency", fmt::format("value `{}`", readable(parts[2])), "samples a second",
                       kExportAgain);
        record.interval_ms = options_.interval_ms.value_or(1000 / frequency);
        for (std::size_t s = 0; s < signals; ++s) record.signals.push_back(read_signal());
        return record;
    }

  private:
    void next_line(std::string_view what) {
        while (text_.next())
            if (const std::string_view line = trimmed(text_.line()); !line.empty() && !line.starts_with('#'))
                return;
        text_.fail(what, "none", "a line for the record and for each of its signals", kExportAgain);
    }

    Signal read_signal() {
        next_line("signal line");
        const std::vector<std::string_view> parts = words(text_.line());
        Signal signal;
        signal.file = parts[0];
        // A header must not send the reader elsewhere.
        if (signal.file.find('/') != std::string::npos || signal.file == ".." || signal.file == "." ||
            signal.file == "-" || signal.file == "~")
            text_.fail("signal file", fmt::format("`{}`", readable(signal.file)),
                       "a file in the header's folder", "copy the file there");
        if (parts.size() < 2 || !whole_number(parts[1], signal.format))
            text_.fail("format", fmt::format("`{}`", parts.size() < 2 ? "" : readable(parts[1])),
                       "16, 24, 32, 61, 80 or 212 without skew or several samples a frame",
                       "convert the record, e.g. with `xform`");
        if (parts.size() > 2) read_gain(parts[2], signal);
        std::size_t given = 0;  // the baseline is the converter's zero unless the gain names one
        if (parts.size() > 4 && parts[2].find('(') == std::string_view::npos)
            signal.baseline = text_.number(parts[4], "zero");
        for (const std::string_view part : parts)
            if (++given > 8) signal.description += (given > 9 ? " " : "") + readable(part);
        return signal;
    }

    // GAIN(BASELINE)/UNIT
    void read_gain(std::string_view field, Signal& signal) const {
        double gain = 0;
        if (!leading_number(field, gain))
            text_.fail("gain", fmt::format("value `{}`", readable(field)),
                       "units of the converter for a unit", kExportAgain);
        if (gain != 0) signal.gain = gain;
        if (const std::size_t open = field.find('('); open != std::string_view::npos) {
            double baseline = 0;
            if (!leading_number(field.substr(open + 1), baseline))
                text_.fail("gain", fmt::format("value `{}`", readable(field)), "a number in brackets",
                           kExportAgain);
            signal.baseline = baseline;
        }
        if (const std::size_t slash = field.find('/'); slash != std::string_view::npos)
            signal.unit = field.substr(slash + 1);
    }

    TextSource text_;
    const ReadOptions& options_;
};

std::string read_whole(const std::filesystem::path& path, std::string_view expected) {
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    std::ifstream file(path, std::ios::binary);
    if (error || !file || !std::filesystem::is_regular_file(path) || size > kLargestFile)
        throw InputError(
            file_message(path, "is not there or cannot be read", expected, "copy it beside its header"));
    return {std::istreambuf_iterator<char>(file), {}};
}

// Hands on the samples of a signal file, in the order in which they stand in it.
template <class Take>
void decode(std::string_view bytes, int format, const Take& take) {
    const auto byte = [&](std::size_t at) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at]));
    };
    const auto with_sign = [](std::uint32_t bits, int width) {
        return static_cast<std::int32_t>(bits << (32 - width)) >> (32 - width);
    };
    const std::size_t size = format == 80 ? 1 : format == 24 || format == 212 ? 3 : format == 32 ? 4 : 2;
    for (std::size_t at = 0; at + size <= bytes.size(); at += size) {
        switch (format) {
            case 80:  // offset binary
                take(static_cast<std::int32_t>(byte(at)) - 128);
                break;
            case 61:  // the high byte first
                take(with_sign(byte(at) << 8 | byte(at + 1), 16));
                break;
            case 24:
                take(with_sign(byte(at) | byte(at + 1) << 8 | byte(at + 2) << 16, 24));
                break;
            case 32:
                take(with_sign(byte(at) | byte(at + 1) << 8 | byte(at + 2) << 16 | byte(at + 3) << 24, 32));
                break;
            case 212:  // two samples
                take(with_sign(byte(at) | (byte(at + 1) & 0x0FU) << 8, 12));
                take(with_sign(byte(at + 2) | (byte(at + 1) & 0xF0U) << 4, 12));
                break;
            default:
                take(with_sign(byte(at) | byte(at + 1) << 8, 16));
        }
    }
}

// annot(5): 16-bit words, a code in the upper 6 bits and a step of time in the lower 10.
std::vector<Continuous::Event> decoded_annotations(std::string_view bytes, double interval_ms) {
    constexpr unsigned kSkip = 59, kNumber = 60, kChannel = 62, kText = 63;
    std::vector<Continuous::Event> events;
    std::int64_t time = 0;
    const auto word = [&](std::size_t at) {
        return static_cast<unsigned>(static_cast<unsigned char>(bytes[at])) |
               static_cast<unsigned>(static_cast<unsigned char>(bytes[at + 1])) << 8;
    };
    for (std::size_t at = 0; at + 2 <= bytes.size(); at += 2) {
        const unsigned code = word(at) >> 10, step = word(at) & 0x3FFU;
        if (code == 0 && step == 0) break;
        if (code == kSkip) {
            if (at + 6 > bytes.size()) break;
            time += static_cast<std::int32_t>(word(at + 2) << 16 | word(at + 4));
            at += 4;
        } else if (code == kText) {
            const std::size_t size = std::min<std::size_t>(step, bytes.size() - at - 2);
            const std::string text = readable(trimmed(bytes.substr(at + 2, size)));
            if (!events.empty() && !text.empty()) events.back().name = text;
            at += step + step % 2;
        } else if (code < kNumber || code > kChannel) {
            time += step;
            events.push_back({static_cast<double>(time) * interval_ms, std::to_string(code)});
        }
    }
    return events;
}

void read(const std::filesystem::path& path, const ReadOptions& options, const AverageSink& sink) {
    const Record record = HeaderReader(path, options).read();
    std::map<std::string, std::vector<std::size_t>> files;  // their signals, in order
    for (std::size_t s = 0; s < record.signals.size(); ++s) files[record.signals[s].file].push_back(s);

    std::vector<std::vector<float>> samples(record.signals.size());
    for (const auto& [name, members] : files) {
        const int format = record.signals[members.front()].format;
        for (const std::size_t s : members)
            if (record.signals[s].format != format)
                throw InputError(file_message(path, "signals of one file in two formats", "one format a file",
                                              kExportAgain));
        constexpr int kFormats[] = {16, 24, 32, 61, 80, 212};
        if (std::ranges::find(kFormats, format) == std::end(kFormats))
            throw InputError(file_message(path, fmt::format("format {}", format), "16, 24, 32, 61, 80 or 212",
                                          "convert the record, e.g. with `xform`"));
        const std::string bytes =
            read_whole(path.parent_path() / name, "the signal file that its header names");
        std::vector<double> scales;
        for (const std::size_t s : members) {
            const Signal& signal = record.signals[s];
            scales.push_back(options.unit_uv.value_or(unit_in_uv(signal.unit).value_or(1)) / signal.gain);
            samples[s].reserve(bytes.size() / (members.size() * (format == 80 || format == 212 ? 1 : 2)) + 1);
        }
        std::size_t m = 0;
        decode(bytes, format, [&](std::int32_t value) {
            const std::size_t s = members[m];
            samples[s].push_back(static_cast<float>(scales[m] * (value - record.signals[s].baseline)));
            m = (m + 1) % members.size();
        });
        // An incomplete last frame.
        for (const std::size_t s : members) samples[s].resize(samples[members.back()].size());
    }

    Continuous recording;
    for (std::size_t s = 0; s < record.signals.size(); ++s) {
        const Signal& signal = record.signals[s];
        if (!unit_in_uv(signal.unit) && !options.unit_uv) {
            sink.note(fmt::format("signal {} is in {} and was left out", quoted_value(signal.description),
                                  quoted_value(readable(signal.unit))));
            continue;
        }
        const std::string name = signal.description.empty() ? std::to_string(s + 1) : signal.description;
        recording.channels.push_back({name, record.interval_ms, std::move(samples[s])});
    }
    for (const char* annotator : kAnnotators) {
        const std::filesystem::path file = std::filesystem::path(path).replace_extension(annotator);
        if (!std::filesystem::exists(file)) continue;
        recording.events = decoded_annotations(read_whole(file, "annotations"), record.interval_ms);
        break;
    }
    average_epochs(path, std::move(recording), options, sink);
}

}  // namespace

const Layout kWfdb = {"wfdb", "PhysioNet WFDB (name the .hea)", recognises, read};

}  // namespace abr
