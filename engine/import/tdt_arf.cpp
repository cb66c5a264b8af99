#include "engine/import/tdt_arf.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "engine/error.hpp"
#include "engine/import/text_source.hpp"
#include "engine/input/table_message.hpp"

static_assert(std::endian::native == std::endian::little, ".arf is little-endian");

namespace abr {
namespace {

constexpr std::size_t kMostGroups = 200, kMostRecords = 2000, kVariables = 10;
constexpr std::size_t kFileHeader = 3 * 2 + 4 * kMostGroups + 4 * kMostRecords + 4;
constexpr std::uintmax_t kLargestFile = std::uintmax_t{1} << 31;  // offsets are int32
constexpr double kVolt = 1e6;                                     // uV
constexpr std::string_view kExpected = "a record file of BioSigRZ or BioSigRP";

struct OutOfFile {};

// Reads one value after the other; throws OutOfFile behind the end.
class Cursor {
  public:
    Cursor(std::string_view bytes, std::size_t at) : bytes_(bytes), at_(at) {}

    template <class T>
    T take() {
        T value;
        std::memcpy(&value, take_bytes(sizeof value).data(), sizeof value);
        return value;
    }
    std::string text(std::size_t size) {
        const std::string_view bytes = take_bytes(size);
        return readable(trimmed(bytes.substr(0, bytes.find('\0'))));
    }
    std::string_view take_bytes(std::size_t size) {
        if (at_ > bytes_.size() || size > bytes_.size() - at_) throw OutOfFile{};
        at_ += size;
        return bytes_.substr(at_ - size, size);
    }
    void skip(std::size_t size) { take_bytes(size); }

