#include "engine/formats/npz.hpp"

#include <doctest/doctest.h>
#include <unistd.h>
#include <zlib.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include "engine/error.hpp"
#include "test_paths.hpp"

using namespace abr;

namespace {

const std::string kFolder = std::string(ABR_SOURCE_DIR) + "/tests/oracle/formats/";
using Shape = std::vector<std::int64_t>;

std::string read_bytes(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

// A file that lives as long as the object.
struct TemporaryFile {
    std::filesystem::path path;
    explicit TemporaryFile(const std::string& bytes) {
        path = std::filesystem::temp_directory_path() / ("npz_test_" + std::to_string(getpid()) + ".npz");
        std::ofstream(path, std::ios::binary) << bytes;
    }
    ~TemporaryFile() { std::filesystem::remove(path); }
};

template <class T>
std::string raw(T value) {
    return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

std::string npy(const std::string& dictionary, const std::string& data = {}) {
    return "\x93NUMPY" + std::string("\x01\0", 2) + raw(static_cast<std::uint16_t>(dictionary.size())) +
           dictionary + data;
}

const std::string kTwoFloats =
    npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", raw(1.5f) + raw(2.5f));

// A zip archive of one stored member. Every size and offset can lie; `zip64`: they stand in the extra field.
struct Archive {
    std::string name = "x.npy", content = kTwoFloats;
    std::uint16_t method = 0, flags = 0;
    std::uint64_t size = content.size(), compressed = content.size(), local_offset = 0;
    std::uint32_t crc = static_cast<std::uint32_t>(
        crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()));
    std::uint16_t members = 1;
    bool zip64 = false, with_extra = true;

    std::string central() const {
        const std::string extra = zip64 && with_extra ? raw<std::uint16_t>(1) + raw<std::uint16_t>(24) +
                                                            raw(size) + raw(compressed) + raw(local_offset)
                                                      : "";
        const auto in_32 = [&](std::uint64_t v) {
            return raw(zip64 ? 0xFFFFFFFFu : static_cast<std::uint32_t>(v));
        };
        return raw(0x02014b50u) + raw<std::uint16_t>(45) + raw<std::uint16_t>(45) + raw(flags) + raw(method) +
               raw(0u) + raw(crc) + in_32(compressed) + in_32(size) +
               raw(static_cast<std::uint16_t>(name.size())) + raw(static_cast<std::uint16_t>(extra.size())) +
               std::string(10, '\0') + in_32(local_offset) + name + extra;
    }
    std::string bytes(int copies = 1) const {
        std::string file = raw(0x04034b50u) + std::string(22, '\0') +
                           raw(static_cast<std::uint16_t>(name.size())) + raw<std::uint16_t>(0) + name +
                           content;
        const std::uint64_t directory = file.size();
        for (int i = 0; i < copies; ++i) file += central();
        const std::uint64_t directory_size = file.size() - directory;
        if (zip64) {
            const std::uint64_t end64 = file.size();
            file += raw(0x06064b50u) + raw(std::uint64_t{44}) + raw(45u) + raw(0u) + raw(0u) +
                    raw(std::uint64_t{members}) + raw(std::uint64_t{members}) + raw(directory_size) +
                    raw(directory);
            file += raw(0x07064b50u) + raw(0u) + raw(end64) + raw(1u);
        }
        return file + raw(0x06054b50u) + raw(0u) + raw(members) + raw(members) +
               raw(zip64 ? 0xFFFFFFFFu : static_cast<std::uint32_t>(directory_size)) +
               raw(zip64 ? 0xFFFFFFFFu : static_cast<std::uint32_t>(directory)) + raw<std::uint16_t>(0);
    }
};

// Opens the file and reads every array: the message of what goes wrong.
std::string message_of(const std::string& bytes) {
    const TemporaryFile file(bytes);
    try {
        const NpzFile archive = NpzFile::open(file.path);
        for (const std::string& name : archive.names()) archive.array(name);
    } catch (const InputError& error) {
        return error.what();
    }
    return "no error";
}

std::string npy_message(const std::string& bytes) {
    try {
        parse_npy(bytes, "x");
    } catch (const InputError& error) {
        return error.what();
    }
    return "no error";
}

bool has(const std::string& text, const std::string& part) {
    INFO(text);
    const bool found = text.find(part) != std::string::npos;
    CHECK(found);
    return found;
}

}  // namespace

TEST_CASE("npz: every array that numpy.savez and savez_compressed wrote has its shape and values") {
    for (const char* name : {"numpy_stored.npz", "numpy_deflated.npz"}) {
        CAPTURE(name);
        const NpzFile file = NpzFile::open(kFolder + name);
        CHECK(file.names().size() == 13);
        CHECK(file.contains("text"));
        CHECK_FALSE(file.contains("absent"));
        CHECK(file.array("float32").shape == Shape{2, 3});
        CHECK(file.array("float32").to_floats() == std::vector<float>{0, .25f, .5f, .75f, 1, 1.25f});
        const std::vector<double> doubles = file.array("float64").to_doubles();
        CHECK(doubles[0] == 1e300);
        CHECK(doubles[1] == -0.1);
        CHECK(std::isnan(doubles[2]));
        CHECK(file.array("int64").to_integers() == std::vector<std::int64_t>{-(std::int64_t{1} << 62), 3});
        CHECK(file.array("int32").to_integers() == std::vector<std::int64_t>{-7, 8});
        CHECK(file.array("int32").to_floats() == std::vector<float>{-7, 8});
        CHECK(file.array("int16").to_integers() == std::vector<std::int64_t>{-300});
        CHECK(file.array("uint8").to_integers() == std::vector<std::int64_t>{255, 0});
        CHECK(file.array("uint64").to_doubles() == std::vector<double>{0x1p64});
        CHECK_THROWS_WITH_AS(file.array("uint64").to_integers(), doctest::Contains("18446744073709551615"),
                             InputError);
        CHECK(file.array("bool").to_integers() == std::vector<std::int64_t>{1, 0, 1});
        CHECK(file.array("text").to_strings() == std::vector<std::string>{"NORMAL", "NÖROPATİ", "", "𝄞"});
        CHECK(file.array("bytes").to_strings() == std::vector<std::string>{"left", "r"});
        CHECK(file.array("scalar").shape == Shape{});
        CHECK(file.array("scalar").to_doubles() == std::vector<double>{0.1});
        CHECK(file.array("empty").shape == Shape{0, 200});
        CHECK(file.array("empty").to_floats().empty());
    }
}

TEST_CASE("npz: an array in Fortran order is read in C order") {
    const NpyArray array = NpzFile::open(kFolder + "numpy_stored.npz").array("fortran");
    CHECK(array.shape == Shape{2, 3, 4});
    std::vector<std::int64_t> expected(24);
    for (std::size_t i = 0; i < 24; ++i) expected[i] = static_cast<std::int64_t>(i);
    CHECK(array.to_integers() == expected);
}

TEST_CASE("npz: versions 2 and 3 of .npy and archives with zip64 records are read") {
    const NpzFile file = NpzFile::open(kFolder + "numpy_versions.npz");
    for (const char* name : {"v2", "v3"})
        CHECK(file.array(name).to_doubles() == std::vector<double>{1.5, 2.5});
    Archive archive;
    archive.zip64 = true;
    const TemporaryFile large(archive.bytes());
    CHECK(NpzFile::open(large.path).array("x").to_floats() == std::vector<float>{1.5f, 2.5f});
}

TEST_CASE("npz: object, big-endian, structured and other arrays are refused with the remedy") {
    const NpzFile file = NpzFile::open(kFolder + "numpy_refused.npz");
    CHECK_THROWS_WITH_AS(file.array("objects"), doctest::Contains("pickled Python objects"), InputError);
    CHECK_THROWS_WITH_AS(file.array("big_endian"), doctest::Contains("big-endian"), InputError);
    CHECK_THROWS_WITH_AS(file.array("structured"), doctest::Contains("structured"), InputError);
    for (const char* name : {"complex", "half", "dates"})
        CHECK_THROWS_WITH_AS(file.array(name), doctest::Contains("convert it to"), InputError);
}

TEST_CASE("npz: the wrong kind of values, a missing array and a missing file are named") {
    const NpzFile file = NpzFile::open(kFolder + "numpy_stored.npz");
    CHECK_THROWS_WITH_AS(file.array("text").to_floats(), doctest::Contains("array 'text': expected numbers"),
                         InputError);
    CHECK_THROWS_WITH_AS(file.array("float32").to_integers(), doctest::Contains("expected integers"),
                         InputError);
    CHECK_THROWS_WITH_AS(file.array("float32").to_strings(), doctest::Contains("expected text"), InputError);
    CHECK_THROWS_WITH_AS(file.array("signal"), doctest::Contains("no array 'signal'; it has: bool, bytes"),
                         InputError);
    CHECK_THROWS_WITH_AS(NpzFile::open("/nonexistent.npz"), doctest::Contains("found none"), InputError);
    CHECK_THROWS_WITH_AS(NpzFile::open(kFolder), doctest::Contains("found a folder"), InputError);
}

TEST_CASE("npz: archives that lie are refused") {
    REQUIRE(message_of(Archive().bytes()) == "no error");
    const auto with = [](const auto& change) {
        Archive archive;
        change(archive);
        return message_of(archive.bytes());
    };
    has(message_of(""), "no .npz file, or truncated");
    has(message_of("patient_id,class\n"), "no .npz file, or truncated");
    has(with([](Archive& a) { a.crc ^= 1; }), "wrong checksum");
    has(with([](Archive& a) { a.size += 1; }), "'x.npy' cannot have");
    has(with([](Archive& a) { a.size = a.compressed = 1u << 30; }), "truncated or damaged");
    has(with([](Archive& a) { a.local_offset = 0xFFFFFFF0; }), "truncated or damaged");
    has(with([](Archive& a) { a.local_offset = 7; }), "no zip header");
    has(with([](Archive& a) { a.members = 2; }), "fewer members than it says");
    has(with([](Archive& a) { a.method = 12; }), "compressed by method 12");
    has(with([](Archive& a) { a.method = 8; }), "damaged (compressed data of another size)");
    has(with([](Archive& a) { a.flags = 1; }), "encrypted");
    has(with([](Archive& a) { a.name = "x.txt"; }), "is no .npy array");
    has(with([](Archive& a) { a.zip64 = true, a.with_extra = false; }), "zip64 sizes are missing");
    has(with([](Archive& a) { a.zip64 = true, a.size = a.compressed = ~std::uint64_t{0}; }),
        "truncated or damaged");
    has(with([](Archive& a) { a.zip64 = true, a.method = 8, a.size = std::uint64_t{1} << 50; }),
        "cannot have");
    Archive twice;
    twice.members = 2;
    has(message_of(twice.bytes(2)), "'x' stands twice");
}

TEST_CASE("npz: a damaged .npy header is refused") {
    const auto header = [](const std::string& dictionary) { return npy_message(npy(dictionary)); };
    REQUIRE(npy_message(kTwoFloats) == "no error");
    has(npy_message(""), "no .npy array, or truncated");
    has(npy_message("\x93NUMPY\x07" + std::string(10, '\0')), "version 7");
    has(npy_message(kTwoFloats + "x"), "does not fit its 9 bytes");
    has(npy_message(kTwoFloats.substr(0, kTwoFloats.size() - 1)), "does not fit its 7 bytes");
    for (const char* text : {"", "{", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'descr': '<f4'}",
                             "{'descr': '<f4", "{'descr': '<f4', 'fortran_order': Maybe, 'shape': ()}",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': ()} x",
                             "{'descr': '<f4', 'fortran_order': False, 'shape': (), 'more': 1}"})
        has(header(text), "damaged .npy header");
    // 2^62 * 4 elements of 4 bytes are 0 modulo 2^64; elements of no size could be any number.
    has(header("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}"),
        "does not fit");
    for (const char* type : {"<U0", "|S0", "<f", "<f3", "<f4x", "=f4", "<U99999999999"})
        has(header("{'descr': '" + std::string(type) +
                   "', 'fortran_order': False, 'shape': (4611686018427387904,)}"),
            "are not read");
    const std::string surrogate =
        npy("{'descr': '<U1', 'fortran_order': False, 'shape': (1,)}", raw(0xD800u));
    CHECK_THROWS_WITH_AS(parse_npy(surrogate, "x").to_strings(), doctest::Contains("no valid Unicode"),
                         InputError);
}

TEST_CASE("npz: no truncation is read, and no changed byte does more than an error") {
    for (const char* name : {"numpy_versions.npz", "numpy_deflated.npz"}) {
        const std::string good = read_bytes(kFolder + name);
        REQUIRE(message_of(good) == "no error");
        for (std::size_t size = 0; size < good.size(); size += 7)
            CHECK(message_of(good.substr(0, size)) != "no error");
        for (std::size_t i = 0; i < good.size(); ++i) {
            std::string bad = good;
            bad[i] = static_cast<char>(bad[i] ^ 0x81);
            message_of(bad);
        }
    }
}
