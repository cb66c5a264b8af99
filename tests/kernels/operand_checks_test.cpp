// Operands that do not fit are refused in every build.
#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/activation.hpp"
#include "kernels/attention.hpp"
#include "kernels/attention_pool.hpp"
#include "kernels/batch.hpp"
#include "kernels/conv1d.hpp"
#include "kernels/cpu/stream.hpp"
#include "kernels/evaluation.hpp"
#include "kernels/linear.hpp"
#include "kernels/loss.hpp"
#include "kernels/norm.hpp"
#include "kernels/sequence_ops.hpp"

using namespace abr;

namespace {

cpu::Stream& stream() {
    static cpu::Stream one_thread(1);
    return one_thread;
}

float* memory() {
    static std::vector<float> floats(1 << 16);
    return floats.data();
}

Sequence<float> sequence(Index batch, Index length, Index channels, Index pad = 0) {
    return {memory(), batch, length, channels, pad};
}
Matrix<float> matrix(Index rows, Index columns) {
    return {memory(), rows, columns};
}

template <class Call>
std::string refusal(const Call& call) {
    try {
        call();
    } catch (const std::logic_error& error) {
        return error.what();
    }
    return "nothing was thrown";
}

// Each op of a pass over (2, 12, 8), one dimension of one operand off.
template <class Call>
void check_refused(const std::string& op, const Call& call) {
    CAPTURE(op);
    CHECK(refusal(call).starts_with(op + ": operands that do not fit: "));
}

}  // namespace

TEST_CASE("operands: a refusal names the op and every shape") {
    const Conv1d op{.in_channels = 8, .out_channels = 4, .kernel = 3, .padding = 1};
    CHECK(refusal([&] {
              conv1d_forward<float>(stream(), op, sequence(2, 12, 8, 1), memory(), memory(),
                                    sequence(2, 11, 4, 3), memory());
          }) ==
          "conv1d_forward: operands that do not fit: x (2, 12, 8) with 1 zero rows, y (2, 11, 4) with 3 zero "
          "rows");
    CHECK(refusal([&] {
              linear_forward<float>(stream(), matrix(5, 8), memory(), memory(), matrix(4, 3), memory());
          }) == "linear_forward: operands that do not fit: x (5, 1, 8), y (4, 1, 3)");
}

TEST_CASE("operands: convolutions ask for channels, batch, length and zero rows") {
    const Conv1d op{.in_channels = 8, .out_channels = 4, .kernel = 5, .padding = 2};
    const auto forward = [&](Sequence<float> x, Sequence<float> y) {
        return refusal([&] { conv1d_forward<float>(stream(), op, x, memory(), memory(), y, memory()); });
    };
    CHECK(forward(sequence(2, 12, 8, 2), sequence(2, 12, 4)) == "nothing was thrown");
    for (const auto& x :
         {sequence(1, 12, 8, 2), sequence(2, 13, 8, 2), sequence(2, 12, 7, 2), sequence(2, 12, 8, 1)})
        CHECK(forward(x, sequence(2, 12, 4)).starts_with("conv1d_forward: "));
    check_refused("conv1d_backward_data", [&] {
        conv1d_backward_data<float>(stream(), op, sequence(2, 12, 4, 1), memory(), sequence(2, 12, 8),
                                    Write::overwrite, memory());
    });
    check_refused("conv1d_backward_weight", [&] {
        conv1d_backward_weight<float>(stream(), op, sequence(2, 12, 8, 2), sequence(3, 12, 4), memory(),
                                      memory(), memory());
    });

    const ConvTranspose1d up{.in_channels = 8, .out_channels = 4, .kernel = 4, .stride = 2, .padding = 1};
    check_refused("conv_transpose1d_forward", [&] {
        conv_transpose1d_forward<float>(stream(), up, sequence(2, 12, 8), memory(), memory(),
                                        sequence(2, 24, 4), memory());
    });
    check_refused("conv_transpose1d_backward_data", [&] {
        conv_transpose1d_backward_data<float>(stream(), up, sequence(2, 24, 4), memory(), sequence(2, 12, 8),
                                              Write::overwrite, memory());
    });
    check_refused("conv_transpose1d_backward_weight", [&] {
        conv_transpose1d_backward_weight<float>(stream(), up, sequence(2, 12, 8), sequence(2, 23, 4, 1),
                                                memory(), memory(), memory());
    });
}

