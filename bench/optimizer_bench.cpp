// The optimiser's step over all parameters, with and without the average of the weights.
#include "kernels/optimizer.hpp"

#include "bench/operands.hpp"

namespace abr::bench {
namespace {

constexpr double kFlopPerParameter = 17, kFlopPerParameterWithEma = 20;  // kernels/optimizer.hpp

LossSums losses() {
    LossSums sums;
    sums.numerator = {{1, 2, 3, 4, 5, 6}};
    sums.denominator = {{2, 2, 2, 2, 2, 2}};
    return sums;
}

std::vector<double> values_of(const StepRecord& row) {
    std::vector<double> all(row.loss.values.begin(), row.loss.values.end());
    all.insert(all.end(), {static_cast<double>(row.step), row.learning_rate, row.grad_norm, row.loss_total});
    return all;
}

}  // namespace

void add_optimizer_cases(Suite& suite) {
    std::string last;
    for (const Setting& n : settings()) {
        const std::string network = n.name.substr(0, n.name.find('/'));
        if (network == last) continue;  // a step's cost knows no batch
        last = network;
        const ParameterLayout layout = Network(n.shape, 1).parameters();
        const Index size = layout.size();
        const auto segments = layout.segments({});
        for (const bool ema : {false, true})
            suite.add(
                "optimizer_step/" + network + (ema ? "/ema" : "/plain"),
                (ema ? kFlopPerParameterWithEma : kFlopPerParameter) * static_cast<double>(size),
                [=](auto& m) {
                    using T = Scalar<decltype(m)>;
                    const AdamW op;
                    const StepState state{.step = 100,
                                          .learning_rate = 1e-3,
                                          .ema_decay = 0.998,
                                          .weights = {{0.8, 0.6, 1.2, 1.1, 2.5, 0.9}}};
                    const OptimizerStep<T> a{
                        .parameters = size,
                        .value = m.accumulated(size),
                        .gradient = m.accumulated(size),
                        .first_moment = m.accumulated(size),
                        .second_moment = m.accumulated(size, 0.1, 1),
                        .ema = ema ? m.accumulated(size) : nullptr,
                        .segments = m.given(segments),
                        .segment_count = static_cast<Index>(segments.size()),
                        .state = m.given(std::vector<StepState>{state}),
                        .sums = m.record(losses(), [](const LossSums& s) { return bench::values_of(s); }),
                        .records = m.record(StepRecord{}, [](const StepRecord& r) { return values_of(r); }),
                        .status = m.record(StepStatus{},
                                           [](const StepStatus& s) {
                                               return std::vector<double>{static_cast<double>(s.bad_step)};
                                           }),
                        .workspace = m.template workspace<double>(optimizer_workspace(size))};
                    return [=](auto& stream) { optimizer_step<T>(stream, op, a); };
                });
    }
}

}  // namespace abr::bench
