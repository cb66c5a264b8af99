#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

#include "tests/engine/csv_fixture.hpp"

namespace abr::csv_test {
namespace {

using Labels = std::vector<std::int32_t>;
using Floats = std::vector<float>;

constexpr std::string_view kOwnLayout =
    "patient_id,ear,age_years,intensity_db,rate_hz,fmp,class,wave_v_latency_ms,wave_v_amplitude_uv,threshold_"
    "db,"
    "sample_interval_ms,s0,s1,s2,c0,c1,c2\n"
    "anna,left,0.5,80,33.1,1.25,NORMAL,6.1,0.21,10,0.1,0.1,-0.2,3e-2,0.11,-0.21,0.03\n"
    "ben,right,NA,40,,NaN,SNHL,,,45,0.1,1,2,3,,NA,NaN\n"
    "anna,,3,60.5,27.7,0,2,7.5,0.1,NA,0.1,-1,0,1,0,0,0\n";

TEST_CASE("the own layout is read field by field, with missing values where cells are empty, NA or NaN") {
    DataConfig config = csv_config();
    config.sample_interval_ms.reset();
    const auto [table, report] = read_text(kOwnLayout, config);
    CHECK(table.rows == 3);
    CHECK(table.length == 3);
    CHECK(table.sample_interval_ms == 0.1);
    CHECK(table.has_clean);
    CHECK(table.source_row == std::vector<std::int64_t>{1, 2, 3});
    CHECK(table.patients == std::vector<std::string>{"anna", "ben"});
    CHECK(table.patient == Labels{0, 1, 0});
    CHECK(table.ear == std::vector<std::int8_t>{0, 1, -1});
    CHECK(table.label == Labels{0, 2, 2});
    CHECK(table.intensity_db == Floats{80, 40, 60.5F});
    CHECK(table.age_years[0] == 0.5F);
    CHECK(std::isnan(table.age_years[1]));
    CHECK(std::isnan(table.rate_hz[1]));
    CHECK(std::isnan(table.fmp[1]));
    CHECK(table.fmp[2] == 0);
    CHECK(table.scalar[Component::peak_latency][0] == 6.1F);
    CHECK(std::isnan(table.scalar[Component::peak_latency][1]));
    CHECK(std::isnan(table.scalar[Component::peak_amplitude][1]));
    CHECK(table.scalar[Component::threshold][1] == 45);
    CHECK(std::isnan(table.scalar[Component::threshold][2]));
    CHECK(table.signal == Floats{0.1F, -0.2F, 0.03F, 1, 2, 3, -1, 0, 1});
    CHECK(table.clean[1] == -0.21F);
    CHECK(std::isnan(table.clean[3]));
    CHECK(std::isnan(table.clean[5]));
    CHECK(table.clean[8] == 0);
    CHECK(table.has_column[Component::classification]);
    CHECK(table.has_column[Component::peak_latency]);
    CHECK(table.has_column[Component::peak_amplitude]);
    CHECK(table.has_column[Component::threshold]);
    CHECK(report.read == 3);
    CHECK(report.used == 3);
    CHECK(report.filtered == 0);
    CHECK(report.rejected.empty());
}

TEST_CASE("only patient, level and signal are required") {
    const auto [table, report] = read_text("patient_id,intensity_db,s0,s1\np,80,1,2");
    CHECK(table.rows == 1);
    CHECK(table.sample_interval_ms == 0.1);
    CHECK(table.label == Labels{-1});
    CHECK(table.ear == std::vector<std::int8_t>{-1});
    CHECK(std::isnan(table.age_years[0]));
    CHECK(table.clean.empty());
    CHECK_FALSE(table.has_clean);
    CHECK_FALSE(table.has_column[Component::classification]);
    CHECK_FALSE(table.has_column[Component::peak_latency]);
}

TEST_CASE("pitfall 20: the sample interval comes from the file or the configuration, and is stored") {
    CHECK(read_text("patient_id,intensity_db,s0,s1\np,80,1,2").recordings.sample_interval_ms == 0.1);
    DataConfig config = csv_config();
    config.sample_interval_ms = 0.05;
    const auto* text = "patient_id,intensity_db,sample_interval_ms,s0,s1\np,80,0.0500000007,1,2";
    CHECK(read_text(text, config).recordings.sample_interval_ms == 0.05);
    config.sample_interval_ms.reset();
    CHECK(read_text(text, config).recordings.sample_interval_ms == 0.0500000007);
}

TEST_CASE("byte order mark, CRLF, blank lines, spaces and a missing last line end change nothing") {
    const auto [table, report] = read_text(
        "\xEF\xBB\xBFpatient_id , intensity_db,s0,s1\r\n\r\n  p ,80 , 1,2\r\n   \r\n q,70,3 ,4 \r\n\r\n "
        "r,60,5,6");
    CHECK(table.patients == std::vector<std::string>{"p", "q", "r"});
    CHECK(table.signal == Floats{1, 2, 3, 4, 5, 6});
    CHECK(table.source_row == std::vector<std::int64_t>{1, 2, 3});
    CHECK(report.read == 3);
}

TEST_CASE("quoted cells hold separators, line breaks and quotes") {
    const auto [table, report] = read_text(
        "\"patient_id\",\"intensity\n_db\",note,s0,s1\n\"a,\nb \"\"c\"\"\",80,\"x\"\"\",\"1\",2\n \"d\" "
        ",70,,3,4\n",
        [] {
            DataConfig config = csv_config();
            config.columns.intensity_db = "intensity\n_db";
            return config;
        }());
    CHECK(table.patients == std::vector<std::string>{"a,\nb \"c\"", "d"});
    CHECK(table.intensity_db == Floats{80, 70});
    CHECK(table.signal == Floats{1, 2, 3, 4});
}

TEST_CASE("semicolons and tabs separate, with a decimal comma or a decimal point") {
    const Floats signal = {0.5F, -1.25F, 2e-3F, 4};
    const auto read = [](std::string_view text) { return read_text(text).recordings.signal; };
    CHECK(read("patient_id;intensity_db;s0;s1\np;80;0,5;-1,25\nq;70;2,0e-3;4\n") == signal);
    CHECK(read("patient_id;intensity_db;s0;s1\np;80;0.5;-1.25\nq;70;2.0e-3;4\n") == signal);
    CHECK(read("patient_id\tintensity_db\ts0\ts1\np\t80\t0,5\t-1,25\nq\t70\t2,0e-3\t4\n") == signal);
    CHECK(read("patient_id\tintensity_db\ts0\ts1\np\t80\t0.5\t-1.25\nq\t70\t2.0e-3\t4\n") == signal);
}

TEST_CASE("the spreadsheet of the replaced system loads as it is") {
    DataConfig config = csv_config();
    config.columns.patient_id = "Patient_ID";
    config.columns.age_years = "Age";
    config.columns.intensity_db = "Intensity";
    config.columns.rate_hz = "Stimulus Rate";
    config.columns.fmp = "FMP";
    config.columns.label[Component::classification] = "Hear_Loss";
    config.columns.label[Component::peak_latency] = "V Latancy";
    config.columns.label[Component::peak_amplitude] = "V Amplitude";
    config.columns.signal = {"", 1, 4};
    config.class_aliases = {{"NEUROPATHY", {"NÖROPATİ"}}, {"SNHL", {"SNİK"}}, {"CONDUCTIVE", {"İTİK"}}};
    config.filters = {
        {"Stimulus Polarity", FilterOperation::equals, {std::string("Alternate")}, "a.toml:1:1"},
        {"Sweeps Rejected", FilterOperation::less_than, {100.0}, "a.toml:2:1"}};
    const auto [table, report] = read_text(
        "\xEF\xBB\xBFPatient_ID;Age;Intensity;Stimulus Rate;FMP;Hear_Loss;V Latancy;V Amplitude;Stimulus "
        "Polarity;Sweeps Rejected;1;2;3;4;5\r\n"
        "17;0;80;33,3;2,5;NÖROPATİ;;;Alternate;12;0,1;0,2;0,3;0,4;9\r\n"
        "17;0;60;33,3;2,5;SNİK;6,5;0,2;Alternate;99,5;1;2;3;4,5;9\r\n"
        "18;0;60;33,3;2,5;NORMAL;6,5;0,2;Alternate;100;1;2;3;4,5;9\r\n"
        "19;bad;60;33,3;2,5;WHAT;6,5;0,2;Rarefaction;5;1\r\n"
        "20;1;60;33,3;2,5;İTİK;6,5;0,2;Alternate;0;1;2;3;4,5;9\r\n",
        config);
    CHECK(table.patients == std::vector<std::string>{"17", "20"});
    CHECK(table.label == Labels{1, 2, 4});
    CHECK(table.length == 4);
    CHECK(table.source_row == std::vector<std::int64_t>{1, 2, 5});
    CHECK(table.rate_hz[0] == 33.3F);
    CHECK(report.read == 5);
    CHECK(report.filtered == 2);
    CHECK(report.used == 3);
    CHECK(report.rejected.empty());
}

TEST_CASE(
    "every filter operation keeps the rows it describes, and a missing number passes none of the orderings") {
    const auto kept = [](FilterOperation operation, std::vector<FilterValue> values) {
        DataConfig config = csv_config();
        config.filters = {{"v", operation, std::move(values), "a.toml:1:1"}};
        std::string patients;
        const Recordings table =
            read_text("patient_id,intensity_db,v,s0,s1\na,1,5,0,1\nb,1,10.0,0,1\nc,1,15,0,1\nd,1,,0,1\n",
                      config)
                .recordings;
        for (const std::string& name : table.patients) patients += name;
        return patients;
    };
    CHECK(kept(FilterOperation::equals, {10.0}) == "b");
    CHECK(kept(FilterOperation::equals, {std::string("10.0")}) == "b");
    CHECK(kept(FilterOperation::not_equal, {10.0}) == "acd");
    CHECK(kept(FilterOperation::less_than, {10.0}) == "a");
    CHECK(kept(FilterOperation::greater_than, {10.0}) == "c");
    CHECK(kept(FilterOperation::at_least, {10.0}) == "bc");
    CHECK(kept(FilterOperation::at_most, {10.0}) == "ab");
    CHECK(kept(FilterOperation::one_of, {15.0, std::string("5")}) == "ac");
}

TEST_CASE("a class may be a name, an alias or an index, and a name wins over an index") {
    DataConfig config = csv_config();
    config.classes = {"A", "B", "0"};
    config.class_aliases = {{"B", {"b", "NA"}}};
    const auto* text =
        "patient_id,intensity_db,class,s0,s1\n"
        "p,1,B,0,1\np,1,b,0,1\np,1,1,0,1\np,1,1.0,0,1\np,1,0,0,1\np,1,NA,0,1\np,1,,0,1\n";
    CHECK(read_text(text, config).recordings.label == Labels{1, 1, 1, 1, 2, 1, -1});
}

TEST_CASE("numbers are rounded correctly to float, however long they are written") {
    const std::vector<std::string> numbers = {"0.1",
                                              "16777217",
                                              "1.00000005960464477539062500000000000001",
                                              "3.4028234663852886e38",
                                              "1e-45",
                                              "7e-46",
                                              "1e-400",
                                              "+2.5",
                                              "-0",
                                              ".5",
                                              "5.",
                                              "123456789012345678901234567890e-30"};
    std::string header = "patient_id,intensity_db";
    std::string row = "p,1";
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        header += ",s" + std::to_string(i);
        row += "," + numbers[i];
    }
    const Recordings table = read_text(header + "\n" + row + "\n").recordings;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        CAPTURE(numbers[i]);
        CHECK(table.signal[i] == std::strtof(numbers[i].c_str(), nullptr));
    }
}

