// Residual blocks in a row at one resolution.
#pragma once

#include <string>
#include <vector>

#include "model/residual_block.hpp"

namespace abr {

class BlockRow {
  public:
    BlockRow(Builder& b, const std::string& name, ResidualBlock::Shape shape, Index count,
             ParameterGroup group) {
        const TensorShape out = {.length = shape.length,
                                 .channels = shape.out_channels,
                                 .pad = shape.pad,
                                 .gradient_pad = shape.pad};
        // Only the gradients before and behind a block are needed at once: two memories serve all.
        for (std::size_t i = 0; i + 1 < static_cast<std::size_t>(count); ++i)
            between_.push_back(i < 2 ? b.tensor(out) : b.tensor(out, between_[i - 2]));
        for (Index i = 0; i < count; ++i) {
            blocks_.push_back(b.part<ResidualBlock>(name + ".block" + std::to_string(i), shape, group));
            shape.in_channels = shape.out_channels;
        }
    }

    template <class P>
    void forward(const P& p, const Tensor& x, const Tensor& embedding, const Tensor& y) const {
        for (std::size_t i = 0; i < blocks_.size(); ++i)
            blocks_[i].forward(p, before(i, x), embedding, behind(i, y));
    }
    template <class P>
    void backward(const P& p, const Tensor& x, const Tensor& embedding, const Tensor& y) const {
        for (std::size_t i = blocks_.size(); i-- > 0;)
            blocks_[i].backward(p, before(i, x), embedding, behind(i, y));
    }

  private:
    const Tensor& before(std::size_t block, const Tensor& x) const {
        return block == 0 ? x : between_[block - 1];
    }
    const Tensor& behind(std::size_t block, const Tensor& y) const {
        return block + 1 == blocks_.size() ? y : between_[block];
    }

    std::vector<Tensor> between_;
    std::vector<ResidualBlock> blocks_;
};

}  // namespace abr
