#!/usr/bin/env python3
"""Trains one network with the engine and with PyTorch, in turn, and prints the ratio of recordings per second.

    python3 bench/compare_pytorch.py --engine build/abr_engine --config configs/quickstart.toml
    python3 bench/compare_pytorch.py --engine build/abr_engine --config configs/quickstart.toml \\
        --set model.base_channels=64 --json base64.json

First both sides get the same parameters and batch: every output, loss and gradient must agree, or nothing is
timed. Then rounds of engine, PyTorch eager, PyTorch compiled and a large matrix product, each in a process of
its own; on CUDA also PyTorch with AMP in bfloat16: eager, compiled, and compiled with CUDA graphs. The other columns
are fp32 on both sides, without TF32. Of the engine the second epoch is timed, which loads nothing. PyTorch finds its batches ready in memory (the engine makes them within its step), uses fused AdamW and
reads nothing back in a step; both sides have the same losses, dropout, clipping and average of the weights.
Needs torch, numpy, safetensors and g++ (for torch.compile); installs nothing.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

PYTORCH_SIDE = Path(__file__).with_name("pytorch_side.py")
BATCHES = 24  # that PyTorch goes round
WAYS = {"cpu": ("eager", "compiled"), "cuda": ("eager", "compiled", "amp", "amp_compiled", "amp_graphs")}
COMPILE_LIMIT = 300  # seconds that torch.compile and the first steps may take: with ATen forced to AVX2 they never end
# What PyTorch's environment may be set to; the fastest is kept. OpenMP's threads spin or sleep, may be bound.
ENVIRONMENTS = {
    "default": ({}, []),
    "passive waits": ({"OMP_WAIT_POLICY": "passive"}, []),
    "bound threads": ({"OMP_PROC_BIND": "true", "OMP_PLACES": "cores"}, []),
    "without oneDNN": ({}, ["--without-onednn"]),
}


def run(command, environment=None, may_fail_after=None):
    """Standard output and peak memory (MB) of a command. None where it may fail and did, or took longer than that
    many seconds. This process stays small: a child's peak is at least its parent's size at the fork."""
    process = subprocess.Popen(
        [str(word) for word in command],
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if may_fail_after else None,
        text=True,
    )
    limit = threading.Timer(may_fail_after or threading.TIMEOUT_MAX, process.kill)
    limit.daemon = True
    limit.start()
    output = process.stdout.read()
    limit.cancel()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode == 0:
        return output, usage.ru_maxrss / 1024
    if may_fail_after:
        return None, None
    raise SystemExit(f"compare_pytorch: failed: {' '.join(map(str, command))}")


class Comparison:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.setting = "default"
        common = [f"run.threads={arguments.threads}", f"run.backend={arguments.device}"]
        overrides = [*common, f"training.batch_size={arguments.batch}", *arguments.set]
        self.settings = [word for value in overrides for word in ("--set", value)]

    def engine(self, command, *words):
        return run([self.arguments.engine, command, self.arguments.config, *self.settings, *words])

    def prepare(self):
        short = ["--set", "data.synthetic.patients=60", "--set", "training.epochs=1"]
        self.engine("run", *short, "--experiment-name", "run", "--output-dir", self.folder, "--quiet")
        last = self.folder / "run" / "checkpoints" / "last.safetensors"
        common = [*short, "--checkpoint", last, "--force", "--out"]
        self.engine("trace", *common, self.folder / "exact.safetensors", "--set", "model.dropout=0")
        self.engine("trace", *common, self.folder / "trace.safetensors", "--batches", BATCHES)

    def pytorch(self, task, seconds=None, setting=None, may_fail_after=None):
        a = self.arguments
        environment, words = ENVIRONMENTS[setting or self.setting]
        command = [sys.executable, PYTORCH_SIDE, task, self.folder, "--device", a.device, "--threads", a.threads]
        command += ["--seconds", seconds or a.seconds, *words]
        output, megabytes = run(command, {"OMP_NUM_THREADS": str(a.threads), **environment}, may_fail_after)
        return None if output is None else {**json.loads(output), "peak_mb": megabytes}

    def time_engine(self, name):
        words = ["--set", f"data.synthetic.patients={self.arguments.patients}", "--set", "training.epochs=2"]
        _, megabytes = self.engine(
            "run", *words, "--experiment-name", name, "--output-dir", self.folder, "--quiet"
        )
        with open(self.folder / name / "epochs.csv", newline="") as file:
            _, row = csv.DictReader(file)
        return {"recordings_per_second": float(row["recordings_per_second"]), "peak_mb": megabytes}

    def choose_setting(self):
        if self.arguments.device != "cpu":
            return
        rates = {}
        for name in ENVIRONMENTS:
            rates[name] = self.pytorch("eager", 3, name)["recordings_per_second"]
            print(f"  PyTorch eager, {name}: {rates[name]:.0f} recordings/s", flush=True)
        self.setting = max(rates, key=rates.get)

    def works(self, way):
        if self.pytorch(way, 2, may_fail_after=COMPILE_LIMIT) is not None:
            return True
        print(f"  PyTorch {way} does not work here, or not within {COMPILE_LIMIT} s")
        return False

    def run(self):
        a = self.arguments
        versions = self.pytorch("versions")
        versions.pop("peak_mb")
        sides = f"batch {a.batch}, {a.threads} threads, torch {versions['torch']}"
        print(f"{a.config} {' '.join(a.set)}, {sides}", flush=True)
        self.prepare()
        errors = self.pytorch("compare")
        errors.pop("peak_mb")
        print("same network: relative errors", {k: f"{v:.1e}" for k, v in errors.items()}, flush=True)
        self.choose_setting()
        ways = [way for way in WAYS[a.device] if way == "eager" or self.works(way)]
        rounds = []
        for i in range(a.pairs):
            row = {"engine": self.time_engine(f"timed{i}"), **{way: self.pytorch(way) for way in ways}}
            row["sgemm"] = self.pytorch("sgemm")
            rounds.append(row)
            rates = {k: round(v["recordings_per_second"]) for k, v in row.items() if k != "sgemm"}
            print(f"round {i + 1}: recordings/s {rates}, sgemm {row['sgemm']['gflops']:.0f} GF/s", flush=True)
        result = {
            "config": str(a.config),
            "set": a.set,
            "device": a.device,
            "batch": a.batch,
            "threads": a.threads,
            "versions": {"python": sys.version.split()[0], **versions},
            "pytorch_setting": self.setting,
            "errors": errors,
            **summary(ways, rounds),
            "rounds": rounds,
        }
        for key, value in result.items():
            if key != "rounds":
                print(f"{key}: {value}")
        if a.json:
            a.json.write_text(json.dumps(result, indent=2) + "\n")


def summary(ways, rounds):
    """Medians and spreads; ratios are taken within a round."""

    def values(side, key):
        return [r[side][key] for r in rounds]

    result = {}
    for side in ways:
        pairs = zip(values("engine", "recordings_per_second"), values(side, "recordings_per_second"))
        ratios = [ours / theirs for ours, theirs in pairs]
        result[f"ratio_{side}_median"] = statistics.median(ratios)
        result[f"ratio_{side}_spread"] = [min(ratios), max(ratios)]
    for side in ("engine", *ways):
        result[f"{side}_recordings_per_second"] = statistics.median(values(side, "recordings_per_second"))
        result[f"{side}_peak_mb"] = max(values(side, "peak_mb"))
    for side in ways:
        result[f"{side}_forward_backward"] = statistics.median(values(side, "forward_backward"))
    result["sgemm_gflops"] = statistics.median(values("sgemm", "gflops"))
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", type=Path, default=Path("build/abr_engine"), help="the program abr_engine")
    parser.add_argument("--config", type=Path, default=Path("configs/quickstart.toml"))
    parser.add_argument("--set", action="append", default=[], help="as of abr_engine run, for both sides")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--batch", type=int, default=64, help="recordings of a step [64]")
    parser.add_argument("--pairs", type=int, default=5, help="rounds of engine and PyTorch [5]")
    parser.add_argument("--seconds", type=float, default=8, help="of a PyTorch measurement [8]")
    parser.add_argument("--patients", type=int, default=200, help="of the engine's two epochs [200]")
    parser.add_argument("--json", type=Path, help="write the results here, too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Comparison(arguments, Path(folder)).run()


if __name__ == "__main__":
    main()
