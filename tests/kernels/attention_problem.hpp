// What the tests of attention share on every backend: the cases, one problem's buffers, the reference.
#pragma once

#include <string>
#include <vector>

#include "kernels/attention.hpp"
#include "tests/kernels/on_backend.hpp"
#include "tests/kernels/support.hpp"

namespace abr::test {

struct AttentionCase {
    Index batch, length, channels, heads;
    double scale = 1;  // of q, k, v
};

template <class S>
struct AttentionResults {
    std::vector<S> o, p, dqkv;
};

template <class S>
AttentionResults<S> attention_reference(const AttentionCase& c, const std::vector<S>& qkv,
                                        const std::vector<S>& d_o) {
    const Index n = c.length, depth = c.channels / c.heads;
    const S scale = 1 / std::sqrt(static_cast<S>(depth));
    AttentionResults<S> r{std::vector<S>(d_o.size()),
                          std::vector<S>(static_cast<std::size_t>(c.batch * c.heads * n * n)),
                          std::vector<S>(qkv.size())};
    for (Index b = 0; b < c.batch; ++b)
        for (Index h = 0; h < c.heads; ++h) {
            // Element (t, d) of q, k, v (part 0, 1, 2), and of o.
            const auto in = [&](Index part, Index t, Index d) {
                return static_cast<std::size_t>(((b * n + t) * 3 + part) * c.channels + h * depth + d);
            };
            const auto out = [&](Index t, Index d) {
                return static_cast<std::size_t>((b * n + t) * c.channels + h * depth + d);
            };
            for (Index i = 0; i < n; ++i) {
                S* p = r.p.data() + ((b * c.heads + h) * n + i) * n;
                S largest = -std::numeric_limits<S>::infinity(), sum = 0, mean = 0;
                for (Index j = 0; j < n; ++j) {
                    p[j] = 0;
                    for (Index d = 0; d < depth; ++d) p[j] += qkv[in(0, i, d)] * qkv[in(1, j, d)];
                    p[j] *= scale;
                    largest = std::max(largest, p[j]);
                }
                for (Index j = 0; j < n; ++j) sum += p[j] = std::exp(p[j] - largest);
                std::vector<S> dp(static_cast<std::size_t>(n));
                for (Index j = 0; j < n; ++j) {
                    p[j] /= sum;
                    for (Index d = 0; d < depth; ++d) {
                        r.o[out(i, d)] += p[j] * qkv[in(2, j, d)];
                        dp[static_cast<std::size_t>(j)] += d_o[out(i, d)] * qkv[in(2, j, d)];
                        r.dqkv[in(2, j, d)] += p[j] * d_o[out(i, d)];
                    }
                    mean += p[j] * dp[static_cast<std::size_t>(j)];
                }
                for (Index j = 0; j < n; ++j) {
                    const S ds = p[j] * (dp[static_cast<std::size_t>(j)] - mean) * scale;
                    for (Index d = 0; d < depth; ++d) {
                        r.dqkv[in(0, i, d)] += ds * qkv[in(1, j, d)];
                        r.dqkv[in(1, j, d)] += ds * qkv[in(0, i, d)];
                    }
                }
            }
        }
    return r;
}

template <class T>
struct AttentionProblem {
    AttentionCase c;
    Attention op;
    GuardedSequence<T> qkv, d_o, o, dqkv;
    GuardedBuffer<T> p, workspace;

    explicit AttentionProblem(const AttentionCase& k)
        : c(k),
          op{k.channels, k.heads},
          qkv(k.batch, k.length, 3 * k.channels, 0),
          d_o(k.batch, k.length, k.channels, 0),
          o(k.batch, k.length, k.channels, 2),
          dqkv(k.batch, k.length, 3 * k.channels, 0),
          p(k.batch * k.heads * k.length * k.length),
          workspace(attention_workspace(op, k.batch, k.length)) {
        qkv.fill_random(1, k.scale);
        d_o.fill_random(2);
    }
    template <class Stream>
    void forward(Stream& stream) {
        with_arguments(stream, [&](auto& on) { attention_forward<T>(stream, op, on(qkv), on(o), on(p)); });
    }
    template <class Stream>
    void backward(Stream& stream) {
        with_arguments(stream, [&](auto& on) {
            attention_backward<T>(stream, op, on(d_o), on(qkv), on(p), on(dqkv), on(workspace));
        });
    }
    bool same_bits(const AttentionProblem& other) const {
        return o.buffer().same_bits(other.o.buffer()) && p.same_bits(other.p) &&
               dqkv.buffer().same_bits(other.dqkv.buffer());
    }
};

// Both passes on this backend, from poisoned outputs, against the reference.
template <class T, class Stream>
void check_attention(Stream& stream, const AttentionCase& c) {
    CAPTURE(c.length);
    CAPTURE(c.channels);
    AttentionProblem<T> a(c);
    a.forward(stream);
    a.backward(stream);
    const auto same = attention_reference<T>(c, a.qkv.values(), a.d_o.values());
    const auto reference =
        attention_reference<Wide<T>>(c, a.qkv.template values<Wide<T>>(), a.d_o.template values<Wide<T>>());
    check_error(a.o.values(), same.o, reference.o, "o");
    check_error(values(a.p), same.p, reference.p, "probabilities");
    check_error(a.dqkv.values(), same.dqkv, reference.dqkv, "dqkv");
    a.o.check_zero_padding();
    for (const auto* s : {&a.qkv, &a.d_o, &a.o, &a.dqkv}) s->check_sentinels();
    a.p.check_sentinels();
    a.workspace.check_sentinels();
}

inline std::vector<AttentionCase> attention_cases() {
    return {{1, 1, 1, 1},    {2, 25, 128, 8, 3}, {1, 31, 33, 3},  {1, 33, 31, 1, 4},
            {1, 13, 130, 1}, {1, 50, 64, 4},     {1, 100, 32, 2}, {1, 200, 16, 1}};
}
// Sequences that are longer still, in float.
inline std::vector<AttentionCase> long_attention_cases() {
    return {{1, 257, 34, 2}, {1, 333, 16, 1}};
}

// Of adding sinusoidal positions; every padding different.
template <class T>
struct PositionsProblem {
    GuardedSequence<T> x, y;

    PositionsProblem(Index batch, Index length, Index channels)
        : x(batch, length, channels, 1), y(batch, length, channels, 4) {
        x.fill_random(1);
    }
    template <class Stream>
    void add(Stream& stream) {
        with_arguments(stream, [&](auto& on) { add_positions<T>(stream, on(x), on(y)); });
    }
    void check() const {
        const Sequence<const T> from = x.view(), to = y.view();
        for (Index b = 0; b < from.batch; ++b)
            for (Index t = 0; t < from.length; ++t)
                for (Index c = 0; c < from.channels; ++c) {
                    const double angle =
                        static_cast<double>(t) / std::pow(10000.0, static_cast<double>(c - c % 2) /
                                                                       static_cast<double>(from.channels));
                    const double expected =
                        static_cast<double>(from.row(b, t)[c]) + (c % 2 ? std::cos(angle) : std::sin(angle));
                    CHECK(std::abs(static_cast<double>(to.row(b, t)[c]) - expected) <= 2.4e-7);
                }
        y.check_zero_padding();
        y.check_sentinels();
    }
};

}  // namespace abr::test
