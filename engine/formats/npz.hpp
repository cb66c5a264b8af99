// Reading of NumPy's .npz: a zip archive of .npy arrays, as numpy.savez and numpy.savez_compressed write it
// (zip: PKWARE APPNOTE 6.3). Stored and deflated members and zip64 are read, encrypted archives refused.
// Anything that does not fit (truncation, sizes or checksums that lie, a member twice) is an InputError that
// names the file and the array.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "engine/formats/npy.hpp"

namespace abr {

class NpzFile {
  public:
    // Reads the archive's directory; the arrays are read when asked for.
    static NpzFile open(const std::filesystem::path&);

    std::vector<std::string> names() const;  // sorted, without ".npy"
    bool contains(const std::string& array) const { return members_.count(array) != 0; }
    // InputError where there is no such array.
    NpyArray array(const std::string& name) const;

  private:
    struct Member {
        std::uint16_t method = 0;  // 0 stored, 8 deflated
        std::uint32_t crc = 0;
        std::uint64_t compressed = 0, size = 0;  // bytes
        std::uint64_t local_header = 0;          // offset in the file
    };
    void read_directory();
    std::string read_member(const std::string& name, const Member&) const;

    std::filesystem::path path_;
    std::uint64_t file_size_ = 0;
    std::map<std::string, Member> members_;
};

}  // namespace abr
