// Three (or more) parallel convolutions of the signal with their own kernels and dilations, concatenated,
// mixed by a 1x1 convolution, GroupNorm, GELU.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "kernels/sequence_ops.hpp"
#include "model/layers.hpp"

namespace abr {

class Stem {
  public:
    struct Shape {
        Index channels, length, groups;
        std::vector<Index> kernels, dilations;  // equal counts
    };

    Stem(Builder& b, const std::string& name, const Shape& s)
        : norm_{s.channels, s.groups, true},
          d_mixed_(b.scratch_sequence(s.length, s.channels, 0)),
          branch_out_(b.scratch_sequence(s.length, s.channels, 0)) {
        const auto group = ParameterGroup::encoder;
        for (std::size_t i = 0; i < s.kernels.size(); ++i) {
            const Index width = s.channels * static_cast<Index>(i + 1);
            branches_.emplace_back(b, name + ".branch" + std::to_string(i), branch(s, i), s.length, group);
            joined_.push_back(b.keep_sequence(s.length, width, 0));
            d_joined_.push_back(b.scratch_sequence(s.length, width, 0));
        }
        const Index width = joined_.back().channels;
        mix_.emplace(b, name + ".mix", Conv1d{.in_channels = width, .out_channels = s.channels}, s.length,
                     group);
        norm_weight_ = b.layout.norm_weight(name + ".norm.weight", s.channels, group);
        norm_bias_ = b.layout.bias(name + ".norm.bias", s.channels, group);
        mixed_ = b.keep_sequence(s.length, s.channels, 0);
        mean_ = b.plan.keep(b.max_batch * s.groups);
        rstd_ = b.plan.keep(b.max_batch * s.groups);
        b.need_workspace(group_norm_workspace(norm_, b.max_batch));
    }

    // Zero rows that the input needs at both ends.
    static Index input_pad(const Shape& s) {
        Index pad = 0;
        for (std::size_t i = 0; i < s.kernels.size(); ++i) pad = std::max(pad, conv1d_pad(branch(s, i)));
        return pad;
    }

    template <class S, class T>
    void forward(const Pass<S, T>& p, Sequence<const T> x, Sequence<T> y) const {
        branches_[0].forward<S, T>(p, x, p.at(joined_[0]));
        for (std::size_t i = 1; i < branches_.size(); ++i) {
            branches_[i].forward<S, T>(p, x, p.at(branch_out_));
            concat_channels<T>(p.stream, p.at(joined_[i - 1]), p.at(branch_out_), p.at(joined_[i]));
        }
        mix_->forward<S, T>(p, p.at(joined_.back()), p.at(mixed_));
        group_norm_forward<T>(p.stream, norm_,
                              {.x = p.at(mixed_),
                               .weight = p.parameter(norm_weight_),
                               .bias = p.parameter(norm_bias_),
                               .y = y,
                               .mean = p.at(mean_),
                               .rstd = p.at(rstd_)});
    }

    // The signal itself needs no gradient.
    template <class S, class T>
    void backward(const Pass<S, T>& p, Sequence<const T> dy, Sequence<const T> x) const {
        group_norm_backward<T>(p.stream, norm_,
                               {.dy = dy,
                                .x = p.at(mixed_),
                                .weight = p.parameter(norm_weight_),
                                .bias = p.parameter(norm_bias_),
                                .mean = p.at(mean_),
                                .rstd = p.at(rstd_),
                                .dx = p.at(d_mixed_),
                                .dweight = p.gradient(norm_weight_),
                                .dbias = p.gradient(norm_bias_),
                                .workspace = p.workspace});
        mix_->backward_parameters<S, T>(p, p.at(joined_.back()), p.at(d_mixed_));
        mix_->backward_data<S, T>(p, p.at(d_mixed_), p.at(d_joined_.back()), Write::overwrite);
        for (std::size_t i = branches_.size() - 1; i > 0; --i) {
            split_channels<T>(p.stream, p.at(d_joined_[i]), p.at(d_joined_[i - 1]), Write::overwrite,
                              p.at(branch_out_), Write::overwrite);
            branches_[i].backward_parameters<S, T>(p, x, p.at(branch_out_));
        }
        branches_[0].backward_parameters<S, T>(p, x, p.at(d_joined_[0]));
    }

  private:
    static Conv1d branch(const Shape& s, std::size_t i) {
        return {.in_channels = 1,
                .out_channels = s.channels,
                .kernel = s.kernels[i],
                .dilation = s.dilations[i],
                .padding = s.kernels[i] / 2 * s.dilations[i]};
    }

    GroupNorm norm_;
    SequenceSlot d_mixed_, branch_out_;  // branch_out_ serves both passes
    std::vector<ConvLayer> branches_;
    std::vector<SequenceSlot> joined_, d_joined_;  // [i]: branches 0 ... i side by side
    std::optional<ConvLayer> mix_;
    Index norm_weight_ = 0, norm_bias_ = 0;
    SequenceSlot mixed_;
    Slot mean_, rstd_;
};

}  // namespace abr
