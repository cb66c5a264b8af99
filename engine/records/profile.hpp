// The profile of a run: profile.csv and what is printed at its end.
#pragma once

#include <filesystem>
#include <string>

#include "kernels/profile.hpp"

namespace abr {

// Columns phase, op, calls, seconds, share (of all seconds); phases in their order, the costliest op first.
void write_profile(const std::filesystem::path& path, const Profile&);
// The same as a table, with a line for each phase, without a line end at the end.
std::string profile_text(const Profile&);

}  // namespace abr
