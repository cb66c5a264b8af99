#!/usr/bin/env python3
"""Plants small faults in a copy of the sources, one at a time, and prints those that no test notices.

A slip is a record in tools/slips/*.toml:

    [[slip]]
    id = "ema-warm-up"
    file = "model/backend_learner.hpp"
    find = '(1 + done) / (10 + done)'      # stands exactly once in the file
    replace = '(1 + done) / (100 + done)'
    program = "test_model"                 # the test program that should catch it ...
    tests = "learner: the average*"        # ... with these of its test cases (doctest's -tc)
    why = "what an engineer would have got wrong"
    equivalent = "why no test can notice"  # optional: known to survive

    tools/slips.py                         # all of them; -n 10 is a good idea on a machine that is shared
    tools/slips.py ema-warm-up model.toml  # some: by id, by part of the file's path, or a list
    tools/slips.py --resume                # only those that are new, or whose record, file or tests have changed
    tools/slips.py --check                 # every record fits the sources; fast, nothing is built

Each of --jobs workers has a copy of the tracked and untracked sources with a build folder of its own below
build/slips, so only the first run compiles everything. Before anything is planted the chosen tests must pass.
Exit status: 0 if all are caught or known to be equivalent, 1 if some survive, 2 if something is wrong with a record.
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

ROOT = Path(__file__).resolve().parent.parent

# Test program -> (place in the build folder, folder of its tests).
PROGRAMS = {
    **{f"test_{name}": (f"tests/test_{name}", f"tests/{name}") for name in
       ("kernels", "model", "metrics", "engine", "e2e")},
    **{f"test_cuda_on_cpu_{build}": (f"tests/cuda/test_cuda_on_cpu_{build}", "tests/cuda") for build in
       ("plain", "asan", "race")},
}
FIELDS = {"id", "file", "find", "replace", "program", "tests", "why"}


class RecordError(Exception):
    pass


class Slip:
    def __init__(self, record, source):
        missing, unknown = FIELDS - record.keys(), record.keys() - FIELDS - {"equivalent"}
        if missing or unknown:
            raise RecordError(f"{source}: `{record.get('id', '?')}`: missing {sorted(missing)}, "
                              f"unknown {sorted(unknown)}")
        self.__dict__.update(record)
        self.equivalent = record.get("equivalent", "")
        self.list = source.name
        self.record = record

    def planted(self, text):
        return text.replace(self.find, self.replace)


def read_slips(folder):
    slips = []
    for source in sorted(folder.glob("*.toml")):
        try:
            records = tomllib.loads(source.read_text()).get("slip", [])
        except tomllib.TOMLDecodeError as error:
            raise RecordError(f"{source}: {error}") from None
        slips += [Slip(record, source) for record in records]
    return slips


def test_names(root, folder):
    """The names of all test cases in a folder, literals put together."""
    names = []
    literals = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
    for source in sorted((root / folder).rglob("*_test.cpp")):
        for match in re.finditer(r"TEST_CASE(?:_TEMPLATE)?\(\s*" + literals, source.read_text()):
            names.append("".join(re.findall(r'"((?:[^"\\]|\\.)*)"', match.group(1))))
    return names


def matches(patterns, name):
    """Whether doctest's -tc takes the name: comma-separated, * and ? as wildcards, letters of any case."""
    for pattern in re.split(r"(?<!\\),", patterns):
        expression = re.escape(pattern.replace("\\,", ",")).replace(r"\*", ".*").replace(r"\?", ".")
        if re.fullmatch(expression, name, re.IGNORECASE):
            return True
    return False


def problems_of(slips, root):
    """What is wrong with the records, as lines."""
    problems = [f"`{name}` is used {count} times" for name, count in Counter(s.id for s in slips).items() if count > 1]
    names = {}
    for slip in slips:
        def wrong(what):
            problems.append(f"{slip.list}: `{slip.id}`: {what}")
        path = root / slip.file
        if not path.is_file():
            wrong(f"there is no {slip.file}")
        else:
            found = path.read_text().count(slip.find)
            if found != 1:
                wrong(f"the snippet stands {found} times in {slip.file}, expected once: {slip.find.strip()[:80]!r}")
        if slip.find == slip.replace:
            wrong("it changes nothing")
        if slip.program not in PROGRAMS:
            wrong(f"no test program {slip.program}; expected one of {', '.join(PROGRAMS)}")
            continue
        folder = PROGRAMS[slip.program][1]
        if folder not in names:
            names[folder] = test_names(root, folder)
        if not any(matches(slip.tests, name) for name in names[folder]):
            wrong(f"no test case of {folder} is called {slip.tests!r}")
    return problems


