#!/usr/bin/env python3
"""Checks in the disassembly that the matrix products' inner loops keep their sums in registers.

    inner_loops.py LIBRARY

GCC puts an array of vectors on the stack as soon as one index is not a constant: a third of the speed, and no other
test would notice. For each SIMD level, the innermost loops with fused multiply-adds of the float product must touch no
stack, and one of them must hold a whole register tile. Exit status 77 (skipped) without objdump or on other processors.
"""

import platform
import re
import shutil
import subprocess
import sys

LEVELS = ("AVX2", "AVX3")
TILE = 12  # multiply-adds of 6 rows by 2 vectors
FUNCTION = re.compile(r"^[0-9a-f]+ <(?:void )?abr::cpu::N_(\w+)::multiply_rows<2, float>")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")


def functions(library):
    """The instructions (address, mnemonic, operands) of each level's product."""
    listing = subprocess.run(
        ["objdump", "-d", "-C", "--no-show-raw-insn", library], capture_output=True, text=True, check=True
    ).stdout
    found, current = {}, None
    for line in listing.splitlines():
        if line.endswith(">:"):
            match = FUNCTION.match(line)
            current = found.setdefault(match[1], []) if match else None
        elif current is not None and (match := INSTRUCTION.match(line)):
            current.append((int(match[1], 16), match[2], match[3]))
    return found


def inner_loops(instructions):
    """The bodies of the innermost loops that multiply and add."""
    loops = []
    for address, mnemonic, operands in instructions:
        target = re.match(r"([0-9a-f]+) <", operands)
        if mnemonic.startswith("j") and target and int(target[1], 16) <= address:
            begin = int(target[1], 16)
            body = [i for i in instructions if begin <= i[0] <= address]
            if any(i[1].startswith("vfmadd") for i in body):
                loops.append((begin, address, body))
    return [
        body
        for begin, end, body in loops
        if not any((b, e) != (begin, end) and begin <= b and e <= end for b, e, _ in loops)
    ]


def main():
    if platform.machine() not in ("x86_64", "AMD64") or not shutil.which("objdump"):
        print("skipped: needs objdump on x86-64")
        return 77
    found = functions(sys.argv[1])
    failures = [f"{level}: the product was not found" for level in LEVELS if level not in found]
    for level in LEVELS:
        instructions, tiles = found.get(level, []), []
        framed = any(m == "mov" and o == "%rsp,%rbp" for _, m, o in instructions)
        stack = ("(%rsp", "(%rbp") if framed else ("(%rsp",)
        for body in inner_loops(instructions):
            tiles.append(sum(i[1].startswith("vfmadd") for i in body))
            on_stack = [f"{m} {o}" for _, m, o in body if any(s in o for s in stack)]
            if on_stack:
                failures.append(f"{level}: a loop of {tiles[-1]} multiply-adds uses the stack: {on_stack[0]}")
        print(f"{level}: inner loops of {sorted(tiles)} multiply-adds")
        if TILE not in tiles:
            failures.append(f"{level}: no inner loop of {TILE} multiply-adds")
    print(*failures, sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
