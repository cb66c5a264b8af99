#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "engine/config/keys.hpp"
#include "engine/config/load.hpp"

namespace {

namespace fs = std::filesystem;
using abr::Config;
using abr::ConfigError;
using abr::ConfigProblem;

// A folder of its own for each test, gone afterwards.
class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string name = (fs::temp_directory_path() / "abr_config_XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~TemporaryFolder() { fs::remove_all(path_); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    fs::path write(const std::string& text, const std::string& name = "run.toml") const {
        std::ofstream(path_ / name, std::ios::binary) << text;
        return path_ / name;
    }
    const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

Config load(const std::string& text, const std::vector<std::string>& overrides = {}) {
    const TemporaryFolder folder;
    return abr::load_config(folder.write(text), overrides);
}

std::vector<ConfigProblem> problems(const std::string& text, const std::vector<std::string>& overrides = {}) {
    try {
        load(text, overrides);
    } catch (const ConfigError& error) {
        return error.problems();
    }
    return {};
}

// The keys of the problems, which is what tells one rule from another.
std::vector<std::string> problem_keys(const std::string& text,
                                      const std::vector<std::string>& overrides = {}) {
    std::vector<std::string> keys;
    for (const ConfigProblem& problem : problems(text, overrides)) keys.push_back(problem.key);
    return keys;
}

using Keys = std::vector<std::string>;

// A value other than the default that the key allows, made from the table; keys whose legal values hang on others
// are given here, with what they need beside them.
struct Change {
    std::string value;
    std::vector<std::string> beside;  // "key=value" that it cannot do without

    bool needs(const std::string& path) const {
        return std::any_of(beside.begin(), beside.end(),
                           [&](const std::string& text) { return text.starts_with(path + "="); });
    }
};
Change other_value(const abr::Key& key) {
    const std::string file = "data.source=csv", path = "data.path=/data/r.csv";
    static const std::map<std::string, Change> special = {
        {"run.precision", {"\"fp32\"", {}}},
        {"run.backend", {"\"cpu\"", {}}},
        {"data.source", {"\"csv\"", {path}}},
        {"data.path", {"\"/data/other.csv\"", {file}}},
        {"data.sample_interval_ms", {"0.125", {file, path}}},
        {"data.classes", {"[\"A\", \"B\"]", {file, path}}},
        {"data.train", {"0.6", {"data.val=0.25"}}},
        {"data.val", {"0.2", {"data.train=0.65"}}},
        {"data.test", {"0.2", {"data.train=0.65"}}},
        {"data.split_file", {"\"/data/split.csv\"", {}}},
        {"data.synthetic.preset", {"\"A\"", {}}},
        {"model.base_channels", {"24", {}}},
        {"model.groups", {"4", {}}},
        {"model.heads", {"4", {}}},
        {"model.kernel", {"5", {}}},
        {"model.stem_kernels", {"[5, 9, 13]", {}}},
        {"model.stem_dilations", {"[1, 2, 4]", {}}},
        {"loss.class_weights", {"[1.0, 2.0, 3.0, 4.0, 0.5]", {}}},
        {"loss.class_weight_power", {"0.5", {"loss.class_weights=balanced"}}},
        {"schedule.warmup_epochs", {"3", {}}},
        {"schedule.min_lr", {"1e-5", {}}},
        {"optimizer.epsilon", {"1e-7", {}}},
        {"augmentation.shift_samples", {"5", {}}},
        {"augmentation.scale", {"[0.5, 2.0]", {}}},
        {"training.early_stopping.metric", {"\"loss\"", {}}},
    };
    if (const auto found = special.find(key.path); found != special.end()) return found->second;
    if (key.path.starts_with("data.columns.")) {
        const bool is_text = abr::type_text(key) == "text";
        return {is_text ? "\"Their Name\"" : "7", {file, path}};
    }
    if (key.path.starts_with("curriculum.") && key.path.ends_with(".from")) {
        return {"0.25", {key.path.substr(0, key.path.size() - 4) + "epochs=4"}};
    }
    if (const auto* choice = std::get_if<abr::Choice>(&key.field)) {
        const int current = [&] {
            Config config;
            return choice->get(config);
        }();
        return {abr::toml_string(choice->names[current == 0 ? 1 : 0]), {}};
    }
    const std::string type = abr::type_text(key);
    if (std::holds_alternative<abr::RuleSettingField>(key.field) && type == "integer") return {"13", {}};
    if (type == "boolean") return {"false", {}};
    if (type == "integer") return {key.path == "data.synthetic.patients" ? "61" : "3", {}};
    if (type == "number") return {"0.375", {}};
    return {"\"other\"", {}};
}

}  // namespace

