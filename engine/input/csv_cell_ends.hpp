// Where the cells of a record without quotes end, found 64 characters at a time.
#pragma once

#include <cstddef>
#include <vector>

namespace abr {

class CellEnds {
  public:
    // Finds the cells of the record at `begin`, and returns its line end, or `end` where there is none. Null where a
    // quote comes first: then separators and line ends may be text.
    const char* find(const char* begin, const char* end, char separator);

    std::size_t count() const { return count_; }
    // The separator after cell `cell`; after the last one what find() returned.
    const char* operator[](std::size_t cell) const { return ends_[cell]; }

    // The same for the cells from `cell` on, as an array.
    const char* const* from(std::size_t cell) const { return ends_.data() + cell; }

  private:
    std::vector<const char*> ends_;  // the first count_ hold, the others are room
    std::size_t count_ = 0;
};

}  // namespace abr
