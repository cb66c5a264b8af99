#include "tests/kernels/location_loss_problem.hpp"

using namespace abr;
using namespace abr::test;

TEST_CASE("location loss: value and gradient are those of the divergence written out") {
    cuda::Stream stream;
    for (const LocationLossCase& c : location_loss_cases()) check_location_loss<float>(stream, c);
}

TEST_CASE("location loss: the same bits under every schedule") {
    cuda::Stream stream;
    const LocationLossCase c{3, 40, 48, 1.5, Write::accumulate};
    LocationLossProblem<float> first(c);
    first.run(stream);
    for_each_schedule([&] {
        LocationLossProblem<float> again(c);
        again.run(stream);
        CHECK(again.numerator() == first.numerator());
        CHECK(again.dscore.buffer().same_bits(first.dscore.buffer()));
    });
}
