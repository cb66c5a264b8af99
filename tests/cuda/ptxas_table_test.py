"""ptxas_table_test.py SCRIPT OBJECT: tools/ptxas_table.py on the object of planted_spills.cu."""
import pathlib
import re
import subprocess
import sys
import tempfile

script, planted = sys.argv[1:]


def run(*arguments):
    command = [sys.executable, script, "--compiler", "1.2", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def expect(condition, what, run_):
    if not condition:
        sys.exit(f"{what}\nstatus {run_.returncode}\n{run_.stdout}{run_.stderr}")


with tempfile.TemporaryDirectory() as folder:
    doc = pathlib.Path(folder, "ptxas.md")
    sound = pathlib.Path(folder, "sound.cu.o")
    report = pathlib.Path(planted + ".ptxas").read_text()
    # The entries of the kernel without a fault.
    entries = re.split(r"(?=^ptxas info +: Compiling entry function)", report, flags=re.MULTILINE)
    pathlib.Path(f"{sound}.ptxas").write_text("".join(e for e in entries if "sound_kernel" in e))

    faulty = run(planted)
    expect(faulty.returncode == 1, "a planted spill passed", faulty)
    for kernel in ("spilling_kernel", "local_array_kernel"):
        expect(re.search(rf"{kernel} for sm_\w+ has [1-9]\d* bytes of stack", faulty.stderr), f"no {kernel}", faulty)
    expect(re.search(r"[1-9]\d* of spill stores", faulty.stderr), "no spill store", faulty)
    expect("sound_kernel" not in faulty.stderr, "a kernel without a fault was reported", faulty)

    good = run(sound, "--doc", doc, "--write")
    expect(good.returncode == 0 and "`sound_kernel`" in doc.read_text(), "a kernel without a fault failed", good)
    expect(run(sound, "--doc", doc).returncode == 0, "the table just written is out of date", good)
    doc.write_text(doc.read_text().replace("`sound_kernel`", "`old_kernel`"))
    stale = run(sound, "--doc", doc)
    expect(stale.returncode == 1 and "is not what this build reports" in stale.stderr, "a stale table passed", stale)
    doc.write_text(doc.read_text().replace("nvcc 1.2", "nvcc 1.3"))
    other = run(sound, "--doc", doc)
    expect(other.returncode == 0, "the table of another compiler was compared", other)
    none = run("runtime.cpp.o")
    expect(none.returncode == 1, "a run without any report passed", none)
