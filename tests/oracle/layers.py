"""Golden values of the layers: forward and all gradients for a random upstream gradient.

Writes golden/layers.npz, in the engine's layouts:  python3 tests/oracle/layers.py
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from common import random, verified, write

NORM_EPSILON = 1e-5
FLOAT32_TOLERANCE = 5e-6  # half of what the test of the engine allows


def layer(rng, forward, inputs, **settings):
    """One case: settings, inputs, y = forward(inputs, settings), random dy, the gradient of each input."""

    def run(dtype, dy=None):
        leaves = {
            name: torch.tensor(value, dtype=dtype, requires_grad=True) for name, value in inputs.items()
        }
        y = forward(**leaves, **settings)
        if dy is None:
            return y.shape
        y.backward(torch.tensor(dy, dtype=dtype))
        gradients = {"d_" + name: leaf.grad.numpy() for name, leaf in leaves.items()}
        return {"y": y.detach().numpy(), **gradients}

    dy = random(rng, *run(torch.float64))
    golden = verified(lambda dtype: run(dtype, dy), FLOAT32_TOLERANCE)
    exact = {name: np.asarray(value, dtype=np.float32) for name, value in (inputs | {"dy": dy}).items()}
    return settings | exact | golden


def conv1d(x, weight, bias, stride, dilation, padding):
    y = F.conv1d(x.transpose(1, 2), weight.permute(2, 1, 0), bias, stride, padding, dilation)
    return y.transpose(1, 2)


def conv_transpose1d(x, weight, bias, stride, padding):
    y = F.conv_transpose1d(x.transpose(1, 2), weight.permute(1, 2, 0), bias, stride, padding)
    return y.transpose(1, 2)


def linear(x, weight, bias):
    return F.linear(x, weight.T, bias)


def group_norm(x, weight, bias, groups, gelu, film=None, residual=None):
    z = F.group_norm(x.transpose(1, 2), groups, weight, bias, NORM_EPSILON)
    if film is not None:
        gamma, beta = film.unsqueeze(2).chunk(2, dim=1)
        z = z * (1 + gamma) + beta
    z = z.transpose(1, 2)
    if residual is not None:
        z = z + residual
    return F.gelu(z) if gelu else z


def layer_norm(x, weight, bias):
    return F.layer_norm(x, weight.shape, weight, bias, NORM_EPSILON)


def attention(qkv, heads):
    batch, length, channels = qkv.shape
    q, k, v = qkv.reshape(batch, length, 3, heads, channels // 3 // heads).permute(2, 0, 3, 1, 4)
    o = F.scaled_dot_product_attention(q, k, v)
    return o.transpose(1, 2).reshape(batch, length, channels // 3)


def add_positions(x):
    _, length, channels = x.shape
    even = torch.arange(channels) // 2 * 2
    angle = torch.arange(length, dtype=torch.float64)[:, None] * torch.exp(
        -math.log(10000) * even.double() / channels
    )
    positions = torch.where(torch.arange(channels) % 2 == 0, angle.sin(), angle.cos())
    return x + positions.to(x.dtype)


def attention_pool(x, weight, bias, score):
    scores = torch.tanh(x @ weight + bias) @ score
    return (F.softmax(scores, dim=1).unsqueeze(2) * x).sum(dim=1)


def convolution_cases(rng):
    def case(forward, batch, length, inputs, outputs, kernel, **settings):
        tensors = {
            "x": random(rng, batch, length, inputs),
            "weight": random(rng, kernel, inputs, outputs, scale=0.3),
            "bias": random(rng, outputs),
        }
        return layer(rng, forward, tensors, **settings)

    def plain(*shape, stride=1, dilation=1, padding=0):
        return case(conv1d, *shape, stride=stride, dilation=dilation, padding=padding)

    def transposed(*shape, stride=1, padding=0):
        return case(conv_transpose1d, *shape, stride=stride, padding=padding)

    return {
        "conv1d": {
            "same": plain(2, 31, 5, 9, 7, padding=3),
            "stem": plain(3, 33, 1, 8, 15, padding=7),
            "pointwise": plain(2, 17, 9, 4, 1),
            "halving": plain(2, 26, 6, 6, 4, stride=2, padding=1),
            "dilated": plain(2, 29, 4, 3, 5, dilation=3, padding=6),
            "strided_and_dilated": plain(1, 37, 3, 7, 4, stride=3, dilation=2, padding=5),
            "shorter_than_kernel": plain(2, 3, 2, 3, 7, padding=3),
        },
        "conv_transpose1d": {
            "doubling": transposed(2, 13, 8, 4, 4, stride=2, padding=1),
            "odd": transposed(2, 9, 3, 5, 5, stride=3, padding=2),
            "gaps": transposed(1, 6, 3, 2, 2, stride=3),
            "one_sample": transposed(3, 1, 4, 6, 4, stride=2, padding=1),
        },
    }


def linear_cases(rng):
    def case(rows, inputs, outputs):
        tensors = {
            "x": random(rng, rows, inputs),
            "weight": random(rng, inputs, outputs, scale=0.3),
            "bias": random(rng, outputs),
        }
        return layer(rng, linear, tensors)

    return {"linear": {"odd": case(7, 31, 13), "one_output": case(33, 9, 1), "one_row": case(1, 17, 24)}}


def norm_cases(rng):
    def affine(channels):
        return {"weight": 1 + random(rng, channels, scale=0.3), "bias": random(rng, channels, scale=0.3)}

    def group(batch, length, channels, groups, gelu, film=False, residual=False, scale=2.0, mean=0.5):
        tensors = {"x": mean + random(rng, batch, length, channels, scale=scale), **affine(channels)}
        if film:
            tensors["film"] = random(rng, batch, 2 * channels, scale=0.5)
        if residual:
            tensors["residual"] = random(rng, batch, length, channels)
        return layer(rng, group_norm, tensors, groups=groups, gelu=gelu)

    def rows(batch, length, channels, scale=2.0, mean=0.5):
        tensors = {"x": mean + random(rng, batch, length, channels, scale=scale), **affine(channels)}
        return layer(rng, layer_norm, tensors)

    return {
        "group_norm": {
            "plain": group(2, 13, 6, 3, False),
            "gelu": group(2, 13, 8, 4, True),
            "film": group(2, 11, 6, 2, False, film=True),
            "film_gelu": group(3, 11, 8, 4, True, film=True),
            "film_residual_gelu": group(3, 11, 8, 2, True, film=True, residual=True),
            "residual": group(2, 9, 4, 2, False, residual=True),
            "one_group": group(2, 9, 5, 1, True),
            "a_group_for_each_channel": group(2, 9, 5, 5, True),
            "variance_near_epsilon": group(2, 9, 4, 2, True, scale=1 / 128, mean=0),
            "mean_of_25_sd": group(2, 9, 4, 2, True, scale=1.0, mean=25),
        },
        "layer_norm": {
            "tokens": rows(2, 9, 12),
            "odd": rows(3, 1, 31),
            "three_channels": rows(2, 5, 3),
            "variance_near_epsilon": rows(2, 5, 8, scale=1 / 128, mean=0),
            "mean_of_25_sd": rows(2, 5, 8, scale=1.0, mean=25),
        },
    }


def attention_cases(rng):
    def core(batch, length, channels, heads, scale=1.0):
        tensors = {"qkv": random(rng, batch, length, 3 * channels, scale=scale)}
        return layer(rng, attention, tensors, heads=heads)

    def positions(*shape):
        case = layer(rng, add_positions, {"x": random(rng, *shape)})
        return {"x": case["x"], "y": case["y"]}  # the gradient is the upstream gradient: no op

    def pool(batch, length, channels, hidden, scale=1.0):
        tensors = {
            "x": random(rng, batch, length, channels),
            "weight": random(rng, channels, hidden, scale=0.4),
            "bias": random(rng, hidden, scale=0.3),
            "score": random(rng, hidden, scale=scale),
        }
        return layer(rng, attention_pool, tensors)

    return {
        "attention": {
            "tokens_25": core(2, 25, 8, 2),
            "odd": core(1, 33, 9, 3),
            "one_token": core(2, 1, 4, 1),
            "peaked": core(1, 7, 8, 1, scale=4.0),
        },
        "add_positions": {
            "even_channels": positions(2, 25, 8),
            "odd_channels": positions(1, 33, 7),
        },
        "attention_pool": {
            "tokens": pool(2, 25, 8, 4),
            "odd": pool(3, 13, 9, 5),
            "one_sample": pool(2, 1, 6, 3),
            "peaked": pool(2, 17, 4, 2, scale=3.0),
        },
    }


def gelu_cases(rng):
    wide = np.linspace(-12, 12, 193)[:, None]
    return {
        "gelu": {
            "both_tails": layer(rng, F.gelu, {"input": wide}),
            "usual": layer(rng, F.gelu, {"input": random(rng, 11, 17)}),
        }
    }


def main():
    rng = np.random.default_rng(1)
    cases = {}
    for group in (convolution_cases, linear_cases, norm_cases, gelu_cases, attention_cases):
        cases |= group(rng)
    write("layers.npz", cases)


if __name__ == "__main__":
    main()
