#include "tests/kernels/optimizer_problem.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace abr {
namespace {

using namespace test;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE_TEMPLATE("optimizer: five steps hold AdamW with clipping, decay, segments and EMA as written out",
                   T, float, double) {
    cpu::Stream stream(1);
    for (const Index size : {1, 31, 33, 257, 40001})
        for (const double clip : {0.0, 0.5, 1e6})
            for (const bool ema : {true, false}) check_five_steps<T>(stream, size, clip, ema);
}

TEST_CASE(
    "optimizer: the record holds losses, weighted total, rate and the norm before clipping, sums are "
    "cleared") {
    Optimisation<float> o(3);
    o.gradient[0] = 3;
    o.gradient[1] = 0;
    o.gradient[2] = 4;
    o.state.weights = {{1, 0, 0.5, 0, 2, 0}};
    o.sums.numerator = {{4, 8, 12, 16, 20, 24}};
    o.step(usual_adamw(), 7);
    CHECK(o.row().step == 7);
    CHECK(o.row().learning_rate == 0.01);
    CHECK(o.row().grad_norm == 5);
    CHECK(o.row().loss == PerComponent<double>{{1, 2, 3, 4, 5, 6}});
    CHECK(o.row().loss_total == 1 + 1.5 + 10);
    CHECK(o.sums.numerator == PerComponent<double>{});
    CHECK(o.sums.denominator == PerComponent<double>{});
    CHECK(o.status.bad_step == -1);
    CHECK(o.status.bad_component == -1);
}

TEST_CASE("optimizer: a component without labels has loss 0") {
    Optimisation<float> o(3);
    o.set_gradient(0);
    cpu::Stream stream(1);
    o.step_with_sums(stream, usual_adamw(), 0);
    CHECK(o.row().loss == PerComponent<double>{});
    CHECK(o.row().loss_total == 0);
    CHECK(o.status.bad_step == -1);
}

TEST_CASE("optimizer: a loss that is not finite is latched, even of weight 0, and stops every later update") {
    for (const double bad : {std::nan(""), kInfinity, -kInfinity}) {
        for (const bool on : {true, false}) {
            Optimisation<float> o(100);
            o.set_gradient(0);
            o.step(usual_adamw(), 0);
            const Optimisation<float> before = o;
            o.set_gradient(1);
            o.sums.numerator[Component::peak_amplitude] = bad;
            o.sums.numerator[Component::threshold] = bad;
            if (!on) o.state.weights[Component::peak_amplitude] = 0;
            o.step(usual_adamw(), 1);
            CHECK(o.status.bad_step == 1);
            CHECK(o.status.bad_component == static_cast<std::int32_t>(Component::peak_amplitude));
            CHECK(o.row().step == 1);
            CHECK_FALSE(std::isfinite(o.row().loss[Component::peak_amplitude]));

            o.set_gradient(2);
            o.sums.numerator[Component::signal] = bad;
            o.step(usual_adamw(), 2);
            CHECK(o.status.bad_step == 1);  // the first stays
            o.set_gradient(3);
            o.step(usual_adamw(), 3);
            CHECK(o.status.bad_step == 1);
            CHECK(o.row().step == 3);
            CHECK(o.same_state(before));
            for (const float g : values(o.gradient)) REQUIRE(g == 0);
            CHECK(o.sums.numerator == PerComponent<double>{});
        }
    }
}

TEST_CASE("optimizer: a gradient that is not finite is latched as the norm, wherever it stands") {
    const Index size = 2 * kOptimizerChunk + 5;
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        for (const Index at : {Index{0}, kOptimizerChunk + 3, size - 1}) {
            Optimisation<float> o(size);
            const Optimisation<float> before = o;
            o.set_gradient(0);
            o.gradient[at] = bad;
            o.step(usual_adamw(), 0);
            CHECK(o.status.bad_step == 0);
            CHECK(o.status.bad_component == static_cast<std::int32_t>(kComponents));
            CHECK_FALSE(std::isfinite(o.row().grad_norm));
            CHECK(o.same_state(before));
            CHECK(o.gradient[at] == 0);
        }
    }
}

TEST_CASE("optimizer: the norm of gradients whose squares overflow float is finite") {
    Optimisation<float> o(2);
    o.gradient[0] = 3e30f;
    o.gradient[1] = 4e30f;
    o.step(usual_adamw(), 0);
    CHECK(o.row().grad_norm == doctest::Approx(5e30).epsilon(1e-6));
    CHECK(o.status.bad_step == -1);
    for (const float v : values(o.value)) CHECK(std::isfinite(v));
}

TEST_CASE("optimizer: bias correction keeps its digits at t = 1 with beta2 close to 1") {
    AdamW adamw;
    adamw.beta2 = 1 - 1e-9;
    adamw.weight_decay = adamw.gradient_clip = 0;
    adamw.epsilon = 0;
    Optimisation<double> o(10);
    o.state.learning_rate = 1e-3;
    const GuardedBuffer<double> before = o.value;
    o.segments = {{0, 10, 1, false}};
    o.set_gradient(0);
    const GuardedBuffer<double> gradient = o.gradient;
    o.step(adamw, 0);
    for (Index i = 0; i < 10; ++i) {  // the first step is the rate against the gradient's sign
        CHECK(o.value[i] - before[i] == doctest::Approx(gradient[i] > 0 ? -1e-3 : 1e-3).epsilon(1e-6));
    }
}

TEST_CASE_TEMPLATE("optimizer: the same bits for 1, 2 and 3 threads", T, float, double) {
    const Index size = 5 * kOptimizerChunk + 77;
    Optimisation<T> one(size);
    for (int t = 0; t < 3; ++t) {
        one.set_gradient(t);
        one.step(usual_adamw(), t, 1);
    }
    for (const int threads : {2, 3}) {
        Optimisation<T> many(size);
        for (int t = 0; t < 3; ++t) {
            many.set_gradient(t);
            many.step(usual_adamw(), t, threads);
        }
        CHECK(many.same_state(one));
        CHECK(many.row().grad_norm == one.row().grad_norm);
    }
}

TEST_CASE("optimizer: a frozen segment keeps its bits and does not count in the norm") {
    for (const int threads : {1, 3}) {
        cpu::Stream stream(threads);
        for (const Index size : {Index{33}, 2 * kOptimizerChunk + 77}) check_frozen(stream, size);
    }
}

TEST_CASE("optimizer: where a parameter lies does not change its update") {
    // Vector bodies and tails run the same operations: the same values shifted by one element.
    Optimisation<float> o(100), shifted(101);
    o.segments = {{0, 100, 1, true}};
    shifted.segments = {{0, 1, 1, true}, {1, 101, 1, true}};
    o.set_gradient(0);
    shifted.gradient.fill(0);
    for (Index i = 0; i < 100; ++i) {
        shifted.value[i + 1] = shifted.ema[i + 1] = o.value[i];
        shifted.gradient[i + 1] = o.gradient[i];
    }
    AdamW adamw = usual_adamw();
    adamw.gradient_clip = 0;  // the norm's order of addition differs
    o.step(adamw, 0);
    shifted.step(adamw, 0);
    for (Index i = 0; i < 100; ++i) CHECK(shifted.value[i + 1] == o.value[i]);
}

}  // namespace abr
