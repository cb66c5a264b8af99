// The engine's version, set by CMakeLists.txt, which is its only place.
#pragma once

namespace abr {

inline constexpr const char* kEngineVersion = ABR_ENGINE_VERSION;

}  // namespace abr
