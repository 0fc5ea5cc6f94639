#!/usr/bin/env python3
"""Plants violations in a small tree and expects check.py to find each, and nothing else."""

import pathlib
import tempfile
import unittest

import check


class HouseRules(unittest.TestCase):
    def setUp(self):
        self.directions = check.read_directions((check.HERE / "directions.txt").read_text())
        self.banned = check.read_banned((check.HERE / "banned_words.txt").read_text())
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)

    def violations(self, **files):
        for name, text in files.items():
            self.plant(name, text)
        return check.check_tree(self.root, self.directions, self.banned)

    def plant(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def found(self, name, text):
        self.plant(name, text)
        found = check.check_tree(self.root, self.directions, self.banned)
        (self.root / name).unlink()
        return found

    def test_every_arrow_against_its_direction_is_found(self):
        against = {
            "net/a.h": ["stun/a.h", "ice/a.h", "apps/a.h", "sim/a.h", "scenarios/a.h", "net/posix/posix_host.h"],
            "stun/a.h": ["ice/a.h", "apps/a.h", "sim/a.h", "scenarios/a.h", "net/posix/posix_host.h"],
            "ice/a.h": ["apps/a.h", "sim/a.h", "scenarios/a.h", "net/posix/posix_host.h"],
            "apps/a.h": ["sim/a.h", "sim/nat/nat.h", "scenarios/a.h", "net/posix/posix_host.h"],
            "sim/a.h": ["stun/a.h", "ice/a.h", "apps/a.h", "scenarios/a.h", "net/posix/posix_host.h"],
            "sim/b.h": ["sim/host/host_node.h", "sim/boxes/router.h"],
            "sim/packet/a.h": ["sim/tcp/connection.h", "sim/node.h"],
            "sim/record/a.h": ["sim/world.h", "sim/host/host_node.h"],
            "sim/host/a.h": ["sim/boxes/router.h", "sim/nat/nat.h"],
            "sim/nat/a.h": ["sim/host/host_node.h", "sim/link.h", "stun/a.h"],
            "scenarios/oracle/a.h": ["sim/a.h", "sim/nat/nat.h", "ice/a.h", "stun/a.h", "apps/a.h"],
            "scenarios/oracle.h": ["sim/a.h"],
            "scenarios/conversion/a.h": ["scenarios/language/a.h", "scenarios/oracle/a.h"],
            "scenarios/language/a.h": ["scenarios/plan/a.h", "scenarios/cli/a.h"],
            "scenarios/run/a.h": ["scenarios/judge/a.h", "scenarios/results/a.h"],
            "scenarios/results/a.h": ["scenarios/sweep/a.h", "CLI/CLI.hpp"],
            "apps/turn/a.h": ["apps/ice/a.h", "ice/agent.h"],
            "apps/referral/a.h": ["apps/ice/a.h"],
            "net/posix/a.h": ["stun/a.h", "sim/a.h"],
            "scenarios/cli/a.h": ["tests/a.h", "bench/a.h", "net/posix/posix_host.h"],
        }
        for name, targets in against.items():
            for target in targets:
                with self.subTest(name=name, target=target):
                    self.assertEqual(len(self.found(name, f'#include "{target}"\n')), 1)

    def test_every_arrow_in_its_direction_is_let_be(self):
        along = {
            "net/a.h": ["net/b.h", "absl/strings/string_view.h"],
            "net/posix/a.cc": ["net/host.h", "net/posix/b.h"],
            "stun/a.h": ["net/b.h", "stun/b.h"],
            "ice/a.h": ["net/b.h", "stun/b.h"],
            "apps/a.h": ["net/b.h", "stun/b.h", "ice/b.h"],
            "sim/a.h": ["net/b.h", "sim/packet/packet.h"],
            "sim/boxes/nat_box.h": ["sim/host/host_node.h", "sim/nat/nat.h"],
            "sim/nat/a.h": ["net/b.h", "sim/packet/packet.h", "sim/nat/b.h"],
            "scenarios/run/a.h": ["sim/a.h", "apps/ice/a.h", "google/protobuf/message.h", "scenarios/oracle/a.h"],
            "scenarios/cli/a.h": ["scenarios/conversion/a.h", "scenarios/sweep/a.h", "CLI/CLI.hpp"],
            "apps/ice/a.h": ["apps/referral/a.h", "ice/agent.h"],
            "scenarios/oracle/a.h": ["net/b.h", "scenarios/scenario.pb.h"],
            "tests/net/a.cc": ["gtest/gtest.h", "sim/world.h", "tests/unavailable.h"],
        }
        for name, targets in along.items():
            for target in targets:
                with self.subTest(name=name, target=target):
                    self.assertEqual(self.found(name, f'#include "{target}"\n'), [])

    def test_foreign_headers_belong_to_their_rooms(self):
        for name, header in [("ice/a.cc", "nettle/hmac.h"), ("stun/a.cc", "google/protobuf/message.h"),
                             ("sim/a.cc", "gtest/gtest.h"), ("net/a.cc", "xxhash.h"), ("apps/a.cc", "openssl/evp.h")]:
            with self.subTest(name=name, header=header):
                self.assertEqual(len(self.found(name, f"#include <{header}>\n")), 1)
        self.assertEqual(self.found("stun/a.cc", "#include <nettle/hmac.h>\n"), [])
        self.assertEqual(self.found("sim/record/a.cc", "#include <xxhash.h>\n"), [])

    def test_an_include_that_is_not_from_the_top_level_is_found(self):
        self.assertEqual(len(self.found("stun/a.cc", '#include "message.h"\n')), 1)
        self.assertEqual(len(self.found("stun/a.cc", '#include "../net/bytes.h"\n')), 1)

    def test_a_commented_include_does_not_count(self):
        self.assertEqual(self.found("net/a.cc", '// #include "sim/a.h"\n/*\n#include "sim/a.h"\n*/\n'), [])

    def test_every_banned_word_is_found_with_its_place(self):
        words = {
            "sim/a.cc": ["std::chrono::steady_clock::now();", "auto t = std::chrono::system_clock::now();",
                         "clock_gettime(CLOCK_MONOTONIC, &ts);", "std::random_device d;", "absl::BitGen gen;",
                         "absl::Uniform(gen, 0, 3);", "std::uniform_int_distribution<int> d(0, 3);",
                         "std::normal_distribution<> d;", "std::mt19937 gen;", 'getenv("HOME");', "int x = rand();",
                         "int x = std::rand();", "std::hash<int>{}(1);", "absl::HashOf(1);", "#include <thread>",
                         "#include <sys/socket.h>", "#include <cmath>", "x = std::sqrt(2);", "x = log(2);",
                         "usleep(1);", "std::this_thread::sleep_for(x);", "time(nullptr);"],
            "apps/a.h": ["std::chrono::steady_clock::now();", "rand();", 'std::getenv("HOME");'],
            "ice/a.cc": ["std::bernoulli_distribution d;", "#include <random>"],
            "stun/a.cc": ["drand48();", "absl::Now();"],
            "scenarios/a.cc": ["std::shuffle(a, b, std::mt19937());", "std::format(\"{}\", 1);"],
            "scenarios/a.proto": ["map<string, int32> m = 1;", "map < string, int32> m = 1;"],
            "tests/a.cc": ["sleep(1);", "std::views::iota(1);"],
        }
        for name, lines in words.items():
            for line in lines:
                with self.subTest(name=name, line=line):
                    found = self.found(name, f"\n{line}\n")
                    self.assertEqual(len(found), 1, found)
                    self.assertTrue(found[0].startswith(f"{name}:2: "), found)

    def test_words_that_only_look_banned_are_let_be(self):
        for name, line in [("sim/a.cc", "// no steady_clock here"), ("sim/a.cc", "operand(1);"), ("sim/a.cc", "Rand(1);"),
                           ("sim/a.cc", "/* rand() */ int x;"), ("ice/a.cc", "source.NextU64();"),
                           ("sim/a.cc", "drop_log(1); catalog(2); expr(1);"), ("sim/a.cc", "lifetime(0);"),
                           ("net/a.cc", "clock_gettime(1);"), ("scenarios/a.proto", "// no map<> here"),
                           ("scenarios/a.proto", "optional Bitmap bitmap = 1;"), ("bench/a.cc", "steady_clock::now();"),
                           ("scenarios/a.cc", "std::chrono::steady_clock::now();"),
                           ("sim/a.cc", 'const char* url = "http://x";  // rand()')]:
            with self.subTest(line=line):
                self.assertEqual(self.found(name, line + "\n"), [])

    def test_an_exception_covers_its_file_only_and_needs_a_reason(self):
        stanza = "in: sim\nword: \\bfoo\\b\ninstead: bar\nexcept: sim/a.cc because of that\n"
        self.banned = check.read_banned(stanza)
        self.assertEqual(self.found("sim/a.cc", "foo;\n"), [])
        self.assertEqual(len(self.found("sim/b.cc", "foo;\n")), 1)
        with self.assertRaises(ValueError):
            check.read_banned("in: sim\nword: x\ninstead: y\nexcept: sim/a.cc\n")

    def test_rules_that_cannot_be_read_are_refused(self):
        with self.assertRaises(ValueError):
            check.read_directions("net\n")
        with self.assertRaises(ValueError):
            check.read_directions("net:\nnet: stun\n")
        with self.assertRaises(ValueError):
            check.read_banned("in: sim\nword: x\n")


if __name__ == "__main__":
    unittest.main()
