// Whether the operands of an op fit together: checked in every build, because an op on operands that do not
// fit reads and writes beside them. Both backends' ops check first; it costs a few comparisons a call. A
// check that fails throws std::logic_error with the op's name and every operand's shape: such a call is a
// mistake in the program.
#pragma once

#include <initializer_list>
#include <string_view>

#include "kernels/attention.hpp"
#include "kernels/attention_pool.hpp"
#include "kernels/norm.hpp"
#include "kernels/pointing.hpp"
#include "kernels/view.hpp"

namespace abr {

// An operand's name in the op's contract, and its shape; a matrix is a sequence of one row a sample.
struct NamedShape {
    std::string_view name;
    Index batch = 0, length = 1, channels = 0, pad = 0;

    template <class T>
    NamedShape(std::string_view operand, const Sequence<T>& s)
        : name(operand), batch(s.batch), length(s.length), channels(s.channels), pad(s.pad) {}
    template <class T>
    NamedShape(std::string_view operand, const Matrix<T>& m)
        : name(operand), batch(m.rows), channels(m.columns) {}

    // But for the padding.
    bool like(const NamedShape& other) const { return covers(other) && channels == other.channels; }
    bool covers(const NamedShape& other) const { return batch == other.batch && length == other.length; }
};

[[noreturn]] void reject_operands(std::string_view op, std::initializer_list<NamedShape>);

inline void check_operands(bool fit, std::string_view op, std::initializer_list<NamedShape> operands) {
    if (!fit) [[unlikely]]
        reject_operands(op, operands);
}

// All of one batch, length and number of channels.
inline void check_alike(std::string_view op, std::initializer_list<NamedShape> operands) {
    bool fit = true;
    for (const NamedShape& operand : operands) fit = fit && operand.like(*operands.begin());
    check_operands(fit, op, operands);
}

// y or dy beside x or dx, of Conv1d or ConvTranspose1d. `padded`: the operand that is read has the zero rows
// it needs.
template <class Op>
void check_convolution(std::string_view name, const Op& op, const NamedShape& x, const NamedShape& y,
                       bool padded) {
    const bool fit = x.batch == y.batch && x.channels == op.in_channels && y.channels == op.out_channels &&
                     y.length == op.out_length(x.length);
    check_operands(fit && padded, name, {x, y});
}

inline void check_linear(std::string_view op, const NamedShape& x, const NamedShape& y) {
    check_operands(x.batch == y.batch, op, {x, y});
}

// y = a beside b.
inline void check_concatenation(std::string_view op, const NamedShape& a, const NamedShape& b,
                                const NamedShape& y) {
    const bool fit = a.covers(y) && b.covers(y) && a.channels + b.channels == y.channels;
    check_operands(fit, op, {a, b, y});
}

template <class T>
void check_group_norm(std::string_view name, const GroupNorm& op, const GroupNormForward<T>& a) {
    check_operands(a.x.channels == op.channels && op.channels % op.groups == 0, name, {{"x", a.x}});
    check_alike(name, {{"x", a.x}, {"y", a.y}, {"residual", a.residual.data ? a.residual : a.x}});
}
template <class T>
void check_group_norm(std::string_view name, const GroupNorm& op, const GroupNormBackward<T>& a) {
    const NamedShape x("x", a.x), residual("residual", a.residual), dresidual("dresidual", a.dresidual);
    check_operands(a.x.channels == op.channels && op.channels % op.groups == 0, name, {x});
    check_alike(name, {x, {"dy", a.dy}, {"dx", a.dx}});
    const bool given = a.residual.data != nullptr, wanted = a.dresidual.data != nullptr;
    check_operands(given == wanted && (!given || (residual.like(x) && dresidual.like(x))), name,
                   {x, residual, dresidual});
}

// o or d_o beside qkv; dqkv is like qkv.
inline void check_attention(std::string_view name, const Attention& op, const NamedShape& qkv,
                            const NamedShape& o) {
    const bool fit = op.channels % op.heads == 0 && qkv.channels == 3 * op.channels &&
                     o.channels == op.channels && o.covers(qkv);
    check_operands(fit, name, {qkv, o});
}

// y or dy beside x; dx is like x.
inline void check_attention_pool(std::string_view name, const AttentionPool& op, const NamedShape& x,
                                 const NamedShape& y) {
    const bool fit = x.channels == op.channels && y.channels == op.channels && x.batch == y.batch;
    check_operands(fit, name, {x, y});
}

// score or dscore and x; place, reading or their gradients.
inline void check_pointing(std::string_view name, const SamplePlaces& places, const NamedShape& score,
                           const NamedShape& x, const NamedShape& a, const NamedShape& place,
                           const NamedShape& reading) {
    const bool fit = score.covers(x) && score.channels == 1 && x.length >= places.window &&
                     a.batch == x.batch && a.channels == places.window && place.batch == x.batch &&
                     place.channels == 1 && reading.batch == x.batch && reading.channels == x.channels;
    check_operands(fit, name, {score, x, a, place, reading});
}

// dscore counts only where gradients are wanted.
inline void check_location_loss(std::string_view name, const SamplePlaces& places, const NamedShape& score,
                                const NamedShape& dscore, bool wanted) {
    const bool fit = score.channels == 1 && score.length >= places.window && (!wanted || dscore.like(score));
    check_operands(fit, name, {score, dscore});
}

}  // namespace abr
