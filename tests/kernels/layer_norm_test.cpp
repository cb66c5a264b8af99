#include <doctest/doctest.h>

#include "kernels/norm.hpp"
#include "tests/kernels/simd_levels.hpp"
#include "tests/kernels/support.hpp"

using namespace abr;
using namespace abr::test;

namespace {

struct Case {
    Index batch, length, channels;
    Write write = Write::overwrite;
};

template <class S>
struct Results {
    std::vector<S> y, mean, rstd, dx, dweight, dbias;
};

template <class S>
Results<S> naive(const Case& c, const std::vector<S>& x, const std::vector<S>& dy,
                 const std::vector<S>& weight, const std::vector<S>& bias, const std::vector<S>& dx_before) {
    const auto n = static_cast<std::size_t>(c.channels);
    Results<S> r{x, {}, {}, dx_before, std::vector<S>(n), std::vector<S>(n)};
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
struct Arguments {
    Case c;
    GuardedSequence<T> x, dy, y, dx;
    GuardedBuffer<T> weight, bias, mean, rstd, dweight, dbias, workspace;

    explicit Arguments(const Case& k)
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
    void forward(cpu::Stream& stream) {
        cpu::layer_norm_forward<T>(stream, x.view(), weight.data(), bias.data(), y.view(), mean.data(),
                                   rstd.data());
    }
    void backward(cpu::Stream& stream) {
        cpu::layer_norm_backward<T>(stream, dy.view(), x.view(), weight.data(), mean.data(), rstd.data(),
                                    dx.view(), c.write, dweight.data(), dbias.data(), workspace.data());
    }
    template <class S>
    Results<S> reference() const {
        const auto as = [](const GuardedBuffer<T>& b) {
            return std::vector<S>(b.data(), b.data() + b.size());
        };
        GuardedSequence<T> before = dx;
        before.fill_random(5, c.write == Write::accumulate ? 1 : 0);
        return naive<S>(c, x.template values<S>(), dy.template values<S>(), as(weight), as(bias),
                        before.template values<S>());
    }
};

template <class T>
void check_case(const Case& c, const std::string& level) {
    CAPTURE(c.length);
    CAPTURE(c.channels);
    CAPTURE(level);
    cpu::Stream stream(1);
    Arguments<T> a(c);
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

}  // namespace

TEST_CASE("layer norm agrees with a naive version at every SIMD level") {
    for_each_simd_level([](const std::string& level) {
        for (const Case& c : {Case{1, 2, 2}, Case{1, 25, 31}, Case{2, 33, 33}, Case{1, 257, 4},
                              Case{3, 25, 128}, Case{1, 50, 257}, Case{2, 100, 64, Write::accumulate},
                              Case{64, 1, 128}, Case{1, 200, 16}, Case{1, 333, 9}}) {
            check_case<float>(c, level);
            check_case<double>(c, level);
        }
    });
}

TEST_CASE("layer norm's gradients are those of finite differences") {
    const Case c{2, 5, 13};
    cpu::Stream stream(1);
    Arguments<double> a(c);
    a.forward(stream);
    a.backward(stream);
    const auto loss = [&] {
        a.forward(stream);
        return upstream_loss(a.dy.view(), a.y.view());
    };
    for (Index b = 0; b < c.batch; ++b)
        check_gradient(loss, a.x.view().row(b, 0), c.length * c.channels, a.dx.view().row(b, 0), "dx");
    check_gradient(loss, a.weight.data(), c.channels, a.dweight.data(), "dweight");
    check_gradient(loss, a.bias.data(), c.channels, a.dbias.data(), "dbias");
}

TEST_CASE("layer norm adds to the parameter gradients") {
    cpu::Stream stream(1);
    Arguments<double> once({3, 25, 20}), twice({3, 25, 20});
    once.forward(stream);
    once.backward(stream);
    twice.forward(stream);
    twice.backward(stream);
    twice.backward(stream);
    for (Index i = 0; i < 20; ++i) {
        CHECK(twice.dweight[i] == 2 * once.dweight[i]);
        CHECK(twice.dbias[i] == 2 * once.dbias[i]);
    }
}

TEST_CASE("layer norm gives the same bits for any number of threads") {
    cpu::Stream one(1);
    Arguments<float> expected({7, 25, 128});
    expected.forward(one);
    expected.backward(one);
    for (const int threads : {1, 2, 3}) {
        cpu::Stream stream(threads);
        Arguments<float> a({7, 25, 128});
        a.forward(stream);
        a.backward(stream);
        CHECK(a.y.buffer().same_bits(expected.y.buffer()));
        CHECK(a.dx.buffer().same_bits(expected.dx.buffer()));
        CHECK(a.dweight.same_bits(expected.dweight));
        CHECK(a.dbias.same_bits(expected.dbias));
    }
}
