// What evaluation accumulates for one batch.
#include "kernels/evaluation.hpp"

#include "bench/operands.hpp"

namespace abr::bench {
namespace {

std::vector<double> values_of(const EvaluationSums& sums) {
    std::vector<double> all = {sums.signal_count, sums.signal_squared_error};
    for (const RegressionSums& r : sums.scalar.values)
        all.insert(all.end(),
                   {r.count, r.absolute_error, r.squared_error, r.target_mean, r.target_squared_deviation});
    for (const BinarySums& b : sums.binary.values)
        for (const std::int64_t count :
             {b.true_positive, b.false_positive, b.false_negative, b.true_negative})
            all.push_back(static_cast<double>(count));
    return all;
}

}  // namespace

void add_evaluation_cases(Suite& suite) {
    for (const Setting& n : settings())
        suite.add("accumulate_evaluation/" + n.name + "/all_heads", 0, [n](auto& m) {
            using T = Scalar<decltype(m)>;
            const Index rows = n.batch, classes = n.shape.classes;
            const auto predicted = [&m](Index size) { return m.template output_of<float>(size); };
            const EvaluationArguments<T> a{
                .recordings = recordings(m, n),
                .order = m.given(cycle(rows, rows)),
                .batch = {.input = m.input(Sequence<T>{nullptr, rows, n.length(0), 1, 7}),
                          .statics = m.input(Matrix<T>{nullptr, rows, kStaticInputs}),
                          .targets = targets(m, n),
                          .mean = m.input(rows),
                          .sd = m.input(rows, 0.1, 1)},
                .heads = heads(m, n),
                .scaling = per_component<Scaling>({{Component::peak_latency, {6.5f, 1.0f}},
                                                   {Component::peak_amplitude, {0.3f, 0.2f}},
                                                   {Component::threshold, {40.0f, 20.0f}}}),
                .classes = classes,
                .predictions = {.answer = of_components<float*>(
                                    has_answer,
                                    [&](Component c) { return predicted(rows * n.shape.outputs(c)); }),
                                .signal_correlation = predicted(rows),
                                .signal_snr_gain_db = predicted(rows),
                                .restored_uv = predicted(rows * n.shape.length)},
                .confusion =
                    m.accumulated(std::vector<std::int64_t>(static_cast<std::size_t>(classes * classes))),
                .sums = m.record(EvaluationSums{}, [](const EvaluationSums& s) { return values_of(s); }),
                .workspace = m.template workspace<double>(evaluation_workspace(rows))};
            return [=](auto& stream) { accumulate_evaluation<T>(stream, a); };
        });
}

}  // namespace abr::bench
