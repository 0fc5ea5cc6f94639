#!/usr/bin/env python3
"""Messages, and clones with commits on both sides of the rule's date."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import commits


class Messages(unittest.TestCase):
    def test_a_subject_has_72_characters(self):
        self.assertIsNone(commits.wrong_with("x" * 72 + "\n"))
        self.assertIn("73", commits.wrong_with("x" * 73 + "\n"))

    def test_a_blank_line_follows(self):
        self.assertIsNone(commits.wrong_with("area: subject\n\nbody\nbody\n"))
        self.assertIsNotNone(commits.wrong_with("area: subject\nbody\n"))


class Clones(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.root = self.folder / "origin"
        self.git(self.folder, "init", "-q", "-b", "main", "origin")

    def git(self, root, *arguments, date="2026-12-02T00:00:00Z"):
        who = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date, "GIT_CONFIG_GLOBAL": "/dev/null"}
        for role in ("AUTHOR", "COMMITTER"):
            who |= {f"GIT_{role}_NAME": "a", f"GIT_{role}_EMAIL": "a@example.org"}
        subprocess.run(["git", *arguments], cwd=root, env=os.environ | who, check=True, capture_output=True)

    def commit(self, message, date):
        self.git(self.root, "commit", "-q", "--allow-empty", "-m", message, date=date)

    def violations(self, root):
        command = [sys.executable, commits.__file__, "--root", root]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 1 if run.stdout.startswith("commit ") else 0, run.stderr)
        return run.stdout.splitlines()

    def test_only_commits_since_the_rule_are_held_to_it(self):
        self.commit("old " + "x" * 80, "2026-11-30T00:00:00Z")
        self.assertEqual(self.violations(self.root), [])
        self.commit("short: fits\n\nbody", "2026-12-02T00:00:00Z")
        self.assertEqual(self.violations(self.root), [])
        self.commit("new " + "x" * 80, "2026-12-03T00:00:00Z")
        self.commit("short: fits too", "2026-12-04T00:00:00Z")
        found = self.violations(self.root)
        self.assertEqual(len(found), 1, found)
        self.assertIn("84 characters", found[0])

    def test_a_shallow_clone_tells_what_it_knows(self):
        self.commit("new " + "x" * 80, "2026-12-03T00:00:00Z")
        self.commit("fits", "2026-12-04T00:00:00Z")
        self.git(self.folder, "clone", "-q", "--depth", "1", f"file://{self.root}", "shallow")
        self.assertEqual(self.violations(self.folder / "shallow"), [])
        self.assertEqual(len(self.violations(self.root)), 1)

    def test_without_a_clone_or_a_commit_nothing_is_wrong(self):
        self.assertEqual(len(self.violations(self.folder)), 1)
        self.assertEqual(len(self.violations(self.root)), 1)


if __name__ == "__main__":
    unittest.main()
