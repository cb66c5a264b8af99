// The memory of one benchmark case on one backend: what an op reads, filled with random numbers, and what it writes.
//
// The same requests give the same values in float and in double, so that the two versions of a case compute the same.
// Every buffer states what it is for; from that follow the bytes an op has to move, its results, and what has to be
// put back before it can run again.
#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "kernels/cpu/buffer.hpp"
#include "kernels/view.hpp"

namespace abr::bench {

// `size` random numbers, uniform in (low, high); another sequence for each `number`.
std::vector<float> random_values(Index number, Index size, double low, double high);

// Backend: its Stream and its Buffer<T>, as bench/harness.hpp has them.
template <class Backend, class T>
class Memory {
  public:
    using Scalar = T;
    template <class U>
    using Buffer = typename Backend::template Buffer<U>;

    // Read by the op: uniform in (low, high). A shape is a view without data; padding rows are zero.
    T* input(Index size, double low = -1, double high = 1) { return random(size, low, high).data(); }
    Matrix<T> input(Matrix<T> shape) { return {input(shape.size()), shape.rows, shape.columns}; }
    Sequence<T> input(Sequence<T> shape) {
        shape.data = random_rows(shape).data();
        return shape;
    }
    // Read by the op, whatever its scalar: random floats, or these values.
    const float* input_float(Index size, double low = -1, double high = 1) {
        return given(next_random(size, low, high));
    }
    template <class U>
    U* given(const std::vector<U>& values) {
        return keep(values).data();
    }

    // Overwritten by the op, and compared with the reference. Starts as NaN.
    T* output(Index size) { return output_of<T>(size); }
    Matrix<T> output(Matrix<T> shape) { return {output(shape.size()), shape.rows, shape.columns}; }
    Sequence<T> output(Sequence<T> shape) {
        shape.data = output(shape.size());
        return shape;
    }
    template <class U>
    U* output_of(Index size) {
        constexpr U kStart =
            std::numeric_limits<U>::has_quiet_NaN ? std::numeric_limits<U>::quiet_NaN() : U{};
        auto& buffer = keep(std::vector<U>(static_cast<std::size_t>(size), kStart));
        compare(buffer);
        return buffer.data();
    }

    // Read and changed by the op: put back after each run, and compared.
    T* accumulated(Index size, double low = -1, double high = 1) { return changed(random(size, low, high)); }
    Matrix<T> accumulated(Matrix<T> shape) { return {accumulated(shape.size()), shape.rows, shape.columns}; }
    Sequence<T> accumulated(Sequence<T> shape) {
        shape.data = changed(random_rows(shape));
        return shape;
    }
    template <class U>
    U* accumulated(const std::vector<U>& start) {
        return changed(keep(start));
    }
    // The same for records that are no numbers: values(record) gives those that are compared.
    template <class U, class Values>
    U* record(const U& start, Values values) {
        auto& buffer = keep(std::vector<U>(1, start));
        restores_.push_back([&buffer, start] { buffer.copy_from(std::vector<U>(1, start)); });
        results_.push_back(
            [&buffer, values]() -> std::vector<double> { return values(host(buffer).front()); });
        bytes_ += bytes(buffer);
        return buffer.data();
    }

    // Scratch, neither counted nor compared.
    template <class U = T>
    U* workspace(Index size) {
        auto& buffer = keep(std::vector<U>(static_cast<std::size_t>(size)));
        bytes_ -= bytes(buffer);
        return buffer.data();
    }

    // Bytes of operands: each read once, each written once.
    double bytes_moved() const { return bytes_; }
    // Content of every result, in the order of the requests.
    std::vector<std::vector<double>> results() const {
        std::vector<std::vector<double>> all;
        for (const auto& result : results_) all.push_back(result());
        return all;
    }
    // Puts back what the op changed.
    void restore() {
        for (const auto& put_back : restores_) put_back();
    }

  private:
    template <class U>
    static std::vector<U> host(const Buffer<U>& buffer) {
        std::vector<U> values(static_cast<std::size_t>(buffer.size()));
        buffer.copy_to(values);
        return values;
    }
    template <class U>
    static double bytes(const Buffer<U>& buffer) {
        return static_cast<double>(buffer.size()) * sizeof(U);
    }

    template <class U>
    Buffer<U>& keep(const std::vector<U>& values) {
        auto buffer = std::make_shared<Buffer<U>>(static_cast<Index>(values.size()));
        buffer->copy_from(values);
        buffers_.push_back(buffer);
        bytes_ += bytes(*buffer);
        return *buffer;
    }
    std::vector<float> next_random(Index size, double low, double high) const {
        return random_values(static_cast<Index>(buffers_.size()), size, low, high);
    }
    Buffer<T>& random(Index size, double low, double high) {
        const auto values = next_random(size, low, high);
        return keep(std::vector<T>(values.begin(), values.end()));
    }
    Buffer<T>& random_rows(Sequence<T> shape) {
        std::vector<T> all(static_cast<std::size_t>(shape.size()));
        shape.data = all.data();
        const Index row = shape.length * shape.channels;
        const auto values = next_random(shape.batch * row, -1, 1);
        for (Index b = 0; b < shape.batch; ++b) std::copy_n(values.begin() + b * row, row, shape.row(b, 0));
        return keep(all);
    }
    template <class U>
    void compare(const Buffer<U>& buffer) {
        results_.push_back([&buffer] {
            const std::vector<U> values = host(buffer);
            return std::vector<double>(values.begin(), values.end());
        });
    }
    template <class U>
    U* changed(Buffer<U>& buffer) {
        compare(buffer);
        restores_.push_back([&buffer, start = host(buffer)] { buffer.copy_from(start); });
        bytes_ += bytes(buffer);
        return buffer.data();
    }

    std::vector<std::shared_ptr<void>> buffers_;
    std::vector<std::function<std::vector<double>()>> results_;
    std::vector<std::function<void()>> restores_;
    double bytes_ = 0;
};

}  // namespace abr::bench
