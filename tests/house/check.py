#!/usr/bin/env python3
"""Holds the house rules that a compiler does not: include directions, banned words, the form of citations.

usage: check.py [--root DIR]

The rules are data, in directions.txt, banned_words.txt and requirements.txt beside this file. Prints one line per violation,
`file:line: what: instead`, and exits 1 if there is any.
"""

import argparse
import collections
import fnmatch
import pathlib
import re
import sys

import citations

HERE = pathlib.Path(__file__).resolve().parent
CODE = {".h", ".cc"}
TEXT = CODE | {".proto", ".textproto", ".md", ".py", ".txt", ".cmake", ".json"}
CITING = CODE | {".proto", ".textproto", ".md"}
UNCITED = {"docs/nats.md"}  # `pinhole nats --markdown` prints it
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


# Lines of directions.txt that are no folders.
LISTS = ("foreign", "closed")


def read_directions(text):
    """{folder: [allowed]}; the foreign prefixes are under "foreign", the closed folders under "closed"."""
    directions = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        folder, colon, allowed = line.partition(":")
        if not colon or folder in directions:
            raise ValueError(f"directions.txt:{number}: expected `folder: allowed...`, each folder once")
        directions[folder.strip()] = []
        for name in allowed.split():
            above = name[1:] if name.startswith("+") else None
            if above and above not in directions:
                raise ValueError(f"directions.txt:{number}: no rule above for {name}")
            directions[folder.strip()] += [above, *directions[above]] if above else [name]
    for key in LISTS:
        directions.setdefault(key, [])
    for folder in directions["closed"]:
        if folder not in directions or folder in LISTS:
            raise ValueError(f"directions.txt: {folder} is closed and has no rule")
    return directions


def home_of(name, directions):
    """The longest folder of `directions` that holds the file, or beside which it stands with the same name. A header that
    protoc makes is the schema's, whatever its name."""
    beside = not name.endswith(".pb.h")
    homes = [f for f in directions if f not in LISTS and (within(name, f) or (beside and name.startswith(f + ".")))]
    return max(homes, key=len, default=None)


def listed_by_name(included, allowed):
    """Whether a rule lets this one file be included, rather than the folder that holds it."""
    return any(fnmatch.fnmatchcase(included, name) for name in allowed)


def wrong_of_home(home, bracket, included, directions):
    """What is wrong if a file of the folder `home` includes this, or None."""
    allowed = directions[home]
    for prefix in directions["foreign"]:
        if included.startswith(prefix):
            return None if prefix in allowed else f"{home} may not include {included}"
    if bracket == "<":
        return None
    if included.startswith("absl/"):
        return None
    if listed_by_name(included, allowed):
        return None
    target = home_of(included, directions)
    if target is None:
        return f"{included}: include from the top level, or list it in directions.txt"
    if target == home or target in allowed:
        return None
    return f"{home} may not include {included}"


def check_include(name, bracket, included, directions):
    """What is wrong with this include of file `name`, or None."""
    home = home_of(name, directions)
    if home is None:
        return "no rule in directions.txt for this folder"
    return wrong_of_home(home, bracket, included, directions)


def check_closed(graph, directions):
    """A closed folder reaches, at any depth, only files that it may include itself. A header stands for its .cc too."""
    violations = []
    for folder in directions["closed"]:
        came_from = {name: None for name in graph if home_of(name, directions) == folder}
        waiting = collections.deque(came_from)
        while waiting:
            name = waiting.popleft()
            own = home_of(name, directions) == folder
            nexts = [(bracket, included) for _, bracket, included in graph[name]]
            if name.endswith(".h"):
                nexts.append(('"', name[:-2] + ".cc"))
            for bracket, included in nexts:
                if included in came_from or (included not in graph and included.endswith(".cc")):
                    continue
                unit = included.endswith(".cc")
                if not own and not unit and wrong_of_home(folder, bracket, included, directions):
                    chain = [included, name]
                    while came_from[chain[-1]]:
                        chain.append(came_from[chain[-1]])
                    chain.reverse()
                    line = next(n for n, _, to in graph[chain[0]] if to == chain[1])
                    violations.append(
                        f"{chain[0]}:{line}: {folder} is closed and reaches {included}: {' -> '.join(chain)}")
                    came_from[included] = name
                elif included in graph and not (own and wrong_of_home(folder, bracket, included, directions)):
                    came_from[included] = name
                    waiting.append(included)
    return violations


def check_circles(graph, directions):
    """Folders do not include each other, directly or through others. An arrow that a rule lists by the file's own name
    does not count: `sim/nat: sim/packet.h` lets the translator see one file of the room that holds it."""
    arrows = collections.defaultdict(dict)
    for name in sorted(graph):
        home = home_of(name, directions)
        for line, _, included in graph[name]:
            target = home_of(included, directions)
            if home and target and target != home and not listed_by_name(included, directions[home]):
                arrows[home].setdefault(target, f"{name}:{line} includes {included}")
    violations, told = [], set()
    for start in sorted(arrows):
        circle = shortest_circle(arrows, start)
        if circle and not told & set(circle):
            told |= set(circle)
            steps = [arrows[a][b] for a, b in zip(circle, circle[1:])]
            place = steps[0].split()[0]
            violations.append(f"{place}: {' -> '.join(circle)} is a circle of folders: {'; '.join(steps)}")
    return violations


