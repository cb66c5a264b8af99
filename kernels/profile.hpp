// Where the time of a run goes: calls and seconds of each op in each phase of the training.
//
// A stream that carries a profile lets every op note its wall time there; without one an op does nothing for it. The
// learner names the phase. Noting allocates nothing as long as there are at most kProfiledOps ops.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace abr {

enum class StepPhase { gather, forward, loss, backward, optimizer, evaluation };
inline constexpr std::size_t kPhases = 6;
inline constexpr std::array<std::string_view, kPhases> kPhaseNames = {"gather",   "forward",   "loss",
                                                                      "backward", "optimizer", "evaluation"};
inline constexpr std::size_t kProfiledOps = 64;

class Profile {
  public:
    struct Cost {
        std::int64_t calls = 0;
        double seconds = 0;
    };
    struct Op {
        std::string_view name;
        std::array<Cost, kPhases> phases{};  // indexed by StepPhase
    };

    Profile() { ops_.reserve(kProfiledOps); }

    // Ops that begin from now on belong to this phase.
    void enter(StepPhase phase) { phase_ = phase; }
    std::span<const Op> ops() const { return ops_; }  // in the order of their first calls

  private:
    friend class ProfileScope;
    void note(std::string_view name, double seconds) {
        auto op = std::ranges::find(ops_, name, &Op::name);
        if (op == ops_.end()) op = ops_.insert(op, {.name = name});
        Cost& cost = op->phases[static_cast<std::size_t>(phase_)];
        ++cost.calls;
        cost.seconds += seconds;
    }

    std::vector<Op> ops_;
    StepPhase phase_ = StepPhase::gather;
    bool inside_op_ = false;
};

// An op's first line: const ProfileScope scope(stream.profile(), __func__). An op that another one calls is a part of
// that one.
class ProfileScope {
  public:
    // `profile` may be null; `name` lives as long as the program.
    ProfileScope(Profile* profile, std::string_view name) {
        if (profile == nullptr || profile->inside_op_) return;
        profile_ = profile;
        profile_->inside_op_ = true;
        name_ = name;
        start_ = std::chrono::steady_clock::now();
    }
    ~ProfileScope() {
        if (profile_ == nullptr) return;
        const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
        profile_->note(name_, elapsed.count());
        profile_->inside_op_ = false;
    }
    ProfileScope(const ProfileScope&) = delete;
    ProfileScope& operator=(const ProfileScope&) = delete;

  private:
    Profile* profile_ = nullptr;
    std::string_view name_;
    std::chrono::steady_clock::time_point start_;
};

}  // namespace abr
