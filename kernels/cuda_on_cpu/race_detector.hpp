// Finds two accesses of one launch to the same byte that nothing orders, at least one of them a write and not both
// atomic, whatever the schedule was.
//
// What orders accesses of a block: a block barrier, by counting the barriers that the block has passed; a warp barrier,
// by a vector clock over the lanes of each warp. Nothing orders accesses of two blocks. Shuffles and votes order nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "kernels/cuda_on_cpu/execution.hpp"

namespace abr::emulation {

enum class AccessKind { read, write, atomic };

class RaceDetector final : public Observer {
  public:
    void launch_begins() override;
    void block_begins(unsigned threads) override;
    void block_synchronised() override { ++barriers_; }
    void lanes_synchronised(unsigned first_thread, std::uint32_t lanes) override;
    void atomic_access(const void* p, std::size_t bytes, std::source_location) override;
    void shared_memory_begins(const void* p, std::size_t bytes) override;

    // An access of the running thread. `instruction` is where it stands; null where `at` says so.
    void access(const void* p, std::size_t bytes, AccessKind, const void* instruction,
                std::source_location at = {});

  private:
    using Clocks = std::array<std::uint32_t, kWarpSize>;

    // One thread's place in the order of things.
    struct Moment {
        unsigned block = 0, thread = 0;
        std::uint32_t barriers = 0, clock = 0;
    };
    // Where an access stands in the sources.
    struct Source {
        const void* instruction = nullptr;
        std::source_location at;
    };
    // Who has read since the last write that was ordered behind all readers.
    enum class Readers { none, lanes, warps, blocks };

    // What is known of one byte, or of four bytes that were always accessed together.
    struct Cell {
        bool written = false, written_atomically = false;
        Moment write;
        Source write_source;
        Readers readers = Readers::none;
        Moment read;              // of the last reader
        std::uint32_t lanes = 0;  // that have read, with at least the clock of `read`
        Source read_source;
    };
    static constexpr std::uintptr_t kGranule = 4, kCells = 256;
    struct Page {
        std::uint64_t launch = 0;
        std::array<Cell, kCells> granules;
        // The bytes of granules that are accessed in parts.
        std::unordered_map<unsigned, std::array<Cell, kGranule>> split;
    };

    Moment now() const;
    bool ordered(const Moment& before) const;
    bool readers_ordered(const Cell&) const;
    Page& page(std::uintptr_t address);
    void check(Cell&, AccessKind, const Source&);
    void note_read(Cell&, const Source&);
    [[noreturn]] void report_race(AccessKind, const Source&, bool other_writes, const Moment& other,
                                  const Source& other_source);

    std::uint64_t launch_ = 0;
    std::uint32_t barriers_ = 0;
    std::vector<Clocks>
        clocks_;  // of each thread: the last moment of each lane that it has synchronised with
    std::unordered_map<std::uintptr_t, std::unique_ptr<Page>> pages_;
    std::uintptr_t last_number_ = 0;
    Page* last_page_ = nullptr;
    std::vector<std::pair<std::uintptr_t, std::uintptr_t>> shared_;  // memory of the current block
};

}  // namespace abr::emulation
