// What a part needs while it is planned (Builder) and while it runs (Pass).
#pragma once

#include <algorithm>
#include <cassert>
#include <stdexcept>
#include <string>

#include "kernels/dropout.hpp"
#include "kernels/view.hpp"
#include "model/arena.hpp"
#include "model/parameters.hpp"
#include "model/precision.hpp"
#include "model/tensor.hpp"

namespace abr {

class Builder {
  public:
    Builder(ParameterLayout& parameter_layout, ArenaPlan& activations, ArenaPlan& statistics,
            Index largest_batch)
        : layout(parameter_layout), max_batch(largest_batch), plan_(activations), statistics_(statistics) {}

    ParameterLayout& layout;
    const Index max_batch;

    // A value that is kept until the backward pass, and its gradient in scratch.
    Tensor tensor(const TensorShape& s) { return {s, keep(s.value_elements()), gradient(s), gradients_++}; }
    // The same with its gradient in the memory of another's, which is no longer needed when this one is
    // written, or from which this one is made in place.
    Tensor tensor(const TensorShape& s, const Tensor& lender) {
        assert(s.gradient_elements() <= lender.shape.gradient_elements());
        return {s, keep(s.value_elements()), lender.gradient, gradients_++};
    }
    // A value that the backward pass does not read: it lies where its gradient will.
    Tensor temporary(const TensorShape& s) {
        const Slot slot = plan_.scratch(max_batch * std::max(s.value_elements(), s.gradient_elements()));
        return {s, slot, slot, gradients_++};
    }
    // The same in the memory of another one, which is no longer needed.
    Tensor temporary(const Tensor& lender) {
        return {lender.shape, lender.value, lender.gradient, gradients_++};
    }
    // A value whose gradient is that of the sum that it goes into: summand_of().
    Tensor summand(const TensorShape& s) { return {s, keep(s.value_elements()), {}, Tensor::kNoGradient}; }
    // A value that is kept for the backward pass of the op that wrote it, and has no gradient.
    Tensor without_gradient(const TensorShape& s) { return summand(s); }
    // An input of the network: nobody asks for its gradient.
    Tensor input(Memory memory, const TensorShape& s) { return {s, {0, memory}, {}, Tensor::kNoGradient}; }

    // Elements of storage for each recording that the backward pass reads and nothing else.
    Slot keep(Index elements) { return plan_.keep(max_batch * elements); }
    // The same of arithmetic.
    Slot statistic(Index elements) { return statistics_.keep(max_batch * elements); }

    void need_workspace(Index elements) { workspace_ = std::max(workspace_, elements); }
    std::uint32_t dropout_layer() { return dropout_layers_++; }

    // Constructs a part. What it takes of scratch is free again for those that come after it.
    template <class Part, class... Arguments>
    Part part(const Arguments&... arguments) {
        const ScratchFrame frame(plan_);
        return Part(*this, arguments...);
    }

    int gradients() const { return gradients_; }
    Index workspace() const { return workspace_; }  // the largest any op asked for; they share it

  private:
    Slot gradient(const TensorShape& s) { return plan_.scratch(max_batch * s.gradient_elements()); }

    ArenaPlan& plan_;
    ArenaPlan& statistics_;
    Index workspace_ = 0;
    std::uint32_t dropout_layers_ = 0;
    int gradients_ = 0;
};

// Where an op of the backward pass puts its share of a gradient.
template <class T>
struct Contribution {
    Sequence<T> to;
    Write write;
};

// One run of a network over one micro-batch: S the backend's stream, Types as Fp32. Views of tensors are
// taken where an op is called, so that who reads and who writes is seen there and the ops' types follow.
template <class S, class Types>
struct Pass {
    using Storage = typename Types::Storage;
    using Arithmetic = typename Types::Arithmetic;
    using Master = typename Types::Master;

    S& stream;
    const ArenaPlan& plan;
    GradientClaims& claims;
    Storage* arena;
    Arithmetic* statistics;
    Arithmetic* workspace;
    const Storage* parameters;
    Master* gradients;       // of the parameters, accumulated by backward
    const Storage* signal;   // (batch, padded length, 1) with the network's input_pad() zero rows
    const Storage* statics;  // (batch, static inputs)
    Index batch;
    float dropout;           // rate; 0 in evaluation
    const StepState* state;  // of the step, in the backend's memory; not read while dropout is off
    Index place;             // of the micro-batch's first recording in the step

    const Storage* parameter(Index offset) const { return parameters + offset; }
    Master* gradient(Index offset) const { return gradients + offset; }
    Storage* at(Slot slot) const { return arena + plan.place(slot); }
    Arithmetic* statistic(Slot slot) const { return statistics + slot.offset; }
    Dropout dropout_of(std::uint32_t layer) const { return {dropout, layer, state, place}; }

    // A tensor that is not built has an empty view.
    Sequence<const Storage> value(const Tensor& t) const { return value_of<const Storage>(t, read(t.value)); }
    // The value, to be written in the forward pass.
    Sequence<Storage> output(const Tensor& t) const { return value_of<Storage>(t, at(t.value)); }

    // The gradient, complete: everything that reads the value has contributed.
    Sequence<const Storage> gradient(const Tensor& t) const {
        if (!claims.contains(t)) throw std::logic_error("a gradient is read that nothing has contributed to");
        return gradient_of(t);
    }
    // A share of the gradient, from the backward pass or, before it, from a loss.
    Contribution<Storage> contribution(const Tensor& t) const { return {gradient_of(t), claims.claim(t)}; }
    // The same for ops that can only overwrite: theirs must be the first share.
    Sequence<Storage> first_contribution(const Tensor& t) const {
        if (!t.is_built()) return {};
        if (claims.claim(t) != Write::overwrite)
            throw std::logic_error("a gradient is overwritten that something has contributed to");
        return gradient_of(t);
    }

  private:
    const Storage* read(Slot slot) const {
        if (slot.memory == Memory::signal) return signal;
        return slot.memory == Memory::statics ? statics : at(slot);
    }
    template <class T>
    Sequence<T> value_of(const Tensor& t, T* data) const {
        if (!t.is_built()) return {};
        return {data, batch, t.shape.length, t.shape.channels, t.shape.pad};
    }
    Sequence<Storage> gradient_of(const Tensor& t) const {
        return {at(t.gradient), batch, t.shape.length, t.shape.channels, t.shape.gradient_pad};
    }
};

}  // namespace abr