def shortest_circle(arrows, start):
    came_from, waiting = {}, collections.deque([start])
    while waiting:
        folder = waiting.popleft()
        for target in sorted(arrows.get(folder, ())):
            if target == start:
                circle = [start, folder]
                while circle[-1] != start:
                    circle.append(came_from[circle[-1]])
                return circle[::-1]
            if target not in came_from:
                came_from[target] = folder
                waiting.append(target)
    return None


def strip_comments(text):
    """The text with comments blanked out and its line numbers kept. Strings stay."""
    pattern = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|/\*.*?\*/', re.DOTALL)

    def blank(match):
        token = match.group(0)
        return re.sub(r"[^\n]", " ", token) if token[0] == "/" else token

    return pattern.sub(blank, text)


def text_files(root):
    """Everything that people write: files with a suffix of TEXT, and dev and .ci/run, sorted as files_of() does."""
    found = []
    for top in sorted(root.iterdir()):
        if top.name in ("build", ".git"):
            continue
        for path in [top] if top.is_file() else top.rglob("*"):
            name = path.relative_to(root).as_posix()
            if path.is_file() and (path.suffix in TEXT or name in ("dev", ".ci/run")):
                found.append((name, path))
    return sorted(found)


def read_banned(text):
    """Stanzas as dictionaries: in (list), word or text (regex), instead, except (list of file names)."""
    stanzas = []
    for block in re.split(r"\n\s*\n", "\n".join(l for l in text.splitlines() if not l.startswith("#"))):
        stanza = {"except": []}
        for line in block.strip().splitlines():
            key, colon, value = line.partition(":")
            value = value.strip()
            if key == "in":
                stanza["in"] = value.split()
            elif key in ("word", "text"):
                stanza[key] = re.compile(value)
            elif key == "instead":
                stanza["instead"] = value
            elif key == "except" and len(value.split()) > 1:
                stanza["except"].append(value.split()[0])
            else:
                raise ValueError(f"banned_words.txt: cannot read {line!r}")
        if len(stanza) > 1:
            if set(stanza) not in ({"in", "word", "instead", "except"}, {"text", "instead", "except"}):
                raise ValueError(f"banned_words.txt: incomplete stanza {block!r}")
            stanzas.append(stanza)
    return stanzas


def applies(stanza, name):
    """Whether the stanza's word is banned from this file's code."""
    if name in stanza["except"] or "word" not in stanza:
        return False
    for place in stanza["in"]:
        if place.startswith("*"):
            if name.endswith(place[1:]):
                return True
        elif within(name, place) and not name.endswith(".proto"):
            return True
    return False


def check_texts(root, banned, places):
    """Spelling and citations, in comments and Markdown too."""
    violations = []
    for name, path in text_files(root):
        text = path.read_text(encoding="utf-8")
        stanzas = [s for s in banned if "text" in s and name not in s["except"]]
        for number, line in enumerate(text.splitlines(), 1):
            for stanza in stanzas:
                word = stanza["text"].search(line)
                if word:
                    violations.append(f"{name}:{number}: {word.group(0)}: instead, {stanza['instead']}")
        if path.suffix in CITING and name not in UNCITED:
            violations += [f"{name}:{number}: {wrong}" for number, wrong in citations.check_text(name, text, places)]
    return violations


def check_tree(root, directions, banned, places):
    violations = []
    graph = {}  # {file: [(line, bracket, included)]}
    for name, path in files_of(root, CODE | {".proto"}):
        lines = strip_comments(path.read_text(encoding="utf-8")).splitlines()
        stanzas = [s for s in banned if applies(s, name)]
        if path.suffix in CODE:
            graph[name] = []
        for number, line in enumerate(lines, 1):
            include = INCLUDE.match(line)
            if include and path.suffix in CODE:
                graph[name].append((number, include.group(1), include.group(2)))
                wrong = check_include(name, include.group(1), include.group(2), directions)
                if wrong:
                    violations.append(f"{name}:{number}: {wrong}")
            for stanza in stanzas:
                word = stanza["word"].search(line)
                if word:
                    violations.append(f"{name}:{number}: {word.group(0)}: instead, {stanza['instead']}")
    violations += check_closed(graph, directions) + check_circles(graph, directions)
    return violations + check_texts(root, banned, places)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=pathlib.Path, default=HERE.parent.parent, help="top of the tree")
    arguments = parser.parse_args()
    directions = read_directions((HERE / "directions.txt").read_text(encoding="utf-8"))
    banned = read_banned((HERE / "banned_words.txt").read_text(encoding="utf-8"))
    places = citations.read_requirements((HERE / "requirements.txt").read_text(encoding="utf-8"))
    if not files_of(arguments.root, CODE):
        print(f"{arguments.root}: no code here", file=sys.stderr)
        return 2
    violations = check_tree(arguments.root, directions, banned, places)
    print("\n".join(violations) if violations else "house rules hold")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
