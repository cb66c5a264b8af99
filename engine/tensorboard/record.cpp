#include "engine/tensorboard/record.hpp"

#include <array>

namespace abr {
namespace {

std::array<std::uint32_t, 256> make_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t remainder = byte;
        for (int bit = 0; bit < 8; ++bit) remainder = (remainder >> 1) ^ ((remainder & 1) ? 0x82F63B78u : 0u);
        table[byte] = remainder;
    }
    return table;
}

std::string little_endian(std::uint64_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>((value >> (8 * i)) & 0xFF);
    return text;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
    static const auto table = make_table();
    std::uint32_t crc = ~0u;
    for (const char c : bytes) crc = (crc >> 8) ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xFF];
    return ~crc;
}

std::uint32_t masked_crc32c(std::string_view bytes) {
    const std::uint32_t crc = crc32c(bytes);
    return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
}

std::string framed_record(std::string_view bytes) {
    const std::string length = little_endian(bytes.size(), 8);
    std::string record = length + little_endian(masked_crc32c(length), 4);
    record += bytes;
    return record + little_endian(masked_crc32c(bytes), 4);
}

}  // namespace abr
