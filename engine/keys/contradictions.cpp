#include "engine/keys/contradictions.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "engine/config/curriculum.hpp"
#include "engine/keys/keys.hpp"

namespace abr {
namespace {

bool has_control_character(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7F;
    });
}

class Rules {
  public:
    Rules(const Config& config, const WrittenKeys& written) : config_(config), written_(written) {}

    void check() {
        check_run();
        check_source();
        check_split();
        check_classes();
        check_columns();
        check_layout();
        check_model();
        check_loss();
        check_curriculum();
        check_training();
    }
    std::vector<ConfigProblem> problems;

  private:
    using Keys = std::vector<std::string>;

    bool is_written(const std::string& key) const { return written_.places.contains(key); }

    // A problem at the first of `keys` that is written, unless one of them could not be read at all.
    void require(bool holds, Keys keys, std::string message, std::string remedy = {}) {
        if (holds) return;
        const auto& of_stage = written_.of_stage;
        if (of_stage) std::erase_if(keys, [&](const auto& key) { return !of_stage->contains(key); });
        if (keys.empty()) return;
        const auto failed = [&](const std::string& key) { return written_.failed.contains(key); };
        if (std::any_of(keys.begin(), keys.end(), failed)) return;
        const auto first =
            std::find_if(keys.begin(), keys.end(), [&](const auto& key) { return is_written(key); });
        const std::string& key = first == keys.end() ? keys.front() : *first;
        const SourcePlace place = first == keys.end() ? SourcePlace{written_.file} : written_.places.at(key);
        const Key* found = find_key(split_path(key));
        problems.push_back({place,
                            key,
                            found ? value_text(*found, config_) : "",
                            std::move(message),
                            {},
                            std::move(remedy)});
    }

    // Every written key that is, or lies below, `section`.
    Keys written_below(std::string_view section) const {
        Keys keys;
        for (const auto& [key, place] : written_.places) {
            if (key.starts_with(section)) keys.push_back(key);
        }
        return keys;
    }

    void check_run() {
        constexpr std::size_t kLongestName = 200;  // bytes; leaves room for a suffix in a file name's 255
        const std::string& name = config_.run.name;
        require(!name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
                    !has_control_character(name) && name.size() <= kLongestName,
                {"run.name"},
                fmt::format("the run's name {} must be the name of a folder", toml_string(name)),
                "write one without / and control characters, at most 200 bytes long");
    }

    void check_source() {
        const DataConfig& data = config_.data;
        if (data.source != DataSource::synthetic) {
            require(!data.path.empty(), {"data.path", "data.source"}, "this source needs data.path",
                    "write data.path, or give --set data.path=FILE");
            if (data.source == DataSource::npz) check_npz();
            return;
        }
        Keys useless = {
            "data.path",           "data.sample_interval_ms", "data.header_line",    "data.skip_rows",
            "data.missing",        "data.signal_unit",        "data.amplitude_unit", "data.latency_unit",
            "data.alike_patients", "data.window_ms",          "data.first_sample_ms"};
        for (const char* section : {"data.columns.", "data.class_aliases.", "data.ear_aliases.",
                                    "data.missing_in.", "data.filters."}) {
            const Keys below = written_below(section);
            useless.insert(useless.end(), below.begin(), below.end());
        }
        for (const std::string& key : useless) {
            require(!is_written(key), {key, "data.source"}, "the synthetic source reads no file",
                    "remove the key, or write data.source = \"csv\" or \"npz\"");
        }
    }

    void check_npz() {
        for (const char* key : {"data.header_line", "data.skip_rows"})
            require(!is_written(key), {key, "data.source"}, "an NPZ file has no lines", "remove the key");
        for (const char* section : {"data.columns.signal.", "data.columns.clean."})
            for (const std::string& key : written_below(section))
                require(false, {key, "data.source"}, "an NPZ file holds the samples as one array",
                        "remove the key: the arrays are called signal and clean");
    }

    void check_split() {
        const DataConfig& data = config_.data;
        const double sum = data.train + data.validation + data.test;
        require(std::abs(sum - 1) <= 1e-6, {"data.train", "data.val", "data.test"},
                fmt::format("data.train + data.val + data.test = {} + {} + {} must be 1",
                            toml_number(data.train), toml_number(data.validation), toml_number(data.test)));
    }

