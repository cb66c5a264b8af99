// Files that were damaged at random: every reader reads them or refuses them with a message.
//
// Mutations come from counter-based random numbers, so every run tries the same files. What libFuzzer looked for
// longer stands in tests/fuzz/; inputs that it found to break something are cases of their own below.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/data/random_sequence.hpp"
#include "tests/engine/import_files.hpp"
#include "tests/fuzz/readers.hpp"

using namespace abr;

namespace {

// Pieces that mean something to one reader or the other.
const std::vector<std::string> kTokens = {"\"",
                                          "\"\"",
                                          "\n",
                                          "\r\n",
                                          "\r",
                                          ",",
                                          ";",
                                          "\t",
                                          " ",
                                          "NaN",
                                          "inf",
                                          "-inf",
                                          "1e39",
                                          "-1e-50",
                                          "0x10",
                                          "1,5",
                                          "1.5",
                                          "\xEF\xBB\xBF",
                                          "\xC3",
                                          "\xF4\x90\x80\x80",
                                          std::string(1, '\0'),
                                          "s0",
                                          "patient_id",
                                          "NORMAL",
                                          "-1",
                                          "",
                                          "99999999999999999999",
                                          "[",
                                          "]",
                                          "[[",
                                          "{",
                                          "}",
                                          "=",
                                          "'",
                                          "'''",
                                          "\"\"\"",
                                          "#",
                                          "\\u0000",
                                          "\\UFFFFFFFF",
                                          "1979-05-27",
                                          "true",
                                          "nan",
                                          "[data]",
                                          "data.path",
                                          "'descr'",
                                          "'<f4'",
                                          "'|O'",
                                          "(",
                                          ")",
                                          "(2, 2)",
                                          "False",
                                          "PK\x03\x04",
                                          "PK\x05\x06",
                                          "\xFF\xFF\xFF\xFF",
                                          "\x80\x00\x00\x00\x00\x00\x00\x00",
                                          ":",
                                          "__metadata__",
                                          "data_offsets",
                                          "F32",
                                          "[0,18446744073709551615]"};

std::string mutated(std::string bytes, std::uint32_t number) {
    RandomSequence random(stream_key(2024, number), number);
    const std::uint32_t changes = 1 + random.below(4);
    for (std::uint32_t i = 0; i < changes; ++i) {
        const auto size = static_cast<std::uint32_t>(bytes.size());
        const std::uint32_t at = random.below(size + 1);
        const std::uint32_t length = std::min(size - at, random.below(24));
        const std::string piece = bytes.substr(at, length);
        switch (random.below(7)) {
            case 0:
                if (at < size) bytes[at] = static_cast<char>(random.below(256));
                break;
            case 1:
                if (at < size) bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.below(8)));
                break;
            case 2:
                bytes.erase(at, length);
                break;
            case 3:
                bytes.insert(random.below(size + 1), piece);
                break;
            case 4:
                bytes.insert(at, kTokens[random.below(static_cast<std::uint32_t>(kTokens.size()))]);
                break;
            case 5:
                bytes.replace(at, length, kTokens[random.below(static_cast<std::uint32_t>(kTokens.size()))]);
                break;
            default:
                if (random.below(4) == 0) bytes.resize(at);
        }
    }
    return bytes;
}

// How many of the damaged files were read all the same. Both must happen, or the test tries nothing.
template <class Read>
void check_all(const std::vector<std::string>& seeds, std::uint32_t each, const Read& read) {
    int accepted = 0, refused = 0;
    for (const std::string& seed : seeds) {
        REQUIRE(read(seed));
        for (std::uint32_t i = 0; i < each; ++i) {
            CAPTURE(i);
            read(mutated(seed, i)) ? ++accepted : ++refused;
        }
    }
    CHECK(accepted > 0);
    CHECK(refused > 0);
}

constexpr std::uint32_t kEach = 3000;

const std::string kOwn =
    "patient_id,ear,age_years,intensity_db,class,wave_v_latency_ms,sample_interval_ms,s0,s1,s2,c0,c1,c2\n"
    "p1,left,34.5,80,NORMAL,5.6,0.1,0.25,-0.5,0.125,0.2,-0.4,0.1\n"
    "\"p,2\",,NA,60,3,,0.1,1e-1,2,3,,,\r\n"
    "p1,right,34.5,40,,NaN,0.1,-1,-2,-3.5,1,2,3\n";
const std::string kSpreadsheet =
    "\xEF\xBB\xBFPatient_ID;Intensity;class;Sweeps Rejected;1;2;3\r\n"
    "\"Ayşe \"\"A\"\"\";80;SNİK;12;0,25;-0,5;1,125\r\n"
    "b;60;NORMAL;150;1;2;3\r\n"
    "\"c\nd\";40,5;;7;-1;-2,5;3\r\n";

std::string npy(const std::string& descr, const std::string& shape, const std::string& bytes) {
    const std::string archive = test::NpzWriter().add("x", descr, shape, bytes).bytes();
    const auto begin = archive.find("\x93NUMPY"), end = archive.find("PK\x01\x02");
    return archive.substr(begin, end - begin);
}

}  // namespace

TEST_CASE("malformed files: thousands of damaged CSV tables are read or refused") {
    for (const bool skip : {false, true}) {
        check_all({kOwn}, kEach, [&](const std::string& b) { return fuzz::read_csv(b, false, skip); });
        check_all({kSpreadsheet}, kEach, [&](const std::string& b) { return fuzz::read_csv(b, true, skip); });
    }
}

