#!/usr/bin/env python3
"""Holds the top-level README to what is true: its scenarios come out as they expect, the commands on scenario files and
profiles that it shows work, and the paths it names exist. Program and CHANGELOG have the version of CMakeLists.txt.

usage: readme_test.py PINHOLE      the program
"""

import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def main():
    pinhole = sys.argv[1]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    bad = []

    scenarios = [block for block in re.findall(r"^```\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)
                 if "proto-message: Scenario" in block]
    if not scenarios:
        bad.append("README.md shows no scenario")
    for scenario in scenarios:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "readme.textproto"
            path.write_text(scenario, encoding="utf-8")
            for command in ("check", "sweep"):
                run = subprocess.run([pinhole, command, path], cwd=ROOT, capture_output=True, text=True, check=False)
                if run.returncode != 0:
                    bad.append(f"pinhole {command} exits with {run.returncode}:\n{run.stdout}{run.stderr}")

    shown = re.findall(r"`build/release/pinhole ((?:check|nats|run|sweep)\b[^`]*)`", readme)
    if not shown:
        bad.append("README.md shows no command")
    for arguments in shown:
        words = arguments.split()
        run = subprocess.run([pinhole, *words], cwd=ROOT, capture_output=True, text=True, check=False)
        # Of many cells, `run` lists some and asks for one.
        lists = words[0] == "run" and "--cell" not in words
        if run.returncode != (2 if lists else 0) or (lists and "--cell" not in run.stderr):
            bad.append(f"pinhole {arguments} exits with {run.returncode}:\n{run.stdout}{run.stderr}")

    for path in sorted(set(re.findall(r"(?:\./)?\b(?:[\w.]+/)+[\w.]*|\./dev\b|\.ci/run", readme))):
        if not path.startswith("build/") and not path.startswith("topologies/") and not (ROOT / path).exists():
            bad.append(f"README.md names {path}, which does not exist")

    cmake = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    version = re.search(r"project\(pinhole VERSION ([\d.]+)", cmake).group(1)
    printed = subprocess.run([pinhole, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    if printed != f"pinhole {version}":
        bad.append(f"pinhole --version prints {printed!r}; CMakeLists.txt says {version}")
    newest = re.search(r"^## .*", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE).group(0)
    if version not in newest:
        bad.append(f"CHANGELOG.md begins with {newest!r}; CMakeLists.txt says {version}")

    print("\n".join(bad) if bad else "README.md holds")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
