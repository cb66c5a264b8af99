#include <doctest/doctest.h>

#include "kernels/norm.hpp"
#include "tests/kernels/dropout_reference.hpp"
#include "tests/kernels/simd_levels.hpp"
#include "tests/kernels/support.hpp"

using namespace abr;
using namespace abr::test;

namespace {

struct Case {
    Index batch, length, channels, groups;
    bool gelu, film, residual;
    float rate;
    double mean = 0;  // added to x: much larger than its spread in some cases
};

std::string name_of(const Case& c) {
    std::string name;
    for (const auto n : {c.batch, c.length, c.channels, c.groups}) name += std::to_string(n) + " ";
    return name + (c.gelu ? "gelu " : "") + (c.film ? "film " : "") + (c.residual ? "residual " : "") +
           (c.rate > 0 ? "dropout" : "");
}

Dropout dropout_of(const Case& c) {
    return {.rate = c.rate, .layer = 3, .position = {.seed = 11, .epoch = 2, .step = 7, .place = 5}};
}

// Everything that goes in; x, residual and dy dense here.
template <class S>
struct Inputs {
    std::vector<S> x, weight, bias, film, residual, dy;
};
template <class S>
struct Results {
    std::vector<S> y, mean, rstd, dx, dresidual, dfilm, dweight, dbias;
};

// The formulas of kernels/norm.hpp, one loop at a time.
template <class S>
Results<S> naive(const Case& c, const Inputs<S>& in) {
    const Index per_group = c.channels / c.groups;
    const auto size = [](Index n) { return static_cast<std::size_t>(n); };
    Results<S> r;
    r.y.resize(in.x.size());
    r.mean.resize(size(c.batch * c.groups));
    r.rstd = r.mean;
    r.dx.resize(in.x.size());
    r.dresidual.resize(c.residual ? in.x.size() : 0);
    r.dfilm.resize(size(c.film ? c.batch * 2 * c.channels : 0));
    r.dweight.resize(size(c.channels));
    r.dbias.resize(size(c.channels));
    for (Index b = 0; b < c.batch; ++b)
        for (Index g = 0; g < c.groups; ++g) {
            const S n = static_cast<S>(per_group * c.length);
            const auto each = [&](auto f) {
                for (Index t = 0; t < c.length; ++t)
                    for (Index ch = g * per_group; ch < (g + 1) * per_group; ++ch)
                        f(size((b * c.length + t) * c.channels + ch), size(ch), t * c.channels + ch);
            };
            S mean = 0, variance = 0;
            each([&](auto i, auto, Index) { mean += in.x[i]; });
            mean /= n;
            each([&](auto i, auto, Index) { variance += (in.x[i] - mean) * (in.x[i] - mean); });
            const S rstd = 1 / std::sqrt(variance / n + static_cast<S>(kNormEpsilon));
            r.mean[size(b * c.groups + g)] = mean;
            r.rstd[size(b * c.groups + g)] = rstd;
            S sum = 0, moment = 0;  // of the gradient with respect to the normalised values
            std::vector<S> upstream(in.x.size());
            each([&](auto i, auto ch, Index e) {
                const S gamma = c.film ? in.film[size(b * 2 * c.channels) + ch] : 0;
                const S beta = c.film ? in.film[size((b * 2 + 1) * c.channels) + ch] : 0;
                const S normalised = (in.x[i] - mean) * rstd;
                const S affine = normalised * in.weight[ch] + in.bias[ch];
                const S z = affine * (1 + gamma) + beta + (c.residual ? in.residual[i] : 0);
                const S factor = dropout_reference<S>(dropout_of(c), b, e);
                r.y[i] = (c.gelu ? gelu_reference(z) : z) * factor;
                const S dz = in.dy[i] * factor * (c.gelu ? gelu_derivative_reference(z) : 1);
                if (c.residual) r.dresidual[i] = dz;
                if (c.film) {
                    r.dfilm[size(b * 2 * c.channels) + ch] += dz * affine;
                    r.dfilm[size((b * 2 + 1) * c.channels) + ch] += dz;
                }
                const S d_affine = dz * (1 + gamma);
                r.dweight[ch] += d_affine * normalised;
                r.dbias[ch] += d_affine;
                upstream[i] = d_affine * in.weight[ch];
                sum += upstream[i];
                moment += upstream[i] * normalised;
            });
            each([&](auto i, auto, Index) {
                r.dx[i] = rstd * (upstream[i] - sum / n - (in.x[i] - mean) * rstd * moment / n);
            });
        }
    return r;
}

// The op's own arguments in guarded buffers, every padding different.
template <class T>
struct Arguments {
    Case c;
    GroupNorm op;
    GuardedSequence<T> x, residual, dy, y, dx, dresidual;
    GuardedBuffer<T> weight, bias, film, mean, rstd, dfilm, dweight, dbias, workspace;

