#!/usr/bin/env python3
"""Draws a run folder as one picture: losses, F1 by class, wave V and threshold, the curriculum.

    scripts/plot_run.py runs/quickstart [--out picture.png]

Needs matplotlib (Debian: python3-matplotlib). Reads epochs.csv alone; works on a running or broken run too.
"""
import argparse
import csv
import pathlib
import sys


def read_epochs(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        sys.exit(f"{path}: no epoch has ended yet")
    return {name: [float(row[name]) if row[name] else float("nan") for row in rows] for name in rows[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path, help="the run folder")
    parser.add_argument("--out", type=pathlib.Path, help="the picture (default: RUN/run.png)")
    arguments = parser.parse_args()
    table = arguments.run / "epochs.csv"
    if not table.is_file():
        sys.exit(f"{table}: no such file; expected the folder of a run of abr_engine")

    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    data = read_epochs(table)
    epochs = [int(e) + 1 for e in data["epoch"]]
    figure, axes = plt.subplots(2, 2, figsize=(11, 7), constrained_layout=True)
    losses, scores, wave, weights = axes.flat
    components = [name.removeprefix("weight_") for name in data if name.startswith("weight_")]

    for component in components:
        line, = losses.plot(epochs, data[f"train_loss_{component}"], label=component)
        losses.plot(epochs, data[f"val_loss_{component}"], "--", color=line.get_color())
    losses.set(title="Loss of each component (dashed: validation)", yscale="log")
    losses.set_ylim(top=4 * losses.get_ylim()[1])  # room for the legend above the curves
    losses.legend(fontsize=8, ncol=3, loc="upper center")

    overall = {"val_f1_macro", "val_f1_weighted", "val_f1_micro", "val_f1_macro_majority"}
    for name in data:
        if name.startswith("val_f1_") and name not in overall:
            scores.plot(epochs, data[name], lw=1, label=name.removeprefix("val_f1_"))
    scores.plot(epochs, data["val_f1_macro"], "k", lw=2.5, label="macro F1")
    scores.plot(epochs, data["val_patient_f1_macro"], "k:", label="macro F1, patients")
    scores.plot(epochs, data["val_f1_macro_majority"], color="grey", ls="--", label="always the majority")
    scores.set(title="Validation F1", ylim=(0, 1))
    scores.legend(fontsize=8, ncol=2)

    wave.plot(epochs, data["val_peak_exist_auc"], label="wave V existence, AUC")
    wave.plot(epochs, data["val_peak_latency_mae_ms"], label="latency, MAE in ms")
    wave.plot(epochs, [v / 10 for v in data["val_threshold_mae_db"]], label="threshold, MAE in 10 dB")
    wave.set(title="Wave V and hearing threshold (validation)", ylim=(0, None))
    wave.legend(fontsize=8)

    for component in components:
        weights.plot(epochs, data[f"train_share_{component}"], label=component)
    weights.set(title="Share of the total loss", ylim=(0, 1))
    weights.legend(fontsize=8)

    for axis in axes.flat:
        axis.set_xlabel("epoch")
        axis.grid(alpha=0.3)
        axis.xaxis.get_major_locator().set_params(integer=True)
    figure.suptitle(arguments.run.resolve().name)
    out = arguments.out or arguments.run / "run.png"
    figure.savefig(out, dpi=110)
    print(out)


if __name__ == "__main__":
    main()
