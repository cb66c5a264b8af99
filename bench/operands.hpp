// Operands that the ops around the network share: recordings, targets, outputs of the heads. Nothing is missing.
#pragma once

#include <algorithm>
#include <vector>

#include "bench/networks.hpp"
#include "kernels/batch.hpp"
#include "kernels/loss.hpp"

namespace abr::bench {

// 0, 1, ..., values - 1, and again.
inline std::vector<std::int32_t> cycle(Index size, Index values) {
    std::vector<std::int32_t> all;
    for (Index i = 0; i < size; ++i) all.push_back(static_cast<std::int32_t>(i % values));
    return all;
}

inline bool has_answer(Component c) {
    return task_of(c).kind != TaskKind::signal;
}

// A value made for each component that `has` it.
template <class T, class Make>
PerComponent<T> of_components(bool has(Component), const Make& make) {
    PerComponent<T> values;
    for (const Component c : kAllComponents)
        if (has(c)) values[c] = make(c);
    return values;
}

// Label: a pointer to (const) std::int32_t.
template <class Label, class M>
PerComponent<Label> labels(M& m, const Setting& n) {
    return of_components<Label>(is_labelled, [&](Component c) {
        return m.given(cycle(n.batch, task_of(c).kind == TaskKind::classes ? n.shape.classes : 2));
    });
}

// As many recordings as the batch has, so that all of them are read.
template <class M>
DeviceRecordings recordings(M& m, const Setting& n) {
    const Index rows = n.batch, length = n.shape.length;
    return {.rows = rows,
            .length = length,
            .signal = m.input_float(rows * length),
            .clean = m.input_float(rows * length),
            .statics = m.input_float(rows * kStoredStatics),
            .label = labels<const std::int32_t*>(m, n),
            .scalar = per_component<const float*>({{Component::peak_latency, m.input_float(rows, 5, 8)},
                                                   {Component::peak_amplitude, m.input_float(rows, 0.1, 0.5)},
                                                   {Component::threshold, m.input_float(rows, 10, 80)}})};
}

template <class M>
Targets<Scalar<M>> targets(M& m, const Setting& n) {
    using T = Scalar<M>;
    return {.signal = m.input(Matrix<T>{nullptr, n.batch, n.shape.length}),
            .label = labels<std::int32_t*>(m, n),
            .scalar = of_components<T*>(is_scalar, [&](Component) { return m.input(n.batch); })};
}

template <class M>
Heads<const Scalar<M>> heads(M& m, const Setting& n) {
    using T = Scalar<M>;
    return {.signal = m.input(Sequence<T>{nullptr, n.batch, n.length(0), 1, 0}),
            .answer = of_components<Matrix<const T>>(has_answer, [&](Component c) {
                return Matrix<const T>(m.input(Matrix<T>{nullptr, n.batch, n.shape.outputs(c)}));
            })};
}

inline std::vector<double> values_of(const LossSums& sums) {
    std::vector<double> all(sums.numerator.values.begin(), sums.numerator.values.end());
    all.insert(all.end(), sums.denominator.values.begin(), sums.denominator.values.end());
    return all;
}

}  // namespace abr::bench
