#include <string>

#include "tests/kernels/linear_problem.hpp"
#include "tests/kernels/simd_levels.hpp"

namespace abr {

using test::LinearCase;
using test::LinearProblem;

TEST_CASE("linear: every pass agrees with naive sums at every SIMD level") {
    test::for_each_simd_level([](const std::string& level) {
        CAPTURE(level);
        cpu::Stream stream(2);
        for (const LinearCase& c : test::kLinearCases) {
            test::check_against_naive<float>(stream, c);
            test::check_against_naive<double>(stream, c);
        }
    });
}

TEST_CASE("linear: gradients agree with finite differences") {
    cpu::Stream stream(1);
    for (const LinearCase& c : {LinearCase{5, 7, 9}, LinearCase{1, 1, 1}, LinearCase{3, 65, 2}}) {
        LinearProblem<double> p(c);
        p.backward_data(stream, Write::overwrite);
        p.dweight.fill(0);
        p.dbias.fill(0);
        p.backward_weight(stream);
        const auto loss = [&] {
            p.forward(stream);
            return test::upstream_loss(p.dy.matrix(), p.y.matrix());
        };
        test::check_gradient(loss, p.x.buffer().data(), p.x.size(), p.dx.buffer().data(), "x");
        test::check_gradient(loss, p.weight.data(), p.weight.size(), p.dweight.data(), "weight");
        test::check_gradient(loss, p.bias.data(), p.bias.size(), p.dbias.data(), "bias");
    }
}

TEST_CASE("linear: the same bits for 1, 2 and 3 threads, and twice") {
    for (const LinearCase& c :
         {LinearCase{64, 384, 128}, LinearCase{1600, 128, 384}, LinearCase{257, 31, 33}}) {
        const auto run = [&](int threads) {
            cpu::Stream stream(threads);
            LinearProblem<float> p(c);
            p.every_pass(stream);
            return p;
        };
        const auto reference = run(1);
        for (const int threads : {1, 2, 3}) {
            CAPTURE(threads);
            run(threads).check_same_bits(reference);
        }
    }
}

TEST_CASE("linear: the workspace of many rows is enough for fewer") {
    for (const LinearCase& c : test::kLinearCases)
        for (Index rows = 1; rows < 700; rows += 3)
            CHECK(linear_workspace(c.in, c.out, rows) <= linear_workspace(c.in, c.out, rows + 3));
}

}  // namespace abr
