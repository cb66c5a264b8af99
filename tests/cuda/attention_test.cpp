#include "tests/kernels/attention_problem.hpp"

using namespace abr;
using namespace abr::test;

TEST_CASE("attention: both passes agree with the reference") {
    cuda::Stream stream;
    for (const AttentionCase& c : attention_cases()) check_attention<float>(stream, c);
    // The longest and deepest that stay in shared memory, and one beyond each.
    for (const AttentionCase& c : {AttentionCase{1, 32, 64, 1}, AttentionCase{1, 33, 64, 1},
                                   AttentionCase{1, 32, 65, 1}, AttentionCase{2, 7, 50, 2}})
        check_attention<float>(stream, c);
    if (!runs_real_sizes()) return;
    for (const AttentionCase& c : long_attention_cases()) check_attention<float>(stream, c);
    check_attention<float>(stream, {1, 25, 512, 8});
}

TEST_CASE("attention: the same bits under every schedule") {
    cuda::Stream stream;
    for (const AttentionCase& c : {AttentionCase{1, 25, 32, 2}, AttentionCase{2, 5, 34, 1},
                                   AttentionCase{1, 3, 50, 1}, AttentionCase{1, 34, 3, 1}}) {
        AttentionProblem<float> first(c);
        first.forward(stream);
        first.backward(stream);
        for_each_schedule([&] {
            AttentionProblem<float> again(c);
            again.forward(stream);
            again.backward(stream);
            CHECK(again.same_bits(first));
            again.o.check_zero_padding();
        });
    }
}

TEST_CASE("attention: scores that exp cannot stand") {
    cuda::Stream stream;
    for (const Index length : {25, 40}) {
        AttentionProblem<float> a({1, length, 16, 1, 1e4});
        a.forward(stream);
        a.backward(stream);
        for (Index i = 0; i < length; ++i) {
            float sum = 0;
            for (Index j = 0; j < length; ++j) sum += a.p[i * length + j];
            CHECK(sum == doctest::Approx(1).epsilon(1e-5));
        }
        for (const float v : a.dqkv.values()) CHECK(std::isfinite(v));
    }
}

TEST_CASE("attention: NaN is passed on") {
    cuda::Stream stream;
    for (const Index length : {25, 40}) {
        AttentionProblem<float> a({1, length, 16, 1});
        a.qkv.view().row(0, 3)[16] = std::nanf("");  // of a key: every row sees it
        a.forward(stream);
        for (const float v : a.o.values()) CHECK(std::isnan(v));
    }
}

TEST_CASE("positions: sines and cosines, added to every sample") {
    cuda::Stream stream;
    for (const Index channels : {1, 7, 16, 130}) {
        PositionsProblem<float> p(17, 9, channels);
        for_each_schedule([&] {
            p.y.poison();
            p.add(stream);
        });
        p.check();
    }
    for (const Index length : {1, 25, 31, 33, 50, 100, 200, 257, 333}) {
        PositionsProblem<float> p(1, length, 33);
        p.add(stream);
        p.check();
    }
}
