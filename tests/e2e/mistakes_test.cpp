// What people get wrong with their own data, and the message that each mistake must end in.
#include <doctest/doctest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "tests/e2e/engine_program.hpp"

using namespace abr::test;

namespace {

struct Mistake {
    std::string kind;
    std::string data;    // the file
    std::string config;  // what follows path in [data]
    std::string message;
};

const std::string kHeader = "patient_id,intensity_db,class,s0,s1,s2,s3\n";
const std::string kGood = "p1,80,NORMAL,0.1,0.2,0.3,0.1\n";
const std::string kInterval = "sample_interval_ms = 0.1\n";

const std::vector<Mistake> kMistakes = {
    {"empty file", "", kInterval,
     "data.csv: the file is empty: expected a CSV file in UTF-8; export it again with its header line"},
    {"header alone", kHeader, kInterval,
     "data.csv: no rows after the header: expected one row for each recording; export the data again"},
    {"no separator", "recordings of 2024\n1\n", kInterval,
     "data.csv: the first line is no header of columns: expected column names separated by comma, semicolon "
     "or tab; save the data as CSV with a header line, or name its line as data.header_line"},
    {"spreadsheet that was not saved as CSV", std::string("PK\x03\x04rest of the workbook", 24), kInterval,
     "data.csv: a zip archive, as spreadsheets in .xlsx and .ods are: expected a CSV file in UTF-8; save the "
     "spreadsheet as CSV UTF-8, or convert an .xlsx file with `xlsx2csv 'data.csv' 'data.converted.csv'` "
     "(Debian's package xlsx2csv) and name the result as data.path"},
    {"old Excel file", std::string("\xD0\xCF\x11\xE0rest", 8), kInterval,
     "data.csv: a spreadsheet in the old .xls format: expected a CSV file in UTF-8; save it as CSV UTF-8"},
    {"compressed file", std::string("\x1F\x8B\x08rest", 7), kInterval,
     "data.csv: compressed with gzip: expected a CSV file in UTF-8; unpack it with `gunzip FILE`"},
    {"UTF-16, as Excel's Unicode text",
     std::string("\xFF\xFEp\x00"
                 "a\x00",
                 6),
     kInterval,
     "data.csv: text in UTF-16: expected a CSV file in UTF-8; save it as CSV UTF-8 or convert it with `iconv "
     "-f UTF-16 -t UTF-8`"},
    {"binary file", kHeader + kGood + std::string("p2,8\x00,NORMAL,1,2,3,4\n", 21), kInterval,
     "data.csv:3, column `intensity_db`: a NUL byte: this is a binary file: expected text in UTF-8; export "
     "the data as CSV UTF-8"},
    {"Windows-1254 instead of UTF-8", kHeader + kGood + std::string("p2,80,N\xD6ROPAT\xDD,1,2,3,4\n", 23),
     kInterval,
     "data.csv:3, column `class`: value `N\\xD6`: expected text in UTF-8; save the file as CSV UTF-8 or "
     "convert it, e.g. with `iconv -f WINDOWS-1254 -t UTF-8` for a Turkish one"},
    {"old Macintosh line ends", "patient_id,intensity_db,class,s0,s1,s2,s3\rp1,80,NORMAL,0.1,0.2,0.3,0.1\r",
     kInterval,
     "data.csv: lines end with a carriage return alone: expected lines that end with a line feed; convert "
     "the file with `tr '\\r' '\\n'` or save it as CSV UTF-8"},
    {"quote never closed", kHeader + kGood + "\"p2,80,NORMAL,1,2,3,4\np1,80,NORMAL,0.1,0.2,0.3,0.1\n",
     kInterval,
     "data.csv:3, column `patient_id`: value `p2,80,NORMAL,1,2,3,4\\x0Ap1,80,NORMAL,0.1,0.2,0.3,0.1\\x0A`: "
     "expected the quote that opens the cell to be closed again; close it, or double a quote that is meant "
     "as text"},
    {"required column missing", "Patient,intensity_db,s0,s1\np,80,1,2\n", kInterval,
     "data.csv:1, column `patient_id`: missing: expected this name in the header, which has `Patient`, "
     "`intensity_db`, `s0`, `s1`; rename the column, or set [data.columns] patient_id to the name it has in "
     "this file"},
    {"mapped column missing", kHeader + kGood, kInterval + "[data.columns]\nage_years = \"Age\"\n",
     "data.csv:1, column `Age`: missing: expected this name in the header, which has `patient_id`, "
     "`intensity_db`, `class`, `s0`, `s1`, `s2`, `s3`; rename the column, or set [data.columns] age_years to "
     "the name it has in this file"},
    {"no sample columns", "patient_id,intensity_db,1,2\np,80,1,2\n", kInterval,
     "data.csv:1, column `s0`: missing: expected this name in the header, which has `patient_id`, "
     "`intensity_db`, `1`, `2`; rename the column, or set [data.columns] signal = { prefix = \"...\", first "
     "= ..., count = ... } to where the samples are"},
    {"gap in the sample columns", "patient_id,intensity_db,s0,s1,s3\np,80,1,2,3\n", kInterval,
     "data.csv:1, column `s2`: a sample column is missing: expected the signal in 4 columns `s0` ... `s3` "
     "without a gap; export the data again with every sample, or correct [data.columns] signal"},
    {"fewer samples than the layout says", "patient_id,intensity_db,1,2\np,80,1,2\n",
     kInterval + "[data.columns]\nsignal = { prefix = \"\", first = 1, count = 200 }\n",
     "data.csv:1, column `3`: a sample column is missing: expected the signal in 200 columns `1` ... `200` "
     "without a gap; export the data again with every sample, or correct [data.columns] signal"},
    {"column twice", "patient_id,intensity_db,fmp,fmp,s0,s1\np,80,1,1,1,2\n", kInterval,
     "data.csv:1, column `fmp`: stands twice, as columns 3 and 4: expected every column that is read once; "
     "rename or remove one of them"},
    {"one column for two things", "patient_id,Level,s0,s1\np,80,1,2\n",
     kInterval + "[data.columns]\nintensity_db = \"Level\"\nrate_hz = \"Level\"\n",
     "lab.toml:7:11: data.columns.rate_hz = \"Level\": column \"Level\" is already read as "
     "data.columns.intensity_db; name another column for one of them"},
    {"filter on a column that is not there", kHeader + kGood,
     kInterval + "[data.filters]\nPolarity = \"Alternate\"\n",
     "data.csv:1, column `Polarity`: missing: expected this name in the header, which has `patient_id`, "
     "`intensity_db`, `class`, `s0`, `s1`, `s2`, `s3`; rename the column, or correct the filter's column "
     "name (lab.toml:6:12)"},
    {"clean signal of another length", "patient_id,intensity_db,s0,s1,c0\np,80,1,2,1\n", kInterval,
     "data.csv:1, column `c0`: the clean signal has 1 samples: expected 2 as in the signal; export both with "
     "equal length, or set [data.columns] clean to the columns that hold it"},
    {"text where a number belongs", kHeader + kGood + "p2,8O,NORMAL,1,2,3,4\n", kInterval,
     "data.csv:3, column `intensity_db`: value `8O`: expected a number, with a decimal point; correct the "
     "row, or leave such rows out with data.on_bad_row = \"skip\""},
    {"spreadsheet error in a sample", kHeader + kGood + "p2,80,NORMAL,1,#REF!,3,4\n", kInterval,
     "data.csv:3, column `s1`: value `#REF!`: expected a number, with a decimal point; correct the row, or "
     "leave such rows out with data.on_bad_row = \"skip\""},
    {"unit in the cell", kHeader + "p1,80 dB,NORMAL,1,2,3,4\n", kInterval,
     "data.csv:2, column `intensity_db`: value `80 dB`: expected a number, with a decimal point; correct the "
     "row, or leave such rows out with data.on_bad_row = \"skip\""},
    {"decimal point in a file with decimal commas", "patient_id;intensity_db;s0;s1\np;80;0,5;2\np;80;0.5;1\n",
     kInterval,
     "data.csv:3, column `s0`: value `0.5`: expected a number, with a decimal comma as in the rest of the "
     "file; correct the row, or leave such rows out with data.on_bad_row = \"skip\""},
    {"too few cells", kHeader + kGood + "p2,80,NORMAL,1,2\n", kInterval,
     "data.csv:3, column `s1`: the row has 5 cells: expected 7 as in the header; correct the row, or leave "
     "such rows out with data.on_bad_row = \"skip\""},
    {"too many cells: decimal commas between commas", kHeader + "p1,80,NORMAL,0,1,0,2,0,3,0,1\n", kInterval,
     "data.csv:2, column `s3`: the row has 11 cells: expected 7 as in the header (decimal commas need `;` or "
     "a tab between cells); correct the row, or leave such rows out with data.on_bad_row = \"skip\""},
    {"text behind a quoted cell", kHeader + "\"p1\"x,80,NORMAL,1,2,3,4\n", kInterval,
     "data.csv:2, column `s3`: text follows a closing quote: expected the separator after it, and quotes "
     "within a cell doubled; correct the row, or leave such rows out with data.on_bad_row = \"skip\""},
    {"NaN in the signal", kHeader + kGood + "p2,80,NORMAL,1,NaN,3,4\n", kInterval,
     "data.csv:3, column `s1`: value `NaN`: expected a finite number (uV); correct the row, or leave such "
     "rows out with data.on_bad_row = \"skip\""},
    {"empty sample", kHeader + kGood + "p2,80,NORMAL,1,,3,4\n", kInterval,
     "data.csv:3, column `s1`: no value: expected a number; correct the row, or leave such rows out with "
     "data.on_bad_row = \"skip\""},
    {"flat signal", kHeader + kGood + "p2,80,NORMAL,1,1,1,1\n", kInterval,
     "data.csv:3, column `s0`: all 4 samples are 1: expected a signal that varies; correct the row, or leave "
     "such rows out with data.on_bad_row = \"skip\""},
    {"no patient", kHeader + ",80,NORMAL,1,2,3,4\n", kInterval,
     "data.csv:2, column `patient_id`: no value: expected the patient's identifier; correct the row, or "
     "leave such rows out with data.on_bad_row = \"skip\""},
    {"no stimulus level", kHeader + "p1,,NORMAL,1,2,3,4\n", kInterval,
     "data.csv:2, column `intensity_db`: no value: expected a number; correct the row, or leave such rows "
     "out with data.on_bad_row = \"skip\""},
    {"negative latency", "patient_id,intensity_db,wave_v_latency_ms,s0,s1\np,80,-5.6,1,2\n", kInterval,
     "data.csv:2, column `wave_v_latency_ms`: value `-5.6`: expected a value of 0 or more; correct the row, "
     "or leave such rows out with data.on_bad_row = \"skip\""},
    {"negative age", "patient_id,intensity_db,age_years,s0,s1\np,80,-1,1,2\n", kInterval,
     "data.csv:2, column `age_years`: value `-1`: expected a value of 0 or more; correct the row, set "
     "data.missing = "
     "[\"-1\"] if that means none, or leave such rows out with data.on_bad_row = \"skip\""},
    {"unknown ear", "patient_id,intensity_db,ear,s0,s1\np,80,both,1,2\n", kInterval,
     "data.csv:2, column `ear`: value `both`: expected an ear, such as `left`, `L`, `right` or `R`, or an "
     "empty "
     "cell; correct the row, say which ear it means under [data.ear_aliases], set data.missing = [\"both\"] "
     "if "
     "that means none, or leave such rows out with data.on_bad_row = \"skip\""},
    {"a word for none", "patient_id,intensity_db,fmp,s0,s1\np,80,n.m.,1,2\n", kInterval,
     "data.csv:2, column `fmp`: value `n.m.`: expected a number, with a decimal point; correct the row, set "
     "data.missing = [\"n.m.\"] if that means none, or leave such rows out with data.on_bad_row = \"skip\""},
    {"units that the configuration does not say", "patient_id,intensity_db,s0,s1\n,dB nHL,nV,nV\np,80,1,2\n",
     kInterval,
     "data.csv:2, column `s0`: value `nV`: expected `uV` as data.signal_unit says; set data.signal_unit = "
     "\"nV\""},
    {"a line that is not there", kHeader + kGood, kInterval + "header_line = 9\n",
     "data.csv: has no line 9: expected the names of the columns in the line that data.header_line says; "
     "correct "
     "data.header_line"},
    {"a window beyond the recordings", kHeader + kGood, kInterval + "window_ms = [0, 15]\n",
     "data.csv: data.window_ms = [0, 15]: expected a part of the recordings, which hold 0 to 0.4 ms after "
     "the "
     "stimulus (data.first_sample_ms = 0); choose times within"},
    {"missing words of a column that is not there", kHeader + kGood,
     kInterval + "[data.missing_in]\nThreshold = [\"NR\"]\n",
     "data.csv:1, column `Threshold`: missing: expected this name in the header, which has `patient_id`, "
     "`intensity_db`, `class`, `s0`, `s1`, `s2`, `s3`; rename the column, or correct the name in "
     "[data.missing_in]"},
    {"an EDF file", "0       X X X X\n", kInterval,
     "data.csv: an EDF file: expected a CSV file in UTF-8; bring it in with `abr_engine import FILE --out "
     "recordings.npz`"},
    {"a single NumPy array", std::string("\x93NUMPY\x01\x00", 8), kInterval,
     "data.csv: a single NumPy array (.npy): expected a CSV file in UTF-8; save recordings, levels and "
     "patients with "
     "numpy.savez and read them with data.source = \"npz\""},
    {"an invisible character", kHeader + kGood + "p2,80\xE2\x80\x8B,NORMAL,1,2,3,4\n", kInterval,
     "data.csv:3, column `intensity_db`: value `80\\u200B`: expected a number, with a decimal point; correct "
     "the "
     "row, or leave such rows out with data.on_bad_row = \"skip\""},
    {"unknown class", kHeader + kGood + "p2,80,SNİK,1,2,3,4\n", kInterval,
     "data.csv:3, column `class`: value `SNİK`: expected one of the classes `NORMAL`, `NEUROPATHY`, `SNHL`, "
     "`TOTAL`, `CONDUCTIVE`, an index from 0 to 4, or an empty cell; say which class it means under "
     "[data.class_aliases]: CLASS = [\"SNİK\"], or leave its rows out with a filter"},
    {"sample interval that changes",
     "patient_id,intensity_db,sample_interval_ms,s0,s1\np,80,0.1,1,2\nq,80,0.05,1,2\n", "",
     "data.csv:3, column `sample_interval_ms`: value `0.05`: expected 0.1 as in the rows before it; resample "
     "the recordings to one interval, or read one kind with a filter"},
    {"no sample interval at all", kHeader + kGood, "",
     "data.csv:1, column `sample_interval_ms`: missing: expected the time between two samples, in this "
     "column or in the configuration; set data.sample_interval_ms (ms), e.g. 0.1 for 10 kHz"},
    {"too many bad rows where bad rows are skipped",
     kHeader + kGood + "p2,x,NORMAL,1,2,3,4\np3,80,NORMAL,1,2\np1,80,NORMAL,0.1,0.2,0.3,0.1\n",
     kInterval + "on_bad_row = \"skip\"\n",
     "data.csv: 2 of 4 rows are bad, 1 not_a_number (from line 3), 1 wrong_number_of_cells (from line 4): "
     "expected no more than data.max_bad_fraction = 0.05 of the rows, and one row that is used; correct the "
     "rows; the first one is data.csv:3, column `intensity_db`: value `x`: expected a number, with a decimal "
     "point; correct the row"},
    {"filters that drop every row", kHeader + kGood,
     kInterval + "[data.filters]\nintensity_db = { less_than = 0 }\n",
     "data.csv: the filters leave none of 1 rows: expected at least one recording; correct [data.filters]"},
    {"a class with too few patients", kHeader + kGood + "p2,80,SNHL,1,2,3,4\n",
     kInterval + "classes = [\"NORMAL\", \"SNHL\"]\n",
     "data.csv: class NORMAL has no patient in the split 'val' (1 of 2 patients are of this class); a class "
     "needs at least 3 patients: supply more, join it to another class by data.class_aliases, or filter its "
     "rows and remove it from data.classes"},
    {"misspelt key", kHeader + kGood, kInterval + "on_bad_rows = \"skip\"\n",
     "lab.toml:5:1: data.on_bad_rows = \"skip\": unknown key; the nearest valid key is data.on_bad_row; "
     "correct or remove it"},
    {"alias of a class that is none", kHeader + kGood,
     kInterval + "[data.class_aliases]\nNEUROPATY = [\"NÖROPATİ\"]\n",
     "lab.toml:6:13: data.class_aliases.NEUROPATY: \"NEUROPATY\" is none of data.classes; write one of them"},
    {"value that is none of the choices", kHeader + kGood, kInterval + "on_bad_row = \"ignore\"\n",
     "lab.toml:5:14: data.on_bad_row = \"ignore\": allowed: \"error\", \"skip\""},
};

// The message without the folder that the test made.
std::string without(std::string text, const std::string& folder) {
    for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder))
        text.erase(at, folder.size());
    return text;
}

}  // namespace

TEST_CASE("forty and more mistakes in a user's data each exit with 2, the place and the remedy") {
    CHECK(kMistakes.size() >= 40);
    const TemporaryFolder folder;
    std::set<std::string> kinds;
    for (const Mistake& mistake : kMistakes) {
        CAPTURE(mistake.kind);
        CHECK(kinds.insert(mistake.kind).second);
        put(folder.path / "data.csv", mistake.data);
        put(folder.path / "lab.toml", "[data]\nsource = \"csv\"\npath = \"data.csv\"\n" + mistake.config);
        for (const char* command : {"run", "check-data"}) {
            CAPTURE(command);
            const Outcome outcome = engine(folder.path, std::string(command) + " lab.toml");
            CHECK(outcome.code == 2);
            if (command == std::string("run")) {
                CHECK(without(outcome.err, folder.path.string() + "/") ==
                      "abr_engine: " + mistake.message + "\n");
                CHECK(outcome.out.empty());
            }
        }
        CHECK_FALSE(std::filesystem::exists(folder.path / "runs"));
    }
}
