#include "model/network.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/model/small_problem.hpp"

using namespace abr;
using namespace abr::test;

namespace {

constexpr float kDropout = 0.15f;

// Every output of the network with its gradient's place.
template <class T, class Visit>
void for_each_output(RunnableNetwork<T>& net, const Visit& visit) {
    const auto out = net.network.template outputs<cpu::Stream, T>(net.pass(kDropout));
    const auto gradient = net.network.template output_gradients<cpu::Stream, T>(net.pass(kDropout));
    std::uint32_t index = 0;
    const auto all = [&](const T* values, T* gradients, Index count) {
        for (Index i = 0; values && i < count; ++i) visit(values[i], gradients[i], uniform(index++, 9));
    };
    all(out.signal.data, gradient.signal.data, out.signal.size());
    for (const Component c : kMetricOrder)
        all(out.answer[c].data, gradient.answer[c].data, out.answer[c].size());
}

// A fixed random combination of all outputs.
double objective(RunnableNetwork<double>& net) {
    net.forward(kDropout);
    double sum = 0;
    for_each_output(net, [&](double value, double&, double weight) { sum += weight * value; });
    return sum;
}

}  // namespace

TEST_CASE("network: the sizes of the contract") {
    NetworkShape shape;
    CHECK(Network(shape, 1).parameters().count() == doctest::Approx(1.21e6).epsilon(0.005));
    shape.base_channels = 64;
    CHECK(Network(shape, 1).parameters().count() == doctest::Approx(14.5e6).epsilon(0.005));
}

TEST_CASE("network: every parameter's gradient agrees with finite differences in double") {
    RunnableNetwork<double> net(small_shape(), 3);
    objective(net);
    for_each_output(net, [](double, double& gradient, double weight) { gradient = weight; });
    net.backward(kDropout);

    double* p = net.parameters.data();
    const double* g = net.gradients.data();
    for (const auto& spec : net.network.parameters().specs()) {
        // One random direction through the whole tensor, and its first element alone.
        for (const bool whole : {true, false}) {
            const double h = 1e-5;
            const auto move = [&](double by) {
                for (Index e = 0; e < (whole ? spec.size : 1); ++e)
                    p[spec.offset + e] += by * uniform(static_cast<std::uint32_t>(e), 30);
            };
            double expected = 0;
            for (Index e = 0; e < (whole ? spec.size : 1); ++e)
                expected += g[spec.offset + e] * uniform(static_cast<std::uint32_t>(e), 30);
            move(h);
            const double above = objective(net);
            move(-2 * h);
            const double below = objective(net);
            move(h);
            const double measured = (above - below) / (2 * h);
            INFO(spec.name << " whole " << whole << " analytic " << expected << " measured " << measured);
            CHECK(std::abs(measured - expected) <= 1e-6 * (1 + std::abs(expected)));
        }
    }
}

TEST_CASE("network: backward accumulates, and is the same twice") {
    RunnableNetwork<double> net(small_shape(), 2);
    objective(net);
    const auto fill = [&] {
        for_each_output(net, [](double, double& gradient, double weight) { gradient = weight; });
    };
    fill();
    net.backward(kDropout);
    const std::vector<double> once(net.gradients.data(), net.gradients.data() + net.gradients.size());
    objective(net);
    fill();
    net.backward(kDropout);
    for (Index i = 0; i < net.gradients.size(); ++i) {
        const double expected = 2 * once[static_cast<std::size_t>(i)];
        CHECK(net.gradients.data()[i] == doctest::Approx(expected).epsilon(1e-9));
    }
}

TEST_CASE("network: variants of the shape run and pass a directional gradient check") {
    std::vector<NetworkShape> shapes(5, small_shape());
    shapes[0].levels = 2;
    shapes[0].blocks_per_level = 2;
    shapes[1].attention_layers = 0;
    shapes[1].kernel = 3;
    shapes[2].built = {{true, false, false, false, false, false}};
    shapes[3].built = {{false, true, false, true, true, false}};
    shapes[4].levels = 1;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
        CAPTURE(i);
        RunnableNetwork<double> net(shapes[i], 2);
        objective(net);
        for_each_output(net, [](double, double& gradient, double weight) { gradient = weight; });
        net.backward(kDropout);
        double expected = 0;
        const auto move = [&](double by) {
            for (const auto& spec : net.network.parameters().specs())
                for (Index e = spec.offset; e < spec.offset + spec.size; ++e)
                    net.parameters.data()[e] += by * uniform(static_cast<std::uint32_t>(e), 31);
        };
        for (const auto& spec : net.network.parameters().specs())
            for (Index e = spec.offset; e < spec.offset + spec.size; ++e)
                expected += net.gradients.data()[e] * uniform(static_cast<std::uint32_t>(e), 31);
        const double h = 1e-6;
        move(h);
        const double above = objective(net);
        move(-2 * h);
        const double below = objective(net);
        CHECK((above - below) / (2 * h) == doctest::Approx(expected).epsilon(1e-5));
    }
}

TEST_CASE("network: a smaller batch than planned gives the same answers") {
    RunnableNetwork<float> net(small_shape(), 4);
    net.forward(0);
    const auto all = net.network.outputs<cpu::Stream, float>(net.pass(0));
    const float* const first = all.answer[Component::classification].data;
    const std::vector<float> logits(first, first + 5);
    auto pass = net.pass(0);
    pass.batch = 1;
    auto signal = net.signal();
    signal.batch = 1;
    auto statics = net.statics();
    statics.rows = 1;
    net.network.forward<cpu::Stream, float>(pass, signal, statics);
    const auto one = net.network.outputs<cpu::Stream, float>(pass);
    for (std::size_t k = 0; k < logits.size(); ++k)
        CHECK(one.answer[Component::classification].data[k] == doctest::Approx(logits[k]).epsilon(1e-5));
}
