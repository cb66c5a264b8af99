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

// Why a zip archive is no CSV file, or no NPZ file: what it seems to be, and the command that converts it.
std::string zip_message(const std::filesystem::path&, std::string_view first_bytes,
                        std::string_view expected);

}  // namespace abr
