"""Golden values of the multi-task loss: every component, and the gradients of the weighted total.

Writes golden/losses.npz:  python3 tests/oracle/losses.py

A missing target is -1 (label, exist) or NaN (the others). Class weights and label smoothing never meet:
PyTorch weighs each class's part of a smoothed target, the engine the recording's whole term.
"""

from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn.functional as F
from common import random, verified, write

FLOAT32_TOLERANCE = 1e-6  # half of what the test of the engine allows

COMPONENTS = ("signal", "peak_exist", "peak_latency", "peak_amplitude", "classification", "threshold")
COMPONENT_WEIGHTS = (0.8, 0.6, 1.2, 1.1, 2.5, 0.9)
DISTANCES = {"mse": F.mse_loss, "l1": F.l1_loss, "huber": F.huber_loss}


@dataclass
class Settings:
    # Of signal, peak_latency, peak_amplitude, threshold.
    distance: tuple = ("mse", "huber", "huber", "huber")
    delta: tuple = (1.0, 1.0, 1.0, 1.0)
    positive_weight: float = 1.0
    label_smoothing: float = 0.0
    focal_gamma: float = 0.0
    class_weights: tuple = (1.0,) * 5


def distance_loss(prediction, target, settings, place):
    known = ~target.isnan()
    if not known.any():
        return prediction.sum() * 0
    kind = settings.distance[place]
    options = {"delta": settings.delta[place]} if kind == "huber" else {}
    return DISTANCES[kind](prediction[known], target[known], **options)


def existence_loss(logit, exist, settings):
    known = exist >= 0
    if not known.any():
        return logit.sum() * 0
    return F.binary_cross_entropy_with_logits(
        logit[known], exist[known].to(logit.dtype), pos_weight=logit.new_tensor(settings.positive_weight)
    )


def classification_loss(logits, label, settings):
    known = label >= 0
    if not known.any():
        return logits.sum() * 0
    logits, label = logits[known], label[known]
    weight = logits.new_tensor(settings.class_weights)
    options = {"weight": weight, "label_smoothing": settings.label_smoothing}
    if settings.focal_gamma == 0:
        # F.cross_entropy's mean divides by the sum of the labels' weights.
        return F.cross_entropy(logits, label, **options)
    log_p = F.log_softmax(logits, dim=1).gather(1, label[:, None])[:, 0]
    factor = (-torch.expm1(log_p)) ** settings.focal_gamma
    return (factor * F.cross_entropy(logits, label, **options, reduction="none")).sum() / weight[label].sum()


def component_losses(heads, targets, settings):
    """The losses by component, unweighted. heads and targets by component; the signal is (batch, samples)."""
    return {
        "signal": distance_loss(heads["signal"], targets["signal"], settings, 0),
        "peak_exist": existence_loss(heads["peak_exist"], targets["peak_exist"], settings),
        "peak_latency": distance_loss(heads["peak_latency"], targets["peak_latency"], settings, 1),
        "peak_amplitude": distance_loss(heads["peak_amplitude"], targets["peak_amplitude"], settings, 2),
        "classification": classification_loss(heads["classification"], targets["classification"], settings),
        "threshold": distance_loss(heads["threshold"], targets["threshold"], settings, 3),
    }


def batch(rng, recordings, length, classes):
    """Predictions and complete targets; some logits saturate, some residuals lie on a distance's kink."""
    heads = {
        "signal": random(rng, recordings, length),
        "classification": random(rng, recordings, classes, scale=2.0),
    }
    targets = {"signal": heads["signal"] + random(rng, recordings, length)}
    for name in ("peak_latency", "peak_amplitude", "threshold"):
        heads[name] = random(rng, recordings)
        residual = random(rng, recordings, scale=1.5)
        residual[:4] = 0, 1, -1, 0.5
        targets[name] = heads[name] - residual
    heads["peak_exist"] = random(rng, recordings, scale=2.0)
    heads["peak_exist"][:4] = 45, -45, 45, -45
    targets["peak_exist"] = np.array([1, 0, 0, 1] + list(rng.integers(0, 2, recordings - 4)))
    heads["classification"][0] = [30, -30, 0, 0, 0]
    heads["classification"][1] = [30, -30, 0, 0, 0]
    targets["classification"] = np.array([0, 1] + [i % classes for i in range(recordings - 2)])
    return heads, targets


def masked(targets, missing):
    """The targets without those for which missing(recording, component's place) holds."""
    result = {"signal": targets["signal"]}
    for place, name in enumerate(COMPONENTS[1:]):
        integers = targets[name].dtype.kind == "i"
        result[name] = np.array(
            [(-1 if integers else np.nan) if missing(i, place) else t for i, t in enumerate(targets[name])]
        )
    return result


def losses_and_gradients(heads, targets, settings):
    def compute(dtype):
        leaves = {name: torch.tensor(value, dtype=dtype, requires_grad=True) for name, value in heads.items()}
        known = {
            name: torch.tensor(value) if value.dtype.kind == "i" else torch.tensor(value, dtype=dtype)
            for name, value in targets.items()
        }
        losses = component_losses(leaves, known, settings)
        total = sum(weight * losses[name] for name, weight in zip(COMPONENTS, COMPONENT_WEIGHTS))
        total.backward()
        values = np.array([losses[name].item() for name in COMPONENTS])
        return {"loss": values, **{"d_" + name: leaf.grad.numpy() for name, leaf in leaves.items()}}

    return verified(compute, FLOAT32_TOLERANCE)


def main():
    rng = np.random.default_rng(2)
    heads, targets = batch(rng, recordings=11, length=7, classes=5)
    weights = (0.5, 2.0, 1.0, 0.25, 3.0)
    settings = {
        "defaults": Settings(),
        "mse": Settings(distance=("mse",) * 4, class_weights=weights),
        "l1": Settings(distance=("l1",) * 4, label_smoothing=0.125),
        "huber": Settings(distance=("huber",) * 4, delta=(0.5, 1.0, 0.25, 1.5), positive_weight=2.5),
        "mixed": Settings(distance=("huber", "mse", "l1", "huber"), positive_weight=0.25, focal_gamma=2.0),
        "focal_weights": Settings(focal_gamma=1.5, class_weights=weights),
        "focal_smoothing": Settings(focal_gamma=2.0, label_smoothing=0.25),
    }
    masks = {
        "complete": lambda recording, place: False,
        "some_missing": lambda recording, place: (recording + place) % 3 == 0,
        "unlabelled": lambda recording, place: True,
    }
    batches = {name: masked(targets, missing) for name, missing in masks.items()}
    write(
        "losses.npz",
        {
            "component_weights": COMPONENT_WEIGHTS,
            "heads": {name: np.asarray(value, dtype=np.float32) for name, value in heads.items()},
            "targets": batches,
            "settings": {name: asdict(value) for name, value in settings.items()},
            "golden": {
                mask: {name: losses_and_gradients(heads, t, s) for name, s in settings.items()}
                for mask, t in batches.items()
            },
        },
    )


if __name__ == "__main__":
    main()
