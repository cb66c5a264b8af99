#include "kernels/attention.hpp"

#include <doctest/doctest.h>

#include "tests/kernels/simd_levels.hpp"
#include "tests/kernels/support.hpp"

using namespace abr;
using namespace abr::test;

namespace {

struct Case {
    Index batch, length, channels, heads;
    double scale = 1;  // of q, k, v
};

template <class S>
struct Results {
    std::vector<S> o, p, dqkv;
};

template <class S>
Results<S> naive(const Case& c, const std::vector<S>& qkv, const std::vector<S>& d_o) {
    const Index n = c.length, depth = c.channels / c.heads;
    const S scale = 1 / std::sqrt(static_cast<S>(depth));
    Results<S> r{std::vector<S>(d_o.size()),
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
struct Arguments {
    Case c;
    Attention op;
    GuardedSequence<T> qkv, d_o, o, dqkv;
    GuardedBuffer<T> p, workspace;

    explicit Arguments(const Case& k)
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
    void forward(cpu::Stream& stream) {
        cpu::attention_forward<T>(stream, op, qkv.view(), o.view(), p.data());
    }
    void backward(cpu::Stream& stream) {
        cpu::attention_backward<T>(stream, op, d_o.view(), qkv.view(), p.data(), dqkv.view(),
                                   workspace.data());
    }
};

template <class T>
void check_case(const Case& c) {
    CAPTURE(c.length);
    CAPTURE(c.channels);
    cpu::Stream stream(1);
    Arguments<T> a(c);
    a.forward(stream);
    a.backward(stream);
    const auto same = naive<T>(c, a.qkv.values(), a.d_o.values());
    const auto reference =
        naive<Wide<T>>(c, a.qkv.template values<Wide<T>>(), a.d_o.template values<Wide<T>>());
    check_error(a.o.values(), same.o, reference.o, "o");
    check_error(values(a.p), same.p, reference.p, "probabilities");
    check_error(a.dqkv.values(), same.dqkv, reference.dqkv, "dqkv");
    a.o.check_zero_padding();
    for (const auto* s : {&a.qkv, &a.d_o, &a.o, &a.dqkv}) s->check_sentinels();
    a.p.check_sentinels();
    a.workspace.check_sentinels();
}

}  // namespace

TEST_CASE("attention agrees with a naive version at every SIMD level") {
    for_each_simd_level([](const std::string& level) {
        CAPTURE(level);
        for (const Case& c :
             {Case{1, 1, 1, 1}, Case{2, 25, 128, 8, 3}, Case{1, 31, 33, 3}, Case{1, 33, 31, 1, 4},
              Case{1, 13, 130, 1}, Case{1, 50, 64, 4}, Case{1, 100, 32, 2}, Case{1, 200, 16, 1}}) {
            check_case<float>(c);
            check_case<double>(c);
        }
    });
    check_case<float>({1, 257, 34, 2});
    check_case<float>({1, 333, 16, 1});
}

TEST_CASE("attention's gradients are those of finite differences") {
    cpu::Stream stream(1);
    for (const Case& c : {Case{2, 5, 6, 2}, Case{1, 7, 5, 1}}) {
        Arguments<double> a(c);
        a.forward(stream);
        a.backward(stream);
        const auto loss = [&] {
            a.forward(stream);
            return upstream_loss(a.d_o.view(), a.o.view());
        };
        check_gradient(loss, a.qkv.buffer().data(), a.qkv.size(), a.dqkv.buffer().data(), "dqkv", 200);
    }
}

TEST_CASE("attention stands scores that exp cannot") {
    for_each_simd_level([](const std::string& level) {
        CAPTURE(level);
        cpu::Stream stream(1);
        Arguments<float> a({1, 25, 16, 1, 1e4});
        a.forward(stream);
        a.backward(stream);
        for (Index i = 0; i < 25; ++i) {
            float sum = 0;
            for (Index j = 0; j < 25; ++j) sum += a.p[i * 25 + j];
            CHECK(sum == doctest::Approx(1).epsilon(1e-5));
        }
        for (const float v : a.dqkv.values()) CHECK(std::isfinite(v));
    });
}

TEST_CASE("attention passes NaN on at every SIMD level") {
    for_each_simd_level([](const std::string& level) {
        CAPTURE(level);
        cpu::Stream stream(1);
        Arguments<float> a({1, 25, 16, 1});
        a.qkv.view().row(0, 3)[16] = std::nanf("");  // of a key: every row sees it
        a.forward(stream);
        for (const float v : a.o.values()) CHECK(std::isnan(v));
    });
}

TEST_CASE("attention gives the same bits for any number of threads") {
    cpu::Stream one(1);
    const Case c{3, 25, 64, 4};
    Arguments<float> expected(c);
    expected.forward(one);
    expected.backward(one);
    for (const int threads : {1, 2, 3}) {
        cpu::Stream stream(threads);
        Arguments<float> a(c);
        a.forward(stream);
        a.backward(stream);
        CHECK(a.o.buffer().same_bits(expected.o.buffer()));
        CHECK(a.p.same_bits(expected.p));
        CHECK(a.dqkv.buffer().same_bits(expected.dqkv.buffer()));
    }
}

TEST_CASE("positions are sines and cosines, added to every sample") {
    cpu::Stream stream(2);
    for (const Index channels : {1, 7, 16, 130}) {
        GuardedSequence<float> x(3, 25, channels, 1), y(3, 25, channels, 4);
        x.fill_random(1);
        cpu::add_positions<float>(stream, x.view(), y.view());
        for (Index b = 0; b < 3; ++b)
            for (Index t = 0; t < 25; ++t)
                for (Index c = 0; c < channels; ++c) {
                    const double angle =
                        static_cast<double>(t) /
                        std::pow(10000.0, static_cast<double>(c - c % 2) / static_cast<double>(channels));
                    const double expected = static_cast<double>(x.view().row(b, t)[c]) +
                                            (c % 2 ? std::cos(angle) : std::sin(angle));
                    CHECK(std::abs(static_cast<double>(y.view().row(b, t)[c]) - expected) <= 2.4e-7);
                }
        y.check_zero_padding();
        y.check_sentinels();
    }
}