  private:
    std::string_view bytes_;
    std::size_t at_;
};

struct Group {
    int number = 0, records = 0;
    std::string subject, stimulus;
    std::array<std::string, kVariables> names;
};

struct Record {
    int number = 0, channel = 0, averages = 0, artifacts = 0;
    double onset_ms = 0, duration_ms = 0, period_us = 0;
    std::array<float, kVariables> variables{};
    std::string_view samples;  // floats
};

// Offsets of the groups; nothing where the bytes begin as no such file.
std::optional<std::vector<std::size_t>> group_offsets(std::string_view bytes) {
    if (bytes.size() < kFileHeader) return std::nullopt;
    Cursor cursor(bytes, 2);
    const auto groups = cursor.take<std::int16_t>(), records = cursor.take<std::int16_t>();
    if (groups < 1 || groups > static_cast<int>(kMostGroups) || records < 1 ||
        records > static_cast<int>(kMostRecords))
        return std::nullopt;
    std::vector<std::size_t> offsets;
    for (int g = 0; g < groups; ++g) {
        const auto at = cursor.take<std::int32_t>();
        if (at < static_cast<std::int32_t>(kFileHeader)) return std::nullopt;
        if (!offsets.empty() && static_cast<std::size_t>(at) <= offsets.back()) return std::nullopt;
        offsets.push_back(static_cast<std::size_t>(at));
    }
    return offsets;
}

bool recognises(std::string_view first_bytes) {
    return group_offsets(first_bytes).has_value();
}

Group take_group(Cursor& cursor, std::size_t time_bytes) {
    Group group;
    group.number = cursor.take<std::int16_t>();
    cursor.skip(2);
    group.records = cursor.take<std::int16_t>();
    group.subject = cursor.text(16);
    cursor.skip(2 * 16 + 50 + 2 * time_bytes);
    group.stimulus = cursor.text(100);
    cursor.skip(100);
    for (std::string& name : group.names) name = cursor.text(15);
    cursor.skip(kVariables * 5 + 4 + 4 + 2 + 4 + 92);
    return group;
}

Record take_record(Cursor& cursor, std::size_t time_bytes) {
    Record record;
    record.number = cursor.take<std::int16_t>();
    cursor.skip(2 + time_bytes + 2 + 2);
    record.channel = cursor.take<std::uint8_t>();
    cursor.skip(1);
    const std::size_t samples = cursor.take<std::uint16_t>();
    record.onset_ms = cursor.take<float>();
    record.duration_ms = cursor.take<float>();
    record.period_us = cursor.take<float>();
    cursor.skip(4 + 4 + 2);
    record.averages = cursor.take<std::int16_t>();
    record.artifacts = cursor.take<std::int16_t>();
    cursor.skip(2 * time_bytes);
    for (float& variable : record.variables) variable = cursor.take<float>();
    cursor.skip(10 * 36);
    record.samples = cursor.take_bytes(samples * sizeof(float));
    return record;
}

// With the wrong size of a time these fields are other fields' bytes.
bool makes_sense(const Record& record) {
    const double samples = static_cast<double>(record.samples.size() / sizeof(float));
    return samples > 0 && record.period_us > 0 &&
           std::abs(samples * record.period_us / 1000 - record.duration_ms) <= 2 * record.period_us / 1000;
}

bool every_record_makes_sense(std::string_view bytes, const std::vector<std::size_t>& offsets,
                              std::size_t time_bytes) {
    try {
        for (const std::size_t offset : offsets) {
            Cursor cursor(bytes, offset);
            const Group group = take_group(cursor, time_bytes);
            if (group.records < 0) return false;
            for (int r = 0; r < group.records; ++r)
                if (!makes_sense(take_record(cursor, time_bytes))) return false;
        }
        return true;
    } catch (const OutOfFile&) {
        return false;
    }
}

Average average_of(const Record& record, const Group& group, const std::filesystem::path& path,
                   const ReadOptions& options) {
    Average average;
    average.patient = group.subject;
    average.record = fmt::format("{}/{}", group.number, record.number);
    average.channel = std::to_string(record.channel);
    average.stimulus = group.stimulus;
    if (contains_ignoring_case(group.stimulus, "click")) average.frequency_hz = 0;
    average.sweeps = record.averages;
    average.rejected = record.artifacts;
    for (std::size_t v = 0; v < kVariables; ++v) {
        if (group.names[v] == "Level") average.level_db = record.variables[v];
        if (group.names[v] == "Freq") average.frequency_hz = record.variables[v];
        if (group.names[v] == "Phase") average.polarity = fmt::format("{}", record.variables[v]);
    }
    average.interval_ms = options.interval_ms.value_or(record.period_us / 1000);
    if (record.onset_ms != 0 && !options.stimulus_ms)
        throw InputError(
            fmt::format("{}: record {}, onset delay: {} ms: expected 0 ms; say with --stimulus-ms how "
                        "long after the first sample the stimulus comes",
                        path.string(), average.record, record.onset_ms));
    average.first_ms = -options.stimulus_ms.value_or(0);
    const double scale = options.unit_uv.value_or(kVolt);
    for (std::size_t at = 0; at < record.samples.size(); at += sizeof(float)) {
        float volts = 0;
        std::memcpy(&volts, record.samples.data() + at, sizeof volts);
        average.samples.push_back(static_cast<float>(scale * double{volts}));
    }
    return average;
}

std::string read_file(const std::filesystem::path& path) {
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    if (error || size > kLargestFile)
        throw InputError(file_message(path, error ? "cannot be read" : "more than 2 GiB", kExpected,
                                      "check the file and its medium"));
    std::string bytes(size, '\0');
    std::ifstream file(path, std::ios::binary);
    if (!file.read(bytes.data(), static_cast<std::streamsize>(size)))
        throw InputError(
            file_message(path, "cannot be read", kExpected, "check the file and its permissions"));
    return bytes;
}

void read(const std::filesystem::path& path, const ReadOptions& options, const AverageSink& sink) {
    const std::string bytes = read_file(path);
    const auto offsets = group_offsets(bytes);
    if (!offsets) throw InputError(file_message(path, "no such header", kExpected, kExportAgain));
    std::size_t time_bytes = 0;
    for (const std::size_t size : {std::size_t{8}, std::size_t{4}})
        if (time_bytes == 0 && every_record_makes_sense(bytes, *offsets, size)) time_bytes = size;
    if (time_bytes == 0)
        throw InputError(file_message(path,
                                      "truncated, or records whose samples, period and duration contradict "
                                      "each other",
                                      kExpected, "copy it again, or export it from BioSig as ASCII text"));
    for (const std::size_t offset : *offsets) {
        Cursor cursor(bytes, offset);
        const Group group = take_group(cursor, time_bytes);
        for (int r = 0; r < group.records; ++r)
            sink.add(average_of(take_record(cursor, time_bytes), group, path, options));
    }
}

}  // namespace

const Layout kTdtArf = {"tdt-arf", "TDT .arf", recognises, read};

}  // namespace abr
