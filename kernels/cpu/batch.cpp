#include "kernels/batch.hpp"

#include "kernels/batch/row.hpp"
#include "kernels/batch_checks.hpp"
#include "kernels/cpu/stream.hpp"

namespace abr::cpu {
namespace {

// The team of kernels/batch/row.hpp: one thread builds a whole row.
struct OneThread {
    template <class F>
    void each(Index n, const F& f) const {
        for (Index i = 0; i < n; ++i) f(i);
    }
    template <class F>
    void fours(Index n, const F& f) const {
        for (Index i = 0; i < n; i += 4) f(i);
    }
    template <class Value>
    double sum(Index n, const Value& value) const {
        double sum = 0;
        for (Index i = 0; i < n; ++i) sum += value(i);
        return sum;
    }
    template <class F>
    void alone(int n, const F& f) const {
        for (int k = 0; k < n; ++k) f(k);
    }
    bool is(int) const { return true; }
};

}  // namespace

template <class T>
void gather_batch(Stream& stream, const DeviceRecordings& recordings, const BatchSettings& settings,
                  BatchMode mode, const std::int32_t* order, const StepState* state, Index place,
                  const Batch<T>& batch) {
    const ProfileScope scope(stream.profile(), __func__);
    check_batch(__func__, recordings, batch);
    stream.parallel_for(batch.input.batch, [&](Index b) {
        RowPlan plan;
        draw_plan(recordings, settings, mode, order, *state, place + b, plan);
        build_row(OneThread{}, recordings, settings, plan, batch, b);
    });
}

template void gather_batch(Stream&, const DeviceRecordings&, const BatchSettings&, BatchMode,
                           const std::int32_t*, const StepState*, Index, const Batch<float>&);
template void gather_batch(Stream&, const DeviceRecordings&, const BatchSettings&, BatchMode,
                           const std::int32_t*, const StepState*, Index, const Batch<double>&);

}  // namespace abr::cpu
