// Every layer, forward and all gradients, against PyTorch's values (tests/oracle/layers.py).
#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>

#include "kernels/activation.hpp"
#include "kernels/attention.hpp"
#include "kernels/attention_pool.hpp"
#include "kernels/conv1d.hpp"
#include "kernels/linear.hpp"
#include "kernels/norm.hpp"
#include "tests/golden_file.hpp"
#include "tests/kernels/support.hpp"

namespace abr {
namespace {

using test::GoldenFile;
using test::GuardedBuffer;
using test::GuardedSequence;

// Relative to the largest value of an array. Inputs are exact in both precisions. Some 100 roundings of a
// float (6e-8) add up to 6e-6 at worst; layers.py refuses cases where PyTorch's own float32 is off by 5e-6.
template <class T>
constexpr double kTolerance = std::is_same_v<T, float> ? 1e-5 : 1e-12;

const GoldenFile& golden() {
    static const GoldenFile file("layers.npz");
    return file;
}

// One case of the file, and the buffers of an op that runs on it.
template <class T>
class Case {
  public:
    Case(const std::string& op, const std::string& name) : path_(op + "/" + name + "/") {}

    bool has(const std::string& array) const { return golden().contains(path_ + array); }
    Index setting(const std::string& name) const { return golden().integer(path_ + name); }
    Index size(const std::string& array, std::size_t axis) const {
        return golden().shape(path_ + array).at(axis);
    }
    GuardedBuffer<T> input(const std::string& array) const {
        const auto values = golden().values<T>(path_ + array);
        GuardedBuffer<T> buffer(static_cast<Index>(values.size()));
        std::copy(values.begin(), values.end(), buffer.data());
        return buffer;
    }
    // (batch, length, channels) with padding rows.
    GuardedSequence<T> input_sequence(const std::string& array, Index pad = 0) const {
        GuardedSequence<T> sequence = output_sequence(array, pad);
        sequence.buffer().fill(T{0});
        const auto values = golden().values<T>(path_ + array);
        const Sequence<T> view = sequence.view();
        const Index row = view.length * view.channels;
        for (Index b = 0; b < view.batch; ++b) std::copy_n(values.data() + b * row, row, view.row(b, 0));
        return sequence;
    }
    // Poisoned, of the golden array's shape.
    GuardedSequence<T> output_sequence(const std::string& array, Index pad = 0) const {
        return GuardedSequence<T>(size(array, 0), size(array, 1), size(array, 2), pad);
    }
    // For gradients that accumulate.
    GuardedBuffer<T> zeros(const std::string& array) const {
        GuardedBuffer<T> buffer = input(array);
        buffer.fill(T{0});
        return buffer;
    }
    void check(const std::vector<T>& computed, const std::string& array) const {
        test::check_golden(computed, golden().values(path_ + array), kTolerance<T>, path_ + array);
    }
    void check(const GuardedBuffer<T>& computed, const std::string& array) const {
        check(test::values(computed), array);
    }
    void check(const GuardedSequence<T>& computed, const std::string& array) const {
        check(computed.values(), array);
    }

