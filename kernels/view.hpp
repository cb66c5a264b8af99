// Shapes and views that every op speaks. A view never owns memory.
//
// Activations are channels-last: element (b, t, c) of a Sequence lies at
//     data[(b * (length + 2 * pad) + pad + t) * channels + c].
// `pad` rows before and after each sample are kept at zero, so that a 1-D convolution reads its windows of
// kernel * channels contiguous values without a copy. Rule for every op: whoever writes a Sequence also writes
// its padding rows with zeros (memory is reused between activations).
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/host_device.hpp"

namespace abr {

using Index = std::int64_t;

// Whether an op replaces its output or adds to it. Parameter gradients always accumulate (micro-batches).
enum class Write { overwrite, accumulate };

template <class T>
struct Sequence {
    T* data = nullptr;  // (batch, pad + length + pad, channels)
    Index batch = 0;
    Index length = 0;  // samples, T
    Index channels = 0;
    Index pad = 0;  // zero rows at both ends of each sample

    ABR_HOST_DEVICE Index sample_stride() const { return (length + 2 * pad) * channels; }
    ABR_HOST_DEVICE Index size() const { return batch * sample_stride(); }  // elements, padding included
    ABR_HOST_DEVICE T* row(Index b, Index t) const {
        return data + b * sample_stride() + (pad + t) * channels;
    }
    ABR_HOST_DEVICE operator Sequence<const T>() const requires(!std::is_const_v<T>) {
        return {data, batch, length, channels, pad};
    }
};

template <class T>
struct Matrix {
    T* data = nullptr;  // (rows, columns), dense, row-major
    Index rows = 0;
    Index columns = 0;

    ABR_HOST_DEVICE Index size() const { return rows * columns; }
    ABR_HOST_DEVICE T* row(Index r) const { return data + r * columns; }
    ABR_HOST_DEVICE operator Matrix<const T>() const requires(!std::is_const_v<T>) {
        return {data, rows, columns};
    }
};

// A matrix seen as a sequence of one sample per row, and a sequence without padding seen as a matrix.
template <class T>
Matrix<T> as_matrix(Sequence<T> s) {
    return {s.data, s.batch * (s.length + 2 * s.pad), s.channels};
}

}  // namespace abr