TEST_CASE("an empty file is the default configuration, named after the file") {
    const Config config = load("");
    CHECK(config.run.name == "run");
    CHECK(config.run.seed == 42);
    CHECK(config.data.source == abr::DataSource::synthetic);
    CHECK(config.data.synthetic.patients == 2038);
    CHECK(config.training.epochs == 30);
    CHECK(config.loss.weights[abr::Component::classification] == 2.5);
    CHECK(config.loss.weight_written_at[abr::Component::classification].empty());
}

TEST_CASE("pitfall 5: every key is typed, read and echoed") {
    const TemporaryFolder folder;
    const fs::path empty = folder.write("");
    for (const abr::Key& key : abr::config_keys()) {
        if (key.path.find('<') != std::string::npos) continue;  // any name: tested below
        CAPTURE(key.path);
        const Change change = other_value(key);
        std::vector<std::string> overrides = change.beside;
        overrides.push_back(key.path + "=" + change.value);
        const Config after = abr::load_config(empty, overrides);
        CHECK(abr::value_text(key, after) == change.value);
        if (key.path != "run.precision")  // which has one value
            CHECK(abr::value_text(key, Config{}) != abr::value_text(key, after));

        // No other key has moved with it.
        const Config base = abr::load_config(empty);
        for (const abr::Key& other : abr::config_keys()) {
            const bool follows =
                (key.path == "run.seed" && other.path.ends_with("seed")) || change.needs(other.path);
            CAPTURE(other.path);
            if (&other != &key && !follows)
                CHECK(abr::value_text(other, base) == abr::value_text(other, after));
        }

        // The echo holds the value, and reads back as the same configuration.
        const std::string echo = abr::to_toml(after);
        const std::string name = key.path.substr(key.path.rfind('.') + 1);
        CHECK(echo.find("\n" + name + " = " + change.value + "\n") != std::string::npos);
        CHECK(abr::to_toml(abr::load_config(folder.write(echo, "echo.toml"))) == echo);

        // A value of another type is refused, by name and at its place.
        const std::vector<std::string> wrong = {key.path + "=1979-05-27T07:32:00Z"};
        const bool takes_text = abr::type_text(key) == "text" || abr::type_text(key) == "path";
        if (!takes_text) CHECK(problem_keys("", wrong) == Keys{key.path});
    }
}

