// What the tests of conv1d and conv_transpose1d on the CPU share.
#pragma once

#include "tests/kernels/convolution_problem.hpp"
#include "tests/kernels/simd_levels.hpp"

namespace abr::test {

// In float and double.
template <class Op>
void check_against_naive(const std::vector<ConvolutionCase<Op>>& cases) {
    cpu::Stream stream(2);
    for (const auto& c : cases) {
        check_against_naive<float>(stream, c);
        check_against_naive<double>(stream, c);
    }
}

template <class Op>
void check_finite_differences(const ConvolutionCase<Op>& c) {
    CAPTURE(name(c));
    cpu::Stream stream(1);
    ConvolutionProblem<Op, double> p(c);
    p.backward_data(stream, Write::overwrite);
    p.dweight.fill(0);
    p.dbias.fill(0);
    p.backward_weight(stream);
    const auto loss = [&] {
        p.forward(stream);
        return upstream_loss(p.dy.view(), p.y.view());
    };
    for (Index b = 0; b < c.batch; ++b)
        check_gradient(loss, p.x.view().row(b, 0), c.length * c.op.in_channels, p.dx.view().row(b, 0), "x");
    check_gradient(loss, p.weight.data(), p.weight.size(), p.dweight.data(), "weight");
    check_gradient(loss, p.bias.data(), p.bias.size(), p.dbias.data(), "bias");
}

template <class Op>
void check_same_bits(const ConvolutionCase<Op>& c) {
    CAPTURE(name(c));
    const auto run = [&](int threads) {
        cpu::Stream stream(threads);
        ConvolutionProblem<Op, float> p(c);
        p.every_pass(stream);
        return p;
    };
    const auto reference = run(1);
    for (const int threads : {1, 2, 3}) {
        CAPTURE(threads);
        run(threads).check_same_bits(reference);
    }
}

template <class Op>
void check_workspace_grows(const ConvolutionCase<Op>& c) {
    CAPTURE(name(c));
    for (Index batch = 1; batch < 70; ++batch)
        CHECK(workspace_size(c.op, batch, c.length) <= workspace_size(c.op, batch + 1, c.length));
}

}  // namespace abr::test
