// What gather_batch draws: drift, noise, decisions, and which draws depend on what.
#include "kernels/batch.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "tests/kernels/batch_problem.hpp"

namespace abr {

using namespace test;

TEST_CASE("batch: the drift is half a slow wave on the input alone") {
    const Split split(20);
    BatchSettings settings = plain_settings();
    settings.augmentation.probability = 1;
    settings.augmentation.drift_sd = 0.5f;
    const auto built = build(split, settings, BatchMode::training, kState);
    for (Index b = 0; b < split.rows; ++b) {
        const auto place = static_cast<std::uint32_t>(b);
        const Random4 size = block(kState, Purpose::augment_decision, place, 1);
        const double phase =
            2 * std::numbers::pi * to_uniform(block(kState, Purpose::augment_decision, place, 0)[3]);
        const double height = 0.5 * to_normal(size[0], size[1]).first * split.sd(b);
        for (Index t = 0; t < split.length; ++t) {
            const auto i = static_cast<std::size_t>(b * split.length + t);
            const double wave = height * std::sin(std::numbers::pi * static_cast<double>(t) / 25 + phase);
            CHECK(built.input_uv(b, t) == doctest::Approx(split.signal[i] + wave).epsilon(1e-10));
            CHECK(std::abs(built.clean_uv(b, t) - split.clean[i]) < 1e-12);
        }
    }
}

TEST_CASE("pitfall 11: the input is degraded, the target is the clean signal or the undegraded recording") {
    const Split split(100, 200);
    BatchSettings settings = plain_settings();
    settings.degradation.noise_sd = 0.3f;
    settings.degradation.probability = 1;
    for (const bool with_clean : {true, false}) {
        for (const BatchMode mode : {BatchMode::training, BatchMode::validation_degraded}) {
            const auto built = build(split, settings, mode, kState, {}, with_clean);
            const std::vector<float>& wanted = with_clean ? split.clean : split.signal;
            double noise = 0, largest = 0, fourth = 0;
            for (Index b = 0; b < split.rows; ++b) {
                for (Index t = 0; t < split.length; ++t) {
                    const auto i = static_cast<std::size_t>(b * split.length + t);
                    largest = std::max(largest, std::abs(built.clean_uv(b, t) - wanted[i]));
                    const double added = (built.input_uv(b, t) - split.signal[i]) / split.sd(b);
                    noise += added * added;
                    fourth += added * added * added * added;
                }
            }
            CHECK(largest < 1e-12);
            noise /= 20000;
            fourth /= 20000;
            CHECK(std::sqrt(noise) == doctest::Approx(0.3).epsilon(0.02));
            CHECK(fourth / (noise * noise) == doctest::Approx(3).epsilon(0.1));  // of a normal distribution
        }
    }
    // Noise of recording 9, samples 4...7, by the header's table.
    const auto built = build(split, settings, BatchMode::training, kState);
    const Random4 words = block(kState, Purpose::degradation_noise, 9, 1);
    const NormalPair early = to_normal(words[0], words[1]), late = to_normal(words[2], words[3]);
    const float normals[4] = {early.first, early.second, late.first, late.second};
    for (Index i = 0; i < 4; ++i) {
        const double expected = split.signal[static_cast<std::size_t>(9 * 200 + 4 + i)] +
                                static_cast<double>(0.3f) * split.sd(9) * static_cast<double>(normals[i]);
        CHECK(built.input_uv(9, 4 + i) == doctest::Approx(expected).epsilon(1e-12));
    }
}

TEST_CASE("batch: probabilities are met, and what is off leaves every bit as it was") {
    const Split split(2000, 5);
    const auto reference = build<float>(split, plain_settings(), BatchMode::validation);
    BatchSettings settings = everything_on();
    settings.augmentation.probability = settings.degradation.probability =
        settings.augmentation.static_dropout = settings.augmentation.band_probability = 0;
    settings.augmentation.static_noise_sd = 0;
    for (const BatchMode mode :
         {BatchMode::training, BatchMode::validation, BatchMode::validation_degraded}) {
        CHECK(build<float>(split, settings, mode, kState).same_bits(reference));
    }
    CHECK(build<float>(split, everything_on(), BatchMode::validation, kState).same_bits(reference));

    const auto share = [&](const BatchSettings& s) {
        const auto built = build<float>(split, s, BatchMode::training, kState);
        int changed = 0;
        for (Index b = 0; b < split.rows; ++b) changed += built.sd[b] != reference.sd[b];
        return changed / 2000.0;
    };
    settings = plain_settings();
    settings.degradation.noise_sd = 0.3f;
    settings.degradation.probability = 0.25f;
    CHECK(share(settings) == doctest::Approx(0.25).epsilon(0.1));
    settings = plain_settings();
    settings.augmentation.scale_low = 0.5f;
    settings.augmentation.scale_high = 0.9f;
    settings.augmentation.probability = 0.6f;
    CHECK(share(settings) == doctest::Approx(0.6).epsilon(0.1));
    settings.augmentation.probability = 1;
    CHECK(share(settings) == 1);
}

TEST_CASE("batch: static noise and dropout touch the inputs that they name") {
    const Split split(2000, 5);
    BatchSettings settings = plain_settings();
    settings.augmentation.static_noise_sd = 0.1f;
    settings.static_sd = {1, 2, 0, 4};
    const auto plain = build(split, settings, BatchMode::validation);
    const auto noisy = build(split, settings, BatchMode::training, kState);
    for (int s = 0; s < kStaticInputs; ++s) {
        double squares = 0;
        for (Index b = 0; b < split.rows; ++b) {
            squares +=
                std::pow(noisy.statics[b * kStaticInputs + s] - plain.statics[b * kStaticInputs + s], 2);
        }
        const double sd = s < 4 ? 0.1 * settings.static_sd[static_cast<std::size_t>(s)] : 0.0;
        CHECK(std::sqrt(squares / 2000) == doctest::Approx(sd).epsilon(0.06));
    }

    settings.augmentation.static_dropout = 0.3f;  // together with the noise
    settings.fill_age = 7;
    settings.fill_rate = 8;
    settings.fill_fmp = 9;
    settings.flag_age = 10;
    settings.flag_rate = 11;
    settings.flag_fmp = 12;
    const auto dropped = build(split, settings, BatchMode::training, kState);
    const auto check = [&](int input, double fill, int flag, double missing) {
        int count = 0;
        for (Index b = 0; b < split.rows; ++b) {
            const double* row = dropped.statics.data() + b * kStaticInputs;
            const double* before = noisy.statics.data() + b * kStaticInputs;
            if (row[flag] == missing) {
                CHECK(row[input] == fill);
                ++count;
            } else {
                CHECK(row[input] == before[input]);
                CHECK(row[flag] == before[flag]);
            }
            CHECK(row[kIntensity] == before[kIntensity]);
        }
        CHECK(count / 2000.0 == doctest::Approx(0.3).epsilon(0.1));
    };
    check(kAge, 7, kAgeMissing, 10);
    check(kRate, 8, kRateMissing, 11);
    check(kFmp, 9, kFmpMissing, 12);
}

TEST_CASE("pitfall 15: draws differ between epochs, steps and seeds, and validation does not disturb them") {
    const Split split(30);
    const BatchSettings settings = everything_on();
    const auto first = build(split, settings, BatchMode::training, {.seed = 42});
    CHECK_FALSE(build(split, settings, BatchMode::training, {.seed = 42, .epoch = 1}).same_bits(first));
    CHECK_FALSE(build(split, settings, BatchMode::training, {.seed = 42, .step = 1}).same_bits(first));
    CHECK_FALSE(build(split, settings, BatchMode::training, {.seed = 43}).same_bits(first));

    const auto validated = build(split, settings, BatchMode::validation_degraded, {.seed = 42});
    CHECK(build(split, settings, BatchMode::training, {.seed = 42}).same_bits(first));
    CHECK(build(split, settings, BatchMode::validation_degraded, {.seed = 42, .step = 5, .epoch = 9})
              .same_bits(validated));
    CHECK_FALSE(build(split, settings, BatchMode::validation_degraded, {.seed = 43}).same_bits(validated));
    const auto alone =
        build(split, settings, BatchMode::validation_degraded, {.seed = 42}, {0, 0, 0, 17}, true, 3);
    for (Index t = 0; t < split.length; ++t) CHECK(alone.signal(0)[t] == validated.signal(17)[t]);
}

TEST_CASE("pitfall 4: micro-batches draw what one large batch draws") {
    const Split split(30);
    const auto whole = build(split, everything_on(), BatchMode::training, kState);
    const auto part = build(split, everything_on(), BatchMode::training, kState, {}, true, 20);
    for (Index b = 0; b < 10; ++b) {
        for (Index t = 0; t < split.length; ++t) CHECK(part.signal(b)[t] == whole.signal(20 + b)[t]);
        for (int s = 0; s < kStaticInputs; ++s) {
            CHECK(part.statics[b * kStaticInputs + s] == whole.statics[(20 + b) * kStaticInputs + s]);
        }
    }
}

TEST_CASE("batch: the same bits for 1, 2 and 3 threads") {
    const Split split(33);
    const auto one = build<float>(split, everything_on(), BatchMode::training, kState, {}, true, 0, 1);
    for (const int threads : {2, 3}) {
        CHECK(build<float>(split, everything_on(), BatchMode::training, kState, {}, true, 0, threads)
                  .same_bits(one));
    }
}

}  // namespace abr
