#include "tests/kernels/sequence_ops_problem.hpp"

using namespace abr;
using namespace abr::test;

TEST_CASE("sequence_ops: sequences are copied and added whatever their padding") {
    cuda::Stream stream;
    for_each_schedule([&] {
        for (const Index length : {1, 31, 33})
            for (const Index channels : {1, 4, 33}) check_copy_and_add<float>(stream, 2, length, channels);
    });
    for (const Index length : {257, 333}) check_copy_and_add<float>(stream, 1, length, 12);
    if (!runs_real_sizes()) return;
    for (const Index length : {25, 50, 100, 200}) check_copy_and_add<float>(stream, 1, length, 128);
}

TEST_CASE("sequence_ops: channels are concatenated and split again") {
    cuda::Stream stream;
    for_each_schedule([&] {
        for (const Index channels_a : {1, 16, 33})
            for (const Index channels_b : {1, 8, 31})
                check_concat_and_split<float>(stream, 5, channels_a, channels_b);
    });
    for (const Index length : {1, 31, 33, 257, 333}) check_concat_and_split<float>(stream, length, 12, 5);
    if (!runs_real_sizes()) return;
    for (const Index length : {25, 50, 100, 200}) check_concat_and_split<float>(stream, length, 128, 64);
}
