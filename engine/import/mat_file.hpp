// MATLAB's MAT-files of level 5, as save(..., '-v7') and '-v6' write them (MathWorks, MAT-File Format, chapter 1).
//
// Variables are named as the data contract's columns: `signal` (N, T), a row for each recording, in uV;
// `sample_interval_ms`, and `first_sample_ms` where it is not 0, one number each; patient_id, intensity_db, ear, class and
// any other of N numbers, N cells of text or N rows of characters become columns. Other variables are left out. Complex
// numbers, big-endian files and level 7.3 (HDF5) are refused, with the way out.
#pragma once

#include "engine/import/layout.hpp"

namespace abr {
extern const Layout kMatFile;
}  // namespace abr