TEST_CASE("pitfall 5: keys that look alike reach members of their own") {
    const Config config = load(
        "[loss.weights]\nsignal = 1\npeak_exist = 2\npeak_latency = 3\npeak_amplitude = 4\nclassification = "
        "5\n"
        "threshold = 6\n[loss.signal]\ndelta = 7\n[loss.peak_latency]\ndelta = 8\ntype = \"l1\"\n"
        "[loss.peak_amplitude]\ndelta = 9\ntype = \"mse\"\n[loss.threshold]\ndelta = 10\n"
        "[curriculum]\nclass_start = 1\npeak_start = 2\nthreshold_start = 3\nramp_epochs = 4\n"
        "[optimizer]\nbeta1 = 0.1\nbeta2 = 0.2\nencoder_lr = 2\ndecoder_lr = 3\nheads_lr = 4\n"
        "[schedule]\npatience = 7\nstep_epochs = 8\nt0 = 9\n[training]\nearly_stopping.patience = 6\n"
        "[augmentation]\nprobability = 0.1\nstatic_dropout = 0.2\ndrift_sd = 0.3\nstatic_noise_sd = 0.4\n"
        "[degradation]\nprobability = 0.5\nnoise_sd = 0.6\n");
    CHECK(config.loss.weights == abr::PerComponent<double>{{1, 2, 3, 4, 5, 6}});
    CHECK(config.loss.signal.delta == 7);
    CHECK(config.loss.peak_latency.delta == 8);
    CHECK(config.loss.peak_latency.type == abr::Distance::l1);
    CHECK(config.loss.peak_amplitude.delta == 9);
    CHECK(config.loss.peak_amplitude.type == abr::Distance::mse);
    CHECK(config.loss.threshold.delta == 10);
    CHECK(config.curriculum.class_start == 1);
    CHECK(config.curriculum.peak_start == 2);
    CHECK(config.curriculum.threshold_start == 3);
    CHECK(config.curriculum.ramp_epochs == 4);
    CHECK(config.optimizer.beta1 == 0.1);
    CHECK(config.optimizer.beta2 == 0.2);
    CHECK(config.optimizer.encoder_lr == 2);
    CHECK(config.optimizer.decoder_lr == 3);
    CHECK(config.optimizer.heads_lr == 4);
    CHECK(config.schedule.patience == 7);
    CHECK(config.schedule.step_epochs == 8);
    CHECK(config.schedule.t0 == 9);
    CHECK(config.training.early_stopping.patience == 6);
    CHECK(config.augmentation.probability == 0.1);
    CHECK(config.augmentation.static_dropout == 0.2);
    CHECK(config.augmentation.drift_sd == 0.3);
    CHECK(config.augmentation.static_noise_sd == 0.4);
    CHECK(config.degradation.probability == 0.5);
    CHECK(config.degradation.noise_sd == 0.6);
}

TEST_CASE("pitfall 5: an unknown key is an error with file, line, column and the nearest valid key") {
    const TemporaryFolder folder;
    const fs::path file = folder.write("[training]\n\n  epoch = 3\n");
    try {
        abr::load_config(file);
        FAIL("accepted");
    } catch (const ConfigError& error) {
        REQUIRE(error.problems().size() == 1);
        const ConfigProblem& problem = error.problems().front();
        CHECK(problem.place.text() == file.string() + ":3:3");
        CHECK(problem.key == "training.epoch");
        CHECK(problem.value == "3");
        CHECK(problem.nearest == "training.epochs");
        CHECK(std::string(error.what()).find("run.toml:3:3: training.epoch = 3: unknown key") !=
              std::string::npos);
        CHECK(std::string(error.what()).find("training.epochs") != std::string::npos);
    }
}

TEST_CASE("the nearest key corrects letters and sections") {
    const auto nearest = [](const std::string& path) { return abr::nearest_key(abr::split_path(path)); };
    CHECK(nearest("optimizer.learning_rat") == "optimizer.learning_rate");
    CHECK(nearest("training.learning_rate") == "optimizer.learning_rate");
    CHECK(nearest("loss.wieghts.signal") == "loss.weights.signal");
    CHECK(nearest("modle.kernel") == "model.kernel");
    CHECK(nearest("epochs") == "training.epochs");
    CHECK(nearest("data.synthetic.patient") == "data.synthetic.patients");
    CHECK(nearest("curriculum.signal.form") == "curriculum.signal.from");
    CHECK(nearest(std::string(5000, 'x')).empty());
}

TEST_CASE("pitfall 5: values of a wrong type or out of range are errors, all at once, in their order") {
    const auto found = problems(
        "[training]\nepochs = \"ten\"\nbatch_size = 64.0\n[optimizer]\nlearning_rate = -1\nbeta1 = nan\n"
        "epsilon = 1e400\nweight_decay = inf\n[model]\nbase_channels = 9223372036854775807\nkernel = true\n"
        "[loss.weights]\nsignal = -0.5\n[unknown]\na = 1\nb = 2\n[curriculum]\nsignal = 5\n");
    // 1e400 is no number of TOML: a syntax error stands alone.
    REQUIRE(found.size() == 1);
    CHECK(found.front().place.line == 7);

    const auto all = problem_keys(
        "[training]\nepochs = \"ten\"\nbatch_size = 64.0\n[optimizer]\nlearning_rate = -1\nbeta1 = nan\n"
        "weight_decay = inf\n[model]\nbase_channels = 9223372036854775807\nkernel = true\n"
        "[loss.weights]\nsignal = -0.5\n[unknown]\na = 1\nb = 2\n[curriculum]\nsignal = 5\n");
    CHECK(all == Keys{"training.epochs", "training.batch_size", "optimizer.learning_rate", "optimizer.beta1",
                      "optimizer.weight_decay", "model.base_channels", "model.kernel", "loss.weights.signal",
                      "unknown.a", "unknown.b", "curriculum.signal"});
    const auto type = problems("[training]\nepochs = \"ten\"\n");
    REQUIRE(type.size() == 1);
    CHECK(type.front().message == "expected type integer, found text; allowed: 1 … 100000");
    CHECK(type.front().place.column == 10);
}

