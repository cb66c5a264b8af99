#include "engine/keys/read_value.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <type_traits>

#include <fmt/format.h>

namespace abr {
namespace {

using Failure = std::optional<std::string>;

std::optional<double> number_of(const toml::node& node) {
    if (!node.is_number()) return std::nullopt;
    return node.value<double>();
}

// Reads one value of a scalar type; each says what it expects where it fails.
class Reader {
  public:
    Reader(const Key& key, const ValueToRead& value, Config& config)
        : key_(key), value_(value), node_(value.node), config_(config) {}

    Failure operator()(Member<bool> member) const {
        if (!node_.is_boolean()) return wrong_type();
        member(config_) = **node_.as_boolean();
        return {};
    }
    Failure operator()(Member<int> member) const {
        if (!node_.is_integer()) return wrong_type();
        const std::int64_t number = **node_.as_integer();
        if (!key_.range.contains(static_cast<double>(number))) return out_of_range();
        member(config_) = static_cast<int>(number);
        return {};
    }
    Failure operator()(Member<std::uint64_t> member) const {
        if (!node_.is_integer()) return wrong_type();
        if (**node_.as_integer() < 0) return out_of_range();
        member(config_) = static_cast<std::uint64_t>(**node_.as_integer());
        return {};
    }
    Failure operator()(Member<float> member) const { return read_number(member); }
    Failure operator()(Member<double> member) const { return read_number(member); }
    Failure operator()(Member<std::optional<double>> member) const { return read_number(member); }
    Failure operator()(Member<std::string> member) const {
        if (!node_.is_string()) return wrong_type();
        member(config_) = **node_.as_string();
        return {};
    }
    Failure operator()(Member<std::filesystem::path> member) const {
        if (!node_.is_string()) return wrong_type();
        const std::string& text = **node_.as_string();
        if (text.empty() || text.find('\0') != std::string::npos) return "expected the path of a file";
        member(config_) =
            text == key_.word ? std::filesystem::path(text) : (value_.folder / text).lexically_normal();
        return {};
    }
    Failure operator()(Member<std::vector<int>> member) const {
        const toml::array* array = node_.as_array();
        if (!array) return wrong_type();
        std::vector<int> numbers;
        for (const toml::node& element : *array) {
            if (!element.is_integer()) return wrong_type(element);
            const std::int64_t number = **element.as_integer();
            if (!key_.range.contains(static_cast<double>(number))) return out_of_range();
            numbers.push_back(static_cast<int>(number));
        }
        member(config_) = std::move(numbers);
        return {};
    }
    Failure operator()(Member<std::vector<std::string>> member) const {
        std::vector<std::string> texts;
        if (Failure failure = read_texts(texts)) return failure;
        member(config_) = std::move(texts);
        return {};
    }
    Failure operator()(const Choice& choice) const {
        if (!node_.is_string()) return wrong_type();
        const std::string& text = **node_.as_string();
        const auto found = std::find(choice.names.begin(), choice.names.end(), text);
        if (found != choice.names.end()) {
            choice.set(config_, static_cast<int>(found - choice.names.begin()));
            return {};
        }
        return out_of_range();
    }
    Failure operator()(const NumberPair& pair) const {
        std::vector<double> numbers;
        if (Failure failure = read_numbers(numbers)) return failure;
        if (numbers.size() != 2) return fmt::format("expected two numbers, found {}", numbers.size());
        pair.low(config_) = static_cast<float>(numbers[0]);
        pair.high(config_) = static_cast<float>(numbers[1]);
        return {};
    }
    Failure operator()(ClassWeightsField) const {
        if (node_.is_string()) {
            const std::string& text = **node_.as_string();
            if (text != "none" && text != "balanced") return out_of_range();
            config_.loss.class_weighting = text == "none" ? ClassWeighting::none : ClassWeighting::balanced;
            return {};
        }
        std::vector<double> weights;
        if (Failure failure = read_numbers(weights)) return failure;
        config_.loss.class_weighting = ClassWeighting::given;
        config_.loss.class_weights = std::move(weights);
        return {};
    }
    Failure operator()(Member<NamedLists> member) const {
        std::vector<std::string> texts;
        if (Failure failure = read_texts(texts)) return failure;
        member(config_)[value_.name] = std::move(texts);
        return {};
    }
    Failure operator()(Member<std::optional<std::array<double, 2>>> member) const {
        std::vector<double> numbers;
        if (Failure failure = read_numbers(numbers)) return failure;
        if (numbers.size() != 2) return fmt::format("expected two numbers, found {}", numbers.size());
        member(config_) = {numbers[0], numbers[1]};
        return {};
    }
    Failure operator()(RowFilterField) const;
    Failure operator()(const RuleSettingField& setting) const {
        const std::optional<double> number = number_of(node_);
        if (!number || (setting.is_count && !node_.is_integer())) return wrong_type();
        if (!std::isfinite(*number) || !key_.range.contains(*number)) return out_of_range();
        config_.diagnostics.settings[setting.path] = *number;
        return {};
    }

  private:
    Failure wrong_type(const toml::node& found) const {
        return fmt::format("expected type {}, found {}; allowed: {}", type_text(key_), found_text(found),
                           allowed_text(key_));
    }
    Failure wrong_type() const { return wrong_type(node_); }
    Failure out_of_range() const { return fmt::format("allowed: {}", allowed_text(key_)); }

