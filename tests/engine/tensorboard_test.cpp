#include <doctest/doctest.h>

#include <fstream>

#include "engine/keys/read_run.hpp"
#include "engine/tensorboard/record.hpp"
#include "engine/tensorboard/run_events.hpp"
#include "tests/engine/synthetic_run.hpp"

namespace abr {
namespace {

using namespace test;

TEST_CASE("CRC-32C gives the published check values, and frames hold the masked one") {
    CHECK(crc32c("123456789") == 0xE3069283u);
    CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AAu);  // RFC 3720, B.4
    CHECK(masked_crc32c("123456789") == ((0xE3069283u >> 15) | (0xE3069283u << 17)) + 0xA282EAD8u);
    const std::string record = framed_record("abc");
    CHECK(record.size() == 8 + 4 + 3 + 4);
    CHECK(record.substr(0, 8) == std::string("\3\0\0\0\0\0\0\0", 8));
    CHECK(record.substr(12, 3) == "abc");
}

TEST_CASE("an event file that is written from the CSVs is the one that was written live") {
    const TemporaryFolder folder;
    SyntheticRun run(6);
    run.write(folder.path);
    std::string confusion = "epoch,split,true_class,predicted_class,count\n";
    for (int e = 0; e < 6; ++e)
        confusion += fmt::format("{0},val,A,A,9\n{0},val,A,B,1\n{0},val,B,A,0\n{0},val,B,B,10\n", e);
    put(folder.path / "confusion_matrix.csv", confusion);
    put(folder.path / "environment.json", R"({"start_time": "2001-09-09T01:46:40Z"})");
    const std::string all = run.epochs_csv();
    std::size_t half = 0;
    for (int line = 0; line < 4; ++line) half = all.find('\n', half) + 1;

    put(folder.path / "epochs.csv", all.substr(0, half));
    RecordedRun tables = read_run(folder.path);
    const auto live = rewrite_run_events(folder.path, tables);
    if (!live) {
        MESSAGE("this build writes no TensorBoard files");
        return;
    }
    std::ofstream(folder.path / "epochs.csv", std::ios::app) << all.substr(half);
    tables.refresh();
    live->append(tables);
    live->append(tables);  // nothing new
    const auto file = folder.path / "tensorboard/events.out.tfevents.abr_engine";
    const std::string written = content(file);
    CHECK(contains(written, "\x89PNG"));
    rewrite_run_events(folder.path, read_run(folder.path));
    CHECK((content(file) == written));
}

}  // namespace
}  // namespace abr
