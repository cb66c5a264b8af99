#include "engine/input/file_kind.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

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

// Files that are known by how they begin, the longer one first where one begins as another.
struct Signature {
    std::string_view bytes, what, way_in;
};

using namespace std::string_view_literals;

constexpr std::string_view kNumPyWay =
    "save recordings, levels and patients with numpy.savez and read them with data.source = \"npz\"";
constexpr std::string_view kUtf16Way = "save it as CSV UTF-8 or convert it with `iconv -f UTF-16 -t UTF-8`";
constexpr std::string_view kImportWay = "bring it in with `abr_engine import FILE --out recordings.npz`";
constexpr std::string_view kPandasWay =
    "convert it with Python: pandas.read_…(FILE).to_csv(\"FILE.csv\", index=False)";

constexpr Signature kForeign[] = {
    {"\xD0\xCF\x11\xE0"sv, "a spreadsheet in the old .xls format", "save it as CSV UTF-8"},
    {"\x1F\x8B"sv, "compressed with gzip", "unpack it with `gunzip FILE`"},
    {"BZh"sv, "compressed with bzip2", "unpack it with `bunzip2 FILE`"},
    {"\xFD"
     "7zXZ"sv,
     "compressed with xz", "unpack it with `unxz FILE`"},
    {"\x28\xB5\x2F\xFD"sv, "compressed with zstd", "unpack it with `unzstd FILE`"},
    {"7z\xBC\xAF"sv, "a 7-Zip archive", "unpack it"},
    {"\xFF\xFE"sv, "text in UTF-16", kUtf16Way},
    {"\xFE\xFF"sv, "text in UTF-16", kUtf16Way},
    {"\x93NUMPY"sv, "a single NumPy array (.npy)", kNumPyWay},
    {"MATLAB 7.3 MAT-file"sv, "a MATLAB file (.mat, version 7.3)",
     "read it with Python's h5py and save it with numpy.savez for data.source = \"npz\""},
    {"MATLAB 5.0 MAT-file"sv, "a MATLAB file (.mat)",
     "read it with Python's scipy.io.loadmat and save it with numpy.savez for data.source = \"npz\""},
    {"\x89HDF\r\n\x1A\n"sv, "an HDF5 file",
     "read it with Python's h5py and save it with numpy.savez for data.source = \"npz\""},
    {"PAR1"sv, "a Parquet file", kPandasWay},
    {"ARROW1"sv, "an Arrow or Feather file", kPandasWay},
    {"FEA1"sv, "a Feather file", kPandasWay},
    {"\xFF"
     "BIOSEMI"sv,
     "a BDF file (BioSemi)", kImportWay},
    {"0       "sv, "an EDF file", kImportWay},
    {"GDF "sv, "a GDF file",
     "read it with Python's mne and save it with numpy.savez for data.source = \"npz\""},
    {"\x80\x02"sv, "a Python pickle", "convert it with scripts/convert_pickle.py"},
    {"\x80\x03"sv, "a Python pickle", "convert it with scripts/convert_pickle.py"},
    {"\x80\x04"sv, "a Python pickle", "convert it with scripts/convert_pickle.py"},
    {"\x80\x05"sv, "a Python pickle", "convert it with scripts/convert_pickle.py"},
    {"SQLite format 3"sv, "an SQLite database", "export the table as CSV UTF-8"},
    {"$FL2"sv, "an SPSS file (.sav)", "save it as CSV UTF-8"},
    {"$FL3"sv, "an SPSS file (.zsav)", "save it as CSV UTF-8"},
    {"<stata_dta>"sv, "a Stata file (.dta)", "save it as CSV UTF-8"},
    {"%PDF"sv, "a PDF document", "export the data as CSV UTF-8"},
    {"<!DOCTYPE html"sv, "a web page", "save the data as CSV UTF-8"},
    {"<html"sv, "a web page, as some programs write instead of a spreadsheet",
     "open it and save it as CSV UTF-8"},
    {"<?xml"sv, "an XML document", "export the data as CSV UTF-8"},
    {"{"sv, "a JSON document", "export the data as CSV UTF-8"},
};

// PhysioNet's header(5): "NAME SIGNALS …" in the first line, "NAME.dat FORMAT …" in the second.
bool is_wfdb_header(std::string_view bytes) {
    const std::size_t line_end = bytes.find('\n');
    if (line_end == std::string_view::npos) return false;
    const std::string_view first = bytes.substr(0, line_end), second = bytes.substr(line_end + 1);
    const std::size_t space = first.find(' ');
    if (space == std::string_view::npos || first.find_first_of(",;\t") != std::string_view::npos)
        return false;
    const char digit = space + 1 < first.size() ? first[space + 1] : ' ';
    return digit >= '0' && digit <= '9' && second.substr(0, second.find(' ')).ends_with(".dat");
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

ForeignFile zip_file(const std::filesystem::path& path, std::string_view first_bytes) {
    if (is_npz(first_bytes)) return {"an .npz file of NumPy arrays", "read it with data.source = \"npz\""};
    const std::string_view member = first_member(first_bytes);
    if (member == "mimetype")
        return {"an OpenDocument file, as .ods spreadsheets are", "save it as CSV UTF-8"};
    std::filesystem::path csv = path;
    csv.replace_extension(path.extension() == ".csv" ? ".converted.csv" : ".csv");
    const bool is_office = member == "[Content_Types].xml" || member.starts_with("xl/") ||
                           member.starts_with("_rels/") || member.starts_with("docProps/");
    return {
        is_office ? "an .xlsx spreadsheet" : "a zip archive, as spreadsheets in .xlsx and .ods are",
        fmt::format(
            "save the spreadsheet as CSV UTF-8, or convert an .xlsx file with `xlsx2csv '{}' '{}'` (Debian's "
            "package xlsx2csv) and name the result as data.path",
            path.string(), csv.string())};
}

ForeignFile foreign_file(const std::filesystem::path& path, std::string_view bytes) {
    if (is_zip(bytes)) return zip_file(path, bytes);
    for (const Signature& signature : kForeign)
        if (bytes.starts_with(signature.bytes))
            return {std::string(signature.what), std::string(signature.way_in)};
    if (path.extension() == ".arf" || path.extension() == ".ARF")
        return {"a TDT .arf file", std::string(kImportWay)};
    if (is_wfdb_header(bytes)) return {"a WFDB header", std::string(kImportWay)};
    return {};
}

}  // namespace abr
