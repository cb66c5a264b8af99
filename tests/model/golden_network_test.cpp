// The whole network against PyTorch's values (tests/oracle/network_golden.py).
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "tests/golden_file.hpp"
#include "tests/model/small_problem.hpp"

namespace abr {
namespace {

using test::check_golden;
using test::GoldenFile;
using test::RunnableNetwork;

// A setting that the file lacks has its default: the values are from before there was that setting.
NetworkShape read_shape(const GoldenFile& file) {
    NetworkShape shape;
    std::set<std::string> unread = file.parts("shape");
    const auto integers = [&](const std::string& name) {
        CHECK(unread.erase(name) == 1);
        return file.integers("shape/" + name);
    };
    shape.length = integers("length").at(0);
    shape.static_inputs = integers("static_inputs").at(0);
    shape.classes = integers("classes").at(0);
    for_each_network_setting([&]<auto member>(const NetworkSetting<member>& setting) {
        const std::string name(setting.name);
        auto& value = shape.*member;
        using Value = typename NetworkSetting<member>::Value;
        if (!unread.contains(name)) {
            value = setting.before.value_or(value);
        } else if constexpr (std::is_enum_v<Value>) {
            CHECK(unread.erase(name) == 1);
            const auto found = std::ranges::find(setting.names, file.texts("shape/" + name).at(0));
            REQUIRE(found != setting.names.end());
            value = static_cast<Value>(found - setting.names.begin());
        } else if constexpr (std::is_same_v<Value, std::vector<int>>) {
            const auto values = integers(name);
            value.assign(values.begin(), values.end());
        } else {
            CHECK(unread.erase(name) == 1);
            value = file.value<Value>("shape/" + name);
        }
    });
    // Files from before there was a pointing head lack the places of samples.
    for (const auto& [name, member] : {std::pair("first_place", &NetworkShape::first_place),
                                       std::pair("place_step", &NetworkShape::place_step)})
        if (unread.erase(name) == 1) shape.*member = file.value<double>("shape/" + std::string(name));
    const auto built = file.texts("shape/built");
    unread.erase("built");
    CHECK(unread.empty());
    for (std::size_t c = 0; c < kComponents; ++c)
        shape.built[c] = std::find(built.begin(), built.end(), kComponentNames[c]) != built.end();
    return shape;
}

template <class Types>
void load_inputs(const GoldenFile& file, RunnableNetwork<Types>& net) {
    using T = typename Types::Storage;
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
template <class Types, class T, class Visit>
void for_each_head(const RunnableNetwork<Types>& net, const Heads<T>& heads, const Visit& visit) {
    const Index batch = net.statics().rows, length = net.network.shape().length;
    for (Index b = 0; b < batch && heads.signal.data; ++b) visit("signal", heads.signal.row(b, 0), length);
    for (const Component c : kAllComponents)
        if (const Matrix<T>& answer = heads.answer[c]; answer.data != nullptr)
            visit(std::string(task_of(c).name), answer.data, answer.size());
}

template <class Types>
void check_network(const GoldenFile& file, double tolerance) {
    using T = typename Types::Storage;
    RunnableNetwork<Types> net(read_shape(file), file.shape("signal").at(0));
    load_inputs(file, net);
    net.forward(0);
    std::map<std::string, std::vector<T>> outputs;
    for_each_head(net, net.network.outputs(net.pass(0)),
                  [&](const std::string& name, const T* values, Index count) {
                      outputs[name].insert(outputs[name].end(), values, values + count);
                  });
    CHECK(outputs.size() == file.parts("outputs").size());
    for (const auto& [name, values] : outputs)
        check_golden(values, file.values("outputs/" + name), tolerance, name);

    const Heads<T> gradients = net.network.output_gradients(net.pass(0));
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
    for (const std::string name : {"all_heads", "two_blocks", "signal_only", "pointing"}) {
        CAPTURE(name);
        const GoldenFile file("network_" + name + ".npz");
        check_network<Fp64>(file, 1e-11);
        // Rounding (6e-8) through some 40 layers and back; PyTorch's own float32 is off by up to 2.5e-5.
        check_network<Fp32>(file, 5e-5);
    }
}

}  // namespace abr
