#include "engine/formats/npz.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <limits>
#include <new>

#include "engine/error.hpp"

static_assert(std::endian::native == std::endian::little, "zip is little-endian");

namespace abr {
namespace {

// Signatures and fixed sizes of zip records (APPNOTE 6.3, section 4.3).
constexpr std::uint32_t kLocalHeader = 0x04034b50, kCentralHeader = 0x02014b50, kEnd = 0x06054b50;
constexpr std::uint32_t kEnd64 = 0x06064b50, kEnd64Locator = 0x07064b50;
constexpr std::size_t kLocalHeaderBytes = 30, kCentralHeaderBytes = 46, kEndBytes = 22;
constexpr std::size_t kEnd64Bytes = 56, kEnd64LocatorBytes = 20, kLongestComment = 65535;
constexpr std::uint16_t kZip64Extra = 1, kStored = 0, kDeflated = 8, kEncrypted = 1;
constexpr std::uint32_t kIn64 = 0xFFFFFFFF;    // the value stands in the zip64 extra field
constexpr std::uint64_t kDeflateRatio = 1032;  // no deflate stream expands further (zlib's technical details)

template <class T>
T little(std::string_view bytes, std::size_t at) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof(T));  // callers have checked the size
    return value;
}

std::string read_range(const std::filesystem::path& path, std::uint64_t begin, std::uint64_t size,
                       std::uint64_t file_size) {
    if (begin > file_size || size > file_size - begin)
        throw InputError(
            fmt::format("{}: truncated or damaged: it refers to bytes {} to {} of {}; save it again",
                        path.string(), begin, begin + size, file_size));
    std::string bytes(size, '\0');
    std::ifstream stream(path, std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(begin));
    if (!stream.read(bytes.data(), static_cast<std::streamsize>(size)) && size > 0)
        throw InputError(path.string() + ": cannot be read");
    return bytes;
}

// Replaces those of the sizes and offset that are kIn64 by the values of the zip64 extra field, which stand
// there in this order. False if the field is missing or too short.
bool resolve_zip64(std::string_view extra, std::initializer_list<std::uint64_t*> values) {
    const auto in_64 = [](const std::uint64_t* value) { return *value == kIn64; };
    if (std::none_of(values.begin(), values.end(), in_64)) return true;
    for (std::size_t at = 0; at + 4 <= extra.size();) {
        const auto id = little<std::uint16_t>(extra, at);
        const std::size_t size = little<std::uint16_t>(extra, at + 2);
        at += 4;
        if (size > extra.size() - at) return false;
        if (id == kZip64Extra) {
            std::size_t field = 0;
            for (std::uint64_t* value : values) {
                if (!in_64(value)) continue;
                if (field + 8 > size) return false;
                *value = little<std::uint64_t>(extra, at + field);
                field += 8;
            }
            return true;
        }
        at += size;
    }
    return false;
}

struct Directory {
    std::uint64_t offset = 0, size = 0, members = 0;
};

Directory find_directory(const std::filesystem::path& path, std::uint64_t file_size) {
    const std::uint64_t tail_size = std::min<std::uint64_t>(file_size, kEndBytes + kLongestComment);
    const std::uint64_t tail_begin = file_size - tail_size;
    const std::string tail = read_range(path, tail_begin, tail_size, file_size);
    std::size_t end = tail.size();
    for (std::size_t at = tail.size() < kEndBytes ? 0 : tail.size() - kEndBytes + 1; at-- > 0;)
        if (little<std::uint32_t>(tail, at) == kEnd &&
            at + kEndBytes + little<std::uint16_t>(tail, at + 20) == tail.size()) {
            end = at;
            break;
        }
    if (end == tail.size())
        throw InputError(path.string() +
                         ": no .npz file, or truncated (there is no zip directory at its end); write it with "
                         "numpy.savez or numpy.savez_compressed");
    Directory directory{little<std::uint32_t>(tail, end + 16), little<std::uint32_t>(tail, end + 12),
                        little<std::uint16_t>(tail, end + 10)};
    const std::uint64_t end_offset = tail_begin + end;
    if (end_offset < kEnd64LocatorBytes) return directory;
    const std::string locator =
        read_range(path, end_offset - kEnd64LocatorBytes, kEnd64LocatorBytes, file_size);
    if (little<std::uint32_t>(locator, 0) != kEnd64Locator) return directory;
    const std::string end64 = read_range(path, little<std::uint64_t>(locator, 8), kEnd64Bytes, file_size);
    if (little<std::uint32_t>(end64, 0) != kEnd64)
        throw InputError(path.string() +
                         ": damaged: its zip64 directory is not where it should be; save it again");
    return {little<std::uint64_t>(end64, 48), little<std::uint64_t>(end64, 40),
            little<std::uint64_t>(end64, 32)};
}

// Inflates a raw deflate stream to exactly `size` bytes; false if it is none of this size.
bool inflate_raw(std::string_view compressed, std::string& out) {
    z_stream stream{};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
    constexpr std::size_t kPiece = std::size_t{1} << 30;  // zlib counts in 32 bits
    std::size_t read = 0, written = 0;
    int status = Z_OK;
    do {
        if (stream.avail_in == 0) {
            stream.avail_in = static_cast<uInt>(std::min(kPiece, compressed.size() - read));
            stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data() + read));
            read += stream.avail_in;
        }
        if (stream.avail_out == 0) {
            stream.avail_out = static_cast<uInt>(std::min(kPiece, out.size() - written));
            stream.next_out = reinterpret_cast<Bytef*>(out.data() + written);
            written += stream.avail_out;
        }
        status = inflate(&stream, Z_NO_FLUSH);  // Z_BUF_ERROR where neither input nor room is left
    } while (status == Z_OK);
    const bool complete = status == Z_STREAM_END && stream.avail_out == 0 && written == out.size();
    inflateEnd(&stream);
    return complete;
}

