// What prediction and measuring take from a checkpoint: everything, and each value to its own place.
#include "engine/prediction/predictor.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <string>

#include "engine/training/setup.hpp"
#include "kernels/philox.hpp"
#include "tests/engine/small_checkpoint.hpp"

using namespace abr;
using namespace abr::test;

namespace {

// The checkpoint with weights as a network begins with, others in its average.
Checkpoint usable_checkpoint() {
    Checkpoint checkpoint = checkpoint_of(small_shape());
    checkpoint.data.classes = {"A", "B"};
    const Network network(checkpoint.shape, 1);
    network.parameters().initialise<float>(1, checkpoint.learner.value);
    network.parameters().initialise<float>(2, checkpoint.learner.ema);
    return checkpoint;
}

// Four recordings of which the second lacks age, the third its rate, the fourth FMP.
std::string table() {
    std::string text =
        "patient_id,age_years,intensity_db,rate_hz,fmp,class,wave_v_latency_ms,wave_v_amplitude_uv,threshold_"
        "db,"
        "sample_interval_ms";
    for (int k = 0; k < 30; ++k) text += ",s" + std::to_string(k);
    const char* rows[] = {"p0,3.5,80,33.3,4,A,1.1,0.3,20", "p1,,70,33.3,4,B,1.2,0.4,30",
                          "p2,3.5,60,,4,A,,,40", "p3,3.5,50,33.3,,B,0.9,0.5,50"};
    for (std::uint32_t r = 0; r < 4; ++r) {
        text += std::string("\n") + rows[r] + ",0.05";
        for (std::uint32_t k = 0; k < 30; ++k)
            text += "," + std::to_string(to_uniform(philox4x32(9, r, k, 0, 0)[0]) - 0.5f);
    }
    return text + "\n";
}

struct Folder : TemporaryFolder {
    Folder() { put(path / "table.csv", table()); }
    Predictor predictor(const Checkpoint& checkpoint) const {
        save_to(path / "c.safetensors", checkpoint);
        PredictionRequest request;
        request.checkpoint = path / "c.safetensors";
        request.data = path / "table.csv";
        request.overrides = {"run.threads=1", "run.backend=cpu"};
        return Predictor(request);
    }
};

}  // namespace

TEST_CASE("predict: what a recording lacks is filled and standardised by the checkpoint's statistics") {
    const Folder folder;
    const Checkpoint checkpoint = usable_checkpoint();
    const Predictor predictor = folder.predictor(checkpoint);
    const SplitData& data = predictor.split().data;
    REQUIRE(data.rows == 4);
    for (std::size_t r = 0; r < 4; ++r) {
        CAPTURE(r);
        const double age = r == 1 ? 41.5 : 3.5, rate = r == 2 ? 21.1 : double{33.3f}, fmp = r == 3 ? 2.5 : 4;
        const double raw[kStoredStatics] = {std::log1p(age),
                                            80 - 10 * static_cast<double>(r),
                                            rate,
                                            std::log1p(fmp),
                                            r == 1 ? 1.0 : 0.0,
                                            r == 2 ? 1.0 : 0.0,
                                            r == 3 ? 1.0 : 0.0};
        for (std::size_t i = 0; i < kStoredStatics; ++i) {
            CAPTURE(i);
            const auto place = static_cast<double>(i);
            const double expected = (raw[i] - 0.1 * place) * (3 + place);
            CHECK(data.statics[r * kStoredStatics + i] == doctest::Approx(expected).epsilon(1e-5));
        }
    }
}

TEST_CASE("predict: regression heads speak the unit of the checkpoint's targets, each its own") {
    const Folder folder;
    Checkpoint checkpoint = usable_checkpoint();
    const Evaluation scaled = folder.predictor(checkpoint).predict();
    for (const Component c : kScalars) checkpoint.statistics.target[c] = {0, 1};
    const Evaluation raw = folder.predictor(checkpoint).predict();
    const auto check = [&](Component c, double mean, double sd) {
        for (std::size_t r = 0; r < 4; ++r)
            CHECK(scaled.answer[c][r] == doctest::Approx(mean + sd * double{raw.answer[c][r]}));
        CHECK(raw.answer[c][0] != raw.answer[c][1]);
    };
    // A place is pointed at in ms, whatever unit it was learnt in.
    for (std::size_t r = 0; r < 4; ++r)
        CHECK(scaled.answer[Component::peak_latency][r] ==
              doctest::Approx(raw.answer[Component::peak_latency][r]).epsilon(1e-5));
    check(Component::peak_amplitude, 0.31, 0.12);
    check(Component::threshold, 30.5, 18.25);
}

