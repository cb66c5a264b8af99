#include "engine/config/curriculum.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "engine/keys/load.hpp"
#include "test_paths.hpp"

using namespace abr;

namespace {

constexpr int kEpochs = 100;

// What a configuration that ships says about its weights, written down here a second time.
struct Shipped {
    std::string file;
    PerComponent<double> weights;
    int class_start, peak_start, threshold_start, ramp;
    int first_final;
};

constexpr double kLocation = task_of(Component::peak_location).default_weight;
const Shipped kBefore = {
    "production_before.toml", {{1.0, 0.5, 1.0, 1.0, 1.5, 0.8, kLocation}}, 3, 5, 10, 5, 14};
const Shipped kImproved = {
    "production_improved.toml", {{0.8, 0.6, 1.2, 1.2, 2.5, 1.0, kLocation}}, 0, 3, 8, 8, 15};

double ramped(int epoch, int start, int ramp) {
    if (epoch < start) return 0;
    return epoch < start + ramp ? (epoch - start + 1) / static_cast<double>(ramp) : 1;
}

}  // namespace

TEST_CASE("curriculum: the weights of both production configurations follow the formula in every epoch") {
    for (const Shipped& shipped : {kBefore, kImproved}) {
        CAPTURE(shipped.file);
        const Config config = load_config(ABR_SOURCE_DIR "/configs/" + shipped.file);
        CHECK(config.loss.weights == shipped.weights);
        CHECK(first_final_epoch(config.loss, config.curriculum) == shipped.first_final);
        CHECK(final_weights(config.loss, config.curriculum) == shipped.weights);
        for (int epoch = 0; epoch < kEpochs; ++epoch) {
            CAPTURE(epoch);
            const auto weights = epoch_weights(config.loss, config.curriculum, epoch);
            const double peak = ramped(epoch, shipped.peak_start, shipped.ramp);
            const PerComponent<double> factor = {
                {1, peak, peak, peak, ramped(epoch, shipped.class_start, shipped.ramp),
                 ramped(epoch, shipped.threshold_start, shipped.ramp), peak}};
            for (std::size_t c = 0; c < kComponents; ++c)
                CHECK(weights[c] == doctest::Approx(shipped.weights[c] * factor[c]).epsilon(1e-15));
        }
    }
}

TEST_CASE("curriculum: without a ramp a component joins at full weight, switched off all are final at once") {
    LossConfig loss;
    CurriculumConfig curriculum;
    curriculum.class_start = 2;
    CHECK(epoch_weights(loss, curriculum, 1)[Component::classification] == 0);
    CHECK(epoch_weights(loss, curriculum, 2) == loss.weights);
    CHECK(first_final_epoch(loss, curriculum) == 2);

    curriculum.ramp_epochs = 1;  // a ramp of one epoch has its end in its first
    CHECK(epoch_weights(loss, curriculum, 2) == loss.weights);
    CHECK(first_final_epoch(loss, curriculum) == 2);

    curriculum.enabled = false;
    CHECK(epoch_weights(loss, curriculum, 0) == loss.weights);
    CHECK(first_final_epoch(loss, curriculum) == 0);
}

TEST_CASE("curriculum: a component of weight 0 does not delay the epoch in which all weights are final") {
    LossConfig loss;
    CurriculumConfig curriculum;
    curriculum.threshold_start = 50;
    CHECK(first_final_epoch(loss, curriculum) == 50);
    loss.weights[Component::threshold] = 0;
    CHECK(first_final_epoch(loss, curriculum) == 0);
}

TEST_CASE("curriculum: a component's own ramp takes the place of start and ramp, and may fall") {
    LossConfig loss;
    loss.weights[Component::signal] = 2;
    CurriculumConfig curriculum;
    curriculum.ramps[Component::signal] = ComponentRamp{1.0, 0.25, 4, RampShape::linear};
    curriculum.ramps[Component::threshold] = ComponentRamp{0.0, 1.0, 2, RampShape::cosine};
    curriculum.threshold_start = 30;
    const double expected_signal[] = {1.625, 1.25, 0.875, 0.5, 0.5};
    for (int epoch = 0; epoch < 5; ++epoch)
        CHECK(epoch_weights(loss, curriculum, epoch)[Component::signal] ==
              doctest::Approx(expected_signal[epoch]).epsilon(1e-15));
    // Half-way along a cosine the factor is 1/2.
    CHECK(epoch_weights(loss, curriculum, 0)[Component::threshold] == doctest::Approx(0.5).epsilon(1e-15));
    CHECK(epoch_weights(loss, curriculum, 1)[Component::threshold] == 1.0);
    CHECK(first_final_epoch(loss, curriculum) == 3);
    CHECK(final_weights(loss, curriculum)[Component::signal] == doctest::Approx(0.5).epsilon(1e-15));
}

TEST_CASE("curriculum: a component's own start takes the place of the shared one, and delays its own ramp") {
    LossConfig loss;
    loss.weights = {{1, 1, 1, 1, 1, 1}};
    CurriculumConfig curriculum;
    curriculum.peak_start = 4;
    curriculum.ramp_epochs = 2;
    curriculum.starts[Component::signal] = 1;
    curriculum.starts[Component::peak_latency] = 2;
    curriculum.starts[Component::threshold] = 3;
    curriculum.ramps[Component::threshold] = ComponentRamp{0.5, 1.0, 2, RampShape::linear};
    curriculum.ramps[Component::peak_amplitude] = ComponentRamp{0.0, 1.0, 4, RampShape::linear};
    CHECK(start_epoch(curriculum, Component::peak_exist) == 4);
    CHECK(start_epoch(curriculum, Component::peak_amplitude) == 0);  // its ramp replaces the shared start
    const PerComponent<double> expected[] = {{{0, 0, 0, 0.25, 0.5, 0}}, {{1, 0, 0, 0.5, 1, 0}},
                                             {{1, 0, 0.5, 0.75, 1, 0}}, {{1, 0, 1, 1, 1, 0.75}},
                                             {{1, 0.5, 1, 1, 1, 1}},    {{1, 1, 1, 1, 1, 1}}};
    for (int epoch = 0; epoch < 6; ++epoch) {
        CAPTURE(epoch);
        CHECK(epoch_weights(loss, curriculum, epoch) == expected[epoch]);
    }
    CHECK(first_final_epoch(loss, curriculum) == 5);
    loss.weights[Component::peak_exist] = 0;
    CHECK(first_final_epoch(loss, curriculum) == 4);
}
