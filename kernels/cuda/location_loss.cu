// The loss of kernels/location_loss.hpp: a warp a recording, then the terms row by row.
#include "kernels/location_loss.hpp"

#include <cmath>

#include "kernels/cuda/padding.cuh"
#include "kernels/cuda/reduce.cuh"
#include "kernels/cuda/term_sums.hpp"
#include "kernels/loss_terms.hpp"
#include "kernels/operand_checks.hpp"

namespace abr::cuda {
namespace {

constexpr int kThreads = kWarpSize;

__global__ void __launch_bounds__(kThreads)
    location_terms_kernel(LocationLoss loss, LocationLossArguments<float> a) {
    const Index b = blockIdx.x;
    const auto window = static_cast<int>(loss.places.window);
    const auto score = [&](int t) { return static_cast<double>(a.score.row(b, t)[0]); };
    const float target = a.target[b];
    const bool labelled = !std::isnan(target);
    const double mark = (static_cast<double>(target) - loss.places.first) / loss.places.step;
    const auto log_density = [&](int t) { return mark_log_density(loss, mark, t); };

    double term = 0, log_sum = 0, log_densities = 0;
    if (labelled) {
        double largest = score(0), nearest = log_density(0);
        for (int t = lane_index(); t < window; t += kThreads) {
            largest = score(t) > largest ? score(t) : largest;
            nearest = log_density(t) > nearest ? log_density(t) : nearest;
        }
        largest = warp_max(largest);
        nearest = warp_max(nearest);
        double sum = 0, densities = 0;
        for (int t = lane_index(); t < window; t += kThreads) {
            sum += std::exp(score(t) - largest);
            densities += std::exp(log_density(t) - nearest);
        }
        log_sum = largest + std::log(warp_sum(sum));
        log_densities = nearest + std::log(warp_sum(densities));
        for (int t = lane_index(); t < window; t += kThreads) {
            const double log_g = log_density(t) - log_densities;
            term += std::exp(log_g) * (log_g - (score(t) - log_sum));
        }
        term = warp_sum(term);
    }
    if (lane_index() == 0) a.workspace[b] = term;
    if (a.weights == nullptr) return;

    const double scale = gradient_scale((*a.weights)[loss.component], a.sums->denominator[loss.component]);
    for (int t = lane_index(); t < static_cast<int>(a.dscore.length); t += kThreads) {
        float share = 0;
        if (labelled && scale != 0 && t < window)
            share = static_cast<float>(
                scale * (std::exp(score(t) - log_sum) - std::exp(log_density(t) - log_densities)));
        float& to = *a.dscore.row(b, t);
        to = a.write == Write::accumulate ? to + share : share;
    }
    zero_padding(a.dscore, b, 0, 1, lane_index(), kThreads);
}

}  // namespace

template <class T>
void location_loss(Stream& stream, const LocationLoss& loss, const LocationLossArguments<T>& a) {
    const ProfileScope scope(stream, __func__);
    check_location_loss(__func__, loss.places, {"score", a.score}, {"dscore", a.dscore},
                        a.weights != nullptr);
    launch(location_terms_kernel, a.score.batch, kThreads, 0, stream, loss, a);
    add_terms(stream, a.workspace, a.score.batch, 1,
              &a.sums->numerator.values[static_cast<std::size_t>(loss.component)]);
}

template void location_loss(Stream&, const LocationLoss&, const LocationLossArguments<float>&);

}  // namespace abr::cuda
