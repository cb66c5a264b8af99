// planted_faults NAME: runs one planted fault under many seeds until it is reported (exit code 1 and the report), or
// never is (0). Without a name: lists them.
#include <cstdio>
#include <cstring>

#include "kernels/cuda/buffer.hpp"
#include "kernels/cuda_on_cpu/fault.hpp"
#include "kernels/cuda_on_cpu/schedule.hpp"
#include "tests/cuda_on_cpu/planted/planted.hpp"

namespace abr::test {
namespace {

constexpr std::uint64_t kSeeds = 32;

void check(std::size_t element, float value, float expected, std::source_location at) {
    if (value != expected)
        throw emulation::Fault(emulation::place(at) + ": wrong result: element " + std::to_string(element) +
                               " is " + std::to_string(value) + ", not " + std::to_string(expected));
}

}  // namespace

void expect(const cuda::Buffer<float>& computed, const std::vector<float>& expected,
            std::source_location at) {
    std::vector<float> values(expected.size());
    computed.copy_to(values);
    for (std::size_t i = 0; i < values.size(); ++i) check(i, values[i], expected[i], at);
}

void expect_now(const cuda::Buffer<float>& computed, float expected, std::source_location at) {
    check(0, computed.data()[0], expected, at);
}

}  // namespace abr::test

int main(int argc, char** argv) {
    using namespace abr;
    for (const auto& faults :
         {test::synchronisation_faults(), test::memory_faults(), test::result_faults(), test::queue_faults()})
        for (const auto& fault : faults) {
            if (argc < 2) std::puts(fault.name);
            if (argc < 2 || std::strcmp(argv[1], fault.name) != 0) continue;
            for (std::uint64_t seed = 0; seed < test::kSeeds; ++seed) {
                emulation::use_seed(seed);
                try {
                    cuda::Stream stream;
                    fault.run(stream);
                    stream.synchronize();
                } catch (const emulation::Fault& report) {
                    std::fprintf(stderr, "%s\n(under seed %llu)\n", report.what(),
                                 static_cast<unsigned long long>(seed));
                    return 1;
                }
            }
            std::printf("%s was not reported under %llu seeds\n", fault.name,
                        static_cast<unsigned long long>(test::kSeeds));
            return 0;
        }
    return argc < 2 ? 0 : 2;
}
