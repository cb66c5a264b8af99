#include "tests/kernels/group_norm_problem.hpp"

#include <doctest/doctest.h>

#include "tests/kernels/simd_levels.hpp"

using namespace abr;
using namespace abr::test;

TEST_CASE("group norm agrees with a naive version at every SIMD level") {
    for_each_simd_level([](const std::string& level) {
        CAPTURE(level);
        cpu::Stream stream(1);
        for (const auto& c : group_norm_cases()) {
            check_group_norm<float>(stream, c);
            check_group_norm<double>(stream, c);
        }
    });
}

TEST_CASE("group norm's gradients are those of finite differences") {
    for (const GroupNormCase& c : {GroupNormCase{2, 7, 6, 3, true, true, true, 0.3f},
                                   GroupNormCase{2, 5, 12, 2, false, true, false, 0},
                                   GroupNormCase{1, 9, 33, 3, true, false, true, 0}}) {
        CAPTURE(name_of(c));
        cpu::Stream stream(1);
        GroupNormProblem<double> a(c);
        a.forward(stream);
        a.backward(stream);
        const auto loss = [&] {
            a.forward(stream);
            return upstream_loss(a.dy.view(), a.y.view());
        };
        // Real rows of x and residual, sample by sample.
        for (Index b = 0; b < c.batch; ++b) {
            const Index n = c.length * c.channels;
            check_gradient(loss, a.x.view().row(b, 0), n, a.dx.view().row(b, 0), "dx");
            if (c.residual)
                check_gradient(loss, a.residual.view().row(b, 0), n, a.dresidual.view().row(b, 0),
                               "dresidual");
        }
        if (c.film) check_gradient(loss, a.film.data(), a.film.size(), a.dfilm.data(), "dfilm");
        check_gradient(loss, a.weight.data(), c.channels, a.dweight.data(), "dweight");
        check_gradient(loss, a.bias.data(), c.channels, a.dbias.data(), "dbias");
    }
}

TEST_CASE("group norm adds to the parameter gradients and replaces all else") {
    const GroupNormCase c{2, 31, 24, 4, true, true, true, 0.2f};
    cpu::Stream stream(1);
    GroupNormProblem<double> once(c);
    once.forward(stream);
    once.backward(stream);
    GroupNormProblem<double> twice(c);
    twice.forward(stream);
    twice.backward(stream);
    twice.backward(stream);
    for (Index i = 0; i < c.channels; ++i) {
        CHECK(twice.dweight[i] == 2 * once.dweight[i]);
        CHECK(twice.dbias[i] == 2 * once.dbias[i]);
    }
    CHECK(twice.dx.buffer().same_bits(once.dx.buffer()));
    CHECK(twice.dresidual.buffer().same_bits(once.dresidual.buffer()));
    CHECK(twice.dfilm.same_bits(once.dfilm));
}

TEST_CASE("group norm gives the same bits for any number of threads") {
    const GroupNormCase c{5, 200, 48, 8, true, true, true, 0.1f};
    cpu::Stream one(1);
    GroupNormProblem<float> expected(c);
    expected.forward(one);
    expected.backward(one);
    for (const int threads : {1, 2, 3}) {
        cpu::Stream stream(threads);
        GroupNormProblem<float> a(c);
        a.forward(stream);
        a.backward(stream);
        CHECK(a.same_bits(expected));
    }
}

TEST_CASE("pitfall 4: two micro-batches draw the dropout mask of the whole batch") {
    const Index length = 25, channels = 33;
    cpu::Stream stream(1);
    const GroupNorm op{channels, 3, true};
    GuardedSequence<float> x(4, length, channels, 0), y(4, length, channels, 0), half(2, length, channels, 0);
    x.fill_random(1);
    GuardedBuffer<float> weight(channels), bias(channels), mean(12), rstd(12);
    weight.fill(1);
    bias.fill(1);
    const StepState state{.seed = 3};
    const auto forward = [&](Sequence<const float> from, Index place, Sequence<float> to) {
        cpu::group_norm_forward<float>(stream, op,
                                       {.x = from,
                                        .weight = weight.data(),
                                        .bias = bias.data(),
                                        .dropout = {.rate = 0.4f, .state = &state, .place = place},
                                        .y = to,
                                        .mean = mean.data(),
                                        .rstd = rstd.data()});
    };
    forward(x.view(), 10, y.view());
    for (const Index first : {0, 2}) {
        auto part = x.view();
        part.data = part.row(first, 0);
        part.batch = 2;
        forward(part, 10 + first, half.view());
        CHECK(std::memcmp(half.buffer().data(), y.view().row(first, 0),
                          sizeof(float) * static_cast<std::size_t>(half.size())) == 0);
    }
}

TEST_CASE("group norm passes NaN on at every SIMD level") {
    for_each_simd_level([](const std::string& level) {
        CAPTURE(level);
        cpu::Stream stream(1);
        GroupNormProblem<float> a({1, 9, 20, 2, true, false, false, 0});
        a.x.view().row(0, 4)[3] = std::numeric_limits<float>::quiet_NaN();
        a.forward(stream);
        a.backward(stream);
        CHECK(std::isnan(a.y.view().row(0, 0)[0]));
        CHECK(std::isnan(a.dx.view().row(0, 0)[0]));
        CHECK(!std::isnan(a.y.view().row(0, 0)[10]));  // the other group
    });
}
