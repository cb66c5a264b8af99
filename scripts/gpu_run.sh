#!/usr/bin/env bash
# The first minutes of a machine with a GPU: see --help.
set -uo pipefail
script=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/$(basename "${BASH_SOURCE[0]}")
cd "$(dirname "$script")/.." || exit 2

# Name, longest time in seconds, and what it is, in order of value.
steps=(
    "machine 30 processor, device, driver, versions"
    "programs 420 whether the carried programs start here; else they are built"
    "wrappers 30 each CUDA instruction that kernels use, by itself (test_cuda_device)"
    "kernels 180 every kernel against its reference, twice with the same bits (test_cuda_device)"
    "backends 60 a tiny run on CPU and CUDA: equal first steps, epochs beside each other"
    "repeat 60 the same seed twice, and a run that was resumed: equal hashes"
    "epochs 120 the second epoch of base 64 at batch 512 and 32, and of base 16 at 64"
    "profile 60 the time of each op (run --profile) of base 64 at 512 and 32"
    "ceilings 30 what the device copies, multiplies and launches at most"
    "pytorch 240 compare_pytorch.py --device cuda"
    "memcheck 120 compute-sanitizer memcheck on a chosen few cases"
    "racecheck 120 compute-sanitizer racecheck on those that share memory"
    "ncu 120 Nsight Compute on the five slowest kernels of a step"
)

usage() {
    cat <<'EOT'
scripts/gpu_run.sh [--minutes N] [--out DIR] [--rehearse] [STEP...]
scripts/gpu_run.sh --prepare
scripts/gpu_run.sh --list

Checks and measures what needs a GPU, step by step in order of value, each within a time limit and all within N minutes
[14]. Of a step that fails the last 30 lines are shown; a table comes last. STEP... runs these alone. Everything is left
in DIR [gpu-results] and in one small archive, DIR.tar.gz. The exit code is the number of steps that failed; where there
is no device, steps that need one end with "no device" and do not count.

  --prepare   builds the programs on a machine without a GPU and puts them, with the libraries that they load, below
              .gpu-build/: copy the source tree with that folder. Needs nvcc. A machine that the programs do not
              start on builds them itself with g++ 12, CMake 3.25 or newer and nvcc, from the packages of
              tools/carry_packages.sh.
  --rehearse  runs the engine's steps on the CPU and with tiny settings, so that every command is tried without a device
  --list      names the steps

Environment:
  ABR_PROGRAMS          folder of the programs [.gpu-build]
  CUDA_ARCHITECTURES    of a build, as CMAKE_CUDA_ARCHITECTURES [80-real;90a-real]
EOT
}

minutes=14 out=gpu-results rehearse='' inside='' chosen=()
programs=${ABR_PROGRAMS:-.gpu-build}
no_device=77 lines_shown=30 log_bytes=$((256 << 10)) archive_bytes=$((16 << 20))

# ---- Programs

