// The learner of a backend, S its stream and Buffer its memory: the class and its steps. Included, with its other parts
// (backend_learner_evaluation.hpp, backend_learner_trace.hpp), by the one translation unit of each backend.
//
// The host reads results by copies alone, after it has waited for the stream, and never within a step.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "model/further_losses.hpp"
#include "model/group.hpp"
#include "model/learner.hpp"
#include "model/learner_memory.hpp"
#include "model/resident_recordings.hpp"

namespace abr {

// The learner of a backend: S its stream, Buffer its memory, Members those who take a step together, Losses those beside
// the fused one.
template <class S, template <class> class Buffer, class Members = Group, class Losses = FurtherLosses>
class BackendLearner final : public Learner {
  public:
    // stream_arguments: what S is made with.
    template <class... StreamArguments>
    BackendLearner(const LearnerSettings& settings, const DeviceRecordings& train,
                   StreamArguments... stream_arguments)
        : settings_(settings),
          stream_(stream_arguments...),
          train_(train),
          network_(settings.shape, settings.batch_size),
          losses_(settings),
          memory_(settings, network_, losses_.workspace(settings.shape, settings.batch_size)) {
        memory_.segments.copy_from(network_.parameters().segments(settings.rates));
        memory_.class_weights.copy_from(settings.class_weights);
        std::vector<float> initial(static_cast<std::size_t>(size()));
        network_.parameters().initialise<float>(settings.seed, initial);
        memory_.value.copy_from(initial);
        if (memory_.ema.size() > 0) memory_.ema.copy_from(initial);
        memory_.status.copy_from(std::vector<StepStatus>(1));
    }

    const Network& network() const override { return network_; }

    void set_profile(Profile* profile) override {
        profile_ = profile;
        stream_.set_profile(profile);
    }

    void begin_epoch(std::uint32_t epoch, std::span<const std::int32_t> order,
                     const PerComponent<double>& weights) override {
        stream_.synchronize();
        epoch_ = epoch;
        const auto count = static_cast<Index>(order.size());
        if (order_.size() != count) {
            order_ = Buffer<std::int32_t>(count);
            records_ = Buffer<StepRecord>((count + rows_of_step() - 1) / rows_of_step());
            host_records_.resize(static_cast<std::size_t>(records_.size()));
        }
        order_.copy_from(order);
        weights_ = weights;
        steps_done_ = steps_read_ = 0;
    }

    void train_step(std::int64_t step, Index begin, Index count, double learning_rate) override {
        begin_step(step, begin, count, learning_rate);
        accumulate_gradients(count);
        enter(StepPhase::optimizer);
        if (!settings_.rates.frozen.empty())
            clear_frozen_gradients<float>(stream_, memory_.segments.data(), memory_.segments.size(),
                                          memory_.gradient.data());
        optimizer_step<float>(stream_, settings_.optimizer,
                              {.parameters = size(),
                               .value = memory_.value.data(),
                               .gradient = memory_.gradient.data(),
                               .first_moment = memory_.first_moment.data(),
                               .second_moment = memory_.second_moment.data(),
                               .ema = memory_.ema.data(),
                               .segments = memory_.segments.data(),
                               .segment_count = memory_.segments.size(),
                               .state = memory_.state.data(),
                               .sums = memory_.sums.data(),
                               .records = records_.data(),
                               .status = memory_.status.data(),
                               .workspace = memory_.sums_workspace.data()});
        ++steps_done_;
    }

    std::span<const StepRecord> steps() override {
        stream_.synchronize();
        const std::span<StepRecord> host(host_records_.data(), static_cast<std::size_t>(steps_done_));
        Buffer<StepRecord>::read(records_.data() + steps_read_,
                                 host.subspan(static_cast<std::size_t>(steps_read_)));
        steps_read_ = steps_done_;
        return host;
    }

    StepStatus status() override {
        stream_.synchronize();
        StepStatus status;
        memory_.status.copy_to(std::span(&status, 1));
        return status;
    }

    std::vector<HostTensor> trace_step(std::int64_t step, Index begin, Index count) override;
    Evaluation evaluate(const DeviceRecordings& recordings, bool with_samples) override;
    std::vector<std::string> tensors_without_gradient(std::span<const std::int32_t> order,
                                                      const PerComponent<double>& weights) override;

    LearnerState state() override {
        stream_.synchronize();
        const auto host = [](const Buffer<float>& buffer) {
            std::vector<float> values(static_cast<std::size_t>(buffer.size()));
            buffer.copy_to(values);
            return values;
        };
        return {host(memory_.value), host(memory_.first_moment), host(memory_.second_moment),
                host(memory_.ema)};
    }

