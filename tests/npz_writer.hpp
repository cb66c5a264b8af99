// Writes .npz files for tests: arrays as numpy.savez and numpy.savez_compressed lay them out.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace abr::test {

// The bytes of values in their own order.
template <class T>
std::string raw_bytes(const std::vector<T>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// Text as <U: UTF-32, padded with zeros to the longest.
struct UnicodeArray {
    std::string descr, bytes;
    explicit UnicodeArray(const std::vector<std::u32string>& texts) {
        std::size_t width = 1;
        for (const auto& text : texts) width = std::max(width, text.size());
        for (std::u32string text : texts) {
            text.resize(width, U'\0');
            bytes.append(reinterpret_cast<const char*>(text.data()), 4 * width);
        }
        descr = "<U" + std::to_string(width);
    }
};

class NpzWriter {
  public:
    explicit NpzWriter(bool compressed = false) : compressed_(compressed) {}

    // shape: as in Python, e.g. "(3, 2)", "(3,)" or "()".
    NpzWriter& add(const std::string& name, const std::string& descr, const std::string& shape,
                   const std::string& bytes) {
        std::string header = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }";
        header.resize((header.size() + 10 + 1 + 63) / 64 * 64 - 10 - 1, ' ');
        header += '\n';
        return add_member(name + ".npy",
                          "\x93NUMPY" + std::string("\x01\0", 2) + little(header.size(), 2) + header + bytes);
    }

    NpzWriter& add_member(const std::string& name, const std::string& content) {
        const std::string data = compressed_ ? deflated(content) : content;
        const std::string common =
            little(20, 2) + little(0, 2) + little(compressed_ ? 8 : 0, 2) + little(0, 4) +
            little(
                crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size())),
                4) +
            little(data.size(), 4) + little(content.size(), 4) + little(name.size(), 2) + little(0, 2);
        directory_ += "PK\x01\x02" + little(20, 2) + common + little(0, 2) + little(0, 2) + little(0, 2) +
                      little(0, 4) + little(members_.size(), 4) + name;
        members_ += "PK\x03\x04" + common + name + data;
        ++count_;
        return *this;
    }

    std::string bytes() const {
        return members_ + directory_ + "PK\x05\x06" + little(0, 4) + little(count_, 2) + little(count_, 2) +
               little(directory_.size(), 4) + little(members_.size(), 4) + little(0, 2);
    }

  private:
    static std::string little(std::uint64_t value, std::size_t size) {
        return {reinterpret_cast<const char*>(&value), size};
    }
    static std::string deflated(const std::string& content) {
        z_stream stream{};
        if (deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
            throw std::runtime_error("deflate");
        std::string out(deflateBound(&stream, content.size()), '\0');
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
        stream.avail_in = static_cast<uInt>(content.size());
        stream.next_out = reinterpret_cast<Bytef*>(out.data());
        stream.avail_out = static_cast<uInt>(out.size());
        deflate(&stream, Z_FINISH);
        out.resize(stream.total_out);
        deflateEnd(&stream);
        return out;
    }

    bool compressed_;
    std::string members_, directory_;
    std::uint64_t count_ = 0;
};

}  // namespace abr::test
