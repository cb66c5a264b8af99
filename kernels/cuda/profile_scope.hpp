// A CUDA op's first line: const ProfileScope scope(stream, __func__). Without a profile it does nothing.
//
// With one the op is waited for, so that its time is what the device took for it and not what queueing it took. The
// time includes launching its kernels and the wait, which a run without a profile hides.
#pragma once

#include <memory>

namespace abr {
class ProfileScope;
}

namespace abr::cuda {

class Stream;

class ProfileScope {
  public:
    // `name` lives as long as the program.
    ProfileScope(Stream& stream, const char* name);
    ~ProfileScope();
    ProfileScope(const ProfileScope&) = delete;
    ProfileScope& operator=(const ProfileScope&) = delete;

  private:
    Stream& stream_;
    std::unique_ptr<const abr::ProfileScope> scope_;  // null without a profile
};

}  // namespace abr::cuda