def chosen(slips, wanted):
    if not wanted:
        return slips
    return [s for s in slips if any(w == s.id or w == s.list or w in s.file for w in wanted)]


def source_files():
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            capture_output=True, check=True).stdout.decode().split("\0")
    return [name for name in listed if name and (ROOT / name).is_file()]


def write_if_different(path, content):
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


class Worker:
    """A copy of the sources and its build folder."""

    def __init__(self, folder, ninja_jobs):
        self.tree, self.build, self.ninja_jobs = folder / "tree", folder / "tree/build", ninja_jobs

    def prepare(self, files):
        for path in sorted(self.tree.rglob("*")):
            relative = path.relative_to(self.tree)
            if path.is_file() and relative.parts[0] != "build" and str(relative) not in files:
                path.unlink()
        for name in files:
            write_if_different(self.tree / name, (ROOT / name).read_bytes())
            (self.tree / name).chmod((ROOT / name).stat().st_mode)
        self.run(["cmake", "-S", self.tree, "-B", self.build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                  "-DABR_CUDA=OFF", "-DABR_BENCHMARKS=OFF"], None, check=True)

    def run(self, command, limit, check=False):
        """(status, output); the status is None where the time limit has passed."""
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.tree,
                                   start_new_session=True)
        try:
            output, status = process.communicate(timeout=limit)[0], process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            output, status = process.communicate()[0], None
        except BaseException:
            os.killpg(process.pid, 9)
            raise
        text = output.decode(errors="replace")
        if check and status != 0:
            raise RecordError(f"{' '.join(map(str, command))} failed:\n{text[-4000:]}")
        return status, text

    def make(self, programs):
        return self.run(["ninja", "-C", self.build, "-j", str(self.ninja_jobs), *sorted(programs)], None)

    def test(self, program, tests, limit):
        """'pass', 'fail', 'hang' or 'nothing', and the first lines that failed."""
        status, output = self.run([self.build / PROGRAMS[program][0], "-tc=" + tests, "--minimal"], limit)
        if status is None:
            return "hang", ""
        if re.search(r"test cases: +0 ", output):
            return "nothing", output
        return ("pass" if status == 0 else "fail"), output

    def judge(self, slip, limit):
        path = self.tree / slip.file
        original = path.read_text()
        path.write_text(slip.planted(original))
        try:
            status, output = self.make([slip.program])
            if status != 0:
                return "does not build", output[-4000:]
            outcome, output = self.test(slip.program, slip.tests, limit)
        finally:
            path.write_text(original)
        names = {"pass": "survives", "fail": "caught", "hang": "caught", "nothing": "no test ran"}
        return names[outcome], output[-4000:]


def fingerprint(slip):
    """Changes with the record, the file it is planted in, and the tests of its program."""
    digest = hashlib.sha256(json.dumps(slip.record, sort_keys=True).encode())
    digest.update((ROOT / slip.file).read_bytes())
    for source in sorted((ROOT / PROGRAMS[slip.program][1]).rglob("*_test.cpp")):
        text = source.read_text()
        if any(matches(slip.tests, name) for name in re.findall(r'TEST_CASE[A-Z_]*\(\s*"((?:[^"\\]|\\.)*)', text)):
            digest.update(text.encode())
    return digest.hexdigest()


class Results:
    """What became of each slip, kept in a file so that --resume knows it."""

    def __init__(self, path):
        self.path, self.lock = path, threading.Lock()
        self.entries = json.loads(path.read_text()) if path.is_file() else {}

    def known(self, slip):
        entry = self.entries.get(slip.id, {})
        return entry.get("fingerprint") == fingerprint(slip) and entry["outcome"] in ("caught", "survives")

    def add(self, slip, outcome, seconds):
        with self.lock:
            self.entries[slip.id] = {"outcome": outcome, "fingerprint": fingerprint(slip)}
            self.path.write_text(json.dumps(self.entries, indent=1, sort_keys=True))
            print(f"{outcome:14}  {slip.id}  ({slip.file}, {seconds:.0f} s)", flush=True)


