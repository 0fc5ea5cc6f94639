#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/socket_address.h"
#include "net/time.h"
#include "scenarios/oracle/model.h"

// Whether a datagram gets from one socket to another over a model's boxes, and what it leaves behind in them. There
// is no clock: a datagram arrives at once, or its sender's half of the way is taken first and the rest later (so that
// datagrams can cross). What a box remembers it forgets only when it is told to.
//
// Of TCP only the opening is walked: SYNs, and what answers them.
namespace pinhole::scenarios::oracle {

// A socket that can be reached.
struct Socket {
  net::SocketAddress address;
  int network = 0;
  std::optional<int> gateway;
  net::Duration up{};
  net::Duration down{};
  // A relayed address lets in only from addresses that its owner has sent to (a TURN permission).
  bool relay = false;
};

// A datagram under way.
struct Datagram {
  net::SocketAddress source;
  net::SocketAddress destination;
  int network = 0;
  std::optional<int> gateway;
  net::Duration delay{};  // so far
  bool opens = false;     // a SYN
};

// What became of a datagram that did not arrive.
struct Loss {
  enum class Kind : std::uint8_t {
    kNone,
    kNoListener,   // place: network
    kNoWayOn,      // place: network
    kNotAttached,  // place: box
    kNoMapping,    // place: box, as in all that follow
    kFiltered,
    kCrossingRefused,  // a SYN that crosses the inside host's own
    kTakenEarlier,     // the box holds the tuple since a packet that came before its own host had sent
    kTakenByBox,       // the box accepts it, and holds the tuple from now on
    kNoHairpin,
    kNotRouted,  // between inside networks
    kNoIpv6,
    kNoRoute,
    kBlocked,       // by a firewall, for its transport or port
    kNoPermission,  // place: network of the relay
    kLoop,
  };
  Kind kind = Kind::kNone;
  int place = 0;
  bool hairpinned = false;
  friend bool operator==(const Loss&, const Loss&) = default;
};

// "home_b filters by port".
std::string Describe(const Model& model, const Loss& loss, Traffic traffic = Traffic::kUdp);

// What the sender of a SYN that got lost is told.
struct Told {
  Refusal refusal = Refusal::kSilent;
  net::Duration hold{};
};
Told ToldOf(const Model& model, const Loss& loss);

// A SYN's way through a box, from inside.
struct Step {
  int box = 0;
  int network = 0;  // inside
  net::SocketAddress inside;
  net::SocketAddress remote;
  net::Duration delay{};  // until there
};

// Where a datagram ended.
struct Arrival {
  std::optional<int> socket;  // the socket that got it
  Datagram datagram;          // as it arrived
  Loss loss;                  // else where and why
  bool paused = false;        // neither: it waits outside the first box of the other side
  // Of SYNs only.
  std::vector<Step> steps;
  net::Duration into_box{};  // delay until the last box that it came to from outside
};

enum class Pooling : std::uint8_t { kAlwaysFirst, kAlwaysAnother };

class Passage {
 public:
  // REQUIRES: `model` outlives it. `pooling`: how arbitrary pools fall out.
  explicit Passage(const Model& model, Pooling pooling = Pooling::kAlwaysFirst, Traffic traffic = Traffic::kUdp);

  // Index of the new socket.
  int AddSocket(const Socket& socket);
  // A socket on an interface of a host.
  int AddSocket(const Interface& interface, net::SocketAddress address);
  const Socket& socket(int index) const { return sockets_[static_cast<std::size_t>(index)]; }

  // Sends from a socket. With `pause`, stops where the first box would be entered from outside.
  Arrival Send(int from, const net::SocketAddress& destination, bool pause = false);
  // The same with a SYN.
  Arrival Open(int from, const net::SocketAddress& destination, bool pause = false);
  // Takes a paused datagram on.
  Arrival Resume(const Datagram& datagram);
  // A refusal comes back by the way that a SYN has taken out.
  void Refuse(const std::vector<Step>& steps, Refusal refusal);

  // A number that changes when any box or relay learns anything.
  int knowledge() const { return knowledge_; }

 private:
  // Something that was sent from inside: by whom, by which external endpoint, to whom.
  struct Inside {
    int network = 0;
    net::SocketAddress address;
    friend bool operator==(const Inside&, const Inside&) = default;
  };
  struct Mapping {
    Inside inside;
    net::SocketAddress remote;  // of the first packet; compared as far as the mapping depends on it
    net::SocketAddress external;
  };
  struct SentTo {
    Inside inside;
    net::SocketAddress external;
    net::SocketAddress remote;
  };
  // per_tuple: a connection; with `local`, one that the box itself took.
  struct Tuple {
    Inside inside;
    net::SocketAddress external;
    net::SocketAddress remote;
    bool local = false;
  };
  struct Memory {
    std::vector<Mapping> mappings;
    std::vector<SentTo> sent;
    std::vector<SentTo> sessions;  // newest for one (inside, remote) only
    std::vector<Tuple> tuples;
    std::uint16_t next_port = 20000;
    std::size_t next_address = 0;
  };

  const NatBehavior& NatOf(const Box& box) const { return traffic_ == Traffic::kTcp ? box.tcp.nat : box.nat; }
  // A firewall's `box` lets it out, or in.
  bool LetsOut(const Box& box, const net::SocketAddress& destination) const;
  bool LetsIn(const Box& box) const;
  Arrival Launch(int from, const net::SocketAddress& destination, bool opens, bool pause);
  Arrival Walk(Datagram datagram, bool pause);
  std::optional<int> SocketAt(int network, const net::SocketAddress& address) const;
  bool HostAt(int network, const net::IpAddress& address) const;
  std::optional<int> BoxWithExternal(int network, const net::IpAddress& address) const;
  // The box behind which a routed (IPv6) address lies.
  std::optional<int> BoxRoutingTo(int network, const net::IpAddress& address) const;
  // Another inside network of the box that has the address.
  std::optional<int> OtherInside(const Box& box, int network, const net::IpAddress& address) const;
  bool Carries(int from_network, int to_network, const net::IpAddress& address) const;
  int Domain(int network) const { return model_.networks[static_cast<std::size_t>(network)].domain; }

  net::SocketAddress Out(int box, const Inside& inside, const net::SocketAddress& remote);
  net::SocketAddress OutPerTuple(int box, const Inside& inside, const net::SocketAddress& remote);
  // The inside endpoint that a packet to `external` goes to; else sets `why`.
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
  std::vector<std::vector<net::IpAddress>> permissions_;  // by socket; relays only
  int knowledge_ = 0;
};

}  // namespace pinhole::scenarios::oracle
