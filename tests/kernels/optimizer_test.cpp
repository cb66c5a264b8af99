#include "kernels/optimizer.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/kernels/support.hpp"

namespace abr {
namespace {

using test::GuardedBuffer;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

AdamW usual() {
    AdamW adamw;
    adamw.learning_rate = 0.01;
    adamw.weight_decay = 0.1;
    adamw.gradient_clip = 1;
    adamw.ema_decay = 0.9;
    return adamw;
}

// Three segments: decay, none, decay at another rate; their borders fall inside vectors and chunks.
template <class T>
struct Optimisation {
    Index size;
    std::vector<ParameterSegment> segments;
    GuardedBuffer<T> value, gradient, first_moment, second_moment, ema;
    GuardedBuffer<double> workspace;
    PerComponent<double> weights{{1, 1, 1, 1, 1, 1}};
    LossSums sums;
    StepRecord row;
    StepStatus status;

    explicit Optimisation(Index n)
        : size(n),
          segments{
              {0, n / 3, 1, true}, {n / 3, n / 3, 9, true}, {n / 3, n / 2, 1, false}, {n / 2, n, 0.3f, true}},
          value(n),
          gradient(n),
          first_moment(n),
          second_moment(n),
          ema(n),
          workspace(optimizer_workspace(n)) {
        value.fill_random(1);
        for (Index i = 0; i < n; ++i) ema[i] = value[i];
        first_moment.fill(T{0});
        second_moment.fill(T{0});
    }
    void set_gradient(std::int64_t step, double scale = 1) {
        gradient.fill_random(100 + static_cast<std::uint64_t>(step), scale);
    }
    void step(const AdamW& adamw, std::int64_t number, int threads = 1) {
        cpu::Stream stream(threads);
        for (std::size_t c = 0; c < kComponents; ++c) sums.denominator[c] = 4;
        cpu::optimizer_step<T>(
            stream, adamw,
            {size, value.data(), gradient.data(), first_moment.data(), second_moment.data(),
             adamw.ema_decay > 0 ? ema.data() : nullptr, segments.data(), static_cast<Index>(segments.size()),
             number, &weights, &sums, &row, &status, workspace.data()});
    }
    bool same_state(const Optimisation& o) const {
        return value.same_bits(o.value) && first_moment.same_bits(o.first_moment) &&
               second_moment.same_bits(o.second_moment) && ema.same_bits(o.ema);
    }
};

// The update as the header writes it, in precision R.
template <class R>
struct Reference {
    std::vector<R> value, first_moment, second_moment, ema;
    double norm = 0;

