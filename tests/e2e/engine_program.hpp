// Runs the built program and reads what it wrote.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "test_paths.hpp"
#include "tests/engine/output_files.hpp"

namespace abr::test {

struct Outcome {
    int code = -1;
    std::string out, err;
};

// Runs a shell command in `folder`.
inline Outcome shell(const std::filesystem::path& folder, const std::string& command) {
    const int status = std::system(("cd '" + folder.string() + "' && " + command).c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, content(folder / "stdout.txt"),
            content(folder / "stderr.txt")};
}

// Runs the program in `folder`; arguments are those of a shell.
inline Outcome engine(const std::filesystem::path& folder, const std::string& arguments) {
    return shell(folder, "'" ABR_ENGINE_PATH "' " + arguments + " >stdout.txt 2>stderr.txt");
}

inline std::string shipped(const std::string& config) {
    return "'" ABR_SOURCE_DIR "/configs/" + config + "'";
}

// Rows of a CSV file without quoted cells, by column.
using CsvTable = std::vector<std::map<std::string, std::string>>;

inline std::vector<std::string> cells_of(const std::string& line) {
    std::vector<std::string> cells(1);
    for (const char c : line)
        if (c == ',')
            cells.emplace_back();
        else
            cells.back() += c;
    return cells;
}

inline CsvTable read_table(const std::filesystem::path& path) {
    std::istringstream lines(content(path));
    std::string line;
    REQUIRE(std::getline(lines, line));
    const auto header = cells_of(line);
    CsvTable table;
    while (std::getline(lines, line)) {
        const auto cells = cells_of(line);
        REQUIRE(cells.size() == header.size());
        auto& row = table.emplace_back();
        for (std::size_t i = 0; i < header.size(); ++i) row[header[i]] = cells[i];
    }
    return table;
}

inline double number(const std::map<std::string, std::string>& row, const std::string& column) {
    CAPTURE(column);
    REQUIRE(row.count(column) == 1);
    return std::stod(row.at(column));
}

}  // namespace abr::test
