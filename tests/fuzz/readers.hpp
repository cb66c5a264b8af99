// Every reader of files from outside, as a function of bytes: it reads them, or says in an InputError what is wrong.
// Anything else that is thrown leaves these functions and is a defect. Used by the libFuzzer targets beside this file
// and by the test of malformed files.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include "engine/error.hpp"
#include "engine/formats/safetensors.hpp"
#include "engine/import/import.hpp"
#include "engine/import/import_report.hpp"
#include "engine/input/csv_reader.hpp"
#include "engine/input/npz_reader.hpp"
#include "engine/keys/load.hpp"
#include "tests/npz_writer.hpp"

namespace abr::fuzz {

// A file that lives in memory.
class MemoryFile {
  public:
    explicit MemoryFile(std::string_view bytes) : descriptor_(memfd_create("input", MFD_CLOEXEC)) {
        if (descriptor_ < 0) throw std::runtime_error("memfd_create");
        while (!bytes.empty()) {
            const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
            if (written < 0) throw std::runtime_error("write");
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
    }
    ~MemoryFile() { close(descriptor_); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

  private:
    int descriptor_;
};

// True if the action went through, false if it refused its input with a message.
template <class Action>
bool accepted(const Action& action) {
    try {
        action();
        return true;
    } catch (const InputError& error) {
        if (std::string_view(error.what()).empty()) throw std::logic_error("an error without a message");
        return false;
    }
}

inline void check_table(const Recordings& table) {
    const auto rows = static_cast<std::size_t>(table.rows);
    const std::size_t samples = rows * static_cast<std::size_t>(table.length);
    if (rows == 0 || table.patient.size() != rows || table.label.size() != rows || table.fmp.size() != rows ||
        table.source_row.size() != rows || table.signal.size() != samples ||
        table.clean.size() != (table.has_clean ? samples : 0) || !(table.sample_interval_ms > 0)) {
        throw std::logic_error("a table whose columns do not fit each other");
    }
}

// The layout of the replaced spreadsheet, or ours; bad rows skipped, or an error.
inline DataConfig table_config(bool spreadsheet, bool skip) {
    DataConfig config;
    config.source = DataSource::csv;
    config.on_bad_row = skip ? OnBadRow::skip : OnBadRow::error;
    config.max_bad_fraction = 1;
    if (!spreadsheet) return config;
    config.sample_interval_ms = 0.1;
    config.columns.patient_id = "Patient_ID";
    config.columns.intensity_db = "Intensity";
    config.columns.signal = {"", 1, 0};
    config.class_aliases["SNHL"] = {"SNİK"};
    config.filters = {{"Sweeps Rejected", FilterOperation::less_than, {100.0}, "a.toml:1:1"}};
    return config;
}

inline bool read_csv(std::string_view bytes, bool spreadsheet, bool skip) {
    const MemoryFile file(bytes);
    DataConfig config = table_config(spreadsheet, skip);
    config.path = file.path();
    // Short chunks, so that small files are cut too.
    constexpr std::int64_t kChunkBytes = 64;
    return accepted([&] {
        ReadReport report;
        check_table(read_csv_recordings(config, 1, report, kChunkBytes));
    });
}

inline bool read_npz(std::string_view archive) {
    const MemoryFile file(archive);
    DataConfig config = table_config(false, true);
    config.source = DataSource::npz;
    config.path = file.path();
    return accepted([&] {
        ReadReport report;
        check_table(read_npz_recordings(config, report));
    });
}

// The arrays that a table needs, for two recordings of two samples, with one of them replaced by `member`: so a
// changed array is behind a checksum that holds.
inline std::string archive_with(const std::string& name, std::string_view member, bool compressed) {
    test::NpzWriter npz(compressed);
    const auto add = [&](const char* own, const char* descr, const char* shape, const std::string& bytes) {
        if (name != own) npz.add(own, descr, shape, bytes);
    };
    add("patient_id", "|S1", "(2,)", "ab");
    add("intensity_db", "<f4", "(2,)", test::raw_bytes<float>({80, 60}));
    add("class", "<U4", "(2,)",
        std::string("S\0\0\0N\0\0\0H\0\0\0L\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32));
    add("sample_interval_ms", "<f8", "()", test::raw_bytes<double>({0.1}));
    add("signal", "<f4", "(2, 2)", test::raw_bytes<float>({0, 1, 2, 3}));
    npz.add_member(name + ".npy", std::string(member));
    return npz.bytes();
}

inline bool read_safetensors(std::string_view bytes) {
    return accepted([&] {
        const SafetensorsFile file = SafetensorsFile::parse(std::string(bytes), "input.safetensors");
        for (const auto& [name, entry] : file.entries()) {
            if (file.bytes(name, entry.type, entry.shape).size() != entry.end - entry.begin)
                throw std::logic_error("a tensor of another size than its shape");
            if (entry.type == TensorType::f32) file.floats(name);
            if (entry.type == TensorType::f64) file.doubles(name);
            if (entry.type == TensorType::i64) file.integers(name);
        }
    });
}

// What is accepted is echoed, and the echo is the same configuration.
inline bool read_toml(std::string_view bytes) {
    const MemoryFile file(bytes);
    return accepted([&] {
        const std::string echo = to_toml(load_config(file.path()));
        const MemoryFile again(echo);
        if (to_toml(load_config(again.path())) != echo)
            throw std::logic_error("a configuration that is not the one of its echo");
    });
}

inline void check_imported(const ImportReport& report, const ImportedTable& table) {
    if (table.rows() == 0 || table.length < 1 || !(table.sample_interval_ms > 0))
        throw std::logic_error("an imported table without recordings");
    for (const ImportedColumn& column : table.columns)
        if (column.cells.size() != table.rows()) throw std::logic_error("columns of unequal length");
    for (const auto& samples : table.signal) {
        if (static_cast<std::int64_t>(samples.size()) != table.length)
            throw std::logic_error("a row of another length");
        for (const float sample : samples)
            if (!std::isfinite(sample)) throw std::logic_error("a sample that is not finite");
    }
    import_text(report, table);
}

// A file in the layout `format`, or in the one that it seems to have; resampled or not.
inline bool read_import(std::string_view bytes, const std::string& format, bool resample, bool skip_bad) {
    const MemoryFile file(bytes);
    ImportSettings settings;
    settings.files = {file.path()};
    settings.format = format;
    settings.skip_bad = skip_bad;
    settings.read.interval_ms = 0.05;
    if (resample) {
        settings.interval_ms = 0.1;
        settings.window_ms = {0, 0.2};
        settings.half_buffers = HalfBuffers::separate;
    }
    return accepted([&] {
        ImportReport report;
        check_imported(report, import_recordings(settings, report));
    });
}

// A side table for three recordings of two patients.
inline bool read_labels(std::string_view bytes) {
    const MemoryFile recordings("Time (ms)\t80 dB\t60 dB\t40 dB\n0\t1\t2\t3\n0.1\t2\t1\t5\n0.2\t0\t0\t1\n");
    const MemoryFile labels(bytes);
    ImportSettings settings;
    settings.files = {recordings.path()};
    settings.labels = labels.path();
    return accepted([&] {
        ImportReport report;
        check_imported(report, import_recordings(settings, report));
    });
}

}  // namespace abr::fuzz
