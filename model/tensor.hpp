// A tensor of the network: an activation of every recording of a micro-batch, with the place of its gradient.
#pragma once

#include <utility>
#include <vector>

#include "kernels/view.hpp"
#include "model/arena.hpp"

namespace abr {

// Its shape for each recording. A vector is a sequence of length 1.
struct TensorShape {
    Index length = 1;
    Index channels = 0;
    Index pad = 0;           // zero rows of the value, where a convolution reads it
    Index gradient_pad = 0;  // of the gradient, where a convolution reads that

    Index value_elements() const { return (length + 2 * pad) * channels; }
    Index gradient_elements() const { return (length + 2 * gradient_pad) * channels; }
};

// Memory that is planned; Pass turns it into views. Several tensors may have the same memory for their
// gradients as long as no two are needed at once, so that a gradient has a number of its own: see
// GradientClaims.
struct Tensor {
    static constexpr int kNoGradient = -1;

    TensorShape shape;
    Slot value, gradient;
    int number = kNoGradient;  // of the gradient; inputs of the network have none

    bool is_built() const { return shape.channels > 0; }
    bool has_gradient() const { return number != kNoGradient; }
};

// The value of `t` with the gradient of `sum`, of which `t` is a summand: a sum passes its gradient on as it
// is.
inline Tensor summand_of(Tensor t, const Tensor& sum) {
    t.gradient = sum.gradient;
    t.shape.gradient_pad = sum.shape.gradient_pad;
    t.number = sum.number;
    return t;
}

// Which gradients of a pass hold something. The first contribution overwrites what the memory held before,
// all further ones add to it, and parts need not know which of them comes first.
class GradientClaims {
  public:
    explicit GradientClaims(int gradients) : written_(static_cast<std::size_t>(gradients)) {}

    void clear() { written_.assign(written_.size(), false); }
    bool contains(const Tensor& t) const { return written_[static_cast<std::size_t>(t.number)]; }
    Write claim(const Tensor& t) {
        return std::exchange(written_[static_cast<std::size_t>(t.number)], char{true}) ? Write::accumulate
                                                                                       : Write::overwrite;
    }

  private:
    std::vector<char> written_;  // by number
};

}  // namespace abr
