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

// As many recordings as the batch has, so that all of them are read.
template <class M>
DeviceRecordings recordings(M& m, const Setting& n) {
    const Index rows = n.batch, length = n.shape.length;
    return {.rows = rows,
            .length = length,
            .signal = m.input_float(rows * length),
            .clean = m.input_float(rows * length),
            .statics = m.input_float(rows * kStoredStatics),
            .label = m.given(cycle(rows, n.shape.classes)),
            .exist = m.given(cycle(rows, 2)),
            .latency_ms = m.input_float(rows, 5, 8),
            .amplitude_uv = m.input_float(rows, 0.1, 0.5),
            .threshold_db = m.input_float(rows, 10, 80)};
}

template <class M>
Targets<Scalar<M>> targets(M& m, const Setting& n) {
    using T = Scalar<M>;
    return {.signal = m.input(Matrix<T>{nullptr, n.batch, n.shape.length}),
            .label = m.given(cycle(n.batch, n.shape.classes)),
            .exist = m.given(cycle(n.batch, 2)),
            .latency = m.input(n.batch),
            .amplitude = m.input(n.batch),
            .threshold = m.input(n.batch)};
}

template <class M>
Heads<const Scalar<M>> heads(M& m, const Setting& n) {
    using T = Scalar<M>;
    return {.signal = m.input(Sequence<T>{nullptr, n.batch, n.length(0), 1, 0}),
            .logits = m.input(Matrix<T>{nullptr, n.batch, n.shape.classes}),
            .exist = m.input(n.batch),
            .latency = m.input(n.batch),
            .amplitude = m.input(n.batch),
            .threshold = m.input(n.batch)};
}

inline std::vector<double> values_of(const LossSums& sums) {
    std::vector<double> all(sums.numerator.values.begin(), sums.numerator.values.end());
    all.insert(all.end(), sums.denominator.values.begin(), sums.denominator.values.end());
    return all;
}

}  // namespace abr::bench
