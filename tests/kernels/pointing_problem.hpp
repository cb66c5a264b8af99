// What the tests of pointing share on every backend: the cases, one problem's buffers, the reference.
#pragma once

#include <string>
#include <vector>

#include "kernels/pointing.hpp"
#include "tests/kernels/on_backend.hpp"
#include "tests/kernels/support.hpp"

namespace abr::test {

struct PointingCase {
    Index batch, window, length, channels;
    Write write_score = Write::overwrite, write_x = Write::overwrite;
    double scale = 1;  // of the scores
};

template <class S>
struct PointingResults {
    std::vector<S> a, place, reading, dscore, dx;
};
template <class S>
struct PointingInputs {
    std::vector<S> score, x, dplace, dreading, dscore_before, dx_before;
};

template <class S>
PointingResults<S> pointing_reference(const PointingCase& c, const SamplePlaces& places,
                                      const PointingInputs<S>& in) {
    const auto z = [](Index n) { return static_cast<std::size_t>(n); };
    PointingResults<S> r{std::vector<S>(z(c.batch * c.window)), std::vector<S>(z(c.batch)),
                         std::vector<S>(z(c.batch * c.channels)), in.dscore_before, in.dx_before};
    for (Index b = 0; b < c.batch; ++b) {
        S* const a = r.a.data() + b * c.window;
        const S* const score = in.score.data() + b * c.length;
        S largest = score[0], sum = 0, mean = 0, mean_slope = 0;
        for (Index t = 0; t < c.window; ++t) largest = std::max(largest, score[t]);
        for (Index t = 0; t < c.window; ++t) sum += a[t] = std::exp(score[t] - largest);
        std::vector<S> slope(z(c.window));
        for (Index t = 0; t < c.window; ++t) {
            a[t] /= sum;
            mean += a[t] * static_cast<S>(t);
            slope[z(t)] = in.dplace[z(b)] * static_cast<S>(places.step) * static_cast<S>(t);
            for (Index i = 0; i < c.channels; ++i) {
                const std::size_t at = z((b * c.length + t) * c.channels + i), out = z(b * c.channels + i);
                r.reading[out] += a[t] * in.x[at];
                slope[z(t)] += in.dreading[out] * in.x[at];
                r.dx[at] += a[t] * in.dreading[out];
            }
            mean_slope += a[t] * slope[z(t)];
        }
        r.place[z(b)] = static_cast<S>(places.first) + static_cast<S>(places.step) * mean;
        for (Index t = 0; t < c.window; ++t)
            r.dscore[z(b * c.length + t)] += a[t] * (slope[z(t)] - mean_slope);
    }
    return r;
}

template <class T>
struct PointingProblem {
    PointingCase c;
    SamplePlaces places;
    GuardedSequence<T> score, x, dscore, dx, a, place, reading, dplace, dreading;
    GuardedBuffer<T> workspace;

    explicit PointingProblem(const PointingCase& k)
        : c(k),
          places{.window = k.window, .first = -1.5, .step = 0.05},
          score(k.batch, k.length, 1, 1),
          x(k.batch, k.length, k.channels, 2),
          dscore(k.batch, k.length, 1, 3),
          dx(k.batch, k.length, k.channels, 1),
          a(k.batch, 1, k.window, 0),
          place(k.batch, 1, 1, 0),
          reading(k.batch, 1, k.channels, 0),
          dplace(k.batch, 1, 1, 0),
          dreading(k.batch, 1, k.channels, 0),
          workspace(pointing_workspace(places, k.batch)) {
        score.fill_random(1, k.scale);
        x.fill_random(2);
        dplace.fill_random(3);
        dreading.fill_random(4);
        if (k.write_score == Write::accumulate) dscore.fill_random(5);
        if (k.write_x == Write::accumulate) dx.fill_random(6);
    }
    template <class Stream>
    void forward(Stream& stream) {
        with_arguments(stream, [&](auto& on) {
            pointing_forward<T>(
                stream, places,
                {on(score), on(x), as_matrix(on(a)), as_matrix(on(place)), as_matrix(on(reading))});
        });
    }
    template <class Stream>
    void backward(Stream& stream) {
        with_arguments(stream, [&](auto& on) {
            pointing_backward<T>(stream, places,
                                 {as_matrix(on(dplace)), as_matrix(on(dreading)), on(x), as_matrix(on(a)),
                                  on(dscore), c.write_score, on(dx), c.write_x, on(workspace)});
        });
    }
    bool same_bits(const PointingProblem& other) const {
        return a.buffer().same_bits(other.a.buffer()) && place.buffer().same_bits(other.place.buffer()) &&
               reading.buffer().same_bits(other.reading.buffer()) &&
               dscore.buffer().same_bits(other.dscore.buffer()) && dx.buffer().same_bits(other.dx.buffer());
    }
    template <class S>
    PointingResults<S> reference() const {
        GuardedSequence<T> dscore_before = dscore, dx_before = dx;
        dscore_before.fill_random(5, c.write_score == Write::accumulate ? 1 : 0);
        dx_before.fill_random(6, c.write_x == Write::accumulate ? 1 : 0);
        return pointing_reference<S>(c, places,
                                     {score.template values<S>(), x.template values<S>(),
                                      dplace.template values<S>(), dreading.template values<S>(),
                                      dscore_before.template values<S>(), dx_before.template values<S>()});
    }
};

// Both passes on this backend, from poisoned outputs, against the reference.
template <class T, class Stream>
void check_pointing(Stream& stream, const PointingCase& c) {
    CAPTURE(c.window);
    CAPTURE(c.length);
    CAPTURE(c.channels);
    PointingProblem<T> k(c);
    const auto same = k.template reference<T>();
    const auto reference = k.template reference<Wide<T>>();
    k.forward(stream);
    k.backward(stream);
    check_error(k.a.values(), same.a, reference.a, "a");
    check_error(k.place.values(), same.place, reference.place, "place");
    check_error(k.reading.values(), same.reading, reference.reading, "reading");
    check_error(k.dscore.values(), same.dscore, reference.dscore, "dscore");
    check_error(k.dx.values(), same.dx, reference.dx, "dx");
    for (const auto* s : {&k.dscore, &k.dx}) s->check_zero_padding();
    for (const auto* s :
         {&k.score, &k.x, &k.dscore, &k.dx, &k.a, &k.place, &k.reading, &k.dplace, &k.dreading})
        s->check_sentinels();
    k.workspace.check_sentinels();
}

inline std::vector<PointingCase> pointing_cases() {
    return {{1, 1, 1, 1},
            {2, 200, 200, 16},
            {3, 37, 40, 9, Write::accumulate, Write::overwrite},
            {1, 333, 336, 33, Write::overwrite, Write::accumulate, 5},
            {4, 50, 56, 64, Write::accumulate, Write::accumulate}};
}

}  // namespace abr::test
