// bench_kernels from its command line to its table, and that its harness finds a wrong op.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <type_traits>

#include "bench/harness.hpp"
#include "tests/e2e/engine_program.hpp"

using namespace abr;
using namespace abr::bench;
using namespace abr::test;

namespace {

Outcome bench_kernels(const TemporaryFolder& folder, const std::string& arguments) {
    return shell(folder.path, "'" ABR_BENCH_PATH "' " + arguments + " >stdout.txt 2>stderr.txt");
}

// y = 2 x, or wrong by `fault` in float; a count of its calls is accumulated.
Suite doubling(float fault) {
    Suite suite;
    suite.add("doubling", 8, [fault](auto& m) {
        using T = Scalar<decltype(m)>;
        const T* x = m.input(8);
        T *y = m.output(8), *calls = m.accumulated(1);
        const T wrong = std::is_same_v<T, float> ? static_cast<T>(fault) : T{0};
        return [=](auto&) {
            for (int i = 0; i < 8; ++i) y[i] = 2 * x[i] + wrong;
            *calls += 1;
        };
    });
    return suite;
}

}  // namespace

TEST_CASE("bench_kernels checks a case, times it and writes its row beside the ceilings") {
    const TemporaryFolder folder;
    const std::string name = "linear_forward/quickstart/B32/head_classes";
    const Outcome outcome =
        bench_kernels(folder, "--backend cpu --min-time 0.001 --filter '^" + name + "$' --csv bench.csv");
    REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
    CHECK(contains(outcome.out, name));
    CHECK(content(folder.path / "bench.csv")
              .starts_with("name,seconds,gflop_per_s,gb_per_s,product_share,copy_share,error\n"));
    const auto rows = read_table(folder.path / "bench.csv");
    REQUIRE(rows.size() == 3);
    CHECK(rows[0].at("name") == "ceiling/matrix_product");
    CHECK(rows[1].at("name") == "ceiling/copy");
    CHECK(rows[2].at("name") == name);
    const double flop = 2.0 * 32 * 128 * 5, bytes = 4.0 * (32 * 128 + 128 * 5 + 5 + 32 * 5);
    const double seconds = number(rows[2], "seconds");
    CHECK(number(rows[2], "gflop_per_s") == doctest::Approx(flop / seconds / 1e9));
    CHECK(number(rows[2], "gb_per_s") == doctest::Approx(bytes / seconds / 1e9));
    CHECK(number(rows[2], "product_share") ==
          doctest::Approx(number(rows[2], "gflop_per_s") / number(rows[0], "gflop_per_s")));
    CHECK(number(rows[2], "copy_share") ==
          doctest::Approx(number(rows[2], "gb_per_s") / number(rows[1], "gb_per_s")));
    CHECK(number(rows[2], "error") < 1e-5);
}

TEST_CASE("bench_kernels refuses what it cannot run") {
    const TemporaryFolder folder;
    CHECK(bench_kernels(folder, "--filter nothing_of_this_name").code == 2);
    CHECK(bench_kernels(folder, "--filter '('").code == 2);
    CHECK(bench_kernels(folder, "--backend abacus").code == 2);
    CHECK(bench_kernels(folder, "--list --filter optimizer").out ==
          "optimizer_step/quickstart/plain\noptimizer_step/quickstart/ema\n"
          "optimizer_step/production/plain\noptimizer_step/production/ema\n");
}

TEST_CASE("a case is held against the same op in double before it is timed") {
    cpu::Stream stream(1);
    const Suite right = doubling(0), wrong = doubling(0.01f);
    const Measurement good = measure_on_cpu(right.cases()[0], stream, 1e-6);
    CHECK(good.right());
    CHECK(good.seconds > 0);
    CHECK(good.bytes == 4 * (8 + 8 + 2));  // what is accumulated is read and written
    const Measurement bad = measure_on_cpu(wrong.cases()[0], stream, 1e-6);
    CHECK_FALSE(bad.right());
    CHECK(bad.seconds == 0);

    CHECK_FALSE(largest_error({{1, NAN}}, {{1, NAN}}) <= kTolerance);  // an output that nobody wrote
    CHECK_FALSE(largest_error({{1}}, {{1}, {2}}) <= kTolerance);
    CHECK(largest_error({{0, 4}, {1.5}}, {{0, 4}, {2}}) == doctest::Approx(0.25));
}

TEST_CASE("every call begins with the same operands") {
    Memory<CpuBackend, float> memory;
    float* sum = memory.accumulated(3);
    memory.output(2)[0] = 5;
    const auto before = memory.results();
    sum[1] = 100;
    memory.restore();
    CHECK(memory.results()[0] == before[0]);
}
