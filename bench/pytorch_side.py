"""PyTorch's side of compare_pytorch.py: one task a process, its result as JSON on standard output."""

import argparse
import json
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.numpy import load_file

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "oracle"))
from network import AbrUnet, load_parameters, parameter_arrays  # noqa: E402
from network_shape import Shape  # noqa: E402

TOLERANCE = 1e-4  # of the engine's outputs and gradients in fp32, relative to the largest value of a tensor


def location_loss(score, latency, shape, sd):
    """Divergence of the map from a normal density around the mark, as kernels/location_loss.hpp has it; sd in samples."""
    known = ~latency.isnan()
    mark = (torch.where(known, latency, 0.0) - shape.first_place) / shape.place_step
    samples = torch.arange(shape.length, device=score.device)
    target = F.log_softmax(-(((samples - mark[:, None]) / sd) ** 2) / 2, dim=1)
    divergence = F.kl_div(F.log_softmax(score, dim=1), target, reduction="none", log_target=True).sum(dim=1)
    return (divergence * known).sum() / known.sum().clamp(min=1)


def losses(outputs, batch, config, class_weights):
    """Every task's loss, without a branch on values: a missing target has weight 0."""
    settings = config["loss"]

    def masked(name, target, elementwise):
        known = ~target.isnan()
        values = elementwise(outputs[name], torch.where(known, target, 0.0))
        return (values * known).sum() / known.sum().clamp(min=1)

    def distance(name):
        kind = settings[name]
        if kind["type"] == "huber":
            return lambda a, b: F.huber_loss(a, b, delta=kind["delta"], reduction="none")
        return lambda a, b: (F.mse_loss if kind["type"] == "mse" else F.l1_loss)(a, b, reduction="none")

    result = {"signal": distance("signal")(outputs["signal"], batch["target"]).mean()}
    positive = torch.tensor(settings["peak_exist"]["positive_weight"], device=batch["target"].device)
    exist = torch.where(batch["peak_exist"] < 0, torch.nan, batch["peak_exist"])
    result["peak_exist"] = masked(
        "peak_exist",
        exist,
        lambda a, b: F.binary_cross_entropy_with_logits(a, b, pos_weight=positive, reduction="none"),
    )
    for name in ("peak_latency", "peak_amplitude", "threshold"):
        result[name] = masked(name, batch[name], distance(name))
    label = batch["classification"].long()
    weight = torch.where(label >= 0, class_weights[label.clamp(min=0)], 0.0)
    entropy = F.cross_entropy(
        outputs["classification"],
        label.clamp(min=0),
        reduction="none",
        label_smoothing=settings["label_smoothing"],
    )
    if settings["focal_gamma"] > 0:
        p = outputs["classification"].softmax(1).gather(1, label.clamp(min=0)[:, None])[:, 0]
        entropy = entropy * (1 - p) ** settings["focal_gamma"]
    result["classification"] = (weight * entropy).sum() / weight.sum().clamp(min=1e-30)
    return result


class Problem:
    """The engine's network, settings and batches, as PyTorch needs them."""

    def __init__(self, folder, trace, device, dtype=torch.float32):
        self.device, self.dtype = torch.device(device), dtype
        self.config = tomllib.loads((folder / "run" / "config.toml").read_text())
        checkpoint = folder / "run" / "checkpoints" / "last.safetensors"
        with safe_open(checkpoint, "numpy") as file:
            model = json.loads(file.metadata()["model"])
        with safe_open(trace, "numpy") as file:
            self.components = json.loads(file.metadata()["components"])
            places = json.loads(file.metadata()["places"])
        if not all(model.pop("built")):
            raise SystemExit("pytorch_side: the data must have labels for every component, and each loss must be on")
        self.location_sd = places.pop("sd")
        self.shape = Shape(**{k: tuple(v) if isinstance(v, list) else v for k, v in (model | places).items()})
        other = ("ema/", "optimizer/", "statistics/", "progress/")
        self.parameters = {k: v for k, v in load_file(checkpoint).items() if not k.startswith(other)}
        self.trace = load_file(trace)
        self.weights = dict(zip(self.components, self.tensor("weights").tolist()))
        self.class_weights = self.tensor("class_weights")
        names = sorted({int(k[5 : k.index("/")]) for k in self.trace if k.startswith("batch")})
        self.batches = [
            {k.split("/")[1]: self.tensor(k) for k in self.trace if k.startswith(f"batch{i}/")} for i in names
        ]

    def tensor(self, name):
        return torch.from_numpy(self.trace[name]).to(self.device, self.dtype)

    def network(self, dropout):
        model = AbrUnet(self.shape, dropout)
        load_parameters(model, self.parameters)
        return model.to(self.device, self.dtype)

    def loss(self, outputs, batch):
        parts = losses(outputs, batch, self.config, self.class_weights)
        parts["peak_location"] = location_loss(
            outputs["peak_location"], batch["peak_latency"], self.shape, self.location_sd
        )
        return parts, sum(self.weights[name] * parts[name] for name in self.components)


def values_and_gradients(problem):
    """Outputs, losses and gradients of the first batch, as the engine's trace names them."""
    model = problem.network(dropout=0.0)
    batch = problem.batches[0]
    outputs = model(batch["signal"], batch["statics"])
    parts, total = problem.loss(outputs, batch)
    total.backward()
    outputs.pop("peak_location")  # what a loss reads; the engine traces answers
    values = {f"outputs/{name}": output.detach().cpu().numpy() for name, output in outputs.items()}
    values["losses"] = np.array([parts[name].item() for name in problem.components])
    gradients = parameter_arrays(model, gradients=True)
    return values | {f"gradients/{name}": gradient for name, gradient in gradients.items()}


