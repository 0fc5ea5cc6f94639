#!/usr/bin/env python3
"""Checks the messages of commits since the rule: at most 72 characters of subject, then a blank line if there is more.

usage: commits.py [--root DIR]

Looks at the commits that HEAD has and this clone knows, which in a shallow one are the last; merges are let be. Says one
line per violation and exits 1 if there is any.
"""

import argparse
import pathlib
import subprocess
import sys

SINCE = "2026-12-01T00:00:00Z"
SUBJECT_MAX = 72


def wrong_with(message):
    """What is wrong with a commit message, or None."""
    lines = message.rstrip("\n").split("\n")
    if len(lines[0]) > SUBJECT_MAX:
        return f"the subject has {len(lines[0])} characters, more than {SUBJECT_MAX}"
    if len(lines) > 1 and lines[1]:
        return "the second line is not blank"
    return None


def messages(root):
    """[(id, message)], or None where there is no repository."""
    command = ["git", "-C", str(root), "log", "--no-merges", f"--since={SINCE}", "--format=%h%n%B%x00"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return None
    entries = [entry.lstrip("\n") for entry in run.stdout.split("\0")]
    return [tuple(entry.split("\n", 1)) for entry in entries if entry]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent.parent)
    found = messages(parser.parse_args().root)
    if found is None:
        print("no commits to look at: this is no clone")
        return 0
    bad = [(commit, wrong, message) for commit, message in found if (wrong := wrong_with(message))]
    for commit, wrong, message in bad:
        print(f"commit {commit}: {wrong}: {message.splitlines()[0]}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
