#include "model/network.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/model/small_problem.hpp"

using namespace abr;
using namespace abr::test;

namespace {

constexpr float kDropout = 0.15f;

using DoubleNetwork = RunnableNetwork<Fp64>;

// visit(element, weight) for every output of the network, or every gradient of one, with fixed random
// weights.
template <class Visit>
void for_each_element(const Heads<double>& heads, const Visit& visit) {
    std::uint32_t index = 0;
    const auto all = [&](double* elements, Index count) {
        for (Index i = 0; elements && i < count; ++i) visit(elements[i], uniform(index++, 9));
    };
    all(heads.signal.data, heads.signal.size());
    for (const Component c : kMetricOrder) all(heads.answer[c].data, heads.answer[c].size());
}

// A fixed random combination of all outputs.
double objective(DoubleNetwork& net) {
    net.forward(kDropout);
    double sum = 0;
    for_each_element(net.network.outputs(net.pass(kDropout)),
                     [&](double value, double weight) { sum += weight * value; });
    return sum;
}

// Its gradient, after objective().
void backward(DoubleNetwork& net) {
    for_each_element(net.network.output_gradients(net.pass(kDropout)),
                     [](double& gradient, double weight) { gradient = weight; });
    net.backward(kDropout);
}

}  // namespace

TEST_CASE("network: the sizes of the contract") {
    NetworkShape shape;
    const auto parameters = [&] { return Network(shape, 1).parameters().count(); };
    CHECK(parameters() == 1192489);
    shape.latency_head = LatencyHead::pool;
    CHECK(parameters() == doctest::Approx(1.21e6).epsilon(0.005));
    shape.base_channels = 64;
    CHECK(parameters() == doctest::Approx(14.5e6).epsilon(0.005));
}

TEST_CASE("network: every parameter's gradient agrees with finite differences in double") {
    DoubleNetwork net(small_shape(), 3);
    objective(net);
    backward(net);

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
    DoubleNetwork net(small_shape(), 2);
    objective(net);
    backward(net);
    const std::vector<double> once(net.gradients.data(), net.gradients.data() + net.gradients.size());
    objective(net);
    backward(net);
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
        DoubleNetwork net(shapes[i], 2);
        objective(net);
        backward(net);
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
    RunnableNetwork<Fp32> net(small_shape(), 4);
    net.forward(0);
    const auto all = net.network.outputs(net.pass(0));
    const float* const first = all.answer[Component::classification].data;
    const std::vector<float> logits(first, first + 5);
    auto pass = net.pass(0);
    pass.batch = 1;
    net.network.forward(pass);
    const auto one = net.network.outputs(pass);
    for (std::size_t k = 0; k < logits.size(); ++k)
        CHECK(one.answer[Component::classification].data[k] == doctest::Approx(logits[k]).epsilon(1e-5));
}

TEST_CASE("network: each head drops units of its own") {
    DoubleNetwork net(small_shape(), 4);
    // The same parameters for two heads, so that without dropout they say the same.
    double* const values = net.parameters.data();
    const auto specs = net.network.parameters().specs();
    for (const auto& from : specs) {
        if (!from.name.starts_with("heads.peak_amplitude.")) continue;
        const std::string twin =
            "heads.threshold." + from.name.substr(std::string("heads.peak_amplitude.").size());
        for (const auto& to : specs)
            if (to.name == twin) std::copy_n(values + from.offset, from.size, values + to.offset);
    }
    const auto differences = [&](float dropout) {
        net.forward(dropout);
        const auto out = net.network.outputs(net.pass(dropout));
        const double* amplitude = out.answer[Component::peak_amplitude].data;
        const double* threshold = out.answer[Component::threshold].data;
        std::vector<bool> differ;
        for (int b = 0; b < 4; ++b) differ.push_back(amplitude[b] != threshold[b]);
        return differ;
    };
    CHECK(differences(0) == std::vector<bool>(4, false));
    CHECK(differences(0.5f) == std::vector<bool>(4, true));
}
