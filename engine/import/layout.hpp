// What import knows of the files of one device or tool.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/import/average.hpp"

namespace abr {

// What the user says where a file does not, or says it wrongly.
struct ReadOptions {
    std::optional<double> unit_uv{};      // uV of the file's unit of amplitude
    std::optional<double> interval_ms{};  // of the samples, for layouts without a time
    std::optional<double> stimulus_ms{};  // the stimulus, counted from the first sample
    // Of continuous recordings.
    std::optional<std::pair<double, double>> epoch_ms{};  // from and to, relative to an event
    std::optional<double> reject_uv{};                    // epochs with a sample beyond it are left out
    std::vector<std::string> events{};                    // names of the events of stimuli; empty: all
};

// Where a reader leaves what it reads.
struct AverageSink {
    std::function<void(Average)> add;
    std::function<void(std::string)> note;  // what a user should know of the file, without its name
};

struct Layout {
    std::string_view name;   // of --format
    std::string_view title;  // for people
    // Whether a file that begins so is of this layout. Given are its first kLayoutBytes, or all of a shorter file.
    bool (*recognises)(std::string_view first_bytes);
    // Hands every average of the file to the sink, in the file's order. InputError with the place in the file for
    // whatever is wrong with it; what was handed on before stays.
    void (*read)(const std::filesystem::path&, const ReadOptions&, const AverageSink&);
};

inline constexpr std::size_t kLayoutBytes = 16384;

// Every layout, in the order in which they are asked.
std::span<const Layout* const> layouts();

// The layout called `name`; with an empty name the first that recognises the file. InputError where there is none, or
// the file cannot be read.
const Layout& find_layout(const std::filesystem::path&, std::string_view name);

// Unit of amplitude as uV, from its name ("uV", "µV", "mV", "nV", "V", in any case); nothing for other names.
std::optional<double> unit_in_uv(std::string_view name);

}  // namespace abr
