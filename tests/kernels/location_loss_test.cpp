#include "tests/kernels/location_loss_problem.hpp"

#include <doctest/doctest.h>

using namespace abr;
using namespace abr::test;

TEST_CASE("location loss: value and gradient are those of the divergence written out") {
    cpu::Stream stream(2);
    for (const LocationLossCase& c : location_loss_cases()) {
        check_location_loss<float>(stream, c);
        check_location_loss<double>(stream, c);
    }
}

TEST_CASE("location loss: the gradient is that of finite differences") {
    cpu::Stream stream(1);
    LocationLossProblem<double> k({2, 9, 12, 1.2});
    k.run(stream);
    const auto gradient = k.dscore.values();
    for (Index b = 0; b < 2; ++b)
        check_gradient(
            [&] {
                k.sums.numerator = {};
                k.run(stream, false);
                return 0.7 / 5 * k.numerator();
            },
            k.score.view().row(b, 0), 12, gradient.data() + b * 12, "dscore");
}

TEST_CASE("location loss: a map that is the density itself costs nothing, and 0 weight teaches nothing") {
    cpu::Stream stream(1);
    LocationLossProblem<double> k({1, 30, 32, 2.5});
    const double mark = (k.target[0] - k.op.places.first) / k.op.places.step;
    for (Index t = 0; t < 30; ++t)
        k.score.view().row(0, t)[0] = 7 - std::pow((static_cast<double>(t) - mark) / 2.5, 2) / 2;
    k.sums.numerator = {};
    k.run(stream);
    CHECK(std::abs(k.numerator()) < 1e-12);
    for (const double g : k.dscore.values()) CHECK(std::abs(g) < 1e-12);

    LocationLossProblem<float> unweighted({1, 30, 32, 2.5});
    unweighted.weights = {};
    unweighted.score.view().row(0, 3)[0] = std::nanf("");
    unweighted.run(stream);
    for (const float g : unweighted.dscore.values()) CHECK(g == 0);
}

TEST_CASE("location loss: the same bits on any number of threads") {
    cpu::Stream one(1), three(3);
    LocationLossProblem<float> whole({7, 21, 24, 1.5}), again({7, 21, 24, 1.5});
    whole.run(one);
    again.run(three);
    CHECK(whole.numerator() == again.numerator());
    CHECK(whole.dscore.buffer().same_bits(again.dscore.buffer()));
}
