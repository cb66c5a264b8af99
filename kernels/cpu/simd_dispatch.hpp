// Inside HWY_ONCE: a loop that was compiled for each SIMD level, as the function of the level that this processor has.
#pragma once

#include <type_traits>

#include <hwy/highway.h>

// Defines name_function<T>(), which returns name_f32 or name_f64.
#define ABR_SIMD_DISPATCH(name)                       \
    HWY_EXPORT(name##_f32);                           \
    HWY_EXPORT(name##_f64);                           \
    template <class T>                                \
    auto name##_function() {                          \
        if constexpr (std::is_same_v<T, float>)       \
            return &HWY_DYNAMIC_DISPATCH(name##_f32); \
        else                                          \
            return &HWY_DYNAMIC_DISPATCH(name##_f64); \
    }
