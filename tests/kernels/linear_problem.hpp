// What the tests of linear maps share on every backend: cases, one problem's buffers, naive products.
#pragma once

#include <vector>

#include "kernels/linear.hpp"
#include "tests/kernels/on_backend.hpp"
#include "tests/kernels/support.hpp"

namespace abr::test {

struct LinearCase {
    Index rows, in, out;
};

inline const std::vector<LinearCase> kLinearCases = {
    {64, 9, 128},   {64, 128, 128}, {64, 384, 128}, {64, 128, 5}, {64, 128, 1},
    {400, 64, 192}, {1, 1, 1},      {1, 31, 33},    {31, 33, 31}, {257, 1, 257},
    {33, 257, 17},  {257, 31, 1},   {7, 64, 16},    {2, 70, 9},   {5000, 9, 7}};

// Buffers of one case; matrices are sequences of one row a sample.
template <class T>
struct LinearProblem {
    LinearCase shape;
    GuardedSequence<T> x, y, dy, dx;
    GuardedBuffer<T> weight, bias, dweight, dbias, workspace;

    explicit LinearProblem(const LinearCase& c)
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
    template <class Stream>
    void forward(Stream& stream, bool with_bias = true) {
        workspace.poison();
        with_arguments(stream, [&](auto& on) {
            linear_forward<T>(stream, as_matrix(on(x)), on(weight), with_bias ? on(bias) : nullptr,
                              as_matrix(on(y)), on(workspace));
        });
    }
    template <class Stream>
    void backward_data(Stream& stream, Write write) {
        workspace.poison();
        with_arguments(stream, [&](auto& on) {
            linear_backward_data<T>(stream, as_matrix(on(dy)), on(weight), as_matrix(on(dx)), write,
                                    on(workspace));
        });
    }
    template <class Stream>
    void backward_weight(Stream& stream, bool with_bias = true) {
        workspace.poison();
        with_arguments(stream, [&](auto& on) {
            linear_backward_weight<T>(stream, as_matrix(on(x)), as_matrix(on(dy)), on(dweight),
                                      with_bias ? on(dbias) : nullptr, on(workspace));
        });
    }
    template <class Stream>
    void every_pass(Stream& stream) {
        forward(stream);
        backward_data(stream, Write::overwrite);
        backward_weight(stream);
    }
    // Of everything that every_pass() writes.
    void check_same_bits(const LinearProblem& other) const {
        CHECK(y.buffer().same_bits(other.y.buffer()));
        CHECK(dx.buffer().same_bits(other.dx.buffer()));
        CHECK(dweight.same_bits(other.dweight));
        CHECK(dbias.same_bits(other.dbias));
    }
    void check_sentinels() const {
        for (const auto* s : {&x, &y, &dy, &dx}) s->check_sentinels();
        for (const auto* b : {&weight, &bias, &dweight, &dbias, &workspace}) b->check_sentinels();
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

// Every pass, overwriting and accumulating, with and without bias.
template <class T, class Stream>
void check_against_naive(Stream& stream, const LinearCase& c) {
    CAPTURE(c.rows);
    CAPTURE(c.in);
    CAPTURE(c.out);
    LinearProblem<T> p(c);
    const auto check = [&](const std::vector<T>& computed, Index rows, Index depth, Index columns, auto a,
                           auto b, auto initial, const char* what) {
        check_error(computed, naive_product<T>(rows, depth, columns, a, b, initial),
                    naive_product<Wide<T>>(rows, depth, columns, a, b, initial), what);
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

    const auto dweight = values(p.dweight), dbias = values(p.dbias);
    p.backward_weight(stream);
    check(
        values(p.dweight), c.in, c.rows, c.out, [&](Index i, Index r) { return x(r, i); }, dy,
        [&](Index i, Index o) { return dweight[static_cast<std::size_t>(i * c.out + o)]; },
        "weight gradient");
    check(
        values(p.dbias), 1, c.rows, c.out, [](Index, Index) { return T{1}; }, dy,
        [&](Index, Index o) { return dbias[static_cast<std::size_t>(o)]; }, "bias gradient");
    const auto kept = values(p.dbias);
    p.backward_weight(stream, false);
    CHECK_MESSAGE(values(p.dbias) == kept, "a bias gradient that was not asked for");

    p.check_sentinels();
}

}  // namespace abr::test
