// The processes that take a step together, each with a part of its recordings. Today that is one process, and every sum
// over the group is what it already has.
//
// What a step sums over the group, in this order: the losses' denominators before the first loss, then, before the
// optimiser, the losses' numerators and the gradients. The optimiser then takes the same step in every process, for the
// gradients were already divided by the denominators of the whole group.
//
// The order of a sum is part of the contract, because it decides the last bits: the members' values are added in the
// order of their rank, whichever is ready first. The same members give the same bits each time; another number of them
// adds in another order, as another batch size does. A loss that couples recordings couples those of one process.
#pragma once

#include "kernels/view.hpp"

namespace abr {

class Group {
  public:
    // values[0, count), in the stream's memory, become the sums over the group, in the stream's order.
    template <class S, class T>
    void sum(S&, T* /*values*/, Index /*count*/) const {}
};

}  // namespace abr
