#include "tests/kernels/attention_problem.hpp"

#include <doctest/doctest.h>

#include "tests/kernels/simd_levels.hpp"

using namespace abr;
using namespace abr::test;

TEST_CASE("attention agrees with a naive version at every SIMD level") {
    cpu::Stream stream(1);
    for_each_simd_level([&](const std::string& level) {
        CAPTURE(level);
        for (const AttentionCase& c : attention_cases()) {
            check_attention<float>(stream, c);
            check_attention<double>(stream, c);
        }
    });
    for (const AttentionCase& c : long_attention_cases()) check_attention<float>(stream, c);
}

TEST_CASE("attention's gradients are those of finite differences") {
    cpu::Stream stream(1);
    for (const AttentionCase& c : {AttentionCase{2, 5, 6, 2}, AttentionCase{1, 7, 5, 1}}) {
        AttentionProblem<double> a(c);
        a.forward(stream);
        a.backward(stream);
        const auto loss = [&] {
            a.forward(stream);
            return upstream_loss(a.d_o.view(), a.o.view());
        };
        check_gradient(loss, a.qkv.buffer().data(), a.qkv.size(), a.dqkv.buffer().data(), "dqkv", 200);
    }
}

TEST_CASE("attention stands scores that exp cannot") {
    for_each_simd_level([](const std::string& level) {
        CAPTURE(level);
        cpu::Stream stream(1);
        AttentionProblem<float> a({1, 25, 16, 1, 1e4});
        a.forward(stream);
        a.backward(stream);
        for (Index i = 0; i < 25; ++i) {
            float sum = 0;
            for (Index j = 0; j < 25; ++j) sum += a.p[i * 25 + j];
            CHECK(sum == doctest::Approx(1).epsilon(1e-5));
        }
        for (const float v : a.dqkv.values()) CHECK(std::isfinite(v));
    });
}

TEST_CASE("attention passes NaN on at every SIMD level") {
    for_each_simd_level([](const std::string& level) {
        CAPTURE(level);
        cpu::Stream stream(1);
        AttentionProblem<float> a({1, 25, 16, 1});
        a.qkv.view().row(0, 3)[16] = std::nanf("");  // of a key: every row sees it
        a.forward(stream);
        for (const float v : a.o.values()) CHECK(std::isnan(v));
    });
}

TEST_CASE("attention gives the same bits for any number of threads") {
    cpu::Stream one(1);
    const AttentionCase c{3, 25, 64, 4};
    AttentionProblem<float> expected(c);
    expected.forward(one);
    expected.backward(one);
    for (const int threads : {1, 2, 3}) {
        cpu::Stream stream(threads);
        AttentionProblem<float> a(c);
        a.forward(stream);
        a.backward(stream);
        CHECK(a.same_bits(expected));
    }
}

TEST_CASE("positions are sines and cosines, added to every sample") {
    cpu::Stream stream(2);
    for (const Index channels : {1, 7, 16, 130}) {
        PositionsProblem<float> p(3, 25, channels);
        p.add(stream);
        p.check();
    }
}
