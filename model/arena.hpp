// One allocation for everything that a step computes, planned before the first step.
//
// A part reserves its slots while it is constructed, in the order in which it will run:
//   keep(n)     what the backward pass reads; lives for the whole step
//   scratch(n)  a temporary; its memory is given back when the enclosing ScratchFrame ends
// Offsets are in elements, every slot is 64-byte aligned in float. Scratch lies behind all kept slots.
#pragma once

#include <algorithm>
#include <cassert>

#include "kernels/view.hpp"

namespace abr {

enum class Memory { kept, scratch, signal, statics };  // the last two: the inputs of a pass

struct Slot {
    Index offset = 0;
    Memory memory = Memory::kept;
};

class ArenaPlan {
  public:
    Slot keep(Index elements) { return {take(elements, kept_), Memory::kept}; }
    Slot scratch(Index elements) {
        const Slot slot{take(elements, scratch_top_), Memory::scratch};
        scratch_size_ = std::max(scratch_size_, scratch_top_);
        return slot;
    }
    // Where a kept or scratch slot lies.
    Index place(Slot slot) const {
        assert(slot.memory == Memory::kept || slot.memory == Memory::scratch);
        return slot.memory == Memory::scratch ? kept_ + slot.offset : slot.offset;
    }
    Index size() const { return kept_ + scratch_size_; }

  private:
    friend class ScratchFrame;
    static Index take(Index elements, Index& top) {
        const Index offset = top;
        top += (elements + 15) / 16 * 16;
        return offset;
    }
    Index kept_ = 0;
    Index scratch_top_ = 0;
    Index scratch_size_ = 0;
};

class ScratchFrame {
  public:
    explicit ScratchFrame(ArenaPlan& plan) : plan_(plan), top_(plan.scratch_top_) {}
    ~ScratchFrame() { plan_.scratch_top_ = top_; }
    ScratchFrame(const ScratchFrame&) = delete;
    ScratchFrame& operator=(const ScratchFrame&) = delete;

  private:
    ArenaPlan& plan_;
    Index top_;
};

}  // namespace abr
