#include "model/learner.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/cpu/buffer.hpp"
#include "model/batch_buffers.hpp"

namespace abr {
namespace {

template <class T>
Heads<const T> as_const(const Heads<T>& h) {
    return {h.signal, h.logits, h.exist, h.latency, h.amplitude, h.threshold};
}

// The learner of a backend: S its stream, Buffer its memory.
template <class S, template <class> class Buffer>
class BackendLearner final : public Learner {
  public:
    BackendLearner(const LearnerSettings& settings, const DeviceRecordings& train, int threads)
        : settings_(settings),
          stream_(threads),
          train_(train),
          network_(settings.shape, settings.batch_size),
          value_(size()),
          gradient_(size()),
          first_moment_(size()),
          second_moment_(size()),
          ema_(settings.optimizer.ema_decay > 0 ? size() : 0),
          arena_(network_.arena_size()),
          workspace_(network_.workspace_size()),
          sums_workspace_(std::max({loss_workspace(step_rows()), evaluation_workspace(settings.batch_size),
                                    optimizer_workspace(size())})),
          batch_(settings.shape, network_.input_pad(), step_rows()),
          class_weights_(settings.shape.classes),
          weights_(1),
          sums_(1),
          status_(1) {
        const auto segments = network_.parameters().segments(settings.rates);
        segments_ = Buffer<ParameterSegment>(static_cast<Index>(segments.size()));
        segments_.copy_from(segments);
        class_weights_.copy_from(settings.class_weights);
        std::vector<float> initial(static_cast<std::size_t>(size()));
        network_.parameters().initialise<float>(settings.seed, initial);
        value_.copy_from(initial);
        if (ema_.size() > 0) ema_.copy_from(initial);
        status_.copy_from(std::vector<StepStatus>(1));
    }

    const Network& network() const override { return network_; }

    void set_profile(Profile* profile) override {
        profile_ = profile;
        stream_.set_profile(profile);
    }

    void begin_epoch(std::uint32_t epoch, std::span<const std::int32_t> order,
                     const PerComponent<double>& weights) override {
        epoch_ = epoch;
        const auto count = static_cast<Index>(order.size());
        if (order_.size() != count) {
            order_ = Buffer<std::int32_t>(count);
            rows_ = Buffer<StepRecord>((count + step_rows() - 1) / step_rows());
            host_rows_.resize(static_cast<std::size_t>(rows_.size()));
        }
        order_.copy_from(order);
        weights_.copy_from(std::span(&weights, 1));
        steps_done_ = 0;
    }

    void train_step(std::int64_t step, Index begin, Index count, double learning_rate) override {
        accumulate_gradients(step, begin, count);
        AdamW optimizer = settings_.optimizer;
        optimizer.learning_rate = learning_rate;
        // The average must forget the initial weights before it can be worth more than the weights themselves.
        const auto done = static_cast<double>(step);
        optimizer.ema_decay = std::min(optimizer.ema_decay, (1 + done) / (10 + done));
        enter(StepPhase::optimizer);
        optimizer_step<float>(stream_, optimizer,
                              {.parameters = size(),
                               .value = value_.data(),
                               .gradient = gradient_.data(),
                               .first_moment = first_moment_.data(),
                               .second_moment = second_moment_.data(),
                               .ema = ema_.data(),
                               .segments = segments_.data(),
                               .segment_count = segments_.size(),
                               .step = step,
                               .weights = weights_.data(),
                               .sums = sums_.data(),
                               .row = rows_.data() + steps_done_,
                               .status = status_.data(),
                               .workspace = sums_workspace_.data()});
        ++steps_done_;
    }

    std::span<const StepRecord> steps() override {
        stream_.synchronize();
        const std::span<StepRecord> host(host_rows_.data(), static_cast<std::size_t>(steps_done_));
        rows_.copy_to(host);
        return host;
    }

    StepStatus status() override {
        stream_.synchronize();
        StepStatus status;
        status_.copy_to(std::span(&status, 1));
        return status;
    }

    std::vector<HostTensor> trace_step(std::int64_t step, Index begin, Index count) override;
    Evaluation evaluate(const DeviceRecordings& recordings, bool with_restored) override;
    std::vector<std::string> tensors_without_gradient(std::span<const std::int32_t> order,
                                                      const PerComponent<double>& weights) override;

    LearnerState state() override {
        stream_.synchronize();
        const auto host = [](const Buffer<float>& buffer) {
            std::vector<float> values(static_cast<std::size_t>(buffer.size()));
            buffer.copy_to(values);
            return values;
        };
        return {host(value_), host(first_moment_), host(second_moment_), host(ema_)};
    }