    void restore(const LearnerState& state) override {
        stream_.synchronize();
        memory_.value.copy_from(state.value);
        memory_.first_moment.copy_from(state.first_moment);
        memory_.second_moment.copy_from(state.second_moment);
        if (memory_.ema.size() > 0) memory_.ema.copy_from(state.ema);
    }

  private:
    Index size() const { return network_.parameters().size(); }
    void enter(StepPhase phase) {
        if (profile_ != nullptr) profile_->enter(phase);
    }
    Index rows_of_step() const { return step_rows(settings_); }

    // place: of the micro-batch's first recording in the step.
    Pass<S, Fp32> pass(const float* parameters, const Batch<float>& batch, Index place, double dropout) {
        return {.stream = stream_,
                .plan = network_.plan(),
                .claims = memory_.claims,
                .arena = memory_.arena.data(),
                .statistics = memory_.statistics.data(),
                .workspace = memory_.workspace.data(),
                .parameters = parameters,
                .gradients = memory_.gradient.data(),
                .signal = batch.input.data,
                .statics = batch.statics.data,
                .batch = batch.input.batch,
                .dropout = static_cast<float>(dropout),
                .state = memory_.state.data(),
                .place = place};
    }

    // Writes all that tells this step from another one of as many recordings: what is launched after it is the same.
    void begin_step(std::int64_t step, Index begin, Index count, double learning_rate) {
        // The average must forget the initial weights before it can be worth more than the weights themselves.
        const auto done = static_cast<double>(step);
        const double ema_decay = std::min(settings_.ema_decay, (1 + done) / (10 + done));
        enter(StepPhase::gather);
        write_step_state(stream_,
                         {.seed = settings_.seed,
                          .step = step,
                          .epoch = epoch_,
                          .first = begin,
                          .count = count,
                          .record = steps_done_,
                          .learning_rate = learning_rate,
                          .ema_decay = ema_decay,
                          .weights = weights_},
                         memory_.state.data());
    }

    // Gathers the whole step, so that the losses' denominators are known, then runs its micro-batches.
    void accumulate_gradients(Index count) {
        const Batch<float> whole = slice(memory_.batch.view(), 0, count);
        gather_batch<float>(stream_, train_.view(), settings_.batch, BatchMode::training, order_.data(),
                            memory_.state.data(), 0, whole);
        enter(StepPhase::loss);
        loss_denominators<float>(stream_, memory_.class_weights.data(), whole.targets, memory_.sums.data());
        losses_.count(stream_, whole, memory_.sums.data());
        group_.sum(stream_, memory_.sums.data()->denominator.values.data(), kComponents);
        for (Index first = 0; first < count; first += settings_.batch_size) {
            const Index rows = std::min(settings_.batch_size, count - first);
            const Batch<float> batch = slice(whole, first, rows);
            const auto p = pass(memory_.value.data(), batch, first, settings_.shape.dropout);
            enter(StepPhase::forward);
            network_.forward(p);
            enter(StepPhase::loss);
            const Heads<float> gradients = network_.output_gradients(p);
            multi_task_loss<float>(stream_, settings_.loss,
                                   {.heads = network_.outputs(p),
                                    .targets = batch.targets,
                                    .class_weights = memory_.class_weights.data(),
                                    .weights = &memory_.state.data()->weights,
                                    .sums = memory_.sums.data(),
                                    .gradients = &gradients,
                                    .workspace = memory_.sums_workspace.data()});
            add_further_losses(p, batch, memory_.state.data(), memory_.sums.data());
            enter(StepPhase::backward);
            network_.backward(p);
        }
        group_.sum(stream_, memory_.sums.data()->numerator.values.data(), kComponents);
        group_.sum(stream_, memory_.gradient.data(), size());
    }

    // state: null where no gradients are wanted.
    void add_further_losses(const Pass<S, Fp32>& p, const Batch<float>& batch, const StepState* state,
                            LossSums* sums) {
        losses_.add(LossContext<Pass<S, Fp32>>{.pass = p,
                                               .tensors = network_.tensors(),
                                               .batch = batch,
                                               .state = state,
                                               .sums = sums,
                                               .workspace = memory_.sums_workspace.data()});
    }

    LearnerSettings settings_;
    Profile* profile_ = nullptr;
    S stream_;
    ResidentRecordings<Buffer> train_;
    Network network_;
    Losses losses_;
    LearnerMemory<Buffer> memory_;
    Buffer<std::int32_t> order_;
    Buffer<StepRecord> records_;
    std::vector<StepRecord> host_records_;
    [[no_unique_address]] Members group_;
    std::uint32_t epoch_ = 0;
    PerComponent<double> weights_;  // of the epoch
    Index steps_done_ = 0, steps_read_ = 0;
};

}  // namespace abr