    void check_classes() {
        constexpr std::size_t kMostClasses = 100;
        const auto& classes = config_.data.classes;
        const std::set<std::string> names(classes.begin(), classes.end());
        const bool usable = std::none_of(classes.begin(), classes.end(), [](const std::string& name) {
            return name.empty() || has_control_character(name);
        });
        require(
            usable && names.size() == classes.size() && classes.size() >= 2 && classes.size() <= kMostClasses,
            {"data.classes"}, "expected 2 to 100 names, none empty and none twice");
        // They name columns: val_f1_<class> in epochs.csv, p_<class> in the predictions.
        for (const char* taken : {"macro", "macro_majority", "micro", "weighted", "wave_v"}) {
            require(!names.contains(taken), {"data.classes"},
                    fmt::format("the name \"{}\" is that of a column of the run's tables", taken),
                    "name the class otherwise and map it by [data.class_aliases]");
        }
        if (config_.data.source == DataSource::synthetic) {
            require(classes == DataConfig{}.classes, {"data.classes", "data.source"},
                    "the synthetic cohort has the five default classes in their order", "remove the key");
        }
        std::map<std::string, std::string> meaning;  // what the file calls a class -> the class
        for (const auto& [name, aliases] : config_.data.class_aliases) {
            const std::string key = "data.class_aliases." + toml_key(name);
            require(names.contains(name), {key, "data.classes"},
                    fmt::format("{} is none of data.classes", toml_string(name)), "write one of them");
            for (const std::string& alias : aliases) {
                const auto [other, is_new] = meaning.try_emplace(alias, name);
                require(!alias.empty() && (alias == name || !names.contains(alias)), {key, "data.classes"},
                        fmt::format("{} cannot stand for {}: it is empty or a class itself",
                                    toml_string(alias), toml_string(name)));
                require(
                    is_new, {key},
                    fmt::format("{} already stands for {}", toml_string(alias), toml_string(other->second)),
                    "name it once");
            }
        }
    }

    void check_columns() {
        const ColumnNames& columns = config_.data.columns;
        std::map<std::string, std::string> users;  // the file's column -> our key
        for (const Key& key : config_keys()) {
            const auto* member = std::get_if<Member<std::string>>(&key.field);
            if (!member || !key.path.starts_with("data.columns.") || key.path.ends_with(".prefix")) continue;
            Config copy = config_;
            const std::string& name = (*member)(copy);
            const auto [other, is_new] = users.try_emplace(name, key.path);
            const bool required =
                key.path == "data.columns.patient_id" || key.path == "data.columns.intensity_db";
            require(!required || !name.empty(), {key.path}, "the name of a required column is empty");
            require(is_new || name.empty(), {key.path, other->second},
                    fmt::format("column {} is already read as {}", toml_string(name), other->second),
                    "name another column for one of them");
        }
        const Keys samples = {"data.columns.clean.prefix", "data.columns.clean.first",
                              "data.columns.clean.count",  "data.columns.signal.prefix",
                              "data.columns.signal.first", "data.columns.signal.count"};
        require(columns.signal.count == 0 || columns.clean.count == 0 ||
                    columns.signal.count == columns.clean.count,
                samples, "the clean signal has as many samples as the signal", "write the same count");
        require(columns.signal.prefix != columns.clean.prefix || columns.signal.first != columns.clean.first,
                samples, "the clean signal's columns are those of the signal",
                "write another prefix or first number");
    }

    void check_layout() {
        const DataConfig& data = config_.data;
        const auto is_empty = [](const std::string& text) { return text.empty(); };
        for (const auto& [column, texts] : data.missing_in)
            require(std::ranges::none_of(texts, is_empty), {"data.missing_in." + toml_key(column)},
                    "an empty cell means missing anyway", "remove it from the list");
        require(std::ranges::none_of(data.missing, is_empty), {"data.missing"},
                "an empty cell means missing anyway", "remove it from the list");
        for (const auto& [ear, names] : data.ear_aliases)
            require(ear == "left" || ear == "right", {"data.ear_aliases." + toml_key(ear)},
                    fmt::format("{} is no ear", toml_string(ear)), "write left or right");
        require(!data.window_ms || (*data.window_ms)[0] < (*data.window_ms)[1], {"data.window_ms"},
                "expected the earlier time first");
    }

    void check_model() {
        for (const SettingContradiction& found : contradictions(config_.model)) {
            Keys keys;
            for (const std::string_view name : found.settings) keys.push_back(fmt::format("model.{}", name));
            require(false, keys, found.message, found.remedy);
        }
    }

