// libFuzzer target. NPZ files: the first byte says whether the rest is an archive or the array of one name in a sound archive.
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "tests/fuzz/readers.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    static const char* const kNames[] = {"signal", "clean",     "patient_id",
                                         "class",  "age_years", "sample_interval_ms"};
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const unsigned choice = data[0] & 7U;
    if (choice >= std::size(kNames))
        abr::fuzz::read_npz(bytes);
    else
        abr::fuzz::read_npz(abr::fuzz::archive_with(kNames[choice], bytes, (data[0] & 8U) != 0));
    return 0;
}