def check_clean(worker, slips, limit):
    """Without a slip the tests pass, or a failure would say nothing."""
    programs = {slip.program for slip in slips}
    print(f"building {', '.join(sorted(programs))} without a slip", flush=True)
    status, output = worker.make(programs)
    if status != 0:
        raise RecordError(f"the sources do not build:\n{output[-4000:]}")
    for program in sorted(programs):
        tests = ",".join(sorted({slip.tests for slip in slips if slip.program == program}))
        outcome, output = worker.test(program, tests, 20 * limit)
        if outcome != "pass":
            raise RecordError(f"{program} does not pass without a slip ({outcome}):\n{output[-4000:]}")


def run(slips, arguments, results):
    files = set(source_files())
    workers = [Worker(arguments.folder / str(i), max(1, (os.cpu_count() or 1) // arguments.jobs))
               for i in range(arguments.jobs)]
    queue = sorted(slips, key=lambda s: (s.file, s.program))  # neighbours compile the same files
    lock, failures = threading.Lock(), []

    def work(worker, first):
        try:
            worker.prepare(files)
            if first:
                check_clean(worker, slips, arguments.limit)
            while True:
                with lock:
                    if not queue or failures:
                        return
                    slip = queue.pop(0)
                start = time.monotonic()
                outcome, output = worker.judge(slip, arguments.limit)
                results.add(slip, outcome, time.monotonic() - start)
                if outcome in ("does not build", "no test ran") or arguments.verbose:
                    print(output, flush=True)
        except Exception as error:  # the others end after the slip under way
            failures.append(error)

    threads = [threading.Thread(target=work, args=(worker, i == 0), daemon=True) for i, worker in enumerate(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def report(slips, results):
    """The survivors and totals; the exit status."""
    outcome = {slip.id: results.entries.get(slip.id, {}).get("outcome", "not judged") for slip in slips}
    totals = Counter(outcome.values())
    for slip in slips:
        if outcome[slip.id] == "survives":
            print(f"\nsurvives: {slip.id} ({slip.file}): {slip.why}")
            print(f"  equivalent: {slip.equivalent}" if slip.equivalent else f"  tests: {slip.program} {slip.tests}")
        elif slip.equivalent and outcome[slip.id] == "caught":
            print(f"\n{slip.id} is said to be equivalent, and is caught: correct the record")
    print("\n" + f"{len(slips)} slips: " + ", ".join(f"{count} {name}" for name, count in totals.most_common()))
    if any(name not in ("caught", "survives") for name in totals):
        return 2
    return 1 if any(outcome[s.id] == "survives" and not s.equivalent for s in slips) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wanted", nargs="*", help="ids, parts of file paths, or names of lists; all if none is given")
    parser.add_argument("--check", action="store_true", help="only check the records against the sources")
    parser.add_argument("--resume", action="store_true", help="pass over what was judged and has not changed")
    parser.add_argument("--jobs", type=int, default=1, help="copies to build and test in at the same time")
    parser.add_argument("--limit", type=float, default=120, help="seconds the tests of a slip may take")
    parser.add_argument("--folder", type=Path, default=ROOT / "build/slips", help="for the copies and results")
    parser.add_argument("--lists", type=Path, default=ROOT / "tools/slips", help="folder of the lists")
    parser.add_argument("--root", type=Path, default=ROOT, help="the sources, for --check")
    parser.add_argument("--verbose", action="store_true", help="print what the tests say")
    arguments = parser.parse_args()
    try:
        every = read_slips(arguments.lists)
        problems = problems_of(every, arguments.root)
        if problems:
            raise RecordError("\n".join(problems))
        slips = chosen(every, arguments.wanted)
        if not slips:
            raise RecordError("no slip is chosen")
        if arguments.check:
            print(f"{len(every)} slips fit the sources")
            return 0
        arguments.folder.mkdir(parents=True, exist_ok=True)
        results = Results(arguments.folder / "results.json")
        waiting = [s for s in slips if not (arguments.resume and results.known(s))]
        if waiting:
            run(waiting, arguments, results)
        return report(slips, results)
    except RecordError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
