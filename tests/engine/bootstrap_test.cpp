#include "engine/prediction/bootstrap.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "kernels/philox.hpp"

using namespace abr;

namespace {

const std::vector<std::string> kClasses = {"A", "B"};

// A split of `patients` patients with `each` recordings, labelled with class and threshold, and what a network that
// has these two heads said of them.
struct Measured {
    SplitData data;
    Evaluation evaluation;
    std::vector<std::string> names;
    PerComponent<std::string> dropped{{"no", "no", "no", "no", "", ""}};
    std::vector<std::int64_t> class_counts = {3, 2};

    Measured(std::int32_t patients, int each) {
        for (std::int32_t p = 0; p < patients; ++p) {
            names.push_back("p" + std::to_string(p));
            const float error = to_normal(philox4x32(1, static_cast<std::uint32_t>(p), 0, 0, 0)[0],
                                          philox4x32(1, static_cast<std::uint32_t>(p), 0, 0, 0)[1])
                                    .first;
            for (int r = 0; r < each; ++r) {
                data.patient.push_back(p);
                data.intensity_db.push_back(60);
                data.label[Component::classification].push_back(p % 2);
                data.label[Component::peak_exist].push_back(-1);
                data.scalar[Component::threshold].push_back(static_cast<float>(20 + p));
                evaluation.answer[Component::threshold].push_back(static_cast<float>(20 + p) + 5 + error);
                evaluation.answer[Component::classification].push_back(p % 3 == 0 ? -1.0f : 1.0f);
                evaluation.answer[Component::classification].push_back(0);
            }
        }
        data.rows = static_cast<Index>(data.patient.size());
        data.length = 1;
        evaluation.confusion.assign(4, 0);
    }
    SplitView split() const { return {data, kClasses, names, dropped, class_counts}; }
};

}  // namespace

TEST_CASE(
    "bootstrap: intervals of a mean are as wide as its standard error says, whatever recordings repeat") {
    cpu::Stream stream(2);
    const Measured one(200, 1), ten(200, 10);
    const auto narrow = bootstrap_intervals(one.split(), one.evaluation, {}, 3, stream);
    // Errors are 5 + N(0, 1): the mean absolute error of 200 patients has a standard error of 1 / sqrt(200).
    const Interval mae = narrow.at("threshold_mae_db");
    CHECK(mae.low < 5.1);
    CHECK(mae.high > 4.9);
    CHECK(mae.high - mae.low == doctest::Approx(2 * 1.96 / std::sqrt(200.0)).epsilon(0.15));
    // A patient who is drawn twice counts twice: of one recording each, patients are measured as recordings are.
    for (const auto end : {&Interval::low, &Interval::high})
        CHECK(narrow.at("patient_f1_macro").*end == narrow.at("f1_macro").*end);
    // Ten equal recordings of a patient are no more patients.
    CHECK(bootstrap_intervals(ten.split(), ten.evaluation, {}, 3, stream).at("threshold_mae_db").high ==
          doctest::Approx(mae.high).epsilon(1e-9));
}

TEST_CASE(
    "bootstrap: the seed decides, the number of threads does not, losses and dropped components have none") {
    cpu::Stream one(1), three(3);
    const Measured measured(20, 2);
    const auto first = bootstrap_intervals(measured.split(), measured.evaluation, {}, 3, one, 200);
    const auto again = bootstrap_intervals(measured.split(), measured.evaluation, {}, 3, three, 200);
    const auto other = bootstrap_intervals(measured.split(), measured.evaluation, {}, 4, one, 200);
    REQUIRE(first.size() == again.size());
    for (const auto& [name, interval] : first) {
        CAPTURE(name);
        CHECK(interval.low == again.at(name).low);
        CHECK(interval.high == again.at(name).high);
        CHECK(interval.low <= interval.high);
    }
    CHECK(first.at("threshold_mae_db").low != other.at("threshold_mae_db").low);
    CHECK(first.contains("accuracy"));
    CHECK(first.contains("patient_f1_macro"));
    for (const char* name : {"loss_total", "loss_threshold", "peak_exist_auc", "signal_mse"})
        CHECK_FALSE(first.contains(name));
}

TEST_CASE("bootstrap: one patient has no spread, and a metric that few replicates have has no interval") {
    cpu::Stream stream(1);
    const Measured single(1, 4);
    const auto intervals = bootstrap_intervals(single.split(), single.evaluation, {}, 1, stream, 50);
    CHECK(intervals.at("threshold_mae_db").low == intervals.at("threshold_mae_db").high);
    CHECK_FALSE(intervals.contains("threshold_r2"));  // needs two different targets
}
