// Functions that host and device code share.
#pragma once

#if defined(__CUDACC__)
#define ABR_HOST_DEVICE __host__ __device__
// A function of the device under nvcc, of the host under its own compiler: what it calls there may be the device's alone.
#define ABR_DEVICE __device__
#else
#define ABR_HOST_DEVICE
#define ABR_DEVICE
#endif