TEST_CASE("predict: the average of the weights is what predicts where there is one") {
    const Folder folder;
    Checkpoint checkpoint = usable_checkpoint();
    const Evaluation averaged = folder.predictor(checkpoint).predict();
    std::swap(checkpoint.learner.value, checkpoint.learner.ema);
    CHECK(folder.predictor(checkpoint).predict().answer[Component::classification] !=
          averaged.answer[Component::classification]);
    checkpoint.learner.ema.clear();
    CHECK(folder.predictor(checkpoint).predict().answer == averaged.answer);
}

TEST_CASE("predict: recordings are restored as they are, and measured on the checkpoint's degraded copies") {
    const Folder folder;
    Checkpoint checkpoint = usable_checkpoint();
    const auto measured = [&] { return folder.predictor(checkpoint).measure(); };
    const Evaluation predicted = folder.predictor(checkpoint).predict();
    const Evaluation first = measured();
    REQUIRE(predicted.restored_uv.size() == 4 * 30);
    CHECK(predicted.restored_uv != first.restored_uv);
    CHECK(measured().restored_uv == first.restored_uv);
    checkpoint.evaluation.seed = 5;
    CHECK(measured().restored_uv != first.restored_uv);
    CHECK(folder.predictor(checkpoint).predict().restored_uv == predicted.restored_uv);
    DegradationSettings& degradation = checkpoint.evaluation.degradation;
    degradation.noise_sd = 0;
    CHECK(measured().restored_uv != predicted.restored_uv);  // noise that is not white
    degradation.coloured_sd = degradation.mains_sd = {};
    CHECK(measured().restored_uv == predicted.restored_uv);
    degradation.noise_sd = 0.3f;
    degradation.probability = 0;
    CHECK(measured().restored_uv == predicted.restored_uv);
}

TEST_CASE("predict: each of the checkpoint's values arrives at its own place in the learner's settings") {
    const Checkpoint checkpoint = usable_checkpoint();
    const LearnerSettings settings = learner_settings(checkpoint);
    CHECK(same_network(settings.shape, checkpoint.shape));
    CHECK(settings.seed == checkpoint.evaluation.seed);
    CHECK(settings.class_weights == std::vector<float>{0.52f, 12.2f});
    const LossSettings& loss = settings.loss;
    const auto is = [](const DistanceLoss& distance, Distance type, float delta) {
        return distance.type == type && distance.delta == delta;
    };
    CHECK(is(loss.distance[Component::signal], Distance::l1, 0.3f));
    CHECK(is(loss.distance[Component::peak_latency], Distance::mse, 1));
    CHECK(is(loss.distance[Component::peak_amplitude], Distance::huber, 0.1f));
    CHECK(is(loss.distance[Component::threshold], Distance::huber, 2));
    CHECK(loss.positive_weight == 1.7f);
    CHECK(loss.label_smoothing == 0.1f);
    CHECK(loss.focal_gamma == 2);
    CHECK(loss.classes == 2);

    const BatchSettings& batch = settings.batch;
    CHECK(batch.sample_interval_ms == doctest::Approx(0.05));
    CHECK(batch.degradation.noise_sd == 0.3f);
    CHECK(batch.degradation.probability == 1);
    const auto standardises = [](const Standardisation& s, double mean, double sd) {
        return s.mean == static_cast<float>(mean) && s.inverse_scale == static_cast<float>(1 / sd);
    };
    CHECK(standardises(batch.signal_mean, checkpoint.statistics.statics[kSignalMean].mean, 1.0 / 10));
    CHECK(standardises(batch.signal_log_sd, checkpoint.statistics.statics[kSignalLogSd].mean, 1.0 / 11));
    const auto target = [&](Component c, double mean, double sd) {
        const Scaling& scaling = settings.scaling[c];
        return standardises(batch.target[c], mean, sd) && scaling.mean == static_cast<float>(mean) &&
               scaling.scale == static_cast<float>(sd);
    };
    CHECK(target(Component::peak_latency, 6.1, 0.7));
    CHECK(target(Component::peak_amplitude, 0.31, 0.12));
    CHECK(target(Component::threshold, 30.5, 18.25));
    // Nothing of training's own.
    CHECK(batch.augmentation.probability == 0);
    CHECK(batch.augmentation.static_dropout == 0);
    CHECK(settings.ema_decay == 0);
}
