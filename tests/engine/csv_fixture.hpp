// CSV files that a test writes for itself.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "engine/error.hpp"
#include "engine/input/csv_reader.hpp"

namespace abr::csv_test {

// A file in a temporary folder of its own, removed with it.
class TextFile {
  public:
    explicit TextFile(std::string_view text, const std::string& name = "data.csv") {
        std::string folder = (std::filesystem::temp_directory_path() / "abr_csv_XXXXXX").string();
        if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no temporary folder");
        folder_ = folder;
        path_ = folder_ / name;
        std::ofstream(path_, std::ios::binary) << text;
    }
    ~TextFile() { std::filesystem::remove_all(folder_); }
    TextFile(const TextFile&) = delete;
    TextFile& operator=(const TextFile&) = delete;
    const std::filesystem::path& path() const { return path_; }
    const std::filesystem::path& folder() const { return folder_; }

  private:
    std::filesystem::path folder_, path_;
};

inline DataConfig csv_config() {
    DataConfig config;
    config.source = DataSource::csv;
    config.sample_interval_ms = 0.1;
    return config;
}

struct Read {
    Recordings recordings;
    ReadReport report;
};

inline Read read_text(std::string_view text, DataConfig config = csv_config(), int threads = 2,
                      std::int64_t chunk_bytes = kCsvChunkBytes) {
    const TextFile file(text);
    config.path = file.path();
    Read result;
    result.recordings = read_csv_recordings(config, threads, result.report, chunk_bytes);
    return result;
}

inline std::string without_folder(std::string message, const TextFile& file) {
    const std::string folder = file.folder().string() + "/";
    for (auto at = message.find(folder); at != std::string::npos; at = message.find(folder)) {
        message.erase(at, folder.size());
    }
    return message;
}

// The message with which reading fails, the folder taken out; empty if it does not fail.
inline std::string failure(std::string_view text, DataConfig config = csv_config(), int threads = 2,
                           std::int64_t chunk_bytes = kCsvChunkBytes) {
    const TextFile file(text);
    config.path = file.path();
    ReadReport report;
    try {
        read_csv_recordings(config, threads, report, chunk_bytes);
    } catch (const InputError& error) {
        return without_folder(error.what(), file);
    }
    return {};
}

}  // namespace abr::csv_test
