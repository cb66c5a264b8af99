#include "engine/keys/load.hpp"

#include <algorithm>
#include <deque>
#include <fstream>
#include <iterator>
#include <span>
#include <tuple>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "engine/keys/contradictions.hpp"
#include "engine/keys/keys.hpp"
#include "engine/keys/read_value.hpp"

namespace abr {
namespace {

using Path = std::vector<std::string>;

constexpr std::size_t kLargestFile = 1 << 20;  // bytes
constexpr std::size_t kMostProblems = 100;     // that are shown

[[noreturn]] void fail(SourcePlace place, std::string message, std::string remedy = {}) {
    throw ConfigError({{std::move(place), {}, {}, std::move(message), {}, std::move(remedy)}});
}

std::string read_text(const std::filesystem::path& file) {
    std::error_code error;
    const auto status = std::filesystem::status(file, error);
    const SourcePlace place{file.string()};
    if (!std::filesystem::exists(status))
        fail(place, "there is no such configuration file", "check the path");
    if (std::filesystem::is_directory(status)) {
        fail(place, "is a folder, expected a configuration file", "name the .toml file in it");
    }
    std::ifstream stream(file, std::ios::binary);
    std::string text;
    for (char block[4096]; stream && text.size() <= kLargestFile;) {
        stream.read(block, sizeof block);
        text.append(block, static_cast<std::size_t>(stream.gcount()));
    }
    if (stream.bad() || !stream.is_open()) fail(place, "cannot be read", "check its permissions");
    if (text.size() > kLargestFile)
        fail(place, "is larger than 1 MiB: not a configuration file", "check the path");
    return text;
}

SourcePlace place_of(const toml::source_region& region, const std::string& source) {
    return {source, region.begin.line, region.begin.column};
}

// A written value and where it stands.
struct Entry {
    Path path;  // of its key
    const toml::node* node;
    SourcePlace place;
    const std::filesystem::path* folder;  // what a relative path is below
};

// What is written together: all that stands outside of stages, or one stage.
struct Scope {
    std::string prefix;  // of its keys in messages: "stages.pretrain."; empty outside of stages
    SourcePlace place;
    std::vector<Entry> entries;

    bool is_stage() const { return !prefix.empty(); }
    const Key* find(const Path& path) const { return is_stage() ? find_stage_key(path) : find_key(path); }
};

// Gathers what the file and the overrides write, then reads it into a configuration.
class Loader {
  public:
    explicit Loader(const std::filesystem::path& file)
        : file_(file.string()),
          file_folder_((std::filesystem::current_path() / file).parent_path()),
          current_folder_(std::filesystem::current_path()),
          name_(file.empty() ? "default" : file.stem().string()) {
        scopes_.push_back({{}, {file_}, {}});
    }

    void add_file() {
        try {
            documents_.push_back(toml::parse(read_text(file_), file_));
        } catch (const toml::parse_error& error) {
            fail(place_of(error.source(), file_), fmt::format("not TOML: {}", error.description()));
        }
        add_table(scopes_.front(), documents_.back(), {}, nullptr);
    }

    void add_override(const std::string& text);

    Config finish();

  private:
    // `override_place` is null for the file, where every node knows its own place.
    void add_table(Scope& scope, const toml::table& table, const Path& prefix,
                   const SourcePlace* override_place) {
        for (const auto& [key, node] : table) {
            Path path = prefix;
            path.emplace_back(key.str());
            const SourcePlace place = override_place ? *override_place : place_of(key.source(), file_);
            add_node(scope, std::move(path), node, place, override_place);
        }
    }
    void add_node(Scope& scope, Path path, const toml::node& node, const SourcePlace& place,
                  const SourcePlace* override_place);
    void add_stages(const Scope& scope, const toml::node& node, const SourcePlace& place);
    void add_unknown(const Scope& scope, const Path& path, const toml::node& node, const SourcePlace& place,
                     const SourcePlace* override_place);
    void report(const Scope& scope, const Path& path, const toml::node& node, SourcePlace place,
                std::string message, std::string nearest = {}, std::string remedy = {}) {
        problems_.push_back({std::move(place), scope.prefix + join_path(path), node_text(node),
                             std::move(message), std::move(nearest), std::move(remedy)});
    }
    void read_entries(Scope& scope, Config& config, WrittenKeys& written);
    void check(const Scope& scope, const Config& config, const WrittenKeys& written);
    Config read_stage(Scope& scope, const Config& around, WrittenKeys written,
                      std::span<const Config> before);
    void check_stage(const Scope& scope, const StageConfig& stage, std::span<const Config> before);

