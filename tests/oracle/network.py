"""The network `abr_unet` in PyTorch, with the engine's names for its parameters.

Shapes inside are PyTorch's, (batch, channels, samples); load_parameters and parameter_arrays speak the
engine's layouts: convolutions (kernel, in, out), linear maps (in, out).
"""

import math
from collections import OrderedDict

import numpy as np
import torch
import torch.nn.functional as F
from network_shape import TASKS
from torch import nn

NORM_EPSILON = 1e-5


class StaticEmbedding(nn.Module):
    def __init__(self, inputs, width):
        super().__init__()
        self.first = nn.Linear(inputs, width)
        self.second = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, NORM_EPSILON)

    def forward(self, statics):
        return self.norm(self.second(F.gelu(self.first(statics))))


class Stem(nn.Module):
    def __init__(self, shape):
        super().__init__()
        c = shape.base_channels
        self.branches = []
        for i, (kernel, dilation) in enumerate(zip(shape.stem_kernels, shape.stem_dilations)):
            branch = nn.Conv1d(1, c, kernel, padding=kernel // 2 * dilation, dilation=dilation)
            self.add_module(f"branch{i}", branch)
            self.branches.append(f"branch{i}")
        self.mix = nn.Conv1d(c * len(self.branches), c, 1)
        self.norm = nn.GroupNorm(shape.groups, c, NORM_EPSILON)

    def forward(self, x):
        joined = torch.cat([self.get_submodule(name)(x) for name in self.branches], dim=1)
        return F.gelu(self.norm(self.mix(joined)))


class ResidualBlock(nn.Module):
    def __init__(self, inputs, outputs, shape, dropout):
        super().__init__()
        k = shape.kernel
        self.conv1 = nn.Conv1d(inputs, outputs, k, padding=k // 2)
        self.norm1 = nn.GroupNorm(shape.groups, outputs, NORM_EPSILON)
        self.film1 = nn.Linear(shape.embed_dim, 2 * outputs)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv1d(outputs, outputs, k, padding=k // 2)
        self.norm2 = nn.GroupNorm(shape.groups, outputs, NORM_EPSILON)
        self.film2 = nn.Linear(shape.embed_dim, 2 * outputs)
        self.skip = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    @staticmethod
    def modulate(x, film):
        gamma, beta = film.unsqueeze(2).chunk(2, dim=1)
        return x * (1 + gamma) + beta

    def forward(self, x, embedding):
        h = self.modulate(self.norm1(self.conv1(x)), self.film1(embedding))
        h = self.dropout(F.gelu(h))
        h = self.modulate(self.norm2(self.conv2(h)), self.film2(embedding))
        return F.gelu(h + self.skip(x))


class Level(nn.Module):
    """The residual blocks of one resolution, and the convolution that leaves or enters it."""

    def __init__(self, inputs, outputs, shape, dropout, **resampling):
        super().__init__()
        for name, module in resampling.items():
            self.add_module(name, module)
        self.blocks = [f"block{i}" for i in range(shape.blocks_per_level)]
        for name in self.blocks:
            self.add_module(name, ResidualBlock(inputs, outputs, shape, dropout))
            inputs = outputs

    def forward(self, x, embedding):
        for name in self.blocks:
            x = self.get_submodule(name)(x, embedding)
        return x


class Bias(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))


class AttentionBlock(nn.Module):
    def __init__(self, channels, heads, feed_forward):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(channels, NORM_EPSILON)
        self.qkv = nn.Linear(channels, 3 * channels, bias=False)
        self.query = Bias(channels)
        self.value = Bias(channels)
        self.projection = nn.Linear(channels, channels)
        self.norm2 = nn.LayerNorm(channels, NORM_EPSILON)
        self.expand = nn.Linear(channels, feed_forward * channels)
        self.contract = nn.Linear(feed_forward * channels, channels)

    def forward(self, x):
        q, k, v = self.qkv(self.norm1(x)).chunk(3, dim=2)
        q, k, v = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2)
            for part in (q + self.query.bias, k, v + self.value.bias)
        )
        o = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        h = x + self.projection(o)
        return h + self.contract(F.gelu(self.expand(self.norm2(h))))


class AttentionPool(nn.Module):
    def __init__(self, channels):
        super().__init__()
        hidden = channels // 2
        self.weight = nn.Parameter(torch.empty(hidden, channels))
        self.bias = nn.Parameter(torch.zeros(hidden))
        self.score = nn.Parameter(torch.empty(hidden))
        nn.init.normal_(self.weight, std=channels**-0.5)
        nn.init.normal_(self.score, std=hidden**-0.5)

    def forward(self, x):  # (batch, samples, channels)
        scores = torch.tanh(F.linear(x, self.weight, self.bias)) @ self.score
        return (F.softmax(scores, dim=1).unsqueeze(2) * x).sum(dim=1)