TEST_CASE("operands: every other op asks for shapes that fit") {
    check_refused("linear_backward_data", [] {
        linear_backward_data<float>(stream(), matrix(5, 3), memory(), matrix(6, 8), Write::overwrite,
                                    memory());
    });
    check_refused("linear_backward_weight", [] {
        linear_backward_weight<float>(stream(), matrix(5, 8), matrix(6, 3), memory(), memory(), memory());
    });
    check_refused("gelu_forward", [] { gelu_forward<float>(stream(), matrix(5, 8), {}, 1, matrix(5, 7)); });
    check_refused("gelu_backward",
                  [] { gelu_backward<float>(stream(), matrix(4, 8), matrix(5, 8), {}, 1, matrix(5, 8)); });
    check_refused("layer_norm_forward", [] {
        layer_norm_forward<float>(stream(), sequence(2, 12, 8), memory(), memory(), sequence(2, 12, 7),
                                  memory(), memory());
    });
    check_refused("layer_norm_backward", [] {
        layer_norm_backward<float>(stream(), sequence(2, 11, 8), sequence(2, 12, 8), memory(), memory(),
                                   memory(), sequence(2, 12, 8), Write::overwrite, memory(), memory(),
                                   memory());
    });

    const GroupNorm norm{.channels = 8, .groups = 4};
    const auto norm_forward = [&](Sequence<float> x, Sequence<float> residual, Sequence<float> y) {
        check_refused("group_norm_forward", [&] {
            group_norm_forward<float>(stream(), norm,
                                      {.x = x,
                                       .weight = memory(),
                                       .bias = memory(),
                                       .residual = residual,
                                       .y = y,
                                       .mean = memory(),
                                       .rstd = memory()});
        });
    };
    norm_forward(sequence(2, 12, 12), {}, sequence(2, 12, 12));
    norm_forward(sequence(2, 12, 8), {}, sequence(3, 12, 8));
    norm_forward(sequence(2, 12, 8), sequence(2, 10, 8), sequence(2, 12, 8));
    check_refused("group_norm_backward", [&] {  // a residual without its gradient
        group_norm_backward<float>(stream(), norm,
                                   {.dy = sequence(2, 12, 8),
                                    .x = sequence(2, 12, 8),
                                    .weight = memory(),
                                    .bias = memory(),
                                    .residual = sequence(2, 12, 8),
                                    .mean = memory(),
                                    .rstd = memory(),
                                    .dx = sequence(2, 12, 8),
                                    .dweight = memory(),
                                    .dbias = memory(),
                                    .workspace = memory()});
    });

    const Attention attention{.channels = 8, .heads = 2};
    check_refused("attention_forward", [&] {
        attention_forward<float>(stream(), attention, sequence(2, 12, 16), sequence(2, 12, 8), memory());
    });
    check_refused("attention_backward", [&] {
        attention_backward<float>(stream(), attention, sequence(2, 12, 8), sequence(2, 12, 24), memory(),
                                  sequence(2, 11, 24), memory());
    });
    check_refused("add_positions",
                  [] { add_positions<float>(stream(), sequence(2, 12, 8), sequence(2, 12, 6)); });

    const AttentionPool pool{.channels = 8, .hidden = 4};
    check_refused("attention_pool_forward", [&] {
        attention_pool_forward<float>(stream(), pool,
                                      {.x = sequence(2, 12, 8),
                                       .weight = memory(),
                                       .bias = memory(),
                                       .score = memory(),
                                       .h = memory(),
                                       .a = memory(),
                                       .y = matrix(3, 8),
                                       .workspace = memory()});
    });
    check_refused("attention_pool_backward", [&] {
        attention_pool_backward<float>(stream(), pool,
                                       {.dy = matrix(2, 8),
                                        .x = sequence(2, 12, 8),
                                        .weight = memory(),
                                        .score = memory(),
                                        .h = memory(),
                                        .a = memory(),
                                        .dx = sequence(2, 12, 4),
                                        .write = Write::overwrite,
                                        .dweight = memory(),
                                        .dbias = memory(),
                                        .dscore = memory(),
                                        .workspace = memory()});
    });

    check_refused("copy",
                  [] { copy<float>(stream(), sequence(2, 12, 8), sequence(2, 12, 6), Write::overwrite); });
    check_refused("add",
                  [] { add<float>(stream(), sequence(2, 12, 8), sequence(2, 11, 8), sequence(2, 12, 8)); });
    check_refused("concat_channels", [] {
        concat_channels<float>(stream(), sequence(2, 12, 8), sequence(2, 12, 4), sequence(2, 12, 11));
    });
    check_refused("split_channels", [] {
        split_channels<float>(stream(), sequence(2, 12, 12), sequence(2, 12, 8), Write::overwrite,
                              sequence(2, 11, 4), Write::overwrite);
    });
}

