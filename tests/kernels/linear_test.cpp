#include "kernels/linear.hpp"

#include <hwy/targets.h>

#include <string>
#include <vector>

#include "tests/kernels/support.hpp"

namespace abr {
namespace {

using test::GuardedBuffer;
using test::GuardedSequence;

struct Case {
    Index rows, in, out;
};

const std::vector<Case> kCases = {{64, 9, 128},   {64, 128, 128}, {64, 384, 128}, {64, 128, 5}, {64, 128, 1},
                                  {400, 64, 192}, {1, 1, 1},      {1, 31, 33},    {31, 33, 31}, {257, 1, 257},
                                  {33, 257, 17},  {257, 31, 1},   {7, 64, 16},    {2, 70, 9},   {5000, 9, 7}};

// Buffers of one case; matrices are sequences of one row a sample.
template <class T>
struct Problem {
    Case shape;
    GuardedSequence<T> x, y, dy, dx;
    GuardedBuffer<T> weight, bias, dweight, dbias, workspace;

    explicit Problem(const Case& c)
        : shape(c),
          x(c.rows, 1, c.in, 0),
          y(c.rows, 1, c.out, 0),
          dy(c.rows, 1, c.out, 0),
          dx(c.rows, 1, c.in, 0),
          weight(c.in * c.out),
          bias(c.out),
          dweight(c.in * c.out),
          dbias(c.out),
          workspace(linear_workspace(c.in, c.out, c.rows)) {
        x.fill_random(1);
        dy.fill_random(2);
        weight.fill_random(3);
        bias.fill_random(4);
        dweight.fill_random(5);
        dbias.fill_random(6);
    }
    void forward(cpu::Stream& stream, bool with_bias = true) {
        workspace.poison();
        cpu::linear_forward<T>(stream, x.matrix(), weight.data(), with_bias ? bias.data() : nullptr,
                               y.matrix(), workspace.data());
    }
    void backward_data(cpu::Stream& stream, Write write) {
        workspace.poison();
        cpu::linear_backward_data<T>(stream, dy.matrix(), weight.data(), dx.matrix(), write,
                                     workspace.data());
    }
    void backward_weight(cpu::Stream& stream, bool with_bias = true) {
        workspace.poison();
        cpu::linear_backward_weight<T>(stream, x.matrix(), dy.matrix(), dweight.data(),
                                       with_bias ? dbias.data() : nullptr, workspace.data());
    }
};

// c[i][j] = initial + sum_k a(i, k) * b(k, j)
template <class Sum, class A, class B, class Initial>
std::vector<Sum> naive_product(Index rows, Index depth, Index columns, A a, B b, Initial initial) {
    std::vector<Sum> c;
    for (Index i = 0; i < rows; ++i)
        for (Index j = 0; j < columns; ++j) {
            Sum sum = 0;
            for (Index k = 0; k < depth; ++k) sum += Sum{a(i, k)} * Sum{b(k, j)};
            c.push_back(sum + Sum{initial(i, j)});
        }
    return c;
}

template <class T>
void check_against_naive(const Case& c) {
    CAPTURE(c.rows);
    CAPTURE(c.in);
    CAPTURE(c.out);
    cpu::Stream stream(2);
    Problem<T> p(c);
    const auto check = [&](const std::vector<T>& computed, Index rows, Index depth, Index columns, auto a,
                           auto b, auto initial, const char* what) {
        test::check_error(computed, naive_product<T>(rows, depth, columns, a, b, initial),
                          naive_product<test::Wide<T>>(rows, depth, columns, a, b, initial), what);
    };
    const auto x = [&](Index r, Index i) { return p.x.matrix().row(r)[i]; };
    const auto dy = [&](Index r, Index o) { return p.dy.matrix().row(r)[o]; };
    const auto w = [&](Index i, Index o) { return p.weight[i * c.out + o]; };
    const auto zero = [](Index, Index) { return T{0}; };

    p.forward(stream);
    check(
        p.y.values(), c.rows, c.in, c.out, x, w, [&](Index, Index o) { return p.bias[o]; }, "forward");
    p.y.poison();
    p.forward(stream, false);
    check(p.y.values(), c.rows, c.in, c.out, x, w, zero, "forward without bias");

    const auto transposed_w = [&](Index o, Index i) { return w(i, o); };
    p.backward_data(stream, Write::overwrite);
    check(p.dx.values(), c.rows, c.out, c.in, dy, transposed_w, zero, "data gradient");
    p.dx.fill_random(7);
    const auto dx = p.dx.values();
    const auto dx_before = [&](Index r, Index i) { return dx[static_cast<std::size_t>(r * c.in + i)]; };
    p.backward_data(stream, Write::accumulate);
    check(p.dx.values(), c.rows, c.out, c.in, dy, transposed_w, dx_before, "accumulated data gradient");

    const auto dweight = test::values(p.dweight), dbias = test::values(p.dbias);
    p.backward_weight(stream);
    check(
        test::values(p.dweight), c.in, c.rows, c.out, [&](Index i, Index r) { return x(r, i); }, dy,
        [&](Index i, Index o) { return dweight[static_cast<std::size_t>(i * c.out + o)]; },
        "weight gradient");
    check(
        test::values(p.dbias), 1, c.rows, c.out, [](Index, Index) { return T{1}; }, dy,
        [&](Index, Index o) { return dbias[static_cast<std::size_t>(o)]; }, "bias gradient");
    const auto kept = test::values(p.dbias);
    p.backward_weight(stream, false);
    CHECK_MESSAGE(test::values(p.dbias) == kept, "a bias gradient that was not asked for");

    for (const auto* s : {&p.x, &p.y, &p.dy, &p.dx}) s->check_sentinels();
    for (const auto* b : {&p.weight, &p.bias, &p.dweight, &p.dbias, &p.workspace}) b->check_sentinels();
}

}  // namespace

TEST_CASE("linear: every pass agrees with naive sums at every SIMD level") {
    for (const std::int64_t level : hwy::SupportedAndGeneratedTargets()) {
        CAPTURE(hwy::TargetName(level));
        hwy::SetSupportedTargetsForTest(level);
        for (const Case& c : kCases) {
            check_against_naive<float>(c);
            check_against_naive<double>(c);
        }
    }
    hwy::SetSupportedTargetsForTest(0);
}

TEST_CASE("linear: gradients agree with finite differences") {
    cpu::Stream stream(1);
    for (const Case& c : {Case{5, 7, 9}, Case{1, 1, 1}, Case{3, 65, 2}}) {
        Problem<double> p(c);
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
    for (const Case& c : {Case{64, 384, 128}, Case{1600, 128, 384}, Case{257, 31, 33}}) {
        const auto run = [&](int threads) {
            cpu::Stream stream(threads);
            Problem<float> p(c);
            p.forward(stream);
            p.backward_data(stream, Write::overwrite);
            p.backward_weight(stream);
            return p;
        };
        const auto reference = run(1);
        for (const int threads : {1, 2, 3}) {
            CAPTURE(threads);
            const auto p = run(threads);
            CHECK(p.y.buffer().same_bits(reference.y.buffer()));
            CHECK(p.dx.buffer().same_bits(reference.dx.buffer()));
            CHECK(p.dweight.same_bits(reference.dweight));
            CHECK(p.dbias.same_bits(reference.dbias));
        }
    }
}

TEST_CASE("linear: the workspace of many rows is enough for fewer") {
    for (const Case& c : kCases)
        for (Index rows = 1; rows < 700; rows += 3)
            CHECK(linear_workspace(c.in, c.out, rows) <= linear_workspace(c.in, c.out, rows + 3));
}

}  // namespace abr