class Pointer(nn.Module):
    """A map over the samples inside the window, its mean place, and what is said of the sample there."""

    def __init__(self, shape):
        super().__init__()
        c, k = shape.base_channels, shape.kernel
        self.conv = nn.Conv1d(c, c, k, padding=k // 2)
        self.norm = nn.GroupNorm(shape.groups, c, NORM_EPSILON)
        self.film = nn.Linear(shape.embed_dim, 2 * c)
        self.score = nn.Conv1d(c, 1, 1, bias=False)
        places = shape.first_place + shape.place_step * torch.arange(shape.length)
        self.register_buffer("places", places.to(torch.get_default_dtype()), persistent=False)

    def forward(self, x, embedding):
        described = F.gelu(ResidualBlock.modulate(self.norm(self.conv(x)), self.film(embedding)))
        window = len(self.places)
        score = self.score(described)[:, 0, :window]
        pointing = F.softmax(score, dim=1)
        return score, pointing @ self.places, (pointing.unsqueeze(1) * described[:, :, :window]).sum(dim=2)


class TaskHead(nn.Module):
    def __init__(self, inputs, hidden, outputs, dropout):
        super().__init__()
        self.first = nn.Linear(inputs, hidden)
        self.second = nn.Linear(hidden, outputs)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.second(self.dropout(F.gelu(self.first(x))))


def sinusoidal_positions(length, channels):
    """(length, channels): sin(t / 10000^(c / channels)) for even c, for c + 1 the cosine of that angle."""
    c = torch.arange(channels)
    rate = torch.exp(-math.log(10000) * (c - c % 2).double() / channels)
    angle = torch.arange(length).double()[:, None] * rate
    return torch.where(c % 2 == 0, angle.sin(), angle.cos())


class AbrUnet(nn.Module):
    """signal (batch, length), statics (batch, static_inputs) -> outputs by component: the restored signal
    (batch, length), class logits (batch, classes), the others (batch), for peak_location
    the score of the samples before its softmax."""

    def __init__(self, shape, dropout=0.0):
        super().__init__()
        self.shape = shape
        c = shape.channels
        last = shape.levels - 1
        low = c(last)
        self.embedding = StaticEmbedding(shape.static_inputs, shape.embed_dim)
        self.stem = Stem(shape)
        self.encoder = nn.ModuleList()
        for i in range(shape.levels):
            down = {"down": nn.Conv1d(c(i), c(i), 4, stride=2, padding=1)} if i < last else {}
            self.encoder.append(Level(c(max(i - 1, 0)), c(i), shape, dropout, **down))
        blocks = [
            (str(i), AttentionBlock(low, shape.heads, shape.feed_forward))
            for i in range(shape.attention_layers)
        ]
        self.bottleneck = nn.Sequential(OrderedDict(blocks + [("norm", nn.LayerNorm(low, NORM_EPSILON))]))
        positions = sinusoidal_positions(shape.padded_length >> last, low)
        self.register_buffer("positions", positions.to(torch.get_default_dtype()), persistent=False)
        self.decoder = nn.ModuleList()
        for i in range(last):
            up = nn.ConvTranspose1d(c(i + 1), c(i), 4, stride=2, padding=1)
            self.decoder.append(Level(2 * c(i), c(i), shape, dropout, up=up))
        if "signal" in shape.built:
            self.signal_head = nn.Conv1d(c(0), 1, 1)
        self.tasks = [task for task in TASKS if task in shape.built]
        if not self.tasks:
            return
        self.pool_low = AttentionPool(low)
        self.pool_high = AttentionPool(c(0))
        points = shape.latency_head == "point" and "peak_latency" in shape.built
        features = low + c(0) + (c(0) if points else 0) + shape.embed_dim
        self.heads = nn.ModuleDict({"norm": nn.LayerNorm(features, NORM_EPSILON)})
        if points:
            self.heads["pointer"] = Pointer(shape)
        for task in self.tasks:
            if task == "peak_latency" and points:
                continue
            outputs = shape.classes if task == "classification" else 1
            self.heads[task] = TaskHead(features, shape.head_hidden, outputs, dropout)

    def forward(self, signal, statics):
        shape = self.shape
        embedding = self.embedding(statics)
        x = self.stem(F.pad(signal, (0, shape.padded_length - shape.length)).unsqueeze(1))
        encoded = []
        for i, level in enumerate(self.encoder):
            encoded.append(level(self.encoder[i - 1].down(x) if i > 0 else x, embedding))
            x = encoded[-1]

        tokens = self.bottleneck(x.transpose(1, 2) + self.positions)
        x = tokens.transpose(1, 2)
        for i in reversed(range(len(self.decoder))):
            level = self.decoder[i]
            x = level(torch.cat([level.up(x), encoded[i]], dim=1), embedding)

        outputs = {}
        if "signal" in shape.built:
            outputs["signal"] = self.signal_head(x)[:, 0, : shape.length]
        if self.tasks:
            pools = [self.pool_low(tokens), self.pool_high(x.transpose(1, 2))]
            if "pointer" in self.heads:
                outputs["peak_location"], outputs["peak_latency"], reading = self.heads["pointer"](x, embedding)
                pools.append(reading)
            features = self.heads["norm"](torch.cat([*pools, embedding], dim=1))
            for task in self.tasks:
                if task in outputs:
                    continue
                answer = self.heads[task](features)
                outputs[task] = answer if task == "classification" else answer[:, 0]
        return outputs


def _engine_layouts(model):
    """(name, parameter, axes): tensor.permute(axes) is the engine's layout."""
    transposed = {f"{n}.weight" for n, m in model.named_modules() if isinstance(m, nn.ConvTranspose1d)}
    for name, parameter in model.named_parameters():
        axes = {3: (2, 0, 1) if name in transposed else (2, 1, 0), 2: (1, 0), 1: (0,)}[parameter.dim()]
        yield name, parameter, axes


def load_parameters(model, arrays):
    """Sets every parameter from arrays by the engine's names and in its layouts; names must match exactly."""
    layouts = list(_engine_layouts(model))
    if {name for name, _, _ in layouts} != set(arrays):
        raise ValueError(f"other parameters: {sorted({name for name, _, _ in layouts} ^ set(arrays))}")
    with torch.no_grad():
        for name, parameter, axes in layouts:
            parameter.permute(axes).copy_(torch.from_numpy(np.array(arrays[name])))


def parameter_arrays(model, gradients=False):
    """The parameters, or their gradients, by the engine's names and in its layouts."""
    return {
        name: (parameter.grad if gradients else parameter.detach()).permute(axes).cpu().numpy()
        for name, parameter, axes in _engine_layouts(model)
    }
