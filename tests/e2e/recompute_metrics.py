#!/usr/bin/env python3
"""Recomputes the metrics of a run's best epoch from its predictions, independently of the engine.

usage: recompute_metrics.py RUN_FOLDER [RECORDINGS.csv]

Reads predictions_val.csv and compares with that epoch in epochs.csv, classification_report.csv,
confusion_matrix.csv, reliability.csv and summary.json; with the recordings that the run was trained on, in the
engine's own columns, also by_level.csv and the metrics of ears. Standard library only. Exit code 0: all agree; 1: the
differences.
"""

import csv
import json
import math
import sys
from pathlib import Path

EXACT = 1e-9  # relative and absolute; both sides count in double
ROUNDED = 1e-5  # of predictions, which are written as float


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def f1_of(confusion, k):
    """F1 of class k as scikit-learn with zero_division=0."""
    true_positive = confusion[k][k]
    predicted = sum(row[k] for row in confusion)
    actual = sum(confusion[k])
    return 2 * true_positive / (predicted + actual) if predicted + actual else 0.0


def area_under_roc(scores, labels):
    """Mann-Whitney: the share of pairs in the right order, ties count half."""
    positive = [s for s, label in zip(scores, labels) if label]
    negative = [s for s, label in zip(scores, labels) if not label]
    won = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    return won / (len(positive) * len(negative))


def sensitivity_at(scores, labels, false_alarms):
    """The highest share of the positives at or above a score that no more than this share of the negatives reaches."""
    positive = [s for s, label in zip(scores, labels) if label]
    negative = [s for s, label in zip(scores, labels) if not label]
    best = 0
    for threshold in set(scores):
        if sum(n >= threshold for n in negative) <= false_alarms * len(negative) + 1e-9:
            best = max(best, sum(p >= threshold for p in positive))
    return best / len(positive)


def calibration_error(stated):
    """Of pairs (probability, whether it came true); Guo et al. 2017, equation 3, with 15 bins."""
    error = 0
    for m in range(15):
        inside = [pair for pair in stated if m / 15 < pair[0] <= (m + 1) / 15 or (m == 0 and pair[0] == 0)]
        if inside:
            error += abs(sum(true for _, true in inside) - sum(p for p, _ in inside)) / len(stated)
    return error


def macro_f1(pairs, classes):
    """Of pairs (true class, predicted class)."""
    f1 = []
    for name in classes:
        found = sum(pair == (name, name) for pair in pairs)
        sizes = sum(true == name for true, _ in pairs) + sum(answer == name for _, answer in pairs)
        f1.append(2 * found / sizes if sizes else 0)
    return sum(f1) / len(f1)


def unit_answers(rows, units, classes):
    """True and predicted class of each unit: the most frequent label, the highest mean log-probability."""
    members = {}
    for row, unit in zip(rows, units):
        members.setdefault(unit, []).append(row)
    pairs = []
    for its in members.values():
        labels = [row["class_true"] for row in its if row["class_true"]]
        if not labels:
            continue
        likelihood = {name: sum(math.log(max(float(row["p_" + name]), 1e-300)) for row in its) for name in classes}
        pairs.append((max(classes, key=labels.count), max(classes, key=likelihood.get)))
    return pairs


TOLERANCES = [("peak_latency", "latency", "ms", (0.1, 0.2, 0.5)), ("threshold", "threshold", "db", (5, 10, 15))]


def shares_within(rows):
    """Shares of recordings with an error up to each tolerance, by name; of what no row can decide by rounding."""
    shares = {}
    for metric, answer, unit, tolerances in TOLERANCES:
        errors = [abs(float(row[f"{answer}_true_{unit}"]) - float(row[f"{answer}_predicted_{unit}"]))
                  for row in rows if row[f"{answer}_true_{unit}"]]
        for tolerance in tolerances:
            name = f"{metric}_within_{tolerance}_{unit}"
            if errors and min(abs(e - tolerance) for e in errors) > 1e-5:
                shares[name] = sum(e <= tolerance for e in errors) / len(errors)
    return shares


