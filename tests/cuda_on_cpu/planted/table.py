"""table.py DOC [--write] PLAIN ASAN RACE

Runs every planted fault in the three builds (programs planted_faults_*) and succeeds where the table in DOC says what they
reported; --write writes it.
"""
import pathlib
import re
import subprocess
import sys

BEGIN = "<!-- planted faults: written by `cmake --build build --target planted_faults_table` -->\n"
END = "<!-- planted faults end -->\n"
HEADER = "| planted fault | plain | ASan and UBSan | race |\n|---|---|---|---|\n"
# A report's words, and how the table calls it.
REPORTS = {
    "race: ": "race",
    "no thread has written": "unwritten shared memory",
    "too much shared memory": "too much shared memory",
    "written behind": "overrun of shared memory",
    "out of bounds: ": "out of bounds",
    "segmentation fault": "segmentation fault",
    "AddressSanitizer": "AddressSanitizer",
    "out of bounds for type": "UBSan: index",
    "null pointer": "UBSan: null pointer",
    "misaligned address": "UBSan: alignment",
    "misaligned access": "misaligned access",
    "divergent barrier": "divergent barrier",
    "divergent warp": "divergent warp",
    "wrong mask": "wrong mask",
    "invalid launch": "invalid launch",
    "wrong result": "wrong result",
}


def report(program, fault):
    run = subprocess.run([program, fault], capture_output=True, text=True)
    found = re.search("|".join(map(re.escape, REPORTS)), run.stdout + run.stderr)
    return REPORTS[found[0]] if run.returncode != 0 and found else "–"


def main():
    write = "--write" in sys.argv
    doc, *programs = (a for a in sys.argv[1:] if a != "--write")
    faults = subprocess.run([programs[0]], capture_output=True, text=True, check=True).stdout.split()
    rows = [[fault.replace("_", " ")] + [report(program, fault) for program in programs] for fault in faults]
    if unseen := [row[0] for row in rows if set(row[1:]) == {"–"}]:
        sys.exit(f"reported by no build: {', '.join(unseen)}")
    table = HEADER + "".join("| " + " | ".join(row) + " |\n" for row in rows)
    doc = pathlib.Path(doc)
    before, rest = doc.read_text().split(BEGIN)
    old, after = rest.split(END)
    if write:
        doc.write_text(before + BEGIN + table + END + after)
    elif old != table:
        sys.exit(f"the table in {doc} is not what the builds report; write it with\n"
                 f"cmake --build build --target planted_faults_table\n{table}")
    print(f"{len(rows)} planted faults")


if __name__ == "__main__":
    main()
