#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "net/random.h"
#include "sim/event_queue.h"
#include "sim/host/route_table.h"
#include "sim/node.h"
#include "sim/packet/rule.h"
#include "sim/record/lineage.h"
#include "sim/tcp/connection_options.h"

namespace pinhole::sim {

class Program;
class TcpSockets;

// The treatment of packets to the node's own addresses that no socket or protocol of the node takes.
enum class InputPolicy : std::uint8_t {
  // ICMP port unreachable for closed UDP ports, echo replies (RFC 1122 §3.2.2.1, §4.1.3.1), RST for TCP segments that
  // no connection takes (RFC 9293 §3.10.7.1-2)
  kAnswer,
  kDrop,  // no answer: Rule::kInputDropped. Open sockets still get their packets
};

struct HostOptions {
  std::uint8_t ttl = 64;
  InputPolicy input = InputPolicy::kAnswer;
  // Ephemeral ports (RFC 6335 §6), both included, drawn at random (RFC 6056 §3.3.1).
  std::uint16_t ephemeral_port_min = 49152;
  std::uint16_t ephemeral_port_max = 65535;
  // Whether a router or box reports packets that it cannot forward (RFC 1812 §4.3.3). Hosts forward nothing.
  bool reports_unforwardable = true;
  // Whether a packet with a source address of one interface leaves by that interface if there is a route for it, even
  // if another interface has a better route (RFC 1122 §3.3.4.2 strong ES model, as phones do by policy routing).
  bool routes_by_source = true;
  // The options of all TCP connections of this host. The MSS of a connection is tcp.mss_bytes or the MSS that the path
  // to the peer allows, whichever is less.
  TcpConnectionOptions tcp = HostTcp();
  // Whether programs may send TCP segments with any source address (net::Host::SendRawTcp()).
  bool raw_tcp = false;

 private:
  static TcpConnectionOptions HostTcp() {
    TcpConnectionOptions options;
    options.mss_bytes = 65535;
    options.nagle = false;  // as net::TcpOptions says
    return options;
  }
};

// A node with an IP stack: addresses, routes, ICMP, UDP and TCP sockets and the programs that use them. By itself it
// is a host and forwards nothing; routers and NAT boxes derive from it and override Forward().
//
//     OnPacket --own address--> Input --> socket --> program
//        `------another's-----> Forward               |
//                                  Transmit <--- SendTo
//                                     `--> route, neighbour, MTU --> link
class HostNode : public Node {
 public:
  explicit HostNode(const NodeInit& init, const HostOptions& options = {});
  ~HostNode() override;

  // Functions to set up the node. AddAddress() also adds the route to the prefix of the address. All return
  // InvalidArgument, naming the node, for an interface that does not exist. AddAddress() returns it also for a prefix
  // too long for the family, and for an address that the node has already; the others also for a gateway of another
  // family.
  absl::Status AddAddress(int interface, const net::InterfaceAddress& address);
  absl::Status AddRoute(const Route& route);
  absl::Status AddDefaultRoute(int interface, const net::IpAddress& gateway);

  // These functions change the host during a run. Programs that watch the interfaces get OnInterfacesChanged().
  // RemoveAddress() and SetInterfaceUp() return NotFound if there is no such address or interface.
  absl::Status RemoveAddress(int interface, const net::IpAddress& address);
  absl::Status SetInterfaceUp(int interface, bool up);
  void RemoveRoute(const net::IpPrefix& prefix, int interface);

  const RouteTable& routes() const { return routes_; }
  bool IsLocal(const net::IpAddress& address) const;
  // The source address for packets to `destination`, chosen by RFC 6724 §5 among the addresses of the interface by
  // which they leave. nullopt: no route.
  std::optional<net::IpAddress> SourceFor(const net::IpAddress& destination) const;

  // Runs `app` on this machine as one of any number of programs. `app` gets OnStart() at `at`, or at once if that is
  // past, and outlives the world's runs. The host that the program sees lives as long as the world. Each program of a
  // node has a different name.
  net::Host& StartProgram(absl::string_view name, net::App& app, net::Instant at = {});
  // Adds a program without an app. The app may then be made with this program as its net::Host, and Program::Start()
  // starts it.
  Program& AddProgram(absl::string_view name);

  void OnPacket(int interface, PacketPtr packet) override;
  // Runs an event of one of the programs.
  void OnEvent(std::uint32_t argument) override;
  // The timers of TCP. A derived class with timers of its own must return the earlier of both instants from its
  // NextTimer(), and call HostNode::OnTimer() in its OnTimer().
  net::Instant NextTimer() const override;
  void OnTimer() override;

