#!/usr/bin/env python3
"""Interrupts runs of abr_engine at random moments, goes on with them, and compares them with an uninterrupted one.

    interruptions.py kills     kill -9 and SIGTERM, some during a save, some twice
    interruptions.py disk      the disk becomes full, or a limit on file size is set, while a run goes on
    interruptions.py calls     each of the first calls that change a file fails, in a run that goes on

After each interruption every file must be whole but for a last CSV line; at the end everything in the run folder must
be that of the uninterrupted run, bit for bit, but for the two time columns. Exit code 0 if all were, 1 if not,
77 where `disk` may not mount a small file system (root, or unshare of util-linux, is needed)."""
import argparse
import csv
import io
import json
import os
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SHORTENED = {
    "data.synthetic.patients": 60, "model.base_channels": 8, "model.levels": 3, "model.kernel": 3,
    "model.attention_layers": 1, "model.embed_dim": 16, "model.head_hidden": 16, "training.epochs": 3,
    "training.checkpoint_minutes": 0.002,  # several times in an epoch
    "run.threads": 1,
}
# Each has its own place: name of the run, machine, time.
NOT_COMPARED = {".lock", "config.toml", "environment.json", "diagnostics.md"}
TIMES = {"seconds", "recordings_per_second", "wall_seconds"}


class Failure(Exception):
    pass


def require(condition, message):
    if not condition:
        raise Failure(message)


class Engine:
    def __init__(self, arguments, place):
        self.arguments, self.place = arguments, Path(place)

    def start(self, name, fault=None):
        command = [self.arguments.engine, "run", self.arguments.config, "--quiet", "--resume", "--experiment-name",
                   name, "--output-dir", str(self.place)]
        for key, value in SHORTENED.items():
            command += ["--set", f"{key}={value}"]
        environment = dict(os.environ)
        if fault:
            environment |= {"LD_PRELOAD": self.arguments.faults, "ABR_FAULT": fault,
                            "ASAN_OPTIONS": "verify_asan_link_order=0"}
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self, name):
        process = self.start(name)
        _, errors = process.communicate()
        require(process.returncode == 0, f"exit code {process.returncode} instead of 0: {errors}")


def table(data, whole):
    """Rows of a CSV file; the last line may be torn unless `whole`."""
    text = data.decode()
    if not text.endswith("\n"):
        require(not whole, "the last line is torn")
        text = text[: text.rfind("\n") + 1]
    rows = list(csv.reader(io.StringIO(text)))
    require(all(len(row) == len(rows[0]) for row in rows), "a row of another number of cells than the header")
    return rows


def check_safetensors(data):
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    require(max(t["data_offsets"][1] for n, t in header.items() if n != "__metadata__") == len(data) - 8 - length,
            "the header and the file differ in size")


def check_whole(run):
    for path in run.rglob("*"):
        try:
            if path.suffix == ".csv":
                table(path.read_bytes(), whole=False)
            elif path.suffix == ".json":
                json.loads(path.read_text())
            elif path.suffix == ".safetensors":
                check_safetensors(path.read_bytes())
        except (Failure, ValueError, struct.error) as error:
            raise Failure(f"{path.name}: {error}") from error


def results(run):
    found = {}
    for path in run.rglob("*"):
        name = str(path.relative_to(run))
        if path.is_dir() or name in NOT_COMPARED or path.parent.name == "tensorboard":  # its events tell the time
            continue
        data = path.read_bytes()
        if name == "epochs.csv":
            header, *rows = table(data, whole=True)
            found[name] = [[c for c, column in zip(row, header) if column not in TIMES] for row in [header, *rows]]
        elif name in ("summary.json", "diagnostics.json"):
            found[name] = {k: v for k, v in json.loads(data).items() if k not in TIMES | {"run"}}
        else:
            found[name] = data
    return found


def check_same(expected, run):
    found = results(run)
    different = sorted(n for n in expected | found if expected.get(n) != found.get(n))
    require(not different, "not as in the uninterrupted run: " + ", ".join(different))


def wait_for_save(process, run):
    while process.poll() is None and not list(run.glob("checkpoints/*.tmp")):
        time.sleep(0.0005)


def end(process, codes, what):
    """False where the run was over before it was interrupted."""
    _, errors = process.communicate()
    if process.returncode == 0:
        return False
    require(process.returncode in codes, f"{what}: exit code {process.returncode} instead of {codes}: {errors}")
    return errors


def interrupt(engine, name, kind, moment, call):
    """One interruption of the run; false where it was over before."""
    run = engine.place / name
    if kind == "kill -9 at a file call":
        return end(engine.start(name, f"kill:{call}"), [-signal.SIGKILL], kind) is not False
    process = engine.start(name)
    if "save" in kind:
        time.sleep(moment / 2)
        wait_for_save(process, run)
    else:
        time.sleep(moment)
    if kind.startswith("kill"):
        process.kill()
        return end(process, [-signal.SIGKILL], kind) is not False
    process.terminate()
    if kind == "SIGTERM, then kill -9":
        time.sleep(random.random() * 0.1)
        process.kill()
        return end(process, [-signal.SIGKILL, 3], kind) is not False
    errors = end(process, [3], kind)
    require(errors is False or "--resume" in errors, f"{kind}: no command to go on with")
    return errors is not False


