#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/nat_bench.h"

// Which profiles are refused, and that the reason starts with the field to mend.
namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;

struct Row {
  const char* what;
  const char* field;
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
      {"EIM with overloading", "udp.port_allocation", Udp({{.port_allocation = PortAllocation::kPreserveOverloading}})},
      {"overloading, and strangers let in", "udp.filtering",
       Udp({{.mapping = Mapping::kAddressAndPortDependent,
             .filtering = Filtering::kAddressDependent,
             .port_allocation = PortAllocation::kPreserveOverloading}})},
      {"AD overloading, and strangers let in", "udp.filtering",
       Udp({{.mapping = Mapping::kAddressDependent,
             .filtering = Filtering::kEndpointIndependent,
             .port_allocation = PortAllocation::kPreserveOverloading}})},
      {"no port of the wanted parity", "udp.ports",
       Udp({{.ports = PortRange{4001, 4001}, .parity = PortParity::kPreserve}})},
      {"range upside down", "udp.ports", Udp({{.ports = PortRange{4001, 4000}}})},
      {"port 0", "udp.ports", Udp({{.ports = PortRange{0, 4000}}})},
      {"step 0", "udp.sequential_step", Udp({{.port_allocation = PortAllocation::kSequential, .sequential_step = 0}})},
      {"step without sequence", "udp.sequential_step", Udp({{.sequential_step = 2}})},
      {"collision without preservation", "udp.collision",
       Udp({{.port_allocation = PortAllocation::kRandom, .collision = PortCollision::kRefuse}})},
      {"other address when paired", "udp.collision", Udp({{.collision = PortCollision::kOtherAddress}})},
      {"block larger than the range", "udp.block_ports", Udp({{.ports = PortRange{5000, 5099}, .block_ports = 101}})},
      {"block of one parity", "udp.block_ports", Udp({{.parity = PortParity::kPreserve, .block_ports = 1}})},
      {"blocks without blocks", "udp.blocks_per_host", Udp({{.blocks_per_host = 2}})},
      {"no time", "udp.timeouts.unreplied", Udp({.timeouts = {.unreplied = 0s}})},
      {"ring without memory", "udp.destinations_remembered", With([](NatProfile& p) {
         p.udp.filtering = Filtering::kEndpointIndependent;
         p.udp.destinations_remembered = 4;
       })},
      {"filter life without filter", "udp.filter_timeout", With([](NatProfile& p) {
         p.udp.filtering = Filtering::kEndpointIndependent;
         p.udp.filter_timeout = 5s;
       })},
      {"poison without input", "udp.poisoning", Udp({.poisoning = true})},
      {"conntrack, open filter", "udp.filtering",
       Conntrack([](UdpBehavior& udp) { udp.filtering = Filtering::kEndpointIndependent; })},
      {"conntrack, endpoint memory", "udp.filter_memory",
       Conntrack([](UdpBehavior& udp) { udp.filter_memory = FilterMemory::kEndpoint; })},
      {"conntrack, sequential", "udp.port_allocation",
       Conntrack([](UdpBehavior& udp) { udp.port_allocation = PortAllocation::kSequential; })},
      {"conntrack, hairpin", "udp.hairpin",
       Conntrack([](UdpBehavior& udp) { udp.hairpin = Hairpin::kExternalSource; })},
      {"full without limit", "when_full", With([](NatProfile& p) { p.when_full = WhenFull::kReboot; })},
      {"host limit out of reach", "mappings_per_host_max", With([](NatProfile& p) {
         p.mappings_max = 10;
         p.mappings_per_host_max = 11;
       })},
      {"soft pairing of nothing", "soft_pairing", With([](NatProfile& p) {
         p.pooling = Pooling::kArbitrary;
         p.soft_pairing = true;
       })},
      {"two hosts, one address", "one_to_one", With([](NatProfile& p) {
         p.one_to_one = {{Ip("198.51.100.9"), Ip("10.0.1.10")}, {Ip("198.51.100.9"), Ip("10.0.1.11")}};
       })},
      {"one port, two forwards", "port_forwards", With([](NatProfile& p) {
         p.port_forwards = {{Addr("0.0.0.0:80"), kAlice}, {Addr("0.0.0.0:80"), kBob}};
       })},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const absl::Status status = Validate(row.profile);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), testing::StartsWith(std::string(row.field) + ": "));
  }
}

