// What the tests of conv1d and conv_transpose1d share: naive sums of every pass, and one problem's buffers.
#pragma once

#include <hwy/targets.h>

#include <cstring>
#include <string>
#include <vector>

#include "kernels/conv1d.hpp"
#include "tests/kernels/support.hpp"

namespace abr::test {

template <class Op>
struct ConvolutionCase {
    Op op;
    Index batch = 1;
    Index length = 1;
};

// The two ops under common names.
inline Index pad(const Conv1d& op) {
    return conv1d_pad(op);
}
inline Index pad(const ConvTranspose1d& op) {
    return conv_transpose1d_pad(op);
}
inline Index workspace_size(const Conv1d& op, Index batch, Index length) {
    return conv1d_workspace(op, batch, length);
}
inline Index workspace_size(const ConvTranspose1d& op, Index batch, Index length) {
    return conv_transpose1d_workspace(op, batch, length);
}
inline Index dilation(const Conv1d& op) {
    return op.dilation;
}
inline Index dilation(const ConvTranspose1d&) {
    return 1;
}

template <class Op>
std::string name(const ConvolutionCase<Op>& c) {
    const Op& op = c.op;
    return "batch " + std::to_string(c.batch) + " length " + std::to_string(c.length) + " channels " +
           std::to_string(op.in_channels) + "->" + std::to_string(op.out_channels) + " kernel " +
           std::to_string(op.kernel) + " stride " + std::to_string(op.stride) + " dilation " +
           std::to_string(dilation(op)) + " padding " + std::to_string(op.padding);
}

// Calls visit(b, x_row, y_row, k) for each pair of rows that a tap connects.
template <class Op, class Visit>
void for_each_connection(const Op& op, Index batch, Index x_length, Visit visit) {
    constexpr bool transposed = std::is_same_v<Op, ConvTranspose1d>;
    const Index y_length = op.out_length(x_length);
    const Index narrow = transposed ? x_length : y_length, wide = transposed ? y_length : x_length;
    for (Index b = 0; b < batch; ++b)
        for (Index t = 0; t < narrow; ++t)
            for (Index k = 0; k < op.kernel; ++k) {
                const Index s = t * op.stride - op.padding + k * dilation(op);
                if (s < 0 || s >= wide) continue;
                transposed ? visit(b, t, s, k) : visit(b, s, t, k);
            }
}

template <class Sum, class Op, class T>
std::vector<Sum> naive_forward(const Op& op, Sequence<const T> x, const T* w, const T* bias) {
    const Index length = op.out_length(x.length);
    std::vector<Sum> y;
    for (Index row = 0; row < x.batch * length; ++row)
        for (Index o = 0; o < op.out_channels; ++o) y.push_back(bias ? Sum{bias[o]} : Sum{0});
    for_each_connection(op, x.batch, x.length, [&](Index b, Index x_row, Index y_row, Index k) {
        Sum* sum = y.data() + (b * length + y_row) * op.out_channels;
        for (Index i = 0; i < op.in_channels; ++i)
            for (Index o = 0; o < op.out_channels; ++o)
                sum[o] += Sum{x.row(b, x_row)[i]} * Sum{w[(k * op.in_channels + i) * op.out_channels + o]};
    });
    return y;
}

// `initial` (batch, length, in_channels): what the gradient is added to.
template <class Sum, class Op, class T>
std::vector<Sum> naive_backward_data(const Op& op, Sequence<const T> dy, const T* w, Index length,
                                     const std::vector<T>& initial) {
    std::vector<Sum> dx(initial.size(), Sum{0});
    for_each_connection(op, dy.batch, length, [&](Index b, Index x_row, Index y_row, Index k) {
        Sum* sum = dx.data() + (b * length + x_row) * op.in_channels;
        for (Index i = 0; i < op.in_channels; ++i)
            for (Index o = 0; o < op.out_channels; ++o)
                sum[i] += Sum{dy.row(b, y_row)[o]} * Sum{w[(k * op.in_channels + i) * op.out_channels + o]};
    });
    for (std::size_t i = 0; i < dx.size(); ++i) dx[i] += Sum{initial[i]};
    return dx;
}

// dweight, then dbias, added to `initial`.
template <class Sum, class Op, class T>
std::vector<Sum> naive_backward_weight(const Op& op, Sequence<const T> x, Sequence<const T> dy,
                                       const std::vector<T>& initial) {
    std::vector<Sum> gradient(initial.size(), Sum{0});
    for_each_connection(op, dy.batch, x.length, [&](Index b, Index x_row, Index y_row, Index k) {
        Sum* sum = gradient.data() + k * op.in_channels * op.out_channels;
        for (Index i = 0; i < op.in_channels; ++i)
            for (Index o = 0; o < op.out_channels; ++o)
                sum[i * op.out_channels + o] += Sum{x.row(b, x_row)[i]} * Sum{dy.row(b, y_row)[o]};
    });
    for (Index b = 0; b < dy.batch; ++b)
        for (Index t = 0; t < dy.length; ++t)
            for (Index o = 0; o < op.out_channels; ++o)
                gradient[static_cast<std::size_t>(op.weight_size() + o)] += Sum{dy.row(b, t)[o]};
    for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] += Sum{initial[i]};
    return gradient;
}

