// "Time and columns", as scripts and plotting programs write it: a line of names, then lines of numbers.
//
//   Time (ms)   90 dB   80 dB   70 dB        separated by tabs, semicolons, commas or spaces
//   0.00       -0.0123  0.0045  0.0031
//
// The first name begins with "time" or is "t" or "ms", and says the unit of the times (ms, us, s); times are relative
// to the stimulus and evenly spaced. Every other column is an average; its level is the number before "dB" in its
// name, and its unit the one in brackets there, uV without. Lines before the names may begin with # or %.
#pragma once

#include "engine/import/layout.hpp"

namespace abr {
extern const Layout kTimeColumns;
}  // namespace abr
