#!/usr/bin/env python3
"""Whether training costs the same for each recording, however many there are.

    python3 bench/work_per_recording.py --engine build/abr_engine

Trains one epoch on cohorts of 1, 2 and 4 times as many patients, in turn, and compares the medians of the time that an
epoch's steps take for each recording (epochs.csv) and of the processor time of the whole program, evaluation and data
included. Exit status 1 where the epoch's medians differ by more than --tolerance. Needs the standard library alone.
"""

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

TIMES = (1, 2, 4)


def measure(engine, config, patients, threads, folder, name):
    """Microseconds for each recording: of the epoch, and of the processor over the whole run."""
    settings = [f"data.synthetic.patients={patients}", "training.epochs=1", f"run.threads={threads}"]
    words = [word for setting in settings for word in ("--set", setting)]
    command = [engine, "run", config, *words, "--experiment-name", name, "--output-dir", folder, "--quiet"]
    process = subprocess.Popen([str(word) for word in command])
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"work_per_recording: failed: {' '.join(map(str, command))}")
    with open(folder / name / "epochs.csv", newline="") as file:
        row = next(csv.DictReader(file))
    rate = float(row["recordings_per_second"])
    recordings = rate * float(row["seconds"])
    return 1e6 / rate, 1e6 * (usage.ru_utime + usage.ru_stime) / recordings


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", type=Path, default=Path("build/abr_engine"))
    parser.add_argument("--config", type=Path, default=Path("configs/quickstart.toml"))
    parser.add_argument("--patients", type=int, default=150, help="of the smallest cohort [150]")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tolerance", type=float, default=0.05)
    a = parser.parse_args()
    epochs, programs = ({times: [] for times in TIMES} for _ in range(2))
    with tempfile.TemporaryDirectory() as folder:
        for i in range(a.rounds):
            for times in TIMES:
                name = f"{times}x-{i}"
                epoch, program = measure(a.engine, a.config, times * a.patients, a.threads, Path(folder), name)
                epochs[times].append(epoch)
                programs[times].append(program)
    medians = {times: statistics.median(values) for times, values in epochs.items()}
    for times in TIMES:
        print(
            f"{times} x {a.patients} patients: {medians[times]:.0f} us a recording in the epoch "
            f"({min(epochs[times]):.0f} to {max(epochs[times]):.0f}), "
            f"{statistics.median(programs[times]):.0f} us of processor time in all"
        )
    spread = max(medians.values()) / min(medians.values()) - 1
    print(f"largest difference of the medians: {100 * spread:.1f} %")
    return 0 if spread <= a.tolerance else 1


if __name__ == "__main__":
    sys.exit(main())
