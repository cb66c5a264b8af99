#!/usr/bin/env python3
"""Checks what ptxas reported of the kernels: none spills registers or keeps a local array on a stack.

    tools/ptxas_table.py --compiler VERSION [--doc docs/ptxas.md [--write]] OBJECT...

Reads OBJECT.ptxas (tools/keep_ptxas_report.sh) for each object of a .cu file; others are passed over. --doc: the table
of that file has to be the one of these reports, where the same compiler made it; --write: writes it. The build's target
ptxas_table writes docs/ptxas.md. Exit status 1: a kernel spills or has a stack, or the table is out of date.
"""
import argparse
import collections
import dataclasses
import pathlib
import re
import subprocess
import sys

# Kernels whose launch adds shared memory, of a size that the shapes decide.
DYNAMIC_SHARED = re.compile(r"^group_norm_(forward|backward)_kernel")

HEADER = """# What ptxas reports of each kernel

From nvcc {compiler} for {architectures}; written by `cmake --build build --target ptxas_table`.

A test fails where a kernel of the build spills registers or has a stack (a local array), or where this table is not what
the same compiler reports now. "40 / 32" gives the architectures in that order, one number stands for all. Shared memory is
what a block declares; `+` marks kernels whose launch adds some by shape: GroupNorm's backward pass up to 32 KiB and six
rows of the block's channels, its forward pass half of that (`Part::tile_and_tables`).

{summary}

| file | kernel | registers | shared memory, bytes | stack, bytes | spill stores / loads, bytes |
|---|---|---|---|---|---|
"""


@dataclasses.dataclass
class Usage:
    registers: int = 0
    shared: int = 0
    stack: int = 0
    spill_stores: int = 0
    spill_loads: int = 0


def short(name):
    """A demangled name without namespaces and parameters."""
    name = re.sub(r"\(anonymous namespace\)::|abr::cuda::|^void ", "", name)
    name = re.sub(r"\(Tile\)(\d)", lambda m: ("large", "medium", "narrow")[int(m[1])], name)
    depth = 0
    for i in range(len(name) - 1, -1, -1):
        depth += (name[i] == ")") - (name[i] == "(")
        if name[i] == "(" and depth == 0:
            return name[:i]
    return name


def demangle(symbols):
    out = subprocess.run(["c++filt"], input="\n".join(symbols), capture_output=True, text=True, check=True).stdout
    return dict(zip(symbols, map(short, out.splitlines())))


def read_report(path):
    """{(kernel, architecture): Usage}; functions that a kernel calls count with it."""
    usages, symbols, current = {}, [], None
    for line in path.read_text().splitlines():
        if entry := re.search(r"Compiling entry function '(\S+)' for '(\w+)'", line):
            symbols.append(entry[1])
            current = usages[entry[1], entry[2]] = Usage()
        elif found := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line):
            current.stack += int(found[1])
            current.spill_stores += int(found[2])
            current.spill_loads += int(found[3])
        elif found := re.search(r"Used (\d+) registers", line):
            current.registers = int(found[1])
            if shared := re.search(r"(\d+) bytes smem", line):
                current.shared = int(shared[1])
    names = demangle(symbols)
    return {(names[symbol], architecture): usage for (symbol, architecture), usage in usages.items()}


def cell(values):
    values = list(values)
    return str(values[0]) if len(set(values)) == 1 else " / ".join(map(str, values))


def table(compiler, reports):
    architectures = sorted({architecture for usages in reports.values() for _, architecture in usages})
    rows, count = [], 0
    for file, usages in reports.items():
        kernels = collections.defaultdict(dict)
        for (kernel, architecture), usage in usages.items():
            kernels[kernel][architecture] = usage
        for kernel, by_architecture in sorted(kernels.items()):
            used = [by_architecture[a] for a in architectures]
            shared = cell(u.shared for u in used) + (" +" if DYNAMIC_SHARED.match(kernel) else "")
            spills = cell(f"{u.spill_stores} / {u.spill_loads}" for u in used)
            rows.append(f"| {file} | `{kernel}` | {cell(u.registers for u in used)} | {shared} |"
                        f" {cell(u.stack for u in used)} | {spills} |\n")
            count += 1
    most = max((u for usages in reports.values() for u in usages.values()), key=lambda u: u.registers)
    summary = f"{count} kernels, template instances counted; at most {most.registers} registers a thread."
    return HEADER.format(compiler=compiler, architectures=" / ".join(architectures), summary=summary) + "".join(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("objects", nargs="+", metavar="OBJECT")
    parser.add_argument("--compiler", required=True, metavar="VERSION", help="of nvcc")
    parser.add_argument("--doc", type=pathlib.Path, help="the table to compare with")
    parser.add_argument("--write", action="store_true", help="write --doc")
    arguments = parser.parse_args()

    objects = sorted(o for o in arguments.objects if o.endswith(".cu.o"))
    reports = {pathlib.Path(o).name[:-2]: read_report(pathlib.Path(o + ".ptxas")) for o in objects}
    faults = []
    for file, usages in reports.items():
        for (kernel, architecture), u in usages.items():
            if u.stack or u.spill_stores or u.spill_loads:
                faults.append(f"{file}: {kernel} for {architecture} has {u.stack} bytes of stack, {u.spill_stores} of "
                              f"spill stores, {u.spill_loads} of spill loads")
    count = sum(map(len, reports.values()))
    if count == 0:
        faults.append("no kernel is in these reports")
    elif arguments.doc:
        text = table(arguments.compiler, reports)
        old = "" if arguments.write else arguments.doc.read_text()
        if arguments.write:
            arguments.doc.write_text(text)
        elif text != old and old.split("\n")[2] == text.split("\n")[2]:  # the same compiler and architectures
            faults.append(f"{arguments.doc} is not what this build reports; write it with "
                          "cmake --build build --target ptxas_table")
    if faults:
        sys.exit("\n".join(faults))
    print(f"{count} kernels and architectures without a stack or a spill")


if __name__ == "__main__":
    main()
