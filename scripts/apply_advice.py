#!/usr/bin/env python3
"""Prints the first finding's advice of a diagnosed run as --set arguments, and nothing else.

    scripts/apply_advice.py runs/NAME
    abr_engine run FILE.toml $(scripts/apply_advice.py runs/NAME)

Reads diagnostics.json of the run folder; prints nothing where the first finding has no lines to change.
"""
import argparse
import json
import pathlib
import sys


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path, help="the run's folder")
    report = parser.parse_args().run / "diagnostics.json"
    try:
        findings = json.loads(report.read_text(encoding="utf-8"))["findings"]
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"{report}: cannot be used ({error}); run abr_engine diagnose on the folder first")
    arguments = []
    for line in findings[0]["advice"]["toml"] if findings else []:
        # Text needs no quotes: --set takes what is no TOML value as text. So a shell can split the output.
        value = line["to"] if isinstance(line["to"], str) else json.dumps(line["to"])
        arguments += ["--set", f"{line['key']}={value}"]
    print(" ".join(arguments))


if __name__ == "__main__":
    main()
