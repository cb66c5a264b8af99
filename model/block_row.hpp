// Residual blocks in a row at one resolution.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "model/residual_block.hpp"

namespace abr {

class BlockRow {
  public:
    BlockRow(Builder& b, const std::string& name, ResidualBlock::Shape shape, Index count,
             ParameterGroup group)
        : d_between_(b.scratch_sequence(shape.length, shape.out_channels, shape.pad)) {
        for (Index i = 0; i < count; ++i) {
            outputs_.push_back(b.keep_sequence(shape.length, shape.out_channels, shape.pad));
            const ScratchFrame frame(b.plan);
            blocks_.emplace_back(b, name + ".block" + std::to_string(i), shape, group);
            shape.in_channels = shape.out_channels;
        }
    }

    const SequenceSlot& output() const { return outputs_.back(); }

    template <class S, class T>
    void forward(const Pass<S, T>& p, Sequence<const T> x, Matrix<const T> embedding) const {
        for (std::size_t i = 0; i < blocks_.size(); ++i) {
            blocks_[i].forward<S, T>(p, i == 0 ? x : Sequence<const T>(p.at(outputs_[i - 1])), embedding,
                                     p.at(outputs_[i]));
        }
    }

    // Destroys dy: between blocks, gradients alternate between it and a buffer of the row's own.
    template <class S, class T>
    void backward(const Pass<S, T>& p, Sequence<T> dy, Sequence<const T> x, Matrix<const T> embedding,
                  Sequence<T> dx, Matrix<T> d_embedding, Write write) const {
        Sequence<T> d = dy;
        Sequence<T> other = p.at(d_between_);
        for (std::size_t i = blocks_.size(); i-- > 0;) {
            blocks_[i].backward<S, T>(p, d, i == 0 ? x : Sequence<const T>(p.at(outputs_[i - 1])), embedding,
                                      i == 0 ? dx : other, d_embedding, write);
            std::swap(d, other);
            write = Write::accumulate;
        }
    }

  private:
    SequenceSlot d_between_;
    std::deque<ResidualBlock> blocks_;
    std::vector<SequenceSlot> outputs_;
};

}  // namespace abr