TEST_CASE("samples that stand apart, in disorder, quoted, or that a filter looks at are read all the same") {
    const std::vector<float> expected = {0.5f, -1, 2, 7, 8, 9};
    const auto signal = [](const char* text, DataConfig config = csv_config()) {
        return read_text(text, config).recordings.signal;
    };
    CHECK(signal("patient_id,intensity_db,s0,s1,s2\np,1,.5,-1,2\np,1,7,8,9") == expected);
    CHECK(signal("s0,s1,s2,patient_id,intensity_db\n0.5,-1,2,p,1\n7, 8,+9,p,1\n") == expected);
    CHECK(signal("patient_id,s2,s1,s0,intensity_db\np,2,-1,0.5,1\np,9,8,7,1\n") == expected);
    CHECK(signal("s0,patient_id,s1,intensity_db,s2\r\n0.5,p,-1,1,2\r\n7,p,8,1,9\r\n") == expected);
    CHECK(signal("patient_id,intensity_db,s0,s1,s2\n\"p\",1,0.5,\"-1\",2\np,1,7,8,9\r\n") == expected);
    CHECK(signal("patient_id;intensity_db;s0;s1;s2\np;1;0,5;-1;2\np;1;7;8;9\n") == expected);
    DataConfig filtered = csv_config();
    filtered.filters = {{"s1", FilterOperation::less_than, {8.0}, "a.toml:1:1"}};
    CHECK(signal("patient_id,intensity_db,s0,s1,s2\np,1,0.5,-1,2\np,1,7,8,9\n", filtered) ==
          std::vector<float>{0.5f, -1, 2});
    const Recordings both =
        read_text("patient_id,intensity_db,c0,c1,s0,s1\np,1,3,4,1,2\nq,1,,NA,5,6\n").recordings;
    CHECK(both.signal == std::vector<float>{1, 2, 5, 6});
    CHECK(both.clean[1] == 4);
    CHECK(std::isnan(both.clean[3]));
    const Recordings in_order =
        read_text("patient_id,intensity_db,s0,s1,c0,c1\np,1,1,2,3,4\nq,1,5,6,,\n").recordings;
    CHECK(in_order.signal == std::vector<float>{1, 2, 5, 6});
    CHECK(in_order.clean[0] == 3);
    CHECK(std::isnan(in_order.clean[2]));
}

