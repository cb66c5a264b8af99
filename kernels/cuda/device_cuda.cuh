// device.cuh under nvcc.
#pragma once

#include <cuda_runtime.h>

#include "kernels/cuda/launch_kernel.hpp"

#define DEVICE_UNROLL _Pragma("unroll")
#define DEVICE_SHARED(name, ...) __shared__ std::type_identity_t<__VA_ARGS__> name
#define DEVICE_DYN_SHARED(type, name)                                     \
    extern __shared__ __align__(16) unsigned char dynamic_shared_bytes[]; \
    type* const name = reinterpret_cast<type*>(dynamic_shared_bytes)

namespace abr::cuda {

// The grid of a launch, and the line it stands in.
struct Grid {
    dim3 size;
    std::source_location at;

    template <class Count>
    requires std::is_integral_v<Count> Grid(Count blocks,
                                            std::source_location where = std::source_location::current())
        : size(static_cast<unsigned>(blocks)), at(where) {}
    Grid(dim3 blocks, std::source_location where = std::source_location::current())
        : size(blocks), at(where) {}
};

template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), Grid grid, dim3 block, std::size_t shared_bytes, Stream& stream,
            const Arguments&... arguments) {
    static_assert(sizeof...(Parameters) == sizeof...(Arguments));
    const auto queue = [&](Parameters... values) {
        void* addresses[] = {const_cast<void*>(static_cast<const void*>(&values))..., nullptr};
        launch_kernel(reinterpret_cast<const void*>(kernel), grid.size, block, addresses, shared_bytes,
                      stream, grid.at);
    };
    queue(static_cast<Parameters>(arguments)...);
}

template <class Vector, class T>
__device__ inline Vector load_vector(const T* p) {
    return *reinterpret_cast<const Vector*>(p);
}
template <class Vector, class T>
__device__ inline void store_vector(T* p, const Vector& v) {
    *reinterpret_cast<Vector*>(p) = v;
}

}  // namespace abr::cuda
