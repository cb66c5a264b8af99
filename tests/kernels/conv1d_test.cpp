#include "kernels/conv1d.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "tests/kernels/convolution_problem.hpp"

namespace abr {
namespace {

using Case = test::ConvolutionCase<Conv1d>;

// {in, out, kernel, stride, dilation, padding}, batch, length
const std::vector<Case> kNetworkCases = {
    {{1, 16, 3, 1, 1, 1}, 3, 200},
    {{1, 16, 7, 1, 2, 6}, 3, 200},
    {{1, 16, 15, 1, 3, 21}, 3, 200},
    {{48, 16, 1, 1, 1, 0}, 2, 200},
    {{16, 16, 7, 1, 1, 3}, 5, 200},
    {{16, 16, 4, 2, 1, 1}, 3, 200},
    {{32, 32, 7, 1, 1, 3}, 3, 100},
    {{64, 64, 7, 1, 1, 3}, 9, 50},
    {{64, 64, 4, 2, 1, 1}, 5, 50},
    {{128, 128, 7, 1, 1, 3}, 11, 25},
    {{128, 64, 1, 1, 1, 0}, 3, 25},
    {{16, 1, 1, 1, 1, 0}, 3, 200},
    {{16, 32, 7, 1, 1, 3}, 1, 333},
    // batches whose weight gradient is summed over slices of several chunks, read in place and packed
    {{4, 8, 3, 1, 1, 1}, 35, 200},
    {{64, 8, 3, 1, 1, 1}, 101, 50},
};
const std::vector<Case> kEdgeCases = {
    // odd sizes, tails of every vector width
    {{1, 1, 1, 1, 1, 0}, 1, 1},
    {{1, 1, 3, 1, 1, 1}, 2, 1},
    {{31, 33, 3, 1, 1, 1}, 3, 31},
    {{33, 31, 2, 1, 1, 0}, 1, 33},
    {{257, 17, 3, 1, 1, 1}, 2, 31},
    {{5, 257, 2, 1, 1, 1}, 1, 33},
    {{67, 9, 3, 2, 2, 2}, 3, 257},
    {{3, 7, 5, 1, 1, 2}, 1, 257},
    // strides and dilations with and without a common divisor, kernels shorter than the stride, wide padding
    {{4, 8, 4, 3, 1, 1}, 3, 50},
    {{4, 8, 5, 2, 2, 4}, 3, 50},
    {{4, 8, 5, 3, 2, 0}, 2, 100},
    {{4, 8, 4, 2, 3, 3}, 2, 31},
    {{4, 8, 3, 6, 4, 2}, 2, 57},
    {{4, 8, 1, 3, 1, 0}, 2, 25},
    {{4, 8, 2, 3, 1, 4}, 2, 25},
    {{70, 20, 2, 3, 3, 5}, 2, 25},
};

}  // namespace

TEST_CASE("conv1d: every pass agrees with naive sums at the network's shapes") {
    for (const Case& c : kNetworkCases) {
        test::check_against_naive<float>(c);
        test::check_against_naive<double>(c);
    }
}

TEST_CASE(
    "conv1d: every pass agrees with naive sums at odd sizes, strides and dilations, at every SIMD level") {
    test::for_each_simd_level([] {
        for (const Case& c : kEdgeCases) {
            test::check_against_naive<float>(c);
            test::check_against_naive<double>(c);
        }
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
    for (const auto* cases : {&kNetworkCases, &kEdgeCases})
        for (const Case& c : *cases) test::check_workspace_grows(c);
}

}  // namespace abr