std::uint32_t checksum(std::string_view bytes) {
    return static_cast<std::uint32_t>(
        crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<z_size_t>(bytes.size())));
}

}  // namespace

NpzFile NpzFile::open(const std::filesystem::path& path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error))
        throw InputError(path.string() + ": expected an .npz file, found " +
                         (std::filesystem::is_directory(path, error) ? "a folder" : "none"));
    NpzFile file;
    file.path_ = path;
    file.file_size_ = std::filesystem::file_size(path);
    file.read_directory();
    return file;
}

void NpzFile::read_directory() {
    const auto fail = [&](std::string_view what) {
        return InputError(
            fmt::format("{}: damaged zip directory ({}); save the file again", path_.string(), what));
    };
    const Directory directory = find_directory(path_, file_size_);
    const std::string bytes = read_range(path_, directory.offset, directory.size, file_size_);
    std::size_t at = 0;
    for (std::uint64_t i = 0; i < directory.members; ++i) {
        const std::string_view rest = std::string_view(bytes).substr(at);
        if (rest.size() < kCentralHeaderBytes || little<std::uint32_t>(rest, 0) != kCentralHeader)
            throw fail("fewer members than it says");
        const std::size_t name_size = little<std::uint16_t>(rest, 28),
                          extra_size = little<std::uint16_t>(rest, 30);
        const std::size_t comment_size = little<std::uint16_t>(rest, 32);
        if (rest.size() - kCentralHeaderBytes < name_size + extra_size + comment_size) throw fail("cut off");
        std::string name(rest.substr(kCentralHeaderBytes, name_size));

        Member member;
        member.method = little<std::uint16_t>(rest, 10);
        member.crc = little<std::uint32_t>(rest, 16);
        member.compressed = little<std::uint32_t>(rest, 20);
        member.size = little<std::uint32_t>(rest, 24);
        member.local_header = little<std::uint32_t>(rest, 42);
        if (!resolve_zip64(rest.substr(kCentralHeaderBytes + name_size, extra_size),
                           {&member.size, &member.compressed, &member.local_header}))
            throw fail("zip64 sizes are missing");
        if (little<std::uint16_t>(rest, 8) & kEncrypted)
            throw InputError(path_.string() + ": the archive is encrypted; save it without a password");
        if (member.method != kStored && member.method != kDeflated)
            throw InputError(
                fmt::format("{}: '{}' is compressed by method {}; write the file with numpy.savez or "
                            "numpy.savez_compressed",
                            path_.string(), name, member.method));
        const bool plausible = member.method == kStored ? member.size == member.compressed
                                                        : member.size / kDeflateRatio <= member.compressed;
        if (!plausible) throw fail(fmt::format("'{}' cannot have {} bytes", name, member.size));
        if (!name.ends_with(".npy"))
            throw InputError(fmt::format("{}: '{}' is no .npy array; write the file with numpy.savez",
                                         path_.string(), name));
        name.resize(name.size() - 4);
        if (!members_.emplace(name, member).second) throw fail(fmt::format("'{}' stands twice", name));
        at += kCentralHeaderBytes + name_size + extra_size + comment_size;
    }
}

std::string NpzFile::read_member(const std::string& name, const Member& member) const {
    const auto fail = [&](std::string_view what) {
        return InputError(fmt::format("{}: array '{}': {}; save the file again", path_.string(), name, what));
    };
    const std::string header = read_range(path_, member.local_header, kLocalHeaderBytes, file_size_);
    if (little<std::uint32_t>(header, 0) != kLocalHeader) throw fail("damaged (there is no zip header)");
    const std::uint64_t begin = member.local_header + kLocalHeaderBytes + little<std::uint16_t>(header, 26) +
                                little<std::uint16_t>(header, 28);
    std::string bytes = read_range(path_, begin, member.compressed, file_size_);
    if (member.method == kDeflated) {
        std::string inflated;
        try {
            inflated.resize(member.size);
        } catch (const std::exception&) {
            throw fail(fmt::format("its {} bytes do not fit into memory", member.size));
        }
        if (!inflate_raw(bytes, inflated)) throw fail("damaged (compressed data of another size)");
        bytes = std::move(inflated);
    }
    if (checksum(bytes) != member.crc) throw fail("damaged (wrong checksum)");
    return bytes;
}

std::vector<std::string> NpzFile::names() const {
    std::vector<std::string> names;
    for (const auto& [name, member] : members_) names.push_back(name);
    return names;
}

NpyArray NpzFile::array(const std::string& name) const {
    const auto found = members_.find(name);
    if (found == members_.end())
        throw InputError(fmt::format("{}: there is no array '{}'; it has: {}", path_.string(), name,
                                     fmt::join(names(), ", ")));
    return parse_npy(read_member(name, found->second), fmt::format("{}: array '{}'", path_.string(), name));
}

}  // namespace abr
