"""expect_report.py PROGRAM FAULT TEXT SOURCE...

Runs a planted fault. Succeeds where the program fails, reports TEXT (a regular expression), and names the file and a
line that a comment "fault: FAULT" marks in one of the sources.
"""
import pathlib
import re
import subprocess
import sys

program, fault, text, *sources = sys.argv[1:]
marked = [f"{pathlib.Path(source).name}:{number}"
          for source in sources
          for number, line in enumerate(pathlib.Path(source).read_text().splitlines(), 1)
          if re.search(rf"// fault: {fault}$", line)]
if not marked:
    sys.exit(f"no line is marked '// fault: {fault}'")
run = subprocess.run([program, fault], capture_output=True, text=True)
output = run.stdout + run.stderr
print(output)
if run.returncode == 0:
    sys.exit("not reported")
if not re.search(text, output):
    sys.exit(f"reported without '{text}'")
if not any(re.search(re.escape(place) + r"\b", output) for place in marked):
    sys.exit(f"reported without any of {', '.join(marked)}")
