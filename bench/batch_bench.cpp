// Building a batch: in training with everything on, and both ways of validation.
#include "kernels/batch.hpp"

#include <utility>

#include "bench/operands.hpp"

namespace abr::bench {
namespace {

BatchSettings everything_on() {
    BatchSettings s;
    s.target[Component::peak_latency] = {6.5f, 1.0f};
    s.target[Component::peak_amplitude] = {0.3f, 5.0f};
    s.target[Component::threshold] = {40.0f, 0.05f};
    s.static_sd = {1, 1, 1, 1};
    s.augmentation = {.probability = 0.5f,
                      .shift_samples = 3,
                      .scale_low = 0.9f,
                      .scale_high = 1.1f,
                      .drift_sd = 0.1f,
                      .static_noise_sd = 0.1f,
                      .static_dropout = 0.1f};
    s.degradation = {.noise_sd = 0.3f, .probability = 0.5f};
    return s;
}

}  // namespace

void add_batch_cases(Suite& suite) {
    const std::pair<BatchMode, const char*> modes[] = {
        {BatchMode::training, "training"},
        {BatchMode::validation, "validation"},
        {BatchMode::validation_degraded, "validation_degraded"}};
    for (const Setting& n : settings())
        for (const auto& [mode, name] : modes)
            suite.add("gather_batch/" + n.name + "/" + name, 0, [n, mode = mode](auto& m) {
                using T = Scalar<decltype(m)>;
                const DeviceRecordings all = recordings(m, n);
                const auto* order = m.given(cycle(n.batch, n.batch));
                const auto* state = m.given(std::vector<StepState>{{.seed = 42, .step = 10, .epoch = 1}});
                const Batch<T> batch{
                    .input = m.output(Sequence<T>{nullptr, n.batch, n.length(0), 1, 7}),
                    .statics = m.output(Matrix<T>{nullptr, n.batch, kStaticInputs}),
                    .targets = {.signal = m.output(Matrix<T>{nullptr, n.batch, n.shape.length}),
                                .label = of_components<std::int32_t*>(
                                    is_labelled,
                                    [&](Component) { return m.template output_of<std::int32_t>(n.batch); }),
                                .scalar = of_components<T*>(is_scalar,
                                                            [&](Component) { return m.output(n.batch); })},
                    .mean = m.output(n.batch),
                    .sd = m.output(n.batch)};
                return [=](auto& stream) {
                    gather_batch<T>(stream, all, everything_on(), mode, order, state, 0, batch);
                };
            });
}

}  // namespace abr::bench
