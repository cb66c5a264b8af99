"""Golden values of the metrics from scikit-learn, scipy and numpy: writes metrics.json beside this file.

Run: python3 tests/oracle/metrics.py
"""

import json
import pathlib
import warnings

import numpy as np
import scipy
import sklearn
from scipy import optimize, special
from sklearn import metrics


def single_precision(values, decimals=4):
    """Short decimals for the file, and the same numbers as the float32 that the engine computes with."""
    short = np.round(values, decimals)
    return short.tolist(), short.astype(np.float32).astype(float)


def classification_case(name, classes, y_true, y_pred):
    labels = list(range(classes))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        y_true, y_pred, labels=labels, zero_division=0
    )

    def f1_of(average):
        return metrics.f1_score(y_true, y_pred, labels=labels, average=average, zero_division=0)

    return {
        "name": name,
        "classes": classes,
        "confusion": metrics.confusion_matrix(y_true, y_pred, labels=labels).ravel().tolist(),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "support": support.tolist(),
        "predicted": np.bincount(y_pred, minlength=classes).tolist(),
        "f1_macro": f1_of("macro"),
        "f1_weighted": f1_of("weighted"),
        "f1_micro": f1_of("micro"),
        "accuracy": metrics.accuracy_score(y_true, y_pred),
        "balanced_accuracy": metrics.balanced_accuracy_score(y_true, y_pred),
        "f1_macro_always_0": metrics.f1_score(
            y_true, np.zeros_like(y_true), labels=labels, average="macro", zero_division=0
        ),
    }


def classification_cases(rng):
    n = 331
    skewed = rng.choice(5, size=n, p=[0.78, 0.02, 0.12, 0.05, 0.03])
    noisy = np.where(rng.random(n) < 0.6, skewed, rng.integers(0, 5, n))
    absent = rng.choice([0, 2, 3], size=n)
    return [
        classification_case("five unequal classes", 5, skewed, noisy),
        classification_case("a class never predicted", 5, skewed, np.where(noisy == 1, 0, noisy)),
        classification_case(
            "classes absent, one of them predicted", 5, absent, np.where(rng.random(n) < 0.2, 4, absent)
        ),
        classification_case("always the majority", 5, skewed, np.zeros(n, dtype=int)),
        classification_case("all right", 3, skewed % 3, skewed % 3),
        classification_case("all wrong", 2, np.zeros(7, dtype=int), np.ones(7, dtype=int)),
        classification_case("one recording", 2, np.array([1]), np.array([1])),
    ]


def ranking_cases(rng):
    cases = []
    for name, n, decimals in [("no ties", 257, None), ("many ties", 333, 1), ("all tied", 31, 0)]:
        labels = rng.integers(0, 2, n)
        scores = rng.normal(size=n) * (0.1 if decimals == 0 else 1.0) + 0.4 * labels * (decimals != 0)
        short, scores = single_precision(scores, 4 if decimals is None else decimals)
        cases.append(
            {
                "name": name,
                "scores": short,
                "labels": labels.tolist(),
                "auc": metrics.roc_auc_score(labels, scores),
            }
        )
    return cases


def regression_cases(rng):
    cases = []
    for name, n, mean, sd, noise in [
        ("latency in ms", 1201, 6.1, 0.6, 0.3),
        ("threshold in dB", 257, 30.0, 20.0, 9.0),
        ("worse than the mean", 33, 0.0, 1.0, 3.0),
        ("mean 1000 times the sd", 1201, 600.0, 0.6, 0.3),
        ("two recordings", 2, 5.0, 1.0, 0.5),
    ]:
        short_target, target = single_precision(mean + sd * rng.normal(size=n))
        short_predicted, predicted = single_precision(target + noise * rng.normal(size=n))
        cases.append(
            {
                "name": name,
                "target": short_target,
                "predicted": short_predicted,
                "mae": metrics.mean_absolute_error(target, predicted),
                "r2": metrics.r2_score(target, predicted),
            }
        )
    return cases


def patient_case(rng):
    classes, patients, n = 5, 40, 260
    patient = rng.integers(0, patients, n)
    truth = rng.integers(0, classes - 1, patients)  # the last class is absent
    label = truth[patient]
    stray = rng.random(n) < 0.1
    label = np.where(stray, rng.integers(0, classes - 1, n), label)
    logits = rng.normal(size=(n, classes)) + 1.2 * np.eye(classes)[label]
    short, logits = single_precision(logits)
    log_p = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    present = [p for p in range(patients) if (patient == p).any()]
    modal = [np.bincount(label[patient == p], minlength=classes).argmax() for p in present]
    answer = [log_p[patient == p].mean(axis=0).argmax() for p in present]
    return {
        "classes": classes,
        "patient": patient.tolist(),
        "label": label.tolist(),
        "logits": np.ravel(short).tolist(),
        "f1_macro": metrics.f1_score(
            modal, answer, labels=list(range(classes)), average="macro", zero_division=0
        ),
    }


