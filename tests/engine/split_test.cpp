#include "engine/data/split.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "engine/error.hpp"
#include "tests/engine/small_table.hpp"

using namespace abr;

namespace {

DataConfig config_of(int classes) {
    DataConfig config;
    config.classes.clear();
    for (int c = 0; c < classes; ++c) config.classes.push_back("C" + std::to_string(c));
    return config;
}

using Counts = std::array<std::int64_t, kSplits>;

Counts patients_of_class(const PatientSplit& split, std::int32_t c) {
    Counts counts{};
    for (std::size_t p = 0; p < split.split.size(); ++p)
        if (split.modal_class[p] == c) ++counts[static_cast<std::size_t>(split.split[p])];
    return counts;
}

Counts recordings(const PatientSplit& split) {
    Counts counts{};
    for (std::size_t p = 0; p < split.split.size(); ++p)
        counts[static_cast<std::size_t>(split.split[p])] += split.recordings[p];
    return counts;
}

struct SplitFile {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("split_test_" + std::to_string(getpid()) + ".csv");
    explicit SplitFile(const std::string& text) { std::ofstream(path, std::ios::binary) << text; }
    ~SplitFile() { std::filesystem::remove(path); }
};

}  // namespace

TEST_CASE("split: each class has its share of patients in each split") {
    const Recordings table = balanced_table(40, 3);
    const PatientSplit split = split_patients(table, config_of(3));
    for (int c = 0; c < 3; ++c) CHECK(patients_of_class(split, c) == Counts{28, 6, 6});
}

TEST_CASE("split: three patients of a class are enough, and each split gets one") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        DataConfig config = config_of(2);
        config.split_seed = seed;
        const PatientSplit split = split_patients(balanced_table(3, 2), config);
        CHECK(patients_of_class(split, 0) == Counts{1, 1, 1});
        CHECK(patients_of_class(split, 1) == Counts{1, 1, 1});
    }
}

TEST_CASE("split: training keeps a patient where its share is small") {
    DataConfig config = config_of(1);
    config.train = 0.1;
    config.validation = config.test = 0.45;
    CHECK(patients_of_class(split_patients(balanced_table(4, 1), config), 0)[0] == 1);
}

TEST_CASE("split: a class with too few patients is an error that names class, split and remedy") {
    Recordings table = balanced_table(5, 1);
    add_row(table, "x", 1);
    add_row(table, "y", 1);
    CHECK_THROWS_WITH_AS(
        split_patients(table, config_of(2)),
        doctest::Contains("class C1 has no patient in the split 'val' (2 of 7 patients are of this "
                          "class); a class needs at least 3 patients"),
        InputError);
    CHECK_THROWS_WITH_AS(
        split_patients(balanced_table(5, 1), config_of(2)),
        doctest::Contains("class C1 has no patient in the split 'train' (0 of 5 patients are of this "
                          "class); remove it from data.classes"),
        InputError);
}

TEST_CASE("split: without a test share no class needs a test patient") {
    DataConfig config = config_of(2);
    config.train = 0.8;
    config.validation = 0.2;
    config.test = 0;
    const PatientSplit split = split_patients(balanced_table(3, 2), config);
    CHECK(patients_of_class(split, 0) == Counts{2, 1, 0});
}

TEST_CASE(
    "split: a patient belongs to the class of most recordings, ties to the first, without a class to none") {
    Recordings table = balanced_table(5, 2);
    for (const int label : {1, 0, 1}) add_row(table, "mostly 1", label);
    for (const int label : {1, 0}) add_row(table, "tie", label);
    for (const int label : {-1, 1}) add_row(table, "partly known", label);
    add_row(table, "unknown", -1);
    const PatientSplit split = split_patients(table, config_of(2));
    const std::size_t n = split.modal_class.size();
    CHECK(split.modal_class[n - 4] == 1);
    CHECK(split.modal_class[n - 3] == 0);
    CHECK(split.modal_class[n - 2] == 1);
    CHECK(split.modal_class[n - 1] == -1);
    CHECK(split.recordings[n - 4] == 3);
}

TEST_CASE("split: without any class the patients are split all the same") {
    Recordings table = balanced_table(20, 1);
    std::fill(table.label.begin(), table.label.end(), -1);
    const PatientSplit split = split_patients(table, config_of(5));
    CHECK(patients_of_class(split, -1) == Counts{14, 3, 3});
}

TEST_CASE("split: the seed decides, the order of the rows does not") {
    const Recordings table = balanced_table(30, 2);
    DataConfig config = config_of(2);
    const PatientSplit first = split_patients(table, config);
    CHECK(split_patients(table, config).split == first.split);

    Recordings reversed = empty_table();
    for (std::size_t r = table.label.size(); r-- > 0;)
        add_row(reversed, table.patients[static_cast<std::size_t>(table.patient[r])], table.label[r]);
    const PatientSplit other = split_patients(reversed, config);
    for (std::size_t p = 0; p < table.patients.size(); ++p)
        for (std::size_t q = 0; q < reversed.patients.size(); ++q)
            if (table.patients[p] == reversed.patients[q]) CHECK(first.split[p] == other.split[q]);

    config.split_seed = 43;
    CHECK(split_patients(table, config).split != first.split);
}

