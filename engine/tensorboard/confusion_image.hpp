// A confusion matrix as a picture.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace abr {

struct GreyImage {
    int width = 0, height = 0;
    std::vector<std::uint8_t> pixels;  // (height, width), 0 = black
};

// One square for each true class (rows, from the top) and predicted class (columns, from the left), both in the
// order of data.classes: the darker, the larger its part of the true class's recordings, with that part in
// percent. counts (K, K), row-major.
GreyImage draw_confusion(const std::vector<double>& counts, std::size_t classes);

// Throws RunError where libpng cannot.
std::string encode_png(const GreyImage&);

}  // namespace abr
