#include "tests/cuda/every_schedule.hpp"
#include "tests/kernels/convolution_problem.hpp"

using namespace abr;
using namespace abr::test;

TEST_CASE("conv1d: every pass agrees with naive sums") {
    cuda::Stream stream;
    for (const auto& c : kConv1dEdgeCases) check_against_naive<float>(stream, c);
    if (!runs_real_sizes()) return;
    for (const auto& c : kConv1dNetworkCases) check_against_naive<float>(stream, c);
    // Of the wide network; the deepest level.
    check_against_naive<float>(stream, ConvolutionCase<Conv1d>{{512, 512, 7, 1, 1, 3}, 1, 25});
}

// All tiles, float4 and single floats, strides, dilations, one slice and several.
TEST_CASE("conv1d: the same bits under every schedule") {
    check_every_schedule<ConvolutionProblem<Conv1d, float>, ConvolutionCase<Conv1d>>({
        {{1, 16, 7, 1, 2, 6}, 2, 25},
        {{8, 12, 4, 2, 1, 1}, 11, 50},
        {{36, 36, 2, 1, 1, 1}, 1, 33},
        {{5, 17, 5, 3, 2, 0}, 2, 31},
        {{3, 7, 5, 1, 1, 2}, 1, 257},
    });
}
