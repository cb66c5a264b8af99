// What the tests of layer norm share on every backend: the cases, one problem's buffers, the reference.
#pragma once

#include <string>
#include <vector>

#include "kernels/norm.hpp"
#include "tests/kernels/on_backend.hpp"
#include "tests/kernels/support.hpp"

namespace abr::test {

struct LayerNormCase {
    Index batch, length, channels;
    Write write = Write::overwrite;
};

template <class S>
struct LayerNormResults {
    std::vector<S> y, mean, rstd, dx, dweight, dbias;
};

template <class S>
LayerNormResults<S> layer_norm_reference(const LayerNormCase& c, const std::vector<S>& x,
                                         const std::vector<S>& dy, const std::vector<S>& weight,
                                         const std::vector<S>& bias, const std::vector<S>& dx_before) {
    const auto n = static_cast<std::size_t>(c.channels);
    LayerNormResults<S> r{x, {}, {}, dx_before, std::vector<S>(n), std::vector<S>(n)};
    for (std::size_t row = 0; row < x.size() / n; ++row) {
        const std::size_t at = row * n;
        S mean = 0, variance = 0, sum = 0, moment = 0;
        for (std::size_t i = 0; i < n; ++i) mean += x[at + i] / static_cast<S>(n);
        for (std::size_t i = 0; i < n; ++i) variance += (x[at + i] - mean) * (x[at + i] - mean);
        const S rstd = 1 / std::sqrt(variance / static_cast<S>(n) + static_cast<S>(kNormEpsilon));
        r.mean.push_back(mean);
        r.rstd.push_back(rstd);
        for (std::size_t i = 0; i < n; ++i) {
            const S normalised = (x[at + i] - mean) * rstd;
            r.y[at + i] = normalised * weight[i] + bias[i];
            r.dweight[i] += dy[at + i] * normalised;
            r.dbias[i] += dy[at + i];
            sum += dy[at + i] * weight[i];
            moment += dy[at + i] * weight[i] * normalised;
        }
        for (std::size_t i = 0; i < n; ++i) {
            const S normalised = (x[at + i] - mean) * rstd;
            r.dx[at + i] += rstd * (dy[at + i] * weight[i] - sum / static_cast<S>(n) -
                                    normalised * moment / static_cast<S>(n));
        }
    }
    return r;
}

template <class T>
struct LayerNormProblem {
    LayerNormCase c;
    GuardedSequence<T> x, dy, y, dx;
    GuardedBuffer<T> weight, bias, mean, rstd, dweight, dbias, workspace;

    explicit LayerNormProblem(const LayerNormCase& k)
        : c(k),
          x(k.batch, k.length, k.channels, 1),
          dy(k.batch, k.length, k.channels, 0),
          y(k.batch, k.length, k.channels, 3),
          dx(k.batch, k.length, k.channels, 2),
          weight(k.channels),
          bias(k.channels),
          mean(k.batch * k.length),
          rstd(k.batch * k.length),
          dweight(k.channels),
          dbias(k.channels),
          workspace(layer_norm_workspace(k.channels, k.batch * k.length)) {
        x.fill_random(1, 3);
        dy.fill_random(2);
        weight.fill_random(3);
        bias.fill_random(4);
        if (k.write == Write::accumulate) dx.fill_random(5);
        dweight.fill(0);
        dbias.fill(0);
    }
    template <class Stream>
    void forward(Stream& stream) {
        with_arguments(stream, [&](auto& on) {
            layer_norm_forward<T>(stream, on(x), on(weight), on(bias), on(y), on(mean), on(rstd));
        });
    }
    template <class Stream>
    void backward(Stream& stream) {
        with_arguments(stream, [&](auto& on) {
            layer_norm_backward<T>(stream, on(dy), on(x), on(weight), on(mean), on(rstd), on(dx), c.write,
                                   on(dweight), on(dbias), on(workspace));
        });
    }
    bool same_bits(const LayerNormProblem& other) const {
        return y.buffer().same_bits(other.y.buffer()) && mean.same_bits(other.mean) &&
               rstd.same_bits(other.rstd) && dx.buffer().same_bits(other.dx.buffer()) &&
               dweight.same_bits(other.dweight) && dbias.same_bits(other.dbias);
    }
    template <class S>
    LayerNormResults<S> reference() const {
        const auto as = [](const GuardedBuffer<T>& b) {
            return std::vector<S>(b.data(), b.data() + b.size());
        };
        GuardedSequence<T> before = dx;
        before.fill_random(5, c.write == Write::accumulate ? 1 : 0);
        return layer_norm_reference<S>(c, x.template values<S>(), dy.template values<S>(), as(weight),
                                       as(bias), before.template values<S>());
    }
};

// Both passes on this backend, from poisoned outputs, against the reference.
template <class T, class Stream>
void check_layer_norm(Stream& stream, const LayerNormCase& c) {
    CAPTURE(c.length);
    CAPTURE(c.channels);
    LayerNormProblem<T> a(c);
    const auto same = a.template reference<T>();
    const auto reference = a.template reference<Wide<T>>();
    a.forward(stream);
    a.backward(stream);
    check_error(a.y.values(), same.y, reference.y, "y");
    check_error(values(a.mean), same.mean, reference.mean, "mean");
    check_error(values(a.rstd), same.rstd, reference.rstd, "rstd");
    check_error(a.dx.values(), same.dx, reference.dx, "dx");
    check_error(values(a.dweight), same.dweight, reference.dweight, "dweight");
    check_error(values(a.dbias), same.dbias, reference.dbias, "dbias");
    a.y.check_zero_padding();
    a.dx.check_zero_padding();
    for (const auto* s : {&a.x, &a.dy, &a.y, &a.dx}) s->check_sentinels();
    for (const auto* b : {&a.weight, &a.bias, &a.mean, &a.rstd, &a.dweight, &a.dbias, &a.workspace})
        b->check_sentinels();
}

inline std::vector<LayerNormCase> layer_norm_cases() {
    return {{1, 2, 2},
            {1, 25, 31},
            {2, 33, 33},
            {1, 257, 4},
            {3, 25, 128},
            {1, 50, 257},
            {2, 100, 64, Write::accumulate},
            {64, 1, 128},
            {1, 200, 16},
            {1, 333, 9},
            {2, 3, 1}};
}

}  // namespace abr::test
