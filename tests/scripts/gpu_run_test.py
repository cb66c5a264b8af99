#!/usr/bin/env python3
"""gpu_run_test.py SOURCE ENGINE

scripts/gpu_run.sh as far as it goes without a device: with a device hidden every step ends with "no device" or without
a failure; rehearsed on the CPU the engine's steps are done; what a step that fails or hangs does to the others, to the
screen, the table, the archive and the exit code, of which programs of this file play the part.
"""
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile

source, engine = map(pathlib.Path, sys.argv[1:3])
SCRIPT = source / "scripts/gpu_run.sh"
ARCHIVE_BYTES = 16 << 20
failures = []


def check(what, holds, output=""):
    if not holds:
        failures.append(what)
        print(f"FAILED: {what}\n{output}")


class Folder:
    def __init__(self, path, device_tests):
        self.path, self.programs = pathlib.Path(path), pathlib.Path(path, "programs")
        self.programs.mkdir()
        (self.programs / "abr_engine").symlink_to(engine.resolve())
        self.program("test_cuda_device", device_tests)
        self.program("device_ceilings", "echo 'no device: as planted'; exit 1")

    def program(self, name, text):
        (self.programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.programs / name).chmod(0o755)

    def run(self, *words):
        out = self.path / "results"
        result = subprocess.run([SCRIPT, "--out", out, *words], capture_output=True, text=True,
                                env={**os.environ, "ABR_PROGRAMS": str(self.programs), "CUDA_VISIBLE_DEVICES": ""})
        rows = (out / "table.txt").read_text().splitlines()
        with tarfile.open(f"{out}.tar.gz") as archive:
            self.names = archive.getnames()
        check("the archive is small", os.path.getsize(f"{out}.tar.gz") <= ARCHIVE_BYTES)
        check("the archive has the table", "results/table.txt" in self.names)
        return result, {row.split()[0]: row for row in rows}



def listed():
    lines = subprocess.run([SCRIPT, "--list"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split()[0] for line in lines]


def without_device():
    with tempfile.TemporaryDirectory() as path:
        result, rows = Folder(path, "echo 'skipped: no device'; exit 77").run()
        check("every step is in the table, in order", list(rows) == listed(), result.stdout)
        for name, row in rows.items():
            expected = "done" if name in ("machine", "programs") else "no device"
            check(f"{name}: {expected}", f" {expected} " in row, row)
        check("nothing failed", result.returncode == 0, result.stdout)
        check("the table comes last", result.stdout.rstrip().splitlines()[-2] == list(rows.values())[-1])


def rehearsed():
    with tempfile.TemporaryDirectory() as path:
        f = Folder(path, "exit 0")
        result, rows = f.run("--rehearse", "backends", "repeat", "epochs", "profile")
        check("the engine's steps are done", result.returncode == 0 and all(" done " in r for r in rows.values()),
              result.stdout)
        check("chosen steps alone", list(rows) == ["backends", "repeat", "epochs", "profile"])
        check("hashes are compared", "equal" in rows["repeat"], rows["repeat"])
        check("profiles are taken home", {"results/profile-b512.csv", "results/profile-b32.csv"} <= set(f.names))
        check("checkpoints are not", not any(name.endswith(".safetensors") for name in f.names))


def failing():
    with tempfile.TemporaryDirectory() as path:
        lines = Folder(path, "seq -f 'line %g' 100; exit 3")
        result, rows = lines.run("--rehearse", "kernels", "machine")
        shown = result.stdout.splitlines()
        check("the last 30 lines are shown", "line 71" in shown and "line 70" not in shown, result.stdout)
        check("a failure is named and counted", "FAILED (3)" in rows["kernels"] and result.returncode == 1)
        check("the next step runs", " done " in rows["machine"], rows["machine"])


def hanging():
    with tempfile.TemporaryDirectory() as path:
        result, rows = Folder(path, "echo begun; sleep 600").run("--rehearse", "--minutes", "0.05", "kernels", "machine")
        check("a step that hangs is ended", "OUT OF TIME" in rows["kernels"] and result.returncode == 1, result.stdout)
        check("what comes after the end is not begun", "not begun" in rows["machine"], rows["machine"])


def mistakes():
    for words in (["--minutes"], ["--minutes", "soon"], ["warm-up"], ["--fast"]):
        result = subprocess.run([SCRIPT, *words], capture_output=True, text=True, cwd="/")
        check(f"{words} is refused in one line", result.returncode == 2 and result.stderr.count("\n") == 1, result.stderr)


for part in (without_device, rehearsed, failing, hanging, mistakes):
    part()
print(f"{len(failures)} failures")
sys.exit(bool(failures))
