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
        data.label = {1, -1};
        data.exist = {0, -1};
        data.latency_ms = {5.5f, kMissing};
        data.amplitude_uv = {0.25f, kMissing};
        data.threshold_db = {35, kMissing};
        evaluation.rows = 2;
        evaluation.logits = {1, 0, 2, 0, 3, 1};
        evaluation.exist_logit = {-1.5f, 0.5f};
        evaluation.latency_ms = {5.75f, 6.5f};
        evaluation.amplitude_uv = {0.5f, 0.125f};
        evaluation.threshold_db = {20, 45};
        evaluation.signal_correlation = {0.5f, 0.625f};
        evaluation.signal_snr_gain_db = {3, 4};
        evaluation.confusion = {1, 2, 3, 4, 5, 6, 7, 8, 9};
        evaluation.sums.exist.true_positive = 11;
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
    CHECK(first.class_true == 1);
    CHECK(first.class_predicted == 2);
    REQUIRE(first.probabilities.size() == 3);
    const double sum = std::exp(1.0) + 1 + std::exp(2.0);
    CHECK(first.probabilities[0] == doctest::Approx(std::exp(1.0) / sum));
    CHECK(first.probabilities[1] == doctest::Approx(1 / sum));
    CHECK(first.probabilities[2] == doctest::Approx(std::exp(2.0) / sum));
    CHECK(first.wave_v_true == false);
    CHECK(first.p_wave_v.value() == doctest::Approx(1 / (1 + std::exp(1.5))));
    CHECK(first.latency_true_ms == 5.5f);
    CHECK(first.latency_predicted_ms == 5.75f);
    CHECK(first.amplitude_true_uv == 0.25f);
    CHECK(first.amplitude_predicted_uv == 0.5f);
    CHECK(first.threshold_true_db == 35.0f);
    CHECK(first.threshold_predicted_db == 20.0f);

    const PredictionRow& second = rows[1];
    CHECK(second.recording == 4);
    CHECK(second.patient_id == "one");
    CHECK(second.class_predicted == 1);
    CHECK(second.p_wave_v.value() == doctest::Approx(1 / (1 + std::exp(-0.5))));
    CHECK_FALSE(second.class_true.has_value());
    CHECK_FALSE(second.wave_v_true.has_value());
    CHECK_FALSE(second.latency_true_ms.has_value());
    CHECK_FALSE(second.amplitude_true_uv.has_value());
    CHECK_FALSE(second.threshold_true_db.has_value());
    CHECK(second.threshold_predicted_db == 45.0f);
}

TEST_CASE("evaluation: the metrics are told of each output, label and sum, and of the training majority") {
    const Evaluated evaluated;
    const PerComponent<double> weights{{1, 2, 3, 4, 5, 6}};
    const SplitEvaluation told = split_evaluation(evaluated.split(), evaluated.evaluation, weights);
    CHECK(told.dropped == evaluated.dropped);
    CHECK(told.final_weights == weights);
    CHECK(told.losses.numerator[Component::threshold] == 12);
    CHECK(told.sums.exist.true_positive == 11);
    CHECK(told.confusion.count(0, 1) == 2);
    CHECK(told.confusion.count(2, 0) == 7);
    CHECK(told.majority_class == 1);
    CHECK(told.logits.data() == evaluated.evaluation.logits.data());
    CHECK(told.exist_logit.data() == evaluated.evaluation.exist_logit.data());
    CHECK(told.label.data() == evaluated.data.label.data());
    CHECK(told.patient.data() == evaluated.data.patient.data());
    CHECK(told.exist.data() == evaluated.data.exist.data());
    CHECK(told.signal_correlation.data() == evaluated.evaluation.signal_correlation.data());
    CHECK(told.signal_snr_gain_db.data() == evaluated.evaluation.signal_snr_gain_db.data());
}

TEST_CASE("evaluation: a checkpoint keeps how the run measures") {
    LearnerSettings learner;
    learner.loss.positive_weight = 1.5f;
    learner.loss.focal_gamma = 2;
    learner.seed = 7;
    learner.batch.noise_sd = 0.25f;
    learner.batch.degradation_probability = 0.75f;
    const PerComponent<double> weights{{1, 2, 3, 4, 5, 6}};
    const EvaluationSettings kept = evaluation_settings(learner, weights);
    CHECK(kept.loss.positive_weight == 1.5f);
    CHECK(kept.loss.focal_gamma == 2);
    CHECK(kept.final_weights == weights);
    CHECK(kept.seed == 7);
    CHECK(kept.noise_sd == 0.25f);
    CHECK(kept.degradation_probability == 0.75f);
}
