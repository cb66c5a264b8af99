#include "engine/formats/npz_writer.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <vector>

static_assert(std::endian::native == std::endian::little, "zip and .npy are little-endian");

namespace abr {
namespace {

// APPNOTE 6.3, sections 4.3 and 4.5.3; .npy: a header of 64 k bytes
// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
constexpr std::uint16_t kVersion = 45;  // needed to extract: zip64
constexpr std::uint16_t kStored = 0, kUtf8Name = 1 << 11, kZip64Extra = 1;
constexpr std::uint16_t kFirstOfJanuary1980 =
    1 << 5 | 1;  // the same bytes for the same content, whatever the day
constexpr std::uint32_t kIn64 = 0xFFFFFFFF;
constexpr std::size_t kNpyAlignment = 64;

template <class T>
void put(std::string& bytes, T value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
std::string_view bytes_of(std::span<const T> values) {
    return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

std::string npy_header(std::string_view type, std::string_view shape) {
    std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", type, shape);
    constexpr std::size_t kBefore = 10;  // magic, version, length
    const std::size_t total =
        (kBefore + header.size() + 1 + kNpyAlignment - 1) / kNpyAlignment * kNpyAlignment;
    header.resize(total - kBefore - 1, ' ');
    header += '\n';
    std::string bytes("\x93NUMPY\x01\x00", 8);
    put(bytes, static_cast<std::uint16_t>(header.size()));
    return bytes + header;
}

// Code points of a text that is UTF-8.
std::vector<char32_t> code_points(std::string_view text) {
    std::vector<char32_t> points;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte & 0xC0U) == 0x80U) {
            points.back() = points.back() << 6 | (byte & 0x3FU);
        } else {
            const unsigned mask = byte < 0x80U ? 0x7FU : byte < 0xE0U ? 0x1FU : byte < 0xF0U ? 0x0FU : 0x07U;
            points.push_back(byte & mask);
        }
    }
    return points;
}

}  // namespace

void NpzWriter::write(std::string_view bytes) {
    file_.write(bytes);
    position_ += bytes.size();
}

void NpzWriter::add_array(std::string_view name, std::string_view type, std::string_view shape,
                          std::uint64_t data_bytes, const std::function<void(const Piece&)>& pieces) {
    const std::string header = npy_header(type, shape);
    const std::uint64_t size = header.size() + data_bytes;
    const std::string member = std::string(name) + ".npy";

    uLong crc = crc32_z(0, reinterpret_cast<const Bytef*>(header.data()), header.size());
    std::uint64_t given = header.size();
    pieces([&](std::string_view bytes) {
        crc = crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
        given += bytes.size();
    });
    if (given != size) throw std::logic_error("an array of another size than its shape: " + member);

    std::string common;
    put(common, kVersion);
    put(common, kUtf8Name);
    put(common, kStored);
    put(common, std::uint16_t{0});  // time
    put(common, kFirstOfJanuary1980);
    put(common, static_cast<std::uint32_t>(crc));
    put(common, kIn64);  // compressed and uncompressed size
    put(common, kIn64);
    put(common, static_cast<std::uint16_t>(member.size()));

    std::string local("PK\x03\x04", 4);
    local += common;
    put(local, std::uint16_t{20});  // bytes of the extra field
    local += member;
    put(local, kZip64Extra);
    put(local, std::uint16_t{16});
    put(local, size);
    put(local, size);

    directory_ += std::string("PK\x01\x02", 4);
    put(directory_, kVersion);
    directory_ += common;
    put(directory_, std::uint16_t{28});
    put(directory_, std::uint16_t{0});  // comment
    put(directory_, std::uint16_t{0});  // disk
    put(directory_, std::uint16_t{0});  // internal attributes
    put(directory_, std::uint32_t{0});  // external attributes
    put(directory_, kIn64);             // offset
    directory_ += member;
    put(directory_, kZip64Extra);
    put(directory_, std::uint16_t{24});
    put(directory_, size);
    put(directory_, size);
    put(directory_, position_);
    ++members_;

    write(local);
    write(header);
    pieces([&](std::string_view bytes) { write(bytes); });
}

void NpzWriter::add(std::string_view name, std::span<const std::vector<float>> rows) {
    const std::size_t columns = rows.empty() ? 0 : rows.front().size();
    add_array(name, "<f4", fmt::format("({}, {})", rows.size(), columns),
              rows.size() * columns * sizeof(float), [&](const Piece& piece) {
                  for (const std::vector<float>& row : rows) piece(bytes_of(std::span<const float>(row)));
              });
}

void NpzWriter::add(std::string_view name, std::span<const float> values) {
    add_array(name, "<f4", fmt::format("({},)", values.size()), values.size_bytes(),
              [&](const Piece& piece) { piece(bytes_of(values)); });
}

void NpzWriter::add(std::string_view name, double value) {
    add_array(name, "<f8", "()", sizeof value,
              [&](const Piece& piece) { piece(bytes_of(std::span<const double>(&value, 1))); });
}

void NpzWriter::add(std::string_view name, std::span<const std::string> texts) {
    std::size_t width = 1;
    for (const std::string& text : texts) width = std::max(width, code_points(text).size());
    add_array(name, fmt::format("<U{}", width), fmt::format("({},)", texts.size()),
              texts.size() * width * sizeof(char32_t), [&](const Piece& piece) {
                  for (const std::string& text : texts) {
                      std::vector<char32_t> points = code_points(text);
                      points.resize(width, U'\0');
                      piece(bytes_of(std::span<const char32_t>(points)));
                  }
              });
}

void NpzWriter::finish() {
    const std::uint64_t offset = position_, size = directory_.size();
    std::string end = std::move(directory_);
    end += std::string("PK\x06\x06", 4);
    put(end, std::uint64_t{44});  // bytes of this record that follow
    put(end, kVersion);
    put(end, kVersion);
    put(end, std::uint32_t{0});  // this disk, the directory's disk
    put(end, std::uint32_t{0});
    put(end, members_);
    put(end, members_);
    put(end, size);
    put(end, offset);
    end += std::string("PK\x06\x07", 4);
    put(end, std::uint32_t{0});
    put(end, offset + size);  // of the record above
    put(end, std::uint32_t{1});
    end += std::string("PK\x05\x06", 4);
    put(end, std::uint32_t{0});  // disks
    const auto members = static_cast<std::uint16_t>(std::min<std::uint64_t>(members_, 0xFFFF));
    put(end, members);
    put(end, members);
    put(end, kIn64);
    put(end, kIn64);
    put(end, std::uint16_t{0});  // comment
    write(end);
}

}  // namespace abr
