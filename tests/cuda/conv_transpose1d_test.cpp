#include "tests/cuda/every_schedule.hpp"
#include "tests/kernels/convolution_problem.hpp"

using namespace abr;
using namespace abr::test;

TEST_CASE("conv_transpose1d: every pass agrees with naive sums") {
    cuda::Stream stream;
    for (const auto& c : kConvTranspose1dEdgeCases) check_against_naive<float>(stream, c);
    if (!runs_real_sizes()) return;
    for (const auto& c : kConvTranspose1dNetworkCases) check_against_naive<float>(stream, c);
    // Of the wide network.
    check_against_naive<float>(stream, ConvolutionCase<ConvTranspose1d>{{512, 256, 4, 2, 1}, 1, 25});
}

TEST_CASE("conv_transpose1d: the same bits under every schedule") {
    check_every_schedule<ConvolutionProblem<ConvTranspose1d, float>, ConvolutionCase<ConvTranspose1d>>({
        {{8, 4, 4, 2, 1}, 11, 25},
        {{20, 33, 3, 2, 1}, 1, 33},
        {{5, 3, 7, 5, 2}, 2, 31},
    });
}
