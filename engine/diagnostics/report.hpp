// diagnostics.json and diagnostics.md.
#pragma once

#include <filesystem>
#include <string>

#include "engine/diagnostics/diagnose.hpp"

namespace abr {

inline constexpr int kDiagnosticsSchema = 1;

Json to_json(const Diagnosis&);
std::string to_markdown(const Diagnosis&);
// One line: severity, rule, evidence, the lines to change.
std::string one_line(const Finding&);
std::string without_severity(const Finding&);
// "key = from  ->  to", values in TOML.
std::string change_text(const ConfigChange&);

// The changes that the first finding advises as arguments of a command, "--set key=value ...", that a shell can split
// where no text holds a space; empty where there are none.
std::string as_set_arguments(const Diagnosis&);

// Both files, each atomically. Throws RunError on the system's errors.
void write_diagnosis(const std::filesystem::path& folder, const Diagnosis&);

}  // namespace abr
