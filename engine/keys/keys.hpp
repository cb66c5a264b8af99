// The one table of configuration keys. Reading, range checks, nearest keys, the resolved configuration and
// the reference in docs/configuration.md all come from it.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/config/config.hpp"
#include "model/range.hpp"

namespace abr {

template <class T>
using Member = T& (*)(Config&);

// One of several names, stored as an enumeration.
struct Choice {
    std::vector<std::string_view> names;  // in the order of the enumerators
    int (*get)(Config&);
    void (*set)(Config&, int);
};

// Two ascending numbers in a list.
struct NumberPair {
    Member<float> low, high;
};

struct ClassWeightsField {};  // loss.class_weights: a name or a list
struct RowFilterField {};     // data.filters.<column>: a value or a table of operations

// A number of a diagnostic rule, in DiagnosticsConfig::settings.
struct RuleSettingField {
    std::string path;
    double default_value;
    bool is_count;  // an integer
};

using Field = std::variant<Member<bool>, Member<int>, Member<std::uint64_t>, Member<float>, Member<double>,
                           Member<std::optional<double>>, Member<std::string>, Member<std::filesystem::path>,
                           Member<std::vector<int>>, Member<std::vector<std::string>>, Choice, NumberPair,
                           ClassWeightsField, Member<NamedLists>,
                           Member<std::optional<std::array<double, 2>>>, RowFilterField, RuleSettingField>;

struct Key {
    std::string path;  // "section.key"; a segment in <> stands for any name
    Field field;
    Range range = {};
    std::string_view unit = {};
    std::string_view allowed = {};       // where the field and its range do not say it all
    std::string_view default_text = {};  // where the default is made while loading
    std::string meaning = {};
    bool (*present)(const Config&) = nullptr;  // whether the resolved configuration holds it; null = always
    std::string documented_path = {};          // of keys that are alike and share one line of the reference
    std::string_view word = {};                // that may stand in place of a path
};

const std::vector<Key>& config_keys();

// A key or section of another version. Where `without_effect` (in TOML; empty: nothing is) is written for it,
// it asks for what this version does anyway and is passed over; any other value is refused.
struct RetiredKey {
    std::string_view path;
    std::string_view without_effect;
    std::string_view refusal;
};
inline constexpr RetiredKey kRetiredKeys[] = {
    {"logging.report", {}, "not available in this version; remove it"},
    {"run.precision", "\"fp32\"", "not available in this version; allowed: \"fp32\""},
};
// The one of a path or of a path above it, or null.
const RetiredKey* find_retired_key(const std::vector<std::string>& segments);

// The key of a path, or null.
const Key* find_key(const std::vector<std::string>& segments);
inline constexpr std::string_view kStageSection = "stages";
// What a key is called where it is a stage's: "stages.pretrain.optimizer.learning_rate"; without a stage as
// it is.
std::string path_in_stage(std::string_view stage, std::string_view path);
// The key of a path within a stage: one of [[stages]] itself, or one that the stage overrides. Null for
// neither.
const Key* find_stage_key(const std::vector<std::string>& segments);
// Why no stage may override a key; empty where one may.
std::string_view whole_run_reason(const Key& key);
// Whether some key lies below this path.
bool is_section(const std::vector<std::string>& segments);
// The valid key closest to a path by edit distance; a key of the same name in another section counts as one
// edit. Empty for a path so long that nothing is near.
std::string nearest_key(const std::vector<std::string>& segments);

std::vector<std::string> split_path(std::string_view path);
std::string join_path(const std::vector<std::string>& segments);

// "0 … 1", "> 0", one of "a", "b" …: what a key allows.
std::string allowed_text(const Key& key);
// "integer", "number", "text" …
std::string type_text(const Key& key);
// The value in TOML, or empty if the key has none (an optional value that is not set).
std::string value_text(const Key& key, const Config& config);

// Helpers of the writers.
std::string toml_string(std::string_view text);
std::string toml_key(std::string_view name);
std::string toml_number(double value);

// The tables of docs/configuration.md below its last heading.
std::string key_reference();

}  // namespace abr
