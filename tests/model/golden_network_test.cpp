// The whole network against PyTorch's values (tests/oracle/network_golden.py).
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/golden_file.hpp"
#include "tests/model/small_problem.hpp"

namespace abr {
namespace {

using test::check_golden;
using test::GoldenFile;
using test::RunnableNetwork;

NetworkShape read_shape(const GoldenFile& file) {
    NetworkShape shape;
    const auto integer = [&](const std::string& name) { return file.integer("shape/" + name); };
    shape.length = integer("length");
    shape.static_inputs = integer("static_inputs");
    shape.classes = integer("classes");
    shape.base_channels = integer("base_channels");
    shape.levels = integer("levels");
    shape.kernel = integer("kernel");
    shape.stem_kernels = file.integers("shape/stem_kernels");
    shape.stem_dilations = file.integers("shape/stem_dilations");
    shape.blocks_per_level = integer("blocks_per_level");
    shape.groups = integer("groups");
    shape.attention_layers = integer("attention_layers");
    shape.heads = integer("heads");
    shape.feed_forward = integer("feed_forward");
    shape.embed_dim = integer("embed_dim");
    shape.head_hidden = integer("head_hidden");
    const auto built = file.texts("shape/built");
    for (std::size_t c = 0; c < kComponents; ++c)
        shape.built[c] = std::find(built.begin(), built.end(), kComponentNames[c]) != built.end();
    return shape;
}

template <class T>
void load_inputs(const GoldenFile& file, RunnableNetwork<T>& net) {
    const auto specs = net.network.parameters().specs();
    REQUIRE(file.parts("parameters").size() == specs.size());
    for (const auto& spec : specs) {
        const std::string array = "parameters/" + spec.name;
        CHECK_MESSAGE(file.shape(array) == spec.shape, spec.name);
        const auto values = file.values<T>(array);
        REQUIRE(static_cast<Index>(values.size()) == spec.size);
        std::copy(values.begin(), values.end(), net.parameters.data() + spec.offset);
    }
    const auto signal = file.values<T>("signal"), statics = file.values<T>("statics");
    const Index length = net.network.shape().length;
    for (Index b = 0; b < net.signal().batch; ++b)
        std::copy_n(signal.data() + b * length, length, net.signal().row(b, 0));
    REQUIRE(static_cast<Index>(statics.size()) == net.statics().size());
    std::copy(statics.begin(), statics.end(), net.statics().data);
}

// visit(component's name, values, count) for each head that is built, the signal recording by recording.
template <class T, class Visit>
void for_each_head(const RunnableNetwork<T>& net, const Heads<T>& heads, const Visit& visit) {
    const Index batch = net.statics().rows, length = net.network.shape().length;
    for (Index b = 0; b < batch && heads.signal.data; ++b) visit("signal", heads.signal.row(b, 0), length);
    for (const Component c : kAllComponents)
        if (const Matrix<T>& answer = heads.answer[c]; answer.data != nullptr)
            visit(std::string(task_of(c).name), answer.data, answer.size());
}

template <class T>
void check_network(const GoldenFile& file, double tolerance) {
    RunnableNetwork<T> net(read_shape(file), file.shape("signal").at(0));
    load_inputs(file, net);
    net.forward(0);
    std::map<std::string, std::vector<T>> outputs;
    for_each_head(net, net.network.template outputs<cpu::Stream, T>(net.pass(0)),
                  [&](const std::string& name, const T* values, Index count) {
                      outputs[name].insert(outputs[name].end(), values, values + count);
                  });
    CHECK(outputs.size() == file.parts("outputs").size());
    for (const auto& [name, values] : outputs)
        check_golden(values, file.values("outputs/" + name), tolerance, name);

    const Heads<T> gradients = net.network.template output_gradients<cpu::Stream, T>(net.pass(0));
    if (gradients.signal.data) std::fill_n(gradients.signal.data, gradients.signal.size(), T{0});
    std::map<std::string, Index> read;
    for_each_head(net, gradients, [&](const std::string& name, T* values, Index count) {
        const auto upstream = file.values<T>("upstream/" + name);
        REQUIRE(read[name] + count <= static_cast<Index>(upstream.size()));
        std::copy_n(upstream.data() + read[name], count, values);
        read[name] += count;
    });
    net.backward(0);
    for (const auto& spec : net.network.parameters().specs()) {
        const auto golden = file.values("gradients/" + spec.name);
        const bool any = std::any_of(golden.begin(), golden.end(), [](double g) { return g != 0; });
        CHECK_MESSAGE(any, spec.name);
        const T* begin = net.gradients.data() + spec.offset;
        check_golden(std::vector<T>(begin, begin + spec.size), golden, tolerance, spec.name);
    }
}

}  // namespace

TEST_CASE("golden: outputs and every parameter's gradient of the network, in double and float") {
    for (const std::string name : {"all_heads", "two_blocks", "signal_only"}) {
        CAPTURE(name);
        const GoldenFile file("network_" + name + ".npz");
        check_network<double>(file, 1e-11);
        // Rounding (6e-8) through some 40 layers and back; PyTorch's own float32 is off by up to 2.5e-5.
        check_network<float>(file, 5e-5);
    }
}

}  // namespace abr