  // The TCP sockets; nullptr: no program of this node has used TCP.
  const TcpSockets* tcp_sockets() const { return tcp_.get(); }

 protected:
  // Handles a packet that is not for this node. The default drops it with Rule::kNotForwarding.
  virtual void Forward(int interface, PacketPtr packet);

  // The input path for packets to the node itself: sockets, ICMP errors to sockets, echo, and answers for closed ports.
  void Input(int interface, PacketPtr packet);
  // Takes one off the TTL, as a router does before it looks for a route (RFC 1812 §5.3.1). False if the TTL is used up:
  // then `packet` is dropped, and ICMP time exceeded is sent.
  bool StepTtl(int interface, PacketPtr& packet);
  // RouteOut() sends `packet` by the best route, or by the best route that leaves by interface `out`. `in` is the
  // interface by which the packet came in; kOwn: this node has made it. A packet that cannot be sent is dropped, and
  // reported to its sender by ICMP. Does not change the TTL.
  static constexpr int kOwn = -1;
  void RouteOut(int in, PacketPtr packet, int out = RouteTable::kAnyInterface);
  // Sends by interface `out` to the neighbour with the address `next_hop`. `strict`: see World::Emit().
  void Transmit(int in, int out, const net::IpAddress& next_hop, bool strict, PacketPtr packet);
  // Sends an ICMP error about `about` to its sender, from an address of `interface` if it has one (RFC 1812 §4.3.2.4).
  // Sends nothing where RFC 1122 §3.2.2 forbids an error.
  void SendIcmpError(int interface, const Packet& about, std::uint8_t type, std::uint8_t code, std::uint32_t rest);
  // SendUnreachable(): as SendIcmpError(), with the ICMP or ICMPv6 type and code that mean `what`.
  enum class Unreachable : std::uint8_t { kNet, kHost, kPort, kAdmin, kTimeExceeded };
  void SendUnreachable(int interface, const Packet& about, Unreachable what);
  // Makes a packet of this node, with a new id, the node's TTL and its next IP id.
  PacketPtr NewPacket(PacketId parent, Relation relation);

  // Whether a program of this node has a socket that takes datagrams to `local`.
  bool HasSocket(const net::SocketAddress& local) { return Demultiplex(local) != nullptr; }
  // An address of `interface` in `family`; nullptr: it has none.
  const net::IpAddress* AddressOf(int interface, net::Family family) const;

 private:
  friend class Program;
  friend class TcpSockets;

  struct LocalAddress {
    AddressBits bits;
    int interface = 0;
  };
  static constexpr std::size_t kScanAddressesMax = 16;
  static bool ComesBefore(const LocalAddress& a, const LocalAddress& b) {
    return std::tie(a.bits.family, a.bits.high, a.bits.low) < std::tie(b.bits.family, b.bits.high, b.bits.low);
  }
  struct UdpSocket {
    net::SocketAddress local;
    std::uint32_t program = 0;
    std::uint32_t next_on_port = 0;  // the next open socket of this port, index + 1; 0: none
    std::uint8_t ttl = 0;            // 0: the host's
    bool open = false;
  };
  struct PathMtu {
    net::IpAddress destination;
    std::uint32_t mtu_bytes = 0;
  };

  const LocalAddress* FindLocal(const net::IpAddress& address) const;
  const Route* RouteFrom(const net::IpAddress& source, const net::IpAddress& destination) const;
  std::optional<net::IpAddress> SourceVia(int interface, const net::IpAddress& destination) const;
  // The route and the source address of a packet that this node sends. `route` is nullptr if the destination is the
  // node itself.
  struct Way {
    const sim::Route* route = nullptr;
    net::IpAddress source;
  };
  // Finds the route to `destination`, and chooses the source address if `source` is unspecified. Returns kSent if `way`
  // is set; kNoRoute: no route, or no source address; kBadAddress: `source` is a loopback address, and `destination`
  // another machine.
  net::SendStatus FindWay(const net::IpAddress& source, const net::IpAddress& destination, Way& way) const;
  // The first port, from a random one on, that is not taken (RFC 6056 §3.3.1); nullopt: all are taken.
  template <typename Taken>
  std::optional<std::uint16_t> EphemeralPort(Taken taken) {
    const std::uint32_t count = std::uint32_t{options_.ephemeral_port_max} - options_.ephemeral_port_min + 1;
    const std::uint32_t first = RandomPortOffset(count);
    for (std::uint32_t tried = 0; tried < count; ++tried) {
      const auto port = static_cast<std::uint16_t>(options_.ephemeral_port_min + (first + tried) % count);
      if (!taken(port)) return port;
    }
    return std::nullopt;
  }
  std::uint32_t RandomPortOffset(std::uint32_t count);
  // What happens to a program. The argument of OnEvent() encodes the number of the program and a ProgramEvent.
  enum class ProgramEvent : std::uint32_t { kStart, kAlarm, kInterfacesChanged };
  static constexpr std::uint32_t kProgramEvents = 3;
  EventId ScheduleEvent(net::Instant at, std::uint32_t program, ProgramEvent event);
  void RebuildLocal() const;
  void InterfacesChanged();

