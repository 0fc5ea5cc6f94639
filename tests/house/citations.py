"""Citations of RFCs in comments and Markdown have one form: `RFC 8445 §7.2.5.2.1`, `RFC 5382 §4.3 REQ-4`.

Several sections share a number if they stand in one line, `RFC 8445 §5.1.1 and §5.1.3`, so that one search for
`RFC 8445.*§5.1.3` or `RFC 5382.*REQ-4` finds them all. In Markdown a paragraph or a row of a table is one line, and a
page whose title names an RFC is about that. Strings, names in code and code in Markdown are not looked at.
"""

import re

import markdown

# Documents without a number are cited by their author or name: `Ford et al. §6.1.2`, `FIPS 180-4 §5.1.1`.
SOURCE = re.compile(r"RFC (\d+)|FIPS|draft-|Kegel|Ford")
SECTION = re.compile(r"§")
BARE_NUMBER = re.compile(r"(?<!RFC )\b(?!19|20)\d{3,5} §[\d.]*")
SPELT = re.compile(r"\b[Ss]ections? \d[\d.]*\d|\b[Ss]ections? \d\b")
REQUIREMENT = re.compile(r"(?:§([\d.]*\d) )?\b(RE[QC]-\d+)(?!\d)")
# Joins requirements of one section: `RFC 4787 §4.3 REQ-5 and REQ-6`.
JOINED = re.compile(r"RE[QC]-\d+\w?(, | and | to )$")
TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|/\*.*?\*/', re.DOTALL)
TEXTPROTO_TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|#[^\n]*')


def read_requirements(text):
    """{(RFC, requirement): section}, all text."""
    places = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            rfc, words = line.split(":")
            for word in words.split():
                if word.startswith("§"):
                    section = word[1:]
                else:
                    places[rfc, word] = section
    return places


def comments_of(name, text):
    """(line, text of the comment) for each line of a comment."""
    pattern = TEXTPROTO_TOKEN if name.endswith(".textproto") else TOKEN
    for match in pattern.finditer(text):
        if match.group(0)[0] in "#/":
            first = text.count("\n", 0, match.start()) + 1
            for offset, line in enumerate(match.group(0).splitlines()):
                yield first + offset, line


def lines_of(name, text):
    """(line, text) for each text in which a citation has to be whole."""
    if not name.endswith(".md"):
        yield from comments_of(name, text)
        return
    lines = text.splitlines()
    title = re.match(r"#.*?(RFC \d+)", lines[0]) if lines else None
    for kind, number, block in markdown.blocks_of(lines):
        if kind not in ("code", "html"):
            yield number, (title.group(1) + ": " if title else "") + re.sub("`[^`]*`", "``", " ".join(block))


def check_line(line, places):
    """What is wrong with the citations of a line."""
    wrong = []
    for match in SPELT.finditer(line):
        wrong.append(f"{match.group(0)}: write §")
    for match in BARE_NUMBER.finditer(line):
        wrong.append(f"{match.group(0)}: write RFC before the number")
    for match in SECTION.finditer(line):
        if not SOURCE.search(line, 0, match.start()):
            wrong.append(f"{re.match('§[^ ),;:]*', line[match.start():]).group(0)}: name the RFC before it in this line")
            break
    section = None
    for match in REQUIREMENT.finditer(line):
        rfc = [found.group(1) for found in re.finditer(r"RFC (\d+)", line[: match.start()])]
        section = match.group(1) or (section if JOINED.search(line[: match.start(2)]) else None)
        if not rfc or not section:
            wrong.append(f"{match.group(2)}: write RFC, section and requirement, as in RFC 5382 §4.3 REQ-4")
        elif places.get((rfc[-1], match.group(2)), section) != section:
            wrong.append(f"{match.group(2)} of RFC {rfc[-1]} is in §{places[rfc[-1], match.group(2)]}")
    return wrong


def check_text(name, text, places):
    """[(line, what is wrong)]"""
    return [(number, wrong) for number, line in lines_of(name, text) for wrong in check_line(line, places)]
