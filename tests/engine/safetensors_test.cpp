#include "engine/formats/safetensors.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <limits>
#include <stdexcept>

#include "engine/error.hpp"
#include "test_paths.hpp"

using namespace abr;

namespace {

const std::string kPythonFile = std::string(ABR_SOURCE_DIR) + "/tests/oracle/formats/python.safetensors";

std::string read_bytes(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

// A file of this header with `data_bytes` zeros behind it.
std::string file_of(const std::string& header, std::size_t data_bytes) {
    const std::uint64_t length = header.size();
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &length, 8);
    return bytes + header + std::string(data_bytes, '\0');
}

std::string message_of(const std::string& bytes) {
    try {
        SafetensorsFile::parse(bytes, "x.safetensors");
    } catch (const InputError& error) {
        return error.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("safetensors: a file of the reference implementation opens with its values") {
    const SafetensorsFile file = SafetensorsFile::open(kPythonFile);
    CHECK(file.metadata_value("kind") == "quoted \"text\" ö");
    CHECK(file.entries().size() == 7);
    CHECK(file.floats("b") == std::vector<float>{0, 1, 2});
    CHECK(file.shape("a/weight") == std::vector<std::int64_t>{2, 2});
    CHECK(file.floats("a/weight") == std::vector<float>{0, 1, 2, 3});
    CHECK(file.doubles("wide") == std::vector<double>{0.1, -2.0});
    CHECK(file.integers("counts") == std::vector<std::int64_t>{5, -6});
    CHECK(file.floats("scalar") == std::vector<float>{7});
    CHECK(file.floats("none").empty());
    const auto bytes = file.bytes("bytes", TensorType::u8, {3});
    CHECK(std::string(bytes.begin(), bytes.end()) == "\x01\x02\x03");
}

TEST_CASE(
    "safetensors: the same tensors give the reference implementation's bytes, in whatever order they come") {
    const std::vector<float> b = {0, 1, 2}, weight = {0, 1, 2, 3};
    const std::vector<double> wide = {0.1, -2.0};
    const std::vector<std::int64_t> counts = {5, -6};
    const std::vector<std::uint8_t> bytes = {1, 2, 3};
    const float scalar = 7;
    std::vector<TensorSource> tensors = {
        {"b", TensorType::f32, {3}, b.data()},          {"scalar", TensorType::f32, {}, &scalar},
        {"bytes", TensorType::u8, {3}, bytes.data()},   {"none", TensorType::f32, {0, 4}, nullptr},
        {"wide", TensorType::f64, {2}, wide.data()},    {"a/weight", TensorType::f32, {2, 2}, weight.data()},
        {"counts", TensorType::i64, {2}, counts.data()}};
    const TensorMetadata metadata = {{"kind", "quoted \"text\" ö"}};
    const std::string forward = serialize_safetensors(tensors, metadata);
    std::reverse(tensors.begin(), tensors.end());
    CHECK(forward == read_bytes(kPythonFile));
    CHECK(serialize_safetensors(tensors, metadata) == forward);
}

TEST_CASE("safetensors: what is written reads back, without tensors and with special values") {
    CHECK(SafetensorsFile::parse(serialize_safetensors({}, {}), "x").entries().empty());
    const std::vector<float> values = {std::numeric_limits<float>::quiet_NaN(), -0.0f, 1e-45f,
                                       std::numeric_limits<float>::infinity()};
    const std::string bytes =
        serialize_safetensors({{"v", TensorType::f32, {4}, values.data()}}, {{"b", "2"}, {"a", ""}});
    const SafetensorsFile file = SafetensorsFile::parse(bytes, "x");
    const auto back = file.bytes("v", TensorType::f32, {4});
    CHECK(std::memcmp(back.data(), values.data(), back.size()) == 0);
    CHECK(file.metadata() == TensorMetadata{{"a", ""}, {"b", "2"}});
}

TEST_CASE("safetensors: names that stand twice or are reserved, and negative dimensions, are not written") {
    const float v = 0;
    const TensorSource tensor{"v", TensorType::f32, {1}, &v};
    CHECK_THROWS_AS(serialize_safetensors({tensor, tensor}, {}), std::invalid_argument);
    CHECK_THROWS_AS(serialize_safetensors({{"__metadata__", TensorType::f32, {1}, &v}}, {}),
                    std::invalid_argument);
    CHECK_THROWS_AS(serialize_safetensors({{"v", TensorType::f32, {-1, -1}, &v}}, {}), std::invalid_argument);
}

TEST_CASE("safetensors: what is asked for must be there, of this type and shape") {
    const SafetensorsFile file = SafetensorsFile::open(kPythonFile);
    CHECK_THROWS_WITH_AS(file.floats("absent"), doctest::Contains("no tensor 'absent'"), InputError);
    CHECK_THROWS_WITH_AS(file.floats("wide"), doctest::Contains("is F64 [2], expected F32"), InputError);
    CHECK_THROWS_WITH_AS(file.bytes("b", TensorType::f32, {1, 3}), doctest::Contains("expected F32 [1, 3]"),
                         InputError);
    CHECK_THROWS_WITH_AS(file.metadata_value("step"), doctest::Contains("no metadata 'step'"), InputError);
    CHECK_THROWS_WITH_AS(SafetensorsFile::open("/nonexistent.safetensors"), doctest::Contains("found none"),
                         InputError);
    CHECK_THROWS_WITH_AS(SafetensorsFile::open(ABR_SOURCE_DIR), doctest::Contains("found a folder"),
                         InputError);
}

TEST_CASE("safetensors: every hostile header is refused, and the message says why") {
    const auto tensor = [](const std::string& offsets, const std::string& shape = "[2]",
                           const std::string& type = "\"F32\"") {
        return "{\"dtype\":" + type + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
    };
    const auto one = [&](const std::string& body, std::size_t bytes = 8) {
        return message_of(file_of("{\"x\":" + body + "}", bytes));
    };
    REQUIRE(one(tensor("[0,8]")) == "no error");

    CHECK(message_of("") == "x.safetensors: 0 bytes are too few for a safetensors file");
    CHECK(message_of(std::string(8, '\xff')).find("truncated") != std::string::npos);
    CHECK(message_of(std::string("\x09\0\0\0\0\0\0\0{}", 10)).find("truncated") != std::string::npos);
    CHECK(message_of(file_of("{\"x\":", 0)).find("not valid JSON") != std::string::npos);
    CHECK(message_of(file_of("[]", 0)).find("must be a JSON object") != std::string::npos);
    CHECK(message_of(file_of("{\"\xff\":1}", 0)).find("not valid JSON") != std::string::npos);
    CHECK(message_of(file_of(std::string(1'000'000, '['), 0)).find("nested deeper") != std::string::npos);
    CHECK(message_of(file_of("{\"x\":" + tensor("[0,8]") + ",\"x\":" + tensor("[0,8]") + "}", 8))
              .find("'x' stands twice") != std::string::npos);
    CHECK(one("{\"dtype\":\"F32\",\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,8]}")
              .find("stands twice") != std::string::npos);
    CHECK(one(tensor("[0,9]"), 9).find("do not hold shape [2] of F32") != std::string::npos);
    CHECK(one(tensor("[8,0]")).find("do not hold") != std::string::npos);
    CHECK(one(tensor("[0,8]"), 7).find("describes 8 bytes of data, the file holds 7") != std::string::npos);
    CHECK(one(tensor("[0,8]"), 9).find("the file holds 9") != std::string::npos);
    CHECK(one(tensor("[4,12]"), 12).find("begins at byte 4 of the data, expected 0") != std::string::npos);
    CHECK(one(tensor("[0,8]", "[2]", "\"F16\"")).find("element type \"F16\"") != std::string::npos);
    CHECK(one(tensor("[0,8]", "[2]", "7")).find("element type 7") != std::string::npos);
    CHECK(one(tensor("[0,8]", "[-2]")).find("integers >= 0") != std::string::npos);
    CHECK(one(tensor("[0,8]", "[2.0]")).find("integers >= 0") != std::string::npos);
    CHECK(one(tensor("[0,8]", "2")).find("must be lists") != std::string::npos);
    CHECK(one(tensor("[0,8,8]")).find("of two") != std::string::npos);
    // 2^62 * 4 elements of 4 bytes are 0 modulo 2^64.
    CHECK(one(tensor("[0,0]", "[4611686018427387904,4]"), 0).find("do not hold") != std::string::npos);
    CHECK(one(tensor("[0,18446744073709551615]")).find("integers >= 0") != std::string::npos);
    CHECK(one("3").find("expected an object") != std::string::npos);
    CHECK(message_of(file_of("{\"__metadata__\":{\"a\":1}}", 0)).find("'a' must be a string") !=
          std::string::npos);
    // Two tensors over the same bytes.
    CHECK(message_of(file_of("{\"x\":" + tensor("[0,8]") + ",\"y\":" + tensor("[0,8]") + "}", 8))
              .find("no overlap") != std::string::npos);
}

TEST_CASE("safetensors: no truncation and no changed byte does more than an error") {
    const std::string good = read_bytes(kPythonFile);
    for (std::size_t size = 0; size < good.size(); ++size)
        CHECK_THROWS_AS(SafetensorsFile::parse(good.substr(0, size), "x"), InputError);
    for (std::size_t i = 0; i < good.size(); ++i)
        for (const char c : {'\0', '\xff', '9', '"', '['}) {
            std::string bad = good;
            bad[i] = c;
            try {
                const SafetensorsFile file = SafetensorsFile::parse(bad, "x");
                for (const auto& [name, entry] : file.entries()) file.bytes(name, entry.type, entry.shape);
            } catch (const InputError&) {
            }
        }
}