    explicit Arguments(const Case& k)
        : c(k),
          op{k.channels, k.groups, k.gelu},
          x(k.batch, k.length, k.channels, 2),
          residual(k.batch, k.length, k.channels, 1),
          dy(k.batch, k.length, k.channels, 3),
          y(k.batch, k.length, k.channels, 7),
          dx(k.batch, k.length, k.channels, 4),
          dresidual(k.batch, k.length, k.channels, 5),
          weight(k.channels),
          bias(k.channels),
          film(k.batch * 2 * k.channels),
          mean(k.batch * k.groups),
          rstd(k.batch * k.groups),
          dfilm(k.batch * 2 * k.channels),
          dweight(k.channels),
          dbias(k.channels),
          workspace(group_norm_workspace(op, k.batch)) {
        x.fill_random(1, 2);
        for (Index b = 0; b < k.batch; ++b)
            for (Index i = 0; i < k.length * k.channels; ++i) x.view().row(b, 0)[i] += static_cast<T>(k.mean);
        residual.fill_random(2);
        dy.fill_random(3);
        weight.fill_random(4);
        bias.fill_random(5);
        film.fill_random(6);
        dweight.fill(0);
        dbias.fill(0);
    }

    void forward(cpu::Stream& stream) {
        GroupNormForward<T> a{.x = x.view(),
                                   .weight = weight.data(),
                                   .bias = bias.data(),
                                   .film = c.film ? film.data() : nullptr,
                                   .residual = {},
                                   .dropout = dropout_of(c),
                                   .y = y.view(),
                                   .mean = mean.data(),
                                   .rstd = rstd.data()};
        if (c.residual) a.residual = residual.view();
        cpu::group_norm_forward(stream, op, a);
    }
    void backward(cpu::Stream& stream) {
        GroupNormBackward<T> a{.dy = dy.view(),
                                    .x = x.view(),
                                    .weight = weight.data(),
                                    .bias = bias.data(),
                                    .film = c.film ? film.data() : nullptr,
                                    .residual = {},
                                    .dropout = dropout_of(c),
                                    .mean = mean.data(),
                                    .rstd = rstd.data(),
                                    .dx = dx.view(),
                                    .dresidual = {},
                                    .dfilm = c.film ? dfilm.data() : nullptr,
                                    .dweight = dweight.data(),
                                    .dbias = dbias.data(),
                                    .workspace = workspace.data()};
        if (c.residual) {
            a.residual = residual.view();
            a.dresidual = dresidual.view();
        }
        cpu::group_norm_backward(stream, op, a);
    }

