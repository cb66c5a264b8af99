#include "kernels/attention_pool.hpp"

#include <doctest/doctest.h>

#include "tests/kernels/simd_levels.hpp"
#include "tests/kernels/support.hpp"

using namespace abr;
using namespace abr::test;

namespace {

struct Case {
    Index batch, length, channels, hidden;
    Write write = Write::overwrite;
};

template <class S>
struct Results {
    std::vector<S> h, a, y, dx, dweight, dbias, dscore;
};
template <class S>
struct Inputs {
    std::vector<S> x, weight, bias, score, dy, dx_before;
};

template <class S>
Results<S> naive(const Case& c, const Inputs<S>& in) {
    const auto z = [](Index n) { return static_cast<std::size_t>(n); };
    const Index C = c.channels, H = c.hidden;
    Results<S> r{std::vector<S>(z(c.batch * c.length * H)),
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
struct Arguments {
    Case c;
    AttentionPool op;
    GuardedSequence<T> x, dx, y, dy;  // y, dy: one row a sample
    GuardedBuffer<T> weight, bias, score, h, a, dweight, dbias, dscore, workspace;

    explicit Arguments(const Case& k)
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
        weight.fill_random(3);
        bias.fill_random(4);
        score.fill_random(5);
        if (k.write == Write::accumulate) dx.fill_random(6);
        dweight.fill(0);
        dbias.fill(0);
        dscore.fill(0);
    }
    void forward(cpu::Stream& stream) {
        cpu::attention_pool_forward<T>(stream, op,
                                       {x.view(), weight.data(), bias.data(), score.data(), h.data(),
                                        a.data(), y.matrix(), workspace.data()});
    }
    void backward(cpu::Stream& stream) {
        cpu::attention_pool_backward<T>(
            stream, op,
            {dy.matrix(), x.view(), weight.data(), score.data(), h.data(), a.data(), dx.view(), c.write,
             dweight.data(), dbias.data(), dscore.data(), workspace.data()});
    }
    template <class S>
    Results<S> reference() const {
        const auto as = [](const GuardedBuffer<T>& b) {
            return std::vector<S>(b.data(), b.data() + b.size());
        };
        GuardedSequence<T> before = dx;
        before.fill_random(6, c.write == Write::accumulate ? 1 : 0);
        return naive<S>(c, {x.template values<S>(), as(weight), as(bias), as(score), dy.template values<S>(),
                            before.template values<S>()});
    }
};

template <class T>
void check_case(const Case& c) {
    CAPTURE(c.length);
    CAPTURE(c.channels);
    cpu::Stream stream(1);
    Arguments<T> k(c);
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

}  // namespace

TEST_CASE("attention pooling agrees with a naive version at every SIMD level") {
    for_each_simd_level([](const std::string& level) {
        CAPTURE(level);
        for (const Case& c : {Case{1, 1, 1, 1}, Case{2, 25, 128, 64}, Case{1, 31, 33, 17, Write::accumulate},
                              Case{2, 200, 16, 8}, Case{4, 50, 31, 17}, Case{1, 257, 4, 2, Write::accumulate},
                              Case{1, 333, 9, 4}, Case{3, 100, 32, 16}}) {
            check_case<float>(c);
            check_case<double>(c);
        }
    });
}

TEST_CASE("attention pooling's gradients are those of finite differences") {
    const Case c{2, 6, 5, 3};
    cpu::Stream stream(1);
    Arguments<double> k(c);
    k.forward(stream);
    k.backward(stream);
    const auto loss = [&] {
        k.forward(stream);
        return upstream_loss(k.dy.matrix(), k.y.matrix());
    };
    for (Index b = 0; b < c.batch; ++b)
        check_gradient(loss, k.x.view().row(b, 0), c.length * c.channels, k.dx.view().row(b, 0), "dx");
    check_gradient(loss, k.weight.data(), k.weight.size(), k.dweight.data(), "dweight");
    check_gradient(loss, k.bias.data(), k.bias.size(), k.dbias.data(), "dbias");
    check_gradient(loss, k.score.data(), k.score.size(), k.dscore.data(), "dscore");
}

TEST_CASE("attention pooling adds to the parameter gradients") {
    cpu::Stream stream(1);
    Arguments<double> once({2, 9, 6, 3}), twice({2, 9, 6, 3});
    once.forward(stream);
    once.backward(stream);
    twice.forward(stream);
    twice.backward(stream);
    twice.backward(stream);
    for (Index i = 0; i < once.weight.size(); ++i)
        CHECK(twice.dweight[i] == doctest::Approx(2 * once.dweight[i]));
    for (Index i = 0; i < 3; ++i) {
        CHECK(twice.dbias[i] == 2 * once.dbias[i]);
        CHECK(twice.dscore[i] == 2 * once.dscore[i]);
    }
}

TEST_CASE("attention pooling gives the same bits for any number of threads") {
    cpu::Stream one(1);
    const Case c{5, 200, 16, 8};
    Arguments<float> expected(c);
    expected.forward(one);
    expected.backward(one);
    for (const int threads : {1, 2, 3}) {
        cpu::Stream stream(threads);
        Arguments<float> k(c);
        k.forward(stream);
        k.backward(stream);
        CHECK(k.y.buffer().same_bits(expected.y.buffer()));
        CHECK(k.dx.buffer().same_bits(expected.dx.buffer()));
        CHECK(k.dweight.same_bits(expected.dweight));
        CHECK(k.dbias.same_bits(expected.dbias));
        CHECK(k.dscore.same_bits(expected.dscore));
    }
}
