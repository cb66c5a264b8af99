#include "kernels/conv1d.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "tests/kernels/cpu_convolution.hpp"

namespace abr {
namespace {

using Case = test::ConvolutionCase<Conv1d>;

}  // namespace

TEST_CASE("conv1d: every pass agrees with naive sums at the network's shapes") {
    test::check_against_naive(test::kConv1dNetworkCases);
}

TEST_CASE(
    "conv1d: every pass agrees with naive sums at odd sizes, strides and dilations, at every SIMD level") {
    test::for_each_simd_level([](const std::string& level) {
        CAPTURE(level);
        test::check_against_naive(test::kConv1dEdgeCases);
    });
}

TEST_CASE("conv1d: gradients agree with finite differences") {
    const std::vector<Case> cases = {{{3, 5, 7, 1, 1, 3}, 2, 25},   {{4, 3, 4, 2, 1, 1}, 2, 25},
                                     {{2, 9, 5, 3, 2, 2}, 2, 31},   {{65, 2, 3, 1, 3, 3}, 1, 25},
                                     {{1, 16, 15, 1, 1, 7}, 2, 50}, {{1, 1, 1, 1, 1, 0}, 1, 1}};
    for (const Case& c : cases) test::check_finite_differences(c);
}

TEST_CASE("conv1d: the same bits for 1, 2 and 3 threads, and twice") {
    const std::vector<Case> cases = {{{16, 16, 7, 1, 1, 3}, 33, 200},
                                     {{128, 128, 7, 1, 1, 3}, 17, 25},
                                     {{64, 64, 4, 2, 1, 1}, 17, 50},
                                     {{31, 33, 3, 1, 1, 1}, 3, 31}};
    for (const Case& c : cases) test::check_same_bits(c);
}

TEST_CASE("conv1d: a sample's output does not depend on the batch it is in") {
    cpu::Stream stream(2);
    const Case many{{16, 32, 7, 1, 1, 3}, 7, 50};
    Case one = many;
    one.batch = 1;
    test::ConvolutionProblem<Conv1d, float> p(many), single(one);
    p.forward(stream);
    for (Index b = 0; b < many.batch; ++b) {
        const auto x = p.x.view();
        std::copy_n(x.data + b * x.sample_stride(), x.sample_stride(), single.x.view().data);
        single.forward(stream);
        CHECK(std::memcmp(single.y.view().row(0, 0), p.y.view().row(b, 0), 50 * 32 * sizeof(float)) == 0);
    }
}

TEST_CASE("conv1d: the workspace of a batch is enough for every smaller one") {
    for (const auto* cases : {&test::kConv1dNetworkCases, &test::kConv1dEdgeCases})
        for (const Case& c : *cases) test::check_workspace_grows(c);
}

}  // namespace abr
