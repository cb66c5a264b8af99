// Elementwise moves between sequences. Input and output may differ in padding; output padding is zeroed.
#pragma once

#include "kernels/streams.hpp"
#include "kernels/view.hpp"

namespace abr::cpu {

// y = x, or y += x.
template <class T>
void copy(Stream&, Sequence<const T> x, Sequence<T> y, Write);
// y = a + b.
template <class T>
void add(Stream&, Sequence<const T> a, Sequence<const T> b, Sequence<T> y);
// y[..., 0:Ca] = a, y[..., Ca:] = b.
template <class T>
void concat_channels(Stream&, Sequence<const T> a, Sequence<const T> b, Sequence<T> y);
// The inverse: da and db overwritten or accumulated.
template <class T>
void split_channels(Stream&, Sequence<const T> dy, Sequence<T> da, Write write_a, Sequence<T> db,
                    Write write_b);

}  // namespace abr::cpu

namespace abr::cuda {

template <class T>
void copy(Stream&, Sequence<const T> x, Sequence<T> y, Write);
template <class T>
void add(Stream&, Sequence<const T> a, Sequence<const T> b, Sequence<T> y);
template <class T>
void concat_channels(Stream&, Sequence<const T> a, Sequence<const T> b, Sequence<T> y);
template <class T>
void split_channels(Stream&, Sequence<const T> dy, Sequence<T> da, Write write_a, Sequence<T> db,
                    Write write_b);

}  // namespace abr::cuda
