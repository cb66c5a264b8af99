#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "engine/formats/safetensors.hpp"
#include "kernels/components.hpp"
#include "tests/e2e/engine_program.hpp"
#include "tests/e2e/tiny_runs.hpp"

using namespace abr;
using namespace abr::test;

TEST_CASE("trace shows what the first step of a run computes") {
    const TemporaryFolder folder;
    const std::string settings = shipped("quickstart.toml") + kTinySettings + " --set training.batch_size=32";
    REQUIRE(engine(folder.path, "run " + settings + " --quiet --experiment-name x").code == 0);
    const Outcome outcome = engine(folder.path, "trace " + settings + " --out trace.safetensors --batches 2");
    REQUIRE_MESSAGE(outcome.code == 0, outcome.err);

    const auto file = SafetensorsFile::open(folder.path / "trace.safetensors");
    const auto step = read_table(folder.path / "runs/x/steps.csv").front();
    const auto losses = file.floats("losses");
    for (std::size_t c = 0; c < kComponents; ++c) {
        const double logged = number(step, "loss_" + std::string(kComponentNames[c]));
        CHECK(losses[c] == doctest::Approx(logged).epsilon(1e-6));
    }
    double squares = 0;
    for (const auto& [name, entry] : file.entries())
        if (name.starts_with("gradients/"))
            for (const float g : file.floats(name)) squares += double{g} * g;
    CHECK(std::sqrt(squares) == doctest::Approx(number(step, "grad_norm")).epsilon(1e-6));
    CHECK(file.shape("batch1/signal") == std::vector<std::int64_t>{32, 200});
    CHECK(file.shape("outputs/classification") == std::vector<std::int64_t>{32, 5});
    CHECK_FALSE(file.contains("batch2/signal"));
}

TEST_CASE("trace refuses a checkpoint of another network") {
    const TemporaryFolder folder;
    const std::string network = shipped("quickstart.toml") +
                                " --set data.synthetic.patients=60 --set model.levels=2 --set model.kernel=3";
    REQUIRE(engine(folder.path, "run " + network +
                                    " --quiet --set training.epochs=1 --set model.base_channels=8"
                                    " --experiment-name x")
                .code == 0);
    const Outcome outcome = engine(folder.path, "trace " + network +
                                                    " --set model.base_channels=16 --out t.safetensors"
                                                    " --checkpoint runs/x/checkpoints/last.safetensors");
    CHECK(outcome.code == 2);
    CHECK(outcome.err.find("a checkpoint of another network") != std::string::npos);
}