    void restore(const LearnerState& state) override {
        value_.copy_from(state.value);
        first_moment_.copy_from(state.first_moment);
        second_moment_.copy_from(state.second_moment);
        if (ema_.size() > 0) ema_.copy_from(state.ema);
    }

  private:
    Index size() const { return network_.parameters().size(); }
    void enter(StepPhase phase) {
        if (profile_ != nullptr) profile_->enter(phase);
    }
    Index step_rows() const { return settings_.batch_size * settings_.accumulation; }

    Pass<S, float> pass(const float* parameters, Index batch, const RandomPosition& position, float dropout) {
        return {stream_,          network_.plan(), arena_.data(), workspace_.data(), parameters,
                gradient_.data(), batch,           dropout,       position};
    }

    // Gathers the whole step, so that the losses' denominators are known, then runs its micro-batches.
    void accumulate_gradients(std::int64_t step, Index begin, Index count) {
        const RandomPosition position{settings_.seed, epoch_, static_cast<std::uint32_t>(step), 0};
        const Batch<float> whole = slice(batch_.view(), 0, count);
        enter(StepPhase::gather);
        gather_batch<float>(stream_, train_, settings_.batch, BatchMode::training, order_.data() + begin,
                            position, whole);
        enter(StepPhase::loss);
        loss_denominators<float>(stream_, class_weights_.data(), whole.targets, sums_.data());
        for (Index first = 0; first < count; first += settings_.batch_size) {
            const Index rows = std::min(settings_.batch_size, count - first);
            const Batch<float> batch = slice(whole, first, rows);
            RandomPosition place = position;
            place.place = static_cast<std::uint32_t>(first);
            const auto p = pass(value_.data(), rows, place, settings_.dropout);
            enter(StepPhase::forward);
            network_.forward<S, float>(p, batch.input, batch.statics);
            enter(StepPhase::loss);
            const Heads<float> gradients = network_.output_gradients(p);
            multi_task_loss<float>(stream_, settings_.loss,
                                   {.heads = as_const(network_.outputs(p)),
                                    .targets = batch.targets,
                                    .class_weights = class_weights_.data(),
                                    .weights = weights_.data(),
                                    .sums = sums_.data(),
                                    .gradients = &gradients,
                                    .workspace = sums_workspace_.data()});
            enter(StepPhase::backward);
            network_.backward<S, float>(p, batch.input, batch.statics);
        }
    }

