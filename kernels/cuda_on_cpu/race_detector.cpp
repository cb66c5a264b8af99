#include "kernels/cuda_on_cpu/race_detector.hpp"

#include <algorithm>
#include <string>

#include "kernels/cuda_on_cpu/device_memory.hpp"
#include "kernels/cuda_on_cpu/fault.hpp"

namespace abr::emulation {
namespace {

std::uintptr_t address_of(const void* p) {
    return reinterpret_cast<std::uintptr_t>(p);
}

const char* verb(AccessKind kind) {
    return kind == AccessKind::read ? "reads" : kind == AccessKind::write ? "writes" : "updates atomically";
}

}  // namespace

void RaceDetector::launch_begins() {
    ++launch_;
    shared_.clear();
}

void RaceDetector::block_begins(unsigned threads) {
    barriers_ = 0;
    clocks_.assign(threads, Clocks{});
    for (unsigned t = 0; t < threads; ++t) clocks_[t][t % kWarpSize] = 1;
}

void RaceDetector::lanes_synchronised(unsigned first_thread, std::uint32_t lanes) {
    Clocks joined{};
    for (unsigned i = 0; i < kWarpSize; ++i)
        if (lanes >> i & 1u)
            for (unsigned lane = 0; lane < kWarpSize; ++lane)
                joined[lane] = std::max(joined[lane], clocks_[first_thread + i][lane]);
    for (unsigned i = 0; i < kWarpSize; ++i) {
        if (!(lanes >> i & 1u)) continue;
        clocks_[first_thread + i] = joined;
        ++clocks_[first_thread + i][i];
    }
}

void RaceDetector::shared_memory_begins(const void* p, std::size_t bytes) {
    const std::uintptr_t begin = address_of(p), end = begin + bytes;
    const std::pair range(begin, end);
    if (std::find(shared_.begin(), shared_.end(), range) == shared_.end()) shared_.push_back(range);
    for (std::uintptr_t at = begin / kGranule * kGranule; at < end; at += kGranule) {
        Page& cells = page(at);
        const auto cell = static_cast<unsigned>(at / kGranule % kCells);
        cells.granules[cell] = {};
        cells.split.erase(cell);
    }
}

RaceDetector::Moment RaceDetector::now() const {
    const auto [block, thread] = running();
    return {block, thread, barriers_, clocks_[thread][thread % kWarpSize]};
}

// Whether what happened at that moment is over for the running thread.
bool RaceDetector::ordered(const Moment& before) const {
    const auto [block, thread] = running();
    if (before.block != block) return false;
    if (before.thread == thread || before.barriers < barriers_) return true;
    return before.thread / kWarpSize == thread / kWarpSize &&
           clocks_[thread][before.thread % kWarpSize] >= before.clock;
}

bool RaceDetector::readers_ordered(const Cell& cell) const {
    if (cell.readers == Readers::none) return true;
    if (cell.readers == Readers::blocks) return false;
    if (cell.readers == Readers::warps)
        return cell.read.block == running().block && cell.read.barriers < barriers_;
    Moment reader = cell.read;
    const unsigned first = cell.read.thread / kWarpSize * kWarpSize;
    for (unsigned i = 0; i < kWarpSize; ++i) {
        reader.thread = first + i;
        if ((cell.lanes >> i & 1u) && !ordered(reader)) return false;
    }
    return true;
}

void RaceDetector::note_read(Cell& cell, const Source& source) {
    const Moment moment = now();
    const std::uint32_t lane = 1u << moment.thread % kWarpSize;
    if (cell.readers == Readers::blocks) return;
    if (cell.readers != Readers::none && cell.read.block != moment.block) {
        cell.readers = Readers::blocks;
    } else if (cell.readers == Readers::none || cell.read.barriers < moment.barriers) {
        cell.readers = Readers::lanes;
        cell.lanes = lane;
    } else if (cell.readers == Readers::lanes) {
        if (cell.read.thread / kWarpSize != moment.thread / kWarpSize) {
            cell.readers = Readers::warps;
        } else if (cell.read.clock != moment.clock && readers_ordered(cell)) {
            cell.lanes = lane;
        } else {
            // Lanes with different clocks: the smaller one stands for both, so that nothing ordered is reported.
            const std::uint32_t clock = std::min(cell.read.clock, moment.clock);
            cell.lanes |= lane;
            cell.read = moment;
            cell.read.clock = clock;
            cell.read_source = source;
            return;
        }
    } else {
        return;
    }
    cell.read = moment;
    cell.read_source = source;
}

void RaceDetector::check(Cell& cell, AccessKind kind, const Source& source) {
    const bool both_atomic = kind == AccessKind::atomic && cell.written_atomically;
    if (cell.written && !both_atomic && !ordered(cell.write))
        report_race(kind, source, true, cell.write, cell.write_source);
    if (kind == AccessKind::read) {
        note_read(cell, source);
        return;
    }
    if (!readers_ordered(cell)) {
        // The last one of several readers is known; it may be the running thread itself.
        report_race(kind, source, false, cell.read, cell.read_source);
    }
    cell.readers = Readers::none;
    cell.written = true;
    cell.written_atomically = kind == AccessKind::atomic;
    cell.write = now();
    cell.write_source = source;
}

RaceDetector::Page& RaceDetector::page(std::uintptr_t address) {
    const std::uintptr_t number = address / (kGranule * kCells);
    if (!last_page_ || number != last_number_) {
        auto& found = pages_[number];
        if (!found) found = std::make_unique<Page>();
        last_page_ = found.get();
        last_number_ = number;
    }
    if (last_page_->launch != launch_) {
        last_page_->launch = launch_;
        last_page_->granules.fill({});
        last_page_->split.clear();
    }
    return *last_page_;
}

void RaceDetector::access(const void* p, std::size_t bytes, AccessKind kind, const void* instruction,
                          std::source_location at) {
    const Source source{instruction, at};
    const auto where = [&] { return instruction ? place(instruction) : place(at); };
    const std::uintptr_t begin = address_of(p), end = begin + bytes;
    const bool shared = std::any_of(shared_.begin(), shared_.end(), [&](const auto& range) {
        return begin >= range.first && end <= range.second;
    });
    if (!shared) {
        const Access where_to = classify(p, bytes);
        if (where_to != Access::device_memory)
            report(where(), std::string("out of bounds: ") + verb(kind) + " " + std::to_string(bytes) +
                                " bytes outside of shared memory and of every buffer");
    }
    for (std::uintptr_t granule = begin / kGranule * kGranule; granule < end; granule += kGranule) {
        Page& cells = page(granule);
        const auto number = static_cast<unsigned>(granule / kGranule % kCells);
        Cell& whole = cells.granules[number];
        auto split = cells.split.find(number);
        const bool covered = begin <= granule && granule + kGranule <= end;
        if (covered && split == cells.split.end()) {
            if (shared && kind == AccessKind::read && !whole.written)
                report(where(), "reads shared memory that no thread has written");
            check(whole, kind, source);
            continue;
        }
        if (split == cells.split.end()) {
            split = cells.split.emplace(number, std::array<Cell, kGranule>{}).first;
            split->second.fill(whole);
        }
        for (std::uintptr_t byte = std::max(begin, granule); byte < std::min(end, granule + kGranule);
             ++byte) {
            Cell& cell = split->second[byte - granule];
            if (shared && kind == AccessKind::read && !cell.written)
                report(where(), "reads shared memory that no thread has written");
            check(cell, kind, source);
        }
    }
}

void RaceDetector::atomic_access(const void* p, std::size_t bytes, std::source_location at) {
    access(p, bytes, AccessKind::atomic, nullptr, at);
}

void RaceDetector::report_race(AccessKind kind, const Source& source, bool other_writes, const Moment& other,
                               const Source& other_source) {
    const auto where = [](const Source& s) { return s.instruction ? place(s.instruction) : place(s.at); };
    report(where(source), "race: thread " + std::to_string(running().thread) + " of block " +
                              std::to_string(running().block) + " " + verb(kind) + " what thread " +
                              std::to_string(other.thread) + " of block " + std::to_string(other.block) +
                              (other_writes ? " writes at " : " reads at ") + where(other_source) +
                              ", and no barrier is between them");
}

}  // namespace abr::emulation
