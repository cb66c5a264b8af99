#include "engine/input/file_kind.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "engine/input/table_message.hpp"

namespace abr {
namespace {

// A local file header (APPNOTE 6.3, section 4.3.7): its fixed part, where the name's length stands in it.
constexpr std::string_view kLocalHeader = "PK\x03\x04";
constexpr std::size_t kHeaderBytes = 30, kNameLength = 26;
constexpr std::size_t kFirstBytes = 512;

std::string_view first_member(std::string_view bytes) {
    if (bytes.size() < kHeaderBytes) return {};
    const auto byte = [&](std::size_t at) {
        return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at]));
    };
    return bytes.substr(kHeaderBytes, byte(kNameLength) | byte(kNameLength + 1) << 8);
}

}  // namespace

std::string first_bytes(const std::filesystem::path& path) {
    std::string bytes(kFirstBytes, '\0');
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) return {};
    std::ifstream file(path, std::ios::binary);
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
    return bytes;
}

bool is_zip(std::string_view first_bytes) {
    return first_bytes.starts_with(kLocalHeader);
}

bool is_npz(std::string_view first_bytes) {
    return is_zip(first_bytes) && first_member(first_bytes).ends_with(".npy");
}

std::string zip_message(const std::filesystem::path& path, std::string_view first_bytes,
                        std::string_view expected) {
    if (is_npz(first_bytes))
        return file_message(path, "an .npz file of NumPy arrays", expected,
                            "read it with data.source = \"npz\"");
    std::filesystem::path csv = path;
    csv.replace_extension(path.extension() == ".csv" ? ".converted.csv" : ".csv");
    return file_message(
        path, "a zip archive, as spreadsheets in .xlsx and .ods are", expected,
        fmt::format("save the spreadsheet as CSV UTF-8, or convert an .xlsx file with `xlsx2csv '{}' '{}'` "
                    "(Debian's package xlsx2csv) and name the result as data.path",
                    path.string(), csv.string()));
}

}  // namespace abr
