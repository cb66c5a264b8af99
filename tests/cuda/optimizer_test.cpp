#include "tests/kernels/optimizer_problem.hpp"

#include <limits>

using namespace abr;
using namespace abr::test;

namespace {

// Two good steps, one with a gradient that is not finite, one good one; `check` after each.
template <class Check>
void run_steps(cuda::Stream& stream, Optimisation<float>& o, const Check& check) {
    for (int t = 0; t < 4; ++t) {
        o.set_gradient(t);
        if (t == 2) o.gradient[o.size - 1] = std::numeric_limits<float>::quiet_NaN();
        o.sums.numerator = {{4, 8, 12, 16, 20, 24}};
        o.step(stream, usual_adamw(), t);
        check(t);
    }
}

}  // namespace

TEST_CASE("optimizer: five steps hold AdamW with clipping, decay, segments and EMA as written out") {
    cuda::Stream stream;
    for (const Index size : {1, 31, 33, 257, 1024})
        for (const double clip : {0.0, 0.5, 1e6})
            for (const bool ema : {true, false}) check_five_steps<float>(stream, size, clip, ema);
    if (!runs_real_sizes()) return;
    for (const Index size : {2 * kOptimizerChunk, Index{40001}})
        check_five_steps<float>(stream, size, 0.5, true);
}

TEST_CASE("optimizer: a frozen segment keeps its bits and does not count in the norm") {
    cuda::Stream stream;
    for_each_schedule([&] {
        for (const Index size : {33, 1000}) check_frozen(stream, size);
    });
}

TEST_CASE("optimizer: the same bits under every schedule") {
    cuda::Stream stream;
    for (const Index size : {Index{33}, kOptimizerChunk + 77}) {
        Optimisation<float> first(size);
        run_steps(stream, first, [](int) {});
        for_each_schedule([&] {
            Optimisation<float> again(size);
            run_steps(stream, again, [](int) {});
            CHECK(again.same_state(first));
            CHECK(again.row().grad_norm == first.row().grad_norm);
        });
    }
}

TEST_CASE("optimizer: the record is written, and the first bad step stops every later update") {
    cuda::Stream stream;
    Optimisation<float> o(kOptimizerChunk + 5);
    Optimisation<float> last_good = o;
    run_steps(stream, o, [&](int t) {
        CHECK(o.row().step == t);
        CHECK(o.row().learning_rate == 0.01);
        CHECK(std::isfinite(o.row().grad_norm) == (t != 2));
        CHECK(o.row().loss == PerComponent<double>{{1, 2, 3, 4, 5, 6}});
        CHECK(o.row().loss_total == 21);
        CHECK(o.sums.numerator == PerComponent<double>{});
        CHECK(o.sums.denominator == PerComponent<double>{});
        CHECK(o.status.bad_step == (t < 2 ? -1 : 2));
        CHECK(o.status.bad_component == (t < 2 ? -1 : static_cast<std::int32_t>(kComponents)));
        for (const float g : values(o.gradient)) REQUIRE(g == 0);
        if (t == 1) last_good = o;
        if (t >= 2) CHECK(o.same_state(last_good));
    });
}

TEST_CASE("optimizer: a loss that is not finite is latched before the norm, even of weight 0") {
    cuda::Stream stream;
    Optimisation<float> o(100);
    const Optimisation<float> before = o;
    o.set_gradient(0);
    o.gradient[3] = std::numeric_limits<float>::infinity();
    o.sums.numerator[Component::threshold] = std::nan("");
    o.state.weights[Component::threshold] = 0;
    o.step(stream, usual_adamw(), 5);
    CHECK(o.status.bad_step == 5);
    CHECK(o.status.bad_component == static_cast<std::int32_t>(Component::threshold));
    CHECK(o.row().loss_total == 0);
    CHECK(o.same_state(before));
}
