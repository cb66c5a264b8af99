// libFuzzer target. Configuration files.
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "tests/fuzz/readers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    abr::fuzz::read_toml({reinterpret_cast<const char*>(data), size});
    return 0;
}
