// What a configuration asks for, made ready: the backend, the data, and for each stage the configuration with
// which it trains. Whatever trains, or looks at how a run would train, begins with one.
#pragma once

#include <memory>
#include <span>

#include "engine/backend/backend.hpp"
#include "engine/config/config.hpp"
#include "engine/data/dataset.hpp"
#include "engine/input/read_recordings.hpp"
#include "model/learner.hpp"

namespace abr {

struct Session {
    // Throws InputError where backend, recordings or data set cannot be had (engine/backend/backend.hpp,
    // engine/data/load_recordings.hpp, engine/data/dataset.hpp), or a stage freezes what the network does not
    // have.
    explicit Session(const Config& written);
    Session(const Session&) = delete;  // learners read the data in place

    std::span<const Config> stages() const { return stages_of(config); }
    // The learner of a stage, with initial weights.
    std::unique_ptr<Learner> learner(const Config& stage) const;

    const ChosenBackend backend;
    ReadReport rows;  // of the recordings
    const Dataset dataset;
    const Config config;  // weights of dropped components are 0
};

}  // namespace abr
