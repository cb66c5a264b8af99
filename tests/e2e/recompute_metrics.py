#!/usr/bin/env python3
"""Recomputes the metrics of a run's best epoch from its predictions, independently of the engine.

usage: recompute_metrics.py RUN_FOLDER

Reads predictions_val.csv and compares with that epoch in epochs.csv, classification_report.csv,
confusion_matrix.csv and summary.json. Standard library only. Exit code 0: all agree; 1: the differences.
"""

import csv
import json
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
