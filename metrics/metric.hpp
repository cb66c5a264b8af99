// A number computed once over a whole split, or the reason why it cannot be computed.
//
// A metric that lacks what it needs is never silently 0: it carries no value and a reason, which ends up as
// an empty cell and an entry of absent_metrics. One with neither was forgotten, and writing it is an error.
#pragma once

#include <optional>
#include <string>

namespace abr {

struct Metric {
    std::optional<double> value;
    std::string reason;  // why there is no value; empty where there is one

    static Metric of(double value) { return {value, {}}; }
    static Metric absent(std::string reason) { return {std::nullopt, std::move(reason)}; }
    bool is_set() const { return value.has_value() || !reason.empty(); }
};

}  // namespace abr