TEST_CASE("operands: a batch, its heads and their gradients have its rows, samples and classes") {
    const DeviceRecordings recordings{.rows = 3, .length = 12, .signal = memory()};
    const LossSettings settings{.classes = 5};
    const auto check_evaluation_refused = [&](const Batch<float>& batch, const Heads<float>& heads) {
        EvaluationArguments<float> a{};
        a.recordings = recordings;
        a.batch = batch;
        a.heads = heads;
        a.classes = settings.classes;
        check_refused("accumulate_evaluation", [&] { accumulate_evaluation(stream(), a); });
    };

    const auto batch_of = [](Sequence<float> input, Matrix<float> statics, Matrix<float> target) {
        Batch<float> batch;
        batch.input = input;
        batch.statics = statics;
        batch.targets.signal = target;
        return batch;
    };
    const Batch<float> whole = batch_of(sequence(2, 16, 1, 3), matrix(2, kStaticInputs), matrix(2, 12));
    for (const Batch<float>& batch : {batch_of(sequence(2, 11, 1), whole.statics, whole.targets.signal),
                                      batch_of(sequence(2, 16, 2), whole.statics, whole.targets.signal),
                                      batch_of(whole.input, matrix(3, kStaticInputs), whole.targets.signal),
                                      batch_of(whole.input, matrix(2, 7), whole.targets.signal),
                                      batch_of(whole.input, whole.statics, matrix(1, 12)),
                                      batch_of(whole.input, whole.statics, matrix(2, 13))}) {
        check_refused("gather_batch", [&] {
            gather_batch<float>(stream(), recordings, {}, BatchMode::validation, nullptr, nullptr, 0, batch);
        });
        check_evaluation_refused(batch, {});
    }

    const auto heads_of = [](Sequence<float> signal, Component c, Matrix<float> answer) {
        Heads<float> heads;
        heads.signal = signal;
        heads.answer[c] = answer;
        return heads;
    };
    const Heads<float> fitting =
        heads_of(sequence(2, 16, 1, 1), Component::classification, matrix(2, settings.classes));
    for (const Heads<float>& heads : {heads_of(sequence(3, 16, 1), Component::threshold, {}),
                                      heads_of(sequence(2, 11, 1), Component::threshold, {}),
                                      heads_of(sequence(2, 16, 2), Component::threshold, {}),
                                      heads_of({}, Component::threshold, matrix(3, 1)),
                                      heads_of({}, Component::threshold, matrix(2, settings.classes)),
                                      heads_of({}, Component::classification, matrix(2, 4))}) {
        LossArguments<float> a{};
        a.heads = heads;
        a.targets = whole.targets;
        check_refused("multi_task_loss", [&] { multi_task_loss(stream(), settings, a); });
        a.heads = fitting;
        a.gradients = &heads;
        check_refused("multi_task_loss", [&] { multi_task_loss(stream(), settings, a); });
        check_evaluation_refused(whole, heads);
    }
}
