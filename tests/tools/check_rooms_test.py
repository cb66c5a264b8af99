#!/usr/bin/env python3
"""check_rooms_test.py ROOT: tools/check_rooms.py passes the source tree ROOT, and reports what is planted in a copy."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

FOLDERS = ("kernels", "model", "metrics", "engine", "bench", "tests")
# A file, the line that it gets, and the line of the report.
PLANTED = (
    ("kernels/view.hpp", '#include "model/learner.hpp"', "of model, which is not below kernels"),
    ("kernels/cuda/device_host.cuh", '#include "tests/file_faults.hpp"', "of no room of the product"),
    ("kernels/cuda_on_cpu/fiber.cpp", '#include "../../engine/error.hpp"', "of engine, which is not below kernels"),
    ("metrics/metric.hpp", "#include <engine/output/json.hpp>", "of engine/output, which is not below metrics"),
    ("model/network.cpp", '#include "metrics/metric.hpp"', "of metrics, which is not below model"),
    ("engine/error.hpp", '  #  include "engine/output/file.hpp"', "of engine/output, which is not below engine"),
    ("engine/output/csv.hpp", '#include "engine/cli/cli.hpp"', "of engine/cli, which is not below engine/output"),
    ("engine/config/config.hpp", '#include "../keys/keys.hpp"', "of engine/keys, which is not below engine/config"),
    ("engine/keys/load.cpp", '#include "engine/diagnostics/report.hpp"', "which is not below engine/keys"),
    ("engine/cli/main.cpp", '#include "bench/harness.hpp"', "of bench, which is not below engine/cli"),
)
ENGINE = "engine/CMakeLists.txt"
# Declarations that are no order: what stands in engine/CMakeLists.txt, what it becomes, and the report.
PLANTED_DECLARATIONS = (
    ("abr_room(engine/output DEPENDS engine", "abr_room(engine/output DEPENDS engine/cli", "rooms in a circle: "),
    ("abr_room(engine/output DEPENDS engine", "abr_room(engine/output DEPENDS attic", "attic, which is no room"),
    ("abr_room(engine/config", "abr_room(engine/output)\nabr_room(engine/config", "engine/output is declared twice"),
)


def check(root, tree):
    return subprocess.run([sys.executable, root / "tools/check_rooms.py", tree], capture_output=True, text=True)


def main():
    root = pathlib.Path(sys.argv[1])
    failures = []

    def expect(what, result, code, *reports):
        output = result.stdout + result.stderr
        print(f"{what}: exit status {result.returncode}\n{output}")
        if result.returncode != code or any(report not in output for report in reports):
            failures.append(what)

    expect("the tree as it is", check(root, root), 0, " 0 of them not downwards")
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / "tree"
        for name in FOLDERS:
            shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns("oracle", "results"))
        expect("a copy", check(root, copy), 0, " 0 of them not downwards")

        def plant(name, original, changed, *reports):
            (copy / name).write_text(changed, encoding="utf-8")
            expect(f"planted in {name}", check(root, copy), 1, *reports)
            (copy / name).write_text(original, encoding="utf-8")

        for name, line, report in PLANTED:
            text = (copy / name).read_text(encoding="utf-8")
            number = text.count("\n") + 1
            plant(name, text, text + line + "\n", f"{name}:{number}: includes ", report)
        text = (copy / ENGINE).read_text(encoding="utf-8")
        for old, new, report in PLANTED_DECLARATIONS:
            plant(ENGINE, text, text.replace(old, new), report)
        expect("the copy, restored", check(root, copy), 0, " 0 of them not downwards")
    for what in failures:
        print(f"not as expected: {what}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