TEST_CASE("integers are accepted where numbers are meant") {
    CHECK(load("[optimizer]\nweight_decay = 0\nlearning_rate = 1\n").optimizer.learning_rate == 1.0);
    CHECK(load("[loss.signal]\ntype = \"huber\"\ndelta = 2\n").loss.signal.delta == 2.0f);
}

TEST_CASE("a syntax error is reported alone with its line") {
    for (const char* text :
         {"[training\nepochs = 3\n", "[a]\nx = 1\nx = 2\n", "x = \xff\xfe\n", "x = [1, \n"}) {
        CAPTURE(text);
        const auto found = problems(std::string("[nonsense]\nkey = 1\n") + text);
        REQUIRE(found.size() == 1);
        CHECK(found.front().place.line >= 3);
        CHECK(found.front().key.empty());
    }
}

TEST_CASE("a file that is missing, a folder or no text is a clear error") {
    const TemporaryFolder folder;
    CHECK_THROWS_WITH_AS(abr::load_config(folder.path() / "none.toml"),
                         doctest::Contains("no such configuration file"), ConfigError);
    CHECK_THROWS_WITH_AS(abr::load_config(folder.path()), doctest::Contains("is a folder"), ConfigError);
    CHECK_THROWS_AS(abr::load_config(folder.write(std::string("\0\1\2", 3))), ConfigError);
    CHECK_THROWS_WITH_AS(abr::load_config(folder.write(std::string(2 << 20, '#'))),
                         doctest::Contains("larger than 1 MiB"), ConfigError);
    CHECK_THROWS_AS(abr::load_config(""), ConfigError);
}

TEST_CASE("keys with dots inside quotes are not the keys they look like") {
    CHECK(problem_keys("\"training.epochs\" = 3\n") == Keys{"\"training.epochs\""});
}

TEST_CASE("what a later version brings is answered, written either way") {
    CHECK(problem_keys("[logging]\nreport = true\n") == Keys{"logging.report"});
    for (const char* text : {"run.precision=bf16", "run.backend=cuda"}) {
        const auto found = problems("", {text});
        REQUIRE(found.size() == 1);
        CHECK(found.front().message.find("not available in this version") != std::string::npos);
    }
    CHECK(load("[run]\nprecision = \"fp32\"\nbackend = \"auto\"\n").run.backend == abr::Backend::automatic);
}

TEST_CASE("the numbers of the diagnostic rules are keys with types and limits of their own") {
    const Config config = load("[diagnostics.loss_high]\nloss = 20\nepochs = 3\n");
    CHECK(config.diagnostics.settings.at("diagnostics.loss_high.loss") == 20);
    CHECK(load(abr::to_toml(config)).diagnostics.settings.at("diagnostics.loss_high.epochs") == 3);
    CHECK(problem_keys("", {"diagnostics.loss_high.epochs=2.5"}) == Keys{"diagnostics.loss_high.epochs"});
    CHECK(problem_keys("", {"diagnostics.loss_high.epochs=0"}) == Keys{"diagnostics.loss_high.epochs"});
    CHECK(problem_keys("", {"diagnostics.class_rare.level=1.5"}) == Keys{"diagnostics.class_rare.level"});
    CHECK(problem_keys("", {"diagnostics.no_such_rule.level=1"}) == Keys{"diagnostics.no_such_rule.level"});
}

