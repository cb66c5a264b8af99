#!/usr/bin/env python3
"""Two runs of one configuration, epoch by epoch: say, on the CPU and on CUDA.

compare_runs.py RUN_A RUN_B [--first-step 1e-4]

The backends round differently and training magnifies that, so only the first step's losses and gradient norm are held to
a tolerance, relative to RUN_A's (exit code 1 beyond it). The epochs are printed side by side.
"""
import argparse
import csv
import pathlib
import sys

COLUMNS = ["train_loss_total", "val_loss_total", "val_f1_macro", "grad_norm_mean", "recordings_per_second"]


def table(run, name):
    with open(pathlib.Path(run) / name, newline="") as file:
        return list(csv.DictReader(file))


def number(cell):
    return float(cell) if cell else float("nan")


def difference(a, b):
    return abs(b - a) / max(abs(a), 1e-300)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run_a")
    parser.add_argument("run_b")
    parser.add_argument("--first-step", type=float, default=1e-4, help="relative tolerance [1e-4]")
    arguments = parser.parse_args()

    steps = [table(run, "steps.csv")[0] for run in (arguments.run_a, arguments.run_b)]
    worst = 0.0
    for column in steps[0]:
        if column.startswith("loss_") or column == "grad_norm":
            a, b = (number(step[column]) for step in steps)
            if a == a:  # measured
                worst = max(worst, difference(a, b) if b == b else float("inf"))
    print(f"first step: largest relative difference {worst:.2g}, allowed {arguments.first_step:.2g}")

    epochs = [table(run, "epochs.csv") for run in (arguments.run_a, arguments.run_b)]
    print("epoch  " + "  ".join(f"{column:>36}" for column in COLUMNS))
    for a, b in zip(*epochs):
        cells = [f"{number(a[c]):.6g} | {number(b[c]):.6g}" for c in COLUMNS]
        print(f"{a['epoch']:>5}  " + "  ".join(f"{cell:>36}" for cell in cells))
    if len(epochs[0]) != len(epochs[1]):
        print(f"{len(epochs[0])} epochs beside {len(epochs[1])}")
        return 1
    return 0 if worst <= arguments.first_step else 1


if __name__ == "__main__":
    sys.exit(main())
