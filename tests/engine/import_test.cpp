// What import does with the averages of any layout: window, resampling, half buffers, subjects, labels, report.
#include "engine/import/import.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/error.hpp"
#include "engine/import/import_report.hpp"
#include "engine/input/read_recordings.hpp"
#include "tests/engine/import_files.hpp"
#include "tests/engine/output_files.hpp"

using namespace abr;
using test::contains;
using test::message_of;
using test::put;

namespace {

// A file of averages with `points` samples 0, 1, 2, ... (plus `offset`), the stimulus at point `zero`.
std::string counting(const std::vector<test::IhsAverage>& headers, int points, double offset = 0) {
    std::vector<test::IhsAverage> averages = headers;
    for (test::IhsAverage& average : averages) {
        for (int k = 0; k < points; ++k) {
            average.average.push_back(k + offset);
            average.first_half.push_back(k + offset + 0.5);
            average.second_half.push_back(k + offset - 0.5);
        }
    }
    return test::ihs_file(averages);
}

struct Lab {
    test::TemporaryFolder folder;
    ImportSettings settings;
    ImportReport report;

    void add(const std::string& name, const std::string& bytes) {
        std::filesystem::create_directories((folder.path / name).parent_path());
        put(folder.path / name, bytes);
        settings.files.push_back(folder.path / name);
    }
    void label(const std::string& table) {
        put(folder.path / "labels.csv", table);
        settings.labels = folder.path / "labels.csv";
    }
    ImportedTable imported() {
        report = {};
        return import_recordings(settings, report);
    }
    std::string refusal() {
        return message_of<InputError>([&] { imported(); });
    }
};

using Cells = std::vector<std::string>;
Cells cells(const ImportedTable& table, const char* name) {
    const ImportedColumn* column = table.find(name);
    REQUIRE_MESSAGE(column != nullptr, name);
    return column->cells;
}

using Floats = std::vector<float>;

}  // namespace

TEST_CASE("import: from the stimulus on without a window, cut to the shortest, and told so") {
    Lab lab;
    lab.add("a.txt", counting({{.zero = "3"}, {.name = "WF.2", .zero = "5"}}, 10));
    const ImportedTable table = lab.imported();
    CHECK(table.length == 6);
    CHECK(table.signal == std::vector<Floats>{{2, 3, 4, 5, 6, 7}, {4, 5, 6, 7, 8, 9}});
    CHECK(table.sample_interval_ms == doctest::Approx(0.05));
    CHECK(table.first_sample_ms == doctest::Approx(0));
    const std::string text = import_text(lab.report, table);
    CHECK(contains(text, "files: 1 of IHS SmartEP text"));
    CHECK(contains(text,
                   "recordings end between 0.3 and 0.4 ms after the stimulus; all were cut to the shortest"));
    CHECK(contains(text, "latencies of the engine are 0.025 ms late"));
}

TEST_CASE("import: a window is cut from each recording's own stimulus, and must be filled") {
    Lab lab;
    lab.add("a.txt", counting({{.zero = "3"}, {.name = "WF.2", .zero = "5"}}, 20));
    lab.settings.window_ms = {-0.1, 0.2};
    ImportedTable table = lab.imported();
    CHECK(table.signal == std::vector<Floats>{{0, 1, 2, 3, 4, 5}, {2, 3, 4, 5, 6, 7}});
    CHECK(table.first_sample_ms == doctest::Approx(-0.1));
    CHECK(contains(import_text(lab.report, table), "the first sample lies -0.1 ms after the stimulus"));
    // The sound comes two samples after the stimulus.
    lab.settings.delay_ms = 0.1;
    lab.settings.window_ms = {0, 0.2};
    CHECK(lab.imported().signal[0] == Floats{4, 5, 6, 7});

    lab.settings.window_ms = {0, 1};
    CHECK(contains(lab.refusal(),
                   "a.txt:12, average WF.1: samples from -0.2 to 0.75 ms after the stimulus: expected "
                   "samples from 0 to 1 ms; choose a shorter --window-ms"));
    lab.settings.window_ms = {-1, 0.2};
    CHECK(contains(lab.refusal(), "expected samples from -1 to 0.2 ms"));
    lab.settings.window_ms = {1, 1};
    CHECK(contains(lab.refusal(), "--window-ms 1:1: expected FROM before TO"));
    lab.settings.window_ms = {0, 0.25};
    lab.settings.interval_ms = 0.1;
    CHECK(contains(lab.refusal(), "--window-ms 0:0.25: 2.50 intervals of 0.1 ms: expected a whole number"));
}

