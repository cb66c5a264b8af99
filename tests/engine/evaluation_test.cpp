// What an evaluation becomes: metrics' inputs, rows of predictions, and what a checkpoint keeps of how it measures.
#include "engine/training/evaluation.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/training/evaluation_settings.hpp"
#include "engine/training/row_metrics.hpp"

using namespace abr;

namespace {

// Two recordings, the second without labels, with another number in every place.
struct Evaluated {
    SplitData data;
    Evaluation evaluation;
    std::vector<std::string> classes = {"A", "B", "C"}, patients = {"zero", "one", "two"};
    PerComponent<std::string> dropped{{"a", "b", "c", "d", "e", "f"}};
    std::vector<std::int64_t> class_counts = {3, 9, 4};

    Evaluated() {
        data.rows = 2;
        data.source_row = {17, 4};
        data.patient = {2, 1};
        data.ear = {1, 0};
        data.intensity_db = {80, 40};
        data.missing = {{true, false, true}, {false, false, false}};
        data.label[Component::classification] = {1, -1};
        data.label[Component::peak_exist] = {0, -1};
        data.scalar[Component::peak_latency] = {5.5f, kMissing};
        data.scalar[Component::peak_amplitude] = {0.25f, kMissing};
        data.scalar[Component::threshold] = {35, kMissing};
        evaluation.rows = 2;
        evaluation.answer[Component::classification] = {1, 0, 2, 0, 3, 1};
        evaluation.answer[Component::peak_exist] = {-1.5f, 0.5f};
        evaluation.answer[Component::peak_latency] = {5.75f, 6.5f};
        evaluation.answer[Component::peak_amplitude] = {0.5f, 0.125f};
        evaluation.answer[Component::threshold] = {20, 45};
        evaluation.signal_correlation = {0.5f, 0.625f};
        evaluation.signal_snr_gain_db = {3, 4};
        evaluation.confusion = {1, 2, 3, 4, 5, 6, 7, 8, 9};
        evaluation.sums.binary[Component::peak_exist].true_positive = 11;
        evaluation.losses.numerator[Component::threshold] = 12;
    }
    SplitView split() const { return {data, classes, patients, dropped, class_counts}; }
};

}  // namespace

TEST_CASE("evaluation: a row of predictions has each label and each prediction in its own place") {
    const Evaluated evaluated;
    const auto rows = prediction_rows(evaluated.split(), evaluated.evaluation, kUncalibrated);
    REQUIRE(rows.size() == 2);
    const PredictionRow& first = rows[0];
    CHECK(first.recording == 17);
    CHECK(first.patient_id == "two");
    CHECK(first.missing_inputs == std::vector<std::string_view>{"age_years", "fmp"});
    CHECK(first.answer[Component::classification].true_label == 1);
    CHECK(first.answer[Component::classification].predicted_label == 2);
    REQUIRE(first.probabilities.size() == 3);
    const double sum = std::exp(1.0) + 1 + std::exp(2.0);
    CHECK(first.probabilities[0] == doctest::Approx(std::exp(1.0) / sum));
    CHECK(first.probabilities[1] == doctest::Approx(1 / sum));
    CHECK(first.probabilities[2] == doctest::Approx(std::exp(2.0) / sum));
    CHECK(first.answer[Component::peak_exist].true_label == 0);
    CHECK(first.answer[Component::peak_exist].predicted.value() == doctest::Approx(1 / (1 + std::exp(1.5))));
    CHECK(first.answer[Component::peak_latency].true_value == 5.5f);
    CHECK(first.answer[Component::peak_latency].predicted == 5.75f);
    CHECK(first.answer[Component::peak_amplitude].true_value == 0.25f);
    CHECK(first.answer[Component::peak_amplitude].predicted == 0.5f);
    CHECK(first.answer[Component::threshold].true_value == 35.0f);
    CHECK(first.answer[Component::threshold].predicted == 20.0f);

    const PredictionRow& second = rows[1];
    CHECK(second.recording == 4);
    CHECK(second.patient_id == "one");
    CHECK(second.missing_inputs.empty());
    CHECK(second.answer[Component::classification].predicted_label == 1);
    CHECK(second.answer[Component::peak_exist].predicted.value() ==
          doctest::Approx(1 / (1 + std::exp(-0.5))));
    CHECK(second.answer[Component::threshold].predicted == 45.0f);
    for (const Component c : kAllComponents) {
        CHECK_FALSE(second.answer[c].true_label.has_value());
        CHECK_FALSE(second.answer[c].true_value.has_value());
    }
}