TEST_CASE("--set takes a TOML value or else text, and the last one counts") {
    const Config config = load("[training]\nepochs = 3\n",
                               {"training.epochs=5", "training.epochs = 7", "schedule.type=constant",
                                "model.stem_kernels=[3, 5]", "model.stem_dilations=[1, 2]", "run.name=2024",
                                "loss.class_weights=balanced", "optimizer.learning_rate=1e-4"});
    CHECK(config.training.epochs == 7);
    CHECK(config.schedule.type == abr::ScheduleType::constant);
    CHECK(config.model.stem_kernels == std::vector<int>{3, 5});
    CHECK(config.run.name == "2024");
    CHECK(config.loss.class_weighting == abr::ClassWeighting::balanced);
    CHECK(config.optimizer.learning_rate == 1e-4);

    CHECK(problems("", {"training.epochs"}).size() == 1);
    CHECK(problems("", {"=3"}).size() == 1);
    CHECK(problems("", {"training.epochs="}).size() == 1);
    CHECK(problems("", {"run.name=\xff"}).size() == 1);
    // A value cannot smuggle in a second key.
    CHECK(problem_keys("", {"training.epochs=3\nbatch_size = 1"}) == Keys{"training.epochs"});
    const auto unknown = problems("", {"trainig.epochs=3"});
    REQUIRE(unknown.size() == 1);
    CHECK(unknown.front().place.text() == "--set trainig.epochs=3");
    CHECK(unknown.front().nearest == "training.epochs");
}

TEST_CASE("an override mends a wrong value of the file") {
    CHECK(load("[training]\nepochs = -1\n", {"training.epochs=2"}).training.epochs == 2);
}

TEST_CASE("a relative path is below the file that names it, or below the current folder from --set") {
    const TemporaryFolder folder;
    fs::create_directory(folder.path() / "sub");
    const fs::path file = folder.write("[data]\nsource = \"csv\"\npath = \"../r.csv\"\n", "sub/run.toml");
    CHECK(abr::load_config(file).data.path == folder.path() / "r.csv");
    const std::vector<std::string> overrides = {"data.path=r.csv"};
    CHECK(abr::load_config(file, overrides).data.path == fs::current_path() / "r.csv");
    CHECK(abr::load_config(fs::relative(file), overrides).data.path == fs::current_path() / "r.csv");
    CHECK(abr::load_config(fs::relative(file)).data.path == folder.path() / "r.csv");
}

TEST_CASE("seeds of split and cohort follow run.seed unless they are written") {
    const Config config = load("[run]\nseed = 7\n[data]\nsplit_seed = 9\n");
    CHECK(config.data.split_seed == 9);
    CHECK(config.data.synthetic.seed == 7);
    CHECK(load("[run]\nseed = 7\n").data.split_seed == 7);
}

TEST_CASE("columns, class names and filters of a spreadsheet are read and echoed") {
    const std::string text =
        "[data]\nsource = \"csv\"\npath = \"/d/r.csv\"\nsample_interval_ms = 0.1\n"
        "[data.columns]\npatient_id = \"Patient_ID\"\nsignal = { prefix = \"\", first = 1, count = 200 }\n"
        "[data.class_aliases]\nNEUROPATHY = [\"N\u00d6ROPAT\u0130\", \"an\"]\n"
        "[data.filters]\n\"Stimulus Polarity\" = \"Alternate\"\n"
        "\"Sweeps Rejected\" = { at_least = 1, less_than = 100 }\nEar = { one_of = [\"L\", 2] }\n"
        "Code = { not = 3 }\n";
    const Config config = load(text);
    CHECK(config.data.columns.patient_id == "Patient_ID");
    CHECK(config.data.columns.signal == abr::SampleColumns{"", 1, 200});
    CHECK(config.data.class_aliases.at("NEUROPATHY") == std::vector<std::string>{"N\u00d6ROPAT\u0130", "an"});
    REQUIRE(config.data.filters.size() == 5);
    const abr::RowFilter& polarity = config.data.filters[0];
    CHECK(polarity.column == "Stimulus Polarity");
    CHECK(polarity.operation == abr::FilterOperation::equals);
    CHECK(std::get<std::string>(polarity.values.at(0)) == "Alternate");
    CHECK(polarity.written_at.ends_with("run.toml:11:23"));
    CHECK(config.data.filters[2].operation == abr::FilterOperation::less_than);
    CHECK(std::get<double>(config.data.filters[2].values.at(0)) == 100);
    CHECK(config.data.filters[3].values.size() == 2);
    CHECK(config.data.filters[4].operation == abr::FilterOperation::not_equal);

    const std::string echo = abr::to_toml(config);
    CHECK(abr::to_toml(load(echo)) == echo);
    CHECK(load(echo).data.filters.size() == 5);

    const std::string file = "[data]\nsource = \"csv\"\npath = \"r.csv\"\n";
    for (const std::string filter :
         {"X = true", "X = { }", "X = { less_then = 3 }", "X = { less_than = \"3\" }", "X = { one_of = [] }",
          "X = [1]", "X = nan", "X = { one_of = 3 }"}) {
        CAPTURE(filter);
        CHECK(problem_keys(file + "[data.filters]\n" + filter) == Keys{"data.filters.X"});
    }
}

