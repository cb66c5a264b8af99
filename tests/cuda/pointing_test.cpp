#include "tests/kernels/pointing_problem.hpp"

using namespace abr;
using namespace abr::test;

TEST_CASE("pointing: both passes agree with the reference") {
    cuda::Stream stream;
    for (const PointingCase& c : pointing_cases()) check_pointing<float>(stream, c);
}

TEST_CASE("pointing: the same bits under every schedule") {
    cuda::Stream stream;
    for (const PointingCase& c : {PointingCase{2, 5, 8, 16}, PointingCase{1, 33, 40, 3, Write::accumulate}}) {
        PointingProblem<float> first(c);
        first.forward(stream);
        first.backward(stream);
        for_each_schedule([&] {
            PointingProblem<float> again(c);
            again.forward(stream);
            again.backward(stream);
            CHECK(again.same_bits(first));
            again.dx.check_zero_padding();
        });
    }
}
