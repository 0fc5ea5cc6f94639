#!/usr/bin/env python3
"""Checks and wraps Markdown: prose within 120 columns, no blanks at the end of a line, relative links that lead somewhere.

usage: markdown.py --check FILE...     one line per violation, `file:line: what`; exits 1 if there is any
       markdown.py --format FILE...    wraps in place

A paragraph or list item with a line that is too long is filled anew; any other is left as its author broke it. Code
blocks, tables, headings, quotes and HTML are never touched, and may be as wide as they are, headings excepted.
"""

import pathlib
import re
import sys

WIDTH = 120
FENCE = re.compile(r"\s*(```|~~~)")
ITEM = re.compile(r"(\s*)([-*+]|\d+[.)])(\s+)(?=\S)")
KEPT = re.compile(r"\s*(\||#|>|<)")
# Would begin a list, a heading, a quote or a table if a line began with it.
MARKER = re.compile(r"([-*+]|\d+[.)]|#+|=+|-+)$|[>|]")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)[^)]*\)|^\[[^\]]+\]:\s+(\S+)")
# Is read, and searched for, as one word: code, and a citation (CONTRIBUTING.md).
WHOLE = re.compile(r"`[^`]*`|RFC \d+ §[\d.]+( REQ-\d+\w?)?|RFC \d+")


def words_of(text):
    """The words between which a line may end."""
    text = " ".join(text.split())
    text = WHOLE.sub(lambda match: match.group(0).replace(" ", "\0"), text)
    words = []
    for word in text.split():
        if words and MARKER.match(word):
            words[-1] += "\0" + word
        else:
            words.append(word)
    return [word.replace("\0", " ") for word in words]


def fill(text, first, rest):
    """`text` in lines of at most WIDTH columns, the first indented by `first` and the others by `rest`."""
    lines, line = [], first
    for word in words_of(text):
        if line.strip() and line not in (first, rest) and len(line) + 1 + len(word) > WIDTH:
            lines.append(line)
            line = rest + word
        elif line in (first, rest):
            line += word
        else:
            line += " " + word
    return lines + [line]


def blocks_of(lines):
    """The text as (kind, number of the first line, lines): "prose", "item", "code", "html", "kept" or "blank"."""
    blocks = []
    fence = comment = in_list = False
    for number, line in enumerate(lines, 1):
        previous = blocks[-1][0] if blocks else "blank"
        if fence:
            kind, fence = "code", None if line.strip().startswith(fence) else fence
        elif FENCE.match(line):
            kind, fence = "code", FENCE.match(line).group(1)
        elif comment or line.startswith("<!--"):
            kind, comment = "html", "-->" not in line
        elif not line.strip():
            kind = "blank"
        elif previous in ("prose", "item") and not ITEM.match(line) and not KEPT.match(line):
            blocks[-1][2].append(line)
            continue
        elif line.startswith("    ") and not in_list:
            kind = "code"
        elif KEPT.match(line):
            kind = "kept"
        else:
            kind = "item" if ITEM.match(line) else "prose"
        if kind != "blank":
            in_list = kind == "item" or (in_list and line.startswith(" "))
        blocks.append((kind, number, [line]))
    return blocks


def wrapped(kind, lines):
    """The block, filled anew if a line of it is too long and can be broken."""
    if kind not in ("prose", "item") or max(map(len, lines)) <= WIDTH or any(l.endswith("\\") for l in lines[:-1]):
        return lines
    text = " ".join(lines)
    if kind == "item":
        first = ITEM.match(lines[0]).group(0)
        rest = " " * len(first)
        return fill(text[len(first):], first, rest)
    indent = re.match(r"\s*", lines[0]).group(0)
    return fill(text, indent, indent)


def format_text(text):
    lines = []
    for kind, _, block in blocks_of(text.splitlines()):
        lines += wrapped(kind, [line.rstrip() if kind != "code" else line for line in block])
    return "\n".join(lines) + "\n" if lines else ""


def check_text(text, path):
    """What is wrong, as (line, words). Links are looked up from the folder of `path`."""
    violations = []
    for kind, number, block in blocks_of(text.splitlines()):
        for offset, line in enumerate(block):
            if line != line.rstrip():
                violations.append((number + offset, "blanks at the end of the line"))
            if len(line) > WIDTH and (wrapped(kind, block) != block or line.startswith("#")):
                violations.append((number + offset, f"{len(line)} columns of prose: ./dev format wraps at {WIDTH}"))
            if kind in ("code", "html"):
                continue
            for link in LINK.finditer(re.sub(r"`[^`]*`", "", line)):
                target = (link.group(1) or link.group(2)).split("#")[0]
                if target and not re.match(r"[a-z]+:", target) and not (path.parent / target).exists():
                    violations.append((number + offset, f"the link to {target} leads nowhere"))
    return violations


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in ("--check", "--format"):
        print(__doc__, file=sys.stderr)
        return 2
    bad = False
    for path in map(pathlib.Path, sys.argv[2:]):
        text = path.read_text(encoding="utf-8")
        if sys.argv[1] == "--format":
            new = format_text(text)
            if new != text:
                path.write_text(new, encoding="utf-8")
        else:
            for number, words in check_text(text, path):
                print(f"{path}:{number}: {words}")
                bad = True
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
