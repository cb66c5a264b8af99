// What the tests of moves between sequences share on every backend. Moves are exact: nothing is rounded but a sum.
#pragma once

#include <vector>

#include "kernels/sequence_ops.hpp"
#include "tests/kernels/on_backend.hpp"
#include "tests/kernels/support.hpp"

namespace abr::test {

template <class T>
std::vector<T> sum(std::vector<T> a, const std::vector<T>& b) {
    for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
    return a;
}

// Of an output.
template <class T>
void check_padding(const GuardedSequence<T>& y) {
    y.check_zero_padding();
    y.check_sentinels();
}

template <class T, class Stream>
void check_copy_and_add(Stream& stream, Index batch, Index length, Index channels) {
    CAPTURE(length);
    CAPTURE(channels);
    GuardedSequence<T> a(batch, length, channels, 2), b(batch, length, channels, 0),
        y(batch, length, channels, 5);
    a.fill_random(1);
    b.fill_random(2);
    with_arguments(stream, [&](auto& on) { copy<T>(stream, on(a), on(y), Write::overwrite); });
    CHECK(y.values() == a.values());
    check_padding(y);
    with_arguments(stream, [&](auto& on) { copy<T>(stream, on(b), on(y), Write::accumulate); });
    CHECK(y.values() == sum(a.values(), b.values()));
    check_padding(y);
    y.poison();
    with_arguments(stream, [&](auto& on) { add<T>(stream, on(a), on(b), on(y)); });
    CHECK(y.values() == sum(a.values(), b.values()));
    check_padding(y);
}

template <class T, class Stream>
void check_concat_and_split(Stream& stream, Index length, Index channels_a, Index channels_b) {
    CAPTURE(channels_a);
    CAPTURE(channels_b);
    GuardedSequence<T> a(2, length, channels_a, 1), b(2, length, channels_b, 2),
        y(2, length, channels_a + channels_b, 3);
    a.fill_random(1);
    b.fill_random(2);
    with_arguments(stream, [&](auto& on) { concat_channels<T>(stream, on(a), on(b), on(y)); });
    check_padding(y);
    Index wrong = 0;
    for (Index sample = 0; sample < 2; ++sample)
        for (Index t = 0; t < length; ++t)
            for (Index c = 0; c < channels_a + channels_b; ++c)
                wrong +=
                    y.view().row(sample, t)[c] !=
                    (c < channels_a ? a.view().row(sample, t)[c] : b.view().row(sample, t)[c - channels_a]);
    CHECK(wrong == 0);

    GuardedSequence<T> da(2, length, channels_a, 4), db(2, length, channels_b, 0);
    db.fill_random(3);
    const auto before = db.values();
    with_arguments(stream, [&](auto& on) {
        split_channels<T>(stream, on(y), on(da), Write::overwrite, on(db), Write::accumulate);
    });
    CHECK(da.values() == a.values());
    CHECK(db.values() == sum(before, b.values()));
    check_padding(da);
    check_padding(db);
}

}  // namespace abr::test
