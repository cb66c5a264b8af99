// Bounds of a number, or of every number of a list.
#pragma once

#include <limits>

namespace abr {

struct Range {
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();
    bool includes_low = true;
    bool includes_high = true;

    bool contains(double x) const {  // false for NaN
        return (includes_low ? x >= low : x > low) && (includes_high ? x <= high : x < high);
    }
};

}  // namespace abr
