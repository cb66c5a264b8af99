// What the tests of attention pooling share on every backend: the cases, one problem's buffers, the reference.
#pragma once

#include <string>
#include <vector>

#include "kernels/attention_pool.hpp"
#include "tests/kernels/on_backend.hpp"
#include "tests/kernels/support.hpp"

namespace abr::test {

struct AttentionPoolCase {
    Index batch, length, channels, hidden;
    Write write = Write::overwrite;
    double scale = 1;  // of W and v
};

template <class S>
struct AttentionPoolResults {
    std::vector<S> h, a, y, dx, dweight, dbias, dscore;
};
template <class S>
struct AttentionPoolInputs {
    std::vector<S> x, weight, bias, score, dy, dx_before;
};

template <class S>
AttentionPoolResults<S> attention_pool_reference(const AttentionPoolCase& c,
                                                 const AttentionPoolInputs<S>& in) {
    const auto z = [](Index n) { return static_cast<std::size_t>(n); };
    const Index C = c.channels, H = c.hidden;
    AttentionPoolResults<S> r{std::vector<S>(z(c.batch * c.length * H)),
                              std::vector<S>(z(c.batch * c.length)),
                              std::vector<S>(z(c.batch * C)),
                              in.dx_before,
                              std::vector<S>(z(C * H)),
                              std::vector<S>(z(H)),
                              std::vector<S>(z(H))};
    for (Index b = 0; b < c.batch; ++b) {
        S* a = r.a.data() + b * c.length;
        S largest = -std::numeric_limits<S>::infinity(), sum = 0, mean = 0;
        for (Index t = 0; t < c.length; ++t) {
            a[t] = 0;
            for (Index o = 0; o < H; ++o) {
                S pre = in.bias[z(o)];
                for (Index i = 0; i < C; ++i)
                    pre += in.x[z((b * c.length + t) * C + i)] * in.weight[z(i * H + o)];
                r.h[z((b * c.length + t) * H + o)] = std::tanh(pre);
                a[t] += in.score[z(o)] * std::tanh(pre);
            }
            largest = std::max(largest, a[t]);
        }
        for (Index t = 0; t < c.length; ++t) sum += a[t] = std::exp(a[t] - largest);
        std::vector<S> da(z(c.length));
        for (Index t = 0; t < c.length; ++t) {
            a[t] /= sum;
            for (Index i = 0; i < C; ++i) {
                const std::size_t at = z((b * c.length + t) * C + i);
                r.y[z(b * C + i)] += a[t] * in.x[at];
                da[z(t)] += in.dy[z(b * C + i)] * in.x[at];
                r.dx[at] += a[t] * in.dy[z(b * C + i)];
            }
            mean += a[t] * da[z(t)];
        }
        for (Index t = 0; t < c.length; ++t) {
            const S ds = a[t] * (da[z(t)] - mean);
            for (Index o = 0; o < H; ++o) {
                const S h = r.h[z((b * c.length + t) * H + o)];
                const S pre = ds * in.score[z(o)] * (1 - h * h);
                r.dscore[z(o)] += ds * h;
                r.dbias[z(o)] += pre;
                for (Index i = 0; i < C; ++i) {
                    r.dx[z((b * c.length + t) * C + i)] += pre * in.weight[z(i * H + o)];
                    r.dweight[z(i * H + o)] += pre * in.x[z((b * c.length + t) * C + i)];
                }
            }
        }
    }
    return r;
}

template <class T>
struct AttentionPoolProblem {
    AttentionPoolCase c;
    AttentionPool op;
    GuardedSequence<T> x, dx, y, dy;  // y, dy: one row a sample
    GuardedBuffer<T> weight, bias, score, h, a, dweight, dbias, dscore, workspace;

