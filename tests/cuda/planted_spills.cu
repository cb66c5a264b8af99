// What tools/ptxas_table.py has to report. Never launched.

// 128 values a thread in a block of 1024, which leaves 64 registers.
__global__ void __launch_bounds__(1024) spilling_kernel(const float* x, float* y) {
    float values[128];
#pragma unroll
    for (int i = 0; i < 128; ++i) values[i] = x[i * 1024 + threadIdx.x];
    for (int round = 0; round < 100; ++round) {
        float sum = 0;
#pragma unroll
        for (int i = 0; i < 128; ++i) sum += values[i] * values[(i + 1) % 128] * y[i];
        y[round * 1024 + threadIdx.x] = sum;
    }
}

// An array at a place that only the data know.
__global__ void local_array_kernel(const float* x, const int* at, float* y) {
    float values[64];
    for (int i = 0; i < 64; ++i) values[i] = x[i];
    for (int i = 0; i < 64; ++i) values[at[i]] += 1;
    y[threadIdx.x] = values[at[threadIdx.x]];
}

__global__ void sound_kernel(float* y) {
    y[threadIdx.x] = 1;
}
