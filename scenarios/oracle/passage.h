#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/socket_address.h"
#include "net/time.h"
#include "scenarios/oracle/model.h"

// Decides whether one datagram gets from one socket to another through the boxes of a model, and records the mappings
// and filter entries that the datagram makes in the boxes. reachability.h and tcp_reachability.h send many datagrams
// through one Passage until no box changes any more.
//
// The rules are those of RFC 4787 (UDP) and RFC 5382 (TCP): mapping, filtering, hairpinning, routing, firewall. They
// share no code with sim/. There is no clock. A datagram either arrives at once, or pauses outside the first box on the
// other side and continues later, so that datagrams of both sides can cross. Entries never expire; only Refuse()
// deletes entries. For TCP, only the opening is modelled: SYNs and their answers.
namespace pinhole::scenarios::oracle {

// A socket to which datagrams can be sent.
struct Socket {
  net::SocketAddress address;
  int network = 0;
  std::optional<int> gateway;
  net::Duration up{};
  net::Duration down{};
  // The socket is a relayed address: it accepts datagrams only from addresses to which its owner has sent, because only
  // those have a TURN permission (RFC 8656 §9).
  bool relay = false;
};

// A datagram on its way. `network` is where it is now.
struct Datagram {
  net::SocketAddress source;
  net::SocketAddress destination;
  int network = 0;
  std::optional<int> gateway;
  net::Duration delay{};  // since it was sent
  bool opens = false;     // it is a SYN
};

// Why and where a datagram did not arrive.
struct Loss {
  enum class Kind : std::uint8_t {
    kNone,
    kNoListener,   // `place` is a network
    kNoWayOn,      // `place` is a network
    kNotAttached,  // `place` is a box, also for the kinds below
    kNoMapping,
    kFiltered,
    kCrossingRefused,  // the box refuses a SYN that crosses a SYN of the inside host
    kTakenEarlier,     // the box took an earlier packet for itself, so the tuple was occupied before its own host sent
    kTakenByBox,       // the box accepts the datagram for itself, and the tuple is occupied from now on
    kNoHairpin,
    kNotRouted,  // the box does not route between its inside networks
    kNoIpv6,
    kNoRoute,
    kBlocked,       // a firewall blocks the transport or the port
    kNoPermission,  // `place` is the network of the relay
    kLoop,
  };
  Kind kind = Kind::kNone;
  int place = 0;
  bool hairpinned = false;
  friend bool operator==(const Loss&, const Loss&) = default;
};

// Describes a loss in words, such as "home_b filters by port".
std::string Describe(const Model& model, const Loss& loss, Traffic traffic = Traffic::kUdp);

// How the sender of a lost SYN learns of the loss: the kind of refusal, and how long the box waits before it sends it.
struct Told {
  Refusal refusal = Refusal::kSilent;
  net::Duration hold{};
};
Told ToldOf(const Model& model, const Loss& loss);

// A box that a SYN passed from inside to outside.
struct Step {
  int box = 0;
  int network = 0;  // the inside network from which it came
  net::SocketAddress inside;
  net::SocketAddress remote;
  net::Duration delay{};  // from the sender to this box
};

// The end of a datagram's way. Either `socket` received it, or it was lost because of `loss`, or it is `paused` outside
// the first box of the other side.
struct Arrival {
  std::optional<int> socket;  // the socket that received it
  Datagram datagram;          // its state at the end of its way
  Loss loss;                  // if neither `socket` nor `paused`
  bool paused = false;        // it waits for Resume()
  // Filled for SYNs only.
  std::vector<Step> steps;
  net::Duration into_box{};  // from the sender to the last box that it reached from outside
};

// Which external address a NAT with arbitrary pooling gives to a new mapping: always the first, or each time the next.
enum class Pooling : std::uint8_t { kAlwaysFirst, kAlwaysAnother };

class Passage {
 public:
  // REQUIRES: `model` outlives the Passage.
  explicit Passage(const Model& model, Pooling pooling = Pooling::kAlwaysFirst, Traffic traffic = Traffic::kUdp);

