#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/ip_address.h"
#include "net/socket_address.h"
#include "net/time.h"

// The oracle's view of a scenario: which peer is attached to which network, which boxes (NATs) stand between the
// networks, and how each box behaves. It is plain data. extract.h makes it from a cell; tests make it by hand.
//
// The model exists so that the rules of the oracle share nothing with the simulator and the schema. It keeps a property
// only if that property can decide whether two peers meet, or over which kind of path. Links become one-way delays;
// programs become start times, pacing and servers; loss and timeouts become a text that says why the outcome is open.
// Elements refer to each other by their index in the lists of `Model`.
namespace pinhole::scenarios::oracle {

// On which part of the remote endpoint a mapping (RFC 4787 §4.1) or a filter (RFC 4787 §5) depends.
enum class Dependence : std::uint8_t { kEndpointIndependent, kAddressDependent, kAddressAndPortDependent };

enum class FilterMemory : std::uint8_t { kPerEndpoint, kPerMapping };
enum class Hairpinning : std::uint8_t { kNone, kInternalSource, kExternalSource };

// How a box translates UDP over IPv4.
struct NatBehavior {
  Dependence mapping = Dependence::kEndpointIndependent;
  Dependence filtering = Dependence::kAddressAndPortDependent;
  FilterMemory memory = FilterMemory::kPerEndpoint;
  // A packet from outside that is let in creates a session: the inside host's answers to that remote endpoint leave
  // from the external endpoint at which the packet arrived.
  bool inbound_sessions = false;
  // The NAT tracks connections as Linux does: each tuple (inside, external and remote endpoint) is an entry of its own,
  // and keeps the inside port where possible. `mapping`, `memory` and `inbound_sessions` have no meaning then.
  bool per_tuple = false;
  // Only with per_tuple. If true, a new tuple takes the external endpoint of the newest tuple of the same socket; if
  // that is taken, it takes the inside port; if that is taken too, it takes any port. If false, it always takes any
  // port.
  bool keeps_port = true;
  // Only with per_tuple: the box itself accepts an unsolicited packet, and the packet's tuple is then occupied.
  bool claims_tuple = false;
  Hairpinning hairpinning = Hairpinning::kNone;
  // Each new mapping may get another one of the external addresses. If false, an inside host always gets the same one.
  bool arbitrary_pooling = false;
  // Why the NAT may lose a mapping or a remembered destination while a session still needs it, such as "forgets after
  // 1000 ms". Empty: the NAT keeps them long enough.
  std::string forgetful;
  bool answers_icmp = false;  // sends an ICMP error for a packet that it does not let in
};

// The kind of packet that travels. No firewall blocks signalling.
enum class Traffic : std::uint8_t { kUdp, kTcp, kSignalling };

// How a box answers a packet that it drops. A RST in answer to a SYN ends the connection attempt, and so does a hard
// ICMP error (RFC 1122 §4.2.3.9). A soft ICMP error changes nothing, so it counts as kSilent.
enum class Refusal : std::uint8_t { kSilent, kReset, kIcmp };

// How a box translates TCP over IPv4.
struct TcpBehavior {
  // The fields of UDP, applied to SYNs. `claims_tuple` and `answers_icmp` have no meaning here.
  NatBehavior nat;
  Refusal unsolicited = Refusal::kSilent;  // the answer to a SYN that is not let in
  // The box sends `unsolicited` this long after the SYN, unless a SYN from inside has left for the same remote endpoint
  // by then (RFC 5382 §4.3 REQ-4).
  net::Duration hold{};
  bool simultaneous_open = true;  // lets in a SYN that crosses a SYN from inside (RFC 5382 §4.2 REQ-2)
  // A RST (or a hard ICMP error) that answers a SYN from inside deletes the entry that the SYN made in the box.
  bool reset_forgets = false;
  bool icmp_forgets = false;
  bool passes_icmp = true;      // forwards ICMP errors to the inside host that they are about
  bool tracks_numbers = false;  // drops segments whose sequence numbers are outside the tracked window
};

// Which packets of one transport the firewall of a box lets out.
struct Exit {
  bool blocked = false;              // lets nothing through, in neither direction
  std::vector<std::uint16_t> ports;  // destination ports that are let out; empty: all
  Refusal told = Refusal::kSilent;
};

// A network. Networks that exchange packets without translation form one domain. An interface belongs to a network and
// not to a domain, because a core that drops private addresses does not carry them between the interfaces of one
// domain.
struct Network {
  std::string name;
  int domain = 0;
  bool drops_private = false;  // an INTERNET core that does not forward packets to private addresses
};

struct Interface {
  int network = 0;
  std::vector<net::IpAddress> addresses;
  std::optional<int> gateway;  // the box that takes packets for addresses outside the domain
  // One-way delay from the node to the network, with jitter. It includes the routers on the way to `gateway`.
  net::Duration up{};
  net::Duration down{};
};

struct Host {
  std::string name;
  std::vector<Interface> interfaces;
};

// A static port forward: packets that arrive from outside at `external_port` go to `inside`.
struct Forward {
  std::uint16_t external_port = 0;
  net::SocketAddress inside;
};

// A NAT. It routes IPv6 packets without translation, or drops them.
struct Box {
  std::string name;
  Interface outside;  // its IPv4 addresses are the external addresses of the NAT
  std::vector<Interface> inside;
  bool routes_between_inside = true;
  bool passes_ipv6 = true;
  NatBehavior nat;
  std::vector<Forward> forwards;
  TcpBehavior tcp = {};
  Exit udp_exit = {};
  Exit tcp_exit = {};
};

// A program that is a STUN server and, with `turn`, a TURN server.
struct Server {
  std::string name;
  int host = 0;
  std::vector<net::SocketAddress> listens;
  std::vector<net::SocketAddress> listens_tcp = {};
  bool up = true;
  bool turn = true;
  std::vector<net::IpAddress> relay_addresses;
};

// The types of TCP candidates that a side uses (RFC 6544 §3).
struct TcpCandidates {
  bool active = false;
  bool passive = false;
  bool simultaneous_open = false;
  bool any() const { return active || passive || simultaneous_open; }
};

enum class Nomination : std::uint8_t { kFirstValid, kExhaustive, kBestAfter };

struct Peer {
  std::string name;
  int host = 0;
  std::vector<int> stun_servers;
  std::vector<int> turn_servers;           // asked for relays over UDP; empty: none
  std::vector<int> tcp_turn_servers = {};  // asked for relays over TCP; empty: none
  bool withhold_host = false;
  bool withhold_srflx = false;
  bool withhold_relay = false;
  net::Duration start{};
  net::Duration pace = std::chrono::milliseconds(50);
  net::Duration gathering_deadline = std::chrono::seconds(1);
  Nomination nomination = Nomination::kBestAfter;
  net::Duration relayed_mark = std::chrono::seconds(2);
  bool icmp_fails_pairs = false;
  bool controlling = false;
  bool udp = true;
  TcpCandidates tcp = {};
  std::vector<int> tcp_stun_servers = {};  // asked over TCP for server-reflexive candidates
  net::Duration head_start{};              // checks over UDP begin this much before checks over TCP
  bool retries_refused = false;            // connects again from the same port after a refusal
};

struct Model {
  std::vector<Network> networks;
  std::vector<Host> hosts;
  std::vector<Box> boxes;
  std::vector<Server> servers;
  Peer a;
  Peer b;
  std::optional<int> referral_host;
  // Why packets may be lost, such as "alice.eth0 loses packets". Empty: no packet is lost by chance.
  std::string chance;
  // The sum of the jitter of all links. The delays of interfaces already contain the jitter of their own links.
  net::Duration jitter{};
};

const char* ToString(Dependence dependence);

}  // namespace pinhole::scenarios::oracle
