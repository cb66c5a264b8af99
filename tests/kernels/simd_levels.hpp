// Runs a test at every SIMD level that this CPU has.
#pragma once

#include <hwy/highway.h>

#include <string>

namespace abr::test {

// f(name) once a level, with that level forced.
template <class F>
void for_each_simd_level(const F& f) {
    for (const auto level : hwy::SupportedAndGeneratedTargets()) {
        hwy::SetSupportedTargetsForTest(level);
        hwy::GetChosenTarget().Update(hwy::SupportedTargets());
        f(std::string(hwy::TargetName(level)));
    }
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace abr::test
