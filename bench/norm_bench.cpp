// GroupNorm with what is fused behind it, as the stem and both halves of a residual block use it, and LayerNorm.
#include "bench/networks.hpp"
#include "kernels/norm.hpp"

namespace abr::bench {
namespace {

struct Fused {
    const char* part;
    bool film, residual;
    float dropout;
};

template <class T>
Sequence<T> none() {
    return {};
}

void add_group_norm(Suite& suite, const Setting& n, const Fused& fused, Index channels, Index length) {
    const Index batch = n.batch, groups = n.shape.groups;
    const GroupNorm op{channels, groups, true};
    const std::string part = n.name + "/" + fused.part + "_T" + std::to_string(length);
    suite.add("group_norm_forward/" + part, 0, [=](auto& m) {
        using T = Scalar<decltype(m)>;
        const Sequence<T> shape{nullptr, batch, length, channels, 0};
        const GroupNormForward<T> a{
            .x = m.input(shape),
            .weight = m.input(channels),
            .bias = m.input(channels),
            .film = fused.film ? m.input(batch * 2 * channels) : nullptr,
            .residual = fused.residual ? m.input(shape) : none<T>(),
            .dropout = {.rate = fused.dropout, .state = m.given(std::vector<StepState>(1))},
            .y = m.output(shape),
            .mean = m.output(batch * groups),
            .rstd = m.output(batch * groups)};
        return [=](auto& stream) { group_norm_forward<T>(stream, op, a); };
    });
    suite.add("group_norm_backward/" + part, 0, [=](auto& m) {
        using T = Scalar<decltype(m)>;
        const Sequence<T> shape{nullptr, batch, length, channels, 0};
        const GroupNormBackward<T> a{
            .dy = m.input(shape),
            .x = m.input(shape),
            .weight = m.input(channels),
            .bias = m.input(channels),
            .film = fused.film ? m.input(batch * 2 * channels) : nullptr,
            .residual = fused.residual ? m.input(shape) : none<T>(),
            .dropout = {.rate = fused.dropout, .state = m.given(std::vector<StepState>(1))},
            .mean = m.input(batch * groups, -0.1, 0.1),
            .rstd = m.input(batch * groups, 1.6, 1.8),
            .dx = m.output(shape),
            .dresidual = fused.residual ? m.output(shape) : none<T>(),
            .dfilm = fused.film ? m.output(batch * 2 * channels) : nullptr,
            .dweight = m.accumulated(channels),
            .dbias = m.accumulated(channels),
            .workspace = m.workspace(group_norm_workspace(op, batch))};
        return [=](auto& stream) { group_norm_backward<T>(stream, op, a); };
    });
}

void add_layer_norm(Suite& suite, const Setting& n, const std::string& part, Index rows, Index channels) {
    suite.add("layer_norm_forward/" + n.name + "/" + part, 0, [=](auto& m) {
        using T = Scalar<decltype(m)>;
        const Sequence<T> shape{nullptr, rows, 1, channels, 0};
        const auto x = m.input(shape), y = m.output(shape);
        const T *weight = m.input(channels), *bias = m.input(channels);
        T *mean = m.output(rows), *rstd = m.output(rows);
        return [=](auto& stream) { layer_norm_forward<T>(stream, x, weight, bias, y, mean, rstd); };
    });
    suite.add("layer_norm_backward/" + n.name + "/" + part, 0, [=](auto& m) {
        using T = Scalar<decltype(m)>;
        const Sequence<T> shape{nullptr, rows, 1, channels, 0};
        const auto dy = m.input(shape), x = m.input(shape), dx = m.output(shape);
        const T *weight = m.input(channels), *mean = m.input(rows, -0.1, 0.1),
                *rstd = m.input(rows, 1.6, 1.8);
        T *dweight = m.accumulated(channels), *dbias = m.accumulated(channels);
        T* workspace = m.workspace(layer_norm_workspace(channels, rows));
        return [=](auto& stream) {
            layer_norm_backward<T>(stream, dy, x, weight, mean, rstd, dx, Write::overwrite, dweight, dbias,
                                   workspace);
        };
    });
}

}  // namespace

void add_norm_cases(Suite& suite) {
    for (const Setting& n : settings()) {
        add_group_norm(suite, n, {"stem", false, false, 0}, n.channels(0), n.length(0));
        for (Index level = 0; level < n.shape.levels; ++level) {
            add_group_norm(suite, n, {"film_dropout", true, false, 0.1f}, n.channels(level), n.length(level));
            add_group_norm(suite, n, {"film_residual", true, true, 0}, n.channels(level), n.length(level));
        }
        add_layer_norm(suite, n, "tokens", n.batch * n.tokens(), n.width());
        add_layer_norm(suite, n, "features", n.batch, n.joined_width());
        add_layer_norm(suite, n, "embedding", n.batch, n.shape.embed_dim);
    }
}

}  // namespace abr::bench
