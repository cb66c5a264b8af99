// Include before <hwy/foreach_target.h>: the SIMD levels that are left out, because they offer these loops
// nothing new, or because their vectors have no fixed size and cannot be array elements.
#pragma once

#define HWY_DISABLED_TARGETS \
    (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
