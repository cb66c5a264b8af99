// What training needs of a table of recordings: the three splits in the layout of kernels/batch.hpp, the
// statistics fitted on the training rows, and which loss components the data can train.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config/config.hpp"
#include "engine/data/split.hpp"
#include "engine/data/statistics.hpp"
#include "engine/recordings.hpp"
#include "kernels/batch.hpp"
#include "kernels/components.hpp"

namespace abr {

// The static inputs that a recording may lack, by their columns, in the order of their flags from kAgeMissing on.
inline constexpr std::array<std::string_view, 3> kInputsThatMayMiss = {"age_years", "rate_hz", "fmp"};

// AlikeAverages of kernels/batch.hpp, of a table without clean signals; else empty.
struct AlikeRows {
    std::vector<std::int32_t> order, first, count;
};

// The recordings of one split, in the order of the table. Physical units, NaN / -1 = missing.
struct SplitData {
    Index rows = 0;
    Index length = 0;           // T
    std::vector<float> signal;  // (rows, T) uV
    std::vector<float> clean;   // (rows, T) uV, or empty
    AlikeRows alike;
    std::vector<float> statics;  // (rows, 7) standardised and filled, StaticInput order
    // Class, -1 = missing; of a binary task 1 or 0, -1 = the table does not say.
    PerComponent<std::vector<std::int32_t>> label;
    // NaN = missing; a latency also outside the recording: the wave exists all the same.
    PerComponent<std::vector<float>> scalar;
    std::vector<std::array<bool, kInputsThatMayMiss.size()>> missing;  // of each row
    std::vector<std::int32_t> patient;                                 // index into Dataset::patients
    std::vector<std::int8_t> ear;     // as in Recordings; empty where no recording of the table says its ear
    std::vector<float> intensity_db;  // dB nHL
    std::vector<std::int64_t> source_row;  // 1-based data row of the source

    // The same arrays as the kernels see them; valid while the object is unchanged.
    DeviceRecordings view() const;
    // Of everything that is learnt from or measured against; the same data have the same, in 16 hexadecimal
    // digits.
    std::string fingerprint() const;
    // Rows that have a target of this component.
    Index labelled(Component) const;
};

// Rows of a table in this layout. Throws InputError as standardised_statics does.
SplitData lay_out(const Recordings&, std::span<const std::int64_t> rows, const FittedStatistics&);

struct Dataset {
    std::vector<std::string> classes;
    std::vector<std::string> patients;
    double sample_interval_ms = 0;
    double first_sample_ms = 0;  // time of sample 0 after the stimulus
    Index length = 0;            // T
    PatientSplit split;
    FittedStatistics statistics;
    std::array<SplitData, kSplits> parts;
    // Why a component cannot be trained; empty = it is on.
    PerComponent<std::string> dropped;
    std::int64_t latencies_outside_window = 0;  // masked

    const SplitData& part(Split s) const { return parts[static_cast<std::size_t>(s)]; }
    bool is_on(Component c) const { return dropped[c].empty(); }
};

// Splits by patient, fits the statistics on the training rows, lays out the splits. `recordings` gives its
// signals away. Throws InputError if there is no row, no training row, or no validation row, as
// split_patients and fit_statistics do, and where a weight > 0 was written for a component that has no label
// in the training or in the validation rows (without one written it is dropped). Throws RunError if a patient
// came to stand in two splits.
Dataset build_dataset(Recordings&& recordings, const Config& config);

// The configuration with the weight of each dropped component set to 0, in every stage.
Config with_dropped_weights(Config config, const Dataset&);

}  // namespace abr