// One case's buffers; inputs and parameter gradients random, outputs and workspace poisoned.
template <class Op, class T>
struct ConvolutionProblem {
    Op op;
    GuardedSequence<T> x, y, dy, dx;
    GuardedBuffer<T> weight, bias, dweight, dbias, workspace;

    explicit ConvolutionProblem(const ConvolutionCase<Op>& c)
        : op(c.op),
          x(c.batch, c.length, op.in_channels, pad(op)),
          y(c.batch, op.out_length(c.length), op.out_channels, pad(op) + 1),
          dy(c.batch, op.out_length(c.length), op.out_channels, pad(op)),
          dx(c.batch, c.length, op.in_channels, 1),
          weight(op.weight_size()),
          bias(op.out_channels),
          dweight(op.weight_size()),
          dbias(op.out_channels),
          workspace(workspace_size(op, c.batch, c.length)) {
        x.fill_random(1);
        dy.fill_random(2);
        weight.fill_random(3);
        bias.fill_random(4);
        dweight.fill_random(5);
        dbias.fill_random(6);
    }
    void forward(cpu::Stream& stream, bool with_bias = true) {
        const T* b = with_bias ? bias.data() : nullptr;
        workspace.poison();
        if constexpr (std::is_same_v<Op, Conv1d>)
            cpu::conv1d_forward<T>(stream, op, x.view(), weight.data(), b, y.view(), workspace.data());
        else
            cpu::conv_transpose1d_forward<T>(stream, op, x.view(), weight.data(), b, y.view(),
                                             workspace.data());
    }
    void backward_data(cpu::Stream& stream, Write write) {
        workspace.poison();
        if constexpr (std::is_same_v<Op, Conv1d>)
            cpu::conv1d_backward_data<T>(stream, op, dy.view(), weight.data(), dx.view(), write,
                                         workspace.data());
        else
            cpu::conv_transpose1d_backward_data<T>(stream, op, dy.view(), weight.data(), dx.view(), write,
                                                   workspace.data());
    }
    void backward_weight(cpu::Stream& stream, bool with_bias = true) {
        T* b = with_bias ? dbias.data() : nullptr;
        workspace.poison();
        if constexpr (std::is_same_v<Op, Conv1d>)
            cpu::conv1d_backward_weight<T>(stream, op, x.view(), dy.view(), dweight.data(), b,
                                           workspace.data());
        else
            cpu::conv_transpose1d_backward_weight<T>(stream, op, x.view(), dy.view(), dweight.data(), b,
                                                     workspace.data());
    }
    std::vector<T> weight_gradients() const {
        auto all = values(dweight);
        const auto bias_part = values(dbias);
        all.insert(all.end(), bias_part.begin(), bias_part.end());
        return all;
    }
    void check_sentinels() const {
        for (const auto* s : {&x, &y, &dy, &dx}) s->check_sentinels();
        for (const auto* b : {&weight, &bias, &dweight, &dbias, &workspace}) b->check_sentinels();
    }
};