def compare(folder, device):
    """The engine's largest relative errors of outputs, losses and gradients against PyTorch in double; stops where
    one exceeds the tolerance. A gradient whose sum nearly cancels is ill-conditioned in fp32: there twice the error
    of PyTorch's own fp32 is allowed."""
    problem = Problem(folder, folder / "exact.safetensors", device, torch.float64)
    exact = values_and_gradients(problem)
    single = values_and_gradients(Problem(folder, folder / "exact.safetensors", device))
    errors = {}
    for name, reference in exact.items():
        ours = problem.trace[name]
        if ours.shape != reference.shape:
            raise SystemExit(f"pytorch_side: {name} is {ours.shape} here and {reference.shape} in PyTorch")
        error, theirs = (
            float(np.abs(values - reference).max() / np.abs(reference).max()) for values in (ours, single[name])
        )
        if not error <= max(TOLERANCE, 2 * theirs):
            raise SystemExit(
                f"pytorch_side: {name} differs by {error:.2e} (PyTorch's fp32 by {theirs:.2e}), allowed is {TOLERANCE}"
            )
        kind = name.split("/")[0]
        errors[kind] = max(error, errors.get(kind, 0.0))
    return errors


def synchronise(device):
    if device.type == "cuda":
        torch.cuda.synchronize()


# How PyTorch trains: bfloat16 by AMP, torch.compile, its CUDA graphs.
WAYS = {
    "eager": (False, False, False),
    "compiled": (False, True, False),
    "amp": (True, False, False),
    "amp_compiled": (True, True, False),
    "amp_graphs": (True, True, True),
}


def train(problem, way, seconds):
    """Recordings per second of whole steps and of forward and backward alone."""
    amp, compiled, graphs = WAYS[way]
    config = problem.config
    model = problem.network(config["model"]["dropout"]).train()
    decayed, others = [], []
    for name, parameter in model.named_parameters():
        (others if parameter.dim() == 1 or ".film" in name else decayed).append(parameter)
    optimizer = config["optimizer"]
    adamw = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": optimizer["weight_decay"]}, {"params": others, "weight_decay": 0.0}],
        lr=optimizer["learning_rate"],
        betas=(optimizer["beta1"], optimizer["beta2"]),
        eps=optimizer["epsilon"],
        fused=True,
    )
    parameters = decayed + others
    decay, clip = config["training"]["ema_decay"], config["training"]["gradient_clip"]
    average = [p.detach().clone() for p in parameters] if decay > 0 else []

    def forward_loss(batch):
        with torch.autocast(problem.device.type, torch.bfloat16, enabled=amp):
            outputs = model(batch["signal"], batch["statics"])
        return problem.loss({name: output.float() for name, output in outputs.items()}, batch)[1]

    run = torch.compile(forward_loss, mode="reduce-overhead" if graphs else None) if compiled else forward_loss

    def gradients(batch):
        if graphs:
            torch.compiler.cudagraph_mark_step_begin()
        adamw.zero_grad(set_to_none=True)
        run(batch).backward()

    def step(batch):
        gradients(batch)
        if clip > 0:
            torch.nn.utils.clip_grad_norm_(parameters, clip, foreach=True)
        adamw.step()
        if average:
            with torch.no_grad():
                torch._foreach_lerp_(average, parameters, 1 - decay)

    full = [b for b in problem.batches if len(b["signal"]) == len(problem.batches[0]["signal"])]

    def rate(work, seconds):
        done, start = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - start) < seconds:
            for batch in full[:4]:
                work(batch)
                done += len(batch["signal"])
            full.append(full.pop(0))
            synchronise(problem.device)
        return done / elapsed

    for batch in full[:3]:
        step(batch)
    synchronise(problem.device)
    return {"recordings_per_second": rate(step, seconds), "forward_backward": rate(gradients, seconds / 3)}


def sgemm(device, seconds=1.5):
    """GFLOP/s of a large product of matrices in fp32, without TF32: the machine's ceiling."""
    n = 1536 if device.type == "cpu" else 8192
    a, b, c = (torch.randn(n, n, device=device) for _ in range(3))
    rates = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(rates) < 3:
        synchronise(device)
        start = time.perf_counter()
        torch.mm(a, b, out=c)
        synchronise(device)
        rates.append(2 * n**3 / (time.perf_counter() - start) / 1e9)
    return {"gflops": max(rates)}


def perform(arguments):
    torch.set_num_threads(arguments.threads)
    torch.backends.mkldnn.enabled = not arguments.without_onednn
    # fp32 as the engine's: cuDNN would round a convolution's operands to 10 bits of mantissa.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.manual_seed(1)
    device = torch.device(arguments.device)
    if arguments.task == "versions":
        name = torch.cuda.get_device_name() if device.type == "cuda" else torch.backends.cpu.get_cpu_capability()
        return {"torch": torch.__version__, "device": name}
    if arguments.task == "sgemm":
        return sgemm(device)
    if arguments.task == "compare":
        return compare(arguments.folder, device)
    problem = Problem(arguments.folder, arguments.folder / "trace.safetensors", device)
    result = train(problem, arguments.task, arguments.seconds)
    if device.type == "cuda":
        result["device_mb"] = torch.cuda.max_memory_allocated() / 2**20
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=["versions", "compare", "sgemm", *WAYS])
    parser.add_argument("folder", type=Path, help="made by compare_pytorch.py")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--without-onednn", action="store_true")
    print(json.dumps(perform(parser.parse_args())))


if __name__ == "__main__":
    main()
