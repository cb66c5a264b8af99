// What the tests of the location loss share on every backend.
#pragma once

#include <vector>

#include "kernels/location_loss.hpp"
#include "kernels/loss_terms.hpp"
#include "tests/kernels/on_backend.hpp"
#include "tests/kernels/support.hpp"

namespace abr::test {

struct LocationLossCase {
    Index batch, window, length;
    double sd;
    Write write = Write::overwrite;
};

// The second recording has no mark.
template <class T>
struct LocationLossProblem {
    LocationLossCase c;
    LocationLoss op;
    PerComponent<double> weights = per_component<double>({{Component::peak_location, 0.7}});
    LossSums sums{};
    GuardedSequence<T> score, dscore;
    GuardedBuffer<T> target;
    GuardedBuffer<double> workspace;

    explicit LocationLossProblem(const LocationLossCase& k)
        : c(k),
          op{.component = Component::peak_location,
             .places = {.window = k.window, .first = -2, .step = 0.07},
             .sd = k.sd},
          score(k.batch, k.length, 1, 1),
          dscore(k.batch, k.length, 1, 2),
          target(k.batch),
          workspace(location_loss_workspace(k.batch)) {
        score.fill_random(1, 3);
        if (k.write == Write::accumulate) dscore.fill_random(2);
        for (Index b = 0; b < k.batch; ++b) {
            const double mark = static_cast<double>(k.window - 1) * (0.5 + 0.5 * random_value(3, b));
            target[b] = static_cast<T>(b == 1 ? std::nan("") : op.places.first + op.places.step * mark);
        }
        sums.denominator[op.component] = 5;
        sums.numerator[op.component] = 0.25;
    }
    template <class Stream>
    void run(Stream& stream, bool teaches = true) {
        with_arguments(stream, [&](auto& on) {
            location_loss<T>(stream, op,
                             {on(score), on(target), teaches ? on(weights) : nullptr, on(sums), on(dscore),
                              c.write, on(workspace)});
        });
    }
    double numerator() const { return sums.numerator[op.component]; }

    // The same as plain sums: the divergence is written with densities instead of their logarithms.
    double reference(std::vector<double>& gradient) const {
        GuardedSequence<T> before = dscore;
        before.fill_random(2, c.write == Write::accumulate ? 1 : 0);
        gradient = before.template values<double>();
        double total = 0.25;
        for (Index b = 0; b < c.batch; ++b) {
            if (std::isnan(target[b])) continue;
            const double mark = (static_cast<double>(target[b]) - op.places.first) / op.places.step;
            std::vector<double> a, g;
            double a_sum = 0, g_sum = 0;
            for (Index t = 0; t < c.window; ++t) {
                a_sum += a.emplace_back(std::exp(static_cast<double>(score.view().row(b, t)[0])));
                g_sum += g.emplace_back(std::exp(-std::pow((static_cast<double>(t) - mark) / c.sd, 2) / 2));
            }
            for (std::size_t t = 0; t < a.size(); ++t) {
                a[t] /= a_sum;
                g[t] /= g_sum;
                if (g[t] > 0) total += g[t] * std::log(g[t] / a[t]);
                gradient[static_cast<std::size_t>(b * c.length) + t] += 0.7 / 5 * (a[t] - g[t]);
            }
        }
        return total;
    }
};

template <class T, class Stream>
void check_location_loss(Stream& stream, const LocationLossCase& c) {
    CAPTURE(c.window);
    LocationLossProblem<T> k(c);
    std::vector<double> gradient;
    const double expected = k.reference(gradient);
    k.run(stream);
    CHECK(k.numerator() == doctest::Approx(expected).epsilon(1e-9));
    const auto found = k.dscore.template values<double>();
    double worst = 0;
    for (std::size_t i = 0; i < found.size(); ++i) worst = std::max(worst, std::abs(found[i] - gradient[i]));
    CHECK(worst <= 4 * static_cast<double>(std::numeric_limits<T>::epsilon()));
    k.dscore.check_zero_padding();
    for (const auto* s : {&k.score, &k.dscore}) s->check_sentinels();
    k.workspace.check_sentinels();

    LocationLossProblem<T> silent(c);
    silent.run(stream, false);
    CHECK(silent.numerator() == k.numerator());
}

inline std::vector<LocationLossCase> location_loss_cases() {
    return {{1, 1, 1, 2}, {3, 200, 200, 1.5}, {4, 37, 40, 0.8, Write::accumulate}, {130, 9, 16, 4}};
}

}  // namespace abr::test
