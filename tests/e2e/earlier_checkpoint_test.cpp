// Checkpoints of earlier versions predict what they predicted then.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "tests/e2e/engine_program.hpp"

using namespace abr;
using namespace abr::test;

namespace {

// Equal cells, or numbers that are close.
void check_close(const CsvTable& found, const CsvTable& expected) {
    REQUIRE(found.size() == expected.size());
    for (std::size_t r = 0; r < found.size(); ++r) {
        REQUIRE(found[r].size() == expected[r].size());
        for (const auto& [column, cell] : expected[r]) {
            CAPTURE(column);
            if (found[r].at(column) == cell) continue;
            CHECK(number(found[r], column) == doctest::Approx(number(expected[r], column)).epsilon(1e-5));
        }
    }
}

}  // namespace

// tests/fixtures/checkpoint_v1/: a network trained by version 0.1.0 on tiny.toml, with an average of its
// weights, at the SIMD level AVX3; recordings, and what that version predicted for them, with the column
// missing_inputs, which it did not have. Another level rounds otherwise.
TEST_CASE("a checkpoint of the first format predicts what its own version predicted") {
    const std::string fixture = ABR_SOURCE_DIR "/tests/fixtures/checkpoint_v1/";
    const TemporaryFolder folder;
    const Outcome outcome =
        engine(folder.path, "predict --checkpoint '" + fixture + "checkpoint.safetensors' --data '" +
                                fixture + "recordings.csv' --out predictions.csv --restored restored.csv");
    REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
    const bool same_level = engine(folder.path, "info").out.find("SIMD level  AVX3\n") != std::string::npos;
    for (const char* name : {"predictions.csv", "restored.csv"}) {
        CAPTURE(name);
        CHECK(read_table(fixture + name).size() == 15);
        check_close(read_table(folder.path / name), read_table(fixture + name));
        if (same_level) CHECK(content(folder.path / name) == content(fixture + name));
    }
}
