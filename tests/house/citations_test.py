#!/usr/bin/env python3
"""Citations in their one form, and in others, which citations.py finds."""

import pathlib
import unittest

import citations

PLACES = citations.read_requirements((pathlib.Path(__file__).parent / "requirements.txt").read_text(encoding="utf-8"))


class Citations(unittest.TestCase):
    def wrong(self, text, name="sim/a.cc"):
        return citations.check_text(name, text, PLACES)

    def test_the_one_form_is_let_be(self):
        for line in ("RFC 8445 §7.2.5.2.1", "RFC 8445 §5.1.1 and §5.1.3: both", "RFC 8445 §8.1.1, RFC 8863 §4",
                     "RFC 5382 §4.3 REQ-4's hold", "RFC 4787 §4.2.1 REQ-3a", "RFC 4787 §4.3 REQ-5 and REQ-6",
                     "RFC 5508 §4.2.1 REQ-4, §4.2.2 REQ-5", "RFC 6092 §3.3.1 REC-34", "RFC 5382 and 7857",
                     "Ford et al. §6.1.2", "(Ford, Srisuresh and Kegel 2005 §4)", "FIPS 180-4 §5.1.1",
                     "draft-ietf-opsawg-pcapng §4.1", "Sections that are long"):
            self.assertEqual(self.wrong(f"// {line}\n"), [], line)

    def test_other_forms_are_found(self):
        for line in ("§7.2", "see §7.2, RFC 8445", "RFC 8445, section 7.2", "Section 7's example", "RFC 8445 §5, 8863 §4",
                     "REQ-4", "RFC 5382 REQ-4", "RFC 5382 REQ-4 (§4.3)", "RFC 5508 §4.2.1 REQ-4 or REQ-5",
                     "RFC 5382 §4.3 REQ-5"):
            self.assertGreaterEqual(len(self.wrong(f"// {line}\n")), 1, line)

    def test_the_number_stands_in_the_same_line(self):
        self.assertEqual(self.wrong("// RFC 8445 §7.2 and\n// §7.3\n"), [(2, "§7.3: name the RFC before it in this line")])

    def test_the_right_section_is_told(self):
        self.assertEqual(self.wrong("int x;  // RFC 5382 §5 REQ-4\n"), [(1, "REQ-4 of RFC 5382 is in §4.3")])

    def test_only_comments_count(self):
        self.assertEqual(self.wrong('Print("RFC 5382 REQ-4, §5");\nTEST(Rfc5382, Req4) {}\n'), [])
        self.assertEqual(self.wrong('because: "REQ-4"\n', "scenarios/library/a.textproto"), [])
        self.assertEqual(len(self.wrong('because: "# no" # REQ-4\n', "scenarios/library/a.textproto")), 1)
        self.assertEqual(self.wrong("/* one\n   §2 */\n"), [(2, "§2: name the RFC before it in this line")])

    def test_in_markdown_a_paragraph_or_a_row_is_one_line(self):
        self.assertEqual(self.wrong("RFC 8445 §7.2 and\n§7.3\n", "a.md"), [])
        self.assertEqual([line for line, _ in self.wrong("RFC 8445 §7.2\n\nthen §7.3\n", "a.md")], [3])
        self.assertEqual([line for line, _ in self.wrong("| a | RFC 8445 §7.2 |\n| b | §7.3 |\n", "a.md")], [2])
        self.assertEqual(self.wrong("    code §7.3\n\n`grep REQ-4`\n", "a.md"), [])

    def test_a_page_about_an_rfc_says_so_in_its_title(self):
        self.assertEqual(self.wrong("# RFC 5382: what has no test\n\n§5, and §4.3 REQ-4\n", "a.md"), [])


if __name__ == "__main__":
    unittest.main()
