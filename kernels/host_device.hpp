// Functions that host and device code share.
#pragma once

#if defined(__CUDACC__)
#define ABR_HOST_DEVICE __host__ __device__
#else
#define ABR_HOST_DEVICE
#endif
