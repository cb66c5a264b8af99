// libFuzzer target. CSV tables: the first byte chooses layout and on_bad_row.
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "tests/fuzz/readers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    abr::fuzz::read_csv(bytes, (data[0] & 1) != 0, (data[0] & 2) != 0);
    return 0;
}
