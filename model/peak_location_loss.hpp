// Teaches the map that points at wave V to be narrow, and to lie on the mark (kernels/location_loss.hpp).
#pragma once

#include "kernels/location_loss.hpp"
#include "model/loss_list.hpp"

namespace abr {

class PeakLocationLoss {
  public:
    static constexpr Component kComponent = Component::peak_location;

    explicit PeakLocationLoss(const LearnerSettings& s)
        : op_{.component = kComponent,
              .places = s.shape.places(),
              .sd = static_cast<double>(s.loss.location_sd_ms) / s.batch.sample_interval_ms} {}

    Index workspace(const NetworkShape&, Index batch) const { return location_loss_workspace(batch); }
    // The fused loss counts the recordings with a mark.
    template <class S>
    void count(S&, const Batch<float>&, LossSums*) const {}
    template <class P>
    void add(const LossContext<P>& c) const {
        const bool teaches = c.state != nullptr;
        const auto share =
            teaches ? c.pass.contribution(c.tensors.score) : Contribution<typename P::Storage>{};
        location_loss(c.pass.stream, op_,
                      LocationLossArguments<typename P::Storage>{
                          .score = c.pass.value(c.tensors.score),
                          .target = c.batch.targets.scalar[Component::peak_latency],
                          .weights = teaches ? &c.state->weights : nullptr,
                          .sums = c.sums,
                          .dscore = share.to,
                          .write = share.write,
                          .workspace = c.workspace});
    }

  private:
    LocationLoss op_;
};

}  // namespace abr
