// The whole table, finding keys in it by their path, and the valid key closest to a wrong one.
#include <algorithm>
#include <utility>

#include "engine/edit_distance.hpp"
#include "engine/keys/key_members.hpp"
#include "engine/keys/keys.hpp"

namespace abr {
namespace {

std::vector<Key> make_keys() {
    std::vector<Key> keys;
    add_run_keys(keys);
    add_data_keys(keys);
    add_model_keys(keys);
    add_loss_keys(keys);
    add_curriculum_keys(keys);
    add_training_keys(keys);
    add_optimizer_keys(keys);
    add_batch_keys(keys);
    add_logging_keys(keys);
    add_diagnostics_keys(keys);
    add_stage_keys(keys);
    return keys;
}

bool matches(const std::string& pattern, const std::string& segment) {
    return pattern.front() == '<' || pattern == segment;
}

std::vector<std::vector<std::string>> split_all_keys() {
    std::vector<std::vector<std::string>> paths;
    for (const Key& key : config_keys()) paths.push_back(split_path(key.path));
    return paths;
}

const std::vector<std::vector<std::string>>& key_paths() {
    static const auto paths = split_all_keys();
    return paths;
}

}  // namespace

const std::vector<Key>& config_keys() {
    static const std::vector<Key> keys = make_keys();
    return keys;
}

std::vector<std::string> split_path(std::string_view path) {
    std::vector<std::string> segments;
    for (std::size_t begin = 0; begin <= path.size();) {
        const std::size_t end = std::min(path.find('.', begin), path.size());
        segments.emplace_back(path.substr(begin, end - begin));
        begin = end + 1;
    }
    return segments;
}

std::string join_path(const std::vector<std::string>& segments) {
    std::string path;
    for (const std::string& segment : segments) {
        if (!path.empty()) path += '.';
        path += toml_key(segment);
    }
    return path;
}

const Key* find_key(const std::vector<std::string>& segments) {
    const auto& paths = key_paths();
    const auto found = std::find_if(paths.begin(), paths.end(), [&](const auto& path) {
        return path.size() == segments.size() &&
               std::equal(path.begin(), path.end(), segments.begin(), matches);
    });
    return found == paths.end() ? nullptr : &config_keys()[static_cast<std::size_t>(found - paths.begin())];
}

bool is_section(const std::vector<std::string>& segments) {
    const auto& paths = key_paths();
    return std::any_of(paths.begin(), paths.end(), [&](const auto& path) {
        return path.size() > segments.size() && std::equal(segments.begin(), segments.end(), path.begin());
    });
}

const RetiredKey* find_retired_key(const std::vector<std::string>& segments) {
    const std::string path = join_path(segments);
    const auto* const found = std::ranges::find_if(kRetiredKeys, [&](const RetiredKey& key) {
        return path == key.path || path.starts_with(std::string(key.path) + '.');
    });
    return found == std::end(kRetiredKeys) ? nullptr : found;
}

std::string nearest_key(const std::vector<std::string>& segments) {
    constexpr std::size_t kLongestPath = 100;  // beyond it nothing is near
    const std::string path = join_path(segments);
    if (path.size() > kLongestPath) return {};
    std::string nearest;
    auto smallest = std::pair<std::size_t, std::size_t>{path.size(), path.size()};
    for (const auto& candidate : key_paths()) {
        const std::string candidate_path = join_path(candidate);
        const bool same_name = candidate.back() == segments.back();
        const std::size_t limit = same_name ? kLongestPath + candidate_path.size() : smallest.first;
        const std::size_t whole = edit_distance(path, candidate_path, limit);
        const auto distance = std::pair{same_name ? std::min<std::size_t>(whole, 1) : whole, whole};
        if (distance < smallest) {
            smallest = distance;
            nearest = candidate_path;
        }
    }
    return nearest;
}

}  // namespace abr
