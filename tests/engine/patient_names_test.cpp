#include "engine/data/patient_names.hpp"

#include <doctest/doctest.h>

#include "engine/data/split.hpp"
#include "tests/engine/csv_fixture.hpp"
#include "tests/engine/small_table.hpp"

using namespace abr;

TEST_CASE("patients: identifiers that only spelling tells apart have one key, others their own") {
    const auto alike = [](std::string_view a, std::string_view b) {
        return patient_key(a) == patient_key(b);
    };
    CHECK(alike("0042", "42"));
    CHECK(alike("P-007", "p-7"));
    CHECK(alike(" K3\xC2\xA0", "k3"));
    CHECK(
        alike("A\xE2\x80\x8B"
              "1",
              "A1"));
    CHECK(alike("17.0", "17"));
    CHECK(alike("17,00", "017"));
    CHECK(alike("ÇİĞDEM", "çiğdem"));
    CHECK(alike("ILGIN", "ılgın"));
    CHECK(alike("0", "000"));
    CHECK_FALSE(alike("10", "1"));
    CHECK_FALSE(alike("1.05", "1.5"));
    CHECK_FALSE(alike("P1", "P10"));
    CHECK_FALSE(alike("a.0b", "a"));
    CHECK_FALSE(alike("17.5", "17"));
}

TEST_CASE("patients: exponents and words for nobody are told from identifiers") {
    for (const char* text : {"1.2E+09", "7E+15", "3,14159e+12", "9E-05"}) CHECK(is_exponent(text));
    for (const char* text : {"12E4", "E+12", "1.2E+", "A1E+3", "5E+3x", "123"})
        CHECK_FALSE(is_exponent(text));
    for (const char* text : {"NaN", "n/a", "UNKNOWN", "?"}) CHECK(is_nobody(text));
    CHECK_FALSE(is_nobody("nadia"));
}

TEST_CASE("split: patients whose identifiers are alike stay together, unless they are taken apart") {
    Recordings table = empty_table();
    for (int p = 0; p < 40; ++p)
        for (int r = 0; r < 3; ++r) add_row(table, (r == 1 ? "00" : "") + std::to_string(p + 100), p % 2);
    DataConfig config;
    config.classes = {"A", "B"};
    int apart = 0;
    for (const AlikePatients alike : {AlikePatients::together, AlikePatients::apart}) {
        config.alike_patients = alike;
        const PatientSplit split = split_patients(table, config);
        apart = 0;
        for (std::size_t p = 0; p < table.patients.size(); ++p)
            for (std::size_t q = 0; q < p; ++q)
                apart += patient_key(table.patients[p]) == patient_key(table.patients[q]) &&
                         split.split[p] != split.split[q];
        if (alike == AlikePatients::together) CHECK(apart == 0);
    }
    CHECK(apart > 0);
}

TEST_CASE("split file: a spreadsheet's separator, byte order mark and lost zeros are no matter") {
    const csv_test::TextFile file(
        "\xEF\xBB\xBFsep=;\r\npatient_id;note;split\r\n7;x;train\r\n;;\r\n12;\"a;b\";test;\r\n", "split.csv");
    const std::vector<std::string> patients = {"0007", "12", "7 "};
    CHECK(read_split_file(file.path(), patients) == std::vector{Split::train, Split::test, Split::train});
    CHECK_THROWS_AS(read_split_file(file.path(), patients, AlikePatients::apart), InputError);
}
