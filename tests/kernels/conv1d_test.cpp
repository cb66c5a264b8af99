#include "kernels/conv1d.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "tests/kernels/cpu_convolution.hpp"

namespace abr {
namespace {

using Case = test::ConvolutionCase<Conv1d>;

// Convolutions by minimal filtering: groups of four and three taps and shorter ones, last tiles of one to three rows,
// all paddings.
const std::vector<Case> kFilteredCases = {
    {{32, 32, 7, 1, 1, 3}, 3, 31}, {{64, 32, 7, 1, 1, 5}, 2, 33},  {{32, 64, 7, 1, 1, 0}, 2, 31},
    {{48, 32, 8, 1, 1, 4}, 2, 1},  {{32, 48, 9, 1, 1, 3}, 3, 50},  {{32, 32, 11, 1, 1, 5}, 1, 57},
    {{32, 32, 15, 1, 1, 7}, 2, 4}, {{64, 64, 7, 1, 1, 3}, 70, 26},
};

}  // namespace

TEST_CASE("conv1d: every pass agrees with naive sums at the network's shapes") {
    test::check_against_naive(test::kConv1dNetworkCases);
}

TEST_CASE(
    "conv1d: every pass agrees with naive sums at odd sizes, strides and dilations, at every SIMD level") {
    test::for_each_simd_level([](const std::string& level) {
        CAPTURE(level);
        test::check_against_naive(test::kConv1dEdgeCases);
        test::check_against_naive(kFilteredCases);
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
                                     {{32, 64, 7, 1, 1, 3}, 33, 50},
                                     {{31, 33, 3, 1, 1, 1}, 3, 31}};
    for (const Case& c : cases) test::check_same_bits(c);
}

TEST_CASE("conv1d: a sample's output does not depend on the batch it is in") {
    cpu::Stream stream(2);
    for (const Index channels : {16, 32}) {  // 32 by minimal filtering
        const Case many{{channels, 32, 7, 1, 1, 3}, 7, 50};
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
}

TEST_CASE("conv1d: the workspace of a batch is enough for every smaller one") {
    for (const auto* cases : {&test::kConv1dNetworkCases, &test::kConv1dEdgeCases, &kFilteredCases})
        for (const Case& c : *cases) test::check_workspace_grows(c);
}

}  // namespace abr
