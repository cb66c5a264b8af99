#include "tests/kernels/sequence_ops_problem.hpp"

using namespace abr;
using namespace abr::test;

TEST_CASE_TEMPLATE("sequences are copied and added whatever their padding", T, float, double) {
    for (const int threads : {1, 3}) {
        cpu::Stream stream(threads);
        for (const Index length : {1, 31, 200, 257})
            for (const Index channels : {1, 16, 33}) check_copy_and_add<T>(stream, 3, length, channels);
    }
}

TEST_CASE_TEMPLATE("channels are concatenated and split again", T, float, double) {
    cpu::Stream stream(2);
    for (const Index channels_a : {1, 16, 33})
        for (const Index channels_b : {1, 31, 64})
            check_concat_and_split<T>(stream, 25, channels_a, channels_b);
}
