// Pointing over the decoder's output.
#include "kernels/pointing.hpp"

#include "bench/networks.hpp"

namespace abr::bench {

void add_pointing_cases(Suite& suite) {
    for (const Setting& n : settings()) {
        const Index batch = n.batch, length = n.length(0), channels = n.channels(0);
        const SamplePlaces places{.window = length, .first = -3, .step = 0.05};
        const double flop = 2.0 * static_cast<double>(batch * length * channels);
        suite.add("pointing_forward/" + n.name, flop, [=](auto& m) {
            using T = Scalar<decltype(m)>;
            const PointingForward<T> a{.score = m.input(Sequence<T>{nullptr, batch, length, 1, 0}),
                                       .x = m.input(Sequence<T>{nullptr, batch, length, channels, 0}),
                                       .a = m.output(Matrix<T>{nullptr, batch, length}),
                                       .place = m.output(Matrix<T>{nullptr, batch, 1}),
                                       .reading = m.output(Matrix<T>{nullptr, batch, channels})};
            return [=](auto& stream) { pointing_forward<T>(stream, places, a); };
        });
        suite.add("pointing_backward/" + n.name, 2 * flop, [=](auto& m) {
            using T = Scalar<decltype(m)>;
            const Sequence<T> x{nullptr, batch, length, channels, 0};
            const PointingBackward<T> a{.dplace = m.input(Matrix<T>{nullptr, batch, 1}),
                                        .dreading = m.input(Matrix<T>{nullptr, batch, channels}),
                                        .x = m.input(x),
                                        .a = m.input(Matrix<T>{nullptr, batch, length}),
                                        .dscore = m.output(Sequence<T>{nullptr, batch, length, 1, 0}),
                                        .write_score = Write::overwrite,
                                        .dx = m.output(x),
                                        .write_x = Write::overwrite,
                                        .workspace = m.workspace(pointing_workspace(places, batch))};
            return [=](auto& stream) { pointing_backward<T>(stream, places, a); };
        });
    }
}

}  // namespace abr::bench
