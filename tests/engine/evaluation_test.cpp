// What an evaluation becomes: metrics' inputs, rows of predictions, and what a checkpoint keeps of how it measures.
#include "engine/training/evaluation.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/training/evaluation_settings.hpp"

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
    EvaluatedSplit split() const { return {data, classes, patients, dropped, class_counts}; }
};

}  // namespace

TEST_CASE("evaluation: a row of predictions has each label and each prediction in its own place") {
    const Evaluated evaluated;
    const auto rows = prediction_rows(evaluated.split(), evaluated.evaluation);
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
    const SplitEvaluation told = split_evaluation(evaluated.split(), evaluated.evaluation, weights);
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
    }
    CHECK(told.patient.data() == evaluated.data.patient.data());
    CHECK(told.signal_correlation.data() == evaluated.evaluation.signal_correlation.data());
    CHECK(told.signal_snr_gain_db.data() == evaluated.evaluation.signal_snr_gain_db.data());
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