TEST_CASE("contradictions between keys are errors") {
    const auto keys = [](const std::string& text) { return problem_keys(text); };
    CHECK(keys("[data]\ntrain = 0.8\n") == Keys{"data.train"});
    CHECK(keys("[data]\nsource = \"csv\"\n") == Keys{"data.source"});
    CHECK(keys("[data]\npath = \"r.csv\"\n") == Keys{"data.path"});
    CHECK(keys("[data]\nsample_interval_ms = 0.1\n") == Keys{"data.sample_interval_ms"});
    CHECK(keys("[data.filters]\nX = 1\n") == Keys{"data.filters.X"});
    CHECK(keys("[data.columns]\near = \"X\"\n") == Keys{"data.columns.ear"});
    CHECK(keys("[data]\nclasses = [\"A\", \"B\"]\n") == Keys{"data.classes"});
    CHECK(keys("[model]\nkernel = 8\n") == Keys{"model.kernel"});
    CHECK(keys("[model]\nstem_kernels = [3, 4, 5]\n") == Keys{"model.stem_kernels"});
    CHECK(keys("[model]\nstem_kernels = [3, 5]\n") == Keys{"model.stem_kernels"});
    CHECK(keys("[model]\nheads = 7\n") == Keys{"model.heads"});
    CHECK(keys("[model]\ngroups = 5\n") == Keys{"model.groups"});
    CHECK(keys("[model]\nbase_channels = 512\nlevels = 8\n") == Keys{"model.levels"});
    CHECK(keys("[loss]\nclass_weights = [1, 2]\n") == Keys{"loss.class_weights"});
    CHECK(keys("[loss]\nclass_weights = [0, 0, 0, 0, 0]\n") == Keys{"loss.class_weights"});
    CHECK(keys("[loss]\nclass_weights = [1, 1, 1, 1, -1]\n") == Keys{"loss.class_weights"});
    CHECK(keys("[loss]\nclass_weight_power = 0.5\n") == Keys{"loss.class_weight_power"});
    CHECK(keys("[loss.weights]\nsignal = 0\npeak_exist = 0\npeak_latency = 0\npeak_amplitude = 0\n"
               "classification = 0\nthreshold = 0\n") == Keys{"loss.weights.signal"});
    CHECK(keys("[curriculum]\nclass_start = 2\n[curriculum.classification]\nto = 0.5\n") ==
          Keys{"curriculum.class_start"});
    CHECK(keys("[curriculum]\npeak_start = 2\n[curriculum.peak_exist]\nto = 0.5\n").empty());
    CHECK(keys("[curriculum.signal]\nfrom = 0.5\n") == Keys{"curriculum.signal.from"});
    CHECK(keys("[schedule]\nwarmup_epochs = 31\n") == Keys{"schedule.warmup_epochs"});
    CHECK(keys("[schedule]\nmin_lr = 0.01\n") == Keys{"schedule.min_lr"});
    CHECK(keys("[augmentation]\nscale = [1.1, 0.9]\n") == Keys{"augmentation.scale"});
    CHECK(keys("[augmentation]\nscale = [1.1]\n") == Keys{"augmentation.scale"});
    for (const char* name : {"", "a/b", "..", "a\\nb"}) {
        CHECK(keys(std::string("[run]\nname = \"") + name + "\"\n") == Keys{"run.name"});
    }
    const std::string csv = "[data]\nsource = \"csv\"\npath = \"r.csv\"\n";
    CHECK(keys(csv + "[data.class_aliases]\nNEUROPATHI = [\"x\"]\n") ==
          Keys{"data.class_aliases.NEUROPATHI"});
    CHECK(keys(csv + "[data.class_aliases]\nSNHL = [\"x\"]\nTOTAL = [\"x\"]\n") ==
          Keys{"data.class_aliases.TOTAL"});
    CHECK(keys(csv + "[data.class_aliases]\nSNHL = [\"NORMAL\"]\n") == Keys{"data.class_aliases.SNHL"});
    CHECK(keys(csv + "[data.columns]\nfmp = \"X\"\near = \"X\"\n").size() == 1);
    CHECK(keys(csv + "[data.columns]\nclean = { prefix = \"s\" }\n").size() == 1);
    CHECK(keys(csv + "classes = [\"A\", \"A\"]\n") == Keys{"data.classes"});
}

