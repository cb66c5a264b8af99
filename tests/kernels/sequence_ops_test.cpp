#include "kernels/sequence_ops.hpp"

#include <doctest/doctest.h>

#include "tests/kernels/support.hpp"

using namespace abr;
using namespace abr::test;

namespace {

template <class T>
std::vector<T> sum(std::vector<T> a, const std::vector<T>& b) {
    for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
    return a;
}

template <class T>
void check_output(const GuardedSequence<T>& y) {
    y.check_zero_padding();
    y.check_sentinels();
}

}  // namespace

TEST_CASE_TEMPLATE("sequences are copied and added whatever their padding", T, float, double) {
    for (const int threads : {1, 3})
        for (const Index length : {1, 31, 200, 257})
            for (const Index channels : {1, 16, 33}) {
                cpu::Stream stream(threads);
                GuardedSequence<T> a(3, length, channels, 2), b(3, length, channels, 0),
                    y(3, length, channels, 5);
                a.fill_random(1);
                b.fill_random(2);
                cpu::copy<T>(stream, a.view(), y.view(), Write::overwrite);
                CHECK(y.values() == a.values());
                check_output(y);
                cpu::copy<T>(stream, b.view(), y.view(), Write::accumulate);
                CHECK(y.values() == sum(a.values(), b.values()));
                check_output(y);
                y.poison();
                cpu::add<T>(stream, a.view(), b.view(), y.view());
                CHECK(y.values() == sum(a.values(), b.values()));
                check_output(y);
            }
}

TEST_CASE_TEMPLATE("channels are concatenated and split again", T, float, double) {
    cpu::Stream stream(2);
    for (const Index channels_a : {1, 16, 33})
        for (const Index channels_b : {1, 31, 64}) {
            const Index length = 25;
            GuardedSequence<T> a(2, length, channels_a, 1), b(2, length, channels_b, 2),
                y(2, length, channels_a + channels_b, 3);
            a.fill_random(1);
            b.fill_random(2);
            cpu::concat_channels<T>(stream, a.view(), b.view(), y.view());
            check_output(y);
            for (Index t = 0; t < length; ++t)
                for (Index c = 0; c < channels_a + channels_b; ++c)
                    CHECK(y.view().row(1, t)[c] ==
                          (c < channels_a ? a.view().row(1, t)[c] : b.view().row(1, t)[c - channels_a]));

            GuardedSequence<T> da(2, length, channels_a, 4), db(2, length, channels_b, 0);
            db.fill_random(3);
            const auto before = db.values();
            cpu::split_channels<T>(stream, y.view(), da.view(), Write::overwrite, db.view(),
                                   Write::accumulate);
            CHECK(da.values() == a.values());
            CHECK(db.values() == sum(before, b.values()));
            check_output(da);
            check_output(db);
        }
}
