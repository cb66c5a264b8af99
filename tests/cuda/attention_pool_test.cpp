#include "tests/kernels/attention_pool_problem.hpp"

using namespace abr;
using namespace abr::test;

TEST_CASE("attention pooling: both passes agree with the reference") {
    cuda::Stream stream;
    for (const AttentionPoolCase& c : attention_pool_cases()) check_attention_pool<float>(stream, c);
    if (!runs_real_sizes()) return;
    // With weights of the size that they start from.
    for (const AttentionPoolCase& c : {AttentionPoolCase{1, 25, 512, 256, Write::overwrite, 0.05},
                                       AttentionPoolCase{1, 200, 64, 32, Write::overwrite, 0.15}})
        check_attention_pool<float>(stream, c);
}

TEST_CASE("attention pooling: the same bits under every schedule") {
    cuda::Stream stream;
    for (const AttentionPoolCase& c :
         {AttentionPoolCase{2, 5, 16, 8}, AttentionPoolCase{1, 33, 66, 3, Write::accumulate}}) {
        AttentionPoolProblem<float> first(c);
        first.forward(stream);
        first.backward(stream);
        for_each_schedule([&] {
            AttentionPoolProblem<float> again(c);
            again.forward(stream);
            again.backward(stream);
            CHECK(again.same_bits(first));
            again.dx.check_zero_padding();
        });
    }
}

TEST_CASE("attention pooling: scores that exp cannot stand") {
    cuda::Stream stream;
    check_far_scores<float>(stream);
}

TEST_CASE("attention pooling: parameter gradients are added to") {
    cuda::Stream stream;
    AttentionPoolProblem<float> once({2, 9, 6, 3}), twice({2, 9, 6, 3});
    once.forward(stream);
    once.backward(stream);
    twice.forward(stream);
    twice.backward(stream);
    twice.backward(stream);
    for (Index i = 0; i < once.weight.size(); ++i) CHECK(twice.dweight[i] == 2 * once.dweight[i]);
    for (Index i = 0; i < 3; ++i) {
        CHECK(twice.dbias[i] == 2 * once.dbias[i]);
        CHECK(twice.dscore[i] == 2 * once.dscore[i]);
    }
    CHECK(twice.dx.buffer().same_bits(once.dx.buffer()));
}