    std::string file_;
    std::filesystem::path file_folder_;
    std::filesystem::path current_folder_;
    std::string name_;
    std::deque<toml::table> documents_;  // own the nodes of the entries
    std::deque<Scope> scopes_;           // the first outside of stages, then the stages
    std::vector<ConfigProblem> problems_;
};

void Loader::add_node(Scope& scope, Path path, const toml::node& node, const SourcePlace& place,
                      const SourcePlace* override_place) {
    const Key* key = scope.find(path);
    if (path == Path{"stages"}) {
        add_stages(scope, node, place);
    } else if (const RetiredKey* retired = find_retired_key(path)) {
        if (retired->without_effect.empty() || node_text(node) != retired->without_effect)
            report(scope, path, node, place, std::string(retired->refusal));
    } else if (key && scope.is_stage() && !whole_run_reason(*key).empty()) {
        report(scope, path, node, place, fmt::format("no stage can set it: {}", whole_run_reason(*key)), {},
               "write it outside of [[stages]]");
    } else if (key) {
        std::erase_if(scope.entries, [&](const Entry& entry) { return entry.path == path; });
        const SourcePlace value_place = override_place ? place : place_of(node.source(), file_);
        scope.entries.push_back(
            {std::move(path), &node, value_place, override_place ? &current_folder_ : &file_folder_});
    } else if (!is_section(path)) {
        add_unknown(scope, path, node, place, override_place);
    } else if (const toml::table* table = node.as_table()) {
        add_table(scope, *table, path, override_place);
    } else {
        report(scope, path, node, place, fmt::format("expected a table, found {}", found_text(node)), {},
               fmt::format("write the keys of [{}]", join_path(path)));
    }
}

void Loader::add_stages(const Scope& scope, const toml::node& node, const SourcePlace& place) {
    const toml::array* array = node.as_array();
    if (scope.is_stage() || !array || !array->is_homogeneous(toml::node_type::table)) {
        report(scope, {"stages"}, node, place,
               scope.is_stage() ? "a stage has no stages"
                                : fmt::format("expected a list of tables, found {}", found_text(node)),
               {}, "write [[stages]] above the keys of each stage");
        return;
    }
    for (const toml::node& element : *array) {
        const toml::table& table = *element.as_table();
        const auto name = table["name"].value<std::string>();
        const std::string known_by = name ? toml_key(*name) : fmt::format("{}", scopes_.size());
        scopes_.push_back({fmt::format("stages.{}.", known_by), place_of(element.source(), file_), {}});
        add_table(scopes_.back(), table, {}, nullptr);
    }
}

// An unknown section is reported key by key, so that each is told its nearest valid key.
void Loader::add_unknown(const Scope& scope, const Path& path, const toml::node& node,
                         const SourcePlace& place, const SourcePlace* override_place) {
    const toml::table* table = node.as_table();
    if (table && !table->empty()) {
        for (const auto& [key, child] : *table) {
            Path below = path;
            below.emplace_back(key.str());
            add_unknown(scope, below, child, override_place ? *override_place : place_of(key.source(), file_),
                        override_place);
        }
        return;
    }
    report(scope, path, node, place, "unknown key", nearest_key(path), "correct or remove it");
}

// Where the '=' that ends the key stands; quoted parts of a key may hold one.
std::size_t end_of_key(const std::string& text) {
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quote) {
            if (c == '\\' && quote == '"')
                ++i;
            else if (c == quote)
                quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '=') {
            return i;
        }
    }
    return std::string::npos;
}

std::optional<toml::table> parse(const std::string& text) {
    try {
        return toml::parse(text);
    } catch (const toml::parse_error&) {
        return std::nullopt;
    }
}

