// Device memory of one batch, and parts of it.
#pragma once

#include <cstdint>
#include <utility>

#include "kernels/batch.hpp"
#include "model/network.hpp"

namespace abr {

// Rows [begin, begin + count) of a batch.
template <class T>
Batch<T> slice(const Batch<T>& batch, Index begin, Index count) {
    Batch<T> part = batch;
    part.input = {batch.input.data + begin * batch.input.sample_stride(), count, batch.input.length, 1,
                  batch.input.pad};
    part.statics = {batch.statics.row(begin), count, batch.statics.columns};
    auto& t = part.targets;
    t.signal = {batch.targets.signal.row(begin), count, batch.targets.signal.columns};
    for (auto& label : t.label.values)
        if (label != nullptr) label += begin;
    for (auto& scalar : t.scalar.values)
        if (scalar != nullptr) scalar += begin;
    if (t.second_class != nullptr) t.second_class += begin;
    if (t.first_share != nullptr) t.first_share += begin;
    part.mean += begin;
    part.sd += begin;
    return part;
}

// Device memory of one batch.
template <template <class> class Buffer, class T>
class BatchBuffers {
  public:
    BatchBuffers(const NetworkShape& shape, Index pad, Index rows)
        : rows_(rows),
          input_{.data = nullptr, .batch = rows, .length = shape.padded_length(), .channels = 1, .pad = pad},
          length_(shape.length),
          signal_(input_.size()),
          target_(rows * shape.length),
          scalars_(rows * (shape.static_inputs + static_cast<Index>(kScalarTasks) + 3)),
          labels_(rows * (static_cast<Index>(kLabelTasks) + 1)),
          statics_columns_(shape.static_inputs) {
        input_.data = signal_.data();
    }

    Batch<T> view() const {
        T* scalars = scalars_.data();
        const auto next = [&](Index columns) { return std::exchange(scalars, scalars + rows_ * columns); };
        Batch<T> batch;
        batch.input = input_;
        batch.statics = {next(statics_columns_), rows_, statics_columns_};
        batch.targets.signal = {target_.data(), rows_, length_};
        std::int32_t* labels = labels_.data();
        for (const Component c : kAllComponents) {
            if (is_labelled(c)) batch.targets.label[c] = std::exchange(labels, labels + rows_);
            if (is_scalar(c)) batch.targets.scalar[c] = next(1);
        }
        batch.targets.second_class = labels;
        batch.targets.first_share = next(1);
        batch.mean = next(1);
        batch.sd = next(1);
        return batch;
    }

  private:
    Index rows_;
    Sequence<T> input_;
    Index length_;
    Buffer<T> signal_, target_, scalars_;
    Buffer<std::int32_t> labels_;
    Index statics_columns_;
};

}  // namespace abr
