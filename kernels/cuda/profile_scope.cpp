#include "kernels/cuda/profile_scope.hpp"

#include "kernels/cuda/error.hpp"
#include "kernels/cuda/stream.hpp"
#include "kernels/profile.hpp"

namespace abr::cuda {

ProfileScope::ProfileScope(Stream& stream, const char* name) : stream_(stream) {
    if (stream.profile() == nullptr) return;
    stream.synchronize();
    scope_ = std::make_unique<const abr::ProfileScope>(stream.profile(), name);
}

ProfileScope::~ProfileScope() {
    if (!scope_) return;
    try {
        stream_.synchronize();
    } catch (const Error&) {
        // The next wait, outside of a destructor, finds the failure again.
    }
}

}  // namespace abr::cuda
