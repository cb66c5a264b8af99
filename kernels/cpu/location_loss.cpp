#include "kernels/location_loss.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/padding.hpp"
#include "kernels/cpu/stream.hpp"
#include "kernels/loss_terms.hpp"
#include "kernels/operand_checks.hpp"

namespace abr::cpu {
namespace {

// Recording b's divergence, and its gradient times `scale`.
template <class T>
double location_term(const LocationLoss& loss, const LocationLossArguments<T>& a, Index b, double scale) {
    const SamplePlaces& places = loss.places;
    const auto score = [&](Index t) { return static_cast<double>(a.score.row(b, t)[0]); };
    const double mark = (static_cast<double>(a.target[b]) - places.first) / places.step;
    const auto log_density = [&](Index t) { return mark_log_density(loss, mark, t); };

    double largest = score(0), nearest = log_density(0);
    for (Index t = 1; t < places.window; ++t) {
        largest = std::max(largest, score(t));
        nearest = std::max(nearest, log_density(t));
    }
    double sum = 0, densities = 0;
    for (Index t = 0; t < places.window; ++t) {
        sum += std::exp(score(t) - largest);
        densities += std::exp(log_density(t) - nearest);
    }
    const double log_sum = largest + std::log(sum), log_densities = nearest + std::log(densities);
    double term = 0;
    for (Index t = 0; t < places.window; ++t) {
        const double log_a = score(t) - log_sum, log_g = log_density(t) - log_densities;
        const double g = std::exp(log_g);
        term += g * (log_g - log_a);
        if (scale != 0) a.dscore.row(b, t)[0] += static_cast<T>(scale * (std::exp(log_a) - g));
    }
    return term;
}

}  // namespace

template <class T>
void location_loss(Stream& stream, const LocationLoss& loss, const LocationLossArguments<T>& a) {
    const ProfileScope scope(stream.profile(), __func__);
    check_location_loss(__func__, loss.places, {"score", a.score}, {"dscore", a.dscore},
                        a.weights != nullptr);
    double scale = 0;
    if (a.weights != nullptr)
        scale = gradient_scale((*a.weights)[loss.component], a.sums->denominator[loss.component]);
    stream.parallel_for(a.score.batch, [&](Index b) {
        if (a.weights != nullptr) {
            zero_padding(a.dscore, b);
            if (a.write == Write::overwrite) std::fill_n(a.dscore.row(b, 0), a.dscore.length, T{0});
        }
        a.workspace[b] = std::isnan(a.target[b]) ? 0 : location_term(loss, a, b, scale);
    });
    double& numerator = a.sums->numerator[loss.component];
    for (Index b = 0; b < a.score.batch; ++b) numerator += a.workspace[b];
}

template void location_loss(Stream&, const LocationLoss&, const LocationLossArguments<float>&);
template void location_loss(Stream&, const LocationLoss&, const LocationLossArguments<double>&);

}  // namespace abr::cpu
