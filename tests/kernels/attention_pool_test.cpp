#include "tests/kernels/attention_pool_problem.hpp"

#include <doctest/doctest.h>

#include "tests/kernels/simd_levels.hpp"

using namespace abr;
using namespace abr::test;

TEST_CASE("attention pooling agrees with a naive version at every SIMD level") {
    cpu::Stream stream(1);
    for_each_simd_level([&](const std::string& level) {
        CAPTURE(level);
        for (const AttentionPoolCase& c : attention_pool_cases()) {
            check_attention_pool<float>(stream, c);
            check_attention_pool<double>(stream, c);
        }
    });
}

TEST_CASE("attention pooling's gradients are those of finite differences") {
    const AttentionPoolCase c{2, 6, 5, 3};
    cpu::Stream stream(1);
    AttentionPoolProblem<double> k(c);
    k.forward(stream);
    k.backward(stream);
    const auto loss = [&] {
        k.forward(stream);
        return upstream_loss(k.dy.matrix(), k.y.matrix());
    };
    for (Index b = 0; b < c.batch; ++b)
        check_gradient(loss, k.x.view().row(b, 0), c.length * c.channels, k.dx.view().row(b, 0), "dx");
    check_gradient(loss, k.weight.data(), k.weight.size(), k.dweight.data(), "dweight");
    check_gradient(loss, k.bias.data(), k.bias.size(), k.dbias.data(), "dbias");
    check_gradient(loss, k.score.data(), k.score.size(), k.dscore.data(), "dscore");
}

TEST_CASE("attention pooling stands scores that exp cannot") {
    cpu::Stream stream(1);
    check_far_scores<float>(stream);
    check_far_scores<double>(stream);
}

TEST_CASE("attention pooling adds to the parameter gradients") {
    cpu::Stream stream(1);
    AttentionPoolProblem<double> once({2, 9, 6, 3}), twice({2, 9, 6, 3});
    once.forward(stream);
    once.backward(stream);
    twice.forward(stream);
    twice.backward(stream);
    twice.backward(stream);
    for (Index i = 0; i < once.weight.size(); ++i)
        CHECK(twice.dweight[i] == doctest::Approx(2 * once.dweight[i]));
    for (Index i = 0; i < 3; ++i) {
        CHECK(twice.dbias[i] == 2 * once.dbias[i]);
        CHECK(twice.dscore[i] == 2 * once.dscore[i]);
    }
}

TEST_CASE("attention pooling gives the same bits for any number of threads") {
    cpu::Stream one(1);
    const AttentionPoolCase c{5, 200, 16, 8};
    AttentionPoolProblem<float> expected(c);
    expected.forward(one);
    expected.backward(one);
    for (const int threads : {1, 2, 3}) {
        cpu::Stream stream(threads);
        AttentionPoolProblem<float> k(c);
        k.forward(stream);
        k.backward(stream);
        CHECK(k.same_bits(expected));
    }
}
