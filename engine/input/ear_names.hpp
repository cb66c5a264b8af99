// What a file calls the ears.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine/config/config.hpp"

namespace abr {

class EarNames {
  public:
    // The usual names and those of data.ear_aliases, which take precedence.
    explicit EarNames(const NamedLists& aliases);

    // 0 left, 1 right; nothing for a name of neither. The case of letters is no matter.
    std::optional<std::int8_t> find(std::string_view name) const;

  private:
    std::map<std::string, std::int8_t, std::less<>> ears_;
};

}  // namespace abr
