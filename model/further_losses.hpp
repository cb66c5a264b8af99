// The product's losses beside the fused one (model/loss_list.hpp).
#pragma once

#include "model/loss_list.hpp"
#include "model/peak_location_loss.hpp"

namespace abr {

using FurtherLosses = LossList<PeakLocationLoss>;

}  // namespace abr
