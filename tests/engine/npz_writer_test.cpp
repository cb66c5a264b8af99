#include "engine/formats/npz_writer.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/formats/npz.hpp"
#include "engine/recordings.hpp"
#include "tests/engine/output_files.hpp"

using namespace abr;

TEST_CASE("npz writer: arrays come back as they were, texts of any script too, the same bytes each time") {
    const test::TemporaryFolder folder;
    const std::vector<std::vector<float>> rows = {{1.5f, -0.0f, 3e-38f},
                                                  {4, 5, std::numeric_limits<float>::max()}};
    const std::vector<float> values = {0.1f, kMissing};
    const std::vector<std::string> texts = {"", "SN\xC4\xB0K \xF0\x9F\x91\x82"};  // SNİK and an ear
    const auto write = [&](const char* name) {
        replace_file_atomically(folder.path / name, [&](OutputFile& file) {
            NpzWriter npz(file);
            npz.add("signal", rows);
            npz.add("rate_hz", values);
            npz.add("sample_interval_ms", 0.1);
            npz.add("class", texts);
            npz.finish();
        });
    };
    write("a.npz");
    write("b.npz");
    CHECK(test::content(folder.path / "a.npz") == test::content(folder.path / "b.npz"));

    const NpzFile file = NpzFile::open(folder.path / "a.npz");
    CHECK(file.names() == std::vector<std::string>{"class", "rate_hz", "sample_interval_ms", "signal"});
    const NpyArray signal = file.array("signal");
    CHECK(signal.shape == std::vector<std::int64_t>{2, 3});
    CHECK(signal.to_floats() ==
          std::vector<float>{1.5f, -0.0f, 3e-38f, 4, 5, std::numeric_limits<float>::max()});
    CHECK(file.array("rate_hz").to_floats()[0] == 0.1f);
    CHECK(std::isnan(file.array("rate_hz").to_floats()[1]));
    CHECK(file.array("sample_interval_ms").shape.empty());
    CHECK(file.array("sample_interval_ms").to_doubles() == std::vector<double>{0.1});
    CHECK(file.array("class").to_strings() == texts);
}