// The path in "a.b.c", or empty if that is no key.
Path parse_path(const std::string& text) {
    const std::optional<toml::table> table = parse(text + " = 0");
    if (!table || text.find('\n') != std::string::npos) return {};
    Path path;
    for (const toml::table* level = &*table; level;) {
        const auto only = level->begin();
        path.emplace_back(only->first.str());
        level = only->second.as_table();
    }
    return path;
}

bool takes_text(const Key* key) {
    return key && (std::holds_alternative<Member<std::string>>(key->field) ||
                   std::holds_alternative<Member<std::filesystem::path>>(key->field));
}

void Loader::add_override(const std::string& text) {
    const SourcePlace place{fmt::format("--set {}", text)};
    const std::size_t end = end_of_key(text);
    Path path = end == std::string::npos ? Path{} : parse_path(text.substr(0, end));
    if (path.empty()) {
        problems_.push_back(
            {place, {}, {}, "expected section.key=value", {}, "for example --set training.epochs=5"});
        return;
    }
    auto scope = scopes_.begin();
    if (path.front() == "stages") {
        const std::string prefix = path.size() < 3 ? "" : join_path({path[0], path[1]}) + '.';
        scope =
            std::ranges::find_if(scopes_, [&](const Scope& s) { return s.is_stage() && s.prefix == prefix; });
        if (scope == scopes_.end()) {
            problems_.push_back({place,
                                 join_path(path),
                                 {},
                                 "no stage has this key",
                                 {},
                                 "expected stages.NAME.section.key=value, NAME a stage of the file"});
            return;
        }
        path.erase(path.begin(), path.begin() + 2);
    }
    const std::string value = text.substr(end + 1);
    std::optional<toml::table> document = parse("value = " + value);
    const bool one_value = document && document->size() == 1;
    // A name such as 2024 is text where text is wanted.
    if (!one_value || (takes_text(scope->find(path)) && !document->get("value")->is_string())) {
        document = parse("value = " + toml_string(value));
    }
    if (!document) {
        problems_.push_back(
            {place, scope->prefix + join_path(path), {}, "the value is not valid UTF-8", {}, {}});
        return;
    }
    documents_.push_back(std::move(*document));
    add_node(*scope, path, *documents_.back().get("value"), place, &place);
}

void Loader::read_entries(Scope& scope, Config& config, WrittenKeys& written) {
    // Tables come sorted by name; what is read from them keeps the order of the file. A stage's own keys,
    // which have one word, come first: one of them may stand for several others, and what is written of those
    // wins.
    std::ranges::stable_sort(scope.entries, {}, [&](const Entry& entry) {
        return std::tuple(scope.is_stage() && entry.path.size() > 1, entry.place.line, entry.place.column);
    });
    for (const Entry& entry : scope.entries) {
        const std::string path = join_path(entry.path);
        written.places[path] = entry.place;
        if (written.of_stage) written.of_stage->insert(path);
        const ValueToRead value{*entry.node, entry.path.back(), *entry.folder, entry.place.text()};
        if (const auto failure = read_value(*scope.find(entry.path), value, config)) {
            written.failed.insert(path);
            report(scope, entry.path, *entry.node, entry.place, *failure);
        }
    }
    for (const Component c : kAllComponents) {
        const auto place = written.places.find(fmt::format("loss.weights.{}", task_of(c).name));
        if (place != written.places.end()) config.loss.weight_written_at[c] = place->second.text();
    }
}

void Loader::check(const Scope& scope, const Config& config, const WrittenKeys& written) {
    for (ConfigProblem& problem : find_contradictions(config, written)) {
        problem.key.insert(0, scope.prefix);
        problems_.push_back(std::move(problem));
    }
}

