// What every benchmark of an op shares.
//
// A family of ops (bench/<op>_bench.cpp) adds its cases to a suite. A case is a name, the floating-point operations of
// one call, and a function that asks a Memory for the op's operands and returns the call:
//
//   suite.add("linear_forward/" + n.name + "/qkv", 2.0 * rows * in * out, [=](auto& m) {
//       using T = Scalar<decltype(m)>;
//       const Matrix<T> x = m.input(Matrix<T>{nullptr, rows, in}), y = m.output(Matrix<T>{nullptr, rows, out});
//       const T* w = m.input(in * out);
//       return [=](auto& stream) { linear_forward<T>(stream, x, w, nullptr, y, nullptr); };
//   });
//
// The one source runs in float, which is timed, and on the CPU in double, which it is checked against. Ops are found
// by the stream's type, so a further backend is a struct like CpuBackend and a member of Case.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "bench/memory.hpp"
#include "kernels/cpu/stream.hpp"

namespace abr::bench {

struct CpuBackend {
    using Stream = cpu::Stream;
    template <class T>
    using Buffer = cpu::Buffer<T>;

    template <class Run>
    static double seconds(Stream& stream, const Run& run) {
        const auto start = std::chrono::steady_clock::now();
        run(stream);
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
};

template <class MemoryReference>
using Scalar = typename std::remove_cvref_t<MemoryReference>::Scalar;

// The op's call on operands that a Memory owns.
template <class Backend>
using Call = std::function<void(typename Backend::Stream&)>;
template <class Backend, class T>
using Plan = std::function<Call<Backend>(Memory<Backend, T>&)>;

struct Case {
    std::string name;  // <op>/<network>/B<batch>/<part>
    double flop =
        0;  // of one call, as the op's contract or its matrix products count them; 0: bound by memory or exp
    Plan<CpuBackend, double> reference;
    Plan<CpuBackend, float> cpu;
};

class Suite {
  public:
    template <class Planner>
    void add(std::string name, double flop, const Planner& plan) {
        cases_.push_back({std::move(name), flop, [plan](Memory<CpuBackend, double>& m) { return plan(m); },
                          [plan](Memory<CpuBackend, float>& m) { return plan(m); }});
    }
    const std::vector<Case>& cases() const { return cases_; }

  private:
    std::vector<Case> cases_;
};

// A result may differ from the reference by this much of the result's largest value.
inline constexpr double kTolerance = 1e-4;

// Largest |value - reference| of any result, as a part of the largest |reference| of that result; infinite where a
// value is not finite or results differ in number.
double largest_error(const std::vector<std::vector<double>>& values,
                     const std::vector<std::vector<double>>& references);

struct Measurement {
    double error = 0;    // against the reference
    double bytes = 0;    // of the operands
    double seconds = 0;  // of one call; 0 where the result was wrong
    bool right() const { return error <= kTolerance; }
};

// Checks a case, and times it for at least `minimum_seconds`.
Measurement measure_on_cpu(const Case&, cpu::Stream&, double minimum_seconds);

}  // namespace abr::bench
