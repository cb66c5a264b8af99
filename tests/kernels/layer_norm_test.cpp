#include "tests/kernels/layer_norm_problem.hpp"

#include <doctest/doctest.h>

#include "tests/kernels/simd_levels.hpp"

using namespace abr;
using namespace abr::test;

TEST_CASE("layer norm agrees with a naive version at every SIMD level") {
    for_each_simd_level([](const std::string& level) {
        CAPTURE(level);
        cpu::Stream stream(1);
        for (const LayerNormCase& c : layer_norm_cases()) {
            check_layer_norm<float>(stream, c);
            check_layer_norm<double>(stream, c);
        }
    });
}

TEST_CASE("layer norm's gradients are those of finite differences") {
    const LayerNormCase c{2, 5, 13};
    cpu::Stream stream(1);
    LayerNormProblem<double> a(c);
    a.forward(stream);
    a.backward(stream);
    const auto loss = [&] {
        a.forward(stream);
        return upstream_loss(a.dy.view(), a.y.view());
    };
    for (Index b = 0; b < c.batch; ++b)
        check_gradient(loss, a.x.view().row(b, 0), c.length * c.channels, a.dx.view().row(b, 0), "dx");
    check_gradient(loss, a.weight.data(), c.channels, a.dweight.data(), "dweight");
    check_gradient(loss, a.bias.data(), c.channels, a.dbias.data(), "dbias");
}

TEST_CASE("layer norm adds to the parameter gradients") {
    cpu::Stream stream(1);
    LayerNormProblem<double> once({3, 25, 20}), twice({3, 25, 20});
    once.forward(stream);
    once.backward(stream);
    twice.forward(stream);
    twice.backward(stream);
    twice.backward(stream);
    for (Index i = 0; i < 20; ++i) {
        CHECK(twice.dweight[i] == 2 * once.dweight[i]);
        CHECK(twice.dbias[i] == 2 * once.dbias[i]);
    }
}

TEST_CASE("layer norm gives the same bits for any number of threads") {
    cpu::Stream one(1);
    LayerNormProblem<float> expected({7, 25, 128});
    expected.forward(one);
    expected.backward(one);
    for (const int threads : {1, 2, 3}) {
        cpu::Stream stream(threads);
        LayerNormProblem<float> a({7, 25, 128});
        a.forward(stream);
        a.backward(stream);
        CHECK(a.same_bits(expected));
    }
}
