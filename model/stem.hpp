// Three (or more) parallel convolutions of the signal with their own kernels and dilations, concatenated,
// mixed by a 1x1 convolution, GroupNorm, GELU.
#pragma once

#include <algorithm>
#include <vector>

#include "model/layers.hpp"

namespace abr {

class Stem {
  public:
    struct Shape {
        Index channels, length, groups;
        std::vector<int> kernels, dilations;  // equal counts
    };

    Stem(Builder& b, const std::string& name, const Shape& s)
        : mixed_(b.tensor({.length = s.length, .channels = s.channels})),
          branches_(branches(b, name, s)),
          mix_(b, name + ".mix", {.in_channels = joined_.back().shape.channels, .out_channels = s.channels},
               s.length, kGroup),
          norm_(b, name + ".norm", {.channels = s.channels, .groups = s.groups, .gelu = true}, kGroup) {}

    // Zero rows that the input needs at both ends.
    static Index input_pad(const Shape& s) {
        Index pad = 0;
        for (std::size_t i = 0; i < s.kernels.size(); ++i) pad = std::max(pad, conv1d_pad(branch(s, i)));
        return pad;
    }

    template <class P>
    void forward(const P& p, const Tensor& x, const Tensor& y) const {
        branches_[0].forward(p, x, joined_[0]);
        for (std::size_t i = 1; i < branches_.size(); ++i) {
            branches_[i].forward(p, x, branch_[i]);
            concatenate(p, joined_[i - 1], branch_[i], joined_[i]);
        }
        mix_.forward(p, joined_.back(), mixed_);
        norm_.forward(p, mixed_, y);
    }

    template <class P>
    void backward(const P& p, const Tensor& x, const Tensor& y) const {
        norm_.backward(p, mixed_, y);
        mix_.backward(p, joined_.back(), mixed_);
        for (std::size_t i = branches_.size() - 1; i > 0; --i) {
            concatenate_backward(p, joined_[i - 1], branch_[i], joined_[i]);
            branches_[i].backward(p, x, branch_[i]);
        }
        branches_[0].backward(p, x, joined_[0]);
    }

  private:
    static constexpr ParameterGroup kGroup = ParameterGroup::encoder;
    static Conv1d branch(const Shape& s, std::size_t i) {
        return {.in_channels = 1,
                .out_channels = s.channels,
                .kernel = s.kernels[i],
                .dilation = s.dilations[i],
                .padding = s.kernels[i] / 2 * s.dilations[i]};
    }
    // Plans what lies between them, too.
    std::vector<ConvLayer> branches(Builder& b, const std::string& name, const Shape& s) {
        std::vector<ConvLayer> layers;
        for (std::size_t i = 0; i < s.kernels.size(); ++i) {
            layers.emplace_back(b, name + ".branch" + std::to_string(i), branch(s, i), s.length, kGroup);
            joined_.push_back(
                b.tensor({.length = s.length, .channels = s.channels * static_cast<Index>(i + 1)}));
            branch_.push_back(i == 0 ? b.temporary({.length = s.length, .channels = s.channels})
                                     : b.temporary(branch_[0]));
        }
        return layers;
    }

    Tensor mixed_;
    std::vector<Tensor> joined_;  // [i]: branches 0 ... i side by side
    std::vector<Tensor> branch_;  // [i]: branch i, from 1 on, all in one memory
    std::vector<ConvLayer> branches_;
    ConvLayer mix_;
    GroupNormLayer norm_;
};

}  // namespace abr
