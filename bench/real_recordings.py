#!/usr/bin/env python3
"""Holds a network against recordings of people: wave V's marks beside a plain peak picker's, restored traces beside raw.

    abr_engine import P3/*.TXT P6/*.TXT --interval-ms 0.05 --window-ms 0:10 --out real.npz
    abr_engine predict --checkpoint best.safetensors --data real.npz --out marks.csv --restored restored.csv
    python3 bench/real_recordings.py real.npz marks.csv restored.csv --picture real.png

Nobody has marked these recordings. A level's reference is the highest point between 5 and 9 ms of the mean of all its
averages, and a trace's clean signal the mean of the other averages of its level. Needs numpy, and matplotlib for the
picture.
"""

import argparse
import csv

import numpy as np

SEARCHED_MS = (5.0, 9.0)
TOLERANCES_MS = (0.1, 0.2, 0.5)
MARKED_FROM_DB = 40  # below, the reference itself is uncertain
HEARD_DB, UNHEARD_DB = 30, 5
FEW_SWEEPS = 500


def highest(trace, time):
    inside = np.flatnonzero((time >= SEARCHED_MS[0]) & (time <= SEARCHED_MS[1]))
    return time[inside[np.argmax(trace[inside])]]


def area_under_curve(positive, negative):
    """The probability that a positive is above a negative (Mann and Whitney 1947)."""
    above = (positive[:, None] > negative).mean()
    return above + (positive[:, None] == negative).mean() / 2


def read_table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


class Recordings:
    def __init__(self, recordings, marks, restored):
        data = np.load(recordings)
        self.patient, self.level, self.sweeps = data["patient_id"], data["intensity_db"], data["sweeps"]
        self.raw = data["signal"].astype(float)
        self.time = float(data["first_sample_ms"]) + float(data["sample_interval_ms"]) * np.arange(self.raw.shape[1])
        rows = read_table(marks)
        self.latency = np.array([float(row["latency_predicted_ms"]) for row in rows])
        self.exists = np.array([float(row["p_wave_v"]) for row in rows])
        samples = [name for name in read_table(restored)[0] if name.startswith("s") and name[1:].isdigit()]
        self.restored = np.array([[float(row[s]) for s in samples] for row in read_table(restored)])
        self.conditions = sorted({(p, float(level)) for p, level in zip(self.patient, self.level)})

    def of(self, patient, level):
        return np.flatnonzero((self.patient == patient) & (self.level == level))

    def reference(self, patient, level):
        return highest(self.raw[self.of(patient, level)].mean(axis=0), self.time)

    def errors(self, patients):
        """Of the network and of the peak picker, ms."""
        found = []
        for patient, level in self.conditions:
            if patient in patients and level >= MARKED_FROM_DB:
                mark = self.reference(patient, level)
                for i in self.of(patient, level):
                    found.append((self.latency[i] - mark, highest(self.raw[i], self.time) - mark))
        return np.abs(np.array(found)).T

    def correlations(self, patients):
        """Of traces of few sweeps with the mean of the others, raw and restored."""
        found = []
        for patient, level in self.conditions:
            if patient not in patients or level < MARKED_FROM_DB:
                continue
            of_level = self.of(patient, level)
            for i in of_level[self.sweeps[of_level] == FEW_SWEEPS]:
                others = self.raw[of_level[of_level != i]].mean(axis=0)
                found.append([np.corrcoef(trace[i], others)[0, 1] for trace in (self.raw, self.restored)])
        return np.mean(found, axis=0)


def table(r):
    names = sorted(set(r.patient))
    print("| people | who marks | recordings | latency MAE, ms | within .1 / .2 / .5 ms |\n|---|---|---|---|---|")
    for patients in ([name] for name in names):
        rows(r, patients, f"{names.index(patients[0]) + 1}")
    rows(r, names, "all")
    heard, unheard = r.exists[r.level >= HEARD_DB], r.exists[r.level <= UNHEARD_DB]
    print(f"\nexistence, AUC of at least {HEARD_DB} dB against at most {UNHEARD_DB} dB: {area_under_curve(heard, unheard):.3f}")
    raw, restored = r.correlations(names)
    print(f"{FEW_SWEEPS} sweeps, correlation with the mean of the others: raw {raw:.3f}, restored {restored:.3f}")


def rows(r, patients, label):
    for who, errors in zip(("network", "highest point"), r.errors(patients)):
        within = " / ".join(f"{100 * (errors <= limit + 1e-9).mean():.0f}" for limit in TOLERANCES_MS)
        print(f"| {label} | {who} | {len(errors)} | {errors.mean():.3f} | {within} % |")


def picture(r, path):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = sorted(set(r.patient))
    figure, axes = plt.subplots(1, len(names), figsize=(6 * len(names), 9), sharey=True, layout="constrained")
    for number, (name, axis) in enumerate(zip(names, np.atleast_1d(axes)), 1):
        for patient, level in r.conditions:
            if patient != name:
                continue
            of_level = r.of(patient, level)
            i = of_level[np.argmin(r.sweeps[of_level])]
            height = 6.0 / 0.6 * (r.raw[i] - r.raw[i].mean()) + level
            axis.plot(r.time, height, color="0.6", lw=0.8, label="recorded, 500 sweeps" if level == 0 else None)
            smooth = 6.0 / 0.6 * (r.restored[i] - r.restored[i].mean()) + level
            axis.plot(r.time, smooth, color="#0072B2", lw=1.4, label="restored" if level == 0 else None)
            at = np.interp(r.latency[i], r.time, smooth)
            if r.exists[i] >= 0.5:
                axis.plot(r.latency[i], at, "v", color="#D55E00", ms=7, label="network's wave V" if level == 60 else None)
            if level >= MARKED_FROM_DB:
                mark = r.reference(patient, level)
                axis.plot(mark, np.interp(mark, r.time, smooth), "|", color="black", ms=14, mew=1.6,
                          label="peak of the mean of all averages" if level == 60 else None)
        axis.set(title=f"person {number}", xlabel="ms after the click", xlim=(0, 10))
        axis.legend(loc="upper left", fontsize=8)
        axis.set_ylim(-6, 78)
    np.atleast_1d(axes)[0].set_ylabel("stimulus level, dB (0.6 µV are 6 dB of height)")
    figure.savefig(path, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings")
    parser.add_argument("marks")
    parser.add_argument("restored")
    parser.add_argument("--picture")
    arguments = parser.parse_args()
    r = Recordings(arguments.recordings, arguments.marks, arguments.restored)
    table(r)
    if arguments.picture:
        picture(r, arguments.picture)


if __name__ == "__main__":
    main()
