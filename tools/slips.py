#!/usr/bin/env python3
"""Plants small faults in a copy of the sources, one at a time, and prints those that no test notices.

A slip is a record in tools/slips/*.toml:

    [[slip]]
    id = "ema-warm-up"
    file = "model/backend_learner.hpp"
    find = '(1 + done) / (10 + done)'         # stands exactly once in the file
    replace = '(1 + done) / (100 + done)'
    program = "test_model"                    # the test program that should notice it ...
    tests = "learner: the average*"           # ... with these of its test cases, as doctest's -tc
    why = "the average's warm-up is another"
    equivalent = "why no test can notice it"  # only of those that are known to survive

    tools/slips.py                            # all of them; with nice where the machine is shared
    tools/slips.py ema-warm-up model/         # some: by id, part of the file's path, or name of the list
    tools/slips.py --resume                   # only what is new, or whose record, file or tests have changed
    tools/slips.py --check                    # each record fits the sources; builds nothing

Each of --jobs workers has a copy of the sources and a build folder of its own below build/slips: the first run compiles
everything, later ones little. The tests must pass before anything is planted. Exit status: 0 if every slip is caught or
known to be equivalent, 1 if others survive, 2 where a record or the sources are wrong. Needs Python 3.11.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
import tomllib
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

# Test program -> (place in the build folder, folder of its tests).
PROGRAMS = {
    **{f"test_{name}": (f"tests/test_{name}", f"tests/{name}")
       for name in ("kernels", "model", "metrics", "engine", "e2e")},
    **{f"test_cuda_on_cpu_{build}": (f"tests/cuda/test_cuda_on_cpu_{build}", "tests/cuda")
       for build in ("plain", "asan", "race")},
}
FIELDS = {"id", "file", "find", "replace", "program", "tests", "why"}
LITERAL = r'"((?:[^"\\]|\\.)*)"'


class Wrong(Exception):
    """A record or the sources are not as they should be."""


def read_slips(root):
    slips = []
    for source in sorted((root / "tools/slips").glob("*.toml")):
        try:
            records = tomllib.loads(source.read_text()).get("slip", [])
        except tomllib.TOMLDecodeError as error:
            raise Wrong(f"{source}: {error}") from None
        for record in records:
            if not FIELDS <= record.keys() <= FIELDS | {"equivalent"}:
                raise Wrong(f"{source.name}: `{record.get('id')}` has the fields {', '.join(sorted(record))}; "
                            f"expected {', '.join(sorted(FIELDS))}, and equivalent at most")
            slips.append(SimpleNamespace(record=record, list=source.stem, **{"equivalent": "", **record}))
    return slips


def test_cases(root, program):
    """(name, file) of every test case of a program, the literals of a name put together."""
    for source in sorted((root / PROGRAMS[program][1]).rglob("*_test.cpp")):
        for case in re.finditer(rf"TEST_CASE(?:_TEMPLATE)?\(\s*((?:{LITERAL}\s*)+)", source.read_text()):
            yield "".join(re.findall(LITERAL, case[1])), source


def takes(filters, name):
    """Whether doctest's -tc takes a name: filters between commas, with * and ?, in any case."""
    def expression(one):
        return re.escape(one.replace(r"\,", ",")).replace(r"\*", ".*").replace(r"\?", ".")
    return any(re.fullmatch(expression(one), name, re.IGNORECASE) for one in re.split(r"(?<!\\),", filters))


def problems_of(slips, root):
    problems = [f"`{name}` is used {count} times" for name, count in Counter(s.id for s in slips).items() if count > 1]
    cases = {program: [name for name, _ in test_cases(root, program)] for program in PROGRAMS}
    for slip in slips:
        path = root / slip.file
        found = path.read_text().count(slip.find) if path.is_file() else 0
        for holds, what in (
                (path.is_file(), f"there is no {slip.file}"),
                (found == 1, f"the snippet stands {found} times in {slip.file}: {slip.find.strip()[:80]!r}"),
                (slip.find != slip.replace, "it changes nothing"),
                (slip.program in PROGRAMS, f"there is no test program {slip.program}"),
                (any(takes(slip.tests, name) for name in cases.get(slip.program, [])),
                 f"no test case of {slip.program} is called {slip.tests!r}")):
            if not holds:
                problems.append(f"{slip.list}: `{slip.id}`: {what}")
                break
    return problems


