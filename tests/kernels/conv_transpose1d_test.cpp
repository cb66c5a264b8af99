#include <vector>

#include "kernels/conv1d.hpp"
#include "tests/kernels/cpu_convolution.hpp"

namespace abr {
namespace {

using Case = test::ConvolutionCase<ConvTranspose1d>;

}  // namespace

TEST_CASE("conv_transpose1d: every pass agrees with naive sums at the network's shapes") {
    test::check_against_naive(test::kConvTranspose1dNetworkCases);
}

TEST_CASE(
    "conv_transpose1d: every pass agrees with naive sums at odd sizes and strides, at every SIMD level") {
    test::for_each_simd_level([](const std::string& level) {
        CAPTURE(level);
        test::check_against_naive(test::kConvTranspose1dEdgeCases);
    });
}

TEST_CASE("conv_transpose1d: gradients agree with finite differences") {
    const std::vector<Case> cases = {
        {{3, 5, 4, 2, 1}, 2, 25}, {{2, 9, 5, 3, 2}, 2, 31}, {{65, 2, 2, 3, 0}, 1, 25}};
    for (const Case& c : cases) test::check_finite_differences(c);
}

TEST_CASE("conv_transpose1d: the same bits for 1, 2 and 3 threads, and twice") {
    const std::vector<Case> cases = {{{128, 64, 4, 2, 1}, 17, 25}, {{32, 16, 4, 2, 1}, 17, 100}};
    for (const Case& c : cases) test::check_same_bits(c);
}

TEST_CASE("conv_transpose1d: the workspace of a batch is enough for every smaller one") {
    for (const auto* cases : {&test::kConvTranspose1dNetworkCases, &test::kConvTranspose1dEdgeCases})
        for (const Case& c : *cases) test::check_workspace_grows(c);
}

}  // namespace abr
