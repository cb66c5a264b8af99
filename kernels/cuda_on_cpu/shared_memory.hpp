// Shared memory of the block that runs.
#pragma once

#include <cstddef>
#include <memory>
#include <source_location>
#include <vector>

namespace abr::emulation {

// A piece of shared memory: on the heap with its exact size, so that AddressSanitizer sees overruns, and full of
// NaNs, so that reads before writes show. Builds without AddressSanitizer put more NaNs behind it and look at
// them when the block is done.
class SharedPiece {
  public:
    SharedPiece(const void* key, std::size_t bytes, std::source_location declared);

    const void* key() const { return key_; }
    void* data() const { return data_.get(); }
    std::size_t bytes() const { return bytes_; }
    std::source_location declared() const { return declared_; }
    void poison() const;
    bool overrun() const;

  private:
    struct Free {
        void operator()(void* p) const;
    };
    const void* key_;
    std::size_t bytes_;
    std::source_location declared_;
    std::unique_ptr<void, Free> data_;
};

}  // namespace abr::emulation
