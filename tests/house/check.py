#!/usr/bin/env python3
"""Holds the house rules that a compiler does not: include directions and banned words.

usage: check.py [--root DIR]

The rules are data, in directions.txt and banned_words.txt beside this file. Prints one line per violation,
`file:line: what: instead`, and exits 1 if there is any.
"""

import argparse
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
CODE = {".h", ".cc"}
ROOMS = ("net", "stun", "ice", "apps", "sim", "scenarios", "bench", "tests")
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


def files_of(root, suffixes):
    """Files of the rooms with one of the suffixes, as (path text relative to root, path), sorted."""
    found = []
    for room in ROOMS:
        for path in (root / room).rglob("*"):
            if path.suffix in suffixes and path.is_file():
                found.append((path.relative_to(root).as_posix(), path))
    return sorted(found)


def within(name, folder):
    return name == folder or name.startswith(folder + "/")


def read_directions(text):
    """{folder: [allowed]}; the foreign prefixes are under "foreign"."""
    directions = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        folder, colon, allowed = line.partition(":")
        if not colon or folder in directions:
            raise ValueError(f"directions.txt:{number}: expected `folder: allowed...`, each folder once")
        directions[folder.strip()] = allowed.split()
    return directions


def home_of(name, directions):
    """The longest folder of `directions` that holds the file, or beside which it stands with the same name."""
    homes = [f for f in directions if f != "foreign" and (within(name, f) or name.startswith(f + "."))]
    return max(homes, key=len, default=None)


def check_include(name, bracket, included, directions):
    """What is wrong with this include of file `name`, or None."""
    home = home_of(name, directions)
    if home is None:
        return "no rule in directions.txt for this folder"
    allowed = directions[home]
    for prefix in directions["foreign"]:
        if included.startswith(prefix):
            return None if prefix in allowed else f"{home} may not include {included}"
    if bracket == "<":
        return None
    if included.startswith("absl/"):
        return None
    target = home_of(included, directions)
    if target is None:
        return f"{included}: include from the top level, or list it in directions.txt"
    if target == home or included in allowed or target in allowed:
        return None
    return f"{home} may not include {included}"


def strip_comments(text):
    """The text with comments blanked out and its line numbers kept. Strings stay."""
    pattern = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|/\*.*?\*/', re.DOTALL)

    def blank(match):
        token = match.group(0)
        return re.sub(r"[^\n]", " ", token) if token[0] == "/" else token

    return pattern.sub(blank, text)


def read_banned(text):
    """Stanzas as dictionaries: in (list), word (regex), instead, except (list of file names)."""
    stanzas = []
    for block in re.split(r"\n\s*\n", "\n".join(l for l in text.splitlines() if not l.startswith("#"))):
        stanza = {"except": []}
        for line in block.strip().splitlines():
            key, colon, value = line.partition(":")
            value = value.strip()
            if key == "in":
                stanza["in"] = value.split()
            elif key == "word":
                stanza["word"] = re.compile(value)
            elif key == "instead":
                stanza["instead"] = value
            elif key == "except" and len(value.split()) > 1:
                stanza["except"].append(value.split()[0])
            else:
                raise ValueError(f"banned_words.txt: cannot read {line!r}")
        if len(stanza) > 1:
            if set(stanza) != {"in", "word", "instead", "except"}:
                raise ValueError(f"banned_words.txt: incomplete stanza {block!r}")
            stanzas.append(stanza)
    return stanzas


def applies(stanza, name):
    if name in stanza["except"]:
        return False
    for place in stanza["in"]:
        if place.startswith("*"):
            if name.endswith(place[1:]):
                return True
        elif within(name, place) and not name.endswith(".proto"):
            return True
    return False


def check_tree(root, directions, banned):
    violations = []
    for name, path in files_of(root, CODE | {".proto"}):
        lines = strip_comments(path.read_text(encoding="utf-8")).splitlines()
        stanzas = [s for s in banned if applies(s, name)]
        for number, line in enumerate(lines, 1):
            include = INCLUDE.match(line)
            if include and path.suffix in CODE:
                wrong = check_include(name, include.group(1), include.group(2), directions)
                if wrong:
                    violations.append(f"{name}:{number}: {wrong}")
            for stanza in stanzas:
                word = stanza["word"].search(line)
                if word:
                    violations.append(f"{name}:{number}: {word.group(0)}: instead, {stanza['instead']}")
    return violations


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=pathlib.Path, default=HERE.parent.parent, help="top of the tree")
    arguments = parser.parse_args()
    directions = read_directions((HERE / "directions.txt").read_text(encoding="utf-8"))
    banned = read_banned((HERE / "banned_words.txt").read_text(encoding="utf-8"))
    if not files_of(arguments.root, CODE):
        print(f"{arguments.root}: no code here", file=sys.stderr)
        return 2
    violations = check_tree(arguments.root, directions, banned)
    print("\n".join(violations) if violations else "house rules hold")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