void Loader::check_stage(const Scope& scope, const StageConfig& stage, std::span<const Config> before) {
    const auto require = [&](bool holds, const Path& path, std::string message, std::string remedy) {
        if (holds) return;
        const auto entry = std::ranges::find(scope.entries, path, &Entry::path);
        const SourcePlace place = entry == scope.entries.end() ? scope.place : entry->place;
        problems_.push_back({place,
                             scope.prefix + join_path(path),
                             entry == scope.entries.end() ? "" : node_text(*entry->node),
                             std::move(message),
                             {},
                             std::move(remedy)});
    };
    constexpr std::size_t kLongestName = 50;  // of a cell of epochs.csv
    require(!stage.name.empty() && stage.name.size() <= kLongestName && toml_key(stage.name) == stage.name,
            {"name"}, "a stage needs a name of letters, digits, _ and -, at most 50 of them",
            "write name = \"pretrain\" or such");
    require(std::ranges::none_of(before, [&](const Config& other) { return other.stage.name == stage.name; }),
            {"name"}, "another stage has this name", "name each stage differently");
    require(!before.empty() || stage.init_from != kPreviousStage, {"init_from"},
            "there is no stage before the first", "name a file, or remove the key");
}

// What stands around the stages, with what the stage writes on top.
Config Loader::read_stage(Scope& scope, const Config& around, WrittenKeys written,
                          std::span<const Config> before) {
    Config config = around;
    written.of_stage.emplace();
    read_entries(scope, config, written);
    StageConfig& stage = config.stage;
    stage.written_at = scope.place.text();
    if (stage.init_from.empty() && !before.empty()) stage.init_from = kPreviousStage;
    check_stage(scope, stage, before);
    check(scope, config, written);
    return config;
}

Config Loader::finish() {
    Scope& scope = scopes_.front();
    Config config;
    WrittenKeys written;
    written.file = file_;
    read_entries(scope, config, written);
    const auto is_written = [&](const std::string& path) { return written.places.contains(path); };
    if (!is_written("run.name")) config.run.name = name_;
    if (!is_written("data.split_seed")) config.data.split_seed = config.run.seed;
    if (!is_written("data.synthetic.seed")) config.data.synthetic.seed = config.run.seed;
    check(scope, config, written);
    std::vector<Config> stages;
    for (std::size_t i = 1; i < scopes_.size(); ++i)
        stages.push_back(read_stage(scopes_[i], config, written, stages));
    if (!problems_.empty()) throw ConfigError(std::move(problems_));
    config.stages = std::move(stages);
    return config;
}

std::string problem_text(const ConfigProblem& problem) {
    std::string text = problem.place.text() + ": ";
    if (!problem.key.empty()) text += problem.key;
    if (!problem.value.empty()) text += " = " + problem.value;
    if (!problem.key.empty()) text += ": ";
    text += problem.message;
    if (!problem.nearest.empty()) text += fmt::format("; the nearest valid key is {}", problem.nearest);
    if (!problem.remedy.empty()) text += "; " + problem.remedy;
    return text;
}

std::vector<ConfigProblem> sorted(std::vector<ConfigProblem> problems) {
    std::stable_sort(problems.begin(), problems.end(),
                     [](const ConfigProblem& a, const ConfigProblem& b) { return a.place < b.place; });
    return problems;
}

std::string problems_text(const std::vector<ConfigProblem>& problems) {
    std::string text;
    for (std::size_t i = 0; i < std::min(problems.size(), kMostProblems); ++i) {
        text += (i > 0 ? "\n" : "") + problem_text(problems[i]);
    }
    if (problems.size() > kMostProblems)
        text += fmt::format("\nand {} more", problems.size() - kMostProblems);
    return text;
}

}  // namespace

std::string SourcePlace::text() const {
    return line == 0 ? source : fmt::format("{}:{}:{}", source, line, column);
}

ConfigError::ConfigError(std::vector<ConfigProblem> problems)
    : InputError(problems_text(sorted(problems))), problems_(sorted(std::move(problems))) {}

Config load_config(const std::filesystem::path& file, std::span<const std::string> overrides) {
    Loader loader(file);
    loader.add_file();
    for (const std::string& text : overrides) loader.add_override(text);
    return loader.finish();
}

Config load_defaults(std::span<const std::string> overrides) {
    Loader loader({});
    for (const std::string& text : overrides) loader.add_override(text);
    return loader.finish();
}

}  // namespace abr
