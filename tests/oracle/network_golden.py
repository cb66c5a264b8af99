"""Golden values of the whole network: every output and every parameter's gradient, upstream random.

Writes golden/network_<case>.npz:  python3 tests/oracle/network_golden.py
"""

from dataclasses import asdict

import numpy as np
import torch
from common import random, verified, write
from network import AbrUnet, load_parameters, parameter_arrays
from network_shape import Shape

FLOAT32_TOLERANCE = 5e-5  # what the test of the engine allows

CASES = {
    # A length that is padded, a dilated stem, all heads.
    "all_heads": Shape(
        length=37,
        base_channels=4,
        levels=3,
        kernel=5,
        stem_dilations=(1, 2, 1),
        groups=2,
        heads=4,
        feed_forward=2,
        embed_dim=12,
        head_hidden=10,
        latency_head="pool",
    ),
    # Two blocks a level, one attention block, two branches, some heads.
    "two_blocks": Shape(
        length=25,
        static_inputs=4,
        classes=3,
        base_channels=4,
        levels=2,
        kernel=3,
        stem_kernels=(3, 7),
        stem_dilations=(3, 1),
        blocks_per_level=2,
        groups=2,
        attention_layers=1,
        heads=2,
        feed_forward=3,
        embed_dim=6,
        head_hidden=5,
        built=("classification", "peak_latency", "threshold"),
        latency_head="pool",
    ),
    # The signal alone, without attention and padding.
    "signal_only": Shape(
        length=16,
        static_inputs=3,
        base_channels=4,
        levels=2,
        kernel=3,
        stem_kernels=(5,),
        stem_dilations=(1,),
        groups=2,
        attention_layers=0,
        embed_dim=4,
        built=("signal",),
    ),
    # A map that points at wave V, in the unit of the latency's head.
    "pointing": Shape(
        length=37,
        base_channels=4,
        levels=3,
        kernel=5,
        groups=2,
        attention_layers=1,
        heads=4,
        feed_forward=2,
        embed_dim=12,
        head_hidden=10,
        first_place=-2.5,
        place_step=0.125,
    ),
}


def random_parameters(rng, model):
    """Weights of variance near 1 / inputs, norm weights near 1, all else small; FiLM is not zero."""
    parameters = {}
    for name, array in parameter_arrays(model).items():
        if array.ndim > 1:
            parameters[name] = random(rng, *array.shape, scale=array[..., 0].size ** -0.5)
        else:
            ones = "norm" in name and name.endswith("weight")
            parameters[name] = ones + random(rng, *array.shape, scale=0.3)
    return parameters


def case(rng, shape, recordings=2):
    parameters = random_parameters(rng, AbrUnet(shape))
    signal = random(rng, recordings, shape.length)
    statics = random(rng, recordings, shape.static_inputs)

    def run(dtype, upstream):
        torch.set_default_dtype(dtype)
        model = AbrUnet(shape).eval()
        load_parameters(model, parameters)
        outputs = model(torch.tensor(signal, dtype=dtype), torch.tensor(statics, dtype=dtype))
        outputs.pop("peak_location", None)  # what a loss reads, no answer
        if not upstream:
            return {name: random(rng, *output.shape) for name, output in outputs.items()}
        names = list(outputs)
        torch.autograd.backward(
            [outputs[name] for name in names], [torch.tensor(upstream[name], dtype=dtype) for name in names]
        )
        return {
            **{"outputs/" + name: output.detach().numpy() for name, output in outputs.items()},
            **{"gradients/" + name: g for name, g in parameter_arrays(model, gradients=True).items()},
        }

    upstream = run(torch.float64, None)
    golden = verified(lambda dtype: run(dtype, upstream), FLOAT32_TOLERANCE)
    exact = {"signal": signal, "statics": statics, "upstream": upstream, "parameters": parameters}
    return golden | as_float32(exact) | {"shape": asdict(shape)}


def as_float32(tree):
    return {
        name: as_float32(value) if isinstance(value, dict) else np.asarray(value, dtype=np.float32)
        for name, value in tree.items()
    }


def main():
    rng = np.random.default_rng(4)
    for name, shape in CASES.items():
        write(f"network_{name}.npz", case(rng, shape))


if __name__ == "__main__":
    main()