TEST_CASE("bad rows are skipped and counted by reason with their first twenty lines") {
    std::string text = "patient_id,intensity_db,wave_v_latency_ms,fmp,ear,s0,s1\n";
    for (int i = 0; i < 100; ++i) text += "p,80,6,1,left,1,2\n";  // lines 2 to 101
    for (int i = 0; i < 25; ++i) text += "p,80,x,1,left,1,2\n";   // lines 102 to 126
    text +=
        "p,80,-6,1,left,1,2\np,80,6,1,left,1\np,80,6,1,left,nan,2\np,80,6,1,left,2,2\np,,6,1,left,1,2\n"
        "p,80,6,-1,left,1,2\np,80,6,1,up,1,2\np,80,inf,1,left,1,2\np,80,6,1,\"left\"x,1,2\np,80,6,1,left,1,"
        "inf\n";
    DataConfig config = csv_config();
    config.on_bad_row = OnBadRow::skip;
    config.max_bad_fraction = 0.5;
    const auto [table, report] = read_text(text, config);
    CHECK(table.rows == 100);
    CHECK(table.signal.size() == 200);
    CHECK(report.read == 135);
    CHECK(report.used == 100);
    const auto& bad = report.rejected;
    REQUIRE(bad.count("not_a_number") == 1);
    CHECK(bad.at("not_a_number").count == 25);
    CHECK(bad.at("not_a_number").lines.size() == 20);
    CHECK(bad.at("not_a_number").lines.front() == 102);
    CHECK(bad.at("not_a_number").lines.back() == 121);
    using Lines = std::vector<std::int64_t>;
    CHECK(bad.at("negative_latency").lines == Lines{127});
    CHECK(bad.at("wrong_number_of_cells").lines == Lines{128});
    CHECK(bad.at("signal_not_finite").lines == Lines{129, 136});
    CHECK(bad.at("zero_variance_signal").lines == Lines{130});
    CHECK(bad.at("missing_value").lines == Lines{131});
    CHECK(bad.at("negative_fmp").lines == Lines{132});
    CHECK(bad.at("unknown_ear").lines == Lines{133});
    CHECK(bad.at("not_finite").lines == Lines{134});
    CHECK(bad.at("malformed_quotes").lines == Lines{135});
}

TEST_CASE("the report holds the extent of every field") {
    const TextFile file("patient_id,intensity_db,wave_v_latency_ms,s0,s1\np,80,18.5,-3,1\nq,-5,,0.5,2\n");
    DataConfig config = csv_config();
    config.path = file.path();
    ReadReport report;
    read_recordings(config, 1, report);
    CHECK(report.ranges.at("intensity_db").minimum == -5);
    CHECK(report.ranges.at("intensity_db").maximum == 80);
    CHECK(report.ranges.at("wave_v_latency_ms").maximum == 18.5);
    CHECK(report.ranges.at("wave_v_latency_ms").missing == 1);
    CHECK(report.ranges.at("signal").minimum == -3);
    CHECK(report.ranges.at("signal").values == 4);
    CHECK(report.ranges.at("age_years").values == 0);
    CHECK(std::isnan(report.ranges.at("age_years").minimum));
    CHECK(report.ranges.count("clean") == 0);
}

}  // namespace
}  // namespace abr::csv_test
