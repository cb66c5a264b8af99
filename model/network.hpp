// The multi-task network `abr_unet`: a 1-D U-Net with FiLM by the static inputs, self-attention at the
// bottleneck, attention pooling and one head per task.
//
//   static inputs (B, 9) -> StaticEmbedding -> e (B, embed_dim), read by every residual block
//
//   signal (B, Tp, 1)                                    restored (B, Tp, 1)
//      | Stem                                               ^ signal head: 1x1 convolution
//   encoder 0: b channels, Tp -------- skip -------> decoder 0 -------> attention pooling ---+
//      |                                                ^   \----------> pointer -> latency  |
//      |                                                |                   \--- reading ---+
//      | convolution k = 4, stride 2                        ^ transposed convolution k = 4   |
//   encoder 1: 2 b channels, Tp / 2 -- skip -------> decoder 1                               |
//      | ...                                                ^ ...                            |
//   last encoder -> + positions -> attention blocks -> LayerNorm -----> attention pooling ---+
//                                                                                            |
//   outputs of the other tasks <- a task head each <- LayerNorm <- pools, reading, e <-------+
//
// The pointer (model/pointer.hpp) tells the latency as a mean place of the samples and reads what stands there. With
// latency_head = pool there is none, and the latency has a head as the others have.
//
// A level of the encoder is a row of residual blocks; one of the decoder concatenates what comes from below
// with the encoder's output before its own row. Tp is T padded to a multiple of 2^(levels-1). Parameters are
// named by their place, e.g. "encoder.1.block0.conv2.weight"; shapes are those of the ops (convolutions:
// kernel, in, out).
#pragma once

#include <memory>

#include "kernels/components.hpp"
#include "kernels/loss.hpp"
#include "kernels/pointing.hpp"
#include "model/network_settings.hpp"
#include "model/pass.hpp"

namespace abr {

// The settings, and what the data decide.
struct NetworkShape : NetworkSettings {
    Index length = 200;  // samples, T
    Index static_inputs = 9;
    Index classes = 5;
    // Which heads exist, which further losses are on.
    PerComponent<bool> built = per_component(is_task);
    // Of the samples, in the unit of the latency's head: statistics of the data, which a checkpoint holds elsewhere.
    double first_place = 0, place_step = 1;

    bool has_pointer() const { return latency_head == LatencyHead::point && built[Component::peak_latency]; }
    SamplePlaces places() const { return {length, first_place, place_step}; }

    Index padded_length() const {
        const Index multiple = Index{1} << (levels - 1);
        return (length + multiple - 1) / multiple * multiple;
    }
    Index channels(Index level) const { return Index{base_channels} << level; }
    // Columns of a task's head: 0 for the signal's, for a further loss and where it is not built.
    Index outputs(Component c) const {
        if (!built[c] || task_of(c).kind == TaskKind::signal || !is_task(c)) return 0;
        return task_of(c).kind == TaskKind::classes ? classes : 1;
    }
};

// Whether trained weights of the one are weights of the other: equal but for settings of training alone.
bool same_network(const NetworkShape&, const NetworkShape&);

// Tensors that losses read and whose gradients they contribute to. Those that are not built are empty.
struct NetworkTensors {
    PerComponent<Tensor> outputs;  // restored signal (padded_length(), 1), class logits (classes), others (1)
    Tensor features;               // what the task heads read
    Tensor score, map;  // of the samples, where the latency is pointed at: (padded_length(), 1), (length)
    Tensor embedding;   // of the static inputs
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
    Index arena_size() const { return plan_.size(); }             // elements of storage
    Index statistics_size() const { return statistics_.size(); }  // elements of arithmetic
    Index workspace_size() const { return workspace_; }           // elements of arithmetic
    int gradients() const { return gradients_; }                  // what GradientClaims count
    Index input_pad() const { return input_pad_; }                // zero rows that the signal input needs

    // P: a Pass.
    // Fills the outputs, and forgets all gradients but those of the parameters.
    template <class P>
    void forward(const P&) const;
    // After forward, and after every loss has made its contributions: accumulates the parameters' gradients.
    template <class P>
    void backward(const P&) const;

    // Where a head's output lies in the arena of a pass; heads that are not built are null.
    template <class P>
    Heads<typename P::Storage> outputs(const P&) const;
    // The same of their gradients, for a loss that overwrites them all: the first one after forward().
    template <class P>
    Heads<typename P::Storage> output_gradients(const P&) const;
    // Between forward() and backward() any loss may take pass.value(t) and pass.contribution(t) of these.
    const NetworkTensors& tensors() const;

  private:
    struct Parts;
    NetworkShape shape_;
    ParameterLayout layout_;
    ArenaPlan plan_, statistics_;
    Index workspace_ = 0;
    int gradients_ = 0;
    Index input_pad_ = 0;
    std::unique_ptr<const Parts> parts_;
};

}  // namespace abr
