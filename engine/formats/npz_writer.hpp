// Writing NumPy's .npz, as numpy.savez lays it out: a zip archive (PKWARE APPNOTE 6.3) of stored .npy arrays with zip64
// sizes, so that an array may exceed 4 GiB.
//
// Nothing is copied but one text at a time. Every error of the file is a FileError.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/output/file.hpp"

namespace abr {

class NpzWriter {
  public:
    explicit NpzWriter(OutputFile& file) : file_(file) {}

    // float32 (rows, columns), of rows that are equally long.
    void add(std::string_view name, std::span<const std::vector<float>> rows);
    void add(std::string_view name, std::span<const float> values);       // float32 (N)
    void add(std::string_view name, double value);                        // float64 ()
    void add(std::string_view name, std::span<const std::string> texts);  // UTF-8, as <U (N)

    // Writes the archive's directory; nothing may be added afterwards.
    void finish();

  private:
    using Piece = std::function<void(std::string_view)>;
    void add_array(std::string_view name, std::string_view type, std::string_view shape, std::uint64_t bytes,
                   const std::function<void(const Piece&)>& pieces);
    void write(std::string_view bytes);

    OutputFile& file_;
    std::uint64_t position_ = 0, members_ = 0;
    std::string directory_;
};

}  // namespace abr
