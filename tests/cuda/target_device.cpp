#include "tests/cuda/target.hpp"

namespace abr::test {

std::vector<std::uint64_t> schedules() {
    return {0, 1};
}
void use_schedule(std::uint64_t) {}
bool runs_real_sizes() {
    return true;
}
void forbid_access(const void*, std::size_t) {}
void permit_access(const void*, std::size_t) {}
std::int64_t memory_calls() {
    return 0;
}
bool lists_launches() {
    return false;
}
std::vector<std::string> launches_of(const std::function<void()>& body) {
    body();
    return {};
}

}  // namespace abr::test
