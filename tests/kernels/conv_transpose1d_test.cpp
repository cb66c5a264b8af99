#include <vector>

#include "kernels/conv1d.hpp"
#include "tests/kernels/convolution_problem.hpp"

namespace abr {
namespace {

using Case = test::ConvolutionCase<ConvTranspose1d>;

// {in, out, kernel, stride, padding}, batch, length
const std::vector<Case> kNetworkCases = {
    {{128, 64, 4, 2, 1}, 11, 25}, {{64, 32, 4, 2, 1}, 5, 50}, {{32, 16, 4, 2, 1}, 3, 100},
    {{16, 3, 4, 2, 1}, 1, 333},   {{4, 8, 4, 2, 1}, 2, 200},
};
const std::vector<Case> kEdgeCases = {
    // odd sizes, tails of every vector width
    {{1, 1, 1, 1, 0}, 1, 1},
    {{1, 1, 3, 1, 1}, 2, 1},
    {{31, 33, 3, 1, 1}, 3, 31},
    {{257, 17, 2, 2, 0}, 2, 31},
    {{5, 257, 3, 2, 1}, 1, 33},
    {{3, 7, 5, 1, 2}, 1, 257},
    // stride 3, kernels shorter than the stride, no padding, wide padding
    {{4, 8, 7, 3, 2}, 2, 50},
    {{4, 8, 2, 3, 0}, 2, 25},
    {{4, 8, 1, 3, 0}, 2, 25},
    {{70, 20, 5, 2, 0}, 2, 25},
    {{4, 8, 3, 2, 5}, 2, 25},
};

}  // namespace

TEST_CASE("conv_transpose1d: every pass agrees with naive sums at the network's shapes") {
    for (const Case& c : kNetworkCases) {
        test::check_against_naive<float>(c);
        test::check_against_naive<double>(c);
    }
}

TEST_CASE(
    "conv_transpose1d: every pass agrees with naive sums at odd sizes and strides, at every SIMD level") {
    test::for_each_simd_level([] {
        for (const Case& c : kEdgeCases) {
            test::check_against_naive<float>(c);
            test::check_against_naive<double>(c);
        }
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
    for (const auto* cases : {&kNetworkCases, &kEdgeCases})
        for (const Case& c : *cases) test::check_workspace_grows(c);
}

}  // namespace abr
