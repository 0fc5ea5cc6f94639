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

// The role of an agent (RFC 8445 §6.1.1).
enum class Role : std::uint8_t { kControlling, kControlled };
const char* ToString(Role role);
constexpr Role Opposite(Role role) { return role == Role::kControlling ? Role::kControlled : Role::kControlling; }

// The Ta of an agent that names none (RFC 8445 §14.2).
inline constexpr net::Duration kDefaultTa = std::chrono::milliseconds(50);

// The RTO of a check: the time until its first retransmission (RFC 8445 §14.3). Every policy uses at least 500 ms.
enum class RtoPolicy : std::uint8_t {
  kActiveChecklists,  // Ta * N * (waiting + in progress), N = running checklists, as in RFC 5245 §5.8 and §16
  // The formula as RFC 8445 prints it: N = all pairs, so the RTO grows quadratically (204.8 s at 64 pairs).
  kAllChecks,
  kFixed,  // AgentOptions::fixed_rto
};
const char* ToString(RtoPolicy policy);

// When the controlling agent stops checking a component, and which valid pair it then nominates. Both are left open by
// RFC 8445 §8.1.1.
enum class NominationPolicy : std::uint8_t {
  kFirstValid,  // the first valid pair
  kExhaustive,  // the valid pair of the highest priority, when every check has ended
  // The best valid pair: at once if no open pair is of a better class (PathClass). Otherwise a direct UDP pair
  // `direct_after` after the first check, and a pair over TCP or through relays `relayed_after` after the first check.
  kBestAfter,
};
const char* ToString(NominationPolicy policy);

// The treatment of a pair whose TCP connection is refused by a RST or an ICMP error.
enum class ConnectFailurePolicy : std::uint8_t {
  kFail,  // the pair fails at once (RFC 6544 §7.1)
  // The agent connects again from the same port after TcpOptions::retry_pause, as often as needed until Ti is over.
  kRetry,
};

// ICE over TCP (RFC 6544). Each tcptype that is on gives one candidate for every address and component.
struct TcpOptions {
  bool active = false;
  bool passive = false;
  bool simultaneous_open = false;

  // STUN servers that are asked over TCP, from the ports of passive and simultaneous-open candidates, for
  // server-reflexive candidates (RFC 6544 §5.2).
  std::vector<net::SocketAddress> stun_servers;

  // As AgentOptions::gathering_deadline, for STUN and TURN servers that are asked over TCP. The default is longer than
  // for UDP, because TCP resends a lost SYN or SYN,ACK only 1 s after the first (RFC 6298 §2.1), and again 3 s after
  // the first. 4 s allow two losses and leave 1 s for the round trips.
  net::Duration gathering_deadline = std::chrono::seconds(4);

  // The head start of UDP. For this time after the checks have begun, a TCP pair is checked only if a check of the peer
  // triggers it.
  net::Duration head_start{};
  ConnectFailurePolicy on_connect_failure = ConnectFailurePolicy::kFail;
  net::Duration retry_pause = std::chrono::milliseconds(200);            // 10 ms or more
  net::Duration transaction_timeout = std::chrono::milliseconds(39500);  // Ti (RFC 8489 §6.2.2), counted from the SYN
  // The number of private, shared or link-local addresses told by the peer to which one session connects at most.
  // Without this limit, a hostile list of candidates could make the agent scan its own network.
  int private_address_limit = 8;

  bool any() const { return active || passive || simultaneous_open; }
};

struct TurnServer {
  net::SocketAddress address;
  std::string username;
  std::string password;
  stun::Transport transport = stun::Transport::kUdp;  // between agent and server; the server always relays UDP
};

// Consent freshness (RFC 7675 §5.1).
struct ConsentOptions {
  bool enabled = true;
  // The time between two requests, 5 s or more. Each time is drawn from 0.8 to 1.2 times this.
  net::Duration interval = std::chrono::seconds(5);
  net::Duration expiry = std::chrono::seconds(30);
};

// All options of an agent. The defaults are those of the RFCs.
struct AgentOptions {
  Role role = Role::kControlling;
  std::optional<std::uint64_t> tie_breaker;  // random if not given

