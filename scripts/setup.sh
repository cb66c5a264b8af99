#!/usr/bin/env bash
# Installs what is missing from Debian and builds the engine (and, asked with --tests, the tests).
# Used by quickstart.sh and test.sh; can be repeated. BUILD_DIR (default: build) names the build folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build_dir=${BUILD_DIR:-build}
tests=OFF
[[ ${1:-} == --tests ]] && tests=ON

packages=(g++ cmake ninja-build git zlib1g-dev libhwy-dev libeigen3-dev libtomlplusplus-dev libcli11-dev
          nlohmann-json3-dev libfmt-dev libfast-float-dev libprotobuf-dev protobuf-compiler libpng-dev)
# A newer compiler may know more warnings: they stop those who work on the engine, not those who use it.
options=("-DABR_TESTS=$tests" "-DABR_BENCHMARKS=$tests")
[[ $tests == ON ]] && options+=(-DABR_WERROR=ON)
[[ $tests == ON ]] && packages+=(doctest-dev libbenchmark-dev libopenblas-serial-dev python3)

# Tests of scripts/convert_pickle.py need these; without them they are skipped.
optional=()
[[ $tests == ON ]] && optional+=(python3-numpy python3-joblib)

is_installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'; }
missing=()
for package in "${packages[@]}"; do is_installed "$package" || missing+=("$package"); done
wanted=()
for package in ${optional[@]+"${optional[@]}"}; do is_installed "$package" || wanted+=("$package"); done

install() {
    echo "== installing: $*"
    local sudo=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null || { echo "root is needed for: apt-get install $*" >&2; return 1; }
        sudo=(sudo)
    fi
    "${sudo[@]}" apt-get update -qq
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
}
if ((${#missing[@]})); then install "${missing[@]}"; fi
if ((${#wanted[@]})); then install --no-install-recommends "${wanted[@]}" || echo "== not installed: ${wanted[*]}; tests that need them are skipped"; fi

echo "== configuring and building in $build_dir"
cmake -S . -B "$build_dir" -G Ninja -DCMAKE_BUILD_TYPE=Release "${options[@]}" >/dev/null
cmake --build "$build_dir"