    LearnerSettings settings_;
    Profile* profile_ = nullptr;
    S stream_;
    DeviceRecordings train_;
    Network network_;
    Buffer<float> value_, gradient_, first_moment_, second_moment_, ema_;
    Buffer<float> arena_, workspace_;
    Buffer<double> sums_workspace_;
    BatchBuffers<Buffer, float> batch_;
    Buffer<float> class_weights_;
    Buffer<PerComponent<double>> weights_;
    Buffer<LossSums> sums_;
    Buffer<StepStatus> status_;
    Buffer<ParameterSegment> segments_;
    Buffer<std::int32_t> order_;
    Buffer<StepRecord> rows_;
    std::vector<StepRecord> host_rows_;
    std::uint32_t epoch_ = 0;
    Index steps_done_ = 0;
};

template <class S, template <class> class Buffer>
std::vector<HostTensor> BackendLearner<S, Buffer>::trace_step(std::int64_t step, Index begin, Index count) {
    accumulate_gradients(step, begin, count);
    stream_.synchronize();

    std::vector<HostTensor> tensors;
    // `stride` elements from one recording to the next, of which the first `columns` count.
    const auto add = [&](std::string name, const auto* device, Index columns, Index stride, bool vector) {
        if (device == nullptr) return;
        HostTensor tensor{std::move(name), {count}, {}};
        if (!vector) tensor.shape.push_back(columns);
        for (Index b = 0; b < count; ++b)
            for (Index c = 0; c < columns; ++c)
                tensor.values.push_back(static_cast<float>(device[b * stride + c]));
        tensors.push_back(std::move(tensor));
    };
    const Batch<float> batch = slice(batch_.view(), 0, count);
    const Index length = settings_.shape.length, classes = settings_.shape.classes;
    add("batch/signal", batch.input.row(0, 0), length, batch.input.sample_stride(), false);
    add("batch/statics", batch.statics.data, batch.statics.columns, batch.statics.columns, false);
    const auto add_columns = [&](const std::string& prefix, const auto& exist, const auto& latency,
                                 const auto& amplitude, const auto& threshold) {
        add(prefix + "peak_exist", exist, 1, 1, true);
        add(prefix + "peak_latency", latency, 1, 1, true);
        add(prefix + "peak_amplitude", amplitude, 1, 1, true);
        add(prefix + "threshold", threshold, 1, 1, true);
    };
    const auto& t = batch.targets;
    add("batch/target", t.signal.data, length, length, false);
    add("batch/classification", t.label, 1, 1, true);
    add_columns("batch/", t.exist, t.latency, t.amplitude, t.threshold);

    const auto p = pass(value_.data(), count, {}, 0);
    const auto heads = network_.outputs(p);
    if (heads.signal.data != nullptr)
        add("outputs/signal", heads.signal.row(0, 0), length, heads.signal.sample_stride(), false);
    add("outputs/classification", heads.logits.data, classes, classes, false);
    add_columns("outputs/", heads.exist, heads.latency, heads.amplitude, heads.threshold);

    LossSums sums;
    sums_.copy_to(std::span(&sums, 1));
    HostTensor losses{"losses", {static_cast<Index>(kComponents)}, {}};
    for (std::size_t c = 0; c < kComponents; ++c)
        losses.values.push_back(
            sums.denominator[c] > 0 ? static_cast<float>(sums.numerator[c] / sums.denominator[c]) : 0.0f);
    tensors.push_back(std::move(losses));

    std::vector<float> gradient(static_cast<std::size_t>(size()));
    gradient_.copy_to(gradient);
    for (const auto& spec : network_.parameters().specs()) {
        const float* first = gradient.data() + spec.offset;
        tensors.push_back({"gradients/" + spec.name, spec.shape, {first, first + spec.size}});
    }
    gradient_.copy_from(std::vector<float>(gradient.size()));
    sums_.copy_from(std::vector<LossSums>(1));
    return tensors;
}

template <class S, template <class> class Buffer>
Evaluation BackendLearner<S, Buffer>::evaluate(const DeviceRecordings& recordings, bool with_restored) {
    const NetworkShape& shape = settings_.shape;
    const Index n = recordings.rows;
    const bool own_target = recordings.clean != nullptr;
    const float* parameters = ema_.size() > 0 ? ema_.data() : value_.data();

    std::vector<std::int32_t> rows(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::int32_t>(i);
    Buffer<std::int32_t> order(n);
    order.copy_from(rows);
    const Index restored_columns = with_restored ? shape.length : 0;
    Buffer<float> outputs(n * (shape.classes + 6 + restored_columns));
    float* next = outputs.data();
    const auto take = [&](bool built, Index columns) {
        return built ? std::exchange(next, next + n * columns) : nullptr;
    };
    Predictions predictions;
    predictions.logits = take(shape.built[Component::classification], shape.classes);
    predictions.exist_logit = take(shape.built[Component::peak_exist], 1);
    predictions.latency_ms = take(shape.built[Component::peak_latency], 1);
    predictions.amplitude_uv = take(shape.built[Component::peak_amplitude], 1);
    predictions.threshold_db = take(shape.built[Component::threshold], 1);
    predictions.signal_correlation = take(shape.built[Component::signal], 1);
    predictions.signal_snr_gain_db = take(shape.built[Component::signal], 1);
    predictions.restored_uv = take(shape.built[Component::signal] && with_restored, restored_columns);
    Buffer<std::int64_t> confusion(shape.classes * shape.classes);
    Buffer<EvaluationSums> sums(1);
    Buffer<LossSums> losses(1);

    // One pass over a batch: `heads` are those of its outputs that count in this mode.
    const auto run = [&](BatchMode mode, Index first, Index count, bool with_signal, bool with_tasks) {
        const Batch<float> batch = slice(batch_.view(), 0, count);
        gather_batch<float>(stream_, recordings, settings_.batch, mode, order.data() + first,
                            {settings_.seed, 0, 0, 0}, batch);
        const auto p = pass(parameters, count, {}, 0);
        network_.forward<S, float>(p, batch.input, batch.statics);
        Heads<const float> heads = as_const(network_.outputs(p));
        if (!with_signal) heads.signal = {};
        if (!with_tasks) heads = {heads.signal, {}, nullptr, nullptr, nullptr, nullptr};
        // Without a clean signal each batch passes twice; its recordings count once.
        if (with_tasks)
            loss_denominators<float>(stream_, class_weights_.data(), batch.targets, losses.data());
        multi_task_loss<float>(stream_, settings_.loss,
                               {.heads = heads,
                                .targets = batch.targets,
                                .class_weights = class_weights_.data(),
                                .weights = nullptr,
                                .sums = losses.data(),
                                .gradients = nullptr,
                                .workspace = sums_workspace_.data()});
        accumulate_evaluation<float>(stream_, {.recordings = recordings,
                                               .order = order.data() + first,
                                               .batch = batch,
                                               .heads = heads,
                                               .scaling = settings_.scaling,
                                               .classes = shape.classes,
                                               .predictions = predictions,
                                               .confusion = confusion.data(),
                                               .sums = sums.data(),
                                               .workspace = sums_workspace_.data()});
    };
    enter(StepPhase::evaluation);
    for (Index first = 0; first < n; first += settings_.batch_size) {
        const Index count = std::min(settings_.batch_size, n - first);
        run(BatchMode::validation, first, count, own_target, true);
        if (!own_target && shape.built[Component::signal])
            run(BatchMode::validation_degraded, first, count, true, false);
    }

    stream_.synchronize();
    Evaluation result;
    result.rows = n;
    const auto host = [&](const float* device, Index columns) {
        return device ? std::vector<float>(device, device + n * columns) : std::vector<float>();
    };
    result.logits = host(predictions.logits, shape.classes);
    result.exist_logit = host(predictions.exist_logit, 1);
    result.latency_ms = host(predictions.latency_ms, 1);
    result.amplitude_uv = host(predictions.amplitude_uv, 1);
    result.threshold_db = host(predictions.threshold_db, 1);
    result.signal_correlation = host(predictions.signal_correlation, 1);
    result.signal_snr_gain_db = host(predictions.signal_snr_gain_db, 1);
    result.restored_uv = host(predictions.restored_uv, restored_columns);
    result.confusion.resize(static_cast<std::size_t>(confusion.size()));
    confusion.copy_to(result.confusion);
    sums.copy_to(std::span(&result.sums, 1));
    losses.copy_to(std::span(&result.losses, 1));
    return result;
}

template <class S, template <class> class Buffer>
std::vector<std::string> BackendLearner<S, Buffer>::tensors_without_gradient(
    std::span<const std::int32_t> order, const PerComponent<double>& weights) {
    const LearnerState before = state();
    std::vector<float> values = before.value;
    const std::uint64_t key = stream_key(settings_.seed, Purpose::gradient_check);
    for (const auto& spec : network_.parameters().specs()) {
        if (!spec.film) continue;
        for (Index e = spec.offset; e < spec.offset + spec.size; ++e) {
            const auto words = philox4x32(key, static_cast<std::uint32_t>(e), 0, 0, 0);
            values[static_cast<std::size_t>(e)] = 0.1f * (2 * to_uniform(words[0]) - 1);
        }
    }
    value_.copy_from(values);
    // Every batch of the epoch until each tensor was reached: a rare label may be missing from the first
    // ones.
    begin_epoch(0, order, weights);
    std::vector<std::string> missing;
    for (Index begin = 0; begin < static_cast<Index>(order.size()); begin += step_rows()) {
        accumulate_gradients(0, begin, std::min(step_rows(), static_cast<Index>(order.size()) - begin));
        std::vector<float> gradient(static_cast<std::size_t>(size()));
        stream_.synchronize();
        gradient_.copy_to(gradient);
        missing.clear();
        for (const auto& spec : network_.parameters().specs()) {
            const float* g = gradient.data() + spec.offset;
            if (std::all_of(g, g + spec.size, [](float v) { return v == 0; })) missing.push_back(spec.name);
        }
        std::erase_if(missing, [&](const std::string& name) {
            for (std::size_t c = 0; c < kComponents; ++c) {
                const std::string head(kComponentNames[c]);
                if (weights[c] == 0 &&
                    (name.starts_with("heads." + head + ".") || name.starts_with(head + "_head.")))
                    return true;
            }
            return false;
        });
        if (missing.empty()) break;
    }
    gradient_.copy_from(std::vector<float>(static_cast<std::size_t>(size())));
    sums_.copy_from(std::vector<LossSums>(1));
    restore(before);
    return missing;
}

}  // namespace

std::unique_ptr<Learner> make_cpu_learner(const LearnerSettings& settings, const DeviceRecordings& train,
                                          int threads) {
    return std::make_unique<BackendLearner<cpu::Stream, cpu::Buffer>>(settings, train, threads);
}

}  // namespace abr
