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
[[ $tests == ON ]] && packages+=(doctest-dev libbenchmark-dev libopenblas-serial-dev python3)

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if ((${#missing[@]})); then
    echo "== installing: ${missing[*]}"
    sudo=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null || { echo "root is needed for: apt-get install ${missing[*]}" >&2; exit 1; }
        sudo=(sudo)
    fi
    "${sudo[@]}" apt-get update -qq
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
fi

echo "== configuring and building in $build_dir"
cmake -S . -B "$build_dir" -G Ninja -DCMAKE_BUILD_TYPE=Release -DABR_TESTS=$tests -DABR_BENCHMARKS=$tests >/dev/null
cmake --build "$build_dir"
