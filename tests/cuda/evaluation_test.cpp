#include <cmath>

#include "tests/kernels/evaluation_problem.hpp"

using namespace abr;
using namespace abr::test;

namespace {

// On the same float batch and heads only the order and the contraction of double sums differ from the CPU's.
void check_sums(const RegressionSums& computed, const RegressionSums& reference) {
    CHECK(computed.count == reference.count);
    CHECK(computed.absolute_error == doctest::Approx(reference.absolute_error).epsilon(1e-12));
    CHECK(computed.squared_error == doctest::Approx(reference.squared_error).epsilon(1e-12));
    CHECK(computed.target_mean == doctest::Approx(reference.target_mean).epsilon(1e-12));
    CHECK(computed.target_squared_deviation ==
          doctest::Approx(reference.target_squared_deviation).epsilon(1e-12));
}

void check_evaluation(cuda::Stream& stream, const Split& split, BatchMode mode, bool signal_only = false) {
    CAPTURE(split.rows);
    CAPTURE(split.length);
    Evaluation<float> computed(split), reference(split);
    for (auto* e : {&computed, &reference}) {
        e->confusion[3] = 5;  // sums and counts are added to
        e->sums.binary[Component::peak_exist].true_positive = 2;
        e->sums.signal_count = 10;
    }
    // A row that is not asked for keeps its predictions.
    std::vector<std::int32_t> order = in_order(split.rows);
    if (split.rows > 1) order.pop_back();
    computed.run_on(stream, order, mode, signal_only);
    reference.run(order, mode, 1, signal_only);
    const auto outputs = computed.outputs(), expected = reference.outputs();
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        CAPTURE(i);
        Index wrong = 0;
        for (Index r = 0; r < outputs[i]->size(); ++r) {
            const float value = (*outputs[i])[r], wanted = (*expected[i])[r];
            wrong += std::isnan(value) != std::isnan(wanted) ||
                     std::abs(value - wanted) > 1e-6f * std::abs(wanted);
        }
        CHECK(wrong == 0);
    }
    CHECK(computed.confusion.same_bits(reference.confusion));
    CHECK(std::memcmp(&computed.sums.binary[Component::peak_exist],
                      &reference.sums.binary[Component::peak_exist], sizeof(BinarySums)) == 0);
    check_sums(computed.sums.scalar[Component::peak_latency], reference.sums.scalar[Component::peak_latency]);
    check_sums(computed.sums.scalar[Component::peak_amplitude],
               reference.sums.scalar[Component::peak_amplitude]);
    check_sums(computed.sums.scalar[Component::threshold], reference.sums.scalar[Component::threshold]);
    CHECK(computed.sums.signal_count == reference.sums.signal_count);
    CHECK(computed.sums.signal_squared_error ==
          doctest::Approx(reference.sums.signal_squared_error).epsilon(1e-12));
    computed.check_sentinels();
}

}  // namespace

TEST_CASE("evaluation: predictions, counts and sums are the reference's") {
    cuda::Stream stream;
    for (const BatchMode mode : {BatchMode::validation, BatchMode::validation_degraded})
        for (const Index length : {1, 31, 33, 257}) check_evaluation(stream, Split(9, length), mode);
    check_evaluation(stream, Split(1), BatchMode::validation_degraded);
    check_evaluation(stream, Split(258, 5), BatchMode::validation_degraded);
    check_evaluation(stream, Split(7), BatchMode::validation_degraded, true);
    if (!runs_real_sizes()) return;
    for (const Index length : {25, 50, 100, 200, 333})
        check_evaluation(stream, Split(1, length), BatchMode::validation_degraded);
}

TEST_CASE("evaluation: flat signals have no correlation, equal logits the lowest class") {
    Split split(3, 31);
    split.label = {2, 2, 2};
    for (std::size_t t = 0; t < 31; ++t) split.clean[t] = 0.5f;
    Evaluation<float> e(split);
    e.logits.fill(1);
    for (Index t = 0; t < 31; ++t) e.signal.view().row(1, 0)[t] = 0.25f;
    cuda::Stream stream;
    e.run_on(stream, in_order(3), BatchMode::validation);
    for (const Index r : {0, 1}) {
        CHECK(std::isnan(e.correlation[r]));
        CHECK(std::isnan(e.snr_gain[r]));
    }
    CHECK(std::isfinite(e.correlation[2]));
    CHECK(e.confusion[2 * kClasses] == 3);
}

TEST_CASE("evaluation: the same bits under every schedule and whatever the batches") {
    cuda::Stream stream;
    const Split split(150, 7);
    const auto order = in_order(150);
    Evaluation<float> whole(split), parts(split);
    whole.run_on(stream, order, BatchMode::validation_degraded);
    parts.run_on(stream, {order.begin(), order.begin() + 16}, BatchMode::validation_degraded);
    parts.run_on(stream, {order.begin() + 16, order.end()}, BatchMode::validation_degraded);
    CHECK(parts.same_bits(whole));
    for_each_schedule([&] {
        Evaluation<float> again(split);
        again.run_on(stream, order, BatchMode::validation_degraded);
        CHECK(again.same_bits(whole));
    });
}
