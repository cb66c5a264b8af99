// Names, shapes and places of the network's parameters in one contiguous buffer.
//
// Every tensor starts on a 64-byte boundary (16 floats), save where one must follow another directly; the
// gaps are never trained. Parameters, gradients and optimiser state share the layout.
//
// Initialisation, seeded, the same on every backend (philox4x32(stream_key(seed, Purpose::initialisation),
// element / 4, tensor number, 0, 0)):
//   weights of convolutions and linear maps: uniform with variance 1 / fan_in (LeCun et al. 1998)
//   biases and norm biases: 0; norm weights: 1; FiLM weights and biases: 0; pooling score vector: as a weight
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/components.hpp"
#include "kernels/optimizer.hpp"
#include "kernels/view.hpp"

namespace abr {

enum class ParameterGroup { encoder, decoder, heads };
enum class Initialisation { zeros, ones, uniform };

struct ParameterSpec {
    std::string name;
    std::vector<Index> shape;
    Index offset = 0;
    Index size = 0;
    ParameterGroup group = ParameterGroup::encoder;
    bool decay = false;  // weights of convolutions and linear maps only
    bool film = false;
    Initialisation initialisation = Initialisation::zeros;
    Index fan_in = 1;
};

// Whether a parameter belongs to a part of the network: to a group ("encoder", "decoder", "heads"), or, for
// any other word, to what has its name or begins with it and a point ("stem", "encoder.1",
// "heads.threshold").
bool belongs_to(const ParameterSpec&, std::string_view part);
bool belongs_to_any(const ParameterSpec&, std::span<const std::string> parts);

class ParameterLayout {
  public:
    // Weight of `shape` with `fan_in` inputs to each output: decays.
    Index weight(std::string name, std::vector<Index> shape, Index fan_in, ParameterGroup);
    Index bias(std::string name, Index size, ParameterGroup);
    Index norm_weight(std::string name, Index size, ParameterGroup);
    Index film(std::string name, std::vector<Index> shape, ParameterGroup);
    // A bias that follows the last tensor after `gap` untrained zeros, without alignment.
    Index bias_after_gap(std::string name, Index gap, Index size, ParameterGroup);

    Index size() const { return size_; }  // elements of the buffer, gaps included
    Index count() const;                  // trained parameters
    std::span<const ParameterSpec> specs() const { return specs_; }

    // Of the optimiser's rate, for each group; `frozen` parts keep their bits.
    struct RateMultipliers {
        float encoder = 1, decoder = 1, heads = 1;
        std::vector<std::string> frozen = {};
    };
    // What the optimiser walks; gaps have rate 0.
    std::vector<ParameterSegment> segments(const RateMultipliers&) const;

    template <class T>
    void initialise(std::uint64_t seed, std::span<T> buffer) const;

  private:
    Index add(ParameterSpec);
    std::vector<ParameterSpec> specs_;
    Index size_ = 0;
};

}  // namespace abr