TEST_CASE(
    "import: resampling puts samples at half intervals after the stimulus and joins differing intervals") {
    // 3 sin(2 pi 1 kHz t) at 20 and 40 kHz.
    const auto sine = [](const char* period, double interval, int points, int zero) {
        test::IhsAverage average{.period_us = period, .zero = std::to_string(zero)};
        for (int k = 1; k <= points; ++k)
            average.average.push_back(std::round(3e4 * std::sin(2 * M_PI * (k - zero) * interval)) / 1e4);
        return average;
    };
    Lab lab;
    lab.add("a.txt", test::ihs_file({sine("50.00", 0.05, 700, 150)}, false));
    lab.add("b.txt", test::ihs_file({sine("25.00", 0.025, 1200, 200)}, false));
    lab.settings.window_ms = {0, 20};
    CHECK(contains(lab.refusal(),
                   "b.txt:12, average WF.1: samples every 0.025 ms: expected 0.05 ms as before; bring all "
                   "to one interval with --interval-ms"));
    lab.settings.interval_ms = 0.1;
    const ImportedTable table = lab.imported();
    CHECK(table.length == 200);
    CHECK(table.first_sample_ms == doctest::Approx(0.05));
    for (const Floats& signal : table.signal)
        for (std::size_t k = 0; k < signal.size(); ++k)
            CHECK(signal[k] == doctest::Approx(3 * std::sin(2 * M_PI * (static_cast<double>(k) + 0.5) * 0.1))
                                   .epsilon(1e-3)
                                   .scale(3));
    CHECK_FALSE(contains(import_text(lab.report, table), "note:"));
}

TEST_CASE("import: half buffers become a noise estimate, two recordings, or nothing") {
    Lab lab;
    lab.add("a.txt", counting({{.zero = "3"}}, 8));
    ImportedTable table = lab.imported();
    CHECK(table.rows() == 1);
    CHECK(cells(table, "residual_noise_uv") == Cells{"0.5"});  // the halves differ by 1 everywhere
    CHECK(cells(table, "sweeps") == Cells{"1000"});

    lab.settings.half_buffers = HalfBuffers::separate;
    table = lab.imported();
    CHECK(table.signal ==
          std::vector<Floats>{{2.5, 3.5, 4.5, 5.5, 6.5, 7.5}, {1.5, 2.5, 3.5, 4.5, 5.5, 6.5}});
    CHECK(cells(table, "half_buffer") == Cells{"1", "2"});
    CHECK(cells(table, "sweeps") == Cells{"500", "500"});
    CHECK(cells(table, "repetition") == Cells{"1", "1"});

    lab.settings.half_buffers = HalfBuffers::drop;
    table = lab.imported();
    CHECK(table.signal == std::vector<Floats>{{2, 3, 4, 5, 6, 7}});
    CHECK(table.find("residual_noise_uv")->is_empty());
}

TEST_CASE(
    "import: averages without a response, unreadable files and averages that do not fit are left out or stop "
    "it") {
    Lab lab;
    test::IhsAverage flat{.name = "FLAT", .zero = "1"};
    flat.average = {0, 0, 0};
    lab.add("good.txt", counting({{.zero = "1"}}, 3));
    lab.add("flat.txt", test::ihs_file({flat}, false));
    CHECK(lab.imported().rows() == 1);
    REQUIRE(lab.report.left_out.size() == 1);
    CHECK(contains(lab.report.left_out.begin()->second.at(0), "flat.txt:12, average FLAT"));

    lab.add("foreign.txt", "nothing that is known\n");
    lab.add("fine.txt", counting({{.period_us = "20.00", .zero = "1"}}, 3));
    CHECK(contains(lab.refusal(), "foreign.txt: begins with"));
    lab.settings.skip_bad = true;
    const ImportedTable table = lab.imported();
    CHECK(table.rows() == 1);
    CHECK(lab.report.left_out.size() == 3);
    const std::string text = import_text(lab.report, table);
    CHECK(contains(text, "left out, averages that cannot be used: 1\n"));
    CHECK(contains(text, "left out, files, or the rest of them, that cannot be read: 1\n"));
    const Json json = import_json(lab.report, table);
    CHECK(json["files"].size() == 4);
    CHECK(json["files"][2]["layout"] == "");
    CHECK(json["means"][0]["mean_uv"] == Json({0.0, 1.0, 2.0}));

    lab.settings.files = {lab.folder.path / "flat.txt", lab.folder.path / "foreign.txt"};
    CHECK(contains(lab.refusal(), "no recording is left to write"));
    lab.settings.files = {lab.folder.path / "good.txt", lab.folder.path / "x" / ".." / "good.txt"};
    std::filesystem::create_directory(lab.folder.path / "x");
    CHECK(contains(lab.refusal(), "is named twice"));
}

