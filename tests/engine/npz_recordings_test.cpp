#include "engine/input/npz_reader.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "engine/error.hpp"
#include "engine/input/csv_reader.hpp"
#include "tests/engine/csv_fixture.hpp"
#include "tests/engine/same_recordings.hpp"
#include "tests/npz_writer.hpp"

using namespace abr;
using abr::csv_test::TextFile;
using abr::test::NpzWriter;
using abr::test::raw_bytes;
using abr::test::UnicodeArray;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

DataConfig npz_config() {
    DataConfig config;
    config.source = DataSource::npz;
    config.sample_interval_ms = 0.1;
    return config;
}

struct Read {
    Recordings recordings;
    ReadReport report;
};

Read read(const NpzWriter& npz, DataConfig config = npz_config()) {
    const TextFile file(npz.bytes(), "data.npz");
    config.path = file.path();
    Read result;
    result.recordings = read_npz_recordings(config, result.report);
    return result;
}

// The message without the folder; empty if reading does not fail.
std::string failure(const std::string& bytes, DataConfig config = npz_config()) {
    const TextFile file(bytes, "data.npz");
    config.path = file.path();
    ReadReport report;
    try {
        read_npz_recordings(config, report);
    } catch (const InputError& error) {
        return abr::csv_test::without_folder(error.what(), file);
    }
    return {};
}

// Three recordings of two patients with two samples, all that is required.
NpzWriter smallest(bool compressed = false) {
    NpzWriter npz(compressed);
    const UnicodeArray patients({U"Ayşe", U"b", U"Ayşe"});
    npz.add("patient_id", patients.descr, "(3,)", patients.bytes);
    npz.add("intensity_db", "<f8", "(3,)", raw_bytes<double>({80, 60.5, 30}));
    npz.add("signal", "<f4", "(3, 2)", raw_bytes<float>({0.1f, 2, 3, 4, 5, 6}));
    return npz;
}

NpzWriter with(const std::string& name, const std::string& descr, const std::string& shape,
               const std::string& bytes) {
    NpzWriter npz = smallest();
    npz.add(name, descr, shape, bytes);
    return npz;
}

}  // namespace

TEST_CASE(
    "npz recordings: every field, stored and compressed, in several types, as the same table from CSV") {
    DataConfig csv = npz_config();
    csv.source = DataSource::csv;
    csv.sample_interval_ms.reset();
    csv.class_aliases["SNHL"] = {"SNİK"};
    const TextFile text(
        "patient_id,ear,age_years,intensity_db,rate_hz,fmp,class,wave_v_latency_ms,wave_v_amplitude_uv,"
        "threshold_db,sample_interval_ms,s0,s1,c0,c1\n"
        "12,left,0.1,80,33.3,2.5,SNİK,5.75,0.4,20,0.05,0.1,2,0.5,0.25\n"
        "13,,,60.5,,,,,,,0.05,3,4,,\n"
        "12,right,44,-5,21,0,NORMAL,7,-0.5,35,0.05,5,6,1,2\n");
    csv.path = text.path();
    ReadReport report;
    const Recordings expected = read_csv_recordings(csv, 1, report);

    for (const bool compressed : {false, true}) {
        CAPTURE(compressed);
        NpzWriter npz(compressed);
        const UnicodeArray ears({U"left", U"", U"right"}), classes({U"SNİK", U"NA", U"NORMAL"});
        npz.add("patient_id", "<i8", "(3,)", raw_bytes<std::int64_t>({12, 13, 12}));
        npz.add("ear", ears.descr, "(3,)", ears.bytes);
        npz.add("age_years", "<f4", "(3,)", raw_bytes<float>({0.1f, kNan, 44}));
        npz.add("intensity_db", "<f8", "(3,)", raw_bytes<double>({80, 60.5, -5}));
        npz.add("rate_hz", "<f8", "(3,)",
                raw_bytes<double>({33.3, std::numeric_limits<double>::quiet_NaN(), 21}));
        npz.add("fmp", "<f4", "(3,)", raw_bytes<float>({2.5f, kNan, 0}));
        npz.add("class", classes.descr, "(3,)", classes.bytes);
        npz.add("wave_v_latency_ms", "<f4", "(3,)", raw_bytes<float>({5.75f, kNan, 7}));
        npz.add("wave_v_amplitude_uv", "<f4", "(3,)", raw_bytes<float>({0.4f, kNan, -0.5f}));
        npz.add("threshold_db", "|S2", "(3,)",
                std::string("20\0\0"
                            "35",
                            6));
        npz.add("sample_interval_ms", "<f8", "()", raw_bytes<double>({0.05}));
        npz.add("signal", "<f8", "(3, 2)", raw_bytes<double>({0.1, 2, 3, 4, 5, 6}));
        npz.add("clean", "<f4", "(3, 2)", raw_bytes<float>({0.5f, 0.25f, kNan, kNan, 1, 2}));
        npz.add("unused", "|O", "(1,)", "whatever");
        DataConfig config = csv;
        config.source = DataSource::npz;
        const Read found = read(npz, config);
        abr::test::check_same(found.recordings, expected);
        CHECK(found.report.read == 3);
        CHECK(found.report.used == 3);
    }
}

