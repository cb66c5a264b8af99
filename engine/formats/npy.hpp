// One NumPy array, as .npy files hold it
// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
//
// Read are versions 1 to 3 and little-endian booleans, integers of 1 to 8 bytes, float32 and float64, text
// (<U) and bytes (|S). Arrays in Fortran order are transposed to C order. Refused, with the remedy: object
// arrays (they hold Python's pickle, which can run code), big-endian and structured arrays.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace abr {

struct NpyArray {
    // As in NumPy's dtype.kind: 'f' float, 'i' signed, 'u' unsigned, 'b' boolean, 'U' UTF-32 text, 'S' bytes.
    char kind = 'f';
    std::int64_t item_size = 4;       // bytes of an element
    std::vector<std::int64_t> shape;  // empty = a scalar
    std::string bytes;                // elements in C order
    std::string name;                 // file and array, for messages

    std::int64_t size() const;  // elements
    bool is_text() const { return kind == 'U' || kind == 'S'; }
    // Values in C order. Numbers are rounded to the type asked for (to_integers refuses floating-point arrays);
    // text is UTF-8 with the padding removed. Otherwise InputError.
    std::vector<float> to_floats() const;
    std::vector<double> to_doubles() const;
    std::vector<std::int64_t> to_integers() const;
    std::vector<std::string> to_strings() const;
};

// Reads the bytes of a .npy file; `name` stands for it in messages. InputError for anything but such an
// array, sizes that do not fit included.
NpyArray parse_npy(std::string bytes, std::string name);

}  // namespace abr