  // The functions of UDP, defined in sim/host/udp_sockets.cc.
  absl::StatusOr<net::SocketId> OpenUdp(std::uint32_t program, const net::SocketAddress& local);
  void CloseUdp(net::SocketId id);
  UdpSocket* FindSocket(std::uint32_t program, net::SocketId id);
  UdpSocket* Demultiplex(const net::SocketAddress& local);
  bool PortTaken(const net::SocketAddress& local) const;
  net::SendStatus SendTo(std::uint32_t program, net::SocketId id, const net::SocketAddress& to, net::ByteView payload,
                         const net::SendOptions& options);
  void UdpInput(int interface, PacketPtr packet);
  bool Refuses(const UdpSocket& socket, const net::SocketAddress& to, const net::SendOptions& options) const;

  // The functions of ICMP, defined in sim/host/icmp.cc.
  void IcmpInput(int interface, PacketPtr packet);
  void LearnPathMtu(const net::IpAddress& destination, std::uint32_t mtu_bytes);
  std::uint32_t PathMtuTo(const net::IpAddress& destination) const;

  // A segment to send. The functions of TCP, from here on, are defined in sim/host/tcp_input.cc; the sockets are in
  // sim/host/tcp_sockets.h.
  struct TcpSegment {
    net::SocketAddress from;
    net::SocketAddress to;
    TcpHeader header;
    net::ByteView first;  // the data, in two pieces
    net::ByteView second;
    std::uint8_t ttl = 0;  // 0: the host's
    net::PacketClass packet_class = net::PacketClass::kOther;
    PacketId parent = PacketId::kNone;
    Relation relation = Relation::kSent;
  };
  TcpSockets& Tcp();
  void TcpInput(int interface, PacketPtr packet);
  // Sends a segment. Returns kNone if the segment is on its way, or a link lost it; otherwise the rule by which this
  // node dropped it.
  Rule SendTcp(const TcpSegment& segment);
  // Refuses a segment that no socket takes: RST or silence, by InputPolicy.
  void RefuseTcp(PacketPtr packet);
  void AnswerTcp(const Packet& about, const TcpHeader& header);
  absl::Status SendRawTcp(const net::RawTcpSegment& segment);
  // The MSS for segments to `destination`, by the MTUs that this node knows.
  std::uint16_t TcpMssTo(const net::IpAddress& source, const net::IpAddress& destination) const;
  static std::uint16_t TcpMssOf(std::uint32_t mtu_bytes, net::Family family);

  HostOptions options_;
  RouteTable routes_;
  // The node's own addresses, which are looked up for every packet. If there are only a few, a lookup scans them;
  // otherwise local_ is sorted for a binary search. It is rebuilt when first needed after a change.
  mutable std::vector<LocalAddress> local_;
  mutable bool local_built_ = false;
  std::vector<UdpSocket> sockets_;  // by SocketId - 1; ids are never reused
  // The indices of the open sockets. If there are only a few, a lookup scans them; otherwise by_port_ has, for each
  // port, the index + 1 of its first socket.
  std::vector<std::uint32_t> open_sockets_;
  std::unique_ptr<absl::flat_hash_map<std::uint16_t, std::uint32_t>> by_port_;
  std::vector<std::unique_ptr<Program>> programs_;
  std::unique_ptr<TcpSockets> tcp_;  // made when first needed
  std::vector<PathMtu> path_mtus_;
  std::unique_ptr<net::SeededRandom> port_random_;
  std::uint16_t next_ip_id_ = 1;
};

}  // namespace pinhole::sim