TEST_CASE("split: every patient is as likely to validate or test as its share, and recordings are balanced") {
    Recordings table = empty_table();  // 20 patients with 1, 4, 9 ... 400 recordings
    for (int p = 0; p < 20; ++p)
        for (int r = 0; r < (p + 1) * (p + 1); ++r) add_row(table, "p" + std::to_string(p), 0);
    DataConfig config = config_of(1);
    constexpr int kSeeds = 2000;
    std::array<Counts, 20> chosen{};
    double spread = 0;
    for (int seed = 0; seed < kSeeds; ++seed) {
        config.split_seed = static_cast<std::uint64_t>(seed);
        const PatientSplit split = split_patients(table, config);
        for (std::size_t p = 0; p < 20; ++p) ++chosen[p][static_cast<std::size_t>(split.split[p])];
        spread +=
            std::abs(static_cast<double>(recordings(split)[1]) / static_cast<double>(table.rows) - 0.15);
    }
    // The standard error of a share of 0.15 is 0.008; validation takes one of each 20 / 3 patients by size.
    for (std::size_t p = 0; p < 20; ++p) {
        CHECK(std::abs(static_cast<double>(chosen[p][1]) / kSeeds - 0.15) < 0.04);
        CHECK(std::abs(static_cast<double>(chosen[p][2]) / kSeeds - 0.15) < 0.06);
    }
    // Drawn without regard to size the mean deviation is 0.056.
    CHECK(spread / kSeeds < 0.035);
}

TEST_CASE("pitfall 12: a split.csv that was written is read back to the same split") {
    const Recordings table = balanced_table(10, 2);
    DataConfig config = config_of(2);
    const PatientSplit split = split_patients(table, config);
    std::string csv = "patient_id,class,recordings,split\n";
    for (const SplitRow& row : split_rows(table.patients, config.classes, split))
        csv += row.patient_id + "," + row.class_name + "," + std::to_string(row.recordings) + "," +
               row.split + "\n";
    CHECK(csv.find("\nc1p4,C1,5,") != std::string::npos);
    const SplitFile file(csv);
    config.split_file = file.path;
    config.split_seed = 99;
    CHECK(split_patients(table, config).split == split.split);
}

TEST_CASE("split: a split file is read with its columns in any order, quotes and CRLF") {
    const std::vector<std::string> patients = {"a", "b, c", "d"};
    const SplitFile file("\xEF\xBB\xBFsplit,patient_id\r\ntest,d\r\nval,\"b, c\"\r\n\r\ntrain,a\r\n");
    CHECK(read_split_file(file.path, patients) == std::vector<Split>{Split::train, Split::val, Split::test});
}

TEST_CASE("pitfall 12: a split file that does not give each patient one split is an error with its line") {
    const std::vector<std::string> patients = {"a", "b"};
    const auto message = [&](const std::string& text) {
        const SplitFile file(text);
        try {
            read_split_file(file.path, patients);
        } catch (const InputError& error) {
            return std::string(error.what());
        }
        return std::string("no error");
    };
    const auto has = [&](const std::string& text, const std::string& part) {
        const std::string found = message(text);
        INFO(found);
        CHECK(found.find(part) != std::string::npos);
    };
    REQUIRE(message("patient_id,split\na,train\nb,val\n") == "no error");
    has("patient_id,split\na,train\nb,val\na,test\n", "this one stands in line 2 already");
    has("patient_id,split\na,train\nb,val\nz,test\n", ".csv:4, column `patient_id`: value `z`");
    has("patient_id,split\na,train\nb,valid\n", "train, val or test");
    has("patient_id,split\nb,val\n", "1 of 2 patients have no line, the first is `a`");
    has("patient_id,split\na\nb,val\n", ".csv:2: expected 2 cells");
    has("patient_id,split\na,\"train\nb,val\n", ".csv:2: expected 2 cells");
    has("patient,split\na,train\nb,val\n", "column `patient_id`");
    has("patient_id,split,split\na,train,val\nb,val,val\n", "column `split`");
    has("", "empty");
    CHECK_THROWS_WITH_AS(read_split_file("/nonexistent.csv", patients),
                         doctest::Contains("correct data.split_file"), InputError);
}

TEST_CASE("split: a split file that leaves a class out of a split is an error") {
    const Recordings table = balanced_table(2, 2);
    DataConfig config = config_of(2);
    const SplitFile file("patient_id,split\nc0p0,train\nc0p1,val\nc1p0,train\nc1p1,train\n");
    config.split_file = file.path;
    CHECK_THROWS_WITH_AS(split_patients(table, config),
                         doctest::Contains("class C1 has no patient in the split 'val' (2 of 4"), InputError);
}