TEST_CASE("npz recordings: names may be mapped, classes may be numbers, filters look at any array") {
    NpzWriter npz;
    npz.add("who", "|S1", "(3,)", "aab");
    npz.add("intensity_db", "<i2", "(3,)", raw_bytes<std::int16_t>({80, 60, 30}));
    npz.add("class", "|u1", "(3,)", std::string("\x00\x04\x01", 3));
    npz.add("sweeps", "<i4", "(3,)", raw_bytes<std::int32_t>({10, 200, 99}));
    npz.add("signal", "<f4", "(3, 2)", raw_bytes<float>({0, 1, 2, 3, 4, 5}));
    DataConfig config = npz_config();
    config.columns.patient_id = "who";
    config.filters = {{"sweeps", FilterOperation::less_than, {100.0}, "x.toml:1:1"}};
    const Read found = read(npz, config);
    CHECK(found.recordings.rows == 2);
    CHECK(found.recordings.patients == std::vector<std::string>{"a", "b"});
    CHECK(found.recordings.label == std::vector<std::int32_t>{0, 1});
    CHECK(found.recordings.source_row == std::vector<std::int64_t>{1, 3});
    CHECK(found.report.filtered == 1);
}

TEST_CASE("npz recordings: bad rows are errors with row and array, or skipped and counted") {
    NpzWriter npz;
    npz.add("patient_id", "|S1", "(4,)", std::string("a\0cd", 4));
    npz.add("intensity_db", "<f4", "(4,)", raw_bytes<float>({80, 80, 80, 80}));
    npz.add("wave_v_latency_ms", "<f4", "(4,)", raw_bytes<float>({6, 6, -1, 6}));
    npz.add("signal", "<f4", "(4, 2)", raw_bytes<float>({0, 1, 0, 1, 0, 1, kNan, 1}));
    CHECK(
        failure(npz.bytes()) ==
        "data.npz: row 2, array `patient_id`: no value: expected the patient's identifier; correct the row, "
        "or leave such rows out with data.on_bad_row = \"skip\"");
    DataConfig config = npz_config();
    config.on_bad_row = OnBadRow::skip;
    config.max_bad_fraction = 1;
    const Read found = read(npz, config);
    CHECK(found.recordings.rows == 1);
    CHECK(found.recordings.signal == std::vector<float>{0, 1});
    REQUIRE(found.report.rejected.size() == 3);
    CHECK(found.report.rejected.at("negative_latency").lines == std::vector<std::int64_t>{3});
    CHECK(found.report.rejected.at("signal_not_finite")
              .first.ends_with(
                  "data.npz: row 4, array `signal`: sample 0 is nan: expected a finite number (uV); "
                  "correct the row"));
    config.max_bad_fraction = 0.5;
    CHECK(failure(npz.bytes(), config)
              .find("3 of 4 rows are bad, 1 missing_value (from row 2), 1 "
                    "negative_latency (from row 3), 1 signal_not_finite (from row 4)") != std::string::npos);
}

