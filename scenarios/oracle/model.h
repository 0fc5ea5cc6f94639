#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/ip_address.h"
#include "net/socket_address.h"
#include "net/time.h"

// What the oracle sees of a scenario: who is attached where, which boxes stand between, and how each behaves. Plain
// data; extract.h makes it from a cell, tests make it by hand. Links, programs and timers are reduced to the few
// figures that can decide whether and by what kind of path two peers meet. Elements name each other by index.
namespace pinhole::scenarios::oracle {

// "Dependent on what of the remote?": both of mapping and of filtering (RFC 4787 §4.1, §5).
enum class Dependence : std::uint8_t { kEndpointIndependent, kAddressDependent, kAddressAndPortDependent };
inline constexpr int kDependenceCount = 3;

enum class FilterMemory : std::uint8_t { kPerEndpoint, kPerMapping };
enum class Hairpinning : std::uint8_t { kNone, kInternalSource, kExternalSource };

// How a box translates UDP over IPv4.
struct NatBehavior {
  Dependence mapping = Dependence::kEndpointIndependent;
  Dependence filtering = Dependence::kAddressAndPortDependent;
  FilterMemory memory = FilterMemory::kPerEndpoint;
  // An accepted packet from outside makes a session: answers leave by the endpoint it came in by.
  bool inbound_sessions = false;
  // Connection tracking: each tuple stands for itself and keeps its port where it can. `mapping`, `memory` and
  // `inbound_sessions` then say nothing.
  bool per_tuple = false;
  // per_tuple: a new tuple takes the external endpoint that its socket's newest one has, else the inside port, if the
  // tuple is free there; or (without it) any port.
  bool keeps_port = true;
  bool claims_tuple = false;  // per_tuple: an unsolicited packet is taken by the box itself, and holds its tuple
  Hairpinning hairpinning = Hairpinning::kNone;
  // Each mapping draws one of the external addresses. Otherwise an inside host keeps one.
  bool arbitrary_pooling = false;
  // What could let a mapping or a remembered destination go while a session still needs it; empty: nothing.
  std::string forgetful;
  bool answers_icmp = false;  // to what it does not let in
};

// What is sent. Signalling finds its way whatever firewalls block.
enum class Traffic : std::uint8_t { kUdp, kTcp, kSignalling };

// What a box tells the sender of what it does not let by. To a SYN: a RST ends the attempt, and so does an ICMP error
// of the hard kind (RFC 1122 §4.2.3.9); what is told softly changes nothing.
enum class Refusal : std::uint8_t { kSilent, kReset, kIcmp };

// How a box translates TCP over IPv4.
struct TcpBehavior {
  // As of UDP, where a packet in is a SYN; `claims_tuple` and `answers_icmp` say nothing.
  NatBehavior nat;
  Refusal unsolicited = Refusal::kSilent;  // told to a SYN that is not let in
  net::Duration hold{};           // this long after the SYN, unless one from inside has come (RFC 5382 §4.3 REQ-4)
  bool simultaneous_open = true;  // a SYN that crosses one from inside is let in (RFC 5382 §4.2 REQ-2)
  // A refusal that comes back to a SYN ends what the box knows of it.
  bool reset_forgets = false;
  bool icmp_forgets = false;
  bool passes_icmp = true;      // errors about what was sent from inside get there
  bool tracks_numbers = false;  // drops what its idea of a window does not explain
};

// What a firewall in a box lets out, of one transport.
struct Exit {
  bool blocked = false;              // nothing passes, either way
  std::vector<std::uint16_t> ports;  // only to these; empty: to any
  Refusal told = Refusal::kSilent;
};

// Networks that exchange packets untranslated are one domain. An interface is at a network, for private addresses
// do not travel over a core that drops them.
struct Network {
  std::string name;
  int domain = 0;
  bool drops_private = false;  // a core that carries no private addresses between its interfaces
};

struct Interface {
  int network = 0;
  std::vector<net::IpAddress> addresses;
  std::optional<int> gateway;  // the box that takes what the domain cannot deliver
  net::Duration up{};          // one-way delay, node to network, jitter and routers on the way to `gateway` included
  net::Duration down{};
};

struct Host {
  std::string name;
  std::vector<Interface> interfaces;
};

// A port forward: what comes from outside to `external_port` goes to `inside`.
struct Forward {
  std::uint16_t external_port = 0;
  net::SocketAddress inside;
};

// A NAT. IPv6 passes it as a router, or not at all.
struct Box {
  std::string name;
  Interface outside;  // its IPv4 addresses are the external ones
  std::vector<Interface> inside;
  bool routes_between_inside = true;
  bool passes_ipv6 = true;
  NatBehavior nat;
  std::vector<Forward> forwards;
  TcpBehavior tcp = {};
  Exit udp_exit = {};
  Exit tcp_exit = {};
};

// A STUN and TURN server program.
struct Server {
  std::string name;
  int host = 0;
  std::vector<net::SocketAddress> listens;
  std::vector<net::SocketAddress> listens_tcp = {};
  bool up = true;
  bool turn = true;
  std::vector<net::IpAddress> relay_addresses;
};

// The ways in which a side takes part in TCP connections (RFC 6544 §3).
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
  std::vector<int> turn_servers;           // empty: it asks for no relay
  std::vector<int> tcp_turn_servers = {};  // the same, over TCP
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
  std::vector<int> tcp_stun_servers = {};  // asked over TCP
  net::Duration head_start{};              // of the checks over UDP
  bool retries_refused = false;            // a refused connection is tried again from the same port
};

struct Model {
  std::vector<Network> networks;
  std::vector<Host> hosts;
  std::vector<Box> boxes;
  std::vector<Server> servers;
  Peer a;
  Peer b;
  std::optional<int> referral_host;
  // What leaves delivery to chance ("loss on alice.eth0"); empty: nothing does.
  std::string chance;
  // The most that jitter adds to a one-way delay, everywhere together. Delays have it in them.
  net::Duration jitter{};
};

const char* ToString(Dependence dependence);

}  // namespace pinhole::scenarios::oracle