def summary_cases(rng):
    values = rng.normal(size=101)
    cases = []
    for name, chosen in [("odd", values), ("even", values[:58]), ("one", values[:1])]:
        short, wide = single_precision(chosen)
        cases.append(
            {
                "name": name,
                "values": short,
                "mean": wide.mean(),
                "median": np.median(wide),
                "std": wide.std(),
            }
        )
    return cases


def sensitivity_at(labels, scores, specificity):
    false_alarms, sensitivity, _ = metrics.roc_curve(labels, scores, drop_intermediate=False)
    return sensitivity[1 - false_alarms >= specificity - 1e-12].max()


def clinical_cases(rng):
    """Sensitivity at a specificity, and shares within a tolerance."""
    sensitivity = []
    for name, n, decimals, chance in [
        ("no ties", 500, 4, 0.7),
        ("many ties", 400, 1, 0.5),
        ("exactly one false alarm in forty is allowed", 80, 4, 0.5),
        ("fewer than forty negatives", 50, 4, 0.4),
        ("all tied", 60, 0, 0.5),
    ]:
        labels = (rng.random(n) < chance).astype(int)
        if "forty is" in name:
            labels = np.repeat([0, 1], 40)
        scores = rng.normal(size=n) * (0.1 if decimals == 0 else 1.0) + 1.5 * labels * (decimals != 0)
        short, scores = single_precision(scores, decimals)
        sensitivity.append(
            {
                "name": name,
                "scores": short,
                "labels": labels.tolist(),
                "sensitivity": sensitivity_at(labels, scores, 0.975),
            }
        )
    short_target, target = single_precision(6 + 0.5 * rng.normal(size=300))
    short_predicted, predicted = single_precision(target + 0.15 * rng.standard_t(3, size=300))
    within = [
        {"tolerance": t, "share": np.mean(np.abs(predicted - target) <= t)} for t in (0.1, 0.2, 0.5)
    ]
    return {"sensitivity": sensitivity, "target": short_target, "predicted": short_predicted, "within": within}


def expected_calibration_error(probability, came_true):
    """As the definition reads: for each bin its recordings, looked for one by one."""
    error = 0.0
    for m in range(15):
        inside = (probability > m / 15) & (probability <= (m + 1) / 15)
        if inside.any():
            error += inside.mean() * abs(came_true[inside].mean() - probability[inside].mean())
    return error


def calibration_case(name, logits, label):
    """Classes where logits have two dimensions, else yes or no."""

    def probabilities(temperature):
        if logits.ndim == 1:
            return special.expit(logits / temperature)
        return special.softmax(logits / temperature, axis=1)

    def ece(temperature):
        p = probabilities(temperature)
        if logits.ndim == 1:
            return expected_calibration_error(p, label == 1)
        return expected_calibration_error(p.max(axis=1), logits.argmax(axis=1) == label)

    best = optimize.minimize_scalar(
        lambda log_t: metrics.log_loss(label, probabilities(np.exp(log_t))),
        bounds=(np.log(0.05), np.log(20)),
        method="bounded",
        options={"xatol": 1e-12},
    )
    temperature = float(np.exp(best.x))
    return {
        "name": name,
        "classes": 0 if logits.ndim == 1 else logits.shape[1],
        "logits": np.ravel(single_precision(logits)[0]).tolist(),
        "label": label.tolist(),
        "temperature": temperature,
        "ece_uncalibrated": ece(1.0),
        "ece_at_1.7": ece(1.7),
    }


def calibration_cases(rng):
    cases = []
    for name, sharpness in [("classes, too sure", 3.0), ("classes, too modest", 0.5)]:
        evidence = rng.normal(size=(300, 5)) * 1.5
        label = np.array([rng.choice(5, p=p) for p in special.softmax(evidence, axis=1)])
        cases.append(calibration_case(name, single_precision(sharpness * evidence)[1], label))
    for name, sharpness in [("yes or no, too sure", 2.5), ("yes or no, too modest", 0.4)]:
        evidence = rng.normal(size=400) * 2
        label = (rng.random(400) < special.expit(evidence)).astype(int)
        cases.append(calibration_case(name, single_precision(sharpness * evidence)[1], label))
    return cases


def main():
    warnings.simplefilter("ignore")  # scikit-learn warns of absent classes, which are meant here
    rng = np.random.default_rng(7)
    golden = {
        "made_by": f"tests/oracle/metrics.py with scikit-learn {sklearn.__version__}, numpy {np.__version__}, "
        f"scipy {scipy.__version__}",
        "classification": classification_cases(rng),
        "ranking": ranking_cases(rng),
        "regression": regression_cases(rng),
        "patient": patient_case(rng),
        "summary": summary_cases(rng),
        "clinical": clinical_cases(rng),
        "calibration": calibration_cases(rng),
    }
    path = pathlib.Path(__file__).with_name("metrics.json")
    path.write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