class Worker:
    """A copy of the sources and its build folder."""

    def __init__(self, root, folder, ninja_jobs):
        self.root, self.tree, self.build, self.ninja_jobs = root, folder, folder / "build", ninja_jobs
        self.sources = ""  # digest of the copy

    def prepare(self):
        """Brings the copy up to date; files that are the same keep their time."""
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=self.root,
                                capture_output=True, check=True).stdout.decode().split("\0")
        names = {name for name in listed if name and (self.root / name).is_file()}
        for path in list(self.tree.rglob("*")):
            name = path.relative_to(self.tree)
            if path.is_file() and name.parts[0] != "build" and str(name) not in names:
                path.unlink()
        digest = hashlib.sha256()
        for name in sorted(names):
            source, copy = self.root / name, self.tree / name
            content = source.read_bytes()
            digest.update(name.encode() + b"\0" + content)
            if not copy.is_file() or copy.read_bytes() != content:
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(content)
                copy.chmod(source.stat().st_mode)
        self.sources = digest.hexdigest()
        status, output = self.run(["cmake", "-S", self.tree, "-B", self.build, "-G", "Ninja",
                                   "-DCMAKE_BUILD_TYPE=Release", "-DABR_CUDA=OFF", "-DABR_BENCHMARKS=OFF"])
        if status != 0:
            raise Wrong(output)

    def run(self, command, limit=None):
        """Exit status and end of the output; None where the time limit has passed."""
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.tree,
                                   start_new_session=True)
        try:
            output, status = process.communicate(timeout=limit)[0], process.returncode
        except subprocess.TimeoutExpired:
            status = None
        finally:
            if process.returncode is None:
                os.killpg(process.pid, 9)
                output = process.communicate()[0]
        return status, output.decode(errors="replace")[-4000:]

    def make(self, programs):
        return self.run(["ninja", "-C", self.build, "-j", str(self.ninja_jobs), *sorted(programs)])

    def test(self, program, tests, limit):
        return self.run([self.build / PROGRAMS[program][0], "-tc=" + tests, "--abort-after=1", "--minimal"], limit)

    def check_clean(self, slips, limit, results):
        """Without a slip the tests pass, or a failure would say nothing. None is repeated with the same sources."""
        programs = sorted({slip.program for slip in slips})
        waiting = {program: {slip.tests for slip in slips if slip.program == program}
                   - results.passed(self.sources, program) for program in programs}
        waiting = {program: tests for program, tests in waiting.items() if tests}
        if not waiting:
            return
        print(f"building {', '.join(waiting)} without a slip", flush=True)
        status, output = self.make(waiting)
        for program, tests in waiting.items() if status == 0 else ():
            status, output = self.test(program, ",".join(sorted(tests)), len(tests) * limit)
            if status != 0:
                break
            results.add_passed(self.sources, program, tests)
        if status != 0:
            raise Wrong(f"without a slip there is a failure:\n{output}")

    def judge(self, slip, limit):
        """The outcome, and what the build or the tests say."""
        path = self.tree / slip.file
        original = path.read_text()
        path.write_text(original.replace(slip.find, slip.replace))
        try:
            status, output = self.make([slip.program])
            if status != 0:
                return "does not build", output
            status, output = self.test(slip.program, slip.tests, limit)
            return {0: "survives", None: "timed out"}.get(status, "caught"), output
        finally:
            path.write_text(original)


