// libFuzzer target. Files of recording devices: the first byte chooses the layout, resampling and whether bad averages are
// left out.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/readers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t choice = data[0] & 15U;
    const auto layouts = abr::layouts();
    const std::string format(choice < layouts.size() ? layouts[choice]->name : "");
    abr::fuzz::read_import(bytes, format, (data[0] & 16U) != 0, (data[0] & 32U) != 0);
    return 0;
}
