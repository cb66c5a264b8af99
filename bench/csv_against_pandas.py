#!/usr/bin/env python3
"""Reading a CSV of recordings: the engine beside pandas' C reader, in the same run, with equal values checked.

  build/abr_engine synth --out cohort.csv
  python3 bench/csv_against_pandas.py cohort.csv --reader build/bench/read_csv

Runs under an interpreter that has pandas. The readers take turns; the ratios are medians over the rounds. Besides wall
time it prints processor time, which a loaded machine changes less. Memory is the peak of the process, for the engine
also relative to the recordings in float32. pandas from 3.1 on reads with several threads unless it is told not to; it
is measured both ways, pinned to one core for "1 thread".
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

PANDAS = """
import json, os, resource, sys, time, warnings
if sys.argv[3] == "1":
    os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])
import numpy, pandas
warnings.simplefilter("ignore")  # float_precision is deprecated from pandas 3.1 on
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
    parser.add_argument("--repeats", type=int, default=5, help="rounds, in which each reader has a turn [%(default)s]")
    arguments = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    many = f"{cores} threads"

    def pandas(threads):
        return lambda out: [sys.executable, "-c", PANDAS, arguments.csv, out, threads]

    def engine(threads):
        return lambda out: [arguments.reader, arguments.csv, threads, out]

    kinds = {f"engine, {many}": engine(str(cores)), "engine, 1 thread": engine("1"),
             "pandas, 1 thread": pandas("1"), f"pandas, {many}": pandas(str(cores))}
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
          f"medians of {arguments.repeats} rounds; load average {os.getloadavg()[0]:.1f} on {cores} cores")
    print(f"{'':20}{'wall s':>9}{'smallest':>10}{'user s':>9}{'system s':>10}{'peak MB':>9}")
    for kind, measured in runs.items():
        median = {key: statistics.median(run[key] for run in measured)
                  for key in ("wall_s", "user_s", "system_s", "peak_mb")}
        print(f"{kind:20}{median['wall_s']:9.3f}{min(run['wall_s'] for run in measured):10.3f}{median['user_s']:9.3f}"
              f"{median['system_s']:10.3f}{median['peak_mb']:9.0f}")

    def ratio(slow, fast, seconds):
        return statistics.median(seconds(a) / seconds(b) for a, b in zip(runs[slow], runs[fast]))

    for fast, slow in ((f"engine, {many}", "pandas, 1 thread"), ("engine, 1 thread", "pandas, 1 thread"),
                       (f"engine, {many}", f"pandas, {many}")):
        print(f"{fast} against {slow}: {ratio(slow, fast, lambda run: run['wall_s']):.1f} x faster in wall time, "
              f"{ratio(slow, fast, lambda run: run['user_s'] + run['system_s']):.1f} x in processor time")
    data = runs[next(iter(kinds))][0]["data_mb"]
    print(f"engine's memory: {max(run['peak_mb'] for run in runs[f'engine, {many}']) / data:.2f} x the recordings in float32 ({data:.0f} MB)")
    print("values identical" if equal else "VALUES DIFFER")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
