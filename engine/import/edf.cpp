#include "engine/import/edf.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "engine/error.hpp"
#include "engine/import/epochs.hpp"
#include "engine/import/text_source.hpp"
#include "engine/input/cell_number.hpp"
#include "engine/input/table_message.hpp"

namespace abr {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kExpected = "a file in EDF, EDF+C or BDF";
constexpr std::string_view kEdfVersion = "0       ", kBdfVersion =
                                                         "\xFF"
                                                         "BIOSEMI";
constexpr std::size_t kHeaderBytes = 256, kMostSignals = 4096;
constexpr std::uintmax_t kLargestFile = std::uintmax_t{1} << 33;

bool recognises(std::string_view first_bytes) {
    if (first_bytes.size() < 2 * kHeaderBytes) return false;
    // Digits and spaces where EDF has its header's size, number of records and signals: "0       " alone says little.
    const auto is_number = [&](std::size_t at, std::size_t size) {
        const std::string_view field = first_bytes.substr(at, size);
        return field.find_first_not_of("0123456789 -.") == std::string_view::npos && field.front() != ' ';
    };
    return (first_bytes.starts_with(kEdfVersion) || first_bytes.starts_with(kBdfVersion)) &&
           is_number(184, 8) && is_number(236, 8) && is_number(252, 4);
}

struct Signal {
    std::string label;
    std::string unit;
    double scale = 0, offset = 0;  // physical = scale * digital + offset
    std::size_t samples = 0;       // in a record
    std::int32_t last_status = 0;

    bool is_annotation() const { return label == "EDF Annotations" || label == "BDF Annotations"; }
};

class Reader {
  public:
    Reader(const std::filesystem::path& path, const ReadOptions& options, const AverageSink& sink)
        : path_(path), options_(options), sink_(sink), file_(path, std::ios::binary) {
        std::error_code error;
        size_ = std::filesystem::file_size(path, error);
        if (error || !file_) throw refuse("cannot be read", "check the file and its permissions");
        if (size_ > kLargestFile) throw refuse("more than 8 GiB", "cut it into parts");
    }

    void read() {
        read_header();
        for (std::size_t s = 0; s < signals_.size(); ++s) add_channel(signals_[s]);
        const std::size_t record_bytes = record_samples_ * sample_bytes_;
        std::string record(record_bytes, '\0');
        for (std::uint64_t r = 0; r < records_; ++r) {
            if (!file_.read(record.data(), static_cast<std::streamsize>(record_bytes)))
                throw refuse("ended while it was read", "let no other program write it");
            take_record(record, static_cast<double>(r) * record_ms_);
        }
        average_epochs(path_, std::move(recording_), options_, sink_);
    }

  private:
    InputError refuse(const std::string& what, std::string_view remedy) const {
        return InputError(file_message(path_, what, kExpected, remedy));
    }

    std::string bytes(std::size_t size) {
        std::string read(size, '\0');
        if (!file_.read(read.data(), static_cast<std::streamsize>(size)))
            throw refuse("truncated: its header is not complete", "copy or export it again");
        return read;
    }

    double number(std::string_view field, std::string_view name) const {
        double value = 0;
        if (parse_number(trimmed(field), '.', value) && std::isfinite(value)) return value;
        throw refuse(fmt::format("{}: value {}", name, quoted_value(trimmed(field))), "export it again");
    }

    void read_header() {
        const std::string header = bytes(kHeaderBytes);
        const std::string_view fields = header;
        is_bdf_ = fields.starts_with(kBdfVersion);
        sample_bytes_ = is_bdf_ ? 3 : 2;
        if (!is_bdf_ && !fields.starts_with(kEdfVersion))
            throw refuse("no such header", "name its layout with --format");
        const std::string_view patient = trimmed(fields.substr(8, 80)), kind = fields.substr(192, 5);
        // EDF+: code, sex, birthdate and name; the code is the identifier, X where it is not known.
        const bool is_plus = kind.starts_with("EDF+") || kind.starts_with("BDF+");
        recording_.patient = readable(is_plus ? patient.substr(0, patient.find(' ')) : patient);
        if (recording_.patient == "X") recording_.patient.clear();
        if (is_plus && kind.back() == 'D') throw refuse("a discontinuous file", "convert it to EDF+C");
        const double records = number(fields.substr(236, 8), "number of records");
        record_ms_ = 1000 * number(fields.substr(244, 8), "duration of a record");
        const double signals = number(fields.substr(252, 4), "number of signals");
        if (signals < 1 || signals > static_cast<double>(kMostSignals) || signals != std::floor(signals))
            throw refuse(fmt::format("{} signals", signals), "export it again");
        read_signals(static_cast<std::size_t>(signals));
        const std::uint64_t data =
            size_ - std::min<std::uint64_t>(size_, kHeaderBytes * (1 + signals_.size()));
        const std::uint64_t present = data / (record_samples_ * sample_bytes_);
        // -1 while it is being recorded.
        if (records >= 0 && records > static_cast<double>(present))
            throw refuse(fmt::format("truncated: {} of {} records", present, records),
                         "copy or export it again");
        records_ = records >= 0 ? static_cast<std::uint64_t>(records) : present;
        if (records_ == 0) throw refuse("no records", "export it again");
    }

