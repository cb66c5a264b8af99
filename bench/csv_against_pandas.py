#!/usr/bin/env python3
"""Reading a CSV of recordings: the engine beside pandas' C reader, in the same run, with equal values checked.

  build/abr_engine synth --out cohort.csv
  python3 bench/csv_against_pandas.py cohort.csv --reader build/bench/read_csv

Runs under an interpreter that has pandas. The readers take turns; the smallest time of each counts. Besides wall time
it prints processor time, which a loaded machine changes less. Memory is the peak of the process, for the engine also
relative to the recordings in float32.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

PANDAS = """
import json, resource, sys, time
import numpy, pandas
before = resource.getrusage(resource.RUSAGE_SELF)
start = time.perf_counter()
table = pandas.read_csv(sys.argv[1], engine="c", float_precision="round_trip")
wall = time.perf_counter() - start
after = resource.getrusage(resource.RUSAGE_SELF)
samples = [c for c in table.columns if c[0] == "s" and c[1:].isdigit()]
table[samples].to_numpy(numpy.float32).tofile(sys.argv[2])
print(json.dumps({"rows": len(table), "length": len(samples), "wall_s": wall,
                  "user_s": after.ru_utime - before.ru_utime, "system_s": after.ru_stime - before.ru_stime,
                  "peak_mb": after.ru_maxrss * 1.024e-3}))
"""


def measure(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{command[0]}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def same(first, second):
    with open(first, "rb") as a, open(second, "rb") as b:
        return a.read() == b.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", help="recordings in the engine's own layout")
    parser.add_argument("--reader", default="build/bench/read_csv", help="the built program [%(default)s]")
    parser.add_argument("--repeats", type=int, default=5, help="of each reader [%(default)s]")
    arguments = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    kinds = {f"engine, {cores} threads": lambda out: [arguments.reader, arguments.csv, str(cores), out],
             "engine, 1 thread": lambda out: [arguments.reader, arguments.csv, "1", out],
             "pandas, 1 thread": lambda out: [sys.executable, "-c", PANDAS, arguments.csv, out]}
    runs = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory() as folder:
        files = {kind: os.path.join(folder, f"{i}.f32") for i, kind in enumerate(kinds)}
        for _ in range(arguments.repeats):
            for kind, command in kinds.items():
                runs[kind].append(measure(command(files[kind])))
        first = next(iter(files.values()))
        equal = all(same(first, other) for other in files.values())

    one = runs["pandas, 1 thread"][0]
    print(f"{arguments.csv}: {os.path.getsize(arguments.csv) / 1e6:.0f} MB, {one['rows']} x {one['length']}; "
          f"smallest of {arguments.repeats} runs each; load average {os.getloadavg()[0]:.1f} on {cores} cores")
    print(f"{'':20}{'wall s':>9}{'user s':>9}{'system s':>10}{'peak MB':>9}")
    best = {}
    for kind, measured in runs.items():
        best[kind] = {key: min(run[key] for run in measured) for key in ("wall_s", "user_s", "system_s", "peak_mb")}
        print(f"{kind:20}{best[kind]['wall_s']:9.2f}{best[kind]['user_s']:9.2f}{best[kind]['system_s']:10.2f}"
              f"{best[kind]['peak_mb']:9.0f}")
    pandas = best["pandas, 1 thread"]
    for kind in list(kinds)[:2]:
        print(f"{kind}: {pandas['wall_s'] / best[kind]['wall_s']:.1f} x faster than pandas in wall time, "
              f"{pandas['user_s'] / best[kind]['user_s']:.1f} x in processor time")
    data = runs[next(iter(kinds))][0]["data_mb"]
    print(f"engine's memory: {best[next(iter(kinds))]['peak_mb'] / data:.2f} x the recordings in float32 ({data:.0f} MB)")
    print("values identical" if equal else "VALUES DIFFER")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
