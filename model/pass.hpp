// What a module needs while it is planned (Builder) and while it runs (Pass).
#pragma once

#include <algorithm>
#include <string>

#include "kernels/dropout.hpp"
#include "kernels/view.hpp"
#include "model/arena.hpp"
#include "model/parameters.hpp"

namespace abr {

// A sequence or matrix whose memory is planned and whose batch is known only when it runs.
struct SequenceSlot {
    Slot slot;
    Index length = 0, channels = 0, pad = 0;
};
struct MatrixSlot {
    Slot slot;
    Index columns = 0;  // one row a recording
};

struct Builder {
    ParameterLayout& layout;
    ArenaPlan& plan;
    Index max_batch;
    Index workspace = 0;  // the largest any op asked for; ops run one after another and share it
    std::uint32_t dropout_layers = 0;

    SequenceSlot keep_sequence(Index length, Index channels, Index pad) {
        return {plan.keep(max_batch * (length + 2 * pad) * channels), length, channels, pad};
    }
    SequenceSlot scratch_sequence(Index length, Index channels, Index pad) {
        return {plan.scratch(max_batch * (length + 2 * pad) * channels), length, channels, pad};
    }
    MatrixSlot keep_matrix(Index columns) { return {plan.keep(max_batch * columns), columns}; }
    MatrixSlot scratch_matrix(Index columns) { return {plan.scratch(max_batch * columns), columns}; }
    void need_workspace(Index elements) { workspace = std::max(workspace, elements); }
};

// One run of a network over one micro-batch. S is the backend's stream, T the scalar.
template <class S, class T>
struct Pass {
    S& stream;
    const ArenaPlan& plan;
    T* arena;
    T* workspace;
    const T* parameters;
    T* gradients;  // accumulated by backward
    Index batch;
    float dropout;           // rate; 0 in evaluation
    const StepState* state;  // of the step, in the backend's memory; not read while dropout is off
    Index place;             // of the micro-batch's first recording in the step

    T* at(Slot slot) const { return arena + plan.place(slot); }
    Sequence<T> at(const SequenceSlot& s) const { return {at(s.slot), batch, s.length, s.channels, s.pad}; }
    Matrix<T> at(const MatrixSlot& m) const { return {at(m.slot), batch, m.columns}; }
    const T* parameter(Index offset) const { return parameters + offset; }
    T* gradient(Index offset) const { return gradients + offset; }
    Dropout dropout_of(std::uint32_t layer) const { return {dropout, layer, state, place}; }
};

// A matrix as sequences of one row, for ops over rows.
template <class T>
Sequence<T> as_rows(Matrix<T> m) {
    return {m.data, m.rows, 1, m.columns, 0};
}

}  // namespace abr
