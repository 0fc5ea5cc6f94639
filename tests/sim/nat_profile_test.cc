#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/nat/validate.h"
#include "tests/sim/nat_bench.h"

// The profiles that are refused, and the field that each message names.
namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;

struct Row {
  const char* what;
  NatPart part;
  NatField field;
  NatProfile profile;
};

NatProfile Udp(UdpBehavior udp) { return NatProfile{.udp = udp}; }
NatProfile Conntrack(void (*change)(UdpBehavior&)) {
  UdpBehavior udp = Masquerade();
  change(udp);
  return Udp(udp);
}
NatProfile With(void (*change)(NatProfile&)) {
  NatProfile profile;
  change(profile);
  return profile;
}

TEST(NatProfile, ContradictionsAreRefusedByField) {
  const Row rows[] = {
      {"EIM with overloading", NatPart::kUdp, NatField::kPortAllocation,
       Udp({{.port_allocation = PortAllocation::kPreserveOverloading}})},
      {"overloading, and strangers let in", NatPart::kUdp, NatField::kFiltering,
       Udp({{.mapping = Mapping::kAddressAndPortDependent,
             .filtering = Filtering::kAddressDependent,
             .port_allocation = PortAllocation::kPreserveOverloading}})},
      {"AD overloading, and strangers let in", NatPart::kUdp, NatField::kFiltering,
       Udp({{.mapping = Mapping::kAddressDependent,
             .filtering = Filtering::kEndpointIndependent,
             .port_allocation = PortAllocation::kPreserveOverloading}})},
      {"no port of the wanted parity", NatPart::kUdp, NatField::kPorts,
       Udp({{.ports = PortRange{4001, 4001}, .parity = PortParity::kPreserve}})},
      {"range upside down", NatPart::kUdp, NatField::kPorts, Udp({{.ports = PortRange{4001, 4000}}})},
      {"port 0", NatPart::kUdp, NatField::kPorts, Udp({{.ports = PortRange{0, 4000}}})},
      {"step 0", NatPart::kUdp, NatField::kSequentialStep,
       Udp({{.port_allocation = PortAllocation::kSequential, .sequential_step = 0}})},
      {"step without sequence", NatPart::kUdp, NatField::kSequentialStep, Udp({{.sequential_step = 2}})},
      {"collision without preservation", NatPart::kUdp, NatField::kCollision,
       Udp({{.port_allocation = PortAllocation::kRandom, .collision = PortCollision::kRefuse}})},
      {"other address when paired", NatPart::kUdp, NatField::kCollision,
       Udp({{.collision = PortCollision::kOtherAddress}})},
      {"block larger than the range", NatPart::kUdp, NatField::kBlockPorts,
       Udp({{.ports = PortRange{5000, 5099}, .block_ports = 101}})},
      {"block of one parity", NatPart::kUdp, NatField::kBlockPorts,
       Udp({{.parity = PortParity::kPreserve, .block_ports = 1}})},
      {"blocks without blocks", NatPart::kUdp, NatField::kBlocksPerHost, Udp({{.blocks_per_host = 2}})},
      {"no time", NatPart::kUdp, NatField::kUnrepliedTimeout, Udp({.timeouts = {.unreplied = 0s}})},
      {"ring without memory", NatPart::kUdp, NatField::kDestinationsRemembered, With([](NatProfile& p) {
         p.udp.filtering = Filtering::kEndpointIndependent;
         p.udp.destinations_remembered = 4;
       })},
      {"filter life without filter", NatPart::kUdp, NatField::kFilterTimeout, With([](NatProfile& p) {
         p.udp.filtering = Filtering::kEndpointIndependent;
         p.udp.filter_timeout = 5s;
       })},
      {"poison without input", NatPart::kUdp, NatField::kPoisoning, Udp({.poisoning = true})},
      {"conntrack, open filter", NatPart::kUdp, NatField::kFiltering,
       Conntrack([](UdpBehavior& udp) { udp.filtering = Filtering::kEndpointIndependent; })},
      {"conntrack, endpoint memory", NatPart::kUdp, NatField::kFilterMemory,
       Conntrack([](UdpBehavior& udp) { udp.filter_memory = FilterMemory::kEndpoint; })},
      {"conntrack, sequential", NatPart::kUdp, NatField::kPortAllocation,
       Conntrack([](UdpBehavior& udp) { udp.port_allocation = PortAllocation::kSequential; })},
      {"conntrack, hairpin", NatPart::kUdp, NatField::kHairpin,
       Conntrack([](UdpBehavior& udp) { udp.hairpin = Hairpin::kExternalSource; })},
      {"full without limit", NatPart::kWhole, NatField::kWhenFull,
       With([](NatProfile& p) { p.when_full = WhenFull::kReboot; })},
      {"host limit out of reach", NatPart::kWhole, NatField::kMappingsPerHostMax, With([](NatProfile& p) {
         p.mappings_max = 10;
         p.mappings_per_host_max = 11;
       })},
      {"soft pairing of nothing", NatPart::kWhole, NatField::kSoftPairing, With([](NatProfile& p) {
         p.pooling = Pooling::kArbitrary;
         p.soft_pairing = true;
       })},
      {"two hosts, one address", NatPart::kWhole, NatField::kOneToOne, With([](NatProfile& p) {
         p.one_to_one = {{Ip("198.51.100.9"), Ip("10.0.1.10")}, {Ip("198.51.100.9"), Ip("10.0.1.11")}};
       })},
      {"one port, two forwards", NatPart::kWhole, NatField::kPortForwards, With([](NatProfile& p) {
         p.port_forwards = {{Addr("0.0.0.0:80"), kAlice}, {Addr("0.0.0.0:80"), kBob}};
       })},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const std::optional<NatContradiction> found = FindContradiction(row.profile);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->part, row.part);
    EXPECT_EQ(found->field, row.field) << found->why;
    EXPECT_THAT(found->why, testing::Not(testing::IsEmpty()));
  }
}

