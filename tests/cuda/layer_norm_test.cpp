#include "tests/kernels/layer_norm_problem.hpp"

using namespace abr;
using namespace abr::test;

TEST_CASE("layer norm: both passes agree with the reference") {
    cuda::Stream stream;
    for (const LayerNormCase& c : layer_norm_cases()) check_layer_norm<float>(stream, c);
    if (!runs_real_sizes()) return;
    for (const LayerNormCase& c : {LayerNormCase{1, 25, 512}, LayerNormCase{3, 1, 704}})
        check_layer_norm<float>(stream, c);
}

TEST_CASE("layer norm: the same bits under every schedule") {
    cuda::Stream stream;
    for (const LayerNormCase& c : {LayerNormCase{1, 5, 33}, LayerNormCase{3, 25, 36, Write::accumulate}}) {
        LayerNormProblem<float> first(c);
        first.forward(stream);
        first.backward(stream);
        for_each_schedule([&] {
            LayerNormProblem<float> again(c);
            again.forward(stream);
            again.backward(stream);
            CHECK(again.same_bits(first));
            again.y.check_zero_padding();
            again.dx.check_zero_padding();
        });
    }
}

TEST_CASE("layer norm: parameter gradients are added to") {
    cuda::Stream stream;
    LayerNormProblem<float> once({3, 25, 20}), twice({3, 25, 20});
    once.forward(stream);
    once.backward(stream);
    twice.forward(stream);
    twice.backward(stream);
    twice.backward(stream);
    for (Index i = 0; i < 20; ++i) {
        CHECK(twice.dweight[i] == 2 * once.dweight[i]);
        CHECK(twice.dbias[i] == 2 * once.dbias[i]);
    }
    CHECK(twice.dx.buffer().same_bits(once.dx.buffer()));
}