TEST_CASE(
    "import: the patient is the header's, the file's or the folder's, and repetitions count within one "
    "series") {
    Lab lab;
    lab.add("p1/one.txt", counting({{.zero = "1"}, {.zero = "1"}, {.level = "40", .zero = "1"}}, 3));
    lab.add("p1/two.txt", counting({{.identifier = "", .zero = "1"}}, 3));
    lab.add("p2/three.txt", counting({{.zero = "1"}}, 3));
    ImportedTable table = lab.imported();
    CHECK(cells(table, "patient_id") == Cells{"ID-1", "ID-1", "ID-1", "two", "ID-1"});
    CHECK(cells(table, "repetition") == Cells{"1", "2", "1", "1", "3"});
    CHECK(lab.report.subjects_from_file_names == 1);
    CHECK(contains(import_text(lab.report, table), "files that name no subject: 1"));
    lab.settings.subject = SubjectFrom::folder;
    CHECK(cells(lab.imported(), "patient_id") == Cells{"p1", "p1", "p1", "p1", "p2"});
    lab.settings.subject = SubjectFrom::file;
    CHECK(cells(lab.imported(), "patient_id") == Cells{"one", "one", "one", "two", "three"});
}

TEST_CASE(
    "labels: by file, by patient and level, in a spreadsheet's dialect, and what fits nothing is told") {
    Lab lab;
    lab.add("p1/a.txt",
            counting({{.level = "60", .zero = "1"}, {.name = "WF.2", .level = "40", .zero = "1"}}, 3));
    lab.add("p2/a.txt", counting({{.identifier = "007", .ear = "L", .zero = "1"}}, 3));
    lab.label(
        "file,patient_id,class,age_years,note\np1/a.txt,P1,SNHL,34.5,\np2/"
        "a.txt,,\"NORMAL\",,seen\nb.txt,x,,,\n");
    ImportedTable table = lab.imported();
    CHECK(cells(table, "patient_id") == Cells{"P1", "P1", "007"});
    CHECK(cells(table, "class") == Cells{"SNHL", "SNHL", "NORMAL"});
    CHECK(cells(table, "age_years") == Cells{"34.5", "34.5", ""});
    CHECK(cells(table, "note") == Cells{"", "", "seen"});
    REQUIRE(lab.report.labels);
    CHECK(lab.report.labels->keys == Cells{"file"});
    CHECK(lab.report.labels->labelled == 3);
    CHECK(lab.report.labels->unused_lines == std::vector<std::int64_t>{4});
    CHECK(contains(import_text(lab.report, table), "labels: 1 lines fit no recording: 4"));

    lab.label(
        "\xEF\xBB\xBFpatient_id;ear;intensity_db;wave_v_latency_ms\r\nID-1;R;60.0;5,75\r\nID-1;sag;40;"
        "NA\r\n");
    CHECK(
        contains(lab.refusal(), "labels.csv:3, column `ear`: value `sag`: expected left, right or nothing"));
    lab.label("\xEF\xBB\xBFpatient_id;ear;intensity_db;wave_v_latency_ms\r\nID-1;R;60.0;5,75\r\n007;;;7\r\n");
    table = lab.imported();
    CHECK(cells(table, "wave_v_latency_ms") == Cells{"5.75", "", "7"});
    CHECK(lab.report.labels->keys == Cells{"patient_id", "ear", "intensity_db"});

    lab.settings.label_keys = {"record"};
    lab.label("record,intensity_db\nWF.2,45\n");
    CHECK(cells(lab.imported(), "intensity_db") == Cells{"60", "45", "60"});
}

TEST_CASE("labels: a file is named by whole parts of its path") {
    Lab lab;
    lab.add("p1/a.txt", counting({{.zero = "1"}}, 3));
    lab.add("1/a.txt", counting({{.zero = "1"}}, 3));
    lab.label("file,class\n1/a.txt,SNHL\n");
    CHECK(cells(lab.imported(), "class") == Cells{"", "SNHL"});
}