    void read_signals(std::size_t count) {
        signals_.resize(count);
        const auto each = [&](std::size_t size, const auto& take) {
            for (Signal& signal : signals_) take(signal, bytes(size));
        };
        std::vector<double> low, high;
        each(16, [](Signal& s, const std::string& f) { s.label = readable(trimmed(f)); });
        each(80, [](Signal&, const std::string&) {});  // transducer
        each(8, [](Signal& s, const std::string& f) { s.unit = trimmed(f); });
        each(8, [&](Signal& s, const std::string& f) { s.offset = number(f, "physical minimum"); });
        each(8, [&](Signal& s, const std::string& f) { s.scale = number(f, "physical maximum") - s.offset; });
        each(8, [&](Signal&, const std::string& f) { low.push_back(number(f, "digital minimum")); });
        each(8, [&](Signal&, const std::string& f) { high.push_back(number(f, "digital maximum")); });
        each(80, [](Signal&, const std::string&) {});  // filters
        each(8, [&](Signal& s, const std::string& f) {
            const double samples = number(f, "samples of a record");
            if (samples < 1 || samples > 1e8 || samples != std::floor(samples))
                throw refuse(fmt::format("signal {}: {} samples in a record", s.label, samples),
                             "export it again");
            s.samples = static_cast<std::size_t>(samples);
            record_samples_ += s.samples;
        });
        each(32, [](Signal&, const std::string&) {});
        for (std::size_t s = 0; s < count; ++s) {
            Signal& signal = signals_[s];
            if (signal.is_annotation()) continue;
            if (low[s] == high[s])
                throw refuse(
                    fmt::format("signal {}: digital minimum and maximum are {}", signal.label, low[s]),
                    "export it again");
            signal.scale /= high[s] - low[s];
            signal.offset -= signal.scale * low[s];
        }
    }

    bool is_status(const Signal& signal) const { return is_bdf_ && signal.label == "Status"; }

    void add_channel(Signal& signal) {
        channel_of_.push_back(kNone);
        if (signal.is_annotation() || is_status(signal)) return;
        const auto unit = unit_in_uv(signal.unit);
        if (!unit && !options_.unit_uv)
            return sink_.note(fmt::format("signal {} is in {} and was left out", quoted_value(signal.label),
                                          quoted_value(readable(signal.unit))));
        const double interval_ms =
            options_.interval_ms.value_or(record_ms_ / static_cast<double>(signal.samples));
        if (!(interval_ms > 0)) throw refuse("records without a duration", "give --source-interval-ms");
        const double microvolts = options_.unit_uv.value_or(unit.value_or(1));
        signal.scale *= microvolts;
        signal.offset *= microvolts;
        channel_of_.back() = recording_.channels.size();
        recording_.channels.push_back({signal.label, interval_ms, {}});
        recording_.channels.back().samples.reserve(records_ * signal.samples);
    }

    std::int32_t sample(const char* at) const {
        const auto byte = [&](int i) {
            return static_cast<std::uint32_t>(static_cast<unsigned char>(at[i]));
        };
        if (!is_bdf_) return static_cast<std::int16_t>(byte(0) | byte(1) << 8);
        const std::uint32_t bits = byte(0) | byte(1) << 8 | byte(2) << 16;
        return static_cast<std::int32_t>(bits << 8) >> 8;
    }

    void take_record(const std::string& record, double start_ms) {
        const char* at = record.data();
        for (std::size_t s = 0; s < signals_.size(); ++s) {
            Signal& signal = signals_[s];
            const std::size_t size = signal.samples * sample_bytes_;
            if (signal.is_annotation()) {
                take_annotations({at, size});
            } else if (is_status(signal)) {
                for (std::size_t k = 0; k < signal.samples; ++k) {
                    const std::int32_t status = sample(at + k * sample_bytes_) & 0xFFFF;
                    if (status != signal.last_status && status != 0)
                        recording_.events.push_back({start_ms + record_ms_ * static_cast<double>(k) /
                                                                    static_cast<double>(signal.samples),
                                                     std::to_string(status)});
                    signal.last_status = status;
                }
            } else if (channel_of_[s] != kNone) {
                std::vector<float>& samples = recording_.channels[channel_of_[s]].samples;
                for (std::size_t k = 0; k < signal.samples; ++k)
                    samples.push_back(
                        static_cast<float>(signal.scale * sample(at + k * sample_bytes_) + signal.offset));
            }
            at += size;
        }
    }

    // Time-stamped annotation lists: "+12.5\x15duration\x14text\x14text\x14\0". A list without a text keeps the time of
    // the record.
    void take_annotations(std::string_view lists) {
        for (const std::string_view list : split(lists, '\0')) {
            const std::vector<std::string_view> parts = split(list, '\x14');
            double onset = 0;
            if (parts.size() < 2 || !parse_number(parts[0].substr(0, parts[0].find('\x15')), '.', onset) ||
                !std::isfinite(onset))
                continue;
            for (std::size_t i = 1; i < parts.size(); ++i)
                if (!parts[i].empty()) recording_.events.push_back({1000 * onset, readable(parts[i])});
        }
    }

    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

    std::filesystem::path path_;
    const ReadOptions& options_;
    const AverageSink& sink_;
    std::ifstream file_;
    std::uint64_t size_ = 0, records_ = 0;
    bool is_bdf_ = false;
    std::size_t sample_bytes_ = 2, record_samples_ = 0;
    double record_ms_ = 0;
    std::vector<Signal> signals_;
    std::vector<std::size_t> channel_of_;  // of a signal
    Continuous recording_;
};

void read(const std::filesystem::path& path, const ReadOptions& options, const AverageSink& sink) {
    Reader(path, options, sink).read();
}

}  // namespace

const Layout kEdf = {"edf", "EDF, EDF+, BDF", recognises, read};

}  // namespace abr