    template <class S>
    Inputs<S> inputs() const {
        const auto wide = [](const GuardedBuffer<T>& b) {
            return std::vector<S>(b.data(), b.data() + b.size());
        };
        return {x.template values<S>(),        wide(weight),           wide(bias), wide(film),
                residual.template values<S>(), dy.template values<S>()};
    }
    Results<T> results() const {
        return {y.values(),
                values(mean),
                values(rstd),
                dx.values(),
                c.residual ? dresidual.values() : std::vector<T>{},
                c.film ? values(dfilm) : std::vector<T>{},
                values(dweight),
                values(dbias)};
    }
    void check_buffers() const {
        for (const auto* s : {&x, &residual, &dy, &y, &dx, &dresidual}) s->check_sentinels();
        for (const auto* b : {&weight, &bias, &film, &mean, &rstd, &dfilm, &dweight, &dbias, &workspace})
            b->check_sentinels();
        y.check_zero_padding();
        dx.check_zero_padding();
        if (c.residual) dresidual.check_zero_padding();
    }
};

template <class T>
void check_case(const Case& c, const std::string& level) {
    CAPTURE(name_of(c));
    CAPTURE(level);
    cpu::Stream stream(1);
    Arguments<T> a(c);
    a.forward(stream);
    a.backward(stream);
    a.check_buffers();
    const auto computed = a.results();
    const auto same = naive<T>(c, a.template inputs<T>());
    const auto reference = naive<Wide<T>>(c, a.template inputs<Wide<T>>());
    check_error(computed.y, same.y, reference.y, "y");
    check_error(computed.mean, same.mean, reference.mean, "mean");
    check_error(computed.rstd, same.rstd, reference.rstd, "rstd");
    check_error(computed.dx, same.dx, reference.dx, "dx");
    check_error(computed.dresidual, same.dresidual, reference.dresidual, "dresidual");
    check_error(computed.dfilm, same.dfilm, reference.dfilm, "dfilm");
    check_error(computed.dweight, same.dweight, reference.dweight, "dweight");
    check_error(computed.dbias, same.dbias, reference.dbias, "dbias");
}

const std::vector<Case> kCases = {
    {1, 1, 1, 1, false, false, false, 0},       {1, 31, 33, 11, true, false, true, 0.3f},
    {2, 33, 31, 1, true, true, false, 0.5f},    {1, 257, 4, 2, true, true, true, 0.1f},
    {3, 25, 128, 8, true, true, true, 0},       {1, 50, 64, 8, true, true, false, 0.1f},
    {2, 100, 32, 8, false, true, true, 0.25f},  {2, 200, 16, 8, true, true, false, 0.1f},
    {1, 333, 16, 4, true, false, false, 0},     {1, 5, 1030, 10, true, true, true, 0.2f},
    {1, 3, 520, 520, true, false, false, 0.9f}, {2, 200, 16, 8, true, true, false, 0, 100},
};

}  // namespace

TEST_CASE("group norm agrees with a naive version at every SIMD level") {
    for_each_simd_level([](const std::string& level) {
        for (const auto& c : kCases) {
            check_case<float>(c, level);
            check_case<double>(c, level);
        }
    });
}

TEST_CASE("group norm's gradients are those of finite differences") {
    for (const Case& c : {Case{2, 7, 6, 3, true, true, true, 0.3f}, Case{2, 5, 12, 2, false, true, false, 0},
                          Case{1, 9, 33, 3, true, false, true, 0}}) {
        CAPTURE(name_of(c));
        cpu::Stream stream(1);
        Arguments<double> a(c);
        a.forward(stream);
        a.backward(stream);
        const auto loss = [&] {
            a.forward(stream);
            return upstream_loss(a.dy.view(), a.y.view());
        };
        // Real rows of x and residual, sample by sample.
        for (Index b = 0; b < c.batch; ++b) {
            const Index n = c.length * c.channels;
            check_gradient(loss, a.x.view().row(b, 0), n, a.dx.view().row(b, 0), "dx");
            if (c.residual)
                check_gradient(loss, a.residual.view().row(b, 0), n, a.dresidual.view().row(b, 0),
                               "dresidual");
        }
        if (c.film) check_gradient(loss, a.film.data(), a.film.size(), a.dfilm.data(), "dfilm");
        check_gradient(loss, a.weight.data(), c.channels, a.dweight.data(), "dweight");
        check_gradient(loss, a.bias.data(), c.channels, a.dbias.data(), "dbias");
    }
}

