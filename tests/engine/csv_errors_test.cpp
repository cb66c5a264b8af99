#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <vector>

#include "engine/input/csv_file.hpp"
#include "tests/engine/csv_fixture.hpp"

namespace abr::csv_test {
namespace {

// A file with one mistake, and what the message must say.
struct Mistake {
    std::string_view kind;
    std::string text;
    std::vector<std::string_view> message;  // parts, in order
    std::function<void(DataConfig&)> change = [](DataConfig&) {};
};

const std::string kHeader = "patient_id,intensity_db,s0,s1\n";
const std::string kGood = "p,80,1,2\n";
const std::string kClassHeader = "patient_id,intensity_db,class,s0,s1\n";
const std::string kLatencyHeader = "patient_id,intensity_db,wave_v_latency_ms,s0,s1\n";
const std::string kIntervalHeader = "patient_id,intensity_db,sample_interval_ms,s0,s1\n";

const std::vector<Mistake> kFileMistakes = {
    {"empty file", "", {"data.csv: the file is empty", "expected a CSV file", "export it again"}},
    {"header only", kHeader, {"data.csv: no rows after the header", "expected one row", "export"}},
    {"header and blank lines", kHeader + "\n  \n", {"data.csv: no rows after the header"}},
    {"no separator",
     "abc\n1\n",
     {"data.csv: the first line is no header", "comma, semicolon or tab", "header line"}},
    {"spreadsheet", "PK\x03\x04rest", {"data.csv: a zip archive", ".xlsx", "xlsx2csv"}},
    {"old spreadsheet",
     "\xD0\xCF\x11\xE0rest",
     {"data.csv: a spreadsheet in the old .xls", "save it as CSV UTF-8"}},
    {"gzip", "\x1F\x8B\x08rest", {"data.csv: compressed with gzip", "gunzip"}},
    {"UTF-16", std::string("\xFF\xFEp\0a\0", 6), {"data.csv: text in UTF-16", "iconv -f UTF-16 -t UTF-8"}},
    {"binary",
     kHeader + kGood + std::string("p,8\0,1,2\n", 9),
     {"data.csv:3, column `intensity_db`: a NUL byte", "binary", "expected text in UTF-8", "export"}},
    {"NUL in the header",
     std::string("patient_id,\0,s0\n", 16),
     {"data.csv:1, column `number 2`: a NUL byte"}},
    {"carriage returns alone",
     "patient_id,intensity_db,s0,s1\rp,80,1,2\r",
     {"data.csv: lines end with a carriage return alone", "line feed", "tr "}},
    {"Latin text in a row",
     kClassHeader + "p,80,NORMAL,1,2\np,80,N\xD6ROPAT\xDD,1,2\n",
     {"data.csv:3, column `class`: value `N\\xD6`", "expected text in UTF-8", "iconv -f WINDOWS-1254"}},
    {"Latin text in the header",
     "patient_id,Ger\xE4t,s0\n",
     {"data.csv:1, column `number 2`: value `Ger\\xE4`"}},
    {"overlong UTF-8",
     kHeader + "\xC0\xAF,80,1,2\n",
     {"data.csv:2, column `patient_id`: value `\\xC0\\xAF`"}},
    {"cut UTF-8 sequence", kHeader + kGood + "p\xC3", {"data.csv:3, column `patient_id`: value `p\\xC3`"}},
    {"quote never closed",
     kHeader + kGood + "\"p,80,1,2\n" + kGood,
     {"data.csv:3, column `patient_id`: value `p,80,1,2\\x0Ap,80,1,2\\x0A`", "to be closed",
      "double a quote"}},
};

const std::vector<Mistake> kColumnMistakes = {
    {"required column missing",
     "patient,intensity_db,s0,s1\np,80,1,2\n",
     {"data.csv:1, column `patient_id`: missing", "has `patient`, `intensity_db`",
      "[data.columns] patient_id"}},
    {"no sample column",
     "patient_id,intensity_db,x\np,80,1\n",
     {"data.csv:1, column `s0`: missing", "[data.columns] signal = { prefix"}},
    {"sample column missing",
     "patient_id,intensity_db,s0,s1,s3\np,80,1,2,3\n",
     {"data.csv:1, column `s2`: a sample column is missing", "4 columns `s0` ... `s3`",
      "export the data again"}},
    {"sample column of a given count missing",
     "patient_id,intensity_db,1,2\np,80,1,2\n",
     {"data.csv:1, column `3`: a sample column is missing", "200 columns `1` ... `200`",
      "[data.columns] signal"},
     [](DataConfig& c) {
         c.columns.signal = {"", 1, 200};
     }},
    {"mapped column missing",
     kHeader + kGood,
     {"data.csv:1, column `Age`: missing", "has `patient_id`", "[data.columns] age_years"},
     [](DataConfig& c) { c.columns.age_years = "Age"; }},
    {"filter's column missing",
     kHeader + kGood,
     {"data.csv:1, column `Sweeps`: missing", "filter's column name (run.toml:7:1)"},
     [](DataConfig& c) {
         c.filters = {{"Sweeps", FilterOperation::less_than, {100.0}, "run.toml:7:1"}};
     }},
    {"column twice",
     "patient_id,s0,intensity_db,s0,s1\np,1,80,1,2\n",
     {"data.csv:1, column `s0`: stands twice, as columns 2 and 4", "once", "rename or remove"}},
    {"column read as two things",
     kHeader + kGood,
     {"data.csv:1, column `s1`: read both as ", "a column of its own", "[data.columns]"},
     [](DataConfig& c) { c.columns.fmp = "s1"; }},
    {"clean signal of another length",
     "patient_id,intensity_db,s0,s1,c0\np,80,1,2,1\n",
     {"data.csv:1, column `c0`: the clean signal has 1 samples", "expected 2", "equal length"}},
    {"no sample interval",
     kHeader + kGood,
     {"data.csv:1, column `sample_interval_ms`: missing", "time between two samples",
      "set data.sample_interval_ms"},
     [](DataConfig& c) { c.sample_interval_ms.reset(); }},
};

const std::vector<Mistake> kRowMistakes = {
    {"not a number in a field",
     kHeader + kGood + "p,8O,1,2\n",
     {"data.csv:3, column `intensity_db`: value `8O`", "expected a number", "data.on_bad_row = \"skip\""}},
    {"not a number in the signal",
     kHeader + "p,80,1,#REF!\n",
     {"data.csv:2, column `s1`: value `#REF!`", "expected a number", "skip"}},
    {"number with rubbish behind",
     kHeader + "p,80dB,1,2\n",
     {"data.csv:2, column `intensity_db`: value `80dB`"}},
    {"hexadecimal number", kHeader + "p,0x10,1,2\n", {"data.csv:2, column `intensity_db`: value `0x10`"}},
    {"two signs", kHeader + "p,+-1,1,2\n", {"data.csv:2, column `intensity_db`: value `+-1`"}},
    {"point in a file with decimal commas",
     "patient_id;intensity_db;s0;s1\np;80;0,5;2\np;80;0.5;1.234\n",
     {"data.csv:3, column `s0`: value `0.5`", "with a decimal comma as in the rest of the file"}},
    {"comma in a tab file with decimal points",
     "patient_id\tintensity_db\ts0\ts1\np\t80\t0.5\t1,234\n",
     {"data.csv:2, column `s1`: value `1,234`", "with a decimal point"}},
    {"too few cells",
     kHeader + "p,80,1\n",
     {"data.csv:2, column `s0`: the row has 3 cells", "expected 4 as in the header", "skip"}},
    {"too many cells",
     kHeader + "p,80,1,2,3\n",
     {"data.csv:2, column `s1`: the row has 5 cells", "expected 4"}},
    {"row without the filter's cell",
     kHeader + "p\n",
     {"data.csv:2, column `s0`: the row has 1 cells", "expected 4"},
     [](DataConfig& c) {
         c.filters = {{"s0", FilterOperation::less_than, {9.0}, "a.toml:1:1"}};
     }},
    {"text where a filter needs a number",
     kHeader + "p,80,abc,2\n",
     {"data.csv:2, column `s0`: value `abc`"},
     [](DataConfig& c) {
         c.filters = {{"s0", FilterOperation::less_than, {9.0}, "a.toml:1:1"}};
     }},
    {"text after a quote",
     kHeader + "\"p\"x,80,1,2\n",
     {"data.csv:2, column `s1`: text follows a closing quote"}},
    {"NaN in the signal",
     kHeader + "p,80,NaN,2\n",
     {"data.csv:2, column `s0`: value `NaN`", "finite number", "skip"}},
    {"infinity in the signal",
     kHeader + "p,80,1,-inf\n",
     {"data.csv:2, column `s1`: value `-inf`", "finite number"}},
    {"number beyond float",
     kHeader + "p,80,1,1e39\n",
     {"data.csv:2, column `s1`: value `1e39`", "finite number"}},
    {"empty sample", kHeader + "p,80,,2\n", {"data.csv:2, column `s0`: no value", "expected a number"}},
    {"constant signal",
     kHeader + "p,80,0.5,0.5\n",
     {"data.csv:2, column `s0`: all 2 samples are 0.5", "expected a signal that varies", "skip"}},
    {"negative latency",
     kLatencyHeader + "p,80,-0.1,1,2\n",
     {"data.csv:2, column `wave_v_latency_ms`: value `-0.1`", "0 or more", "skip"}},
    {"negative fmp",
     "patient_id,intensity_db,fmp,s0,s1\np,80,-1,1,2\n",
     {"column `fmp`: value `-1`", "0 or more"}},
    {"infinite latency",
     kLatencyHeader + "p,80,inf,1,2\n",
     {"`wave_v_latency_ms`: value `inf`", "finite number"}},
    {"no patient",
     kHeader + " ,80,1,2\n",
     {"data.csv:2, column `patient_id`: no value", "patient's identifier"}},
    {"no level",
     kHeader + "p,NA,1,2\n",
     {"data.csv:2, column `intensity_db`: value `NA`", "expected a number"}},
    {"unknown ear",
     "patient_id,intensity_db,ear,s0,s1\np,80,both,1,2\n",
     {"data.csv:2, column `ear`: value `both`",
      "an ear, such as `left`, `L`, `right` or `R`, or an empty cell"}},
    {"incomplete clean signal",
     "patient_id,intensity_db,s0,s1,c0,c1\np,80,1,2,1,\n",
     {"data.csv:2, column `c1`: no value", "every sample of the clean signal, or none"}},
    {"unknown class",
     kClassHeader + "p,80,NORMAL,1,2\np,80,SNİK,1,2\n",
     {"data.csv:3, column `class`: value `SNİK`", "`NORMAL`, `NEUROPATHY`, `SNHL`, `TOTAL`, `CONDUCTIVE`",
      "index from 0 to 4", "[data.class_aliases]", "[\"SNİK\"]"}},
    {"unknown class where bad rows are skipped",
     kClassHeader + "p,80,OTHER,1,2\np,80,NORMAL,1,2\n",
     {"data.csv:2, column `class`: value `OTHER`"},
     [](DataConfig& c) {
         c.on_bad_row = OnBadRow::skip;
         c.max_bad_fraction = 1;
     }},
    {"class index too large",
     kClassHeader + "p,80,5,1,2\n",
     {"data.csv:2, column `class`: value `5`", "0 to 4"}},
    {"class written with combining accents",
     kClassHeader + "p,80,NO\xCC\x88ROPATI\xCC\x87,1,2\n",
     {"column `class`", "combining accents", "byte by byte"}},
    {"sample interval not positive",
     kIntervalHeader + "p,80,0,1,2\n",
     {"data.csv:2, column `sample_interval_ms`: value `0`", "above 0"}},
    {"sample interval changes",
     kIntervalHeader + "p,80,0.1,1,2\np,80,0.05,1,2\n",
     {"data.csv:3, column `sample_interval_ms`: value `0.05`", "expected 0.1 as in the rows before",
      "filter"},
     [](DataConfig& c) { c.sample_interval_ms.reset(); }},
    {"sample interval against the configuration",
     kIntervalHeader + "p,80,0.05,1,2\n",
     {"data.csv:2, column `sample_interval_ms`: value `0.05`", "0.1 as data.sample_interval_ms says",
      "leave it out"}},
    {"filters drop everything",
     kHeader + kGood,
     {"data.csv: the filters leave none of 1 rows", "at least one", "[data.filters]"},
     [](DataConfig& c) {
         c.filters = {{"s0", FilterOperation::less_than, {0.0}, "a.toml:1:1"}};
     }},
    {"too many bad rows",
     kHeader + kGood + "p,x,1,2\np,80,1\n" + kGood,
     {"data.csv: 2 of 4 rows are bad, 1 not_a_number (from line 3), 1 wrong_number_of_cells (from line 4)",
      "data.max_bad_fraction = 0.05", "data.csv:3, column `intensity_db`: value `x`"},
     [](DataConfig& c) { c.on_bad_row = OnBadRow::skip; }},
    {"every row bad",
     kHeader + "p,x,1,2\n",
     {"data.csv: 1 of 1 rows are bad", "one row that is used"},
     [](DataConfig& c) {
         c.on_bad_row = OnBadRow::skip;
         c.max_bad_fraction = 1;
     }},
    {"control characters are not passed to the terminal",
     kHeader + "p,\x1B[31mred,1,2\n",
     {"column `intensity_db`: value `\\x1B[31mred`"}},
    {"line number after a cell with line breaks",
     "patient_id,intensity_db,s0,s1\n\"a\n\nb\",80,1,2\n\nq,x,1,2\n",
     {"data.csv:6, column `intensity_db`: value `x`"}},
};

void check(const std::vector<Mistake>& mistakes) {
    for (const Mistake& mistake : mistakes) {
        DataConfig config = csv_config();
        mistake.change(config);
        const std::string message = failure(mistake.text, config);
        CAPTURE(mistake.kind);
        CAPTURE(message);
        std::size_t at = 0;
        for (const std::string_view part : mistake.message) {
            CAPTURE(part);
            const std::size_t found = message.find(part, at);
            CHECK(found != std::string::npos);
            if (found != std::string::npos) at = found + part.size();
        }
    }
}

TEST_CASE("a file that is no CSV text is refused with what it is and the remedy") {
    check(kFileMistakes);
}

TEST_CASE("a header that does not fit is refused with the column and the remedy") {
    check(kColumnMistakes);
}

TEST_CASE("a bad row is refused with line, column, value, expectation and remedy") {
    check(kRowMistakes);
}

TEST_CASE("a file that is missing, a directory or a device is refused") {
    const TextFile file("x");
    const auto message = [](const std::filesystem::path& path) {
        DataConfig config = csv_config();
        config.path = path;
        ReadReport report;
        try {
            read_csv_recordings(config, 1, report);
        } catch (const InputError& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    CHECK(message(file.folder()).find(": a directory") != std::string::npos);
    CHECK(message(file.folder() / "none.csv").find("cannot be opened (No such file") != std::string::npos);
    CHECK(message(file.folder() / "none.csv").find("data.path") != std::string::npos);
    CHECK(message("/dev/null").find(": not a regular file") != std::string::npos);
}

TEST_CASE("a file that becomes shorter while it is read ends the program with a message, not a crash") {
    const TextFile file(std::string(10000, 'x'));
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        end_on_truncated_mapping(2);
        const CsvFile mapped(file.path());
        if (truncate(file.path().c_str(), 0) != 0) _exit(100);
        close(STDERR_FILENO);
        const volatile char touched = mapped.text()[9000];
        _exit(touched == 'x' ? 101 : 102);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 2);
}

}  // namespace
}  // namespace abr::csv_test
