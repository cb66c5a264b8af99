#include "metrics/classification.hpp"

#include <doctest/doctest.h>

#include "metrics/probability.hpp"
#include "metrics/votes.hpp"
#include "tests/metrics/golden.hpp"

namespace abr {
namespace {

using test::golden;

ConfusionMatrix confusion_of(Index classes, std::vector<std::int64_t> counts) {
    return ConfusionMatrix(classes, counts);
}

TEST_CASE("classification report equals scikit-learn, absent and never predicted classes included") {
    for (const auto& expected : golden().at("classification")) {
        CAPTURE(expected.at("name").get<std::string>());
        const Index classes = expected.at("classes");
        const ConfusionMatrix confusion = confusion_of(classes, expected.at("confusion"));
        const ClassificationReport report = classification_report(confusion);
        REQUIRE(report.classes.size() == static_cast<std::size_t>(classes));
        for (std::size_t c = 0; c < report.classes.size(); ++c) {
            CAPTURE(c);
            const ClassScores& scores = report.classes[c];
            CHECK(scores.precision ==
                  doctest::Approx(expected.at("precision")[c].get<double>()).epsilon(1e-14));
            CHECK(scores.recall == doctest::Approx(expected.at("recall")[c].get<double>()).epsilon(1e-14));
            CHECK(scores.f1 == doctest::Approx(expected.at("f1")[c].get<double>()).epsilon(1e-14));
            CHECK(scores.support == expected.at("support")[c].get<std::int64_t>());
            CHECK(scores.predicted == expected.at("predicted")[c].get<std::int64_t>());
        }
        const auto check = [&](const char* name, const Metric& metric) {
            CAPTURE(name);
            CHECK(metric.value.value() == doctest::Approx(expected.at(name).get<double>()).epsilon(1e-14));
        };
        check("f1_macro", report.f1_macro);
        check("f1_weighted", report.f1_weighted);
        check("f1_micro", report.f1_micro);
        check("accuracy", report.accuracy);
        check("balanced_accuracy", report.balanced_accuracy);
        check("f1_macro_always_0", constant_answer_f1_macro(confusion, 0));
    }
}

TEST_CASE("classification report of a matrix computed by hand") {
    // Class 0: 3 of 4 found, 4 predicted. Class 1: 1 of 2 found, 2 predicted. Class 2: absent, never
    // predicted.
    const ClassificationReport report = classification_report(confusion_of(3, {3, 1, 0, 1, 1, 0, 0, 0, 0}));
    CHECK(report.classes[0].f1 == doctest::Approx(0.75));
    CHECK(report.classes[1].f1 == doctest::Approx(0.5));
    CHECK(report.classes[2].f1 == 0);
    CHECK(*report.f1_macro.value == doctest::Approx((0.75 + 0.5 + 0) / 3));
    CHECK(*report.f1_weighted.value == doctest::Approx((4 * 0.75 + 2 * 0.5) / 6));
    CHECK(*report.accuracy.value == doctest::Approx(4.0 / 6));
    CHECK(*report.balanced_accuracy.value == doctest::Approx((0.75 + 0.5) / 2));  // the absent class left out
}

TEST_CASE(
    "pitfall 1: without a labelled recording every classification metric is absent with a reason, never 0") {
    const ConfusionMatrix nothing(5);
    const ClassificationReport report = classification_report(nothing);
    CHECK(report.classes.empty());
    for (const Metric& metric :
         {report.f1_macro, report.f1_weighted, report.f1_micro, report.accuracy, report.balanced_accuracy,
          constant_answer_f1_macro(nothing, 0), binary_f1({})}) {
        CHECK_FALSE(metric.value.has_value());
        CHECK_FALSE(metric.reason.empty());
    }
}

TEST_CASE("pitfall 22: always answering the training majority has the macro F1 that a report shows beside") {
    // 1 of 5 classes is ever answered: F1 = 2 * 78 / (100 + 78), a fifth of it in the mean.
    const ConfusionMatrix confusion =
        confusion_of(5, {70, 2, 2, 2, 2, 1, 1, 0, 0, 0, 4, 0, 8, 0, 0, 1, 1, 1, 2, 0, 0, 0, 0, 0, 3});
    CHECK(*constant_answer_f1_macro(confusion, 0).value == doctest::Approx(2.0 * 78 / 178 / 5));
    // The majority of the training rows need not be there at all.
    CHECK(*constant_answer_f1_macro(confusion_of(2, {5, 2, 0, 0}), 1).value == 0);
}

TEST_CASE("majority class: the first of equals") {
    CHECK(majority_class(std::vector<std::int64_t>{3, 9, 9, 1}) == 1);
    CHECK(majority_class(std::vector<std::int64_t>{7}) == 0);
    CHECK_THROWS_AS(majority_class({}), std::invalid_argument);
}

TEST_CASE("binary F1 is that of the positive answer") {
    CHECK(*binary_f1({.true_positive = 6, .false_positive = 2, .false_negative = 1, .true_negative = 50})
               .value == doctest::Approx(2.0 * 6 / (2 * 6 + 2 + 1)));
    CHECK(*binary_f1({.true_negative = 4}).value == 0);  // zero_division = 0, as scikit-learn
}

TEST_CASE("confusion matrix refuses what does not fit") {
    CHECK_THROWS_AS(ConfusionMatrix(0), std::invalid_argument);
    CHECK_THROWS_AS(confusion_of(2, {1, 2, 3}), std::invalid_argument);
    CHECK_THROWS_AS(confusion_of(1, {-1}), std::invalid_argument);
    ConfusionMatrix confusion(2);
    CHECK_THROWS_AS(confusion.add(2, 0), std::invalid_argument);
    CHECK_THROWS_AS(confusion.add(0, -1), std::invalid_argument);
    confusion.add(1, 0);
    CHECK(confusion.count(1, 0) == 1);
    CHECK(confusion.support(1) == 1);
    CHECK(confusion.predicted(0) == 1);
}

TEST_CASE("patient macro F1 equals scikit-learn on mean log-probabilities and modal classes") {
    const auto& expected = golden().at("patient");
    const Index classes = expected.at("classes");
    const std::vector<std::int32_t> patient = expected.at("patient");
    const std::vector<std::int32_t> label = expected.at("label");
    const std::vector<float> logits = expected.at("logits");
    Votes votes(classes);
    for (std::size_t r = 0; r < patient.size(); ++r) {
        const auto k = static_cast<std::size_t>(classes);
        votes.add(patient[r], std::span(logits).subspan(r * k, k), label[r]);
    }
    CHECK(*classification_report(votes.confusion()).f1_macro.value ==
          doctest::Approx(expected.at("f1_macro").get<double>()).epsilon(1e-14));
}

TEST_CASE(
    "patients: log-probabilities count, not votes, ties go to the lowest class, the unlabelled are left "
    "out") {
    Votes votes(3);
    const float sure[] = {0, 9, 0}, unsure[] = {1, 0, 0}, even[] = {2, 2, 2};
    // Two lukewarm answers for class 0 against a firm one for class 1.
    for (const auto& logits : {unsure, unsure, sure}) votes.add(4, std::span(logits, 3), 1);
    // Labels 2, 0: the lower is the modal class; equal logits: class 0.
    votes.add(7, even, 2);
    votes.add(7, even, 0);
    votes.add(9, even, -1);
    const ConfusionMatrix confusion = votes.confusion();
    CHECK(confusion.total() == 2);
    CHECK(confusion.count(1, 1) == 1);
    CHECK(confusion.count(0, 0) == 1);
}

TEST_CASE("a recording without a label still speaks for its patient") {
    Votes votes(2);
    const float a[] = {1, 0}, b[] = {0, 5};
    votes.add(0, a, 1);
    votes.add(0, b, -1);
    CHECK(votes.confusion().count(1, 1) == 1);
}

TEST_CASE("log-softmax keeps huge logits finite and refuses those that are not finite") {
    const float huge[] = {3e38f, 0, -3e38f};
    CHECK(log_softmax(huge)[0] == 0);
    const float broken[] = {0, std::numeric_limits<float>::quiet_NaN()};
    CHECK_THROWS_AS(log_softmax(broken), std::domain_error);
}

}  // namespace
}  // namespace abr