def main():
    run = Path(sys.argv[1])
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    report = json.loads((run / "data_report.json").read_text(encoding="utf-8"))
    best = str(summary["best_epoch"])
    epoch = next(row for row in rows_of(run / "epochs.csv") if row["epoch"] == best)
    predictions = rows_of(run / "predictions_val.csv")
    classes = [name[2:] for name in predictions[0] if name.startswith("p_") and name != "p_wave_v"]

    differences = []

    def compare(what, ours, theirs, tolerance=EXACT):
        theirs = float(theirs)
        if not abs(ours - theirs) <= tolerance * max(1.0, abs(ours)):
            differences.append(f"{what}: recomputed {ours!r}, the run has {theirs!r}")

    index = {name: k for k, name in enumerate(classes)}
    confusion = [[0] * len(classes) for _ in classes]
    for row in predictions:
        confusion[index[row["class_true"]]][index[row["class_predicted"]]] += 1
        probability = [float(row["p_" + name]) for name in classes]
        compare(f"recording {row['recording']}: sum of the probabilities", sum(probability), 1.0, 1e-5)
        if probability[index[row["class_predicted"]]] < max(probability):
            differences.append(f"recording {row['recording']}: the predicted class is not the likeliest")

    support = [sum(row) for row in confusion]
    total = sum(support)
    f1 = [f1_of(confusion, k) for k in range(len(classes))]
    recall = [confusion[k][k] / support[k] for k in range(len(classes)) if support[k]]
    accuracy = sum(confusion[k][k] for k in range(len(classes))) / total
    training = [report["classes"][name]["train"]["recordings"] for name in classes]
    majority = training.index(max(training))
    expected = {
        "f1_macro": sum(f1) / len(f1),
        "f1_weighted": sum(s * f for s, f in zip(support, f1)) / total,
        "f1_micro": accuracy,
        "accuracy": accuracy,
        "balanced_accuracy": sum(recall) / len(recall),
        # Precision is the share of the class, recall 1.
        "f1_macro_majority": 2 * support[majority] / (total + support[majority]) / len(classes),
    }
    for name, f in zip(classes, f1):
        expected["f1_" + name] = f
    for name, value in expected.items():
        compare(f"epochs.csv val_{name}", value, epoch["val_" + name])
        compare(f"summary.json val {name}", value, summary["val"][name])
    if float(epoch["val_f1_macro"]) != max(float(row["val_f1_macro"]) for row in rows_of(run / "epochs.csv")):
        differences.append("the best epoch does not have the highest macro F1")

    counts = {(row["true_class"], row["predicted_class"]): int(row["count"])
              for row in rows_of(run / "confusion_matrix.csv")
              if row["epoch"] == best and row["split"] == "val"}
    for true in classes:
        for predicted in classes:
            compare(f"confusion_matrix.csv {true} as {predicted}", confusion[index[true]][index[predicted]],
                    counts.get((true, predicted), -1))
    lines = {row["class"]: row for row in rows_of(run / "classification_report.csv")
             if row["epoch"] == best and row["split"] == "val"}
    for name, k in index.items():
        answered = sum(row[k] for row in confusion)
        compare(f"classification_report.csv f1 of {name}", f1[k], lines[name]["f1"])
        compare(f"classification_report.csv support of {name}", support[k], lines[name]["support"])
        compare(f"classification_report.csv predicted of {name}", answered, lines[name]["predicted"])
        compare(f"classification_report.csv recall of {name}",
                confusion[k][k] / support[k] if support[k] else 0.0, lines[name]["recall"])
        compare(f"classification_report.csv precision of {name}",
                confusion[k][k] / answered if answered else 0.0, lines[name]["precision"])

    for metric, true, predicted in [
        ("peak_latency_mae_ms", "latency_true_ms", "latency_predicted_ms"),
        ("peak_amplitude_mae_uv", "amplitude_true_uv", "amplitude_predicted_uv"),
        ("threshold_mae_db", "threshold_true_db", "threshold_predicted_db"),
    ]:
        errors = [abs(float(row[true]) - float(row[predicted])) for row in predictions if row[true]]
        compare(f"epochs.csv val_{metric}", sum(errors) / len(errors), epoch["val_" + metric], ROUNDED)
    marked = [row for row in predictions if row["wave_v_true"]]
    scores = [float(row["p_wave_v"]) for row in marked]
    labels = [row["wave_v_true"] == "1" for row in marked]
    compare("epochs.csv val_peak_exist_auc", area_under_roc(scores, labels), epoch["val_peak_exist_auc"],
            ROUNDED)

    compare("epochs.csv val_peak_exist_sensitivity_at_specificity_0.975", sensitivity_at(scores, labels, 0.025),
            epoch["val_peak_exist_sensitivity_at_specificity_0.975"], ROUNDED)
    for name, value in shares_within(predictions).items():
        compare(f"epochs.csv val_{name}", value, epoch["val_" + name])
    stated = {
        "classification": [(max(float(row["p_" + name]) for name in classes),
                            row["class_true"] == row["class_predicted"]) for row in predictions],
        "peak_exist": list(zip(scores, labels)),
    }
    for task, pairs in stated.items():
        if min(abs(p * 15 - round(p * 15)) for p, _ in pairs if 1e-6 < p < 1 - 1e-6) > 1e-5:
            compare(f"epochs.csv val_{task}_ece", calibration_error(pairs), epoch[f"val_{task}_ece"], ROUNDED)
        compare(f"summary.json val {task}_ece", float(epoch[f"val_{task}_ece"]), summary["val"][task + "_ece"])
        for split in ("val", "test"):
            bins = [row for row in rows_of(run / "reliability.csv")
                    if row["split"] == split and row["task"] == task]
            if len(bins) != 30 or bins[0]["temperature"] != "1" or bins[15]["temperature"] == "1":
                differences.append(f"reliability.csv: {split} {task} has not 15 bins before and 15 after")
            for name, half in ("_ece_uncalibrated", bins[:15]), ("_ece", bins[15:]):
                total = sum(int(row["recordings"]) for row in half)
                error = sum(int(row["recordings"]) / total * abs(float(row["share_true"]) -
                                                                float(row["mean_probability"]))
                            for row in half if row["recordings"] != "0")
                compare(f"reliability.csv {split} {task}{name}", error, summary[split][task + name])

    # At the best temperature the likelihood does not change with it: the mean of log p over a recording's own
    # probabilities is on average that of what came true.
    expected = [(p, label) for p, label in zip(scores, labels) if 0 < p < 1]
    compare("slope of the likelihood of peak_exist",
            sum((p - label) * math.log(p / (1 - p)) for p, label in expected) / len(expected), 0, ROUNDED)
    stated = [({name: float(row["p_" + name]) for name in classes}, row["class_true"]) for row in predictions]
    stated = [(p, label) for p, label in stated if min(p.values()) > 0]
    compare("slope of the likelihood of classification",
            sum(sum(q * math.log(q) for q in p.values()) - math.log(p[label]) for p, label in stated) / len(stated),
            0, ROUNDED)

    if len(sys.argv) > 2:
        recordings = rows_of(sys.argv[2])
        of_row = [recordings[int(row["recording"]) - 1] for row in predictions]
        patients = [row["patient_id"] for row in predictions]
        ears = [(source["patient_id"], source["ear"]) for source in of_row]
        known = [i for i, source in enumerate(of_row) if source["ear"]]
        compare("epochs.csv val_patient_f1_macro",
                macro_f1(unit_answers(predictions, patients, classes), classes), epoch["val_patient_f1_macro"])
        compare("epochs.csv val_ear_f1_macro",
                macro_f1(unit_answers([predictions[i] for i in known], [ears[i] for i in known], classes), classes),
                epoch["val_ear_f1_macro"])
        groups = {}
        for row, source in zip(predictions, of_row):
            for level in None, float(source["intensity_db"]):
                for label in None, row["class_true"]:
                    groups.setdefault((level, label), []).append(row)
        table = {(float(row["intensity_db"]) if row["intensity_db"] else None, row["class"] or None): row
                 for row in rows_of(run / "by_level.csv") if row["split"] == "val"}
        if groups.keys() != table.keys():
            differences.append("by_level.csv has other levels and classes than the recordings")
        for key in groups.keys() & table.keys():
            rows, line = groups[key], table[key]
            compare(f"by_level.csv {key} recordings", len(rows), line["recordings"])
            compare(f"by_level.csv {key} accuracy",
                    sum(row["class_true"] == row["class_predicted"] for row in rows) / len(rows), line["accuracy"])
            for name, value in shares_within(rows).items():
                compare(f"by_level.csv {key} {name}", value, line[name])
            errors = [abs(float(row["latency_true_ms"]) - float(row["latency_predicted_ms"])) for row in rows
                      if row["latency_true_ms"]]
            if errors:
                compare(f"by_level.csv {key} latency MAE", sum(errors) / len(errors),
                        line["peak_latency_mae_ms"], ROUNDED)
            elif line["peak_latency_mae_ms"]:
                differences.append(f"by_level.csv {key}: a latency error without a latency")

    split = {row["patient_id"]: row["split"] for row in rows_of(run / "split.csv")}
    if len(split) != len(rows_of(run / "split.csv")):
        differences.append("split.csv: a patient stands twice")
    for row in predictions:
        if split[row["patient_id"]] != "val":
            differences.append(f"predictions_val.csv: patient {row['patient_id']} is not in validation")

    print("\n".join(differences) if differences else f"{len(predictions)} predictions agree with epoch {best}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
