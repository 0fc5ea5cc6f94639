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
        return check.check_tree(self.root, self.directions, self.banned, {})

    def plant(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def found(self, name, text):
        self.plant(name, text)
        found = check.check_tree(self.root, self.directions, self.banned, {})
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
            "scenarios/run/a.h": ["scenarios/results.pb.h", "sim/a.h", "apps/ice/a.h", "google/protobuf/message.h",
                                "scenarios/oracle/a.h"],
            "scenarios/cli/a.h": ["scenarios/conversion/a.h", "scenarios/sweep/a.h", "CLI/CLI.hpp"],
            "apps/ice/a.h": ["apps/referral/a.h", "ice/agent.h"],
            "scenarios/oracle/a.h": ["net/b.h", "scenarios/scenario.pb.h"],
            "tests/net/a.cc": ["gtest/gtest.h", "sim/world.h", "tests/unavailable.h"],
        }
        for name, targets in along.items():
            for target in targets:
                with self.subTest(name=name, target=target):
                    self.assertEqual(self.found(name, f'#include "{target}"\n'), [])

    def test_a_rule_may_take_over_another(self):
        directions = check.read_directions("net:\nsim: net xxhash\nrun: +sim\njudge: +run google/\n")
        self.assertEqual(directions["judge"], ["run", "sim", "net", "xxhash", "google/"])

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

    def test_spelling_is_held_in_comments_texts_and_markdown(self):
        for name in ("sim/a.cc", "docs/a.md", "README.md", "scenarios/library/a.textproto", "cmake/a.cmake", "dev"):
            for line in ("// NAT behaviour", "its behaviour", "Behaviours;"):
                with self.subTest(name=name, line=line):
                    found = self.found(name, f"\n{line}\n")
                    self.assertEqual(len(found), 1, found)
                    self.assertTrue(found[0].startswith(f"{name}:2: "), found)
            self.assertEqual(self.found(name, "// NAT behavior\n"), [])
        self.assertEqual(self.found("build/release/a.txt", "behaviour\n"), [])

    def test_citations_are_held_in_comments_and_markdown(self):
        for name, text in [("sim/a.cc", "\n// §4.2.\n"), ("docs/a.md", "\nsee §4\n"), ("scenarios/a.proto", "\n// §4\n")]:
            self.assertEqual([found.split(" ")[0] for found in self.found(name, text)], [f"{name}:2:"])
        self.assertEqual(self.found("dev", "§4\n"), [])

    def test_an_exception_covers_its_file_only_and_needs_a_reason(self):
        stanza = "in: sim\nword: \\bfoo\\b\ninstead: bar\nexcept: sim/a.cc because of that\n"
        self.banned = check.read_banned(stanza)
        self.assertEqual(self.found("sim/a.cc", "foo;\n"), [])
        self.assertEqual(len(self.found("sim/b.cc", "foo;\n")), 1)
        with self.assertRaises(ValueError):
            check.read_banned("in: sim\nword: x\ninstead: y\nexcept: sim/a.cc\n")

    CLOSED = ("foreign: nettle/\nclosed: scenarios/oracle\nnet: nettle/\nsim: net\nscenarios: net sim\n"
              "scenarios/oracle: net scenarios/*.pb.h scenarios/plan.h\n")

    def test_a_closed_folder_is_held_to_its_rule_through_others(self):
        self.directions = check.read_directions(self.CLOSED)
        files = {
            "scenarios/oracle/predict.h": '#include "net/time.h"\n#include "scenarios/plan.h"\n',
            "scenarios/oracle/predict.cc": '#include "scenarios/oracle/predict.h"\n#include "scenarios/scenario.pb.h"\n',
            "scenarios/plan.h": '\n#include "scenarios/way.h"\n',
            "scenarios/way.h": '#include "sim/world.h"\n',
            "sim/world.h": '#include "sim/link.h"\n',
            "net/time.h": "",
        }
        self.assertEqual(self.violations(**files), [
            "scenarios/oracle/predict.h:2: scenarios/oracle is closed and reaches scenarios/way.h: "
            "scenarios/oracle/predict.h -> scenarios/plan.h -> scenarios/way.h"])
        # Two files deep, through one that the rule lets in.
        self.directions["scenarios/oracle"].append("scenarios/way.h")
        self.assertEqual(self.violations(), [
            "scenarios/oracle/predict.h:2: scenarios/oracle is closed and reaches sim/world.h: "
            "scenarios/oracle/predict.h -> scenarios/plan.h -> scenarios/way.h -> sim/world.h"])
        self.assertEqual(self.violations(**{"scenarios/way.h": '#include "net/time.h"\n#include <vector>\n'}), [])

    def test_a_closed_folder_does_not_reach_through_the_source_of_a_header(self):
        self.directions = check.read_directions(self.CLOSED)
        self.assertEqual(self.violations(**{
            "scenarios/oracle/a.h": '#include "scenarios/plan.h"\n',
            "scenarios/plan.h": "",
            "scenarios/plan.cc": '#include "scenarios/plan.h"\n#include "sim/world.h"\n',
        }), ["scenarios/oracle/a.h:1: scenarios/oracle is closed and reaches sim/world.h: "
             "scenarios/oracle/a.h -> scenarios/plan.h -> scenarios/plan.cc -> sim/world.h"])

    def test_a_closed_folder_does_not_reach_foreign_headers(self):
        self.directions = check.read_directions(self.CLOSED)
        found = self.violations(**{
            "scenarios/oracle/a.h": '#include "net/key.h"\n',
            "net/key.h": "#include <nettle/hmac.h>\n",
        })
        self.assertEqual(len(found), 1, found)
        self.assertIn("scenarios/oracle/a.h -> net/key.h -> nettle/hmac.h", found[0])

    def test_a_folder_that_is_not_closed_reaches_what_its_neighbours_include(self):
        self.directions = check.read_directions("foreign:\nnet:\nsim: net\nscenarios: sim\n")
        files = {"scenarios/a.h": '#include "sim/a.h"\n', "sim/a.h": '#include "net/a.h"\n'}
        self.assertEqual(self.violations(**files), [])

    def test_a_circle_of_folders_is_found(self):
        self.directions = check.read_directions("foreign:\nnet: sim\nstun: net\nsim: stun net\n")
        found = self.violations(**{
            "net/a.h": '\n#include "sim/a.h"\n',
            "sim/b.h": '#include "stun/a.h"\n',
            "stun/b.h": '#include "net/b.h"\n',
        })
        self.assertEqual(found, [
            "net/a.h:2: net -> sim -> stun -> net is a circle of folders: "
            "net/a.h:2 includes sim/a.h; sim/b.h:1 includes stun/a.h; stun/b.h:1 includes net/b.h"])
        self.plant("stun/b.h", "")
        found = self.violations(**{"net/a.h": '#include "sim/a.h"\n', "sim/b.h": '#include "net/b.h"\n'})
        self.assertEqual(len(found), 1, found)
        self.assertIn("net -> sim -> net is a circle", found[0])

    def test_a_folder_and_one_inside_it_make_a_circle_too(self):
        self.directions = check.read_directions("foreign:\nsim: sim/nat\nsim/nat: sim\n")
        files = {"sim/a.h": '#include "sim/nat/a.h"\n', "sim/nat/b.h": '#include "sim/packet.h"\n'}
        self.assertEqual(len(self.violations(**files)), 1)
        # The arrow that a rule lists by the file's own name is meant.
        self.directions["sim/nat"] = ["sim/packet.h"]
        self.assertEqual(self.violations(**files), [])

    def test_rules_that_cannot_be_read_are_refused(self):
        with self.assertRaises(ValueError):
            check.read_directions("net\n")
        with self.assertRaises(ValueError):
            check.read_directions("net:\nnet: stun\n")
        with self.assertRaises(ValueError):
            check.read_directions("foreign:\nclosed: sim/oracle\nsim:\n")
        with self.assertRaises(ValueError):
            check.read_directions("sim: +net\nnet:\n")
        with self.assertRaises(ValueError):
            check.read_banned("in: sim\nword: x\n")


if __name__ == "__main__":
    unittest.main()
