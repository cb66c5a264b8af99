// The frames of an event file (TFRecord): little-endian length, its checksum, the bytes, their checksum.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace abr {

// CRC-32C (Castagnoli 1993; RFC 3720, appendix B.4).
std::uint32_t crc32c(std::string_view bytes);
// As TFRecord stores it, so that a checksum of bytes that hold a checksum stays a good one.
std::uint32_t masked_crc32c(std::string_view bytes);

std::string framed_record(std::string_view bytes);

}  // namespace abr
