// data_report.json: what was read, how it was split, what it can and cannot train.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/data/baselines.hpp"
#include "engine/data/dataset.hpp"
#include "engine/data/sampler.hpp"
#include "engine/input/read_recordings.hpp"
#include "engine/output/json.hpp"

namespace abr {

inline constexpr std::string_view kComponentOn = "on";

struct DataReport {
    struct ClassCount {
        std::int64_t recordings = 0;
        std::int64_t patients = 0;  // with at least one recording of the class
    };
    ReadReport rows;  // with the ranges of the columns
    std::vector<std::string> classes;
    std::vector<std::array<ClassCount, kSplits>> class_counts;  // one for each class
    double sample_interval_ms = 0;
    std::int64_t latencies_outside_window = 0;               // masked, the wave exists
    PerComponent<std::string> components;                    // "on", or why dropped
    PerComponent<std::array<std::int64_t, kSplits>> labels;  // rows with a target
    std::map<std::string, std::string> absent_metrics;       // column of epochs.csv -> reason
    std::vector<std::int64_t> largest_repeats;               // of a recording an epoch, for each class
    Baselines baselines;
    std::array<std::string, kSplits> fingerprints;  // of each split's recordings and labels
};

// `sampler`: of the training rows. The training columns of dropped components are declared absent; the
// trainer adds the metrics that validation could not compute.
DataReport make_data_report(const Dataset&, ReadReport rows, const EpochSampler& sampler);

// Keys in the order of the contract.
Json to_json(const Baselines&);
Json to_json(const DataReport&);

}  // namespace abr
