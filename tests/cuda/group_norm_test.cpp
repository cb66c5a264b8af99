#include "tests/kernels/group_norm_problem.hpp"

using namespace abr;
using namespace abr::test;

namespace {

// Whole vectors and single elements, one block and several a sample, more rows than are kept in shared memory.
const std::vector<GroupNormCase> kScheduled = {
    {2, 5, 32, 8, true, true, true, 0.3f},
    {1, 31, 33, 11, true, false, true, 0.3f},
    {1, 9, 66, 2, false, true, false, 0},
    {1, 3, 1400, 1, true, true, false, 0},
};
// Of the default network and the wide one.
const std::vector<GroupNormCase> kReal = {
    {1, 200, 16, 8, true, false, false, 0},  {1, 200, 64, 8, true, true, false, 0.1f},
    {1, 100, 128, 8, true, true, true, 0},   {1, 50, 256, 8, true, true, false, 0.1f},
    {1, 25, 512, 8, true, true, true, 0.1f},
};

}  // namespace

TEST_CASE("group norm: both passes agree with the reference") {
    cuda::Stream stream;
    for (const GroupNormCase& c : group_norm_cases()) check_group_norm<float>(stream, c);
    for (const GroupNormCase& c : kScheduled) check_group_norm<float>(stream, c);
    if (!runs_real_sizes()) return;
    for (const GroupNormCase& c : kReal) check_group_norm<float>(stream, c);
}

// Declared and dynamic shared memory pass 48 KB together: one group at base 64, two at base 128.
TEST_CASE("group norm: groups as wide as a launch has to ask memory for") {
    cuda::Stream stream;
    check_group_norm<float>(stream, {1, 25, 512, 1, true, true, true, 0.1f});
    check_group_norm<float>(stream, {1, 13, 1024, 2, true, true, false, 0});
}

TEST_CASE("group norm: the same bits under every schedule") {
    cuda::Stream stream;
    for (const GroupNormCase& c : kScheduled) {
        CAPTURE(name_of(c));
        GroupNormProblem<float> first(c);
        first.forward(stream);
        first.backward(stream);
        for_each_schedule([&] {
            GroupNormProblem<float> again(c);
            again.forward(stream);
            again.backward(stream);
            CHECK(again.same_bits(first));
            again.check_buffers();
        });
    }
}

TEST_CASE("group norm: parameter gradients are added to and all else replaced") {
    cuda::Stream stream;
    GroupNormProblem<float> once({2, 31, 24, 4, true, true, true, 0.2f}), twice(once.c);
    once.forward(stream);
    once.backward(stream);
    twice.forward(stream);
    twice.backward(stream);
    twice.backward(stream);
    for (Index i = 0; i < once.c.channels; ++i) {
        CHECK(twice.dweight[i] == 2 * once.dweight[i]);
        CHECK(twice.dbias[i] == 2 * once.dbias[i]);
    }
    CHECK(twice.dx.buffer().same_bits(once.dx.buffer()));
    CHECK(twice.dresidual.buffer().same_bits(once.dresidual.buffer()));
    CHECK(twice.dfilm.same_bits(once.dfilm));
}