  private:
    std::string path_;
};

template <class T, class Run>
void for_each_case(const std::string& op, const Run& run) {
    for (const std::string& name : golden().parts(op)) run(Case<T>(op, name));
}

}  // namespace

TEST_CASE_TEMPLATE("golden: conv1d", T, float, double) {
    for_each_case<T>("conv1d", [](const Case<T>& c) {
        const Conv1d op{.in_channels = c.size("weight", 1),
                        .out_channels = c.size("weight", 2),
                        .kernel = c.size("weight", 0),
                        .stride = c.setting("stride"),
                        .dilation = c.setting("dilation"),
                        .padding = c.setting("padding")};
        cpu::Stream stream(1);
        auto x = c.input_sequence("x", conv1d_pad(op)), dy = c.input_sequence("dy", conv1d_pad(op));
        auto weight = c.input("weight"), bias = c.input("bias");
        auto y = c.output_sequence("y"), dx = c.output_sequence("d_x");
        auto dweight = c.zeros("d_weight"), dbias = c.zeros("d_bias");
        GuardedBuffer<T> workspace(conv1d_workspace(op, x.view().batch, x.view().length));
        cpu::conv1d_forward<T>(stream, op, x.view(), weight.data(), bias.data(), y.view(), workspace.data());
        cpu::conv1d_backward_data<T>(stream, op, dy.view(), weight.data(), dx.view(), Write::overwrite,
                                     workspace.data());
        cpu::conv1d_backward_weight<T>(stream, op, x.view(), dy.view(), dweight.data(), dbias.data(),
                                       workspace.data());
        c.check(y, "y");
        c.check(dx, "d_x");
        c.check(dweight, "d_weight");
        c.check(dbias, "d_bias");
    });
}

TEST_CASE_TEMPLATE("golden: conv_transpose1d", T, float, double) {
    for_each_case<T>("conv_transpose1d", [](const Case<T>& c) {
        const ConvTranspose1d op{.in_channels = c.size("weight", 1),
                                 .out_channels = c.size("weight", 2),
                                 .kernel = c.size("weight", 0),
                                 .stride = c.setting("stride"),
                                 .padding = c.setting("padding")};
        cpu::Stream stream(1);
        const Index pad = conv_transpose1d_pad(op);
        auto x = c.input_sequence("x", pad), dy = c.input_sequence("dy", pad);
        auto weight = c.input("weight"), bias = c.input("bias");
        auto y = c.output_sequence("y"), dx = c.output_sequence("d_x");
        auto dweight = c.zeros("d_weight"), dbias = c.zeros("d_bias");
        GuardedBuffer<T> workspace(conv_transpose1d_workspace(op, x.view().batch, x.view().length));
        cpu::conv_transpose1d_forward<T>(stream, op, x.view(), weight.data(), bias.data(), y.view(),
                                         workspace.data());
        cpu::conv_transpose1d_backward_data<T>(stream, op, dy.view(), weight.data(), dx.view(),
                                               Write::overwrite, workspace.data());
        cpu::conv_transpose1d_backward_weight<T>(stream, op, x.view(), dy.view(), dweight.data(),
                                                 dbias.data(), workspace.data());
        c.check(y, "y");
        c.check(dx, "d_x");
        c.check(dweight, "d_weight");
        c.check(dbias, "d_bias");
    });
}

TEST_CASE_TEMPLATE("golden: linear", T, float, double) {
    for_each_case<T>("linear", [](const Case<T>& c) {
        const Index rows = c.size("x", 0), in = c.size("weight", 0), out = c.size("weight", 1);
        cpu::Stream stream(1);
        auto x = c.input("x"), weight = c.input("weight"), bias = c.input("bias"), dy = c.input("dy");
        GuardedBuffer<T> y(rows * out), dx(rows * in), workspace(linear_workspace(in, out, rows));
        auto dweight = c.zeros("d_weight"), dbias = c.zeros("d_bias");
        const Matrix<T> upstream{dy.data(), rows, out};
        cpu::linear_forward<T>(stream, Matrix<T>{x.data(), rows, in}, weight.data(), bias.data(),
                               {y.data(), rows, out}, workspace.data());
        cpu::linear_backward_data<T>(stream, upstream, weight.data(), {dx.data(), rows, in}, Write::overwrite,
                                     workspace.data());
        cpu::linear_backward_weight<T>(stream, Matrix<T>{x.data(), rows, in}, upstream, dweight.data(),
                                       dbias.data(), workspace.data());
        c.check(y, "y");
        c.check(dx, "d_x");
        c.check(dweight, "d_weight");
        c.check(dbias, "d_bias");
    });
}

TEST_CASE_TEMPLATE("golden: group_norm with FiLM, residual and GELU", T, float, double) {
    for_each_case<T>("group_norm", [](const Case<T>& c) {
        const GroupNorm op{c.size("weight", 0), c.setting("groups"), c.setting("gelu") != 0};
        const bool with_film = c.has("film"), with_residual = c.has("residual");
        cpu::Stream stream(1);
        auto x = c.input_sequence("x"), dy = c.input_sequence("dy");
        auto weight = c.input("weight"), bias = c.input("bias");
        auto film = with_film ? c.input("film") : GuardedBuffer<T>(0);
        auto residual = with_residual ? c.input_sequence("residual") : GuardedSequence<T>(0, 0, 0, 0);
        auto y = c.output_sequence("y"), dx = c.output_sequence("d_x"), dresidual = c.output_sequence("y");
        auto dweight = c.zeros("d_weight"), dbias = c.zeros("d_bias");
        const Index batch = x.view().batch;
        GuardedBuffer<T> dfilm(batch * 2 * op.channels), mean(batch * op.groups), rstd(batch * op.groups),
            workspace(group_norm_workspace(op, batch));
        const Sequence<T> none;
        cpu::group_norm_forward<T>(stream, op,
                                   {.x = x.view(),
                                    .weight = weight.data(),
                                    .bias = bias.data(),
                                    .film = with_film ? film.data() : nullptr,
                                    .residual = with_residual ? residual.view() : none,
                                    .y = y.view(),
                                    .mean = mean.data(),
                                    .rstd = rstd.data()});
        cpu::group_norm_backward<T>(stream, op,
                                    {.dy = dy.view(),
                                     .x = x.view(),
                                     .weight = weight.data(),
                                     .bias = bias.data(),
                                     .film = with_film ? film.data() : nullptr,
                                     .residual = with_residual ? residual.view() : none,
                                     .mean = mean.data(),
                                     .rstd = rstd.data(),
                                     .dx = dx.view(),
                                     .dresidual = with_residual ? dresidual.view() : none,
                                     .dfilm = with_film ? dfilm.data() : nullptr,
                                     .dweight = dweight.data(),
                                     .dbias = dbias.data(),
                                     .workspace = workspace.data()});
        c.check(y, "y");
        c.check(dx, "d_x");
        c.check(dweight, "d_weight");
        c.check(dbias, "d_bias");
        if (with_film) c.check(dfilm, "d_film");
        if (with_residual) c.check(dresidual, "d_residual");
    });
}

TEST_CASE_TEMPLATE("golden: layer_norm", T, float, double) {
    for_each_case<T>("layer_norm", [](const Case<T>& c) {
        cpu::Stream stream(1);
        auto x = c.input_sequence("x"), dy = c.input_sequence("dy");
        auto weight = c.input("weight"), bias = c.input("bias");
        auto y = c.output_sequence("y"), dx = c.output_sequence("d_x");
        auto dweight = c.zeros("d_weight"), dbias = c.zeros("d_bias");
        const Index rows = x.view().batch * x.view().length;
        GuardedBuffer<T> mean(rows), rstd(rows), workspace(layer_norm_workspace(x.view().channels, rows));
        cpu::layer_norm_forward<T>(stream, x.view(), weight.data(), bias.data(), y.view(), mean.data(),
                                   rstd.data());
        cpu::layer_norm_backward<T>(stream, dy.view(), x.view(), weight.data(), mean.data(), rstd.data(),
                                    dx.view(), Write::overwrite, dweight.data(), dbias.data(),
                                    workspace.data());
        c.check(y, "y");
        c.check(dx, "d_x");
        c.check(dweight, "d_weight");
        c.check(dbias, "d_bias");
    });
}

TEST_CASE_TEMPLATE("golden: gelu", T, float, double) {
    for_each_case<T>("gelu", [](const Case<T>& c) {
        const Index rows = c.size("input", 0), columns = c.size("input", 1);
        cpu::Stream stream(1);
        auto x = c.input("input"), dy = c.input("dy");
        GuardedBuffer<T> y(rows * columns), dx(rows * columns);
        const Matrix<T> input{x.data(), rows, columns};
        cpu::gelu_forward<T>(stream, input, {}, 1, {y.data(), rows, columns});
        cpu::gelu_backward<T>(stream, Matrix<T>{dy.data(), rows, columns}, input, {}, 1,
                              {dx.data(), rows, columns});
        c.check(y, "y");
        c.check(dx, "d_input");
    });
}

TEST_CASE_TEMPLATE("golden: attention", T, float, double) {
    for_each_case<T>("attention", [](const Case<T>& c) {
        const Attention op{c.size("y", 2), c.setting("heads")};
        cpu::Stream stream(1);
        auto qkv = c.input_sequence("qkv"), dy = c.input_sequence("dy");
        auto y = c.output_sequence("y"), dqkv = c.output_sequence("d_qkv");
        const Index batch = c.size("y", 0), length = c.size("y", 1);
        GuardedBuffer<T> probabilities(batch * op.heads * length * length),
            workspace(attention_workspace(op, batch, length));
        cpu::attention_forward<T>(stream, op, qkv.view(), y.view(), probabilities.data());
        cpu::attention_backward<T>(stream, op, dy.view(), qkv.view(), probabilities.data(), dqkv.view(),
                                   workspace.data());
        c.check(y, "y");
        c.check(dqkv, "d_qkv");
    });
}

TEST_CASE_TEMPLATE("golden: sinusoidal positions", T, float, double) {
    for_each_case<T>("add_positions", [](const Case<T>& c) {
        cpu::Stream stream(1);
        auto x = c.input_sequence("x");
        auto y = c.output_sequence("y");
        cpu::add_positions<T>(stream, x.view(), y.view());
        c.check(y, "y");
    });
}

TEST_CASE_TEMPLATE("golden: attention pooling", T, float, double) {
    for_each_case<T>("attention_pool", [](const Case<T>& c) {
        const AttentionPool op{c.size("weight", 0), c.size("weight", 1)};
        cpu::Stream stream(1);
        auto x = c.input_sequence("x");
        auto weight = c.input("weight"), bias = c.input("bias"), score = c.input("score");
        auto dy = c.input("dy"), dweight = c.zeros("d_weight"), dbias = c.zeros("d_bias"),
             dscore = c.zeros("d_score");
        auto dx = c.output_sequence("d_x");
        const Index batch = c.size("x", 0), length = c.size("x", 1);
        GuardedBuffer<T> h(batch * length * op.hidden), a(batch * length), y(batch * op.channels),
            workspace(attention_pool_workspace(op, batch, length));
        cpu::attention_pool_forward<T>(stream, op,
                                       {.x = x.view(),
                                        .weight = weight.data(),
                                        .bias = bias.data(),
                                        .score = score.data(),
                                        .h = h.data(),
                                        .a = a.data(),
                                        .y = {y.data(), batch, op.channels},
                                        .workspace = workspace.data()});
        cpu::attention_pool_backward<T>(stream, op,
                                        {.dy = Matrix<T>{dy.data(), batch, op.channels},
                                         .x = x.view(),
                                         .weight = weight.data(),
                                         .score = score.data(),
                                         .h = h.data(),
                                         .a = a.data(),
                                         .dx = dx.view(),
                                         .write = Write::overwrite,
                                         .dweight = dweight.data(),
                                         .dbias = dbias.data(),
                                         .dscore = dscore.data(),
                                         .workspace = workspace.data()});
        c.check(y, "y");
        c.check(dx, "d_x");
        c.check(dweight, "d_weight");
        c.check(dbias, "d_bias");
        c.check(dscore, "d_score");
    });
}

}  // namespace abr
