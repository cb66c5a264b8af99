#include <algorithm>
#include <cmath>

#include "tests/kernels/batch_problem.hpp"

using namespace abr;
using namespace abr::test;

namespace {

constexpr double kNormalError = 1e-6;  // that normals of two backends may have (kernels/philox.hpp)

// Missing values in the same places; the others within the bound of every op, and kNormalError where they were drawn.
void check_field(const GuardedBuffer<float>& computed, const GuardedBuffer<float>& naive,
                 const GuardedBuffer<double>& reference, double drawn, const std::string& what) {
    REQUIRE(computed.size() == reference.size());
    double bound = 0, largest = 0, error = 0;
    Index misplaced = 0;
    for (Index i = 0; i < computed.size(); ++i) {
        misplaced += std::isnan(computed[i]) != std::isnan(reference[i]);
        if (std::isnan(reference[i])) continue;
        largest = std::max(largest, std::abs(reference[i]));
        bound = std::max(bound, 2 * std::abs(static_cast<double>(naive[i]) - reference[i]));
        error = std::max(error, std::abs(static_cast<double>(computed[i]) - reference[i]));
    }
    CHECK_MESSAGE(misplaced == 0, what);
    CHECK_MESSAGE(error <= bound + 2 * 0x1p-23 * largest + drawn, what, ": error ", error, ", bound ", bound);
}

void check_batch(cuda::Stream& stream, const Split& split, const BatchSettings& settings, BatchMode mode,
                 bool with_clean, const std::vector<std::int32_t>& order = {}) {
    CAPTURE(split.length);
    CAPTURE(static_cast<int>(mode));
    const auto built = build_on<float>(stream, split, settings, mode, kState, order, with_clean);
    const auto naive = build<float>(split, settings, mode, kState, order, with_clean);
    const auto reference = build<double>(split, settings, mode, kState, order, with_clean);
    const double drawn = mode == BatchMode::validation ? 0 : kNormalError;
    check_field(built.input.buffer(), naive.input.buffer(), reference.input.buffer(), drawn, "input");
    check_field(built.statics, naive.statics, reference.statics, drawn, "statics");
    check_field(built.clean, naive.clean, reference.clean, drawn, "clean");
    check_field(built.latency, naive.latency, reference.latency, 0, "latency");
    check_field(built.amplitude, naive.amplitude, reference.amplitude, 0, "amplitude");
    check_field(built.threshold, naive.threshold, reference.threshold, 0, "threshold");
    check_field(built.mean, naive.mean, reference.mean, drawn, "mean");
    check_field(built.sd, naive.sd, reference.sd, drawn, "sd");
    CHECK(built.label.same_bits(naive.label));
    CHECK(built.first_share.same_bits(naive.first_share));
    CHECK(built.exist.same_bits(naive.exist));
    built.input.check_zero_padding();
    built.check_sentinels();
}

}  // namespace

TEST_CASE("batch: every mode builds what the reference builds") {
    cuda::Stream stream;
    const std::vector<std::int32_t> order{5, 0, 6, 1, 1};
    for (const BatchMode mode : {BatchMode::training, BatchMode::validation, BatchMode::validation_degraded})
        for (const bool with_clean : {true, false}) {
            for (const Index length : {1, 31, 33, 257}) {
                check_batch(stream, Split(7, length), everything_on(), mode, with_clean, order);
                check_batch(stream, Split(7, length), plain_settings(), mode, with_clean, order);
            }
            check_batch(stream, Split(40, 5), everything_on(), mode, with_clean);
            if (!runs_real_sizes()) continue;
            for (const Index length : {25, 50, 100, 200, 333})
                check_batch(stream, Split(1, length), everything_on(), mode, with_clean);
        }
}

TEST_CASE("batch: the same bits under every schedule") {
    cuda::Stream stream;
    for (const Index length : {33, 333}) {
        const Split split(5, length);
        const auto first = build_on<float>(stream, split, everything_on(), BatchMode::training, kState);
        for_each_schedule([&] {
            CHECK(build_on<float>(stream, split, everything_on(), BatchMode::training, kState)
                      .same_bits(first));
        });
    }
}

TEST_CASE("batch: what is off leaves every bit as it was") {
    cuda::Stream stream;
    const Split split(20);
    const auto reference = build_on<float>(stream, split, plain_settings(), BatchMode::validation);
    BatchSettings settings = everything_on();
    settings.augmentation.probability = settings.degradation.probability =
        settings.augmentation.static_dropout = settings.augmentation.band_probability = 0;
    settings.augmentation.static_noise_sd = 0;
    for (const BatchMode mode : {BatchMode::training, BatchMode::validation, BatchMode::validation_degraded})
        CHECK(build_on<float>(stream, split, settings, mode, kState).same_bits(reference));
}

TEST_CASE("batch: micro-batches draw what one large batch draws") {
    cuda::Stream stream;
    const Split split(12);
    const auto whole = build_on<float>(stream, split, everything_on(), BatchMode::training, kState);
    const auto part =
        build_on<float>(stream, split, everything_on(), BatchMode::training, kState, {}, true, 8);
    for (Index b = 0; b < 4; ++b) {
        for (Index t = 0; t < split.length; ++t) CHECK(part.signal(b)[t] == whole.signal(8 + b)[t]);
        for (int s = 0; s < kStaticInputs; ++s)
            CHECK(part.statics[b * kStaticInputs + s] == whole.statics[(8 + b) * kStaticInputs + s]);
    }
}