KINDS = ["kill -9", "SIGTERM in a save", "kill -9 at a file call", "SIGTERM", "kill -9 in a save",
         "SIGTERM, then kill -9"]


def kills(engine, expected, seconds, count):
    failures, interruptions = 0, 0
    for i in range(count):
        name, done = f"kill{i}", []
        try:
            wanted = 2 if i % 4 == 3 else 1
            while len(done) < wanted:
                kind = KINDS[(i + len(done)) % len(KINDS)]
                if interrupt(engine, name, kind, random.uniform(0.1, 0.95) * seconds, random.randint(1, 250)):
                    done.append(kind)
                    check_whole(engine.place / name)
                else:  # it was too late: from the beginning
                    shutil.rmtree(engine.place / name)
                    done = []
            engine.finish(name)
            check_same(expected, engine.place / name)
            shutil.rmtree(engine.place / name)
        except Failure as failure:
            failures += 1
            print(f"{name} ({', '.join(done)}): {failure}")
        interruptions += len(done)
    print(f"{count - failures} of {count} runs, interrupted {interruptions} times, ended with the bits of the "
          "uninterrupted one")
    return failures


def fill(folder):
    with open(folder / "ballast", "wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(4096))
        except OSError:
            pass


def disk(engine, expected, seconds, count):
    failures, moments = 0, 0
    small = engine.place / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(small)], check=True)
    engine = Engine(engine.arguments, small)
    for i in range(count):
        name, limit = f"disk{i}", i % 2 == 1
        words = "File too large" if limit else "No space left on device"
        try:
            failed = False
            while not failed:
                process = engine.start(name)
                time.sleep(random.uniform(0.3, 0.9) * seconds)
                if limit:
                    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (2000, 2000))
                else:
                    fill(small)
                errors = end(process, [1], words)
                failed = errors is not False
                if not failed:
                    shutil.rmtree(small / name)
                (small / "ballast").unlink(missing_ok=True)  # the larger disk
            require(words in errors, f"not said: {words}; but: {errors}")
            check_whole(small / name)
            moments += (small / name / "checkpoints/last.safetensors").exists()
            engine.finish(name)
            check_same(expected, small / name)
            shutil.rmtree(small / name)
        except Failure as failure:
            failures += 1
            print(f"{name}: {failure}")
    print(f"{count - failures} of {count} runs whose disk became full ({moments} of them with a checkpoint) said so, "
          "left every file whole and ended with the bits of the uninterrupted one")
    return failures


def calls(engine, expected, _, count):
    """Begins with a run that has a checkpoint, so that there is something to lose."""
    failures = 0
    interrupted = engine.place / "interrupted"
    while not list(interrupted.glob("checkpoints/best_f1.safetensors")):
        end(engine.start("interrupted", "kill:150"), [-signal.SIGKILL], "kill")
    for i in range(1, count + 1):
        name = f"call{i}"
        kind = "full" if i % 2 else "fail"
        try:
            shutil.copytree(interrupted, engine.place / name)
            errors = end(engine.start(name, f"{kind}:{i}"), [1], f"{kind}:{i}")
            require(errors, f"{kind}:{i}: no error")
            require("No space left on device" in errors, errors)
            check_whole(engine.place / name)
            require((engine.place / name / "checkpoints/last.safetensors").exists(), "no checkpoint is left")
            engine.finish(name)
            check_same(expected, engine.place / name)
            shutil.rmtree(engine.place / name)
        except Failure as failure:
            failures += 1
            print(f"{name}: {failure}")
    print(f"{count - failures} of {count} failing calls left every file whole; the runs ended with the bits of the "
          "uninterrupted one")
    return failures


def main():
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", choices=["kills", "disk", "calls"])
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", default=str(root / "build/abr_engine"))
    parser.add_argument("--faults", default=str(root / "build/tests/libabr_file_faults.so"))
    parser.add_argument("--config", default=str(root / "configs/quickstart.toml"))
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    unshared = "ABR_MOUNT_ALLOWED"  # in a name space of its own a mount is gone with the script
    if arguments.experiment == "disk" and unshared not in os.environ:
        allowed = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], stderr=subprocess.PIPE)
        if allowed.returncode != 0:
            print("no small file system: " + allowed.stderr.decode().strip())
            return 77
        os.environ[unshared] = "1"
        os.execvp("unshare", ["unshare", "-rm", sys.executable, *sys.argv])
    with tempfile.TemporaryDirectory() as place:
        engine = Engine(arguments, place)
        before = time.monotonic()
        engine.finish("uninterrupted")
        seconds = time.monotonic() - before
        expected = results(Path(place) / "uninterrupted")
        failures = globals()[arguments.experiment](engine, expected, seconds, arguments.count)
        if arguments.experiment == "disk":
            subprocess.run(["umount", str(Path(place) / "small")], check=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
