// Building a batch: in training with everything on that is cheap, then with other devices' bands and coloured noise, too,
// and both ways of validation.
#include "kernels/batch.hpp"

#include "bench/operands.hpp"

namespace abr::bench {
namespace {

BatchSettings all_but_interference() {
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
BatchSettings everything_on() {
    BatchSettings s = all_but_interference();
    s.augmentation.band_probability = 1;
    s.degradation.probability = 1;
    s.degradation.coloured_sd = {0.1f, 2};
    s.degradation.mains_sd = {0.02f, 0.3f};
    return s;
}

struct BatchCase {
    const char* name;
    BatchMode mode;
    BatchSettings settings;
};

}  // namespace

void add_batch_cases(Suite& suite) {
    const BatchCase cases[] = {
        {"training", BatchMode::training, all_but_interference()},
        {"training_interference", BatchMode::training, everything_on()},
        {"validation", BatchMode::validation, all_but_interference()},
        {"validation_degraded", BatchMode::validation_degraded, all_but_interference()}};
    for (const Setting& n : settings())
        for (const BatchCase& c : cases)
            suite.add("gather_batch/" + n.name + "/" + c.name, 0, [n, c](auto& m) {
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
                    gather_batch<T>(stream, all, c.settings, c.mode, order, state, 0, batch);
                };
            });
}

}  // namespace abr::bench