    explicit AttentionPoolProblem(const AttentionPoolCase& k)
        : c(k),
          op{k.channels, k.hidden},
          x(k.batch, k.length, k.channels, 2),
          dx(k.batch, k.length, k.channels, 3),
          y(k.batch, 1, k.channels, 0),
          dy(k.batch, 1, k.channels, 0),
          weight(k.channels * k.hidden),
          bias(k.hidden),
          score(k.hidden),
          h(k.batch * k.length * k.hidden),
          a(k.batch * k.length),
          dweight(k.channels * k.hidden),
          dbias(k.hidden),
          dscore(k.hidden),
          workspace(attention_pool_workspace(op, k.batch, k.length)) {
        x.fill_random(1);
        dy.fill_random(2);
        weight.fill_random(3, k.scale);
        bias.fill_random(4);
        score.fill_random(5, k.scale);
        if (k.write == Write::accumulate) dx.fill_random(6);
        dweight.fill(0);
        dbias.fill(0);
        dscore.fill(0);
    }
    template <class Stream>
    void forward(Stream& stream) {
        with_arguments(stream, [&](auto& on) {
            attention_pool_forward<T>(
                stream, op,
                {on(x), on(weight), on(bias), on(score), on(h), on(a), as_matrix(on(y)), on(workspace)});
        });
    }
    template <class Stream>
    void backward(Stream& stream) {
        with_arguments(stream, [&](auto& on) {
            attention_pool_backward<T>(stream, op,
                                       {as_matrix(on(dy)), on(x), on(weight), on(score), on(h), on(a), on(dx),
                                        c.write, on(dweight), on(dbias), on(dscore), on(workspace)});
        });
    }
    bool same_bits(const AttentionPoolProblem& other) const {
        return h.same_bits(other.h) && a.same_bits(other.a) && y.buffer().same_bits(other.y.buffer()) &&
               dx.buffer().same_bits(other.dx.buffer()) && dweight.same_bits(other.dweight) &&
               dbias.same_bits(other.dbias) && dscore.same_bits(other.dscore);
    }
    template <class S>
    AttentionPoolResults<S> reference() const {
        const auto as = [](const GuardedBuffer<T>& b) {
            return std::vector<S>(b.data(), b.data() + b.size());
        };
        GuardedSequence<T> before = dx;
        before.fill_random(6, c.write == Write::accumulate ? 1 : 0);
        return attention_pool_reference<S>(c, {x.template values<S>(), as(weight), as(bias), as(score),
                                               dy.template values<S>(), before.template values<S>()});
    }
};

// Both passes on this backend, from poisoned outputs, against the reference.
template <class T, class Stream>
void check_attention_pool(Stream& stream, const AttentionPoolCase& c) {
    CAPTURE(c.length);
    CAPTURE(c.channels);
    AttentionPoolProblem<T> k(c);
    const auto same = k.template reference<T>();
    const auto reference = k.template reference<Wide<T>>();
    k.forward(stream);
    k.backward(stream);
    check_error(values(k.h), same.h, reference.h, "h");
    check_error(values(k.a), same.a, reference.a, "a");
    check_error(k.y.values(), same.y, reference.y, "y");
    check_error(k.dx.values(), same.dx, reference.dx, "dx");
    check_error(values(k.dweight), same.dweight, reference.dweight, "dweight");
    check_error(values(k.dbias), same.dbias, reference.dbias, "dbias");
    check_error(values(k.dscore), same.dscore, reference.dscore, "dscore");
    k.dx.check_zero_padding();
    for (const auto* s : {&k.x, &k.dx, &k.y, &k.dy}) s->check_sentinels();
    for (const auto* b :
         {&k.weight, &k.bias, &k.score, &k.h, &k.a, &k.dweight, &k.dbias, &k.dscore, &k.workspace})
        b->check_sentinels();
}

// Equal scores that exp cannot take, below 0 and above.
template <class T, class Stream>
void check_far_scores(Stream& stream) {
    for (const T far : {T(-1000), T(1000)}) {
        CAPTURE(far);
        AttentionPoolProblem<T> k({2, 9, 6, 3});
        k.bias.fill(T(50));  // where tanh is 1
        k.score.fill(far);
        k.forward(stream);
        for (const auto a : values(k.a)) CHECK(a == doctest::Approx(1.0 / 9));
    }
}

inline std::vector<AttentionPoolCase> attention_pool_cases() {
    return {{1, 1, 1, 1},    {2, 25, 128, 64}, {1, 31, 33, 17, Write::accumulate},
            {2, 200, 16, 8}, {4, 50, 31, 17},  {1, 257, 4, 2, Write::accumulate},
            {1, 333, 9, 4},  {3, 100, 32, 16}};
}

}  // namespace abr::test
