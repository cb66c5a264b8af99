// The multi-task network `abr_unet`: a 1-D U-Net with FiLM by the static inputs, self-attention at the
// bottleneck, attention pooling and one head per task.
//
//   static inputs (B, 9) -> StaticEmbedding -> e (B, embed_dim)
//   signal (B, Tp, 1) -> Stem -> (B, Tp, b)
//   encoder level i: residual blocks to b*2^i channels at Tp / 2^i; between levels a stride-2 convolution, k
//   = 4 bottleneck: + sinusoidal positions, attention blocks, LayerNorm decoder level i: transposed
//   convolution k = 4, concat with the encoder's output, residual blocks to b*2^i signal head: 1x1
//   convolution; pools over bottleneck and decoder, concat with e, LayerNorm -> task heads
// Tp is T padded to a multiple of 2^(levels-1). Parameters are named by their place, e.g.
// "encoder.1.block0.conv2.weight"; shapes are those of the ops (convolutions: kernel, in, out).
#pragma once

#include <memory>
#include <vector>

#include "kernels/components.hpp"
#include "kernels/loss.hpp"
#include "model/pass.hpp"

namespace abr {

struct NetworkShape {
    Index length = 200;  // samples, T
    Index static_inputs = 9;
    Index classes = 5;
    Index base_channels = 16;
    Index levels = 4;
    Index kernel = 7;
    std::vector<Index> stem_kernels = {3, 7, 15};
    std::vector<Index> stem_dilations = {1, 1, 1};
    Index blocks_per_level = 1;
    Index groups = 8;
    Index attention_layers = 2;
    Index heads = 8;
    Index feed_forward = 4;
    Index embed_dim = 128;
    Index head_hidden = 128;
    PerComponent<bool> built{{true, true, true, true, true, true}};  // which heads exist

    Index padded_length() const {
        const Index multiple = Index{1} << (levels - 1);
        return (length + multiple - 1) / multiple * multiple;
    }
    Index channels(Index level) const { return base_channels << level; }
    // Columns of a task's head: 0 for the signal's and where it is not built.
    Index outputs(Component c) const {
        if (!built[c] || task_of(c).kind == TaskKind::signal) return 0;
        return task_of(c).kind == TaskKind::classes ? classes : 1;
    }
    bool operator==(const NetworkShape&) const = default;
};

class Network {
  public:
    // Plans parameters and memory for batches of up to max_batch recordings.
    Network(const NetworkShape&, Index max_batch);
    ~Network();
    Network(Network&&) noexcept;

    const NetworkShape& shape() const { return shape_; }
    const ParameterLayout& parameters() const { return layout_; }
    const ArenaPlan& plan() const { return plan_; }
    Index arena_size() const { return plan_.size(); }    // elements
    Index workspace_size() const { return workspace_; }  // elements
    Index input_pad() const { return input_pad_; }       // zero rows that the signal input needs

    // Where a head's output (or its gradient) lies in the arena of a pass; heads that are not built are null.
    template <class S, class T>
    Heads<T> outputs(const Pass<S, T>&) const;
    template <class S, class T>
    Heads<T> output_gradients(const Pass<S, T>&) const;

    // signal (B, Tp, 1) with input_pad() zero rows, statics (B, static_inputs). Fills outputs(pass).
    template <class S, class T>
    void forward(const Pass<S, T>&, Sequence<const T> signal, Matrix<const T> statics) const;
    // After forward, with output_gradients(pass) filled: accumulates pass.gradients.
    template <class S, class T>
    void backward(const Pass<S, T>&, Sequence<const T> signal, Matrix<const T> statics) const;

  private:
    struct Parts;
    NetworkShape shape_;
    ParameterLayout layout_;
    ArenaPlan plan_;
    Index workspace_ = 0;
    Index input_pad_ = 0;
    std::unique_ptr<const Parts> parts_;
};

}  // namespace abr
