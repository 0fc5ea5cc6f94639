#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "sim/packet/tcp_header.h"
#include "tests/sim/nat_bench.h"

// A real Nat, and TCP segments that the test makes by hand.
namespace pinhole::sim {

// The ISNs of Alice, inside, and of her peer. Neither is near a wrap.
inline constexpr std::uint32_t kAliceIsn = 1'000'000;
inline constexpr std::uint32_t kPeerIsn = 5'000'000;

inline const net::SocketAddress kPeer = Addr("203.0.113.7:4000");
// Alice's external endpoint if ports are preserved.
inline const net::SocketAddress kAlicePublic = Addr("198.51.100.1:5000");

struct Seg {
  std::uint8_t flags = kTcpAck;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgment = 0;
  std::uint32_t bytes = 0;
  std::uint16_t window = 1000;
  std::uint8_t window_scale = TcpHeader::kNoWindowScale;
};

inline TcpHeader Header(const Seg& seg) {
  TcpHeader header;
  header.flags = seg.flags;
  header.sequence = seg.sequence;
  header.acknowledgment = seg.acknowledgment;
  header.window = seg.window;
  header.window_scale = seg.window_scale;
  return header;
}

inline Packet Tcp(const net::SocketAddress& from, const net::SocketAddress& to, const Seg& seg) {
  Packet packet;
  packet.protocol = IpProtocol::kTcp;
  packet.source = from;
  packet.destination = to;
  packet.tcp = Header(seg);
  packet.payload = {.slot = seg.bytes == 0 ? 0u : 1u, .size_bytes = seg.bytes};
  return packet;
}

inline NatProfile TcpProfile(TcpTracking tracking, TransportBehavior ports = {}) {
  NatProfile profile;
  static_cast<TransportBehavior&>(profile.tcp) = ports;
  profile.tcp.tracking = tracking;
  return profile;
}

// nf_conntrack's defaults, as scenarios/nats has them.
inline TcpTracking LinuxTracking() {
  using namespace std::chrono_literals;
  return {.depth = TcpDepth::kLinux,
          .loose = true,
          .invalid = TcpInvalid::kLeak,
          .on_reset = TcpOnReset::kClose,
          .timeouts = {.syn_sent = 120s,
                       .syn_received = 60s,
                       .established = 432000s,
                       .fin_wait = 120s,
                       .close_wait = 60s,
                       .last_ack = 30s,
                       .time_wait = 120s,
                       .close = 10s,
                       .unacknowledged = 300s,
                       .retransmitted = 300s}};
}
inline NatProfile LinuxTcp(Unsolicited unsolicited = Unsolicited::kDrop) {
  NatProfile profile = TcpProfile(LinuxTracking(), ConntrackPorts());
  profile.tcp.unsolicited = unsolicited;
  profile.tcp.unsolicited_hold = net::Duration::zero();
  return profile;
}

class TcpNatBench {
 public:
  explicit TcpNatBench(NatProfile profile, std::vector<net::IpAddress> external = {kExternal})
      : bench(std::move(profile), std::move(external)) {}

  Verdict Out(const net::SocketAddress& from, const net::SocketAddress& to, const Seg& seg) {
    last = Tcp(from, to, seg);
    return bench.Out(last);
  }
  Verdict Out(const Seg& seg) { return Out(kAlice, kPeer, seg); }
  Verdict In(const net::SocketAddress& from, const net::SocketAddress& to, const Seg& seg) {
    last = Tcp(from, to, seg);
    return bench.nat.FromOutside(bench.now, last);
  }
  Verdict In(const Seg& seg) { return In(kPeer, kAlicePublic, seg); }
  bool GoesOut(const Seg& seg) { return Out(seg).action == Verdict::Action::kOutside; }
  bool GetsIn(const Seg& seg) { return In(seg).action == Verdict::Action::kInside; }

  Seg AliceSyn() const { return {.flags = kTcpSyn, .sequence = kAliceIsn}; }
  Seg PeerSyn() const { return {.flags = kTcpSyn, .sequence = kPeerIsn}; }
  Seg PeerSynAck() const { return {kTcpSyn | kTcpAck, kPeerIsn, kAliceIsn + 1}; }
  Seg AliceSynAck() const { return {kTcpSyn | kTcpAck, kAliceIsn, kPeerIsn + 1}; }
  // An ACK of Alice after `sent` octets of hers, which acknowledges `received` octets of the peer; and the same for the
  // peer.
  Seg AliceAck(std::uint32_t sent = 0, std::uint32_t received = 0, std::uint32_t bytes = 0) const {
    return {kTcpAck, kAliceIsn + 1 + sent, kPeerIsn + 1 + received, bytes};
  }
  Seg PeerAck(std::uint32_t sent = 0, std::uint32_t received = 0, std::uint32_t bytes = 0) const {
    return {kTcpAck, kPeerIsn + 1 + sent, kAliceIsn + 1 + received, bytes};
  }
  static Seg With(Seg seg, std::uint8_t more_flags) {
    seg.flags |= more_flags;
    return seg;
  }
  // Does a three-way handshake that Alice begins. True: all three segments passed.
  bool Connect() { return GoesOut(AliceSyn()) && GetsIn(PeerSynAck()) && GoesOut(AliceAck()); }

  std::optional<nat::TcpTranslator::Entry> Entry() { return bench.nat.FindTcp(bench.now, 0, kAlice, kPeer); }
  std::optional<TcpTrackerState> State() {
    const auto entry = Entry();
    return entry ? std::optional(entry->state) : std::nullopt;
  }
  net::Duration LifeLeft() {
    const auto entry = Entry();
    return entry ? entry->expires - bench.now : net::Duration::zero();
  }
  void Wait(net::Duration time) { bench.now += time; }
  // The packets that the Nat sends by itself up to now.
  std::vector<NatOutput> Outputs() {
    bench.nat.OnTimer(bench.now);
    std::vector<NatOutput> outputs;
    while (std::optional<NatOutput> output = bench.nat.PollOutput()) outputs.push_back(*output);
    return outputs;
  }

  NatBench bench;
  Packet last;  // the last packet after the Nat handled it
};

}  // namespace pinhole::sim
