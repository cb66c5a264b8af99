// Moves of kernels/sequence_ops.hpp: a thread writes four neighbouring channels of a row of the output, or one where rows do
// not come in aligned fours; padding rows are rows like others. Bound by memory: each element is read and written once.
#include "kernels/sequence_ops.hpp"

#include "kernels/cuda/device.cuh"
#include "kernels/operand_checks.hpp"

namespace abr::cuda {
namespace {

constexpr int kThreads = 256;

// What a thread moves: a float4 or a float.
template <class Item>
constexpr Index kWidth = sizeof(Item) / sizeof(float);

__device__ inline float plus(float a, float b) {
    return a + b;
}
__device__ inline float4 plus(float4 a, float4 b) {
    return make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w);
}

// The item of a thread in an output: channels c ... of row t in sample b.
struct Place {
    Index b, t, c;
    bool exists;  // the grid's last blocks of a sample have threads to spare
    bool inside;  // not in a padding row

    __device__ Place(const Sequence<float>& y, unsigned blocks_per_sample, unsigned width) {
        const auto items_per_row = static_cast<unsigned>(y.channels) / width;
        const unsigned item = blockIdx.x % blocks_per_sample * kThreads + threadIdx.x;
        b = blockIdx.x / blocks_per_sample;
        t = static_cast<Index>(item / items_per_row) - y.pad;
        c = item % items_per_row * width;
        exists = t < y.length + y.pad;
        inside = t >= 0 && t < y.length;
    }
};

template <class Item>
unsigned blocks_per_sample(Sequence<float> y) {
    return static_cast<unsigned>(divide_up(y.sample_stride() / kWidth<Item>, kThreads));
}

// Whether the rows of a sequence start 16-byte aligned and end with a whole float4.
template <class T>
bool in_fours(Sequence<T> s) {
    return s.channels % 4 == 0 && is_aligned(s.data, 16);
}

// y (+)= channels first ... of x.
template <class Item>
__global__ void __launch_bounds__(kThreads)
    take_channels_kernel(Sequence<const float> x, Index first, Sequence<float> y, Write write,
                         unsigned blocks) {
    const Place p(y, blocks, kWidth<Item>);
    if (!p.exists) return;
    float* to = y.row(p.b, p.t) + p.c;
    Item value{};
    if (p.inside) {
        value = load_vector<Item>(x.row(p.b, p.t) + first + p.c);
        if (write == Write::accumulate) value = plus(load_vector<Item>(to), value);
    }
    store_vector(to, value);
}

template <class Item>
__global__ void __launch_bounds__(kThreads)
    add_kernel(Sequence<const float> a, Sequence<const float> b, Sequence<float> y, unsigned blocks) {
    const Place p(y, blocks, kWidth<Item>);
    if (!p.exists) return;
    Item value{};
    if (p.inside)
        value = plus(load_vector<Item>(a.row(p.b, p.t) + p.c), load_vector<Item>(b.row(p.b, p.t) + p.c));
    store_vector(y.row(p.b, p.t) + p.c, value);
}

template <class Item>
__global__ void __launch_bounds__(kThreads)
    concat_kernel(Sequence<const float> a, Sequence<const float> b, Sequence<float> y, unsigned blocks) {
    const Place p(y, blocks, kWidth<Item>);
    if (!p.exists) return;
    Item value{};
    if (p.inside)
        value = load_vector<Item>(p.c < a.channels ? a.row(p.b, p.t) + p.c
                                                   : b.row(p.b, p.t) + (p.c - a.channels));
    store_vector(y.row(p.b, p.t) + p.c, value);
}

template <class Item>
void take_channels(Stream& stream, Sequence<const float> x, Index first, Sequence<float> y, Write write) {
    const unsigned blocks = blocks_per_sample<Item>(y);
    launch(take_channels_kernel<Item>, y.batch * blocks, kThreads, 0, stream, x, first, y, write, blocks);
}
void take_channels(Stream& stream, Sequence<const float> x, Index first, Sequence<float> y, Write write) {
    if (in_fours(x) && in_fours(y) && first % 4 == 0)
        take_channels<float4>(stream, x, first, y, write);
    else
        take_channels<float>(stream, x, first, y, write);
}

using Join = void (*)(Sequence<const float>, Sequence<const float>, Sequence<float>, unsigned);

// y from a and b, by the kernel for fours or that for single channels.
void join(Stream& stream, Join fours, Join ones, Sequence<const float> a, Sequence<const float> b,
          Sequence<float> y) {
    const bool vector = in_fours(a) && in_fours(b) && in_fours(y);
    const unsigned blocks = vector ? blocks_per_sample<float4>(y) : blocks_per_sample<float>(y);
    launch(vector ? fours : ones, y.batch * blocks, kThreads, 0, stream, a, b, y, blocks);
}

}  // namespace

template <class T>
void copy(Stream& stream, Sequence<const T> x, Sequence<T> y, Write write) {
    const ProfileScope scope(stream, __func__);
    check_alike(__func__, {{"x", x}, {"y", y}});
    take_channels(stream, x, 0, y, write);
}

template <class T>
void add(Stream& stream, Sequence<const T> a, Sequence<const T> b, Sequence<T> y) {
    const ProfileScope scope(stream, __func__);
    check_alike(__func__, {{"a", a}, {"b", b}, {"y", y}});
    join(stream, add_kernel<float4>, add_kernel<float>, a, b, y);
}

template <class T>
void concat_channels(Stream& stream, Sequence<const T> a, Sequence<const T> b, Sequence<T> y) {
    const ProfileScope scope(stream, __func__);
    check_concatenation(__func__, {"a", a}, {"b", b}, {"y", y});
    join(stream, concat_kernel<float4>, concat_kernel<float>, a, b, y);
}

template <class T>
void split_channels(Stream& stream, Sequence<const T> dy, Sequence<T> da, Write write_a, Sequence<T> db,
                    Write write_b) {
    const ProfileScope scope(stream, __func__);
    check_concatenation(__func__, {"da", da}, {"db", db}, {"dy", dy});
    take_channels(stream, dy, 0, da, write_a);
    take_channels(stream, dy, da.channels, db, write_b);
}

template void copy(Stream&, Sequence<const float>, Sequence<float>, Write);
template void add(Stream&, Sequence<const float>, Sequence<const float>, Sequence<float>);
template void concat_channels(Stream&, Sequence<const float>, Sequence<const float>, Sequence<float>);
template void split_channels(Stream&, Sequence<const float>, Sequence<float>, Write, Sequence<float>, Write);

}  // namespace abr::cuda
