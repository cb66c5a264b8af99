#include "tests/kernels/activation_problem.hpp"

#include <doctest/doctest.h>

#include "tests/kernels/simd_levels.hpp"
#include "tests/kernels/support.hpp"

using namespace abr;
using namespace abr::test;

TEST_CASE("gelu with dropout agrees with a naive version at every SIMD level") {
    for_each_simd_level([](const std::string& level) {
        CAPTURE(level);
        cpu::Stream stream(1);
        for (const auto& cases : {small_activation_cases(), real_activation_cases()})
            for (const ActivationCase& c : cases) {
                check_activation<float>(stream, c);
                check_activation<double>(stream, c);
            }
    });
}

// The largest errors on a grid of [-9, 9], far tails included; those of float are stated in kernels/cpu/simd_math.hpp.
TEST_CASE("gelu in float stays within its error bound at every SIMD level") {
    for_each_simd_level([](const std::string& level) {
        CAPTURE(level);
        const Index n = 180001;
        cpu::Stream stream(1);
        ActivationProblem<float> a({1, n, 1, {}});
        for (Index i = 0; i < n; ++i) a.x.buffer()[i] = static_cast<float>(1e-4 * static_cast<double>(i) - 9);
        a.dy.buffer().fill(1);
        a.forward(stream);
        a.backward(stream);
        double worst = 0, worst_derivative = 0;
        for (Index i = 0; i < n; ++i) {
            const auto z = static_cast<double>(a.x.buffer()[i]);
            const double error = std::abs(static_cast<double>(a.y.buffer()[i]) - gelu_reference(z));
            worst = std::max(worst, error / std::max(1.0, std::abs(z)));
            worst_derivative = std::max(worst_derivative, std::abs(static_cast<double>(a.dx.buffer()[i]) -
                                                                   gelu_derivative_reference(z)));
        }
        CHECK(worst <= 4e-7);
        CHECK(worst_derivative <= 4e-7);
    });
}

TEST_CASE("gelu of huge, infinite and missing values") {
    for_each_simd_level([](const std::string& level) {
        CAPTURE(level);
        cpu::Stream stream(1);
        ActivationProblem<float> a({1, 12, 1, {}});
        const float infinity = std::numeric_limits<float>::infinity();
        a.x.buffer().fill(1);
        a.x.buffer()[0] = 1e30f;
        a.x.buffer()[1] = -1e30f;
        a.x.buffer()[2] = infinity;
        a.x.buffer()[3] = std::nanf("");
        a.x.buffer()[11] = std::nanf("");
        a.dy.buffer().fill(1);
        a.forward(stream);
        a.backward(stream);
        CHECK(a.y.buffer()[0] == 1e30f);
        CHECK(std::abs(a.y.buffer()[1]) <= 1e-6f);
        CHECK(a.y.buffer()[2] == infinity);
        CHECK(a.dx.buffer()[0] == doctest::Approx(1).epsilon(1e-6));
        CHECK(std::abs(a.dx.buffer()[1]) <= 1e-6f);
        for (const Index i : {3, 11}) {
            CHECK(std::isnan(a.y.buffer()[i]));
            CHECK(std::isnan(a.dx.buffer()[i]));
        }
    });
}

TEST_CASE("gelu's gradient is that of finite differences and may replace its upstream gradient") {
    cpu::Stream stream(1);
    ActivationProblem<double> a({6, 7, 3, kActivationDropout});
    a.forward(stream);
    a.backward(stream);
    const auto loss = [&] {
        a.forward(stream);
        return upstream_loss(a.dy.matrix(), a.y.matrix());
    };
    check_gradient(loss, a.x.buffer().data(), 42, a.dx.buffer().data(), "dx");
    a.backward(stream, true);
    CHECK(a.dy.buffer().same_bits(a.dx.buffer()));
}

TEST_CASE("dropout keeps its share of the elements and their sum") {
    for (const float rate : {0.1f, 0.5f, 0.9f}) {
        CAPTURE(rate);
        const Index n = 200000;
        cpu::Stream stream(1);
        ActivationProblem<float> a({8, n / 8, 1, kActivationDropout});
        a.dropout.rate = rate;
        a.x.buffer().fill(10);
        a.forward(stream);
        Index kept = 0;
        double sum = 0;
        for (Index i = 0; i < n; ++i) {
            kept += a.y.buffer()[i] != 0;
            sum += static_cast<double>(a.y.buffer()[i]);
        }
        const double keep = 1 - static_cast<double>(rate);
        const double sd = std::sqrt(keep * (1 - keep) / n);
        CHECK(std::abs(static_cast<double>(kept) / n - keep) <= 4 * sd);
        CHECK(std::abs(sum / n / 10 - 1) <= 4 * sd / keep);
    }
}

TEST_CASE("dropout masks differ between layers, steps, epochs, places and seeds") {
    cpu::Stream stream(1);
    const auto masked = [&](const Dropout& dropout) {
        ActivationProblem<float> a({1, 256, 1, dropout});
        a.forward(stream);
        return a.y.values();
    };
    const auto base = masked(kActivationDropout);
    CHECK(masked(kActivationDropout) == base);
    for (int field = 0; field < 5; ++field) {
        CAPTURE(field);
        StepState state = kActivationState;
        Dropout other = kActivationDropout;
        other.state = &state;
        if (field == 0) ++other.layer;
        if (field == 1) ++state.step;
        if (field == 2) ++state.epoch;
        if (field == 3) ++other.place;
        if (field == 4) ++state.seed;
        CHECK(masked(other) != base);
    }
}

TEST_CASE("gelu gives the same bits for any number of threads") {
    cpu::Stream one(1);
    ActivationProblem<float> expected({100, 129, 25, kActivationDropout});
    expected.forward(one);
    expected.backward(one);
    for (const int threads : {1, 2, 3}) {
        cpu::Stream stream(threads);
        ActivationProblem<float> a({100, 129, 25, kActivationDropout});
        a.forward(stream);
        a.backward(stream);
        CHECK(a.y.buffer().same_bits(expected.y.buffer()));
        CHECK(a.dx.buffer().same_bits(expected.dx.buffer()));
    }
}
