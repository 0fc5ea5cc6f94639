#!/usr/bin/env python3
"""Small pages, and what markdown.py makes and says of them."""

import pathlib
import tempfile
import unittest

import markdown

LONG = " ".join(["word"] * 30)  # 149 columns


class Wrap(unittest.TestCase):
    def same(self, text):
        self.assertEqual(markdown.format_text(text), text)

    def test_a_line_that_is_too_long_is_filled_anew_with_its_paragraph(self):
        made = markdown.format_text(f"# Title\n\nshort\n{LONG}\nend\n\nnext\n")
        lines = made.splitlines()
        self.assertEqual(max(map(len, lines)), 120)
        self.assertEqual(lines[2], "short " + " ".join(["word"] * 22) + " word")
        self.assertEqual(" ".join(lines[2:-2]).split(), ["short"] + ["word"] * 30 + ["end"])
        self.assertEqual(lines[-2:], ["", "next"])
        self.same(made)

    def test_a_paragraph_without_one_is_left_as_its_author_broke_it(self):
        self.same("one thought\nanother thought\n")

    def test_an_item_is_indented_under_its_first_word(self):
        made = markdown.format_text(f"- {LONG}\n- b\n  1. {LONG}\n     tail\n")
        lines = made.splitlines()
        self.assertTrue(lines[1].startswith("  word"), lines)
        self.assertEqual(lines[2], "- b")
        self.assertTrue(lines[3].startswith("  1. word") and lines[4].startswith("     word"), lines)
        self.assertTrue(lines[4].endswith(" tail"), lines)
        self.same(made)

    def test_the_second_paragraph_of_an_item_keeps_its_indent(self):
        made = markdown.format_text(f"- a\n\n  {LONG}\n\n{LONG}\n")
        self.assertTrue(all(line.startswith("  word") for line in made.splitlines()[2:4]), made)
        self.same(made)

    def test_code_tables_headings_quotes_and_html_are_left(self):
        self.same(f"```\n{LONG}\n- x\n{LONG}\n```\n")
        self.same(f"~~~ c\n    {LONG}\n~~~\n")
        self.same(f"text\n\n    {LONG}\n\n    {LONG}\n")
        self.same(f"| a | b |\n|---|---|\n| {LONG} | {LONG} |\n")
        self.same(f"# {LONG}\n> {LONG}\n")
        self.same(f"<!-- {LONG}\n{LONG} -->\n")

    def test_a_line_break_that_is_meant_is_left(self):
        self.same(f"{LONG}\\\nnext\n")

    def test_code_and_citations_are_not_broken(self):
        for whole in ("`pinhole sweep FILE --json`", "RFC 8445 §7.2.5.2.1", "RFC 5382 §4.3 REQ-4"):
            for before in range(18, 26):
                made = markdown.format_text(" ".join(["word"] * before) + f" {whole} {LONG}\n")
                self.assertIn(whole, made)

    def test_no_line_begins_like_a_list_or_a_heading(self):
        for mark in ("-", "1.", "#", "+", ">", "|"):
            for before in range(18, 26):
                made = markdown.format_text(" ".join(["word"] * before) + f" {mark} {LONG}\n")
                self.assertFalse(any(line.startswith(mark) for line in made.splitlines()), made)
                self.same(made)

    def test_a_word_that_is_too_long_stands_alone(self):
        self.same("x" * 130 + "\n")


class Check(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.page = pathlib.Path(folder.name) / "page.md"
        (pathlib.Path(folder.name) / "there.md").write_text("")

    def check(self, text):
        return [number for number, _ in markdown.check_text(text, self.page)]

    def test_long_prose_is_found_with_its_line(self):
        self.assertEqual(self.check(f"a\n\nb\n{LONG}\n"), [4])
        self.assertEqual(self.check(f"# {LONG}\n"), [1])
        self.assertEqual(self.check(f"- a\n- {LONG}\n"), [2])

    def test_whatever_cannot_be_broken_is_let_be(self):
        self.assertEqual(self.check(f"| {LONG} |\n\n```\n{LONG}\n```\n\n    {LONG}\n"), [])
        self.assertEqual(self.check(f"[a](https://example.org/{'x' * 130})\n"), [])

    def test_blanks_at_the_end_are_found_everywhere(self):
        self.assertEqual(self.check("a \n\n```\nb \n```\n| c | \n"), [1, 4, 6])

    def test_links_lead_somewhere(self):
        self.assertEqual(self.check("[a](there.md) [b](there.md#x) [c](#x) [d](https://example.org/x)\n"), [])
        self.assertEqual(self.check("a\n[b](gone.md)\n\n[c]: also/gone.md\n"), [2, 4])
        self.assertEqual(self.check("`[b](gone.md)`\n\n    [b](gone.md)\n"), [])


if __name__ == "__main__":
    unittest.main()
