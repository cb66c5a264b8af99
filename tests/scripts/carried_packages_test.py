#!/usr/bin/env python3
"""carried_packages_test.py SOURCE COMPILER CMAKE

Configures the source tree with doctest unpacked elsewhere than where Debian's package thinks that it is, as
tools/carry_packages.sh leaves it, and compiles what could not be compiled where the packages are only carried: a test,
which has to see the carried header (it is marked), and engine/training/resume.cpp, of which GCC 13 warned, by this
compiler and by every newer g++ that is installed, warnings taken for errors.
"""
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

MARK = "ABR_CARRIED_DOCTEST"
NEWER = ("g++-13", "g++-14", "g++-15")
SKIPPED = 77


def compile_as(entry, source, compiler=None, extra=()):
    """Runs a command of compile_commands.json on another source or by another compiler; the result goes nowhere."""
    words = shlex.split(entry["command"])
    at = words.index("-o")
    words = [str(source) if word == entry["file"] else word for word in words[:at] + words[at + 2:]]
    if compiler:
        words[next(i for i, word in enumerate(words) if word.startswith("-")) - 1] = compiler
    subprocess.run([*words, *extra, "-o", "/dev/null"], cwd=entry["directory"], check=True,
                   env={**os.environ, "CCACHE_DISABLE": "1"})


def main():
    source, compiler, cmake = sys.argv[1:]
    header, package = pathlib.Path("/usr/include/doctest"), pathlib.Path("/usr/lib/cmake/doctest")
    if not header.is_dir() or not package.is_dir():
        print("skipped: doctest is not Debian's")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        prefix, build = pathlib.Path(folder, "carried/usr"), pathlib.Path(folder, "build")
        shutil.copytree(header, prefix / "include/doctest")
        shutil.copytree(package, prefix / "lib/cmake/doctest")
        with open(prefix / "include/doctest/doctest.h", "a") as file:
            file.write(f"\n#define {MARK}\n")
        subprocess.run([cmake, "-S", source, "-B", build, f"-DCMAKE_CXX_COMPILER={compiler}", "-DABR_CUDA=OFF",
                        f"-DCMAKE_PREFIX_PATH={prefix}", "-DABR_BENCHMARKS=OFF"],
                       check=True, stdout=subprocess.DEVNULL)
        entries = {e["file"]: e for e in json.loads((build / "compile_commands.json").read_text())}

        def entry(name):
            return entries[str(pathlib.Path(source, name).resolve())]

        checked = pathlib.Path(folder, "checked.cpp")
        checked.write_text(f"#include <doctest/doctest.h>\n#ifndef {MARK}\n#error not the carried header\n#endif\n")
        for test in ("tests/main.cpp", "tests/cuda/main.cpp"):
            compile_as(entry(test), checked)
        resume = entry("engine/training/resume.cpp")
        compilers = [None, *filter(shutil.which, NEWER)]
        for other in compilers:
            compile_as(resume, resume["file"], other, ["-Werror"])
    print(f"compiled with the carried doctest, and resume.cpp by {len(compilers)} compilers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
