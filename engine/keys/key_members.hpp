// What the parts of the key table share: ways to a member of the configuration, and ranges.
#pragma once

#include <type_traits>
#include <utility>
#include <vector>

#include "engine/keys/keys.hpp"

namespace abr {

inline constexpr int kManyEpochs = 100000;
inline constexpr Range kEpochs{0, kManyEpochs};
inline constexpr Range kFraction{0, 1};
inline constexpr Range kBelowOne{0, 1, true, false};
inline constexpr Range kBetweenZeroAndOne{0, 1, false, false};
inline constexpr Range kPositive{1e-6, 1e6};  // still positive and finite as a float
inline constexpr Range kWeight{0, 1e6};

// The member at the end of a chain: at<&Config::run, &RunConfig::seed>(config) is config.run.seed.
template <auto... members>
auto& at(Config& config) {
    return (config.*....*members);
}

// A key whose value is one of the names of an enumeration, in the order of its enumerators.
template <auto access>
Choice choice(std::vector<std::string_view> names) {
    using Enumeration = std::remove_reference_t<decltype(access(std::declval<Config&>()))>;
    return {std::move(names), [](Config& c) { return static_cast<int>(access(c)); },
            [](Config& c, int value) { access(c) = static_cast<Enumeration>(value); }};
}

void add_run_keys(std::vector<Key>& keys);
void add_data_keys(std::vector<Key>& keys);
void add_model_keys(std::vector<Key>& keys);
void add_loss_keys(std::vector<Key>& keys);
void add_curriculum_keys(std::vector<Key>& keys);
void add_training_keys(std::vector<Key>& keys);
void add_optimizer_keys(std::vector<Key>& keys);
void add_batch_keys(std::vector<Key>& keys);
void add_logging_keys(std::vector<Key>& keys);
void add_diagnostics_keys(std::vector<Key>& keys);
void add_stage_keys(std::vector<Key>& keys);

}  // namespace abr
