#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "engine/input/csv_chunks.hpp"
#include "engine/input/csv_tokenizer.hpp"
#include "kernels/philox.hpp"
#include "tests/engine/csv_fixture.hpp"

namespace abr::csv_test {
namespace {

constexpr std::int64_t kChunkSizes[] = {1, 2, 17, 100, 1000, kCsvChunkBytes};

std::uint32_t random(std::uint32_t i, std::uint32_t j) {
    return philox4x32(7, i, j, 0, 0)[0];
}

// Patients with line breaks, quotes and separators in their names; every row's values follow from its number.
std::string hard_patient(std::uint32_t i) {
    const char* const names[] = {"plain",    "a,b",    "line\nbreak", "two\n\nbreaks\r\n,",
                                 "quote\"d", "\"\n\"", "öç"};
    return names[random(i, 0) % std::size(names)] + std::to_string(i % 5);
}

std::string quoted(const std::string& text) {
    std::string result = "\"";
    for (const char c : text) result += c == '"' ? "\"\"" : std::string(1, c);
    return result + "\"";
}

std::string hard_text(std::uint32_t rows) {
    std::string text = "patient_id,note,intensity_db,s0,s1\n";
    for (std::uint32_t i = 0; i < rows; ++i) {
        text += fmt::format("{},{},{},{}.25,-{}{}", quoted(hard_patient(i)),
                            random(i, 1) % 2 == 0 ? "\"\n,\"" : "", i % 100, i, i,
                            random(i, 2) % 2 == 0 ? "\r\n" : "\n");
        if (random(i, 3) % 10 == 0) text += "\n";
    }
    return text;
}

TEST_CASE("the table does not depend on the number of threads or on where the file is cut") {
    constexpr std::uint32_t kRows = 400;
    const std::string text = hard_text(kRows);
    for (const std::int64_t chunk_bytes : kChunkSizes) {
        for (const int threads : {1, 2, 5}) {
            CAPTURE(chunk_bytes);
            CAPTURE(threads);
            const auto [table, report] = read_text(text, csv_config(), threads, chunk_bytes);
            REQUIRE(table.rows == kRows);
            CHECK(report.read == kRows);
            std::vector<std::string> patients;
            for (std::uint32_t i = 0; i < kRows; ++i) {
                const std::string patient = hard_patient(i);
                const auto index = static_cast<std::size_t>(table.patient[i]);
                REQUIRE(table.patients[index] == patient);
                if (std::find(patients.begin(), patients.end(), patient) == patients.end()) {
                    patients.push_back(patient);
                }
                REQUIRE(table.source_row[i] == i + 1);
                REQUIRE(table.intensity_db[i] == static_cast<float>(i % 100));
                REQUIRE(table.signal[2 * i] == static_cast<float>(i) + 0.25F);
                REQUIRE(table.signal[2 * i + 1] == -static_cast<float>(i));
            }
            CHECK(table.patients == patients);  // in order of first appearance
        }
    }
}

TEST_CASE("the error is the first of the file, however the file is cut and read") {
    const std::string header = "patient_id,note,intensity_db,class,sample_interval_ms,s0,s1\n";
    const std::string good = "p,\"a\nb\",80,NORMAL,0.1,1,2\n";
    const std::string mistakes[] = {
        "p,,x,NORMAL,0.1,1,2\n",   // not a number
        "p,,80,OTHER,0.1,1,2\n",   // unknown class
        "p,,80,NORMAL,0.2,1,2\n",  // another sample interval
        "p,,80,NORMAL,0.1,1\n",    // too few cells
    };
    DataConfig config = csv_config();
    config.sample_interval_ms.reset();
    for (std::uint32_t i = 0; i < 24; ++i) {
        std::string text = header;
        for (int k = 0; k < 20; ++k) text += good;
        for (std::uint32_t k = 0; k < 4; ++k) text += mistakes[(i + k * (1 + i / 8)) % 4] + good;
        const std::string first = failure(text, config, 1, kCsvChunkBytes);
        CHECK(first.find("data.csv:42, ") == 0);
        for (const std::int64_t chunk_bytes : kChunkSizes) {
            CHECK(failure(text, config, 4, chunk_bytes) == first);
        }
    }
}

TEST_CASE("rejections and filtered rows are counted alike, however the file is cut") {
    std::string text = "patient_id,intensity_db,s0,s1\n";
    for (std::uint32_t i = 0; i < 300; ++i) {
        constexpr const char* kEndings[] = {"x,1,2", "10,1,2", "80,1,\"2\""};
        text += fmt::format("p{},{}\n", i % 7, kEndings[i % 3]);
    }
    DataConfig config = csv_config();
    config.on_bad_row = OnBadRow::skip;
    config.max_bad_fraction = 0.9;
    config.filters = {{"intensity_db", FilterOperation::not_equal, {10.0}, "a.toml:1:1"}};
    for (const std::int64_t chunk_bytes : kChunkSizes) {
        const auto [table, report] = read_text(text, config, 3, chunk_bytes);
        CHECK(table.rows == 100);
        CHECK(table.source_row[1] == 6);
        CHECK(report.filtered == 100);
        CHECK(report.rejected.at("not_a_number").count == 100);
        CHECK(report.rejected.at("not_a_number").lines.size() == kRejectionLines);
        CHECK(report.rejected.at("not_a_number").lines[19] == 59);
    }
}

struct Start {
    std::size_t offset;
    std::int64_t line;
    bool operator==(const Start&) const = default;
};

// Where records start, read one after the other; nothing if the text ends within quotes.
std::optional<std::vector<Start>> starts_in_order(std::string_view text) {
    std::vector<Start> starts;
    CsvTokenizer tokenizer(',');
    std::int64_t line = 1;
    const char* const end = text.data() + text.size();
    for (const char* at = text.data(); at < end; line += tokenizer.line_ends()) {
        starts.push_back({static_cast<std::size_t>(at - text.data()), line});
        at = tokenizer.read(at, end);
        if (tokenizer.unterminated()) return {};
    }
    return starts;
}

TEST_CASE("chunks find the records that reading in order finds, in any text") {
    constexpr std::string_view kAlphabet = "a,\"\n\"\n \r";
    cpu::Stream stream(2);
    int complete = 0;
    for (std::uint32_t i = 0; i < 300; ++i) {
        std::string text;
        for (std::uint32_t j = 0; j < 1 + random(i, 9) % 60; ++j) text += kAlphabet[random(i, j + 10) % 8];
        const TextFile written(text);
        const CsvFile file(written.path());
        const auto expected = starts_in_order(file.text());
        for (const std::int64_t chunk_bytes : {1, 2, 3, 8, 100}) {
            CAPTURE(text);
            CAPTURE(chunk_bytes);
            if (!expected) {
                CHECK_THROWS_AS(cut_into_chunks(file, file.text(), 1, ',', {}, chunk_bytes, stream),
                                InputError);
                continue;
            }
            std::vector<Start> starts;
            CsvTokenizer tokenizer(',');
            const char* const begin = file.text().data();
            for (const CsvChunk& chunk :
                 cut_into_chunks(file, file.text(), 1, ',', {}, chunk_bytes, stream)) {
                std::int64_t line = chunk.first_line;
                for (const char* at = chunk.first_record; at < chunk.end; line += tokenizer.line_ends()) {
                    starts.push_back({static_cast<std::size_t>(at - begin), line});
                    at = tokenizer.read(at, begin + file.text().size());
                }
            }
            CHECK(starts == *expected);
        }
        complete += expected ? 1 : 0;
    }
    CHECK(complete > 50);
    CHECK(complete < 300);
}

TEST_CASE("a byte that is no text is found in the right record, however the file is cut") {
    const std::string text =
        "patient_id,note,intensity_db,s0,s1\np,\"a\n\nb\",1,2,3\nq,\"x\n\nbad\xFF\nz\",1,2,3\n";
    for (const std::int64_t chunk_bytes : kChunkSizes) {
        CHECK(failure(text, csv_config(), 2, chunk_bytes).find("data.csv:7, column `note`: value `x\\x0A") ==
              0);
    }
}

}  // namespace
}  // namespace abr::csv_test
