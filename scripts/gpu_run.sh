#!/usr/bin/env bash
# The evidence of a machine with a GPU: see --help.
set -uo pipefail

usage() {
    cat <<'EOT'
scripts/gpu_run.sh OUT

Builds and checks everything that needs a GPU, and leaves the results in the folder OUT:
  machine.txt, info.txt      what it ran on
  build.log                  configuring and building
  ctest.log                  every test; the kernels' own on the device among them (label `device`)
  memcheck.log, racecheck.log, initcheck.log    compute-sanitizer on the tests of the kernels
  cpu/, cuda/, compare.txt   quick start on both backends, and the two compared epoch by epoch
  profile.csv                the time of each op on CUDA (abr_engine run --profile)
  bench_cpu.csv              bench_kernels, which times the CPU's ops
  summary.txt                a line for each of these: done, failed (with the exit code), or skipped and why
It goes on after a failure; its exit code is the number of failures. Without a device everything that needs none runs,
and the rest is named as skipped.

A machine without network and root, such as a node of a cluster, needs nvcc, g++ 12 or newer and CMake 3.25 or newer.
The libraries travel with the source: run tools/carry_packages.sh on a Debian machine, which unpacks them below
.gpu-deps/, and copy the whole tree.

Environment:
  BUILD_DIR             build folder [build-gpu]
  CUDA_ARCHITECTURES    as CMAKE_CUDA_ARCHITECTURES [90a-real]
  CONFIG                configuration of the runs [configs/quickstart.toml]
  SANITIZER_SECONDS     time limit of each compute-sanitizer tool [1200]
EOT
}

if [[ ${1:-} == --help || ${1:-} == -h ]]; then usage; exit 0; fi
if (($# != 1)); then usage >&2; exit 2; fi
mkdir -p "$1" || exit 2
out=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
build=${BUILD_DIR:-build-gpu}
failures=0
: > "$out/summary.txt"

say() { echo "== $*"; echo "$*" >> "$out/summary.txt"; }
skip() { say "skipped: $1 ($2)"; }
# try NAME LOG COMMAND...: the command's output goes to LOG.
try() {
    local name=$1 log=$out/$2 start=$SECONDS
    shift 2
    "$@" > "$log" 2>&1
    local code=$?
    if ((code == 0)); then
        say "done: $name, $((SECONDS - start)) s"
    else
        say "FAILED: $name, exit code $code after $((SECONDS - start)) s, see $(basename "$log")"
        failures=$((failures + 1))
    fi
    return $code
}

machine() {
    uname -srm
    grep -m 1 'model name' /proc/cpuinfo
    nproc
    nvcc --version
    nvidia-smi || true
}
configure_and_build() {
    local options=()
    if [[ -d .gpu-deps ]]; then
        # Debian's folder of libraries is looked into on other systems, too, when it is named.
        options+=("-DCMAKE_PREFIX_PATH=$PWD/.gpu-deps/usr" -DCMAKE_LIBRARY_ARCHITECTURE=x86_64-linux-gnu)
    fi
    command -v ninja > /dev/null && options+=(-G Ninja)
    cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release \
        "-DABR_CUDA_ARCHITECTURES=${CUDA_ARCHITECTURES:-90a-real}" ${options[@]+"${options[@]}"} &&
        cmake --build "$build" --parallel "$(nproc)"
}
# quickstart NAME BACKEND OPTIONS...
quickstart() {
    local name=$1 backend=$2
    shift 2
    rm -rf "${out:?}/$name"  # of an earlier call
    "$build/abr_engine" run "${CONFIG:-configs/quickstart.toml}" --experiment-name "$name" --output-dir "$out" \
        --set run.backend="$backend" "$@"
}
sanitizer() {
    timeout "${SANITIZER_SECONDS:-1200}" compute-sanitizer --tool "$1" --error-exitcode 1 \
        "$build/tests/cuda/test_cuda_device"
}

try "machine" machine.txt machine
try "build" build.log configure_and_build || exit "$failures"
try "info" info.txt "$build/abr_engine" info
try "tests" ctest.log ctest --test-dir "$build" --output-on-failure -j "$(nproc)"
try "bench_kernels on the CPU" bench_kernels.log \
    "$build/bench/bench_kernels" --filter quickstart/B64 --csv "$out/bench_cpu.csv"
try "quick start on the CPU" cpu.log quickstart cpu cpu

if grep -q '^backends .*, cuda' "$out/info.txt"; then
    for tool in memcheck racecheck initcheck; do
        if command -v compute-sanitizer > /dev/null; then
            try "compute-sanitizer $tool" "$tool.log" sanitizer "$tool"
        else
            skip "compute-sanitizer $tool" "it is not on PATH"
        fi
    done
    try "quick start on CUDA" cuda.log quickstart cuda cuda &&
        try "both backends compared" compare.txt "$build/abr_engine" compare "$out/cpu" "$out/cuda" \
            --first-step 1e-4 --epochs
    try "profile on CUDA" profile.log quickstart profile cuda --profile --set training.epochs=1 &&
        cp "$out/profile/profile.csv" "$out/profile.csv"
else
    reason=$(sed -n 's/^backends .*not cuda: //p' "$out/info.txt")
    for name in "compute-sanitizer" "quick start on CUDA" "both backends compared" "profile on CUDA"; do
        skip "$name" "$reason"
    done
fi
exit "$failures"
