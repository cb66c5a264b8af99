// The loss of a map: how far the distribution that points at a mark (kernels/pointing.hpp) is from a narrow normal
// density around it, as a Kullback-Leibler divergence (DSNT's regularisation, Nibali et al. 2018).
//
//   numerator = sum_b sum_t g[b,t] (ln g[b,t] - ln a[b,t]) over t < window and the recordings with a target
//   a = softmax of score[b,t],  g ~ exp(-(t - m)^2 / (2 sd^2)), sum 1,  m = (target[b] - first) / step
//
// The denominator, recordings with a target, is counted by loss_denominators: the component is labelled by the task whose
// mark it is. No recording is coupled with another: micro-batches and several processes add up to the whole batch.
#pragma once

#include "kernels/loss.hpp"
#include "kernels/pointing.hpp"

namespace abr {

struct LocationLoss {
    Component component;  // whose weight, denominator and numerator these are
    SamplePlaces places;
    double sd;  // samples, > 0
};

// ln g but for a constant.
ABR_HOST_DEVICE inline double mark_log_density(const LocationLoss& loss, double mark, Index t) {
    const double z = (static_cast<double>(t) - mark) / loss.sd;
    return -z * z / 2;
}

// Doubles.
inline Index location_loss_workspace(Index batch) {
    return batch;
}

template <class T>
struct LocationLossArguments {
    Sequence<const T> score;              // (batch, length, 1)
    const T* target;                      // (batch), in the unit of the places; NaN = none
    const PerComponent<double>* weights;  // null in evaluation: no gradient is wanted
    LossSums* sums;                       // denominator read, numerator accumulated
    Sequence<T> dscore;                   // overwritten or accumulated; not read without weights
    Write write;
    double* workspace;
};

namespace cpu {
template <class T>
void location_loss(Stream&, const LocationLoss&, const LocationLossArguments<T>&);
}
namespace cuda {
template <class T>
void location_loss(Stream&, const LocationLoss&, const LocationLossArguments<T>&);
}

}  // namespace abr