    template <class T>
    explicit Reference(const Optimisation<T>& o) {
        for (Index i = 0; i < o.size; ++i) value.push_back(static_cast<R>(o.value[i]));
        ema = value;
        first_moment.resize(value.size());
        second_moment.resize(value.size());
    }
    template <class T>
    void step(const AdamW& a, const Optimisation<T>& o, int t) {
        R squares = 0;
        for (Index i = 0; i < o.size; ++i)
            squares += static_cast<R>(o.gradient[i]) * static_cast<R>(o.gradient[i]);
        norm = static_cast<double>(std::sqrt(squares));
        const R clip =
            a.gradient_clip > 0 ? static_cast<R>(std::min(1.0, a.gradient_clip / (norm + 1e-6))) : R{1};
        const auto b1 = static_cast<R>(a.beta1), b2 = static_cast<R>(a.beta2),
                   d = static_cast<R>(a.ema_decay);
        for (const ParameterSegment& s : o.segments) {
            const R rate = static_cast<R>(a.learning_rate) * static_cast<R>(s.rate_multiplier);
            for (Index j = s.begin; j < s.end; ++j) {
                const auto i = static_cast<std::size_t>(j);
                const R g = clip * static_cast<R>(o.gradient[j]);
                if (s.decay) value[i] *= 1 - rate * static_cast<R>(a.weight_decay);
                first_moment[i] = b1 * first_moment[i] + (1 - b1) * g;
                second_moment[i] = b2 * second_moment[i] + (1 - b2) * g * g;
                const R m = first_moment[i] / (1 - std::pow(b1, static_cast<R>(t)));
                const R v = second_moment[i] / (1 - std::pow(b2, static_cast<R>(t)));
                value[i] -= rate * m / (std::sqrt(v) + static_cast<R>(a.epsilon));
                ema[i] = d * ema[i] + (1 - d) * value[i];
            }
        }
    }
};

}  // namespace

TEST_CASE_TEMPLATE("optimizer: five steps hold AdamW with clipping, decay, segments and EMA as written out",
                   T, float, double) {
    for (const Index size : {1, 31, 33, 257, 40001}) {
        for (const double clip : {0.0, 0.5, 1e6}) {
            for (const bool ema : {true, false}) {
                AdamW adamw = usual();
                adamw.gradient_clip = clip;
                if (!ema) adamw.ema_decay = 0;
                Optimisation<T> o(size);
                const GuardedBuffer<T> ema_before = o.ema;
                Reference<T> naive(o);
                Reference<test::Wide<T>> reference(o);
                for (int t = 1; t <= 5; ++t) {
                    adamw.learning_rate = 0.01 * t;
                    o.set_gradient(t, t == 3 ? 100 : 1);
                    naive.step(adamw, o, t);
                    reference.step(adamw, o, t);
                    o.step(adamw, t - 1);
                    CHECK(o.row.grad_norm == doctest::Approx(reference.norm).epsilon(1e-13));
                }
                test::check_error(values(o.value), naive.value, reference.value, "value");
                test::check_error(values(o.first_moment), naive.first_moment, reference.first_moment, "m");
                test::check_error(values(o.second_moment), naive.second_moment, reference.second_moment, "v");
                if (ema) test::check_error(values(o.ema), naive.ema, reference.ema, "ema");
                if (!ema) CHECK(o.ema.same_bits(ema_before));
                for (const T g : values(o.gradient)) REQUIRE(g == T{0});
                for (const auto* buffer :
                     {&o.value, &o.gradient, &o.first_moment, &o.second_moment, &o.ema}) {
                    buffer->check_sentinels();
                }
                o.workspace.check_sentinels();
            }
        }
    }
}

TEST_CASE(
    "optimizer: the record holds losses, weighted total, rate and the norm before clipping; sums are "
    "cleared") {
    Optimisation<float> o(3);
    o.gradient[0] = 3;
    o.gradient[1] = 0;
    o.gradient[2] = 4;
    o.weights = {{1, 0, 0.5, 0, 2, 0}};
    o.sums.numerator = {{4, 8, 12, 16, 20, 24}};
    o.step(usual(), 7);
    CHECK(o.row.step == 7);
    CHECK(o.row.learning_rate == 0.01);
    CHECK(o.row.grad_norm == 5);
    CHECK(o.row.loss == PerComponent<double>{{1, 2, 3, 4, 5, 6}});
    CHECK(o.row.loss_total == 1 + 1.5 + 10);
    CHECK(o.sums.numerator == PerComponent<double>{});
    CHECK(o.sums.denominator == PerComponent<double>{});
    CHECK(o.status.bad_step == -1);
    CHECK(o.status.bad_component == -1);
}

TEST_CASE("optimizer: a component without labels has loss 0") {
    Optimisation<float> o(3);
    o.set_gradient(0);
    cpu::Stream stream(1);
    cpu::optimizer_step<float>(
        stream, usual(),
        {3, o.value.data(), o.gradient.data(), o.first_moment.data(), o.second_moment.data(), o.ema.data(),
         o.segments.data(), 4, 0, &o.weights, &o.sums, &o.row, &o.status, o.workspace.data()});
    CHECK(o.row.loss == PerComponent<double>{});
    CHECK(o.row.loss_total == 0);
    CHECK(o.status.bad_step == -1);
}

TEST_CASE("optimizer: a loss that is not finite is latched, even of weight 0, and stops every later update") {
    for (const double bad : {std::nan(""), kInfinity, -kInfinity}) {
        for (const bool on : {true, false}) {
            Optimisation<float> o(100);
            o.set_gradient(0);
            o.step(usual(), 0);
            const Optimisation<float> before = o;
            o.set_gradient(1);
            o.sums.numerator[Component::peak_amplitude] = bad;
            o.sums.numerator[Component::threshold] = bad;
            if (!on) o.weights[Component::peak_amplitude] = 0;
            o.step(usual(), 1);
            CHECK(o.status.bad_step == 1);
            CHECK(o.status.bad_component == static_cast<std::int32_t>(Component::peak_amplitude));
            CHECK(o.row.step == 1);
            CHECK_FALSE(std::isfinite(o.row.loss[Component::peak_amplitude]));

            o.set_gradient(2);
            o.sums.numerator[Component::signal] = bad;
            o.step(usual(), 2);
            CHECK(o.status.bad_step == 1);  // the first stays
            o.set_gradient(3);
            o.step(usual(), 3);
            CHECK(o.status.bad_step == 1);
            CHECK(o.row.step == 3);
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
            o.step(usual(), 0);
            CHECK(o.status.bad_step == 0);
            CHECK(o.status.bad_component == static_cast<std::int32_t>(kComponents));
            CHECK_FALSE(std::isfinite(o.row.grad_norm));
            CHECK(o.same_state(before));
            CHECK(o.gradient[at] == 0);
        }
    }
}

TEST_CASE("optimizer: the norm of gradients whose squares overflow float is finite") {
    Optimisation<float> o(2);
    o.gradient[0] = 3e30f;
    o.gradient[1] = 4e30f;
    o.step(usual(), 0);
    CHECK(o.row.grad_norm == doctest::Approx(5e30).epsilon(1e-6));
    CHECK(o.status.bad_step == -1);
    for (const float v : values(o.value)) CHECK(std::isfinite(v));
}

TEST_CASE("optimizer: bias correction keeps its digits at t = 1 with beta2 close to 1") {
    AdamW adamw;
    adamw.beta2 = 1 - 1e-9;
    adamw.weight_decay = adamw.gradient_clip = 0;
    adamw.epsilon = 0;
    Optimisation<double> o(10);
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
        one.step(usual(), t, 1);
    }
    for (const int threads : {2, 3}) {
        Optimisation<T> many(size);
        for (int t = 0; t < 3; ++t) {
            many.set_gradient(t);
            many.step(usual(), t, threads);
        }
        CHECK(many.same_state(one));
        CHECK(many.row.grad_norm == one.row.grad_norm);
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
    AdamW adamw = usual();
    adamw.gradient_clip = 0;  // the norm's order of addition differs
    o.step(adamw, 0);
    shifted.step(adamw, 0);
    for (Index i = 0; i < 100; ++i) CHECK(shifted.value[i + 1] == o.value[i]);
}

}  // namespace abr
