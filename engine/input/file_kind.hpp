// What a file of recordings is, told by its first bytes.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace abr {

// The first bytes of a file, enough for the functions below; empty where it cannot be read.
std::string first_bytes(const std::filesystem::path&);

bool is_zip(std::string_view first_bytes);
// A zip archive whose first member is a NumPy array.
bool is_npz(std::string_view first_bytes);

// What a file is that holds no table as text and no arrays of NumPy's .npz, and how its data come in. Empty
// texts: it may be text. `bytes`: its first ones, by which it is known.
struct ForeignFile {
    std::string what, way_in;
};
ForeignFile foreign_file(const std::filesystem::path&, std::string_view bytes);

// The same of a zip archive: what it seems to be, and the command that converts it.
ForeignFile zip_file(const std::filesystem::path&, std::string_view first_bytes);

}  // namespace abr
