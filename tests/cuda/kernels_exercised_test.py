"""kernels_exercised_test.py SCRIPT: tests/cuda/kernels_exercised.py on sources and lists made here."""
import os
import pathlib
import subprocess
import sys
import tempfile

SOURCE = """// A __global__ function in a comment.
template <int kWide>
__global__ void __launch_bounds__(kThreads, 4)
    first_kernel(const float* x, float* y) {}
__global__ void second_kernel(float* y) {}
"""
LAUNCHED = "".join(f"{seed} abr::cuda::{name}\n" for seed in range(8) for name in ("first_kernel<4>", "second_kernel"))


def check(source, launched, expected):
    """Runs the script; `expected`: what it has to say, None where it has to succeed."""
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "op.cu").write_text(source)
        listed = pathlib.Path(folder, "list.txt")
        listed.write_text(launched)
        environment = {name: value for name, value in os.environ.items() if name != "ABR_KERNEL_SEED"}
        run = subprocess.run([sys.executable, sys.argv[1], listed, "8", folder], capture_output=True, text=True,
                             env=environment)
    if (run.returncode == 0) != (expected is None) or (expected or "2 kernels") not in run.stdout + run.stderr:
        sys.exit(f"expected {expected}, status {run.returncode}\n{run.stdout}{run.stderr}")


check(SOURCE, LAUNCHED, None)
check(SOURCE + "__global__ void third_kernel(float* y) {}\n", LAUNCHED, "third_kernel was launched by no test")
check(SOURCE.replace("second", "renamed"), LAUNCHED, "second_kernel was launched, but is not in")
check(SOURCE.replace("second", "renamed"), LAUNCHED, "renamed_kernel was launched by no test")
check(SOURCE, LAUNCHED.replace("7 abr::cuda::first_kernel<4>\n", ""), "first_kernel ran under 7 schedules")
check(SOURCE + "__global__ [[maybe_unused]] void third_kernel() {}\n", LAUNCHED, "in a form that this script reads")
check(SOURCE.replace("second", "first"), LAUNCHED, "could not tell them apart")
