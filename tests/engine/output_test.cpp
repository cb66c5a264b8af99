#include <doctest/doctest.h>

#include <charconv>
#include <cstring>
#include <limits>
#include <set>
#include <thread>

#include "engine/output/csv.hpp"
#include "engine/output/json.hpp"
#include "engine/records/run_folder.hpp"
#include "tests/engine/output_files.hpp"

namespace abr {
namespace {

using namespace test;

namespace fs = std::filesystem;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

CsvRow header_of(const std::vector<std::string>& columns) {
    return csv_header(columns);
}

TEST_CASE("numbers in CSV files are the shortest that read back the same") {
    CHECK(shortest_number(0.1) == "0.1");
    CHECK(shortest_number(0.1f) == "0.1");
    CHECK(shortest_number(-kNaN) == "nan");
    CHECK(shortest_number(kInf) == "inf");
    CHECK(shortest_number(-kInf) == "-inf");
    for (const double x : {1.0 / 3, 6.02214076e23, 5e-324, -0.0, 123456789.123456789}) {
        const std::string text = shortest_number(x);
        double back = 1;
        std::from_chars(text.data(), text.data() + text.size(), back);
        CHECK(std::memcmp(&back, &x, sizeof x) == 0);
    }
    const float third = 1.0f / 3;
    const std::string text = shortest_number(third);
    float back = 0;
    std::from_chars(text.data(), text.data() + text.size(), back);
    CHECK(back == third);
}

TEST_CASE("CSV cells are quoted as in RFC 4180, and what was not measured is empty") {
    CsvRow row;
    row.text("plain ÖTİ").text("a,b").text("say \"no\"").text("two\nlines").text("cr\r");
    row.integer(-7).number(2.5).number(std::optional<double>()).number(std::optional<float>(0.1f));
    row.flag(true).flag(false).empty();
    CHECK(row.line() == "plain ÖTİ,\"a,b\",\"say \"\"no\"\"\",\"two\nlines\",\"cr\r\",-7,2.5,,0.1,1,0,");
    CHECK(row.cells() == 12);
}

TEST_CASE(
    "a file that is replaced keeps its old content where the disk is full, and no temporary file stays") {
    const TemporaryFolder folder;
    const fs::path path = folder.path / "summary.json";
    write_file_atomically(path, "old");
    const std::string large(100'000, 'x');
    std::string message;
    {
        const FileSizeLimit limit(4096);
        message = message_of<RunError>([&] { write_file_atomically(path, large); });
    }
    CHECK(contains(message, "summary.json"));
    CHECK(contains(message, std::strerror(EFBIG)));
    CHECK(content(path) == "old");
    CHECK(std::distance(fs::directory_iterator(folder.path), {}) == 1);
    write_file_atomically(path, large);
    CHECK(content(path) == large);
    CHECK(std::distance(fs::directory_iterator(folder.path), {}) == 1);
}

TEST_CASE("a file that cannot be written is an error with the file and the system's reason") {
    const TemporaryFolder folder;
    put(folder.path / "file", "");
    const fs::path below_file = folder.path / "file" / "a.csv";
    for (const std::string& message :
         {message_of<RunError>([&] { write_file_atomically(below_file, "x"); }),
          message_of<RunError>([&] { CsvWriter(below_file, header_of({"a"})); }),
          message_of<RunError>([&] { RunFolder::create(folder.path / "file", "run"); })}) {
        CAPTURE(message);
        CHECK(contains(message, (folder.path / "file").string()));
        CHECK(contains(message, std::strerror(ENOTDIR)));
    }
}

TEST_CASE("a CSV file grows by whole rows, also where the disk becomes full within one") {
    const TemporaryFolder folder;
    const fs::path path = folder.path / "steps.csv";
    CsvWriter writer(path, header_of({"a", "b"}));
    writer.append(CsvRow().integer(1).integer(2));
    CHECK(content(path) == "a,b\n1,2\n");  // at once, not only after flush
    std::string message;
    {
        const FileSizeLimit limit(20);
        message =
            message_of<RunError>([&] { writer.append(CsvRow().text(std::string(50, 'x')).integer(3)); });
    }
    CHECK(contains(message, "steps.csv"));
    CHECK(content(path) == "a,b\n1,2\n");
    writer.append(CsvRow().integer(3).integer(4));
    writer.flush();
    CHECK(content(path) == "a,b\n1,2\n3,4\n");
    CHECK_THROWS_AS(writer.append(CsvRow().integer(1)), std::logic_error);
}

TEST_CASE("a CSV file that is gone on with loses an incomplete last line and the rows that are not kept") {
    const TemporaryFolder folder;
    const fs::path path = folder.path / "x.csv";
    const auto below_two = [](std::span<const std::string> cells) { return cells[0] < "2"; };
    put(path, "n,text\n0,\"a,\"\"b\"\"\nc\"\n1,plain\n2,later\n1,bro");
    {
        CsvWriter writer(path, header_of({"n", "text"}), below_two);
        writer.append(CsvRow().integer(9).text("new"));
    }
    CHECK(content(path) == "n,text\n0,\"a,\"\"b\"\"\nc\"\n1,plain\n9,new\n");

    for (const char* no_whole_line : {"", "n,te"}) {
        put(path, no_whole_line);
        CsvWriter(path, header_of({"n", "text"}), below_two);
        CHECK(content(path) == "n,text\n");
    }
    fs::remove(path);
    CsvWriter(path, header_of({"n", "text"}), below_two);
    CHECK(content(path) == "n,text\n");
}

TEST_CASE("a CSV file with another header or a broken row is not gone on with, and stays as it is") {
    const TemporaryFolder folder;
    const fs::path path = folder.path / "x.csv";
    const auto all = [](std::span<const std::string>) { return true; };
    for (const std::string before : {"n,other\n1,2\n", "n,text\n1\n2,3\n"}) {
        put(path, before);
        CHECK(contains(message_of<RunError>([&] {
                           CsvWriter(path, header_of({"n", "text"}), all);
                       }),
                       "x.csv"));
        CHECK(content(path) == before);
    }
}

TEST_CASE("JSON: NaN and Inf become null, members keep their order, numbers read back the same") {
    const TemporaryFolder folder;
    const fs::path path = folder.path / "a.json";
    Json document;
    document["z"] = kNaN;
    document["a"] = -kInf;
    document["third"] = 1.0 / 3;
    document["absent"] = to_json_value(Metric::absent("why"));
    document["text"] = "bad \xFF byte";
    write_json(path, document);
    CHECK(content(path).starts_with("{\n  \"z\": null,\n  \"a\": null,\n  \"third\": 0.333"));
    const Json back = Json::parse(content(path));
    CHECK(back["third"].get<double>() == 1.0 / 3);
    CHECK(back["absent"].is_null());
    CHECK(back["text"] == "bad \uFFFD byte");
}

TEST_CASE("a run folder never overwrites: the next free name is taken and said") {
    const TemporaryFolder folder;
    const fs::path runs = folder.path / "deep" / "runs";
    const RunFolder first = RunFolder::create(runs, "a");
    CHECK(first.name() == "a");
    CHECK_FALSE(first.renamed());
    put(first.file("epochs.csv"), "kept");
    put(runs / "a-2", "a file in the way");
    const RunFolder third = RunFolder::create(runs, "a");
    CHECK(third.name() == "a-3");
    CHECK(third.renamed());
    CHECK(content(first.file("epochs.csv")) == "kept");
    CHECK(RunFolder::open(runs, "a").path() == first.path());
    CHECK(fs::is_directory(RunFolder::open(runs, "new").path()));
    CHECK_THROWS_AS(RunFolder::open(runs, "a-2"), RunError);
}

TEST_CASE("run folders that are made at once get a name each") {
    const TemporaryFolder folder;
    std::vector<std::string> names(8);
    std::vector<std::thread> threads;
    for (std::string& name : names) {
        threads.emplace_back([&folder, &name] { name = RunFolder::create(folder.path, "run").name(); });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
}

TEST_CASE("an experiment name that is no folder name is bad input") {
    const TemporaryFolder folder;
    for (const char* name : {"", ".", "..", "a/b", "../escape", "line\nbreak"}) {
        CHECK_THROWS_AS(RunFolder::create(folder.path, name), InputError);
        CHECK_THROWS_AS(RunFolder::open(folder.path, name), InputError);
    }
}

}  // namespace
}  // namespace abr
