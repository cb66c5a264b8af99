#include "engine/training/network_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/error.hpp"
#include "engine/output/text_table.hpp"
#include "kernels/batch.hpp"

namespace abr {
namespace {

// What the data decide of a network: visit(name, value, range).
template <class Shape, class Visit>
void for_each_size(Shape& shape, const Visit& visit) {
    visit("length", shape.length, Range{1, 1 << 20});
    visit("static_inputs", shape.static_inputs, Range{kStaticInputs, kStaticInputs});
    visit("classes", shape.classes, Range{1, 1 << 16});
}

template <class Visit>
void for_each_stored_setting(const Visit& visit) {
    for_each_network_setting([&](const auto& setting) {
        if (!setting.training_only) visit(std::string(setting.name), setting);
    });
}

constexpr const char* kBuiltKey = "built";

class Reader {
  public:
    Reader(const Json& model, const std::string& file) : model_(model), file_(file) {}

    bool contains(const std::string& name) {
        asked_.insert(name);
        return model_.contains(name);
    }
    // One of names.
    template <class V>
    void read_name(const std::string& name, std::span<const std::string_view> names, V& value) {
        const Json& json = at(name);
        const auto found = json.is_string() ? std::ranges::find(names, json.get<std::string>()) : names.end();
        if (found == names.end()) fail(fmt::format("{} is none of {}", name, fmt::join(names, ", ")));
        value = static_cast<V>(found - names.begin());
    }
    // An integer, a number, or a list of integers.
    template <class V>
    void read(const std::string& name, const Range& range, V& value) {
        const Json& json = at(name);
        if constexpr (std::is_same_v<V, std::vector<int>>) {
            if (!json.is_array()) fail(fmt::format("{} is no list", name));
            value.assign(json.size(), 0);
            for (std::size_t i = 0; i < value.size(); ++i) read_number(name, json[i], range, value[i]);
        } else {
            read_number(name, json, range, value);
        }
    }
    // A file from before there were further components has no head for them.
    void read_built(PerComponent<bool>& built) {
        const Json& json = at(kBuiltKey);
        const auto is_boolean = [](const Json& value) { return value.is_boolean(); };
        if (!json.is_array() || json.size() > kComponents || !std::ranges::all_of(json, is_boolean))
            fail(fmt::format("{} is no list of at most {} truth values", kBuiltKey, kComponents));
        built = {};
        for (std::size_t c = 0; c < json.size(); ++c) built[c] = json[c].get<bool>();
    }
    // The first member that nothing has asked for, or an empty name.
    std::string unknown() const {
        for (const auto& [name, value] : model_.items())
            if (!asked_.contains(name)) return name;
        return {};
    }
    [[noreturn]] void fail(const std::string& what) const {
        throw InputError(fmt::format("{}: metadata `model`: {}; expected a checkpoint written by abr_engine",
                                     file_, what));
    }

  private:
    const Json& at(const std::string& name) {
        if (!contains(name)) fail(fmt::format("{} is missing", name));
        return model_.at(name);
    }
    template <class V>
    void read_number(const std::string& name, const Json& json, const Range& range, V& value) const {
        constexpr bool kInteger = std::is_integral_v<V>;
        if (kInteger ? !json.is_number_integer() : !json.is_number())
            fail(fmt::format("{} is no {}", name, kInteger ? "integer" : "number"));
        if (!range.contains(json.get<double>()))
            fail(fmt::format("{} = {} is out of range ({} to {})", name, json.dump(), range.low, range.high));
        value = json.get<V>();
    }

    const Json& model_;
    const std::string& file_;
    std::set<std::string> asked_;
};

}  // namespace

Json to_json(const NetworkShape& shape) {
    Json json;
    for_each_size(shape, [&](const char* name, Index value, const Range&) { json[name] = value; });
    for_each_stored_setting([&]<auto member>(const std::string& name, const NetworkSetting<member>& setting) {
        if constexpr (std::is_enum_v<typename NetworkSetting<member>::Value>)
            json[name] = setting.names[static_cast<std::size_t>(shape.*member)];
        else
            json[name] = shape.*member;
    });
    json[kBuiltKey] = shape.built.values;
    return json;
}

NetworkShape network_from_json(const Json& model, const std::string& file,
                               const std::string& engine_version) {
    Reader reader(model, file);
    NetworkShape shape;
    for_each_size(
        shape, [&](const char* name, Index& value, const Range& range) { reader.read(name, range, value); });
    for_each_stored_setting([&]<auto member>(const std::string& name, const NetworkSetting<member>& setting) {
        if (!reader.contains(name))
            shape.*member = setting.before.value_or(shape.*member);
        else if constexpr (std::is_enum_v<typename NetworkSetting<member>::Value>)
            reader.read_name(name, setting.names, shape.*member);
        else
            reader.read(name, setting.range, shape.*member);
    });
    reader.read_built(shape.built);
    if (const std::string name = reader.unknown(); !name.empty())
        throw InputError(
            fmt::format("{}: metadata `model`: this version knows no setting `{}`; use the version of "
                        "abr_engine that wrote it (engine_version `{}`)",
                        file, printable(name), engine_version));
    if (const auto found = contradictions(shape); !found.empty())
        reader.fail(fmt::format("the settings contradict one another: {}: {}",
                                fmt::join(found[0].settings, ", "), found[0].message));
    return shape;
}

}  // namespace abr
