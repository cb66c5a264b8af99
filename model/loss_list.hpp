// Losses beside the fused one of kernels/loss.hpp: what cannot be told from one recording's answer and its target alone.
// They run between the forward and the backward pass, in the order of the list, read tensors of the network by name and
// add shares to their gradients.
//
// A loss is a class L with
//   static constexpr Component kComponent            its entry in the table of components, of kind none
//   explicit L(const LearnerSettings&)               its own settings
//   Index workspace(const NetworkShape&, Index batch) const            doubles, for `batch` recordings
//   void count(S& stream, const Batch<float>& step, LossSums*) const   adds to its denominator for the whole step
//   void add(const LossContext<P>&) const            adds to its numerator and, where it is asked for, to gradients
// Weight, curriculum, columns, tags and diagnosis follow from the table. Like the fused loss, a gradient is that of
// weight * numerator / denominator with the denominator of the whole step, and 0 for a weight of 0.
//
// A loss that couples recordings sees those of one micro-batch in one process: its header says what is lost when a batch
// comes in parts, and whether gathering the others' tensors by the Group would make the parts equal to the whole.
#pragma once

#include <algorithm>
#include <tuple>

#include "kernels/batch.hpp"
#include "model/learner.hpp"
#include "model/network.hpp"

namespace abr {

// P: a Pass that has been forward.
template <class P>
struct LossContext {
    const P& pass;
    const NetworkTensors& tensors;  // pass.value(t) and pass.contribution(t)
    const Batch<float>& batch;      // of the micro-batch
    const StepState* state;         // its weights; null in evaluation: no gradients are wanted
    LossSums* sums;                 // in the backend's memory
    double* workspace;
};

template <class... Losses>
class LossList {
  public:
    explicit LossList(const LearnerSettings& settings)
        : built_(settings.shape.built), losses_(Losses(settings)...) {}

    Index workspace(const NetworkShape& shape, Index batch) const {
        Index largest = 0;
        for_each([&](const auto& loss) { largest = std::max(largest, loss.workspace(shape, batch)); });
        return largest;
    }
    template <class S>
    void count(S& stream, const Batch<float>& step, LossSums* sums) const {
        for_each([&](const auto& loss) { loss.count(stream, step, sums); });
    }
    template <class P>
    void add(const LossContext<P>& context) const {
        for_each([&](const auto& loss) { loss.add(context); });
    }

  private:
    // Those that are on.
    template <class Visit>
    void for_each(const Visit& visit) const {
        const auto visit_if_on = [&]<class Loss>(const Loss& loss) {
            if (built_[Loss::kComponent]) visit(loss);
        };
        std::apply([&](const auto&... loss) { (visit_if_on(loss), ...); }, losses_);
    }

    PerComponent<bool> built_;
    std::tuple<Losses...> losses_;
};

}  // namespace abr
