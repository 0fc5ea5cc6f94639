// The table of drop rules: the name of each rule in results and expectations, and its kind.
#include "sim/packet/rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace pinhole::sim {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::MatchesRegex;

std::vector<Rule> AllRules() {
  std::vector<Rule> rules;
  for (int i = 0; i < kRuleCount; ++i) rules.push_back(static_cast<Rule>(i));
  return rules;
}

TEST(Rules, HaveNamesOfTheirOwnAndOneOfTheNineKinds) {
  std::set<std::string> names;
  for (const Rule rule : AllRules()) {
    const RuleEntry& entry = EntryOf(rule);
    EXPECT_EQ(entry.rule, rule);
    EXPECT_STREQ(ToString(rule), entry.name);
    EXPECT_THAT(entry.name, MatchesRegex("[a-z_]+"));
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    for (const char* kind : {entry.kind, entry.kind_at_nat == nullptr ? entry.kind : entry.kind_at_nat}) {
      EXPECT_THAT(std::string(kind), AnyOf("link", "route", "mapping", "filtering", "firewall", "simultaneous_open",
                                           "tcp_state", "sequence_number", "host"))
          << entry.name;
    }
  }
}

TEST(Rules, AreHopelessWhereNoFilterDecides) {
  std::vector<std::string> hopeless;
  for (const Rule rule : AllRules()) {
    if (EntryOf(rule).hopeless) hopeless.push_back(ToString(rule));
  }
  EXPECT_THAT(hopeless,
              ElementsAre("no_route", "no_neighbour", "private_in_core", "martian", "not_forwarding", "no_socket",
                          "no_protocol", "hairpin_refused", "interface_not_routed", "protocol_blocked"));
}

// RFC 4787 §5: a packet that no mapping or filter lets in may be for the box itself.
TEST(Rules, OfTheInputPathAreTheFilterWhereTheBoxIsANat) {
  std::vector<std::string> other_at_nat;
  for (const Rule rule : AllRules()) {
    if (EntryOf(rule).kind_at_nat == nullptr) continue;
    other_at_nat.push_back(ToString(rule));
    EXPECT_STREQ(EntryOf(rule).kind, "host");
    EXPECT_STREQ(EntryOf(rule).kind_at_nat, "filtering");
  }
  EXPECT_THAT(other_at_nat, ElementsAre("no_socket", "input_dropped"));
}

}  // namespace
}  // namespace pinhole::sim