TEST_CASE("group norm adds to the parameter gradients and replaces all else") {
    const Case c{2, 31, 24, 4, true, true, true, 0.2f};
    cpu::Stream stream(1);
    Arguments<double> once(c);
    once.forward(stream);
    once.backward(stream);
    Arguments<double> twice(c);
    twice.forward(stream);
    twice.backward(stream);
    twice.backward(stream);
    for (Index i = 0; i < c.channels; ++i) {
        CHECK(twice.dweight[i] == 2 * once.dweight[i]);
        CHECK(twice.dbias[i] == 2 * once.dbias[i]);
    }
    CHECK(twice.dx.buffer().same_bits(once.dx.buffer()));
    CHECK(twice.dresidual.buffer().same_bits(once.dresidual.buffer()));
    CHECK(twice.dfilm.same_bits(once.dfilm));
}

TEST_CASE("group norm gives the same bits for any number of threads") {
    const Case c{5, 200, 48, 8, true, true, true, 0.1f};
    cpu::Stream one(1);
    Arguments<float> expected(c);
    expected.forward(one);
    expected.backward(one);
    for (const int threads : {1, 2, 3}) {
        cpu::Stream stream(threads);
        Arguments<float> a(c);
        a.forward(stream);
        a.backward(stream);
        CHECK(a.y.buffer().same_bits(expected.y.buffer()));
        CHECK(a.dx.buffer().same_bits(expected.dx.buffer()));
        CHECK(a.dresidual.buffer().same_bits(expected.dresidual.buffer()));
        CHECK(a.dfilm.same_bits(expected.dfilm));
        CHECK(a.dweight.same_bits(expected.dweight));
        CHECK(a.dbias.same_bits(expected.dbias));
    }
}

TEST_CASE("pitfall 4: two micro-batches draw the dropout mask of the whole batch") {
    const Index length = 25, channels = 33;
    cpu::Stream stream(1);
    const GroupNorm op{channels, 3, true};
    GuardedSequence<float> x(4, length, channels, 0), y(4, length, channels, 0), half(2, length, channels, 0);
    x.fill_random(1);
    GuardedBuffer<float> weight(channels), bias(channels), mean(12), rstd(12);
    weight.fill(1);
    bias.fill(1);
    const auto forward = [&](Sequence<const float> from, std::uint32_t place, Sequence<float> to) {
        cpu::group_norm_forward<float>(stream, op,
                                       {.x = from,
                                        .weight = weight.data(),
                                        .bias = bias.data(),
                                        .dropout = {.rate = 0.4f, .position = {.seed = 3, .place = place}},
                                        .y = to,
                                        .mean = mean.data(),
                                        .rstd = rstd.data()});
    };
    forward(x.view(), 10, y.view());
    for (const Index first : {0, 2}) {
        auto part = x.view();
        part.data = part.row(first, 0);
        part.batch = 2;
        forward(part, 10 + static_cast<std::uint32_t>(first), half.view());
        CHECK(std::memcmp(half.buffer().data(), y.view().row(first, 0),
                          sizeof(float) * static_cast<std::size_t>(half.size())) == 0);
    }
}

TEST_CASE("group norm passes NaN on at every SIMD level") {
    for_each_simd_level([](const std::string& level) {
        CAPTURE(level);
        cpu::Stream stream(1);
        Arguments<float> a({1, 9, 20, 2, true, false, false, 0});
        a.x.view().row(0, 4)[3] = std::numeric_limits<float>::quiet_NaN();
        a.forward(stream);
        a.backward(stream);
        CHECK(std::isnan(a.y.view().row(0, 0)[0]));
        CHECK(std::isnan(a.dx.view().row(0, 0)[0]));
        CHECK(!std::isnan(a.y.view().row(0, 0)[10]));  // the other group
    });
}
