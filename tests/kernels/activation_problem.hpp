// What the tests of gelu with dropout share on every backend: the cases, one problem's buffers, the reference.
#pragma once

#include <utility>
#include <vector>

#include "kernels/activation.hpp"
#include "tests/kernels/dropout_reference.hpp"
#include "tests/kernels/on_backend.hpp"
#include "tests/kernels/support.hpp"

namespace abr::test {

inline constexpr StepState kActivationState = {.seed = 5, .step = 9, .epoch = 1};
inline constexpr Dropout kActivationDropout = {
    .rate = 0.3f, .layer = 2, .state = &kActivationState, .place = 4};

struct ActivationCase {
    Index rows, columns, rows_per_recording;
    Dropout dropout = {};
};

// Small ones, with tails of every kind, and the network's.
inline std::vector<ActivationCase> small_activation_cases() {
    std::vector<ActivationCase> cases;
    for (const auto& dropout : {Dropout{}, kActivationDropout}) {
        for (const Index columns : {1, 31, 33, 128, 257}) {
            cases.push_back({1, columns, 1, dropout});
            cases.push_back({7, columns, 3, dropout});  // the last recording is shorter
        }
        cases.push_back({50, 33, 25, dropout});
        for (const Index length : {25, 50, 100, 200, 333}) cases.push_back({length, 4, length, dropout});
    }
    return cases;
}
inline std::vector<ActivationCase> real_activation_cases() {
    return {{25, 512, 25, {}}, {25, 512, 25, kActivationDropout}, {75, 128, 25, kActivationDropout}};
}

template <class T>
struct ActivationProblem {
    GuardedSequence<T> x, dy, y, dx;
    Dropout dropout;
    Index rows_per_recording;

    explicit ActivationProblem(const ActivationCase& c, double scale = 3)
        : x(c.rows, 1, c.columns, 0),
          dy(c.rows, 1, c.columns, 0),
          y(c.rows, 1, c.columns, 0),
          dx(c.rows, 1, c.columns, 0),
          dropout(c.dropout),
          rows_per_recording(c.rows_per_recording) {
        x.fill_random(1, scale);
        dy.fill_random(2);
    }
    template <class Stream>
    void forward(Stream& stream) {
        with_arguments(stream, [&](auto& on) {
            gelu_forward<T>(stream, as_matrix(on(x)), on(dropout), rows_per_recording, as_matrix(on(y)));
        });
    }
    // In place: dx is written over dy.
    template <class Stream>
    void backward(Stream& stream, bool in_place = false) {
        with_arguments(stream, [&](auto& on) {
            gelu_backward<T>(stream, as_matrix(on(dy)), as_matrix(on(x)), on(dropout), rows_per_recording,
                             as_matrix(on(in_place ? dy : dx)));
        });
    }
    // y and dx in precision S.
    template <class S>
    std::pair<std::vector<S>, std::vector<S>> reference() const {
        auto value = x.template values<S>(), gradient = dy.template values<S>();
        const Index n = rows_per_recording * x.matrix().columns;
        for (std::size_t i = 0; i < value.size(); ++i) {
            const auto e = static_cast<Index>(i);
            const S factor = dropout_reference<S>(dropout, e / n, e % n);
            gradient[i] *= factor * gelu_derivative_reference(value[i]);
            value[i] = factor * gelu_reference(value[i]);
        }
        return {value, gradient};
    }
    void check_sentinels() const {
        for (const auto* s : {&x, &dy, &y, &dx}) s->check_sentinels();
    }
};

// Both passes on this backend, from poisoned outputs, against the reference.
template <class T, class Stream>
ActivationProblem<T> check_activation(Stream& stream, const ActivationCase& c) {
    CAPTURE(c.rows);
    CAPTURE(c.columns);
    CAPTURE(c.rows_per_recording);
    CAPTURE(c.dropout.rate);
    ActivationProblem<T> p(c);
    p.forward(stream);
    p.backward(stream);
    const auto same = p.template reference<T>();
    const auto reference = p.template reference<Wide<T>>();
    check_error(p.y.values(), same.first, reference.first, "y");
    check_error(p.dx.values(), same.second, reference.second, "dx");
    p.check_sentinels();
    return p;
}

}  // namespace abr::test
