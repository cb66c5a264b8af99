// What the tests of conv1d and conv_transpose1d share on every backend: cases, naive sums of every pass, and one
// problem's buffers.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "kernels/conv1d.hpp"
#include "tests/kernels/on_backend.hpp"
#include "tests/kernels/support.hpp"

namespace abr::test {

template <class Op>
struct ConvolutionCase {
    Op op;
    Index batch = 1;
    Index length = 1;
};

// {in, out, kernel, stride, dilation, padding}, batch, length
inline const std::vector<ConvolutionCase<Conv1d>> kConv1dNetworkCases = {
    {{1, 16, 3, 1, 1, 1}, 3, 200},
    {{1, 16, 7, 1, 2, 6}, 3, 200},
    {{1, 16, 15, 1, 3, 21}, 3, 200},
    {{48, 16, 1, 1, 1, 0}, 2, 200},
    {{16, 16, 7, 1, 1, 3}, 5, 200},
    {{16, 16, 4, 2, 1, 1}, 3, 200},
    {{32, 32, 7, 1, 1, 3}, 3, 100},
    {{64, 64, 7, 1, 1, 3}, 9, 50},
    {{64, 64, 4, 2, 1, 1}, 5, 50},
    {{128, 128, 7, 1, 1, 3}, 11, 25},
    {{128, 64, 1, 1, 1, 0}, 3, 25},
    {{16, 1, 1, 1, 1, 0}, 3, 200},
    {{16, 32, 7, 1, 1, 3}, 1, 333},
    // batches whose weight gradient is summed over slices of several chunks, read in place and packed
    {{4, 8, 3, 1, 1, 1}, 35, 200},
    {{64, 8, 3, 1, 1, 1}, 101, 50},
};
inline const std::vector<ConvolutionCase<Conv1d>> kConv1dEdgeCases = {
    // odd sizes, tails of every vector width
    {{1, 1, 1, 1, 1, 0}, 1, 1},
    {{1, 1, 3, 1, 1, 1}, 2, 1},
    {{31, 33, 3, 1, 1, 1}, 3, 31},
    {{33, 31, 2, 1, 1, 0}, 1, 33},
    {{257, 17, 3, 1, 1, 1}, 2, 31},
    {{5, 257, 2, 1, 1, 1}, 1, 33},
    {{67, 9, 3, 2, 2, 2}, 3, 257},
    {{3, 7, 5, 1, 1, 2}, 1, 257},
    // strides and dilations with and without a common divisor, kernels shorter than the stride, wide padding
    {{4, 8, 4, 3, 1, 1}, 3, 50},
    {{4, 8, 5, 2, 2, 4}, 3, 50},
    {{4, 8, 5, 3, 2, 0}, 2, 100},
    {{4, 8, 4, 2, 3, 3}, 2, 31},
    {{4, 8, 3, 6, 4, 2}, 2, 57},
    {{4, 8, 1, 3, 1, 0}, 2, 25},
    {{4, 8, 2, 3, 1, 4}, 2, 25},
    {{70, 20, 2, 3, 3, 5}, 2, 25},
};
// {in, out, kernel, stride, padding}, batch, length
inline const std::vector<ConvolutionCase<ConvTranspose1d>> kConvTranspose1dNetworkCases = {
    {{128, 64, 4, 2, 1}, 11, 25}, {{64, 32, 4, 2, 1}, 5, 50}, {{32, 16, 4, 2, 1}, 3, 100},
    {{16, 3, 4, 2, 1}, 1, 333},   {{4, 8, 4, 2, 1}, 2, 200},
};
inline const std::vector<ConvolutionCase<ConvTranspose1d>> kConvTranspose1dEdgeCases = {
    // odd sizes, tails of every vector width
    {{1, 1, 1, 1, 0}, 1, 1},
    {{1, 1, 3, 1, 1}, 2, 1},
    {{31, 33, 3, 1, 1}, 3, 31},
    {{257, 17, 2, 2, 0}, 2, 31},
    {{5, 257, 3, 2, 1}, 1, 33},
    {{3, 7, 5, 1, 2}, 1, 257},
    // stride 3, kernels shorter than the stride, no padding, wide padding
    {{4, 8, 7, 3, 2}, 2, 50},
    {{4, 8, 2, 3, 0}, 2, 25},
    {{4, 8, 1, 3, 0}, 2, 25},
    {{70, 20, 5, 2, 0}, 2, 25},
    {{4, 8, 3, 2, 5}, 2, 25},
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
    template <class Stream>
    void forward(Stream& stream, bool with_bias = true) {
        workspace.poison();
        with_arguments(stream, [&](auto& on) {
            T* const b = with_bias ? on(bias) : nullptr;
            if constexpr (std::is_same_v<Op, Conv1d>)
                conv1d_forward<T>(stream, op, on(x), on(weight), b, on(y), on(workspace));
            else
                conv_transpose1d_forward<T>(stream, op, on(x), on(weight), b, on(y), on(workspace));
        });
    }
    template <class Stream>
    void backward_data(Stream& stream, Write write) {
        workspace.poison();
        with_arguments(stream, [&](auto& on) {
            if constexpr (std::is_same_v<Op, Conv1d>)
                conv1d_backward_data<T>(stream, op, on(dy), on(weight), on(dx), write, on(workspace));
            else
                conv_transpose1d_backward_data<T>(stream, op, on(dy), on(weight), on(dx), write,
                                                  on(workspace));
        });
    }
    template <class Stream>
    void backward_weight(Stream& stream, bool with_bias = true) {
        workspace.poison();
        with_arguments(stream, [&](auto& on) {
            T* const b = with_bias ? on(dbias) : nullptr;
            if constexpr (std::is_same_v<Op, Conv1d>)
                conv1d_backward_weight<T>(stream, op, on(x), on(dy), on(dweight), b, on(workspace));
            else
                conv_transpose1d_backward_weight<T>(stream, op, on(x), on(dy), on(dweight), b, on(workspace));
        });
    }
    template <class Stream>
    void every_pass(Stream& stream) {
        forward(stream);
        backward_data(stream, Write::overwrite);
        backward_weight(stream);
    }
    // Of everything that every_pass() writes.
    void check_same_bits(const ConvolutionProblem& other) const {
        CHECK(y.buffer().same_bits(other.y.buffer()));
        CHECK(dx.buffer().same_bits(other.dx.buffer()));
        CHECK(dweight.same_bits(other.dweight));
        CHECK(dbias.same_bits(other.dbias));
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
template <class T, class Stream, class Op>
void check_against_naive(Stream& stream, const ConvolutionCase<Op>& c) {
    using Reference = Wide<T>;
    CAPTURE(name(c));
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

}  // namespace abr::test