  // Returns the index of the new socket.
  int AddSocket(const Socket& socket);
  // The same, for a socket on an interface of a host.
  int AddSocket(const Interface& interface, net::SocketAddress address);
  const Socket& socket(int index) const { return sockets_[static_cast<std::size_t>(index)]; }

  // Sends a datagram from a socket. With `pause`, the datagram stops before it enters the first box from outside.
  Arrival Send(int from, const net::SocketAddress& destination, bool pause = false);
  // Sends a SYN from a socket. `pause` has the same meaning.
  Arrival Open(int from, const net::SocketAddress& destination, bool pause = false);
  // Continues the way of a paused datagram.
  Arrival Resume(const Datagram& datagram);
  // Takes a refusal back along the boxes that the refused SYN has passed. Boxes that forget on such a refusal delete
  // the SYN's entries.
  void Refuse(const std::vector<Step>& steps, Refusal refusal);

  // Changes whenever a box or a relay learns or forgets something.
  int knowledge() const { return knowledge_; }

 private:
  // The inside end of an entry.
  struct Inside {
    int network = 0;
    net::SocketAddress address;
    friend bool operator==(const Inside&, const Inside&) = default;
  };
  struct Mapping {
    Inside inside;
    // destination of the first packet; `NatBehavior::mapping` says which parts of it are compared
    net::SocketAddress remote;
    net::SocketAddress external;
  };
  struct SentTo {
    Inside inside;
    net::SocketAddress external;
    net::SocketAddress remote;
  };
  // An entry of a NAT with per_tuple. With `local`, the box itself took the packet, and `inside` has no meaning.
  struct Tuple {
    Inside inside;
    net::SocketAddress external;
    net::SocketAddress remote;
    bool local = false;
  };
  struct Memory {
    std::vector<Mapping> mappings;
    std::vector<SentTo> sent;
    std::vector<SentTo> sessions;  // the newest one for each (inside, remote)
    std::vector<Tuple> tuples;
    std::uint16_t next_port = 20000;
    std::size_t next_address = 0;
  };

  const NatBehavior& NatOf(const Box& box) const { return traffic_ == Traffic::kTcp ? box.tcp.nat : box.nat; }
  // Whether the firewall of `box` lets the packet out or in.
  bool LetsOut(const Box& box, const net::SocketAddress& destination) const;
  bool LetsIn(const Box& box) const;
  Arrival Launch(int from, const net::SocketAddress& destination, bool opens, bool pause);
  Arrival Walk(Datagram datagram, bool pause);
  std::optional<int> SocketAt(int network, const net::SocketAddress& address) const;
  bool HostAt(int network, const net::IpAddress& address) const;
  std::optional<int> BoxWithExternal(int network, const net::IpAddress& address) const;
  // The box that routes to this IPv6 address.
  std::optional<int> BoxRoutingTo(int network, const net::IpAddress& address) const;
  // The inside network of `box` that has the address, except `network` itself; nullopt: except none.
  std::optional<int> OtherInside(const Box& box, std::optional<int> network, const net::IpAddress& address) const;
  bool Carries(int from_network, int to_network, const net::IpAddress& address) const;
  int Domain(int network) const { return model_.networks[static_cast<std::size_t>(network)].domain; }

  net::SocketAddress Out(int box, const Inside& inside, const net::SocketAddress& remote);
  net::SocketAddress OutPerTuple(int box, const Inside& inside, const net::SocketAddress& remote);
  // Returns the inside endpoint to which a packet for `external` is translated. Otherwise sets `why`.
  std::optional<Inside> In(int box, const net::SocketAddress& external, const net::SocketAddress& remote, bool opens,
                           Loss* why);
  std::optional<Inside> InPerTuple(int box, const net::SocketAddress& external, const net::SocketAddress& remote,
                                   bool opens, Loss* why);
  net::IpAddress ExternalAddress(int box, const Inside& inside);
  void Remember(std::vector<SentTo>& list, const SentTo& entry);

  const Model& model_;
  const Pooling pooling_;
  const Traffic traffic_;
  std::vector<Socket> sockets_;
  std::vector<Memory> memory_;
  std::vector<std::vector<net::IpAddress>> permissions_;  // by socket; used for relays only
  int knowledge_ = 0;
};

}  // namespace pinhole::scenarios::oracle
