#include "bench/harness.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>

#include "kernels/philox.hpp"

namespace abr::bench {
namespace {

// A step's activations pass through the caches; one set of operands run over and over would stay in them. Sets of
// operands take turns, as many as fit into this, or kMostSets of small ones.
constexpr double kRotatedBytes = 64 * 1024.0 * 1024.0;
constexpr int kMostSets = 8;

template <class Backend>
struct OperandSet {
    Memory<Backend, float> memory;
    Call<Backend> call;

    explicit OperandSet(const Plan<Backend, float>& plan) : call(plan(memory)) {}
};

double error_of(const Case& c, cpu::Stream& stream, const std::vector<std::vector<double>>& results) {
    Memory<CpuBackend, double> memory;
    c.reference(memory)(stream);
    return largest_error(results, memory.results());
}

// Google Benchmark decides on the number of calls; this keeps the time of one.
class TimeOfOneCall final : public benchmark::BenchmarkReporter {
  public:
    double seconds = 0;

    bool ReportContext(const Context&) override { return true; }
    void ReportRuns(const std::vector<Run>& runs) override {
        for (const Run& run : runs) seconds = run.real_accumulated_time / static_cast<double>(run.iterations);
    }
};

template <class Backend>
Measurement measure(const Case& c, const Plan<Backend, float>& plan, typename Backend::Stream& stream,
                    cpu::Stream& reference_stream, double minimum_seconds) {
    Measurement m;
    std::deque<OperandSet<Backend>> sets;
    sets.emplace_back(plan);
    sets.front().call(stream);
    m.bytes = sets.front().memory.bytes_moved();
    m.error = error_of(c, reference_stream, sets.front().memory.results());
    if (!m.right()) return m;
    sets.front().memory.restore();

    const int count = static_cast<int>(std::min<double>(kMostSets, kRotatedBytes / m.bytes));
    while (static_cast<int>(sets.size()) < count) {
        sets.emplace_back(plan);
        sets.back().call(stream);  // touches every page
        sets.back().memory.restore();
    }
    std::size_t turn = 0;
    benchmark::RegisterBenchmark(c.name.c_str(),
                                 [&](benchmark::State& state) {
                                     for ([[maybe_unused]] auto _ : state) {
                                         auto& set = sets[turn];
                                         state.SetIterationTime(Backend::seconds(stream, set.call));
                                         set.memory.restore();
                                         turn = (turn + 1) % sets.size();
                                     }
                                 })
        ->UseManualTime()
        ->MinTime(minimum_seconds);
    TimeOfOneCall time;
    benchmark::RunSpecifiedBenchmarks(&time, "all");
    benchmark::ClearRegisteredBenchmarks();
    m.seconds = time.seconds;
    return m;
}

}  // namespace

std::vector<float> random_values(Index number, Index size, double low, double high) {
    // Drawn once: a prime count, so that no row of a tensor meets the period.
    static const std::vector<double> pool = [] {
        std::vector<double> units(1000003);
        for (std::size_t i = 0; i < units.size(); ++i)
            units[i] = double{to_uniform(philox4x32(1, static_cast<std::uint32_t>(i), 0, 0, 0)[0])};
        return units;
    }();
    std::vector<float> values(static_cast<std::size_t>(size));
    std::size_t next = static_cast<std::size_t>(number) * 7919 % pool.size();
    for (float& value : values) {
        value = static_cast<float>(low + (high - low) * pool[next]);
        if (++next == pool.size()) next = 0;
    }
    return values;
}

double largest_error(const std::vector<std::vector<double>>& values,
                     const std::vector<std::vector<double>>& references) {
    constexpr double kInfinite = std::numeric_limits<double>::infinity();
    if (values.size() != references.size()) return kInfinite;
    double largest = 0;
    for (std::size_t r = 0; r < values.size(); ++r) {
        if (values[r].size() != references[r].size()) return kInfinite;
        double error = 0, magnitude = 0;
        for (std::size_t i = 0; i < values[r].size(); ++i) {
            const double difference = std::abs(values[r][i] - references[r][i]);
            if (!std::isfinite(difference)) return kInfinite;
            error = std::max(error, difference);
            magnitude = std::max(magnitude, std::abs(references[r][i]));
        }
        if (error > 0) largest = std::max(largest, magnitude > 0 ? error / magnitude : kInfinite);
    }
    return largest;
}

Measurement measure_on_cpu(const Case& c, cpu::Stream& stream, double minimum_seconds) {
    return measure<CpuBackend>(c, c.cpu, stream, stream, minimum_seconds);
}

}  // namespace abr::bench
