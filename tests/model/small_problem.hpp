// A small network, its memory, and recordings to train it on.
#pragma once

#include <cmath>
#include <numbers>
#include <vector>

#include "kernels/cpu/buffer.hpp"
#include "kernels/philox.hpp"
#include "model/learner.hpp"
#include "model/network.hpp"

namespace abr::test {

inline double uniform(std::uint32_t index, std::uint32_t purpose) {
    return 2.0 * to_uniform(philox4x32(stream_key(7, purpose), index, 0, 0, 0)[0]) - 1.0;
}

inline NetworkShape small_shape() {
    NetworkShape shape;
    shape.length = 37;  // padded to 40
    shape.base_channels = 8;
    shape.levels = 3;
    shape.kernel = 5;
    shape.stem_dilations = {1, 2, 1};
    shape.groups = 4;
    shape.attention_layers = 2;
    shape.heads = 4;
    shape.feed_forward = 2;
    shape.embed_dim = 12;
    shape.head_hidden = 10;
    shape.dropout = 0.1;
    return shape;
}

// A network in memory of its own, all parameters random.
template <class Types>
class RunnableNetwork {
  public:
    using T = typename Types::Storage;

    RunnableNetwork(const NetworkShape& shape, Index batch, int threads = 1)
        : stream(threads),
          network(shape, batch),
          parameters(network.parameters().size()),
          gradients(network.parameters().size()),
          claims_(network.gradients()),
          arena_(network.arena_size()),
          statistics_(network.statistics_size()),
          workspace_(network.workspace_size()),
          signal_(batch * (shape.padded_length() + 2 * network.input_pad())),
          statics_(batch * shape.static_inputs),
          batch_(batch) {
        network.parameters().initialise<T>(3,
                                           {parameters.data(), static_cast<std::size_t>(parameters.size())});
        for (const auto& spec : network.parameters().specs())
            if (spec.initialisation != Initialisation::uniform)
                for (Index e = spec.offset; e < spec.offset + spec.size; ++e)
                    parameters.data()[e] += T(0.3 * uniform(static_cast<std::uint32_t>(e), 1));
        const auto x = signal();
        for (Index b = 0; b < batch; ++b)
            for (Index t = 0; t < shape.length; ++t)
                *x.row(b, t) = T(1.5 * uniform(static_cast<std::uint32_t>(b * 1000 + t), 2));
        for (Index i = 0; i < statics_.size(); ++i)
            statics_.data()[i] = T(uniform(static_cast<std::uint32_t>(i), 3));
    }

    Pass<cpu::Stream, Types> pass(float dropout) {
        return {.stream = stream,
                .plan = network.plan(),
                .claims = claims_,
                .arena = arena_.data(),
                .statistics = statistics_.data(),
                .workspace = workspace_.data(),
                .parameters = parameters.data(),
                .gradients = gradients.data(),
                .signal = signal_.data(),
                .statics = statics_.data(),
                .batch = batch_,
                .dropout = dropout,
                .state = &state_,
                .place = 0};
    }
    Sequence<T> signal() const {
        const auto& s = network.shape();
        return {signal_.data(), batch_, s.padded_length(), 1, network.input_pad()};
    }
    Matrix<T> statics() const { return {statics_.data(), batch_, network.shape().static_inputs}; }

    void forward(float dropout) { network.forward(pass(dropout)); }
    void backward(float dropout) { network.backward(pass(dropout)); }

    cpu::Stream stream;
    Network network;
    cpu::Buffer<T> parameters, gradients;

  private:
    GradientClaims claims_;
    cpu::Buffer<T> arena_, statistics_, workspace_, signal_, statics_;
    Index batch_;
    StepState state_{.seed = 11, .step = 2, .epoch = 1};
};

// Recordings whose class, wave and threshold can be read from the signal.
class SmallRecordings {
  public:
    SmallRecordings(Index rows, Index length) : length_(length) {
        for (Index r = 0; r < rows; ++r) {
            const auto i = static_cast<std::uint32_t>(r);
            const int label = static_cast<int>(r % 5);
            const double centre = 0.3 + 0.08 * label + 0.02 * uniform(i, 20);
            for (Index t = 0; t < length; ++t) {
                const double x = (static_cast<double>(t) / static_cast<double>(length) - centre) / 0.08;
                const double wave = 0.3 * std::exp(-x * x / 2);
                clean_.push_back(static_cast<float>(wave));
                signal_.push_back(
                    static_cast<float>(wave + 0.05 * uniform(i * 1000 + static_cast<std::uint32_t>(t), 21)));
            }
            for (int s = 0; s < kStoredStatics; ++s)
                statics_.push_back(static_cast<float>(uniform(i * 10 + static_cast<std::uint32_t>(s), 22)));
            label_.push_back(label);
            exist_.push_back(label != 3);
            latency_.push_back(label != 3 ? static_cast<float>(centre * static_cast<double>(length) * 0.1)
                                          : NAN);
            amplitude_.push_back(label != 3 ? 0.3f : NAN);
            threshold_.push_back(static_cast<float>(10 * label));
        }
    }

    DeviceRecordings view() const {
        return {.rows = static_cast<Index>(label_.size()),
                .length = length_,
                .signal = signal_.data(),
                .clean = clean_.data(),
                .statics = statics_.data(),
                .label = per_component<const std::int32_t*>(
                    {{Component::classification, label_.data()}, {Component::peak_exist, exist_.data()}}),
                .scalar = per_component<const float*>({{Component::peak_latency, latency_.data()},
                                                       {Component::peak_amplitude, amplitude_.data()},
                                                       {Component::threshold, threshold_.data()}})};
    }
    std::vector<std::int32_t> order() const {
        std::vector<std::int32_t> order(label_.size());
        for (std::size_t i = 0; i < order.size(); ++i)
            order[i] = static_cast<std::int32_t>((i * 7) % order.size());
        return order;
    }

  private:
    Index length_;
    std::vector<float> signal_, clean_, statics_;
    std::vector<std::int32_t> label_, exist_;
    std::vector<float> latency_, amplitude_, threshold_;
};

inline LearnerSettings small_settings(Index batch_size, Index accumulation) {
    LearnerSettings settings;
    settings.shape = small_shape();
    settings.class_weights = {0.5f, 2.0f, 1.0f, 1.0f, 1.5f};
    settings.batch.target[Component::peak_latency] = {1.7f, 1.0f};
    settings.batch.target[Component::threshold] = {20.0f, 0.07f};
    settings.batch.augmentation = {
        .probability = 0.7f, .shift_samples = 2, .scale_low = 0.9f, .scale_high = 1.1f};
    settings.batch.degradation = {.noise_sd = 0.2f, .probability = 1};
    settings.seed = 5;
    settings.batch_size = batch_size;
    settings.accumulation = accumulation;
    return settings;
}

inline constexpr PerComponent<double> kAllWeights{{0.8, 0.6, 1.2, 1.2, 2.5, 1.0}};

}  // namespace abr::test
