// RFC 6724 §5, by the RFC's own examples (§10.1) and one case for each rule that applies.
#include "sim/host/source_selection.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/sim/two_node_world.h"

namespace pinhole::sim {
namespace {

struct Candidate {
  const char* address;
  bool deprecated = false;
  bool temporary = false;
  int interface = 1;
  int prefix_length = 64;
};

std::string Select(const char* destination, const std::vector<Candidate>& candidates, int outgoing = 1) {
  std::vector<SourceCandidate> sources;
  for (const Candidate& candidate : candidates) {
    sources.push_back({{.address = Ip(candidate.address),
                        .prefix_length = candidate.prefix_length,
                        .life = candidate.deprecated ? net::AddressLife::kDeprecated : net::AddressLife::kPreferred,
                        .temporary = candidate.temporary},
                       candidate.interface});
  }
  const SourceCandidate* best = SelectSource(Ip(destination), sources, outgoing);
  return best == nullptr ? "none" : best->address.address.ToString();
}

// Selects between two candidates, in both orders, so that the order itself decides nothing.
std::string Pick(const char* destination, const Candidate& a, const Candidate& b, int outgoing = 1) {
  const std::string forwards = Select(destination, {a, b}, outgoing);
  EXPECT_EQ(forwards, Select(destination, {b, a}, outgoing));
  return forwards;
}

TEST(Rfc6724, Section10_1_ExamplesOfSourceSelection) {
  EXPECT_EQ(Pick("2001:db8:1::1", {"2001:db8:3::1"}, {"fe80::1"}), "2001:db8:3::1");  // appropriate scope
  EXPECT_EQ(Pick("ff05::1", {"2001:db8:3::1"}, {"fe80::1"}), "2001:db8:3::1");        // appropriate scope
  EXPECT_EQ(Pick("2001:db8:1::1", {.address = "2001:db8:1::1", .deprecated = true}, {"2001:db8:2::1"}),
            "2001:db8:1::1");
  EXPECT_EQ(Pick("fe80::1", {.address = "fe80::2", .deprecated = true}, {"2001:db8:1::1"}), "fe80::2");
  EXPECT_EQ(Pick("2001:db8:1::1", {"2001:db8:1::2"}, {"2001:db8:3::2"}), "2001:db8:1::2");
  EXPECT_EQ(Pick("2002:c633:6401::1", {.address = "2002:c633:6401::d5e3:7953:13eb:22e8", .temporary = true},
                 {"2001:db8:1::2"}),
            "2002:c633:6401:0:d5e3:7953:13eb:22e8");
  EXPECT_EQ(Pick("2001:db8:1::d5e3:0:0:1", {"2001:db8:1::2"},
                 {.address = "2001:db8:1::d5e3:7953:13eb:22e8", .temporary = true}),
            "2001:db8:1:0:d5e3:7953:13eb:22e8");
}

TEST(Rfc6724, Section5_Rule1_PrefersTheDestinationItself) {
  EXPECT_EQ(Pick("2001:db8::1", {.address = "2001:db8::1", .deprecated = true, .interface = 2}, {"2001:db8::2"}),
            "2001:db8::1");
}

TEST(Rfc6724, Section5_Rule2_PrefersTheSmallestScopeThatReaches) {
  EXPECT_EQ(Pick("fec0::9", {"fe80::1"}, {"fec0::1"}), "fec0::1");
  EXPECT_EQ(Pick("fec0::9", {"2001:db8::1"}, {"fec0::1"}), "fec0::1");
  EXPECT_EQ(Pick("fec0::9", {"2001:db8::1"}, {"fe80::1"}), "2001:db8::1");
}

TEST(Rfc6724, Section5_Rule3_AvoidsDeprecatedAddresses) {
  EXPECT_EQ(Pick("2001:db8:1::1", {.address = "2001:db8:1::2", .deprecated = true}, {"2001:db8:2::2"}),
            "2001:db8:2::2");
}

TEST(Rfc6724, Section5_Rule5_PrefersTheOutgoingInterface) {
  EXPECT_EQ(
      Pick("2001:db8:1::1", {.address = "2001:db8:1::2", .interface = 2}, {.address = "2001:db8:2::2", .interface = 1}),
      "2001:db8:2::2");
}

TEST(Rfc6724, Section5_Rule6_PrefersAMatchingLabel) {
  EXPECT_EQ(Pick("fd00::1", {"fd77::2"}, {"2001:db8::2"}), "fd77::2");
  EXPECT_EQ(Pick("2001:db8::1", {"fd77::2"}, {"3fff::2"}), "3fff::2");
}

TEST(Rfc6724, Section5_Rule7_PrefersTemporaryAddresses) {
  EXPECT_EQ(Pick("2001:db8:1::1", {"2001:db8:1::2"}, {.address = "2001:db8:2::2", .temporary = true}), "2001:db8:2::2");
}

// Only bits within the source's prefix are compared. Longer matches beyond it do not count, and the first candidate
// stays.
TEST(Rfc6724, Section5_Rule8_LongestMatchEndsAtTheSourcesPrefix) {
  EXPECT_EQ(
      Pick("198.51.100.9", {.address = "198.51.0.1", .prefix_length = 16}, {.address = "10.0.0.1", .prefix_length = 8}),
      "198.51.0.1");
  EXPECT_EQ(CommonPrefixLength(Ip("2001:db8::1"), 64, Ip("2001:db8::2")), 64);
  EXPECT_EQ(CommonPrefixLength(Ip("2001:db8::1"), 128, Ip("2001:db8::2")), 126);
  EXPECT_EQ(Select("2001:db8::ff", {{"2001:db8::1"}, {"2001:db8::fe"}}), "2001:db8::1");
}

TEST(Rfc6724, Section2_1_DefaultPolicyTableLabels) {
  EXPECT_EQ(LabelOf(Ip("::1")), 0);
  EXPECT_EQ(LabelOf(Ip("2001:db8::1")), 1);
  EXPECT_EQ(LabelOf(Ip("2002::1")), 2);
  EXPECT_EQ(LabelOf(Ip("::192.0.2.1")), 3);
  EXPECT_EQ(LabelOf(Ip("::ffff:192.0.2.1")), 4);
  EXPECT_EQ(LabelOf(Ip("192.0.2.1")), 4);
  EXPECT_EQ(LabelOf(Ip("2001::1")), 5);
  EXPECT_EQ(LabelOf(Ip("fec0::1")), 11);
  EXPECT_EQ(LabelOf(Ip("3ffe::1")), 12);
  EXPECT_EQ(LabelOf(Ip("fd00::1")), 13);
}

TEST(SourceSelection, NoneOfTheFamilyMeansNoSource) {
  EXPECT_EQ(Select("192.0.2.1", {{"2001:db8::1"}}), "none");
  EXPECT_EQ(Select("2001:db8::1", {}), "none");
}

// RFC 4862 §2: a tentative address is not yet assigned.
TEST(SourceSelection, TentativeAddressesAreNotUsed) {
  const SourceCandidate tentative = {
      {.address = Ip("2001:db8::1"), .prefix_length = 64, .life = net::AddressLife::kTentative}, 1};
  EXPECT_EQ(SelectSource(Ip("2001:db8::2"), std::span(&tentative, 1), 1), nullptr);
}

}  // namespace
}  // namespace pinhole::sim
