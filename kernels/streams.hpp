// The backends' streams, by name: an op is overloaded on them (kernels/cpu/stream.hpp, kernels/cuda/stream.hpp).
#pragma once

namespace abr {
namespace cpu {
class Stream;
}
namespace cuda {
class Stream;
}
}  // namespace abr
