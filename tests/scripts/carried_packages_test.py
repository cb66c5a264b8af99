#!/usr/bin/env python3
"""carried_packages_test.py SOURCE COMPILER CMAKE

Configures the source tree with doctest unpacked elsewhere than where Debian's package thinks that it is, as
tools/carry_packages.sh leaves it, and compiles a test's main. The carried header is marked, and a source that is compiled
with any other one fails.
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
SKIPPED = 77


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
        commands = json.loads((build / "compile_commands.json").read_text())
        mains = [c for c in commands if c["file"].endswith(("tests/main.cpp", "tests/cuda/main.cpp"))]
        if len(mains) < 2:
            sys.exit("no test's main is compiled")
        for command in mains[:1] + mains[-1:]:
            arguments = shlex.split(command["command"])
            checked = pathlib.Path(folder, "checked.cpp")
            checked.write_text(f'#include <doctest/doctest.h>\n#ifndef {MARK}\n#error not the carried header\n#endif\n')
            arguments = [str(checked) if a == command["file"] else a for a in arguments if a != "-c"]
            arguments = arguments[:arguments.index("-o")] + arguments[arguments.index("-o") + 2:] + ["-fsyntax-only"]
            subprocess.run(arguments, cwd=command["directory"], check=True, env={**os.environ, "CCACHE_DISABLE": "1"})
    print("compiled with the carried doctest")
    return 0


if __name__ == "__main__":
    sys.exit(main())