NatProfile Tcp(void (*change)(TcpBehavior&)) {
  NatProfile profile;
  change(profile.tcp);
  return profile;
}

TEST(NatProfile, TcpContradictionsAreRefusedByField) {
  const Row rows[] = {
      {"UDP's rules for ports hold for TCP", NatPart::kTcp, NatField::kPortAllocation,
       Tcp([](TcpBehavior& tcp) { tcp.port_allocation = PortAllocation::kPreserveOverloading; })},
      {"conntrack without flags", NatPart::kTcp, NatField::kTracking, Tcp([](TcpBehavior& tcp) {
         static_cast<TransportBehavior&>(tcp) = ConntrackPorts();
         tcp.tracking.depth = TcpDepth::kAddresses;
       })},
      {"a hold without flags", NatPart::kTcp, NatField::kUnsolicitedHold, Tcp([](TcpBehavior& tcp) {
         tcp.tracking.depth = TcpDepth::kAddresses;
         tcp.unsolicited = Unsolicited::kReset;
       })},
      {"crossing SYNs without flags", NatPart::kTcp, NatField::kSimultaneousOpen, Tcp([](TcpBehavior& tcp) {
         tcp.tracking.depth = TcpDepth::kAddresses;
         tcp.tracking.simultaneous_open = false;
       })},
      {"invalid without flags", NatPart::kTcp, NatField::kInvalid, Tcp([](TcpBehavior& tcp) {
         tcp.tracking.depth = TcpDepth::kAddresses;
         tcp.tracking.invalid = TcpInvalid::kLeak;
       })},
      {"liberal without windows", NatPart::kTcp, NatField::kLiberal,
       Tcp([](TcpBehavior& tcp) { tcp.tracking.liberal = true; })},
      {"unacknowledged without windows", NatPart::kTcp, NatField::kUnacknowledgedTimeout,
       Tcp([](TcpBehavior& tcp) { tcp.tracking.timeouts.unacknowledged = 300s; })},
      {"late is picked up", NatPart::kTcp, NatField::kIdle, Tcp([](TcpBehavior& tcp) {
         tcp.tracking.loose = true;
         tcp.tracking.idle = TcpIdle::kResetLate;
       })},
      {"no time", NatPart::kTcp, NatField::kCloseTimeout,
       Tcp([](TcpBehavior& tcp) { tcp.tracking.timeouts.close = 0s; })},
      {"negative hold", NatPart::kTcp, NatField::kUnsolicitedHold,
       Tcp([](TcpBehavior& tcp) { tcp.unsolicited_hold = -1s; })},
      {"a RST to UDP", NatPart::kUdp, NatField::kUnsolicited,
       With([](NatProfile& p) { p.udp.unsolicited = Unsolicited::kReset; })},
      {"two sizes of blocks", NatPart::kTcp, NatField::kBlockPorts, With([](NatProfile& p) {
         p.udp.block_ports = 100;
         p.tcp.block_ports = 200;
       })},
      {"two pools of anything", NatPart::kWhole, NatField::kPoolsPerTransport, With([](NatProfile& p) {
         p.pooling = Pooling::kArbitrary;
         p.pools_per_transport = true;
       })},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const std::optional<NatContradiction> found = FindContradiction(row.profile);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->part, row.part);
    EXPECT_EQ(found->field, row.field) << found->why;
    EXPECT_THAT(found->why, testing::Not(testing::IsEmpty()));
  }
}

TEST(NatProfile, PossibleDevicesAreAccepted) {
  EXPECT_TRUE(IsValid(NatProfile{}));
  EXPECT_TRUE(IsValid(Udp(Masquerade())));
  EXPECT_TRUE(IsValid(Udp(InputAccept())));
  EXPECT_TRUE(IsValid(Udp(RandomFully())));
  for (const Mapping mapping :
       {Mapping::kEndpointIndependent, Mapping::kAddressDependent, Mapping::kAddressAndPortDependent}) {
    for (const Filtering filtering :
         {Filtering::kEndpointIndependent, Filtering::kAddressDependent, Filtering::kAddressAndPortDependent}) {
      EXPECT_TRUE(IsValid(Udp({{.mapping = mapping, .filtering = filtering}})));
    }
  }
}

}  // namespace
}  // namespace pinhole::sim
