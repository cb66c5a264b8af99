// libFuzzer target. Side tables of labels.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/readers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    abr::fuzz::read_labels({reinterpret_cast<const char*>(data), size});
    return 0;
}
