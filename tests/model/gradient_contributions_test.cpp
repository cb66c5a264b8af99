// Gradients that come from several sides: who is first overwrites, whoever it is, and losses may come before
// the pass.
#include <doctest/doctest.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/model/small_problem.hpp"

using namespace abr;
using namespace abr::test;

namespace {

using DoubleNetwork = RunnableNetwork<Fp64>;

double weight_of(Index element) {
    return uniform(static_cast<std::uint32_t>(element), 40);
}

// Of sum(w x) over a tensor's elements: the value, and the contribution of the gradient w. None has zero
// rows.
double weighted_sum(DoubleNetwork& net, const Tensor& t) {
    const auto x = net.pass(0).value(t);
    double sum = 0;
    for (Index i = 0; i < x.size(); ++i) sum += weight_of(i) * x.data[i];
    return sum;
}
void contribute(DoubleNetwork& net, const Tensor& t, double factor = 1) {
    const auto d = net.pass(0).contribution(t);
    for (Index i = 0; i < d.to.size(); ++i)
        d.to.data[i] = (d.write == Write::accumulate ? d.to.data[i] : 0) + factor * weight_of(i);
}

// The gradient of `objective` by all parameters in a random direction, against what backward() has left.
void check_direction(DoubleNetwork& net, const std::function<double()>& objective) {
    const double h = 1e-6;
    double expected = 0;
    const auto move = [&](double by) {
        for (const auto& spec : net.network.parameters().specs())
            for (Index e = spec.offset; e < spec.offset + spec.size; ++e)
                net.parameters.data()[e] += by * uniform(static_cast<std::uint32_t>(e), 41);
    };
    for (const auto& spec : net.network.parameters().specs())
        for (Index e = spec.offset; e < spec.offset + spec.size; ++e)
            expected += net.gradients.data()[e] * uniform(static_cast<std::uint32_t>(e), 41);
    const auto at = [&](double by) {
        move(by);
        net.forward(0);
        return objective();
    };
    const double above = at(h), below = at(-2 * h);
    CHECK((above - below) / (2 * h) == doctest::Approx(expected).epsilon(1e-5));
}

// Fills every output's gradient as the network's own loss does.
void contribute_to_outputs(DoubleNetwork& net) {
    net.network.output_gradients(net.pass(0));
    for (const Tensor& t : net.network.tensors().outputs.values) {
        if (!t.is_built()) continue;
        const auto d = net.pass(0).contribution(t);
        CHECK(d.write == Write::accumulate);
        for (Index i = 0; i < d.to.size(); ++i) d.to.data[i] = weight_of(i);
    }
}

double sum_of_outputs(DoubleNetwork& net) {
    double sum = 0;
    for (const Tensor& t : net.network.tensors().outputs.values)
        if (t.is_built()) sum += weighted_sum(net, t);
    return sum;
}

}  // namespace

TEST_CASE("gradients: further losses add to named tensors of the pass before it runs backward") {
    DoubleNetwork net(small_shape(), 3);
    const NetworkTensors& tensors = net.network.tensors();
    net.forward(0);
    contribute(net, tensors.features);
    contribute(net, tensors.score, -2);
    contribute_to_outputs(net);
    contribute(net, tensors.embedding, 2);
    contribute(net, tensors.outputs[Component::signal], 0.5);
    contribute(net, tensors.outputs[Component::classification], -3);
    contribute(net, tensors.features, 4);
    net.backward(0);
    check_direction(net, [&] {
        return sum_of_outputs(net) + 5 * weighted_sum(net, tensors.features) -
               2 * weighted_sum(net, tensors.score) + 2 * weighted_sum(net, tensors.embedding) +
               0.5 * weighted_sum(net, tensors.outputs[Component::signal]) -
               3 * weighted_sum(net, tensors.outputs[Component::classification]);
    });
}

TEST_CASE("gradients: without the network's own loss, another one's contribution is the first") {
    NetworkShape shape = small_shape();
    shape.built = {{true, false, false, false, false, false}};
    DoubleNetwork net(shape, 2);
    CHECK_FALSE(net.network.tensors().features.is_built());
    const Tensor& restored = net.network.tensors().outputs[Component::signal];
    for (const double factor : {1.0, 3.0}) {  // what an earlier pass left is overwritten
        std::fill_n(net.gradients.data(), net.gradients.size(), 0.0);
        net.forward(0);
        contribute(net, restored, factor);
        net.backward(0);
        check_direction(net, [&] { return factor * weighted_sum(net, restored); });
    }
}

TEST_CASE(
    "gradients: one that nothing has contributed to is not read, one that holds something not overwritten") {
    DoubleNetwork net(small_shape(), 2);
    net.forward(0);
    CHECK_THROWS_AS(net.backward(0), std::logic_error);

    net.forward(0);
    contribute(net, net.network.tensors().outputs[Component::threshold]);
    CHECK_THROWS_AS(net.network.output_gradients(net.pass(0)), std::logic_error);

    net.forward(0);
    CHECK_NOTHROW(net.network.output_gradients(net.pass(0)));
    CHECK_THROWS_AS(net.network.output_gradients(net.pass(0)), std::logic_error);
}

TEST_CASE("gradients: the first claim overwrites, until all are forgotten") {
    GradientClaims claims(2);
    const Tensor a{.shape = {}, .value = {}, .gradient = {}, .number = 0},
        b{.shape = {}, .value = {}, .gradient = {}, .number = 1};
    CHECK_FALSE(claims.contains(a));
    CHECK(claims.claim(a) == Write::overwrite);
    CHECK(claims.claim(a) == Write::accumulate);
    CHECK(claims.contains(a));
    CHECK(claims.claim(b) == Write::overwrite);
    claims.clear();
    CHECK(claims.claim(a) == Write::overwrite);
}