TEST_CASE("evaluation: the metrics are told of each output, label and sum, and of the training majority") {
    const Evaluated evaluated;
    const PerComponent<double> weights{{1, 2, 3, 4, 5, 6}};
    EvaluationSettings settings;
    settings.final_weights = weights;
    settings.temperature[Component::peak_exist] = 1.25;
    const SplitEvaluation told = split_evaluation(evaluated.split(), evaluated.evaluation, settings);
    CHECK(told.dropped == evaluated.dropped);
    CHECK(told.final_weights == weights);
    CHECK(told.losses.numerator[Component::threshold] == 12);
    CHECK(told.sums.binary[Component::peak_exist].true_positive == 11);
    CHECK(told.confusion.count(0, 1) == 2);
    CHECK(told.confusion.count(2, 0) == 7);
    CHECK(told.majority_class == 1);
    for (const Component c : kAllComponents) {
        CHECK(told.answer[c].data() == evaluated.evaluation.answer[c].data());
        CHECK(told.label[c].data() == evaluated.data.label[c].data());
        CHECK(told.target[c].data() == evaluated.data.scalar[c].data());
    }
    CHECK(told.temperature == settings.temperature);
    CHECK(told.ear.data() == evaluated.data.ear.data());
    CHECK(told.patient.data() == evaluated.data.patient.data());
    CHECK(told.signal_correlation.data() == evaluated.evaluation.signal_correlation.data());
    CHECK(told.signal_snr_gain_db.data() == evaluated.evaluation.signal_snr_gain_db.data());
}

TEST_CASE("evaluation: a temperature flattens the probabilities of its own task and no decision") {
    const Evaluated evaluated;
    Temperatures temperature = kUncalibrated;
    temperature[Component::classification] = 2;
    temperature[Component::peak_exist] = 3;
    const auto raw = prediction_rows(evaluated.split(), evaluated.evaluation, kUncalibrated);
    const auto rows = prediction_rows(evaluated.split(), evaluated.evaluation, temperature);
    const double sum = std::exp(0.5) + 1 + std::exp(1.0);
    CHECK(rows[0].probabilities[2] == doctest::Approx(std::exp(1.0) / sum));
    CHECK(rows[0].answer[Component::peak_exist].predicted.value() ==
          doctest::Approx(1 / (1 + std::exp(0.5))));
    for (std::size_t r = 0; r < 2; ++r) {
        CHECK(rows[r].answer[Component::classification].predicted_label ==
              raw[r].answer[Component::classification].predicted_label);
        CHECK(rows[r].answer[Component::threshold].predicted ==
              raw[r].answer[Component::threshold].predicted);
    }
}

TEST_CASE("evaluation: temperatures are fitted for the tasks that have logits and are not dropped") {
    Evaluated evaluated;
    CHECK(fit_temperatures(evaluated.split(), evaluated.evaluation) == kUncalibrated);
    evaluated.dropped = {};
    const Temperatures fitted = fit_temperatures(evaluated.split(), evaluated.evaluation);
    // The one labelled class is the second, which the network thinks the least likely; the wave is absent, as it says.
    CHECK(fitted[Component::classification] == doctest::Approx(kHighestTemperature));
    CHECK(fitted[Component::peak_exist] == doctest::Approx(kLowestTemperature));
    CHECK(fitted[Component::threshold] == 1);
    const auto rows = reliability_rows(evaluated.split(), evaluated.evaluation, fitted, "val");
    REQUIRE(rows.size() == 4 * 15);
    std::int64_t recordings = 0;
    for (const ReliabilityRow& row : rows) recordings += row.bin.recordings;
    CHECK(recordings == 4);
    CHECK(rows[0].task == Component::classification);
    CHECK(rows[0].temperature == 1);
    CHECK(rows[15].temperature == fitted[Component::classification]);
    CHECK(rows[59].task == Component::peak_exist);
}

TEST_CASE("evaluation: by level and class, what all have comes first, and those without a class are in it") {
    Evaluated evaluated;
    evaluated.dropped = {};
    const auto rows = metrics_by_level(evaluated.split(), evaluated.evaluation, {}, "test");
    const auto is = [](const LevelRow& row, std::optional<float> level, std::optional<std::int32_t> label,
                       std::int64_t recordings) {
        return row.split == "test" && row.intensity_db == level && row.true_class == label &&
               row.recordings == recordings;
    };
    REQUIRE(rows.size() == 5);
    CHECK(is(rows[0], {}, {}, 2));
    CHECK(is(rows[1], {}, 1, 1));
    CHECK(is(rows[2], 40.0f, {}, 1));
    CHECK(is(rows[3], 80.0f, {}, 1));
    CHECK(is(rows[4], 80.0f, 1, 1));
    CHECK(*rows[0].metrics.scalar[Component::threshold].mae.value == doctest::Approx(15));
    CHECK(*rows[3].metrics.scalar[Component::threshold].within[2].value == 1);
    CHECK_FALSE(rows[2].metrics.scalar[Component::threshold].mae.value);
    CHECK(*rows[4].metrics.ear_f1_macro.value == 0);
    CHECK(*rows[4].metrics.signal_correlation.value == doctest::Approx(0.5));
    CHECK_FALSE(rows[0].metrics.loss_total.value);
}

TEST_CASE("evaluation: a checkpoint keeps how the run measures") {
    LearnerSettings learner;
    learner.loss.positive_weight = 1.5f;
    learner.loss.focal_gamma = 2;
    learner.seed = 7;
    learner.batch.degradation = {.noise_sd = 0.25f, .probability = 0.75f};
    const PerComponent<double> weights{{1, 2, 3, 4, 5, 6}};
    const EvaluationSettings kept = evaluation_settings(learner, weights);
    CHECK(kept.loss.positive_weight == 1.5f);
    CHECK(kept.loss.focal_gamma == 2);
    CHECK(kept.final_weights == weights);
    CHECK(kept.seed == 7);
    CHECK(kept.degradation.noise_sd == 0.25f);
    CHECK(kept.degradation.probability == 0.75f);
}
