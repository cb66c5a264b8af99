// What the tests of group norm share on every backend: the cases, one problem's buffers, the reference.
#pragma once

#include <string>
#include <vector>

#include "kernels/norm.hpp"
#include "tests/kernels/dropout_reference.hpp"
#include "tests/kernels/on_backend.hpp"
#include "tests/kernels/support.hpp"

namespace abr::test {

struct GroupNormCase {
    Index batch, length, channels, groups;
    bool gelu, film, residual;
    float rate;
    double mean = 0;  // added to x: much larger than its spread in some cases
};

inline std::string name_of(const GroupNormCase& c) {
    std::string name;
    for (const auto n : {c.batch, c.length, c.channels, c.groups}) name += std::to_string(n) + " ";
    return name + (c.gelu ? "gelu " : "") + (c.film ? "film " : "") + (c.residual ? "residual " : "") +
           (c.rate > 0 ? "dropout" : "");
}

inline constexpr StepState kGroupNormState = {.seed = 11, .step = 7, .epoch = 2};
inline Dropout dropout_of(const GroupNormCase& c) {
    return {.rate = c.rate, .layer = 3, .state = &kGroupNormState, .place = 5};
}

// Everything that goes in; x, residual and dy dense here.
template <class S>
struct GroupNormInputs {
    std::vector<S> x, weight, bias, film, residual, dy;
};
template <class S>
struct GroupNormResults {
    std::vector<S> y, mean, rstd, dx, dresidual, dfilm, dweight, dbias;
};

// The formulas of kernels/norm.hpp, one loop at a time.
template <class S>
GroupNormResults<S> group_norm_reference(const GroupNormCase& c, const GroupNormInputs<S>& in) {
    const Index per_group = c.channels / c.groups;
    const auto size = [](Index n) { return static_cast<std::size_t>(n); };
    GroupNormResults<S> r;
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
struct GroupNormProblem {
    GroupNormCase c;
    GroupNorm op;
    GuardedSequence<T> x, residual, dy, y, dx, dresidual;
    GuardedBuffer<T> weight, bias, film, mean, rstd, dfilm, dweight, dbias, workspace;

    explicit GroupNormProblem(const GroupNormCase& k)
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

    template <class Stream>
    void forward(Stream& stream) {
        with_arguments(stream, [&](auto& on) {
            GroupNormForward<T> a{.x = on(x),
                                  .weight = on(weight),
                                  .bias = on(bias),
                                  .film = c.film ? on(film) : nullptr,
                                  .residual = {},
                                  .dropout = on(dropout_of(c)),
                                  .y = on(y),
                                  .mean = on(mean),
                                  .rstd = on(rstd)};
            if (c.residual) a.residual = on(residual);
            group_norm_forward(stream, op, a);
        });
    }
    template <class Stream>
    void backward(Stream& stream) {
        with_arguments(stream, [&](auto& on) {
            GroupNormBackward<T> a{.dy = on(dy),
                                   .x = on(x),
                                   .weight = on(weight),
                                   .bias = on(bias),
                                   .film = c.film ? on(film) : nullptr,
                                   .residual = {},
                                   .dropout = on(dropout_of(c)),
                                   .mean = on(mean),
                                   .rstd = on(rstd),
                                   .dx = on(dx),
                                   .dresidual = {},
                                   .dfilm = c.film ? on(dfilm) : nullptr,
                                   .dweight = on(dweight),
                                   .dbias = on(dbias),
                                   .workspace = on(workspace)};
            if (c.residual) {
                a.residual = on(residual);
                a.dresidual = on(dresidual);
            }
            group_norm_backward(stream, op, a);
        });
    }
    bool same_bits(const GroupNormProblem& other) const {
        return y.buffer().same_bits(other.y.buffer()) && mean.same_bits(other.mean) &&
               rstd.same_bits(other.rstd) && dx.buffer().same_bits(other.dx.buffer()) &&
               dresidual.buffer().same_bits(other.dresidual.buffer()) && dfilm.same_bits(other.dfilm) &&
               dweight.same_bits(other.dweight) && dbias.same_bits(other.dbias);
    }

    template <class S>
    GroupNormInputs<S> inputs() const {
        const auto wide = [](const GuardedBuffer<T>& b) {
            return std::vector<S>(b.data(), b.data() + b.size());
        };
        return {x.template values<S>(),        wide(weight),           wide(bias), wide(film),
                residual.template values<S>(), dy.template values<S>()};
    }
    GroupNormResults<T> results() const {
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

// Both passes on this backend, from poisoned outputs, against the reference.
template <class T, class Stream>
void check_group_norm(Stream& stream, const GroupNormCase& c) {
    CAPTURE(name_of(c));
    GroupNormProblem<T> a(c);
    a.forward(stream);
    a.backward(stream);
    a.check_buffers();
    const auto computed = a.results();
    const auto same = group_norm_reference<T>(c, a.template inputs<T>());
    const auto reference = group_norm_reference<Wide<T>>(c, a.template inputs<Wide<T>>());
    check_error(computed.y, same.y, reference.y, "y");
    check_error(computed.mean, same.mean, reference.mean, "mean");
    check_error(computed.rstd, same.rstd, reference.rstd, "rstd");
    check_error(computed.dx, same.dx, reference.dx, "dx");
    check_error(computed.dresidual, same.dresidual, reference.dresidual, "dresidual");
    check_error(computed.dfilm, same.dfilm, reference.dfilm, "dfilm");
    check_error(computed.dweight, same.dweight, reference.dweight, "dweight");
    check_error(computed.dbias, same.dbias, reference.dbias, "dbias");
}

inline std::vector<GroupNormCase> group_norm_cases() {
    return {
        {1, 1, 1, 1, false, false, false, 0},       {1, 31, 33, 11, true, false, true, 0.3f},
        {2, 33, 31, 1, true, true, false, 0.5f},    {1, 257, 4, 2, true, true, true, 0.1f},
        {3, 25, 128, 8, true, true, true, 0},       {1, 50, 64, 8, true, true, false, 0.1f},
        {2, 100, 32, 8, false, true, true, 0.25f},  {2, 200, 16, 8, true, true, false, 0.1f},
        {1, 333, 16, 4, true, false, false, 0},     {1, 5, 1030, 10, true, true, true, 0.2f},
        {1, 3, 520, 520, true, false, false, 0.9f}, {2, 200, 16, 8, true, true, false, 0, 100},
    };
}

}  // namespace abr::test
