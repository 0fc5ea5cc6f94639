#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "net/host.h"
#include "net/socket_address.h"
#include "net/time.h"
#include "stun/transport.h"

namespace pinhole::ice {

// RFC 8445 §6.1.1.
enum class Role : std::uint8_t { kControlling, kControlled };
const char* ToString(Role role);
constexpr Role Opposite(Role role) { return role == Role::kControlling ? Role::kControlled : Role::kControlling; }

// What counts for an agent that names no Ta (RFC 8445 §14.2).
inline constexpr net::Duration kDefaultTa = std::chrono::milliseconds(50);

// How long a check waits for its first retransmission (RFC 8445 §14.3). Never below 500 ms, whatever the policy.
enum class RtoPolicy : std::uint8_t {
  kActiveChecklists,  // Ta * N * (waiting + in progress), N = running checklists, as in RFC 5245 §5.8 and §16
  kAllChecks,         // the same as RFC 8445 prints it: N = all pairs, so quadratic (204.8 s at 64 pairs)
  kFixed,             // AgentOptions::fixed_rto
};
const char* ToString(RtoPolicy policy);

// When the controlling agent stops checking a component and which pair it then nominates (RFC 8445 §8.1.1
// leaves both open). Every policy nominates the best valid pair at once when no better one can come any more.
enum class NominationPolicy : std::uint8_t {
  kFirstValid,  // the first valid pair
  kExhaustive,  // the valid pair of the highest priority, when every check has ended
  kBestAfter,   // a pair of the best type still possible at once; another direct UDP pair `direct_after`
                // after the first check, one over TCP or through relays `relayed_after` after it
};
const char* ToString(NominationPolicy policy);

// What becomes of a pair whose TCP connection a RST or an ICMP error refuses.
enum class ConnectFailurePolicy : std::uint8_t {
  kFail,   // it fails at once (RFC 6544 §7.1)
  kRetry,  // connects again from the same port, TcpOptions::retry_pause later each time, until Ti is over
};

// ICE over TCP (RFC 6544). Of every type that is on there is a candidate on every address, for every component.
struct TcpOptions {
  bool active = false;
  bool passive = false;
  bool simultaneous_open = false;

  // Asked over TCP from the ports of passive and simultaneous-open candidates for server-reflexive ones
  // (RFC 6544 §5.2).
  std::vector<net::SocketAddress> stun_servers;

  // As AgentOptions::gathering_deadline, of STUN and TURN servers that are asked over TCP. TCP resends a lost SYN or
  // SYN,ACK 1 s later (RFC 6298 §2.1) and a second time 3 s after the first, so in the second that UDP is given no loss
  // is made good; in this time two are, and a last second is for the round trips.
  net::Duration gathering_deadline = std::chrono::seconds(4);

  // TCP pairs have no check for so long after the checks have begun, but for those that a check of the peer's triggers.
  net::Duration head_start{};
  ConnectFailurePolicy on_connect_failure = ConnectFailurePolicy::kFail;
  net::Duration retry_pause = std::chrono::milliseconds(200);            // 10 ms or more
  net::Duration transaction_timeout = std::chrono::milliseconds(39500);  // Ti (RFC 8489 §6.2.2), from the SYN on
  // How many private, shared or link-local addresses of the peer's telling are connected to in one session; no more,
  // or a list of candidates could make us scan the network we are in.
  int private_address_limit = 8;

  bool any() const { return active || passive || simultaneous_open; }
};

struct TurnServer {
  net::SocketAddress address;
  std::string username;
  std::string password;
  stun::Transport transport = stun::Transport::kUdp;  // to the server; what it relays is UDP
};

// RFC 7675 §5.1.
struct ConsentOptions {
  bool enabled = true;
  net::Duration interval = std::chrono::seconds(5);  // each drawn from 0.8 to 1.2 times this; at least 5 s
  net::Duration expiry = std::chrono::seconds(30);
};

// Every knob of an agent. The defaults are the RFCs'.
struct AgentOptions {
  Role role = Role::kControlling;
  std::optional<std::uint64_t> tie_breaker;  // drawn if not given

  std::vector<int> components = {1};  // of each data stream: how many, 1 to 256

  // Pacing (RFC 8445 §14.2). Checks are paced by the larger of this and the peer's.
  net::Duration ta = kDefaultTa;  // 5 ms or more
  RtoPolicy rto_policy = RtoPolicy::kActiveChecklists;
  net::Duration fixed_rto = std::chrono::milliseconds(500);  // kFixed only; 500 ms or more
  int sends_max = 7;                                         // Rc of RFC 8489 §6.2.1
  int last_wait_rtos = 16;                                   // Rm

  // Gathering (RFC 8445 §5.1.1).
  std::vector<net::SocketAddress> stun_servers;
  std::vector<TurnServer> turn_servers;
  bool host_candidates = true;  // false: none is told to the peer or paired; the others still use their sockets
  bool server_reflexive_candidates = true;  // false: STUN servers are not asked, mappings told by TURN servers not used
  bool relayed_candidates = true;           // false: TURN servers are not asked
  bool udp_candidates = true;               // false: no UDP sockets; of UDP only what is relayed over TCP
  bool include_loopback = false;            // RFC 8445 §5.1.1.1 forbids loopback candidates on a network
  // A server that has not answered over UDP this long after the last gathering request was first sent yields nothing.
  net::Duration gathering_deadline = std::chrono::seconds(1);

  // An agent that has gathered gives up when the peer has told nothing for this long.
  net::Duration exchange_wait = std::chrono::seconds(120);

  TcpOptions tcp;

  // Checks.
  int pair_limit = 100;           // in the whole checklist set (RFC 8445 §6.1.2.5)
  int prflx_port_limit = 8;       // remote ports learned per local base and remote IP address
  bool icmp_fails_pairs = false;  // hard ICMP errors and refused sends fail a pair (RFC 8445 §7.2.5.2.2)
  net::Duration pac_timer = std::chrono::milliseconds(39500);  // RFC 8863 §4

  // Concluding.
  NominationPolicy nomination = NominationPolicy::kBestAfter;
  net::Duration direct_after = std::chrono::milliseconds(500);
  net::Duration relayed_after = std::chrono::seconds(2);
  // A controlled agent with a valid pair for every component gives up when the peer has not nominated this long after
  // the agent's own first checks and the PAC timer have ended. Checks of the peer that do not nominate change nothing.
  net::Duration nomination_wait = std::chrono::seconds(60);
  net::Duration free_after = std::chrono::seconds(3);  // RFC 8445 §8.3.1

  // After concluding.
  ConsentOptions consent;
  net::Duration keepalive_interval = std::chrono::seconds(15);  // Tr (RFC 8445 §11), 15 s or more; used without consent

  int ufrag_length = 4;      // ice-chars, 4 to 32, even (RFC 8445 §5.3: 24 random bits or more)
  int password_length = 22;  // ice-chars, 22 to 256 (128 random bits or more)
};

// InvalidArgument, naming the field, if an RFC forbids a value or two fields contradict each other.
absl::Status Validate(const AgentOptions& options);

// An address of this machine to gather from.
struct LocalAddress {
  net::IpAddress address;
  int prefix_length = 32;
  net::InterfaceId interface {};
  net::InterfaceKind kind = net::InterfaceKind::kEthernet;
  net::AddressLife life = net::AddressLife::kPreferred;
  bool temporary = false;  // RFC 8981
};

// All addresses of all interfaces that are up, in order.
std::vector<LocalAddress> LocalAddressesOf(const std::vector<net::Interface>& interfaces);

}  // namespace pinhole::ice