TEST_CASE("labels: mistakes are refused with their line") {
    Lab lab;
    lab.add("p1/a.txt", counting({{.zero = "1"}}, 3));
    lab.add("p2/a.txt", counting({{.zero = "1"}}, 3));
    const auto refused = [&](const std::string& table, Cells keys = {}) {
        lab.label(table);
        lab.settings.label_keys = std::move(keys);
        return lab.refusal();
    };
    CHECK(contains(refused("file,class\na.txt,SNHL\n"),
                   "labels.csv:2, column `file`: value `a.txt`: expected the name of one file, not of"));
    CHECK(contains(refused("patient_id,class\nID-1,A\nID-1,B\n"), "labels.csv:3: fits a recording of"));
    CHECK(contains(refused("patient_id,class\nID-1,A\nID-1,B\n"), "that line 2 fits too"));
    CHECK(contains(refused("klass,threshold_db\nA,1\n"), "no column says which recordings a line is for"));
    CHECK(contains(refused("patient_id,class\nID-1,A\n", {"file"}),
                   "--labels-by `file`: the table has no such column"));
    CHECK(contains(refused("patient_id,class\nID-1,A\n", {"class"}), "--labels-by `class`: no key"));
    CHECK(contains(refused("patient_id,threshold_db\nID-1,NR\n"),
                   "labels.csv:2, column `threshold_db`: value `NR`: expected a number, or an empty cell"));
    CHECK(contains(refused("patient_id,class\nID-1\n"), "labels.csv:2: the line has 1 cells: expected 2"));
    CHECK(contains(refused("patient_id,class,class\nID-1,A,B\n"), "column `class`: stands twice"));
    CHECK(contains(refused("patient_id,signal\nID-1,1\n"),
                   "column `signal`: is a column that import writes itself"));
    CHECK(contains(refused("patient_id,class\nID-1,\xFE\n"), "text in UTF-8"));
}

TEST_CASE("import: recordings need a level, from the file or from the labels") {
    Lab lab;
    lab.add("a.txt", "Time (ms)\tright\tleft\n0\t1\t2\n0.1\t2\t3\n0.2\t4\t1\n");
    CHECK(contains(lab.refusal(), "2 of 2 recordings have no level, the first right of "));
    lab.label("file,record,ear,intensity_db\na.txt,right,R,60\na.txt,left,L,40\n");
    const ImportedTable table = lab.imported();
    CHECK(lab.report.labels->keys == Cells{"file", "record"});
    CHECK(cells(table, "ear") == Cells{"right", "left"});
    CHECK(cells(table, "intensity_db") == Cells{"60", "40"});
    CHECK(cells(table, "patient_id") == Cells{"a", "a"});
}

TEST_CASE("import: columns that one file has of its own stand beside those of files without them") {
    Lab lab;
    lab.settings.read.interval_ms = 0.05;
    lab.add("a.txt", counting({{.zero = "1"}}, 3));
    lab.add("b.mat",
            test::mat_file(test::mat_numbers("signal", 2, 3, {1, 4, 2, 5, 3, 6}) +
                           test::mat_numbers("intensity_db", 2, 1, {70, 50}) +
                           test::mat_numbers("sweeps", 2, 1, {100, std::nan("")}) +
                           test::mat_cells("class", {test::mat_text("", u"A"), test::mat_text("", u"1")})));
    lab.add("c.txt", counting({{.zero = "1"}}, 3));
    const ImportedTable table = lab.imported();
    CHECK(cells(table, "class") == Cells{"", "A", "1", ""});
    CHECK(table.find("class")->is_text);
    CHECK(cells(table, "sweeps") == Cells{"1000", "100", "", "1000"});
    CHECK(cells(table, "intensity_db") == Cells{"60", "70", "50", "60"});
    CHECK(cells(table, "patient_id") == Cells{"ID-1", "b", "b", "ID-1"});
}

TEST_CASE("import: NPZ and CSV come back through the engine's readers with the same recordings") {
    Lab lab;
    lab.add("a.txt", counting({{.zero = "1"}, {.identifier = "007", .ear = "L", .level = "-5", .zero = "1"}},
                              4, 0.25));
    lab.label("patient_id,class,threshold_db\nID-1,SNHL,45\n");
    const ImportedTable table = lab.imported();
    for (const DataSource source : {DataSource::npz, DataSource::csv}) {
        DataConfig config;
        config.source = source;
        config.path = lab.folder.path / (source == DataSource::npz ? "out.npz" : "out.csv");
        write_imported_table(config.path, table);
        ReadReport report;
        const Recordings read = read_recordings(config, 1, report);
        CHECK(read.rows == 2);
        CHECK(read.length == 4);
        CHECK(read.sample_interval_ms == doctest::Approx(0.05));
        CHECK(read.patients == Cells{"ID-1", "007"});
        CHECK(read.ear == std::vector<std::int8_t>{1, 0});
        CHECK(read.intensity_db == Floats{60, -5});
        CHECK(read.rate_hz == Floats{37.1f, 37.1f});
        CHECK(read.label == std::vector<std::int32_t>{2, -1});
        CHECK(read.scalar[Component::threshold][0] == 45);
        CHECK(std::isnan(read.scalar[Component::threshold][1]));
        CHECK(read.signal == Floats{0.25f, 1.25f, 2.25f, 3.25f, 0.25f, 1.25f, 2.25f, 3.25f});
        CHECK_FALSE(read.has_column[Component::peak_latency]);
    }
}
