// The profiles of scenarios/nats/, compared with their names and their sources.
#include "scenarios/language/nat_profiles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "scenarios/cli/nats.h"
#include "scenarios/conversion/nat_conversion.h"
#include "tests/sim/nat_tcp_bench.h"
#include "tests/source_dir.h"

namespace pinhole::scenarios {
namespace {

NatProfiles LoadAll() {
  SystemFiles files;
  Problems problems;
  NatProfiles profiles = NatProfiles::Load(files, kBuiltinPrefix, &problems);
  EXPECT_TRUE(problems.empty()) << problems.ToStatus().message();
  return profiles;
}

const proto::NatProfile& Get(const NatProfiles& profiles, absl::string_view name) {
  const proto::NatProfile* profile = profiles.Find(name);
  EXPECT_NE(profile, nullptr) << name;
  return *profile;
}

struct Mapped {
  const char* name;
  proto::Mapping::Kind mapping;
};
constexpr Mapped kMappings[] = {{"eim", proto::Mapping::ENDPOINT_INDEPENDENT},
                                {"adm", proto::Mapping::ADDRESS_DEPENDENT},
                                {"apdm", proto::Mapping::ADDRESS_AND_PORT_DEPENDENT}};
struct Filtered {
  const char* name;
  proto::Filtering::Kind filtering;
};
constexpr Filtered kFilterings[] = {{"eif", proto::Filtering::ENDPOINT_INDEPENDENT},
                                    {"adf", proto::Filtering::ADDRESS_DEPENDENT},
                                    {"apdf", proto::Filtering::ADDRESS_AND_PORT_DEPENDENT}};

TEST(NatProfiles, NineCombinationsOfRfc4787InBothReadings) {
  const NatProfiles profiles = LoadAll();
  for (const Mapped& mapped : kMappings) {
    for (const Filtered& filtered : kFilterings) {
      const std::string name = absl::StrCat(mapped.name, "-", filtered.name);
      SCOPED_TRACE(name);
      const proto::UdpNat& endpoint = Get(profiles, name).udp();
      EXPECT_EQ(endpoint.mapping(), mapped.mapping);
      EXPECT_EQ(endpoint.filtering(), filtered.filtering);
      EXPECT_EQ(endpoint.filter_memory(), proto::FilterMemory::PER_ENDPOINT);
      EXPECT_FALSE(endpoint.inbound_sessions());
      const proto::UdpNat& session = Get(profiles, name + "-session").udp();
      EXPECT_EQ(session.mapping(), mapped.mapping);
      EXPECT_EQ(session.filtering(), filtered.filtering);
      EXPECT_EQ(session.filter_memory(), proto::FilterMemory::PER_MAPPING);
      EXPECT_TRUE(session.inbound_sessions());
    }
  }
}

TEST(NatProfiles, Rfc3489Section5Names) {
  const NatProfiles profiles = LoadAll();
  const std::map<std::string, std::pair<proto::Mapping::Kind, proto::Filtering::Kind>> table = {
      {"full-cone", {proto::Mapping::ENDPOINT_INDEPENDENT, proto::Filtering::ENDPOINT_INDEPENDENT}},
      {"restricted-cone", {proto::Mapping::ENDPOINT_INDEPENDENT, proto::Filtering::ADDRESS_DEPENDENT}},
      {"port-restricted-cone", {proto::Mapping::ENDPOINT_INDEPENDENT, proto::Filtering::ADDRESS_AND_PORT_DEPENDENT}},
      {"symmetric", {proto::Mapping::ADDRESS_AND_PORT_DEPENDENT, proto::Filtering::ADDRESS_AND_PORT_DEPENDENT}},
  };
  for (const auto& [name, behavior] : table) {
    SCOPED_TRACE(name);
    EXPECT_EQ(Get(profiles, name).udp().mapping(), behavior.first);
    EXPECT_EQ(Get(profiles, name).udp().filtering(), behavior.second);
  }
}

TEST(NatProfiles, LinuxOnesAreOneAlgorithmWithTheKernelsTimeouts) {
  const NatProfiles profiles = LoadAll();
  for (const char* name : {"linux-masquerade", "linux-input-accept", "linux-random-fully"}) {
    SCOPED_TRACE(name);
    const proto::UdpNat& udp = Get(profiles, name).udp();
    EXPECT_EQ(udp.mapping(), proto::Mapping::PER_TUPLE);
    EXPECT_EQ(udp.filtering(), proto::Filtering::ADDRESS_AND_PORT_DEPENDENT);
    EXPECT_EQ(udp.unreplied_timeout_us(), 30000000u);
    EXPECT_EQ(udp.idle_timeout_us(), 30000000u);
    EXPECT_EQ(udp.assured_timeout_us(), 120000000u);
    EXPECT_EQ(udp.assured_after_us(), 2000000u);
    EXPECT_EQ(udp.refresh(), proto::Refresh::BOTH);
    EXPECT_EQ(udp.hairpin(), proto::Hairpin::NONE);
  }
  EXPECT_EQ(Get(profiles, "linux-masquerade").udp().unsolicited(), proto::Unsolicited::DROP);
  EXPECT_EQ(Get(profiles, "linux-input-accept").udp().unsolicited(), proto::Unsolicited::INPUT);
  EXPECT_TRUE(Get(profiles, "linux-input-accept").udp().unsolicited_claims_tuple());
  EXPECT_EQ(Get(profiles, "linux-random-fully").udp().ports().policy(), proto::PortAllocation::RANDOM);
}

TEST(NatProfiles, LinuxTracksTcpWithNfConntracksDefaults) {
  const NatProfiles profiles = LoadAll();
  for (const char* name : {"linux-masquerade", "linux-input-accept", "linux-random-fully"}) {
    SCOPED_TRACE(name);
    const proto::TcpNat& tcp = Get(profiles, name).tcp();
    EXPECT_EQ(tcp.tracking(), proto::TcpTracking::LINUX);
    EXPECT_TRUE(tcp.loose());
    EXPECT_FALSE(tcp.liberal());
    EXPECT_EQ(tcp.unsolicited_hold_us(), 0u);
    EXPECT_EQ(tcp.syn_sent_timeout_us(), 120000000u);
    EXPECT_EQ(tcp.syn_received_timeout_us(), 60000000u);
    EXPECT_EQ(tcp.established_timeout_us(), 432000000000u);
    EXPECT_EQ(tcp.fin_wait_timeout_us(), 120000000u);
    EXPECT_EQ(tcp.close_wait_timeout_us(), 60000000u);
    EXPECT_EQ(tcp.last_ack_timeout_us(), 30000000u);
    EXPECT_EQ(tcp.time_wait_timeout_us(), 120000000u);
    EXPECT_EQ(tcp.close_timeout_us(), 10000000u);
    EXPECT_EQ(tcp.unacknowledged_timeout_us(), 300000000u);
    EXPECT_EQ(tcp.retransmitted_timeout_us(), 300000000u);
  }
}

TEST(NatProfiles, WithoutTimeoutsOfItsOwnANatHasThoseOfRfc5382) {
  EXPECT_TRUE(ToNatProfile(proto::Nat()).tcp.tracking.timeouts == sim::TcpTimeouts());
  proto::TcpNat tcp;
  tcp.set_established_timeout_us(9000000000);
  tcp.set_transitory_timeout_us(300000000);
  FillDependentDefaults(&tcp);
  // Half closed is established (RFC 7857 §2, figure 1).
  EXPECT_EQ(tcp.fin_wait_timeout_us(), 9000000000u);
  EXPECT_EQ(tcp.close_wait_timeout_us(), 9000000000u);
  EXPECT_EQ(tcp.last_ack_timeout_us(), 300000000u);
  EXPECT_EQ(tcp.time_wait_timeout_us(), 300000000u);
}

// The profile is the NAT that tests/sim/nat_tcp_lab_test.cc compares with the tables of a kernel.
TEST(NatProfiles, LinuxMasqueradeIsTheNatThatTheKernelsTablesAreAbout) {
  const NatProfiles profiles = LoadAll();
  const auto tcp = [&](const char* name) {
    proto::Nat nat;
    *nat.mutable_tcp() = Get(profiles, name).tcp();
    return ToNatProfile(nat).tcp;
  };
  EXPECT_TRUE(tcp("linux-masquerade") == sim::LinuxTcp(sim::Unsolicited::kDrop).tcp);
  EXPECT_TRUE(tcp("linux-input-accept") == sim::LinuxTcp(sim::Unsolicited::kInput).tcp);
}

// The profile is the NAT that tests/sim/nat_linux_test.cc compares with the behavior of a kernel for UDP.
TEST(NatProfiles, LinuxUdpIsTheNatThatTheTestsOfTheKernelsUdpAreAbout) {
  const NatProfiles profiles = LoadAll();
  const auto udp = [&](const char* name) {
    proto::Nat nat;
    *nat.mutable_udp() = Get(profiles, name).udp();
    return ToNatProfile(nat).udp;
  };
  EXPECT_TRUE(udp("linux-masquerade") == sim::Masquerade());
  EXPECT_TRUE(udp("linux-input-accept") == sim::InputAccept());
  EXPECT_TRUE(udp("linux-random-fully") == sim::RandomFully());
  EXPECT_FALSE(udp("linux-random-fully") == sim::Masquerade());
}

// The words of a profile's name apply to both transports.
TEST(NatProfiles, TcpIsMappedAndFilteredAsUdpIs) {
  const NatProfiles profiles = LoadAll();
  for (const proto::NatProfile& profile : profiles.all()) {
    SCOPED_TRACE(profile.name());
    EXPECT_EQ(profile.tcp().mapping(), profile.udp().mapping());
    EXPECT_EQ(profile.tcp().filtering(), profile.udp().filtering());
    EXPECT_EQ(profile.tcp().filter_memory(), profile.udp().filter_memory());
    EXPECT_EQ(profile.tcp().inbound_sessions(), profile.udp().inbound_sessions());
    EXPECT_EQ(profile.tcp().ports().policy(), profile.udp().ports().policy());
    EXPECT_EQ(profile.tcp().unsolicited(), profile.udp().unsolicited());
  }
}

TEST(NatProfiles, EachSaysWhereItsFiguresComeFrom) {
  const NatProfiles profiles = LoadAll();
  for (const proto::NatProfile& profile : profiles.all()) {
    EXPECT_GT(profile.source_size(), 0) << profile.name();
    EXPECT_TRUE(profile.has_trust()) << profile.name();
  }
}

TEST(NatProfiles, FilesThatAreWrongAreNamed) {
  MemoryFiles files({
      {"d/nats/a.textproto",
       "name: \"a\" summary: \"s\" trust: DEFINITION source: \"x\" udp { destination_ring: 3 "
       "filtering: ENDPOINT_INDEPENDENT }"},
      {"d/nats/b.textproto", "name: \"b\" summary: \"s\" trust: DEFINITION"},
      {"d/nats/c.textproto", "name: \"c\" alias: \"d\" summary: \"s\" trust: DEFINITION source: \"x\""},
      {"d/nats/d.textproto", "name: \"d\" summary: \"s\" trust: DEFINITION source: \"x\""},
  });
  Problems problems;
  NatProfiles::Load(files, "d", &problems);
  EXPECT_EQ(
      problems.ToStatus().message(),
      "d/nats: two NAT profiles are called \"d\"\n"
      "d/nats/a.textproto:1:60: udp.destination_ring: has no effect: endpoint_independent filtering asks no memory\n"
      "d/nats/b.textproto: a profile says where its figures come from: source");
}

TEST(NatProfiles, DocsNatsMdIsGenerated) {
  SystemFiles files;
  NatsFlags flags;
  flags.markdown = true;
  std::ostringstream out;
  std::ostringstream err;
  ASSERT_EQ(Nats(flags, files, out, err), ExitCode::kOk) << err.str();
  std::ifstream page(PINHOLE_SOURCE_DIR "/docs/nats.md");
  std::stringstream written;
  written << page.rdbuf();
  EXPECT_EQ(written.str(), out.str()) << "run: pinhole nats --markdown > docs/nats.md";
}

}  // namespace
}  // namespace pinhole::scenarios
