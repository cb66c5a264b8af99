// Reads a CSV file of recordings and prints, as JSON, what it cost. For bench/csv_against_pandas.py.
//   read_csv FILE THREADS [SIGNALS]     SIGNALS: a file for the samples as raw float32
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "engine/input/csv_reader.hpp"

namespace {

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

int read(const char* path, int threads, const char* signals) {
    using namespace abr;
    DataConfig config;
    config.source = DataSource::csv;
    config.path = path;
    ReadReport report;
    const auto start = std::chrono::steady_clock::now();
    const Recordings table = read_csv_recordings(config, threads, report);
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    rusage used = {};
    getrusage(RUSAGE_SELF, &used);
    const double data_mb = 4e-6 * static_cast<double>(table.signal.size() + table.clean.size());
    fmt::print(
        "{{\"rows\": {}, \"length\": {}, \"wall_s\": {:.4f}, \"user_s\": {:.4f}, \"system_s\": {:.4f}, "
        "\"peak_mb\": {:.1f}, \"data_mb\": {:.1f}}}\n",
        table.rows, table.length, wall.count(), seconds(used.ru_utime), seconds(used.ru_stime),
        1.024e-3 * static_cast<double>(used.ru_maxrss), data_mb);
    if (signals != nullptr) {
        std::ofstream file(signals, std::ios::binary);
        file.write(reinterpret_cast<const char*>(table.signal.data()),
                   static_cast<std::streamsize>(4 * table.signal.size()));
        if (!file) return 1;
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        fmt::print(stderr, "usage: read_csv FILE THREADS [SIGNALS]\n");
        return 2;
    }
    try {
        return read(argv[1], std::atoi(argv[2]), argc > 3 ? argv[3] : nullptr);
    } catch (const std::exception& error) {
        fmt::print(stderr, "read_csv: {}\n", error.what());
        return 1;
    }
}
