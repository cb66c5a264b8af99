// Reading recordings from NumPy's .npz (numpy.savez, savez_compressed): the data contract's names as arrays.
//
//   signal, clean        (N, T) numbers, uV; a row of clean is whole or all NaN
//   every other field    (N) numbers or text; NaN, an empty text, NA and NaN mean missing
//   sample_interval_ms   (N), or one number for the file
// A filter may name any array of shape (N). Arrays that nothing asks for are not read.
#pragma once

#include "engine/config/config.hpp"
#include "engine/input/read_recordings.hpp"
#include "engine/recordings.hpp"

namespace abr {

// Rows are judged as those of a CSV file (engine/input/row_reader.hpp). Fills the counts of the report, whose
// lines are rows of the arrays, from 1. InputError as in read_recordings. Memory: at most the array as it
// stands in the file and twice the signals in float.
Recordings read_npz_recordings(const DataConfig& config, ReadReport& report);

}  // namespace abr
