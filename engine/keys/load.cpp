#include "engine/keys/load.hpp"

#include <algorithm>
#include <deque>
#include <fstream>
#include <iterator>

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
    Path path;
    const toml::node* node;
    SourcePlace place;
    const std::filesystem::path* folder;  // what a relative path is below
};

// Gathers what the file and the overrides write, then reads it into a configuration.
class Loader {
  public:
    explicit Loader(const std::filesystem::path& file)
        : file_(file.string()),
          file_folder_((std::filesystem::current_path() / file).parent_path()),
          current_folder_(std::filesystem::current_path()),
          name_(file.empty() ? "default" : file.stem().string()) {
        written_.file = file_;
    }

    void add_file() {
        try {
            documents_.push_back(toml::parse(read_text(file_), file_));
        } catch (const toml::parse_error& error) {
            fail(place_of(error.source(), file_), fmt::format("not TOML: {}", error.description()));
        }
        add_table(documents_.back(), {}, nullptr);
    }

    void add_override(const std::string& text);

    Config finish();

  private:
    // `override_place` is null for the file, where every node knows its own place.
    void add_table(const toml::table& table, const Path& prefix, const SourcePlace* override_place) {
        for (const auto& [key, node] : table) {
            Path path = prefix;
            path.emplace_back(key.str());
            const SourcePlace place = override_place ? *override_place : place_of(key.source(), file_);
            add_node(std::move(path), node, place, override_place);
        }
    }
    void add_node(Path path, const toml::node& node, const SourcePlace& place,
                  const SourcePlace* override_place);
    void add_unknown(const Path& path, const toml::node& node, const SourcePlace& place,
                     const SourcePlace* override_place);
    void report(const Path& path, const toml::node& node, SourcePlace place, std::string message,
                std::string nearest = {}, std::string remedy = {}) {
        problems_.push_back({std::move(place), join_path(path), node_text(node), std::move(message),
                             std::move(nearest), std::move(remedy)});
    }

    std::string file_;
    std::filesystem::path file_folder_;
    std::filesystem::path current_folder_;
    std::string name_;
    std::deque<toml::table> documents_;  // own the nodes of the entries
    std::vector<Entry> entries_;
    WrittenKeys written_;
    std::vector<ConfigProblem> problems_;
};

void Loader::add_node(Path path, const toml::node& node, const SourcePlace& place,
                      const SourcePlace* override_place) {
    if (const RetiredKey* retired = find_retired_key(path)) {
        if (retired->without_effect.empty() || node_text(node) != retired->without_effect)
            report(path, node, place, std::string(retired->refusal));
    } else if (find_key(path)) {
        const auto same = [&](const Entry& entry) { return entry.path == path; };
        entries_.erase(std::remove_if(entries_.begin(), entries_.end(), same), entries_.end());
        const SourcePlace value_place = override_place ? place : place_of(node.source(), file_);
        entries_.push_back(
            {std::move(path), &node, value_place, override_place ? &current_folder_ : &file_folder_});
    } else if (!is_section(path)) {
        add_unknown(path, node, place, override_place);
    } else if (const toml::table* table = node.as_table()) {
        add_table(*table, path, override_place);
    } else {
        report(path, node, place, fmt::format("expected a table, found {}", found_text(node)), {},
               fmt::format("write the keys of [{}]", join_path(path)));
    }
}

// An unknown section is reported key by key, so that each is told its nearest valid key.
void Loader::add_unknown(const Path& path, const toml::node& node, const SourcePlace& place,
                         const SourcePlace* override_place) {
    const toml::table* table = node.as_table();
    if (table && !table->empty()) {
        for (const auto& [key, child] : *table) {
            Path below = path;
            below.emplace_back(key.str());
            add_unknown(below, child, override_place ? *override_place : place_of(key.source(), file_),
                        override_place);
        }
        return;
    }
    report(path, node, place, "unknown key", nearest_key(path), "correct or remove it");
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
    const Path path = end == std::string::npos ? Path{} : parse_path(text.substr(0, end));
    if (path.empty()) {
        problems_.push_back(
            {place, {}, {}, "expected section.key=value", {}, "for example --set training.epochs=5"});
        return;
    }
    const std::string value = text.substr(end + 1);
    std::optional<toml::table> document = parse("value = " + value);
    const bool one_value = document && document->size() == 1;
    // A name such as 2024 is text where text is wanted.
    if (!one_value || (takes_text(find_key(path)) && !document->get("value")->is_string())) {
        document = parse("value = " + toml_string(value));
    }
    if (!document) {
        problems_.push_back({place, join_path(path), {}, "the value is not valid UTF-8", {}, {}});
        return;
    }
    documents_.push_back(std::move(*document));
    add_node(path, *documents_.back().get("value"), place, &place);
}

Config Loader::finish() {
    // Tables come sorted by name; what is read from them keeps the order of the file.
    std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
        return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
    });
    Config config;
    for (const Entry& entry : entries_) {
        const std::string path = join_path(entry.path);
        written_.places[path] = entry.place;
        const ValueToRead value{*entry.node, entry.path.back(), *entry.folder, entry.place.text()};
        if (const auto failure = read_value(*find_key(entry.path), value, config)) {
            written_.failed.insert(path);
            report(entry.path, *entry.node, entry.place, *failure);
        }
    }
    const auto is_written = [&](const std::string& path) { return written_.places.contains(path); };
    if (!is_written("run.name")) config.run.name = name_;
    if (!is_written("data.split_seed")) config.data.split_seed = config.run.seed;
    if (!is_written("data.synthetic.seed")) config.data.synthetic.seed = config.run.seed;
    for (const Component c : kAllComponents) {
        const auto place = written_.places.find(fmt::format("loss.weights.{}", task_of(c).name));
        if (place != written_.places.end()) config.loss.weight_written_at[c] = place->second.text();
    }
    const std::vector<ConfigProblem> contradictions = find_contradictions(config, written_);
    problems_.insert(problems_.end(), contradictions.begin(), contradictions.end());
    if (!problems_.empty()) throw ConfigError(std::move(problems_));
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
