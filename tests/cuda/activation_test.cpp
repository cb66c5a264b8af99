#include "tests/kernels/activation_problem.hpp"

using namespace abr;
using namespace abr::test;

TEST_CASE("activation: both passes agree with the reference") {
    cuda::Stream stream;
    for (const ActivationCase& c : small_activation_cases()) check_activation<float>(stream, c);
    if (!runs_real_sizes()) return;
    for (const ActivationCase& c : real_activation_cases()) check_activation<float>(stream, c);
}

TEST_CASE("activation: the same bits under every schedule") {
    cuda::Stream stream;
    for (const ActivationCase& c : small_activation_cases()) {
        ActivationProblem<float> first(c);
        first.forward(stream);
        first.backward(stream);
        for_each_schedule([&] {
            ActivationProblem<float> again(c);
            again.forward(stream);
            again.backward(stream);
            CHECK(again.y.buffer().same_bits(first.y.buffer()));
            CHECK(again.dx.buffer().same_bits(first.dx.buffer()));
            again.check_sentinels();
        });
    }
}

TEST_CASE("activation: the gradient may replace its upstream gradient") {
    cuda::Stream stream;
    ActivationProblem<float> p({7, 33, 3, kActivationDropout});
    p.backward(stream);
    p.backward(stream, true);
    CHECK(p.dy.buffer().same_bits(p.dx.buffer()));
}