    void check_loss() {
        const LossConfig& loss = config_.loss;
        if (loss.class_weighting == ClassWeighting::given) {
            require(loss.class_weights.size() == config_.data.classes.size(),
                    {"loss.class_weights", "data.classes"},
                    fmt::format("{} weights for {} classes", loss.class_weights.size(),
                                config_.data.classes.size()),
                    "write one weight for each class");
            require(loss.class_weights.empty() ||
                        *std::max_element(loss.class_weights.begin(), loss.class_weights.end()) > 0,
                    {"loss.class_weights"}, "all weights are 0");
        }
        require(loss.class_weighting == ClassWeighting::balanced || loss.class_weight_power == 1.0,
                {"loss.class_weight_power", "loss.class_weights"},
                "loss.class_weight_power acts on balanced class weights only",
                "write loss.class_weights = \"balanced\", or remove the power");
        double final_weight = 0;
        Keys keys;
        for (const Component c : kAllComponents) {
            if (!is_task(c)) continue;
            const auto& ramp = config_.curriculum.ramps[c];
            final_weight += loss.weights[c] * (config_.curriculum.enabled && ramp ? ramp->to : 1.0);
            keys.push_back(fmt::format("loss.weights.{}", task_of(c).name));
            keys.push_back(fmt::format("curriculum.{}.to", task_of(c).name));
        }
        require(final_weight > 0, keys, "the final weight of every task is 0: nothing would be trained",
                "give one of them a weight above 0");
    }

    void check_curriculum() {
        for (const SharedStart& start : kSharedStarts) check_start(start);
        PerComponent<bool> ramped;
        for (const Component c : kAllComponents) ramped[c] = c != Component::signal;
        check_replaced("curriculum.ramp_epochs", ramped);
        for (const std::string_view name : kComponentNames) {
            const std::string section = fmt::format("curriculum.{}.", name);
            require(!is_written(section + "from") || is_written(section + "epochs"), {section + "from"},
                    fmt::format("{}from needs {}epochs: the ramp of one epoch is at its end at once", section,
                                section),
                    fmt::format("write {}epochs", section));
        }
    }

    void check_start(const SharedStart& shared) {
        const std::string key(shared.key);
        check_replaced(key, shared.governs);
        for (const Component c : kAllComponents) {
            const std::string own = section_of(c) + ".start";
            const auto& start = config_.curriculum.starts[c];
            if (!shared.governs[c] || !is_written(key) || !is_written(own) || !start) continue;
            require(*start == config_.curriculum.*shared.epoch, {key},
                    fmt::format("{} = {} ({}) says otherwise", own, *start, written_.places.at(own).text()),
                    "remove one of them");
        }
    }

    // A written key that ramps replace for everything it governs.
    void check_replaced(const std::string& key, const PerComponent<bool>& governs) {
        std::vector<std::string> replacing;
        for (const Component c : kAllComponents) {
            if (!governs[c]) continue;
            if (!config_.curriculum.ramps[c]) return;
            replacing.push_back(section_of(c));
        }
        require(!is_written(key), {key}, fmt::format("[{}] replaces {}", fmt::join(replacing, "], ["), key),
                "remove one of them");
    }

    static std::string section_of(Component c) { return fmt::format("curriculum.{}", task_of(c).name); }

    void check_training() {
        require(config_.schedule.warmup_epochs <= config_.training.epochs,
                {"schedule.warmup_epochs", "training.epochs"},
                fmt::format("schedule.warmup_epochs = {} is more than training.epochs = {}",
                            config_.schedule.warmup_epochs, config_.training.epochs));
        require(
            config_.schedule.type == ScheduleType::constant ||
                config_.schedule.min_lr <= config_.optimizer.learning_rate,
            {"schedule.min_lr", "optimizer.learning_rate", "schedule.type"},
            fmt::format("schedule.min_lr = {} is more than optimizer.learning_rate = {}",
                        toml_number(config_.schedule.min_lr), toml_number(config_.optimizer.learning_rate)),
            "lower schedule.min_lr");
        check_ranges();
    }

    void check_ranges() {
        const auto ascending = [&](const char* key, float low, float high) {
            require(low <= high, {key}, "expected the smaller number first");
        };
        const auto logarithmic = [&](const char* key, const LogRange& range) {
            ascending(key, range.low, range.high);
            require(range.low > 0 || range.high == 0, {key}, "nothing is drawn log-uniform from 0 on",
                    "give a smaller number > 0, or [0, 0] for none");
        };
        ascending("augmentation.scale", config_.augmentation.scale_low, config_.augmentation.scale_high);
        logarithmic("augmentation.high_pass_hz", config_.augmentation.high_pass_hz);
        logarithmic("augmentation.low_pass_hz", config_.augmentation.low_pass_hz);
        logarithmic("degradation.coloured_sd", config_.degradation.coloured_sd);
        logarithmic("degradation.mains_sd", config_.degradation.mains_sd);
    }

    const Config& config_;
    const WrittenKeys& written_;
};

}  // namespace

std::vector<ConfigProblem> find_contradictions(const Config& config, const WrittenKeys& written) {
    Rules rules(config, written);
    rules.check();
    return std::move(rules.problems);
}

}  // namespace abr
