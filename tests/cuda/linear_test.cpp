#include "tests/kernels/linear_problem.hpp"

#include "tests/cuda/every_schedule.hpp"

using namespace abr;
using namespace abr::test;

TEST_CASE("linear: every pass agrees with naive products") {
    cuda::Stream stream;
    const std::vector<LinearCase> small = {{1, 1, 1},     {1, 31, 33},  {31, 33, 31}, {257, 1, 257},
                                           {33, 257, 17}, {257, 31, 1}, {7, 64, 16},  {2, 70, 9}};
    for (const LinearCase& c : small) check_against_naive<float>(stream, c);
    if (!runs_real_sizes()) return;
    for (const LinearCase& c : kLinearCases) check_against_naive<float>(stream, c);
    check_against_naive<float>(stream, {25, 512, 1536});  // of the wide network
    // Rows enough for large tiles, whose elements are read one by one and as float4.
    for (const LinearCase& c : {LinearCase{6700, 3, 257}, LinearCase{8500, 256, 4}})
        check_against_naive<float>(stream, c);
}

TEST_CASE("linear: the same bits under every schedule") {
    check_every_schedule<LinearProblem<float>, LinearCase>(
        {{31, 33, 35}, {333, 9, 5}, {260, 68, 36}, {50, 20, 1}});
}
