#include "engine/input/suspicion.hpp"

#include <fmt/format.h>

#include "engine/input/table_message.hpp"

namespace abr {

std::string suspicion_text(const Suspicion& suspicion) {
    std::string places;
    for (const SuspectCell& cell : suspicion.places) {
        if (!places.empty()) places += ", ";
        if (!cell.value.empty()) places += quoted_value(cell.value) + (cell.line > 0 ? " in " : "");
        if (cell.line > 0) places += fmt::format("line {}", cell.line);
    }
    if (suspicion.count > static_cast<std::int64_t>(suspicion.places.size()) && !places.empty())
        places += ", ...";
    return fmt::format("{}: {}{}; {}", suspicion.column, suspicion.what,
                       places.empty() ? "" : " (" + places + ")", suspicion.remedy);
}

}  // namespace abr
