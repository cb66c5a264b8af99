// What is said about keys and values: types, limits, values in TOML, the resolved configuration, the
// reference.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <span>
#include <type_traits>

#include <fmt/format.h>

#include "engine/keys/keys.hpp"
#include "engine/keys/load.hpp"

namespace abr {
namespace {

template <class... Functions>
struct Overloaded : Functions... {
    using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;  // for compilers before C++20's aggregate deduction

// The shortest decimal that reads back the same; the exponent without leading zeros.
template <class T>
std::string shortest(T value) {
    std::string text = fmt::format("{}", value);
    const std::size_t exponent = text.find('e');  // 1e-06
    if (exponent != std::string::npos && text[exponent + 2] == '0') text.erase(exponent + 2, 1);
    return text;
}

// As shortest, and a float in TOML: with a point or an exponent.
template <class T>
std::string number_text(T value) {
    const std::string text = shortest(value);
    return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

template <class Values, class Text>
std::string list_text(const Values& values, Text text) {
    std::string list = "[";
    for (const auto& value : values) list += (list.size() > 1 ? ", " : "") + text(value);
    return list + "]";
}

std::string class_weights_text(const LossConfig& loss) {
    switch (loss.class_weighting) {
        case ClassWeighting::none:
            return toml_string("none");
        case ClassWeighting::balanced:
            return toml_string("balanced");
        case ClassWeighting::given:
            break;
    }
    return list_text(loss.class_weights, toml_number);
}

std::string filter_value_text(const FilterValue& value) {
    return std::visit(Overloaded{[](double number) { return toml_number(number); },
                                 [](const std::string& text) { return toml_string(text); }},
                      value);
}

std::string_view operation_name(FilterOperation operation) {
    switch (operation) {
        case FilterOperation::not_equal:
            return "not";
        case FilterOperation::less_than:
            return "less_than";
        case FilterOperation::greater_than:
            return "greater_than";
        case FilterOperation::at_least:
            return "at_least";
        case FilterOperation::at_most:
            return "at_most";
        case FilterOperation::one_of:
            return "one_of";
        case FilterOperation::equals:
            break;
    }
    return {};
}

using Lines = std::vector<std::pair<std::string, std::string>>;  // name and value

Lines named_lists_lines(const NamedLists& lists) {
    Lines lines;
    for (const auto& [name, texts] : lists) lines.emplace_back(name, list_text(texts, toml_string));
    return lines;
}

// The operations on one column stand side by side, as they were read from one value.
Lines filter_lines(const Config& config) {
    Lines lines;
    for (const RowFilter& filter : config.data.filters) {
        const std::string value = filter.operation == FilterOperation::one_of
                                      ? list_text(filter.values, filter_value_text)
                                      : filter_value_text(filter.values.front());
        if (filter.operation == FilterOperation::equals) {
            lines.emplace_back(filter.column, value);
            continue;
        }
        if (lines.empty() || lines.back().first != filter.column) lines.emplace_back(filter.column, "{ }");
        std::string& table = lines.back().second;
        table.resize(table.size() - 2);  // " }"
        table += fmt::format("{} {} = {} }}", table.size() > 1 ? "," : "", operation_name(filter.operation),
                             value);
    }
    return lines;
}

Lines lines_of(const Key& key, const Config& config) {
    if (key.present && !key.present(config)) return {};
    if (const auto* lists = std::get_if<Member<NamedLists>>(&key.field)) {
        Config copy = config;
        return named_lists_lines((*lists)(copy));
    }
    if (std::holds_alternative<RowFilterField>(key.field)) return filter_lines(config);
    std::string value = value_text(key, config);
    if (value.empty()) return {};
    return {{split_path(key.path).back(), std::move(value)}};
}

std::string section_of(std::string_view path) {
    return std::string(path.substr(0, path.rfind('.')));
}

// What a configuration says, or what a stage says other than the configuration around it.
std::string sections_text(const Config& config, const Config* around = nullptr) {
    std::string text, section;
    for (const bool of_stage : {true, false}) {  // the stage's own keys come first
        for (const Key& key : config_keys()) {
            const std::string key_section = section_of(key.path);
            if ((key_section == kStageSection) != of_stage) continue;
            const Lines lines = lines_of(key, config);
            if (around && lines == lines_of(key, *around)) continue;
            for (const auto& [name, value] : lines) {
                if (key_section != section) {
                    section = key_section;
                    text += of_stage ? fmt::format("\n[[{}]]\n", section)
                                     : fmt::format("\n[{}{}]\n", around ? "stages." : "", section);
                }
                text += fmt::format("{} = {}\n", toml_key(name), value);
            }
        }
    }
    return text;
}

std::string stage_names(std::span<const Config> stages) {
    std::string names;
    for (const Config& stage : stages) names += (names.empty() ? "" : ", ") + stage.stage.name;
    return names;
}

// Most keys have one line; filters and class aliases have one for each name.
void add_differences(std::vector<ConfigDifference>& differences, const Key& key, const Config& first,
                     const Config& second) {
    std::map<std::string, std::pair<std::string, std::string>> values;
    for (const auto& [name, value] : lines_of(key, first)) values[name].first = value;
    for (const auto& [name, value] : lines_of(key, second)) values[name].second = value;
    for (const auto& [name, both] : values) {
        const std::string path = fmt::format("{}.{}", section_of(key.path), toml_key(name));
        if (both.first != both.second)
            differences.push_back({path_in_stage(second.stage.name, path), both.first, both.second});
    }
}

std::string choices_text(const Choice& choice) {
    std::string text;
    for (const std::string_view name : choice.names) text += (text.empty() ? "" : ", ") + toml_string(name);
    return text;
}

std::string range_text(const Range& range) {
    const bool low = std::isfinite(range.low), high = std::isfinite(range.high);
    if (low && high && range.includes_low && range.includes_high) {
        return fmt::format("{} … {}", shortest(range.low), shortest(range.high));
    }
    std::string text;
    if (low) text = fmt::format("{} {}", range.includes_low ? "≥" : ">", shortest(range.low));
    if (low && high) text += ", ";
    if (high) text += fmt::format("{} {}", range.includes_high ? "≤" : "<", shortest(range.high));
    return text;
}

std::string field_limits(const Key& key) {
    return std::visit(Overloaded{[](const Choice& choice) { return choices_text(choice); },
                                 [](Member<bool>) { return std::string("true, false"); },
                                 [](Member<std::uint64_t>) { return std::string("0 … 9223372036854775807"); },
                                 [&](ClassWeightsField) {
                                     return fmt::format("\"none\", \"balanced\", or a list of {}",
                                                        range_text(key.range));
                                 },
                                 [&](const auto&) { return range_text(key.range); }},
                      key.field);
}

std::string default_of(const Key& key) {
    if (!key.default_text.empty()) return std::string(key.default_text);
    const std::string value = value_text(key, Config{});
    return value.empty() ? "none" : fmt::format("`{}`", value);
}

}  // namespace

std::string toml_string(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            quoted += '\\';
            quoted += c;
        } else if (byte < 0x20 || byte == 0x7F) {
            quoted += fmt::format("\\u{:04X}", byte);
        } else {
            quoted += c;
        }
    }
    return quoted + '"';
}

std::string toml_key(std::string_view name) {
    constexpr std::string_view kBare = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const bool bare = !name.empty() && name.find_first_not_of(kBare) == std::string_view::npos;
    return bare ? std::string(name) : toml_string(name);
}

std::string toml_number(double value) {
    return number_text(value);
}

std::string path_in_stage(std::string_view stage, std::string_view path) {
    if (stage.empty()) return std::string(path);
    const std::string own = fmt::format("{}.", kStageSection);
    if (path.starts_with(own)) path.remove_prefix(own.size());
    return fmt::format("{}{}.{}", own, toml_key(stage), path);
}

std::string type_text(const Key& key) {
    return std::visit(
        Overloaded{
            [](Member<bool>) { return "boolean"; }, [](Member<int>) { return "integer"; },
            [](Member<std::uint64_t>) { return "integer"; }, [](Member<float>) { return "number"; },
            [](Member<double>) { return "number"; }, [](Member<std::optional<double>>) { return "number"; },
            [](Member<std::string>) { return "text"; }, [](Member<std::filesystem::path>) { return "path"; },
            [](Member<std::vector<int>>) { return "list of integers"; },
            [](Member<std::vector<std::string>>) { return "list of text"; },
            [](const Choice&) { return "text"; }, [](const NumberPair&) { return "list of two numbers"; },
            [](ClassWeightsField) { return "text or list of numbers"; },
            [](Member<NamedLists>) { return "list of text"; },
            [](Member<std::optional<std::array<double, 2>>>) { return "list of two numbers"; },
            [](RowFilterField) { return "text, number or table"; },
            [](const RuleSettingField& setting) { return setting.is_count ? "integer" : "number"; }},
        key.field);
}

std::string allowed_text(const Key& key) {
    const std::string limits = field_limits(key);
    if (limits.empty() || key.allowed.empty()) return limits.empty() ? std::string(key.allowed) : limits;
    return fmt::format("{}; {}", limits, key.allowed);
}

std::string value_text(const Key& key, const Config& config) {
    Config copy = config;  // members are reached through a mutable configuration
    return std::visit(
        Overloaded{
            [&](Member<bool> member) { return std::string(member(copy) ? "true" : "false"); },
            [&](Member<int> member) { return shortest(member(copy)); },
            [&](Member<std::uint64_t> member) { return shortest(member(copy)); },
            [&](Member<float> member) { return number_text(member(copy)); },
            [&](Member<double> member) { return number_text(member(copy)); },
            [&](Member<std::optional<double>> member) {
                return member(copy) ? number_text(*member(copy)) : std::string();
            },
            [&](Member<std::string> member) { return toml_string(member(copy)); },
            [&](Member<std::filesystem::path> member) {
                return member(copy).empty() ? std::string() : toml_string(member(copy).string());
            },
            [&](Member<std::vector<int>> member) { return list_text(member(copy), shortest<int>); },
            [&](Member<std::vector<std::string>> member) { return list_text(member(copy), toml_string); },
            [&](const Choice& choice) {
                return toml_string(choice.names[static_cast<std::size_t>(choice.get(copy))]);
            },
            [&](const NumberPair& pair) {
                return list_text(std::array{pair.low(copy), pair.high(copy)}, number_text<float>);
            },
            [&](ClassWeightsField) { return class_weights_text(copy.loss); },
            [&](Member<std::optional<std::array<double, 2>>> member) {
                return member(copy) ? list_text(*member(copy), number_text<double>) : std::string();
            },
            [](Member<NamedLists>) { return std::string(); }, [](RowFilterField) { return std::string(); },
            [&](const RuleSettingField& setting) {
                const auto written = copy.diagnostics.settings.find(setting.path);
                const double value =
                    written == copy.diagnostics.settings.end() ? setting.default_value : written->second;
                return setting.is_count ? shortest(static_cast<std::int64_t>(value)) : number_text(value);
            }},
        key.field);
}

std::string to_toml(const Config& config) {
    std::string text =
        fmt::format("{} Running it again repeats the run.\n", kResolvedConfiguration) + sections_text(config);
    for (const Config& stage : config.stages) text += sections_text(stage, &config);
    return text;
}

std::vector<ConfigDifference> config_differences(const Config& first, const Config& second) {
    std::vector<ConfigDifference> differences;
    const auto stages = stages_of(first), other_stages = stages_of(second);
    const std::string names = stage_names(stages), other_names = stage_names(other_stages);
    if (names != other_names) differences.push_back({"stages", names, other_names});
    for (const Key& key : config_keys()) {
        if (!whole_run_reason(key).empty())
            add_differences(differences, key, first, second);
        else if (names == other_names)
            for (std::size_t i = 0; i < stages.size(); ++i)
                add_differences(differences, key, stages[i], other_stages[i]);
    }
    return differences;
}

std::string key_reference() {
    std::string text;
    std::string section;
    std::vector<std::string> documented;
    for (const Key& key : config_keys()) {
        const std::string path = key.documented_path.empty() ? key.path : key.documented_path;
        if (std::find(documented.begin(), documented.end(), path) != documented.end()) continue;
        documented.push_back(path);
        const std::string top = path.substr(0, path.find('.'));
        if (top != section) {
            section = top;
            text += fmt::format("\n### `{}`\n\n| key | type | default | unit | allowed | meaning |\n",
                                section == kStageSection ? "[[stages]]" : '[' + section + ']');
            text += "|---|---|---|---|---|---|\n";
        }
        text += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", path, type_text(key), default_of(key),
                            key.unit, allowed_text(key), key.meaning);
    }
    return text;
}

}  // namespace abr
