#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <fstream>
#include <string>
#include <vector>

#include "engine/error.hpp"
#include "engine/import/abra_csv.hpp"
#include "engine/import/biosig_text.hpp"
#include "engine/import/edf.hpp"
#include "engine/import/epl_text.hpp"
#include "engine/import/ihs_smartep.hpp"
#include "engine/import/mat_file.hpp"
#include "engine/import/tdt_arf.hpp"
#include "engine/import/time_columns.hpp"
#include "engine/import/wfdb.hpp"
#include "engine/input/cell_number.hpp"
#include "engine/input/table_message.hpp"

namespace abr {
namespace {

constexpr std::array kLayouts = {
    &kIhsSmartep, &kBiosigText, &kEplText, &kAbraCsv, &kTimeColumns, &kTdtArf, &kEdf, &kWfdb, &kMatFile,
};

std::string bytes_at_start(const std::filesystem::path& path) {
    constexpr std::string_view kExpected = "a file of recordings";
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) {
        const bool folder = std::filesystem::is_directory(path, error);
        throw InputError(file_message(
            path,
            folder                                 ? "a folder"
            : std::filesystem::exists(path, error) ? "not a regular file"
                                                   : "there is no such file",
            kExpected,
            folder ? fmt::format("name the files in it, e.g. '{}'/*", path.string()) : "correct the name"));
    }
    std::ifstream file(path, std::ios::binary);
    if (!file) throw InputError(file_message(path, "cannot be opened", kExpected, "check its permissions"));
    std::string bytes(kLayoutBytes, '\0');
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(file.gcount()));
    return bytes;
}

std::string names() {
    std::vector<std::string_view> names;
    for (const Layout* layout : kLayouts) names.push_back(layout->name);
    return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

std::span<const Layout* const> layouts() {
    return kLayouts;
}

const Layout& find_layout(const std::filesystem::path& path, std::string_view name) {
    const std::string bytes = bytes_at_start(path);
    for (const Layout* layout : kLayouts)
        if (name.empty() ? layout->recognises(bytes) : layout->name == name) return *layout;
    if (!name.empty())
        throw InputError(fmt::format("--format {}: expected one of {}", quoted_value(name), names()));
    if (bytes.empty())
        throw InputError(file_message(path, "the file is empty", "a file of recordings", "export it again"));
    throw InputError(
        file_message(path, fmt::format("begins with {}", quoted_value(bytes.substr(0, 24))),
                     "the beginning of a layout that is known: " + names(),
                     "export it in one of these (docs/import.md), or name its layout with --format"));
}

std::optional<double> unit_in_uv(std::string_view name) {
    for (const auto& [unit, microvolts] :
         {std::pair("uv", 1.0), std::pair("\xC2\xB5v", 1.0), std::pair("\xCE\xBCv", 1.0),
          std::pair("\xB5v", 1.0), std::pair("mv", 1e3), std::pair("nv", 1e-3), std::pair("v", 1e6)})
        if (equals_ignoring_case(name, unit)) return microvolts;
    return std::nullopt;
}

}  // namespace abr
