// Moves of kernels/sequence_ops.hpp: one task a sample.
#include "kernels/sequence_ops.hpp"

#include <algorithm>

#include "kernels/cpu/padding.hpp"
#include "kernels/cpu/stream.hpp"
#include "kernels/operand_checks.hpp"

namespace abr::cpu {
namespace {

// to (n) = from (n), or to += from.
template <class T>
void move(const T* from, Index n, T* to, Write write) {
    if (write == Write::overwrite)
        std::copy_n(from, n, to);
    else
        for (Index i = 0; i < n; ++i) to[i] += from[i];
}

}  // namespace

template <class T>
void copy(Stream& stream, Sequence<const T> x, Sequence<T> y, Write write) {
    const ProfileScope scope(stream.profile(), __func__);
    check_alike(__func__, {{"x", x}, {"y", y}});
    stream.parallel_for(x.batch, [&](Index b) {
        zero_padding(y, b);
        move(x.row(b, 0), x.length * x.channels, y.row(b, 0), write);
    });
}

template <class T>
void add(Stream& stream, Sequence<const T> a, Sequence<const T> b, Sequence<T> y) {
    const ProfileScope scope(stream.profile(), __func__);
    check_alike(__func__, {{"a", a}, {"b", b}, {"y", y}});
    stream.parallel_for(y.batch, [&](Index sample) {
        zero_padding(y, sample);
        const T* from_a = a.row(sample, 0);
        const T* from_b = b.row(sample, 0);
        T* to = y.row(sample, 0);
        for (Index i = 0; i < y.length * y.channels; ++i) to[i] = from_a[i] + from_b[i];
    });
}

template <class T>
void concat_channels(Stream& stream, Sequence<const T> a, Sequence<const T> b, Sequence<T> y) {
    const ProfileScope scope(stream.profile(), __func__);
    check_concatenation(__func__, {"a", a}, {"b", b}, {"y", y});
    stream.parallel_for(y.batch, [&](Index sample) {
        zero_padding(y, sample);
        for (Index t = 0; t < y.length; ++t) {
            std::copy_n(a.row(sample, t), a.channels, y.row(sample, t));
            std::copy_n(b.row(sample, t), b.channels, y.row(sample, t) + a.channels);
        }
    });
}

template <class T>
void split_channels(Stream& stream, Sequence<const T> dy, Sequence<T> da, Write write_a, Sequence<T> db,
                    Write write_b) {
    const ProfileScope scope(stream.profile(), __func__);
    check_concatenation(__func__, {"da", da}, {"db", db}, {"dy", dy});
    stream.parallel_for(dy.batch, [&](Index sample) {
        zero_padding(da, sample);
        zero_padding(db, sample);
        for (Index t = 0; t < dy.length; ++t) {
            move(dy.row(sample, t), da.channels, da.row(sample, t), write_a);
            move(dy.row(sample, t) + da.channels, db.channels, db.row(sample, t), write_b);
        }
    });
}

template void copy(Stream&, Sequence<const float>, Sequence<float>, Write);
template void copy(Stream&, Sequence<const double>, Sequence<double>, Write);
template void add(Stream&, Sequence<const float>, Sequence<const float>, Sequence<float>);
template void add(Stream&, Sequence<const double>, Sequence<const double>, Sequence<double>);
template void concat_channels(Stream&, Sequence<const float>, Sequence<const float>, Sequence<float>);
template void concat_channels(Stream&, Sequence<const double>, Sequence<const double>, Sequence<double>);
template void split_channels(Stream&, Sequence<const float>, Sequence<float>, Write, Sequence<float>, Write);
template void split_channels(Stream&, Sequence<const double>, Sequence<double>, Write, Sequence<double>,
                             Write);

}  // namespace abr::cpu
