#include "tests/kernels/pointing_problem.hpp"

#include <doctest/doctest.h>

#include "tests/kernels/simd_levels.hpp"

using namespace abr;
using namespace abr::test;

TEST_CASE("pointing agrees with a naive version at every SIMD level") {
    cpu::Stream stream(1);
    for_each_simd_level([&](const std::string& level) {
        CAPTURE(level);
        for (const PointingCase& c : pointing_cases()) {
            check_pointing<float>(stream, c);
            check_pointing<double>(stream, c);
        }
    });
}

TEST_CASE("pointing's gradients are those of finite differences, and 0 beyond the window") {
    const PointingCase c{2, 7, 9, 3};
    cpu::Stream stream(1);
    PointingProblem<double> k(c);
    k.forward(stream);
    k.backward(stream);
    const auto loss = [&] {
        k.forward(stream);
        return upstream_loss(k.dreading.matrix(), k.reading.matrix()) +
               upstream_loss(k.dplace.matrix(), k.place.matrix());
    };
    for (Index b = 0; b < c.batch; ++b) {
        check_gradient(loss, k.score.view().row(b, 0), c.length, k.dscore.view().row(b, 0), "dscore");
        check_gradient(loss, k.x.view().row(b, 0), c.length * c.channels, k.dx.view().row(b, 0), "dx");
        CHECK(k.dscore.view().row(b, c.window)[0] == 0);
    }
}

TEST_CASE("pointing at one sample gives its place and its description") {
    cpu::Stream stream(1);
    PointingProblem<float> k({1, 20, 24, 5});
    k.score.view().row(0, 13)[0] = 1000;
    k.score.view().row(0, 22)[0] = 2000;  // beyond the window
    k.forward(stream);
    CHECK(k.place.view().row(0, 0)[0] == doctest::Approx(-1.5 + 0.05 * 13));
    for (Index c = 0; c < 5; ++c) CHECK(k.reading.view().row(0, 0)[c] == k.x.view().row(0, 13)[c]);
}

TEST_CASE("pointing gives the same bits for any number of threads") {
    cpu::Stream one(1);
    const PointingCase c{5, 200, 200, 16};
    PointingProblem<float> expected(c);
    expected.forward(one);
    expected.backward(one);
    for (const int threads : {1, 2, 3}) {
        cpu::Stream stream(threads);
        PointingProblem<float> k(c);
        k.forward(stream);
        k.backward(stream);
        CHECK(k.same_bits(expected));
    }
}