class Results:
    """What became of each slip, and which tests pass without one, in a file for --resume."""

    def __init__(self, root, path, resume):
        self.root, self.path, self.lock, self.resume = root, path, threading.Lock(), resume
        known = json.loads(path.read_text()) if path.is_file() else {}
        self.entries, self.clean = known.get("slips", {}), known.get("clean", {})

    def fingerprint(self, slip):
        """Changes with the record, the file it is planted in, and its tests."""
        tests = sorted({source for name, source in test_cases(self.root, slip.program) if takes(slip.tests, name)})
        digest = hashlib.sha256(json.dumps(slip.record, sort_keys=True).encode())
        for path in (self.root / slip.file, *tests):
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def outcome(self, slip):
        return self.entries.get(slip.id, {}).get("outcome", "not judged")

    def is_known(self, slip):
        return (self.outcome(slip) in ("caught", "survives") and
                self.entries[slip.id]["fingerprint"] == self.fingerprint(slip))

    def add(self, slip, outcome):
        with self.lock:
            self.entries[slip.id] = {"outcome": outcome, "fingerprint": self.fingerprint(slip)}
            self.write()

    def passed(self, sources, program):
        """The tests that passed with these sources before, without a slip."""
        known = self.clean if self.resume and self.clean.get("sources") == sources else {}
        return set(known.get("tests", {}).get(program, []))

    def add_passed(self, sources, program, tests):
        with self.lock:
            if self.clean.get("sources") != sources:
                self.clean = {"sources": sources, "tests": {}}
            self.clean["tests"][program] = sorted(tests | set(self.clean["tests"].get(program, [])))
            self.write()

    def write(self):
        self.path.write_text(json.dumps({"slips": self.entries, "clean": self.clean}, indent=1, sort_keys=True))


def plant(slips, workers, arguments, results):
    queue = sorted(slips, key=lambda slip: (slip.file, slip.program))  # neighbours compile the same
    lock, failures = threading.Lock(), []

    def work(worker):
        try:
            worker.prepare()
            if worker is workers[0]:
                worker.check_clean(slips, arguments.limit, results)
            while not failures:
                with lock:
                    if not queue:
                        return
                    slip = queue.pop(0)
                start = time.monotonic()
                outcome, output = worker.judge(slip, arguments.limit)
                results.add(slip, outcome)
                print(f"{outcome:14}  {slip.id}  ({slip.file}, {time.monotonic() - start:.0f} s)", flush=True)
                if outcome not in ("caught", "survives") or arguments.verbose:
                    print(output, flush=True)
        except Exception as error:  # the other workers end after the slip that they are at
            failures.append(error)

    threads = [threading.Thread(target=work, args=(worker,), daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def report(slips, results):
    """Prints survivors and totals; returns the exit status."""
    totals = Counter(results.outcome(slip) for slip in slips)
    survivors = [slip for slip in slips if results.outcome(slip) == "survives"]
    for slip in survivors:
        print(f"\nsurvives: {slip.id} ({slip.file}): {slip.why}")
        print(f"  equivalent: {slip.equivalent}" if slip.equivalent else f"  tests: {slip.program} {slip.tests}")
    for slip in slips:
        if slip.equivalent and results.outcome(slip) == "caught":
            print(f"\n{slip.id} is caught, and said to be equivalent: correct the record")
    print(f"\n{len(slips)} slips: " + ", ".join(f"{count} {outcome}" for outcome, count in totals.most_common()))
    if totals.keys() - {"caught", "survives"}:
        return 2
    return 1 if any(not slip.equivalent for slip in survivors) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wanted", nargs="*", help="ids, parts of file paths, or names of lists; all if none is given")
    parser.add_argument("--check", action="store_true", help="only check the records against the sources")
    parser.add_argument("--resume", action="store_true", help="pass over what was judged and has not changed")
    parser.add_argument("--jobs", type=int, default=1, help="copies that are built and tested at the same time")
    parser.add_argument("--limit", type=float, default=120, help="seconds that the tests of a slip may take")
    parser.add_argument("--verbose", action="store_true", help="print what the tests say")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent, help="the sources")
    arguments = parser.parse_args()
    try:
        every = read_slips(arguments.root)
        problems = problems_of(every, arguments.root)
        if problems:
            raise Wrong("\n".join(problems))
        if arguments.check:
            print(f"{len(every)} slips fit the sources")
            return 0
        slips = [slip for slip in every
                 if not arguments.wanted or any(w in (slip.id, slip.list) or w in slip.file for w in arguments.wanted)]
        if not slips:
            raise Wrong("no slip is chosen")
        folder = arguments.root / "build/slips"
        workers = [Worker(arguments.root, folder / str(i), max(1, (os.cpu_count() or 1) // arguments.jobs))
                   for i in range(arguments.jobs)]
        for worker in workers:
            worker.tree.mkdir(parents=True, exist_ok=True)
        results = Results(arguments.root, folder / "results.json", arguments.resume)
        waiting = [slip for slip in slips if not (arguments.resume and results.is_known(slip))]
        if waiting:
            plant(waiting, workers, arguments, results)
        return report(slips, results)
    except Wrong as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
