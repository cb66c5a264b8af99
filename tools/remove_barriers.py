#!/usr/bin/env python3
"""Removes each barrier of the CUDA kernels in turn, in copies, and shows whether the kernel tests report it.

    tools/remove_barriers.py build [FILE[:LINE] ...]     by default all of kernels/cuda

Needs the programs test_cuda_on_cpu_race and test_cuda_on_cpu_plain of that build. For each barrier the .cu files that
reach it are compiled again without it, linked with the rest of the build, and run on the test cases that launch their
kernels: with the race detector, and where that says nothing, without it under more schedules. Prints a table; exit
status 1 where a removal was not reported: a barrier that no test needs, or that is not needed. Takes minutes.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
KERNELS = ROOT / "kernels/cuda"
BARRIER = re.compile(r"\b__sync\w*\([^()]*\)")
FUNCTION = re.compile(r"__(?:global|device)__[\w\s<>:*&]*?\b(\w+)\s*\(")
REPORT = re.compile(r"([\w/.]+:\d+): (race|reads shared memory that no thread has written|out of bounds|divergent \w+)")

Barrier = collections.namedtuple("Barrier", "path line function source")  # source: the file without it


def find_barriers(path):
    if path.name.startswith("device"):
        return  # names and defines them
    text = path.read_text()
    if len(BARRIER.findall(text)) != text.count("__sync"):
        sys.exit(f"{path}: a barrier in a form that this script does not read")
    for found in BARRIER.finditer(text):
        before = text[:found.start()]
        line = before.count("\n") + 1
        functions = FUNCTION.findall(re.sub(r"__launch_bounds__\s*\([^()]*\)", "", before))
        yield Barrier(path, line, functions[-1], before + "(void)0" + text[found.end():])


def sources_that_reach(path):
    """The .cu files that a file of kernels/cuda is compiled into."""
    reached, waiting = {path}, [path]
    while waiting:
        name = waiting.pop().relative_to(ROOT)
        for other in KERNELS.glob("*.cu*"):
            if other not in reached and f'#include "{name}"' in other.read_text():
                reached.add(other)
                waiting.append(other)
    return sorted(p for p in reached if p.suffix == ".cu")


class TestProgram:
    """One build of the kernel tests."""

    def __init__(self, build, kind):
        self.build = build
        self.path = build / f"tests/cuda/test_cuda_on_cpu_{kind}"
        objects = f"tests/cuda/CMakeFiles/kernels_{kind}.dir/"
        self.compiles = {}
        for entry in json.loads((build / "compile_commands.json").read_text()):
            command = shlex.split(entry["command"])
            if objects in entry["command"]:
                self.compiles[pathlib.Path(entry["file"])] = command
        commands = subprocess.run(["ninja", "-C", build, "-t", "commands", self.path.relative_to(build)],
                                  capture_output=True, text=True, check=True).stdout.splitlines()
        words = shlex.split(commands[-1])
        output = words.index(str(self.path.relative_to(build)))
        begin = max(i for i in range(output) if words[i] == "&&") + 1
        self.link = words[begin:words.index("&&", output)]

    def build_without(self, barrier, source, folder):
        """Path of a test program in which `source` is compiled with `barrier` removed."""
        changed = folder / barrier.path.relative_to(ROOT)
        changed.parent.mkdir(parents=True, exist_ok=True)
        changed.write_text(barrier.source)
        command = list(self.compiles[source])
        old = command[command.index("-o") + 1]
        new = str(folder / "kernels.o")
        command[command.index("-o") + 1] = new
        command.insert(1, f"-I{folder}")  # in front of the project: the changed header is found first
        if source == barrier.path:
            command[-1] = str(changed)
        subprocess.run(command, cwd=self.build, check=True)
        program = folder / "program"
        link = [new if word == old else str(program) if word == str(self.path.relative_to(self.build)) else word
                for word in self.link]
        if link == self.link or new not in link:
            sys.exit(f"{old} is not among the objects of {self.path}")
        subprocess.run(link, cwd=self.build, check=True)
        return program


def run_case(program, case, **environment):
    name = case.replace(",", "\\,")
    return subprocess.run([program, f"-tc={name}", "--abort-after=1"], env=os.environ | environment,
                          capture_output=True, text=True)


def cases_by_source(program):
    """For each .cu file the test cases that launch one of its kernels."""
    listed = subprocess.run([program, "--list-test-cases"], capture_output=True, text=True, check=True).stdout
    names = [line for line in listed.splitlines() if line and not line.startswith(("[", "="))]
    kernels = {p: set(re.findall(r"\b(\w+_kernel)\(", p.read_text())) for p in KERNELS.glob("*.cu")}
    cases = collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            launched = pathlib.Path(folder, "launched")
            launched.write_text("")
            if run_case(program, name, ABR_KERNELS_EXERCISED=str(launched), ABR_KERNEL_SEED="0").returncode != 0:
                sys.exit(f"{name} fails with all barriers in place")
            found = set(re.findall(r"(\w+_kernel)\b", launched.read_text()))
            for path, defined in kernels.items():
                if defined & found:
                    cases[path].append(name)
    return cases


def try_removal(barrier, programs, cases):
    """(build, what it reported, the test case), or None."""
    for kind, program in programs.items():
        for source in sources_that_reach(barrier.path):
            if not cases[source]:
                continue
            with tempfile.TemporaryDirectory() as temporary:
                folder = pathlib.Path(temporary)
                changed = program.build_without(barrier, source, folder)
                for case in cases[source]:
                    run = run_case(changed, case)
                    if run.returncode == 0:
                        continue
                    output = (run.stdout + run.stderr).replace(f"{folder}/", "")
                    found = REPORT.search(output)
                    return kind, f"{found[1]}: {found[2]}" if found else "wrong values", case
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("only", nargs="*", metavar="FILE[:LINE]", help="below kernels/cuda, such as loss.cu:99")
    arguments = parser.parse_args()
    barriers = [b for path in sorted(KERNELS.glob("*.cu*")) for b in find_barriers(path)]
    if arguments.only:
        barriers = [b for b in barriers if {b.path.name, f"{b.path.name}:{b.line}"} & set(arguments.only)]
    build = arguments.build.resolve()
    programs = {kind: TestProgram(build, kind) for kind in ("race", "plain")}
    cases = cases_by_source(programs["race"].path)
    print("| barrier | in | build | reported | by the test case |\n|---|---|---|---|---|")
    missed = 0
    for barrier in barriers:
        report = try_removal(barrier, programs, cases)
        missed += report is None
        print(f"| {barrier.path.name}:{barrier.line} | `{barrier.function}` |",
              " | ".join(report or ("none", "not reported", "")), "|", flush=True)
    print(f"\n{len(barriers)} barriers in {len({b.path for b in barriers})} files, {missed} removals not reported")
    sys.exit(missed > 0)


if __name__ == "__main__":
    main()