# Builds what the steps run and collects it in $programs.
prepare() {
    local build=build-gpu options=()
    if [[ -d .gpu-deps ]]; then
        # Debian's folder of libraries is looked into on other systems, too, when it is named.
        options+=("-DCMAKE_PREFIX_PATH=$PWD/.gpu-deps/usr" -DCMAKE_LIBRARY_ARCHITECTURE=x86_64-linux-gnu)
    fi
    command -v ninja > /dev/null && options+=(-G Ninja)
    cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release "-DCMAKE_BUILD_RPATH=\$ORIGIN/lib" \
        "-DABR_CUDA_ARCHITECTURES=${CUDA_ARCHITECTURES:-80-real;90a-real}" ${options[@]+"${options[@]}"} &&
        cmake --build "$build" --parallel "$(nproc)" --target abr_engine test_cuda_device device_ceilings || return
    rm -rf "$programs"
    mkdir -p "$programs/lib"
    local program
    for program in "$build/abr_engine" "$build/tests/cuda/test_cuda_device" "$build/bench/device_ceilings"; do
        strip -o "$programs/$(basename "$program")" "$program"
        # All but glibc's own, which has to be that of the machine.
        ldd "$program" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' |
            grep -Ev '/(libc|libm|libdl|librt|libpthread|ld-linux[^/]*)\.so' | xargs -r cp -Lt "$programs/lib"
    done
    printf '%s: ' "$programs"
    du -shc "$programs"/* | sed 's/\t/ /' | paste -sd ' '
}

# ---- Steps: each a function; what it writes to standard output is its log

engine() { "$programs/abr_engine" "$@"; }
device_tests() { "$programs/test_cuda_device" "$@"; }

# train NAME BACKEND SETTING...: the quick start under other settings, in the step's own folder.
train() {
    local name=$1 backend=$2 settings=()
    shift 2
    [[ -n $rehearse ]] && backend=cpu
    while (($#)); do
        case $1 in --*) settings+=("$1") ;; *) settings+=(--set "$1") ;; esac
        shift
    done
    engine run configs/quickstart.toml --quiet --experiment-name "$name" --output-dir "$work" \
        --set run.backend="$backend" "${settings[@]}"
}
tiny=(data.synthetic.patients=60 model.base_channels=8 model.levels=3 model.attention_layers=1 training.batch_size=64
      training.epochs=2 schedule.type=constant)

step_machine() {
    uname -srm
    grep -m 1 'model name' /proc/cpuinfo
    nproc
    free -g | sed -n 2p
    ldd --version | head -1
    for tool in "g++ --version" "cmake --version" "nvcc --version" "python3 --version" "compute-sanitizer --version" \
        "ncu --version"; do
        command -v "${tool%% *}" > /dev/null && $tool 2>&1 | tail -1
    done
    python3 -c 'import torch; print("torch", torch.__version__, torch.version.cuda)' 2> /dev/null || echo "no torch"
    command -v nvidia-smi > /dev/null || { echo "no nvidia-smi"; return 0; }
    nvidia-smi
    nvidia-smi -q -d CLOCK,POWER,MEMORY
}

step_programs() {
    engine info && return
    echo "they do not start here"
    prepare && engine info
}

step_wrappers() { device_tests -tc='wrapper*'; }
step_kernels() { device_tests -tce='wrapper*' --duration=true; }

step_backends() {
    train cpu cpu "${tiny[@]}" && train cuda cuda "${tiny[@]}" &&
        engine compare "$work/cpu" "$work/cuda" --first-step 1e-4 --epochs
}

step_repeat() {
    train first cuda "${tiny[@]}" && train again cuda "${tiny[@]}" || return
    train resumed cuda "${tiny[@]}" training.epochs=1 && train resumed cuda "${tiny[@]}" --resume || return
    local name hashes=()
    for name in first again resumed; do
        hashes+=("$(sha256sum < "$work/$name/checkpoints/last.safetensors")")
        echo "$name ${hashes[-1]}"
    done
    [[ ${hashes[0]} == "${hashes[1]}" ]] || { echo "the same seed gave other bits"; return 1; }
    [[ ${hashes[0]} == "${hashes[2]}" ]] || { echo "the resumed run has other bits"; return 1; }
    echo "equal"
}

step_epochs() {
    local case base batch patients=2038 failed=0
    [[ -n $rehearse ]] && patients=60
    for case in "64 512" "64 32" "16 64"; do
        read -r base batch <<< "$case"
        [[ -n $rehearse ]] && base=8
        train "b$base-$batch" cuda data.synthetic.patients=$patients model.base_channels="$base" training.epochs=2 \
            training.batch_size="$batch" logging.steps_every=100 || { failed=1; break; }
        awk -F, -v name="base $base, batch $batch" '
            NR == 1 { for (i = 1; i <= NF; ++i) column[$i] = i }
            END {
                print name ": second epoch " $column["seconds"] " s, " $column["recordings_per_second"] " recordings/s"
            }
        ' "$work/b$base-$batch/epochs.csv"
    done
    return $failed
}

step_profile() {
    local batch base=64 patients=400
    [[ -n $rehearse ]] && base=8 patients=60
    for batch in 512 32; do
        train "profile-$batch" cuda --profile data.synthetic.patients=$patients model.base_channels=$base \
            training.epochs=1 training.batch_size=$batch logging.steps_every=100 || return
        cp "$work/profile-$batch/profile.csv" "$out/profile-b$batch.csv"
    done
}

step_ceilings() { "$programs/device_ceilings"; }

step_pytorch() {
    python3 -c 'import torch, numpy, safetensors' || return
    local device=cuda case base batch words=(--pairs 2 --seconds 4)
    [[ -n $rehearse ]] && device=cpu words=(--pairs 1 --seconds 1 --patients 60)
    for case in "64 512" "64 32" "16 64"; do
        read -r base batch <<< "$case"
        [[ -n $rehearse ]] && base=8 batch=64
        python3 bench/compare_pytorch.py --engine "$programs/abr_engine" --device $device --batch "$batch" \
            --set model.base_channels="$base" "${words[@]}" --json "$out/pytorch-b$base-$batch.json" || return
        [[ -n $rehearse ]] && return
    done
}

sanitizer() { compute-sanitizer --tool "$1" --error-exitcode 1 "$programs/test_cuda_device" -tc="$2"; }
step_memcheck() {
    sanitizer memcheck 'wrapper*,conv1d: every*,group norm: both*,linear: every*,attention: both*,learner: inputs*'
}
step_racecheck() { sanitizer racecheck 'wrapper*,group norm: both*,attention: both*,loss: values*,linear: every*'; }

step_ncu() {
    local run=(run configs/quickstart.toml --quiet --output-dir "$work" --set run.backend=cuda --set training.epochs=1
               --set model.base_channels=64 --set training.batch_size=512 --set data.synthetic.patients=60)
    # A step has some 530 launches; the first ones are initialisation.
    local slowest times=$work/times.csv
    ncu --csv --kernel-name-base function --metrics gpu__time_duration.sum --launch-skip 100 --launch-count 700 \
        "$programs/abr_engine" "${run[@]}" --experiment-name times > "$times" || { tail -n 5 "$times"; return 1; }
    slowest=$(python3 - "$times" <<'PYTHON'
import collections, csv, sys
lines = [line for line in open(sys.argv[1]) if line.startswith('"')]
times = collections.Counter()
for row in csv.DictReader(lines):
    times[row["Kernel Name"]] += float(row["Metric Value"].replace(",", ""))
for name, time in times.most_common(20):
    print(f"{time:14.0f} {name}", file=sys.stderr)
print("|".join(name for name, _ in times.most_common(5)))
PYTHON
    ) || return
    ncu --set full --kernel-name-base function --kernel-name "regex:^($slowest)$" --launch-skip 20 --launch-count 15 \
        "$programs/abr_engine" "${run[@]}" --experiment-name slowest
}

# ---- Running them

# The step itself, in a process of its own: `timeout` ends it with all that it started.
run_inside() {
    "step_$1" 2>&1
    local code=$? reason
    ((code == 0)) && return
    # Steps go as far as their first call of a device; that there is none explains what failed there.
    reason=$(engine info 2> /dev/null | sed -n 's/^backends .*not cuda: //p')
    if [[ -z $rehearse && -n $reason && $1 != programs ]] || ((code == no_device)); then
        echo "no device: ${reason:-test_cuda_device found none}"
        return $no_device
    fi
    return $code
}

failures=0
table=()
# run_step NAME LIMIT
run_step() {
    local name=$1 limit=$2 log=$out/$1.log begun=$SECONDS left=$((deadline - SECONDS)) result code
    ((limit > left)) && limit=$left
    if ((limit <= 0)); then
        table+=("$(printf '%-10s %-12s' "$name" "not begun")")
        return
    fi
    echo "== $name"
    timeout --kill-after=5 "$limit" "$script" --inside "$name" --out "$out" $rehearse > "$log"
    code=$?
    case $code in
        0) result="done" ;;
        "$no_device") result="no device" ;;
        124 | 137) result="OUT OF TIME" ;;
        *) result="FAILED ($code)" ;;
    esac
    case $result in
        "done") ;;
        "no device") tail -n 1 "$log" ;;
        *) tail -n $lines_shown "$log"; failures=$((failures + 1)) ;;
    esac
    [[ $(wc -c < "$log") -le $log_bytes ]] || { tail -c $log_bytes "$log" > "$log.end" && mv "$log.end" "$log"; }
    table+=("$(printf '%-10s %-12s %4d s  %.60s' "$name" "$result" $((SECONDS - begun)) "$(tail -n 1 "$log")")")
}

# After every step, so that a command which is cut off leaves what it had.
write_results() {
    printf '%s\n' "${table[@]}" > "$out/table.txt"
    tar -C "$(dirname "$out")" --exclude=work -czf "$out.tar.gz" "$(basename "$out")"
    if (($(wc -c < "$out.tar.gz") > archive_bytes)); then
        rm "$out.tar.gz"
        echo "the results are larger than $archive_bytes bytes packed: see $out" >&2
    fi
}

limit_of() {
    local step name limit
    for step in "${steps[@]}"; do
        read -r name limit _ <<< "$step"
        [[ $name == "$1" ]] && { echo "$limit"; return; }
    done
    return 1
}

while (($#)); do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --list)
            for step in "${steps[@]}"; do
                read -r name limit what <<< "$step"
                printf '%-10s %4d s  %s\n' "$name" "$limit" "$what"
            done
            exit 0 ;;
        --prepare) prepare; exit ;;
        --rehearse) rehearse=--rehearse; shift ;;
        --minutes | --out | --inside)
            (($# > 1)) || { echo "gpu_run.sh: $1 needs a value" >&2; exit 2; }
            declare "${1#--}=$2"
            shift 2 ;;
        *)
            limit_of "$1" > /dev/null || { echo "gpu_run.sh: no step or option '$1', see --help" >&2; exit 2; }
            chosen+=("$1")
            shift ;;
    esac
done
[[ $minutes =~ ^[0-9]+(\.[0-9]+)?$ ]] || { echo "gpu_run.sh: --minutes '$minutes' is no number" >&2; exit 2; }
mkdir -p "$out" || exit 2
out=$(cd "$out" && pwd) programs=$(realpath -m "$programs")
if [[ -n $inside ]]; then
    work=$out/work/$inside
    rm -rf "$work" && mkdir -p "$work" || exit 2
    run_inside "$inside"
    code=$?
    rm -rf "$work"
    exit $code
fi
deadline=$(awk "BEGIN { print int($minutes * 60) }")
if ((${#chosen[@]} == 0)); then
    for step in "${steps[@]}"; do chosen+=("${step%% *}"); done
fi
for name in "${chosen[@]}"; do
    run_step "$name" "$(limit_of "$name")"
    write_results
done
rm -rf "$out/work"
echo
cat "$out/table.txt"
echo "results: $out.tar.gz"
exit $failures