TEST_CASE("npz recordings: what does not fit is refused with the array, what was expected and the remedy") {
    struct Mistake {
        std::string bytes, message;
    };
    const std::string skip = "; correct the row, or leave such rows out with data.on_bad_row = \"skip\"";
    NpzWriter no_signal;
    no_signal.add("patient_id", "|S1", "(1,)", "a").add("intensity_db", "<f4", "(1,)", raw_bytes<float>({1}));
    const std::vector<Mistake> mistakes = {
        {no_signal.bytes(),
         "data.npz: array `signal`: missing: expected this name among the arrays of the file, which are "
         "`intensity_db`, `patient_id`; rename the array, or save the signals as a two-dimensional array of "
         "this name"},
        {with("age_years", "<f4", "(2,)", raw_bytes<float>({1, 2})).bytes(),
         "data.npz: array `age_years`: shape (2): expected (3) as signal has rows; save one value for each "
         "recording"},
        {with("clean", "<f4", "(3, 1)", raw_bytes<float>({1, 2, 3})).bytes(),
         "data.npz: array `clean`: shape (3, 1): expected (3, 2) as signal has; save both with equal shapes"},
        {with("clean", "<f4", "(6,)", raw_bytes<float>({1, 2, 3, 4, 5, 6})).bytes(),
         "data.npz: array `clean`: shape (6): expected (recordings, samples); save one row of samples for "
         "each "
         "recording"},
        {with("clean", "<f4", "(3, 2)", raw_bytes<float>({1, 2, kNan, 4, 5, 6})).bytes(),
         "data.npz: row 2, array `clean`: sample 0 is nan: expected every sample of the clean signal, or "
         "none" +
             skip},
        {with("class", "|O", "(3,)", "pickle").bytes(),
         "data.npz: array 'class': arrays of dtype '|O' are not read; they hold pickled Python objects: "
         "convert to text with .astype(str) or to a number type"},
        {with("class", "|S3", "(3,)", "SNHOHC\xFF\xFE\xFD").bytes(),
         "data.npz: row 3, array `class`: bytes that are no text: expected text in UTF-8; save the array as "
         "text with .astype(str)"},
        {with("fmp", "<f4", "(3,)", raw_bytes<float>({1, -2, 3})).bytes(),
         "data.npz: row 2, array `fmp`: value `-2`: expected a value of 0 or more; correct the row, set "
         "data.missing = [\"-2\"] if that means none, or leave such rows out with data.on_bad_row = "
         "\"skip\""},
        {"patient_id,intensity_db,s0\n",
         "data.npz: no .npz file: it does not begin as a zip archive does: expected arrays that numpy.savez "
         "or "
         "numpy.savez_compressed wrote; read a CSV file with data.source = \"csv\""},
        {NpzWriter().add_member("[Content_Types].xml", "<xml>").bytes(),
         "data.npz: an .xlsx spreadsheet: expected arrays that numpy.savez "
         "or "
         "numpy.savez_compressed wrote; save the spreadsheet as CSV UTF-8, or convert an .xlsx file with "
         "`xlsx2csv 'data.npz' 'data.csv'` (Debian's package xlsx2csv) and name the result as data.path"},
    };
    for (const Mistake& mistake : mistakes) CHECK(failure(mistake.bytes) == mistake.message);

    DataConfig config = npz_config();
    config.sample_interval_ms.reset();
    CHECK(failure(smallest().bytes(), config).starts_with("data.npz: array `sample_interval_ms`: missing"));
}
