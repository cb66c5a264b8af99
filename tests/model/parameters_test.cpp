#include "model/parameters.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "kernels/philox.hpp"
#include "tests/model/small_problem.hpp"

using namespace abr;
using namespace abr::test;

namespace {

// One tensor of each kind in each group; a gap behind the bias of each.
ParameterLayout every_kind() {
    ParameterLayout layout;
    for (const auto group : {ParameterGroup::encoder, ParameterGroup::decoder, ParameterGroup::heads}) {
        layout.weight("weight", {100, 60}, 100, group);
        layout.bias("bias", 3, group);
        layout.bias_after_gap("bias_after_gap", 5, 3, group);
        layout.norm_weight("norm", 3, group);
        layout.film("film", {4, 2}, group);
    }
    return layout;
}

}  // namespace

TEST_CASE("parameters: weights alone decay, each group has its own rate, and gaps have none") {
    const ParameterLayout layout = every_kind();
    const auto segments = layout.segments({.encoder = 2, .decoder = 3, .heads = 5});
    std::size_t decaying = 0;
    Index end = 0;
    for (const ParameterSegment& segment : segments) {
        CHECK(segment.begin == end);
        end = segment.end;
        const ParameterSpec* spec = nullptr;
        for (const ParameterSpec& candidate : layout.specs())
            if (candidate.offset == segment.begin) spec = &candidate;
        CAPTURE(segment.begin);
        if (spec == nullptr) {
            CHECK(segment.rate_multiplier == 0);
            CHECK_FALSE(segment.decay);
            continue;
        }
        CAPTURE(spec->name);
        CHECK(segment.end - segment.begin == spec->size);
        CHECK(segment.decay == (spec->name == "weight"));
        const float rates[] = {2, 3, 5};
        CHECK(segment.rate_multiplier == rates[static_cast<std::size_t>(spec->group)]);
        decaying += segment.decay ? 1 : 0;
    }
    CHECK(end == layout.size());
    CHECK(decaying == 3);
}

TEST_CASE(
    "parameters: of the network, weights of convolutions, linear maps and pools decay, by their group") {
    const Network network(small_shape(), 1);
    std::size_t decaying = 0;
    for (const ParameterSpec& spec : network.parameters().specs()) {
        CAPTURE(spec.name);
        const bool film = spec.name.find(".film") != std::string::npos;
        CHECK(spec.film == film);
        CHECK(spec.decay == (!film && (spec.shape.size() > 1 || spec.name.ends_with(".score"))));
        const auto group = spec.name.starts_with("decoder.") || spec.name.starts_with("signal_head.")
                               ? ParameterGroup::decoder
                           : spec.name.starts_with("heads.") || spec.name.starts_with("pool_")
                               ? ParameterGroup::heads
                               : ParameterGroup::encoder;
        CHECK(spec.group == group);
        decaying += spec.decay ? 1 : 0;
    }
    CHECK(decaying > 20);
}

TEST_CASE("parameters: the variance of a weight is one over the inputs of an output, the rest is constant") {
    const ParameterLayout layout = every_kind();
    std::vector<float> values(static_cast<std::size_t>(layout.size()), 7);
    layout.initialise<float>(3, values);
    std::vector<bool> covered(values.size());
    for (const ParameterSpec& spec : layout.specs()) {
        CAPTURE(spec.name);
        double sum = 0, squares = 0, largest = 0;
        for (Index e = spec.offset; e < spec.offset + spec.size; ++e) {
            const double v = values[static_cast<std::size_t>(e)];
            covered[static_cast<std::size_t>(e)] = true;
            sum += v;
            squares += v * v;
            largest = std::max(largest, std::abs(v));
            if (spec.name != "weight") CHECK(v == (spec.name == "norm" ? 1 : 0));
        }
        if (spec.name != "weight") continue;
        // The square of a uniform number has a relative deviation of sqrt(4 / 5): four standard errors.
        const auto n = static_cast<double>(spec.size);
        const double error = 4 * std::sqrt(0.8 / n);
        CHECK(std::abs(sum / n) < 4 * std::sqrt(0.01 / n));
        CHECK(squares / n == doctest::Approx(0.01).epsilon(error));
        CHECK(largest <= std::sqrt(0.03));
        CHECK(largest > 0.99 * std::sqrt(0.03));
    }
    for (std::size_t e = 0; e < values.size(); ++e)
        if (!covered[e]) CHECK(values[e] == 0);
}

TEST_CASE("parameters: the draws are those of the contract, other ones for each tensor and seed") {
    const ParameterLayout layout = every_kind();
    std::vector<double> values(static_cast<std::size_t>(layout.size()));
    layout.initialise<double>(3, values);
    std::uint32_t tensor = 0;
    for (const ParameterSpec& spec : layout.specs()) {
        for (Index e = 0; spec.name == "weight" && e < 9; ++e) {
            const auto words = philox4x32(stream_key(3, Purpose::initialisation),
                                          static_cast<std::uint32_t>(e / 4), tensor, 0, 0);
            const double uniform = to_uniform(words[static_cast<std::size_t>(e % 4)]);
            CHECK(values[static_cast<std::size_t>(spec.offset + e)] ==
                  doctest::Approx(std::sqrt(0.03) * (2 * uniform - 1)).epsilon(1e-6));
        }
        ++tensor;
    }
    std::vector<double> other(values.size());
    layout.initialise<double>(4, other);
    CHECK(values[0] != other[0]);
}

TEST_CASE("parameters: the network tells each weight how many inputs an output has") {
    const Network network(small_shape(), 1);
    for (const ParameterSpec& spec : network.parameters().specs()) {
        if (spec.initialisation != Initialisation::uniform) continue;
        CAPTURE(spec.name);
        // (kernel, in, out), (in, out) or, of a pool's score, (in). A stride of 2 leaves half of the kernel.
        const Index outputs = spec.shape.size() > 1 ? spec.shape.back() : 1;
        const bool upsamples = spec.name.ends_with(".up.weight");
        CHECK(spec.fan_in == spec.size / outputs / (upsamples ? 2 : 1));
    }
}