TEST_CASE("malformed files: thousands of damaged NPZ archives and arrays are read or refused") {
    const std::string signal = npy("<f4", "(2, 2)", test::raw_bytes<float>({0, 1, 2, 3}));
    const std::string patients = npy("|S1", "(2,)", "ab");
    check_all({fuzz::archive_with("signal", signal, false), fuzz::archive_with("signal", signal, true)},
              kEach, fuzz::read_npz);
    for (const bool compressed : {false, true}) {
        check_all({signal}, kEach, [&](const std::string& b) {
            return fuzz::read_npz(fuzz::archive_with("signal", b, compressed));
        });
        check_all({patients}, kEach, [&](const std::string& b) {
            return fuzz::read_npz(fuzz::archive_with("patient_id", b, compressed));
        });
    }
}

TEST_CASE(
    "malformed files: thousands of damaged files of every device and of side tables are read or refused") {
    const std::vector<double> wave = {0.1, -0.2, 0.3, 0.5, -0.4, 1, 2, 3};
    const test::IhsAverage average{.average = wave, .first_half = wave, .second_half = wave};
    const test::BiosigRecord record{.samples = {"-1.5e-007", "2e-7", "3e-7", "0", "1e-6"}};
    const struct {
        const char* format;
        std::string seed;
    } kSeeds[] = {
        {"ihs-smartep", test::ihs_file({average, average})},
        {"biosig-text", test::biosig_group("M1", "Tone", {record, record}, "2")},
        {"epl", test::epl_file("10;20;", {{0.1, 0.2}, {0.3, -0.4}, {0.5, 0.6}, {1, 2}, {3, 1}})},
        {"abra", "Freq(Hz),Level(dB),0,1,2,3,4\n8000,90,0.1,0.2,0.3,-0.5,1\nClick,80,1,2,3,1,\n"},
        {"time-columns",
         "# made by hand\nTime (ms)\t80 dB\t60 dB\n0\t1\t2\n0.1\t2\t3\n0.2\t1\t0\n0.3\t5\t0\n0.4\t1\t1\n"},
        {"tdt-arf",
         test::arf_file("M1",
                        {{.samples = {1e-6f, 2e-6f, 0, 1e-6f, 0}}, {.samples = {3e-6f, 0, 1e-6f, 0, 0}}}, 8)},
        {"edf", test::edf_file({{.label = "Cz 80 dB", .samples = {1, 2, 3, 4, 5, 6, 7, 8}}}, 1)},
        {"matlab",
         test::mat_file(
             test::mat_numbers("sample_interval_ms", 1, 1, {0.05}) +
             test::mat_numbers("intensity_db", 1, 2, {80, 60}) +
             test::mat_cells("class", {test::mat_text("", u"A"), test::mat_text("", u"B")}) +
             test::mat_compressed(test::mat_numbers("signal", 2, 5, {1, 2, 3, 4, 5, 6, 7, 8, 9, 1})))},
    };
    for (const auto& [format, seed] : kSeeds) {
        CAPTURE(std::string(format));
        for (const bool skip : {false, true})
            check_all({seed}, kEach / 4,
                      [&, f = format](const std::string& b) { return fuzz::read_import(b, f, skip, skip); });
        CHECK(fuzz::read_import(seed, "", false, false));
    }
    std::vector<int> samples(200);
    for (int i = 0; i < 200; ++i) samples[static_cast<std::size_t>(i)] = i % 7;
    const std::string events = std::string("+0\x14\x14\0+0.004\x14", 12) + "80 dB\x14";
    check_all({test::edf_file(
                  {{.label = "Cz", .samples = samples}, {.label = "EDF Annotations", .annotations = events}},
                  1, false, "EDF+C")},
              kEach / 4, [](const std::string& b) { return fuzz::read_import(b, "", true, false); });
    check_all({"record,class,threshold_db\n80 dB,SNHL,45\n\"60 dB\",\"NORMAL\",\n",
               "\xEF\xBB\xBFintensity_db;ear;fmp\r\n80;L;1,5\r\n60;;2\r\n"},
              kEach, fuzz::read_labels);
}

TEST_CASE("malformed files: thousands of damaged safetensors files are read or refused") {
    const std::vector<float> values = {1, 2, 3, 4, 5, 6};
    const std::vector<double> doubles = {0.5, 0.25};
    const std::string file =
        serialize_safetensors({{"a.weight", TensorType::f32, {2, 3}, values.data()},
                               {"statistics/fill", TensorType::f64, {2}, doubles.data()}},
                              {{"format", "abr_engine"}, {"model", "{\"length\": 200}"}});
    check_all({file}, 4 * kEach, fuzz::read_safetensors);
}

TEST_CASE(
    "malformed files: thousands of damaged configurations are read or refused, and read ones echo the same") {
    const std::string config =
        "[run]\nseed = 7\n[data]\nsource = \"csv\"\npath = \"a.csv\"\nsample_interval_ms = 0.1\n"
        "on_bad_row = \"skip\"\nclasses = [\"A\", \"B\"]\n[data.columns]\nsignal = { prefix = \"x\", first = "
        "1, count = 20 }\n"
        "[data.class_aliases]\nA = [\"Ä\", \"1\"]\n[data.filters]\n\"Sweeps Rejected\" = { less_than = 100 "
        "}\n"
        "Polarity = \"Alternate\"\n[loss]\nclass_weights = [1, 2.5]\n[training]\nepochs = 3\n";
    check_all({config}, 2 * kEach, fuzz::read_toml);
}
