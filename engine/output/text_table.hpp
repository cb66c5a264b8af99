// Plain text tables and what makes text safe for a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace abr {

// Control characters other than "\n" replaced by '?': names come from files and must not steer a terminal.
std::string printable(std::string_view text);

// The first column to the left, the others to the right; widths count characters (UTF-8 code points).
class TextTable {
  public:
    explicit TextTable(std::vector<std::string> header);
    void add(std::vector<std::string> cells);  // as many as the header has
    void add_rule();
    std::string text() const;  // without a line end at the end

  private:
    std::vector<std::vector<std::string>> rows_;  // an empty one is a rule
};

}  // namespace abr