TEST_CASE("a rule waits where a value that it needs could not be read") {
    CHECK(problem_keys("[model]\ngroups = 5\nbase_channels = \"wide\"\n") == Keys{"model.base_channels"});
}

TEST_CASE("pitfall 7: written loss weights are told from defaults, with their place") {
    const Config config = load("[loss.weights]\nthreshold = 0.5\n", {"loss.weights.signal=2"});
    CHECK(config.loss.weight_written_at[abr::Component::threshold].ends_with("run.toml:2:13"));
    CHECK(config.loss.weight_written_at[abr::Component::signal] == "--set loss.weights.signal=2");
    CHECK(config.loss.weight_written_at[abr::Component::peak_exist].empty());
}

TEST_CASE("a ramp of its own replaces the start, and is echoed without it") {
    const Config config = load("[curriculum.classification]\nfrom = 0.25\nepochs = 4\nshape = \"cosine\"\n");
    const auto& ramp = config.curriculum.ramps[abr::Component::classification];
    REQUIRE(ramp.has_value());
    CHECK(ramp->from == 0.25);
    CHECK(ramp->to == 1.0);
    CHECK(ramp->shape == abr::RampShape::cosine);
    CHECK_FALSE(config.curriculum.ramps[abr::Component::signal].has_value());
    const std::string echo = abr::to_toml(config);
    CHECK(echo.find("class_start") == std::string::npos);
    CHECK(abr::to_toml(load(echo)) == echo);
}

TEST_CASE("two configurations differ in the keys that have other values, and in no other") {
    const auto differences = [](const std::string& first, const std::string& second) {
        std::vector<std::string> texts;
        for (const auto& d : abr::config_differences(load(first), load(second)))
            texts.push_back(d.key + ": " + d.first + " -> " + d.second);
        return texts;
    };
    using Texts = std::vector<std::string>;
    CHECK(differences("[training]\nepochs = 30", "") == Texts{});
    CHECK(differences("training.epochs = 3\noptimizer.learning_rate = 1e-4\nmodel.stem_kernels = [3, 5, 7]",
                      "") == Texts{"model.stem_kernels: [3, 5, 7] -> [3, 7, 15]", "training.epochs: 3 -> 30",
                                   "optimizer.learning_rate: 0.0001 -> 0.001"});
    const std::string csv = "[data]\nsource = \"csv\"\npath = \"/x.csv\"\nsample_interval_ms = 0.1\n";
    CHECK(differences(csv + "[data.filters]\nAge = { less_than = 9 }\nFMP = 1",
                      csv + "[data.filters]\nAge = { at_most = 9 }\nFMP = 1") ==
          Texts{"data.filters.Age: { less_than = 9.0 } -> { at_most = 9.0 }"});
    CHECK(differences(csv + "[data.class_aliases]\nSNHL = [\"s\"]", csv) ==
          Texts{"data.class_aliases.SNHL: [\"s\"] -> "});
}
