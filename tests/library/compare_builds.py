#!/usr/bin/env python3
"""Holds two builds of the program against each other over the scenario library: for a change that is meant to move
nothing.

usage: compare_builds.py BEFORE AFTER [--rename PATH=KEY] [--ignore PATH] [FILE...]

BEFORE and AFTER are programs; the files are all of scenarios/library/, as each program carries them, unless some are
named. Compared are, for each file, what `check --list` and `sweep` print, the JSON of every run, and the ladder of the
first and the last cell. JSON is compared byte by byte. Where a key was meant to change, --rename gives BEFORE's key
another name and --ignore leaves a key out on both sides; PATH goes through lists ("punching.killed.segment"). Prints a
line for each file; ends with 1 if anything differs.
"""

import argparse
import itertools
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# The one line of a sweep that tells wall-clock time.
TIMING = re.compile(r"^in [0-9.]+ s on \d+ threads?$")


def printed(program, arguments):
    """The lines that the program prints on both streams, and how it ends."""
    run = subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    lines = run.stdout.splitlines() + run.stderr.splitlines() + [f"exit code {run.returncode}"]
    return [line for line in lines if not TIMING.match(line)]


def difference(before, after):
    """Where two lists of lines part, in words; "" if they do not."""
    for number, (one, other) in enumerate(itertools.zip_longest(before, after), 1):
        if one == other:
            continue
        one, other = one or "", other or ""
        at = next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))
        start = max(0, at - 60)
        return f"line {number}: {one[start:at + 60]!r} became {other[start:at + 60]!r}"
    return ""


def at_path(value, keys):
    """Every object that `keys` but the last lead to, through lists."""
    if isinstance(value, list):
        for element in value:
            yield from at_path(element, keys)
    elif isinstance(value, dict):
        if len(keys) == 1:
            yield value
        elif keys[0] in value:
            yield from at_path(value[keys[0]], keys[1:])


def normal(line, renames, ignored):
    """A line of JSON as a value, with the changes of --rename and --ignore."""
    value = json.loads(line)
    for path, key in renames:
        for owner in at_path(value, path.split(".")):
            old = path.rsplit(".", 1)[-1]
            if old in owner:
                owner[key] = owner.pop(old)
    for path in ignored:
        for owner in at_path(value, path.split(".")):
            owner.pop(path.rsplit(".", 1)[-1], None)
    return value


def json_difference(arguments, path):
    """(runs compared, where their JSON differs)"""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, program in (("before", arguments.before), ("after", arguments.after)):
            files.append(pathlib.Path(folder) / name)
            subprocess.run([program, "sweep", path, "-q", "--json", files[-1]], cwd=ROOT, capture_output=True,
                           check=False)
        runs = 0
        with open(files[0], encoding="utf-8") as before, open(files[1], encoding="utf-8") as after:
            for one, other in itertools.zip_longest(before, after, fillvalue=""):
                runs += 1
                if one == other:
                    continue
                if one and other and (arguments.rename or arguments.ignore):
                    if (normal(one, arguments.rename, arguments.ignore) ==
                            normal(other, [], arguments.ignore)):
                        continue
                return runs, f"JSON {difference([one], [other])} (run {runs})"
    return runs, ""


def compare(arguments, path):
    """(runs compared, list of what differs)"""
    differs = []
    listed = printed(arguments.after, ["check", "--list", path])
    commands = [["check", "--list", path], ["sweep", path]]
    for cell in {listed[0], listed[-2]} if len(listed) > 1 else ():
        commands.append(["run", path, "--cell", cell])
    for command in commands:
        found = difference(printed(arguments.before, command), printed(arguments.after, command))
        if found:
            differs.append(f"`{' '.join(map(str, command))}`, {found}")
    runs, found = json_difference(arguments, path)
    if found:
        differs.append(found)
    return runs, differs


def rename(text):
    path, equals, key = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError("say PATH=KEY")
    return path, key


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("before", type=pathlib.Path)
    parser.add_argument("after", type=pathlib.Path)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    parser.add_argument("--rename", action="append", type=rename, default=[], metavar="PATH=KEY")
    parser.add_argument("--ignore", action="append", default=[], metavar="PATH")
    arguments = parser.parse_intermixed_args()
    arguments.before, arguments.after = arguments.before.resolve(), arguments.after.resolve()
    # By its name in the data that each program carries: BEFORE may not read a file of today.
    names = sorted(path.name for path in (ROOT / "scenarios" / "library").glob("*.textproto"))
    files = arguments.files or [pathlib.Path("library") / name for name in names]
    total, bad = 0, 0
    for path in files:
        shown = path.resolve().relative_to(ROOT) if path.resolve().is_relative_to(ROOT) else path
        runs, differs = compare(arguments, shown)
        total += runs
        bad += bool(differs)
        print(f"{shown}: {runs} runs {'DIFFER' if differs else 'equal'}", flush=True)
        for found in differs:
            print(f"  {found}")
    for command in (["nats"], ["nats", "--markdown"], ["--help"], ["--version"]):
        found = difference(printed(arguments.before, command), printed(arguments.after, command))
        if found:
            bad += 1
            print(f"pinhole {' '.join(command)} DIFFERS: {found}")
    print(f"{len(files)} files, {total} runs: {'all equal' if bad == 0 else f'{bad} differ'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