// Every pass against the naive sums, overwriting and accumulating, with and without bias.
template <class T, class Op>
void check_against_naive(const ConvolutionCase<Op>& c) {
    using Reference = Wide<T>;
    CAPTURE(name(c));
    cpu::Stream stream(2);
    ConvolutionProblem<Op, T> p(c);
    const Sequence<const T> x = p.x.view(), dy = p.dy.view();
    const T* w = p.weight.data();

    for (const bool with_bias : {true, false}) {
        const T* bias = with_bias ? p.bias.data() : nullptr;
        p.y.poison();
        p.forward(stream, with_bias);
        check_error(p.y.values(), naive_forward<T>(p.op, x, w, bias),
                    naive_forward<Reference>(p.op, x, w, bias),
                    with_bias ? "forward" : "forward without bias");
        p.y.check_zero_padding();
    }

    std::vector<T> initial(static_cast<std::size_t>(c.batch * c.length * p.op.in_channels), T{0});
    for (const Write write : {Write::overwrite, Write::accumulate}) {
        if (write == Write::accumulate) {
            p.dx.fill_random(7);
            initial = p.dx.values();
        }
        p.backward_data(stream, write);
        check_error(p.dx.values(), naive_backward_data<T>(p.op, dy, w, c.length, initial),
                    naive_backward_data<Reference>(p.op, dy, w, c.length, initial),
                    write == Write::overwrite ? "data gradient" : "accumulated data gradient");
        p.dx.check_zero_padding();
    }

    const auto before = p.weight_gradients();
    p.backward_weight(stream);
    check_error(p.weight_gradients(), naive_backward_weight<T>(p.op, x, dy, before),
                naive_backward_weight<Reference>(p.op, x, dy, before), "weight and bias gradient");
    const auto dbias = values(p.dbias);
    p.backward_weight(stream, false);
    CHECK_MESSAGE(values(p.dbias) == dbias, "a bias gradient that was not asked for");
    p.check_sentinels();
}

// Calls check() with only one SIMD level of this build and machine in use, for each of them.
template <class Check>
void for_each_simd_level(Check check) {
    for (const std::int64_t level : hwy::SupportedAndGeneratedTargets()) {
        CAPTURE(hwy::TargetName(level));
        hwy::SetSupportedTargetsForTest(level);
        check();
    }
    hwy::SetSupportedTargetsForTest(0);
}

template <class Op>
void check_finite_differences(const ConvolutionCase<Op>& c) {
    CAPTURE(name(c));
    cpu::Stream stream(1);
    ConvolutionProblem<Op, double> p(c);
    p.backward_data(stream, Write::overwrite);
    p.dweight.fill(0);
    p.dbias.fill(0);
    p.backward_weight(stream);
    const auto loss = [&] {
        p.forward(stream);
        return upstream_loss(p.dy.view(), p.y.view());
    };
    for (Index b = 0; b < c.batch; ++b)
        check_gradient(loss, p.x.view().row(b, 0), c.length * c.op.in_channels, p.dx.view().row(b, 0), "x");
    check_gradient(loss, p.weight.data(), p.weight.size(), p.dweight.data(), "weight");
    check_gradient(loss, p.bias.data(), p.bias.size(), p.dbias.data(), "bias");
}

template <class Op>
void check_same_bits(const ConvolutionCase<Op>& c) {
    CAPTURE(name(c));
    const auto run = [&](int threads) {
        cpu::Stream stream(threads);
        ConvolutionProblem<Op, float> p(c);
        p.forward(stream);
        p.backward_data(stream, Write::overwrite);
        p.backward_weight(stream);
        return p;
    };
    const auto reference = run(1);
    for (const int threads : {1, 2, 3}) {
        CAPTURE(threads);
        const auto p = run(threads);
        CHECK(p.y.buffer().same_bits(reference.y.buffer()));
        CHECK(p.dx.buffer().same_bits(reference.dx.buffer()));
        CHECK(p.dweight.same_bits(reference.dweight));
        CHECK(p.dbias.same_bits(reference.dbias));
    }
}

template <class Op>
void check_workspace_grows(const ConvolutionCase<Op>& c) {
    CAPTURE(name(c));
    for (Index batch = 1; batch < 70; ++batch)
        CHECK(workspace_size(c.op, batch, c.length) <= workspace_size(c.op, batch + 1, c.length));
}

}  // namespace abr::test
