// Moves between sequences: sums of the attention blocks, skip connections of the U-Net, features of the heads.
#include "kernels/sequence_ops.hpp"

#include "bench/networks.hpp"

namespace abr::bench {
namespace {

void add_join(Suite& suite, const Setting& n, const std::string& part, Index length, Index a_channels,
              Index b_channels) {
    const Index batch = n.batch;
    suite.add("concat_channels/" + n.name + "/" + part, 0, [=](auto& m) {
        using T = Scalar<decltype(m)>;
        const auto a = m.input(Sequence<T>{nullptr, batch, length, a_channels, 0});
        const auto b = m.input(Sequence<T>{nullptr, batch, length, b_channels, 0});
        const auto y = m.output(Sequence<T>{nullptr, batch, length, a_channels + b_channels, 0});
        return [=](auto& stream) { concat_channels<T>(stream, a, b, y); };
    });
    suite.add("split_channels/" + n.name + "/" + part, 0, [=](auto& m) {
        using T = Scalar<decltype(m)>;
        const auto dy = m.input(Sequence<T>{nullptr, batch, length, a_channels + b_channels, 0});
        const auto da = m.output(Sequence<T>{nullptr, batch, length, a_channels, 0});
        const auto db = m.output(Sequence<T>{nullptr, batch, length, b_channels, 0});
        return
            [=](auto& stream) { split_channels<T>(stream, dy, da, Write::overwrite, db, Write::overwrite); };
    });
}

}  // namespace

void add_sequence_ops_cases(Suite& suite) {
    for (const Setting& n : settings()) {
        const Index batch = n.batch, tokens = n.tokens(), width = n.width();
        suite.add("copy/" + n.name + "/tokens", 0, [=](auto& m) {
            using T = Scalar<decltype(m)>;
            const Sequence<T> shape{nullptr, batch, tokens, width, 0};
            const auto x = m.input(shape), y = m.output(shape);
            return [=](auto& stream) { copy<T>(stream, x, y, Write::overwrite); };
        });
        suite.add("add/" + n.name + "/tokens", 0, [=](auto& m) {
            using T = Scalar<decltype(m)>;
            const Sequence<T> shape{nullptr, batch, tokens, width, 0};
            const auto a = m.input(shape), b = m.input(shape), y = m.output(shape);
            return [=](auto& stream) { add<T>(stream, a, b, y); };
        });
        for (std::size_t i = 1; i < n.shape.stem_kernels.size(); ++i)
            add_join(suite, n, "stem_" + std::to_string(i), n.length(0),
                     static_cast<Index>(i) * n.channels(0), n.channels(0));
        for (Index level = 0; level + 1 < n.shape.levels; ++level)
            add_join(suite, n, "skip_T" + std::to_string(n.length(level)), n.length(level), n.channels(level),
                     n.channels(level));
        add_join(suite, n, "pools", 1, width, n.channels(0));
        add_join(suite, n, "features", 1, width + n.channels(0), n.shape.embed_dim);
    }
}

}  // namespace abr::bench
