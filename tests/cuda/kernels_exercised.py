"""kernels_exercised.py LIST SCHEDULES FOLDER...

Succeeds where the kernels that the sources in the folders define are those of LIST (lines "seed kernel" that the tests wrote
through ABR_KERNELS_EXERCISED), those of the first folder under at least SCHEDULES seeds. A template counts by its name.
"""
import collections
import os
import pathlib
import re
import sys

KERNEL = re.compile(r"__global__\s+(?:(?:static|inline|void)\s+|__launch_bounds__\s*\([^()]*\)\s*)*(\w+)\s*\(")


def kernels_in(text):
    """Names of the kernels that a source defines; None where one cannot be read."""
    code = re.sub(r"//.*|/\*.*?\*/|^\s*#\s*define\b.*", "", text, flags=re.MULTILINE)
    names = KERNEL.findall(code)
    return names if len(names) == code.count("__global__") else None


def defined_kernels(folders):
    """The file of each kernel, by name."""
    files = {}
    for path in sorted(path for folder in folders for path in folder.glob("*.cu*")):
        names = kernels_in(path.read_text())
        if names is None:
            sys.exit(f"{path}: a __global__ that is not followed by 'void name(' in a form that this script reads")
        for name in names:
            if name in files:
                sys.exit(f"{name} is in {files[name]} and in {path}: the list could not tell them apart")
            files[name] = path
    return files


def main():
    listed, schedules = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    folders = [pathlib.Path(folder) for folder in sys.argv[3:]]
    if "ABR_KERNEL_SEED" in os.environ:
        print("skipped: ABR_KERNEL_SEED leaves one schedule")
        sys.exit(77)
    seeds = collections.defaultdict(set)
    for line in listed.read_text().splitlines():
        seed, name = line.split(" ", 1)
        seeds[name.split("<")[0].split("::")[-1]].add(seed)
    files = defined_kernels(folders)
    places = ", ".join(sys.argv[3:])
    faults = [f"{file}: {name} was launched by no test" for name, file in files.items() if name not in seeds]
    faults += [f"{files[name]}: {name} ran under {len(ran)} schedules, not {schedules}"
               for name, ran in seeds.items() if name in files and files[name].parent == folders[0] and len(ran) < schedules]
    faults += [f"{name} was launched, but is not in {places}" for name in seeds if name not in files]
    if faults:
        sys.exit("\n".join(faults))
    print(f"{len(files)} kernels, each under at least {schedules} schedules")


if __name__ == "__main__":
    main()
