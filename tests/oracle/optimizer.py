"""Golden values of the optimiser: gradient clipping, AdamW and the EMA of the weights over three steps.

Writes golden/optimizer.npz:  python3 tests/oracle/optimizer.py
"""

import numpy as np
import torch
from common import random, verified, write
from torch.optim.swa_utils import get_ema_avg_fn

FLOAT32_TOLERANCE = 1e-6  # half of what the test of the engine allows

# Elements, rate multiplier, whether the weight decay applies.
SEGMENTS = ((37, 1.0, True), (5, 1.0, False), (22, 0.25, True), (9, 0.25, False))
LEARNING_RATES = (1e-2, 3e-2, 2e-3)  # of each step
GRADIENT_SCALES = (1.0, 0.02, 5.0)  # the norm is above, below and far above the clip
SETTINGS = {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-6, "weight_decay": 0.1, "clip": 1.0, "ema_decay": 0.75}


def steps(initial, gradients, dtype):
    sizes = [size for size, _, _ in SEGMENTS]
    parameters = [
        part.clone().requires_grad_() for part in torch.tensor(initial, dtype=dtype).split(sizes)
    ]
    average = [p.detach().clone() for p in parameters]
    update_average = get_ema_avg_fn(SETTINGS["ema_decay"])
    groups = [
        {"params": [p], "weight_decay": SETTINGS["weight_decay"] if decay else 0.0}
        for p, (_, _, decay) in zip(parameters, SEGMENTS)
    ]
    betas = SETTINGS["beta1"], SETTINGS["beta2"]
    optimizer = torch.optim.AdamW(groups, betas=betas, eps=SETTINGS["epsilon"], foreach=False)

    def joined(parts):
        return torch.cat(list(parts)).detach().numpy()

    golden = {name: [] for name in ("norm", "value", "first_moment", "second_moment", "ema")}
    for rate, gradient in zip(LEARNING_RATES, gradients):
        for part, p in zip(torch.tensor(gradient, dtype=dtype).split(sizes), parameters):
            p.grad = part.clone()
        for group, (_, multiplier, _) in zip(optimizer.param_groups, SEGMENTS):
            group["lr"] = rate * multiplier
        norm = torch.nn.utils.clip_grad_norm_(parameters, SETTINGS["clip"], foreach=False)
        optimizer.step()
        average = [update_average(a, p.detach(), None) for a, p in zip(average, parameters)]
        golden["norm"].append(norm.item())
        golden["value"].append(joined(parameters))
        golden["first_moment"].append(joined(optimizer.state[p]["exp_avg"] for p in parameters))
        golden["second_moment"].append(joined(optimizer.state[p]["exp_avg_sq"] for p in parameters))
        golden["ema"].append(joined(average))
    return {name: np.array(values) for name, values in golden.items()}


def main():
    rng = np.random.default_rng(3)
    size = sum(size for size, _, _ in SEGMENTS)
    initial = random(rng, size)
    gradients = np.array([random(rng, size, scale=scale) for scale in GRADIENT_SCALES])
    ends = np.cumsum([size for size, _, _ in SEGMENTS])
    write(
        "optimizer.npz",
        SETTINGS
        | {
            "learning_rates": LEARNING_RATES,
            "segments": {
                "end": ends,
                "rate_multiplier": [rate for _, rate, _ in SEGMENTS],
                "decay": [decay for _, _, decay in SEGMENTS],
            },
            "initial": initial,
            "gradients": gradients,
        }
        | verified(lambda dtype: steps(initial, gradients, dtype), FLOAT32_TOLERANCE),
    )


if __name__ == "__main__":
    main()