NatProfile Tcp(void (*change)(TcpBehavior&)) {
  NatProfile profile;
  change(profile.tcp);
  return profile;
}

TEST(NatProfile, TcpContradictionsAreRefusedByField) {
  const Row rows[] = {
      {"UDP's rules for ports hold for TCP", "tcp.port_allocation",
       Tcp([](TcpBehavior& tcp) { tcp.port_allocation = PortAllocation::kPreserveOverloading; })},
      {"conntrack without flags", "tcp.tracking", Tcp([](TcpBehavior& tcp) {
         static_cast<TransportBehavior&>(tcp) = ConntrackPorts();
         tcp.tracking.depth = TcpDepth::kAddresses;
       })},
      {"a hold without flags", "tcp.unsolicited_hold", Tcp([](TcpBehavior& tcp) {
         tcp.tracking.depth = TcpDepth::kAddresses;
         tcp.unsolicited = Unsolicited::kReset;
       })},
      {"crossing SYNs without flags", "tcp.simultaneous_open", Tcp([](TcpBehavior& tcp) {
         tcp.tracking.depth = TcpDepth::kAddresses;
         tcp.tracking.simultaneous_open = false;
       })},
      {"invalid without flags", "tcp.invalid", Tcp([](TcpBehavior& tcp) {
         tcp.tracking.depth = TcpDepth::kAddresses;
         tcp.tracking.invalid = TcpInvalid::kLeak;
       })},
      {"liberal without windows", "tcp.liberal", Tcp([](TcpBehavior& tcp) { tcp.tracking.liberal = true; })},
      {"unacknowledged without windows", "tcp.timeouts.unacknowledged",
       Tcp([](TcpBehavior& tcp) { tcp.tracking.timeouts.unacknowledged = 300s; })},
      {"late is picked up", "tcp.idle", Tcp([](TcpBehavior& tcp) {
         tcp.tracking.loose = true;
         tcp.tracking.idle = TcpIdle::kResetLate;
       })},
      {"no time", "tcp.timeouts.close", Tcp([](TcpBehavior& tcp) { tcp.tracking.timeouts.close = 0s; })},
      {"negative hold", "tcp.unsolicited_hold", Tcp([](TcpBehavior& tcp) { tcp.unsolicited_hold = -1s; })},
      {"a RST to UDP", "udp.unsolicited", With([](NatProfile& p) { p.udp.unsolicited = Unsolicited::kReset; })},
      {"two sizes of blocks", "tcp.block_ports", With([](NatProfile& p) {
         p.udp.block_ports = 100;
         p.tcp.block_ports = 200;
       })},
      {"two pools of anything", "pools_per_transport", With([](NatProfile& p) {
         p.pooling = Pooling::kArbitrary;
         p.pools_per_transport = true;
       })},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const absl::Status status = Validate(row.profile);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), testing::StartsWith(std::string(row.field) + ": "));
  }
}

TEST(NatProfile, PossibleDevicesAreAccepted) {
  EXPECT_TRUE(Validate(NatProfile{}).ok());
  EXPECT_TRUE(Validate(Udp(Masquerade())).ok());
  EXPECT_TRUE(Validate(Udp(InputAccept())).ok());
  EXPECT_TRUE(Validate(Udp(RandomFully())).ok());
  for (const Mapping mapping :
       {Mapping::kEndpointIndependent, Mapping::kAddressDependent, Mapping::kAddressAndPortDependent}) {
    for (const Filtering filtering :
         {Filtering::kEndpointIndependent, Filtering::kAddressDependent, Filtering::kAddressAndPortDependent}) {
      EXPECT_TRUE(Validate(Udp({{.mapping = mapping, .filtering = filtering}})).ok());
    }
  }
}

}  // namespace
}  // namespace pinhole::sim