  std::vector<int> components = {1};  // for each data stream the number of its components, 1 to 256

  // Pacing (RFC 8445 §14.2). Checks are paced by the larger of this Ta and the peer's.
  net::Duration ta = kDefaultTa;  // 5 ms or more
  RtoPolicy rto_policy = RtoPolicy::kActiveChecklists;
  net::Duration fixed_rto = std::chrono::milliseconds(500);  // kFixed only; 500 ms or more
  int sends_max = 7;                                         // Rc of RFC 8489 §6.2.1
  int last_wait_rtos = 16;                                   // Rm of RFC 8489 §6.2.1

  // Gathering (RFC 8445 §5.1.1).
  std::vector<net::SocketAddress> stun_servers;
  std::vector<TurnServer> turn_servers;
  // False: host candidates are neither told to the peer nor paired; their sockets still serve the other candidates.
  bool host_candidates = true;
  // False: STUN servers are not asked, and mapped addresses from TURN servers are not used.
  bool server_reflexive_candidates = true;
  bool relayed_candidates = true;  // false: TURN servers are not asked
  // False: no UDP sockets are opened; the only UDP candidates are relayed ones of TURN servers that are reached over
  // TCP.
  bool udp_candidates = true;
  // True: loopback addresses give candidates; RFC 8445 §5.1.1.1 forbids that on a network.
  bool include_loopback = false;
  // A server yields no candidate if it has not answered over UDP this long after the last gathering request was first
  // sent.
  net::Duration gathering_deadline = std::chrono::seconds(1);

  // After gathering, the agent waits this long for the peer's description. Then it gives up.
  net::Duration exchange_wait = std::chrono::seconds(120);

  TcpOptions tcp;

  // Connectivity checks (RFC 8445 §6 and §7).
  int pair_limit = 100;  // the most pairs in the whole checklist set (RFC 8445 §6.1.2.5)
  // The number of remote ports that are learned as peer-reflexive candidates, per local base and remote IP address.
  int prflx_port_limit = 8;
  bool icmp_fails_pairs = false;  // true: hard ICMP errors and refused sends fail a pair (RFC 8445 §7.2.5.2.2)
  net::Duration pac_timer = std::chrono::milliseconds(39500);  // until it ends the session does not fail (RFC 8863 §4)

  // Nomination and conclusion (RFC 8445 §8).
  NominationPolicy nomination = NominationPolicy::kBestAfter;
  net::Duration direct_after = std::chrono::milliseconds(500);
  net::Duration relayed_after = std::chrono::seconds(2);
  // A controlled agent that has a valid pair for every component waits this long for the peer's nomination. Then it
  // gives up. The time counts from the end of the agent's own first checks or of the PAC timer, whichever is later.
  // Checks of the peer that do not nominate do not prolong it.
  net::Duration nomination_wait = std::chrono::seconds(60);
  // The time from the conclusion until unused resources are released (RFC 8445 §8.3.1).
  net::Duration free_after = std::chrono::seconds(3);

  // Consent and keepalives after the conclusion.
  ConsentOptions consent;
  net::Duration keepalive_interval = std::chrono::seconds(15);  // Tr (RFC 8445 §11), 15 s or more; used without consent

  int ufrag_length = 4;      // ice-chars, 4 to 32, even (RFC 8445 §5.3: 24 random bits or more)
  int password_length = 22;  // ice-chars, 22 to 256 (128 random bits or more)
};

// InvalidArgument, naming the field, if an RFC forbids a value or two fields contradict each other.
absl::Status Validate(const AgentOptions& options);

// An address of this machine from which candidates are gathered.
struct LocalAddress {
  net::IpAddress address;
  int prefix_length = 32;
  net::InterfaceId interface {};
  net::InterfaceKind kind = net::InterfaceKind::kEthernet;
  net::AddressLife life = net::AddressLife::kPreferred;
  bool temporary = false;  // true: a temporary address (RFC 8981)
};

// All addresses of all interfaces that are up, in the order of `interfaces`.
std::vector<LocalAddress> LocalAddressesOf(const std::vector<net::Interface>& interfaces);

}  // namespace pinhole::ice
