// Files as laboratories have them: what is found out from the file, and what the configuration says of it.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "engine/input/read_recordings.hpp"
#include "tests/engine/csv_fixture.hpp"

namespace abr::csv_test {
namespace {

Read read_all(std::string_view text, const std::function<void(DataConfig&)>& change = {}) {
    const TextFile file(text);
    DataConfig config = csv_config();
    config.path = file.path();
    if (change) change(config);
    Read result;
    result.recordings = read_recordings(config, 2, result.report);
    return result;
}

const std::string kHeader = "patient_id,intensity_db,threshold_db,ear,s0,s1,s2,s3\n";
const std::string kRows = "a,70,25,left,1,2,3,5\nb,50,40,right,4,3,2,1\n";

TEST_CASE("field files: the layout around the same two recordings is no matter") {
    const Read plain = read_all(kHeader + kRows);
    REQUIRE(plain.recordings.rows == 2);
    const auto with_separator = [](std::string text, char separator) {
        for (char& c : text)
            if (c == ',') c = separator;
        return text;
    };
    struct Layout {
        std::string name, text;
        std::function<void(DataConfig&)> change;
        std::string skipped;  // kind
        std::int64_t count = 0, first_line = 2;
    };
    const std::vector<Layout> layouts = {
        {"sep=", "sep=;\n" + with_separator(kHeader + kRows, ';'), {}, "lines_before_header", 1, 3},
        {"sep= with quotes and CRLF",
         "\xEF\xBB\xBF\"SEP=|\"\r\n" + with_separator(kHeader + kRows, '|'),
         {},
         "lines_before_header",
         1,
         3},
        {"lines before the header",
         "Lab 7, room 2\n\nexported; by; machine\n" + kHeader + kRows,
         {},
         "lines_before_header",
         3,
         5},
        {"the header's line is said", "a,b,c\nd,e,f\n" + kHeader + kRows,
         [](DataConfig& c) { c.header_line = 3; }, "lines_before_header", 2, 4},
        {"a row of units", kHeader + ",[dB nHL],dB,,µV,µV,µV,µV\n" + kRows, {}, "unit_rows", 1, 3},
        {"rows that are said", kHeader + "x,level,thr,side,first,,,last\n1,2,3,4,5,6,7,8\n" + kRows,
         [](DataConfig& c) { c.skip_rows = 2; }, "skipped_rows", 2, 4},
        {"rows of separators",
         kHeader + ",,,,,,,\n" + kRows + " , ,,,,,,\n,,,,,,,\n",
         {},
         "blank_rows",
         3,
         3},
        {"a separator at the end of rows",
         kHeader + "a,70,25,left,1,2,3,5,\nb,50,40,right,4,3,2,1,,\n",
         {},
         "",
         0,
         2},
        {"a separator at the end of the header",
         "patient_id,intensity_db,threshold_db,ear,s0,s1,s2,s3,\n" + kRows,
         {},
         "",
         0,
         2},
        {"the header again",
         kHeader + "a,70,25,left,1,2,3,5\n" + kHeader + "b,50,40,right,4,3,2,1\n",
         {},
         "repeated_headers",
         1,
         2},
    };
    for (const Layout& layout : layouts) {
        CAPTURE(layout.name);
        const Read read = read_all(layout.text, layout.change);
        CHECK(read.recordings.signal == plain.recordings.signal);
        CHECK(read.recordings.patients == plain.recordings.patients);
        CHECK(read.recordings.scalar[Component::threshold] == plain.recordings.scalar[Component::threshold]);
        CHECK(read.recordings.line_of(0) == layout.first_line);
        CHECK(read.report.read == 2);
        if (layout.skipped.empty())
            CHECK(read.report.skipped.empty());
        else
            CHECK(read.report.skipped == std::map<std::string, std::int64_t>{{layout.skipped, layout.count}});
    }
}

TEST_CASE(
    "field files: words for none, everywhere or in one column, letters of either case and numbers by value") {
    const auto thresholds = [](const std::string& cells, const std::function<void(DataConfig&)>& change) {
        std::string text = kHeader;
        for (std::size_t begin = 0; begin <= cells.size();) {
            const std::size_t end = std::min(cells.find(' ', begin), cells.size());
            text += "p,55," + cells.substr(begin, end - begin) + ",left,1,2,3,4\n";
            begin = end + 1;
        }
        return read_all(text, change).recordings.scalar[Component::threshold];
    };
    const auto missing = [](std::vector<std::string> words) {
        return [words](DataConfig& c) { c.missing = words; };
    };
    for (const float value :
         thresholds("Q.N.S q.n.s -77 -77.0 ∅ İPTAL iptal", missing({"q.n.s", "-77", "∅", "iptal"})))
        CHECK(std::isnan(value));
    CHECK(thresholds("0 7", missing({"77"})) == std::vector<float>{0, 7});
    const auto in_column = thresholds("55 30", [](DataConfig& c) { c.missing_in["threshold_db"] = {"55"}; });
    CHECK(std::isnan(in_column[0]));
    CHECK(in_column[1] == 30);
    CHECK(failure(kHeader + "p,55,n.t.,left,1,2,3,4\n").find("data.missing = [\"n.t.\"]") !=
          std::string::npos);
    // A sample of -77 is a sample; a level that is missing is a bad row.
    DataConfig config = csv_config();
    config.missing = {"-77"};
    CHECK(read_text(kHeader + "p,55,20,left,-77,2,3,4\n", config).recordings.signal[0] == -77);
    CHECK(failure(kHeader + "p,-77,20,left,1,2,3,4\n", config).find("not what data.missing says") !=
          std::string::npos);
}

TEST_CASE("field files: ears in many languages, and the file's own") {
    const auto ears = [](const std::vector<std::string>& names, const NamedLists& aliases) {
        std::string text = kHeader;
        for (const std::string& name : names) text += "p,55,20," + name + ",1,2,3,4\n";
        return read_all(text, [&](DataConfig& c) { c.ear_aliases = aliases; }).recordings.ear;
    };
    using Ears = std::vector<std::int8_t>;
    CHECK(ears({"l", "OS", "as", "SOL", "Links", "gauche", "Left"}, {}) == Ears{0, 0, 0, 0, 0, 0, 0});
    CHECK(ears({"r", "OD", "ad", "SAĞ", "rechts", "Droite", "RIGHT"}, {}) == Ears{1, 1, 1, 1, 1, 1, 1});
    CHECK(ears({"høyre", "VENSTRE", ""}, {{"right", {"Høyre"}}, {"left", {"venstre"}}}) == Ears{1, 0, -1});
}

TEST_CASE("field files: units, the time of the first sample and the window") {
    const std::string text =
        "patient_id,intensity_db,wave_v_latency_ms,wave_v_amplitude_uv,s0,s1,s2,s3,s4,s5,c0,c1,c2,c3,c4,c5\n"
        "a,70,0.0002,250,1,2,3,4,5,6,6,5,4,3,2,1\nb,70,,,2,4,8,16,32,64,1,2,3,4,5,6\n";
    const Read read = read_all(text, [](DataConfig& c) {
        c.signal_unit = VoltageUnit::mv;
        c.amplitude_unit = VoltageUnit::nv;
        c.latency_unit = TimeUnit::s;
        c.first_sample_ms = -0.2;
        c.window_ms = {-0.1, 0.3};
    });
    const Recordings& table = read.recordings;
    CHECK(table.length == 4);
    CHECK(table.first_sample_ms == doctest::Approx(-0.1));
    CHECK(table.end_ms() == doctest::Approx(0.3));
    CHECK(table.signal == std::vector<float>{2000, 3000, 4000, 5000, 4000, 8000, 16000, 32000});
    CHECK(table.clean == std::vector<float>{5000, 4000, 3000, 2000, 2000, 3000, 4000, 5000});
    CHECK(table.scalar[Component::peak_latency][0] == doctest::Approx(0.2));
    CHECK(table.scalar[Component::peak_amplitude][0] == doctest::Approx(0.25));
    CHECK(read.report.ranges.at("signal").maximum == 32000);
}

TEST_CASE("field files: an optional column is switched off by an empty name, and near names are told") {
    const auto own =
        read_all(kHeader + kRows, [](DataConfig& c) { c.columns.label[Component::threshold] = ""; });
    CHECK_FALSE(own.recordings.has_column[Component::threshold]);
    CHECK(own.report.suspicions.empty());
    const std::string text =
        "patient_id,intensity_db,Threshold,Wave V Latency (ms),EAR,ages,s0,s1\na,70,25,5,L,3,1,2\n";
    const auto near = read_all(text).report.suspicions;
    REQUIRE(near.size() == 3);
    CHECK(
        suspicion_text(near[0]).starts_with("EAR: is not read; its name is nearly `ear` (line 1); if that is "
                                            "what it holds, set [data.columns] ear = "
                                            "\"EAR\""));
    CHECK(near[1].column == "Wave V Latency (ms)");
    CHECK(near[2].column == "Threshold");
    const auto silenced = read_all(text, [](DataConfig& c) {
        c.columns.ear = c.columns.label[Component::threshold] = c.columns.label[Component::peak_latency] = "";
    });
    CHECK(silenced.report.suspicions.empty());
}

TEST_CASE("field files: marks between thousands are told from decimal marks") {
    const auto grouped = [](const std::string& rows) {
        const auto found = read_all("patient_id;intensity_db;s0;s1;s2;s3\n" + rows).report.suspicions;
        return found.size() == 1 && found.front().kind == "grouped_digits";
    };
    CHECK(grouped("a;60;1.250;-310;2.004;17\nb;60;-5.118;2;9.301;800\nc;60;1.111;0;1;2\n"));
    CHECK(grouped("a;60;1,250;-310;2,004;17\nb;60;-5,118;2;9,301;800\nc;60;1,111;0;1;2\n"));
    CHECK_FALSE(grouped("a;60;1.250;-310;2.04;17\nb;60;-5.118;2;9.301;800\nc;60;1.111;0;1;2\n"));
    CHECK_FALSE(grouped("a;60;1.250;-0.310;2.004;17\nb;60;-5.118;2;9.301;800\nc;60;1.111;0;1;2\n"));
    CHECK_FALSE(grouped("a;60;1.250;2.310;2.004;1.700\nb;60;-5.118;2.000;9.301;8.000\n"));
    CHECK_FALSE(grouped("a;60;1.250;2310;2.004;17\nb;60;-5.118;2;9.301;800\nc;60;1.111;0;1;2\n"));
}

}  // namespace
}  // namespace abr::csv_test