    template <class T>
    Failure read_number(Member<T> member) const {
        const std::optional<double> number = number_of(node_);
        if (!number) return wrong_type();
        if (!std::isfinite(*number) || !key_.range.contains(*number)) return out_of_range();
        if constexpr (std::is_same_v<T, float>) {
            member(config_) = static_cast<float>(*number);
        } else {
            member(config_) = *number;
        }
        return {};
    }
    Failure read_numbers(std::vector<double>& numbers) const {
        const toml::array* array = node_.as_array();
        if (!array) return wrong_type();
        for (const toml::node& element : *array) {
            const std::optional<double> number = number_of(element);
            if (!number) return wrong_type(element);
            if (!std::isfinite(*number) || !key_.range.contains(*number)) return out_of_range();
            numbers.push_back(*number);
        }
        return {};
    }
    Failure read_texts(std::vector<std::string>& texts) const {
        const toml::array* array = node_.as_array();
        if (!array) return wrong_type();
        for (const toml::node& element : *array) {
            if (!element.is_string()) return wrong_type(element);
            texts.push_back(**element.as_string());
        }
        return {};
    }
    Failure read_operation(std::string_view name, const toml::node& operand, RowFilter& filter) const;

    const Key& key_;
    const ValueToRead& value_;
    const toml::node& node_;
    Config& config_;
};

std::optional<FilterValue> filter_value(const toml::node& node) {
    if (node.is_string()) return FilterValue(**node.as_string());
    const std::optional<double> number = number_of(node);
    if (!number || !std::isfinite(*number)) return std::nullopt;
    return FilterValue(*number);
}

Failure Reader::read_operation(std::string_view name, const toml::node& operand, RowFilter& filter) const {
    if (name == "one_of") {
        filter.operation = FilterOperation::one_of;
        const toml::array* array = operand.as_array();
        if (!array || array->empty()) return "one_of expects a list of at least one text or number";
        for (const toml::node& element : *array) {
            const auto allowed_value = filter_value(element);
            if (!allowed_value)
                return fmt::format("one_of expects text or numbers, found {}", found_text(element));
            filter.values.push_back(*allowed_value);
        }
        return {};
    }
    constexpr std::pair<std::string_view, FilterOperation> kOperations[] = {
        {"not", FilterOperation::not_equal},
        {"less_than", FilterOperation::less_than},
        {"greater_than", FilterOperation::greater_than},
        {"at_least", FilterOperation::at_least},
        {"at_most", FilterOperation::at_most}};
    const auto found = std::find_if(std::begin(kOperations), std::end(kOperations),
                                    [&](const auto& operation) { return operation.first == name; });
    if (found == std::end(kOperations)) {
        return fmt::format("unknown operation {}; allowed: {}", toml_key(name), allowed_text(key_));
    }
    filter.operation = found->second;
    const auto compared = filter_value(operand);
    const bool needs_number = filter.operation != FilterOperation::not_equal;
    if (!compared || (needs_number && !std::holds_alternative<double>(*compared))) {
        return fmt::format("{} expects {}, found {}", name,
                           needs_number ? "a finite number" : "text or a number", found_text(operand));
    }
    filter.values.push_back(*compared);
    return {};
}

Failure Reader::operator()(RowFilterField) const {
    std::vector<RowFilter> filters;
    const RowFilter empty{value_.name, FilterOperation::equals, {}, value_.written_at};
    if (const toml::table* operations = node_.as_table()) {
        if (operations->empty()) return fmt::format("expected an operation; allowed: {}", allowed_text(key_));
        for (const auto& [name, operand] : *operations) {
            filters.push_back(empty);
            if (Failure failure = read_operation(name.str(), operand, filters.back())) return failure;
        }
    } else {
        const auto wanted = filter_value(node_);
        if (!wanted) return wrong_type();
        filters.push_back(empty);
        filters.back().values.push_back(*wanted);
    }
    config_.data.filters.insert(config_.data.filters.end(), filters.begin(), filters.end());
    return {};
}

}  // namespace

Failure read_value(const Key& key, const ValueToRead& value, Config& config) {
    return std::visit(Reader(key, value, config), key.field);
}

std::string found_text(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::table:
            return "a table";
        case toml::node_type::array:
            return "a list";
        case toml::node_type::string:
            return "text";
        case toml::node_type::integer:
            return "an integer";
        case toml::node_type::floating_point:
            return "a number";
        case toml::node_type::boolean:
            return "a boolean";
        case toml::node_type::date:
        case toml::node_type::time:
        case toml::node_type::date_time:
            return "a date or time";
        case toml::node_type::none:
            break;
    }
    return "nothing";
}

std::string node_text(const toml::node& node) {
    constexpr std::size_t kLongest = 60;
    if (node.is_table()) return {};
    std::ostringstream stream;
    if (const auto* text = node.as_string()) {
        stream << toml_string(**text);
    } else {
        node.visit([&](const auto& value) { stream << value; });
    }
    std::string text = std::move(stream).str();
    for (char& c : text) {
        if (c == '\n' || c == '\r') c = ' ';
    }
    if (text.size() <= kLongest) return text;
    std::size_t end = kLongest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
        --end;  // keep UTF-8 characters whole
    return text.substr(0, end) + "…";
}

}  // namespace abr
