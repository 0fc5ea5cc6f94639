// Fuzzes a stateful firewall with datagrams, TCP segments, ICMP errors and time, from both sides, with few endpoints
// and few sequence numbers. A record of the outbound packets gives the rules to check. Only answers to outbound packets
// get in, and not after the lifetime of the flow's state. A dropped packet changes no state. Held SYNs are answered
// once, at their time, or cancelled.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <utility>

#include "net/bytes.h"
#include "sim/nat/stateful_filter.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/tracker_lives.h"

namespace pinhole::sim {
namespace {

using net::IpAddress;
using net::SocketAddress;
using Action = Verdict::Action;
using std::chrono::milliseconds;
using std::chrono::seconds;

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

FilterProfile ProfileFrom(Script& script) {
  FilterProfile profile;
  profile.udp_timeouts = {.first = std::nullopt,
                          .unreplied = seconds(20),
                          .replied = seconds(20),
                          .assured = seconds(50),
                          .assured_after = seconds(2)};
  profile.unsolicited = static_cast<Unsolicited>(script.Below(6));
  profile.unsolicited_udp = script.Flag() ? Unsolicited::kDrop : profile.unsolicited;
  profile.unsolicited_hold = script.Flag() ? seconds(6) : seconds(0);
  profile.icmp_errors = script.Flag();
  TcpTracking& tcp = profile.tcp;
  tcp.depth = static_cast<TcpDepth>(script.Below(6));
  tcp.simultaneous_open = script.Flag();
  tcp.loose = script.Flag();
  tcp.liberal = script.Flag() && tcp.depth >= TcpDepth::kLinux;
  tcp.invalid = script.Flag() ? TcpInvalid::kReset : TcpInvalid::kDrop;
  tcp.on_reset = static_cast<TcpOnReset>(script.Below(4));
  tcp.timeouts = {.syn_sent = seconds(120),
                  .syn_received = seconds(60),
                  .established = seconds(7440),
                  .fin_wait = seconds(400),
                  .close_wait = seconds(300),
                  .last_ack = seconds(30),
                  .time_wait = seconds(130),
                  .close = seconds(10)};
  return profile;
}

class Run {
 public:
  explicit Run(const FilterProfile& profile) : profile_(profile), filter_(profile) {}

  void Step(Script& script) {
    switch (script.Below(8)) {
      case 0:
        Pass(milliseconds(script.Byte() * 50));
        break;
      case 1:
        Pass(seconds(script.Byte() * 32));
        break;
      case 2:
        if (filter_.NextTimer() != net::kNever) Pass(std::max(filter_.NextTimer(), now_) - now_);
        break;
      case 3:
        if (script.Below(16) == 0) Reboot();
        break;
      case 4:
        Error(script);
        break;
      case 5:
        Send(script, /*inwards=*/true);
        break;
      case 6:
        Send(script, script.Flag());
        break;
      default:
        Send(script, /*inwards=*/false);
    }
    CheckFlows();
  }

  void Finish() {
    Pass(profile_.tcp.timeouts.established);
    CheckFlows();
    Require(held_.empty(), "a held SYN is answered at its time");
    for (const SocketAddress& inside : kInside) {
      for (const SocketAddress& remote : kRemote) {
        Require(filter_.StateOf(now_, inside, remote) == TcpTrackerState::kNone, "a flow ends");
      }
    }
  }

 private:
  using Pair = std::pair<SocketAddress, SocketAddress>;  // inside and remote

  static inline const std::array<SocketAddress, 2> kInside = {SocketAddress(IpAddress::V4(10, 0, 1, 10), 5000),
                                                              SocketAddress(IpAddress::V4(10, 0, 1, 10), 5002)};
  static inline const std::array<SocketAddress, 2> kRemote = {SocketAddress(IpAddress::V4(203, 0, 113, 7), 4000),
                                                              SocketAddress(IpAddress::V4(203, 0, 113, 7), 4001)};

  void Send(Script& script, bool inwards) {
    const Pair pair{kInside[script.Below(2)], kRemote[script.Below(2)]};
    Packet packet;
    packet.source = inwards ? pair.second : pair.first;
    packet.destination = inwards ? pair.first : pair.second;
    if (script.Below(4) == 0) {
      Datagram(packet, pair, inwards);
      return;
    }
    static constexpr std::array<std::uint8_t, 8> kUsual = {
        kTcpSyn, kTcpSyn | kTcpAck, kTcpAck, kTcpAck, kTcpAck | kTcpFin, kTcpAck | kTcpPsh, kTcpRst, kTcpRst | kTcpAck};
    const std::uint8_t flags = script.Byte();
    packet.protocol = IpProtocol::kTcp;
    packet.tcp.flags = flags < 240 ? kUsual[flags % 8] : static_cast<std::uint8_t>(script.Byte() & 0x3f);
    packet.tcp.sequence = (inwards ? 5'000'000u : 1'000'000u) + script.Below(3);
    packet.tcp.acknowledgment = (inwards ? 1'000'000u : 5'000'000u) + script.Below(3);
    packet.tcp.window = static_cast<std::uint16_t>(script.Byte() * 256);
    if (packet.tcp.Has(kTcpSyn)) packet.tcp.sack_permitted = script.Flag();
    if (script.Below(8) == 0) {
      packet.tcp.sack_count = 1;
      packet.tcp.sack[0] = {script.Byte() * 77777u, script.Byte() * 77777u};
    }
    packet.payload = {.slot = 0, .size_bytes = script.Below(3)};
    Segment(packet, pair, inwards);
  }

  void Datagram(Packet& packet, const Pair& pair, bool inwards) {
    packet.protocol = IpProtocol::kUdp;
    const Verdict verdict = inwards ? filter_.FromOutside(now_, packet) : filter_.FromInside(now_, packet);
    Drain();
    if (!inwards) {
      Require(verdict.action == Action::kOutside, "datagrams go out");
      udp_sent_[pair] = now_;
    } else if (verdict.action == Action::kInside) {
      Require(udp_sent_.count(pair) > 0, "a datagram gets in only as an answer");
      Require(now_ - std::max(udp_sent_[pair], udp_in_[pair]) < seconds(50), "and while its flow lives");
      udp_in_[pair] = now_;
    } else {
      Require(verdict.rule != Rule::kNone, "a refusal names its rule");
    }
  }

  void Segment(const Packet& packet, const Pair& pair, bool inwards) {
    const TcpTrackerState before = filter_.StateOf(now_, pair.first, pair.second);
    const Verdict verdict = inwards ? filter_.FromOutside(now_, packet) : filter_.FromInside(now_, packet);
    const bool passed = verdict.action == (inwards ? Action::kInside : Action::kOutside);
    if (!inwards && passed && packet.tcp.Has(kTcpSyn)) held_.erase(pair);
    if (verdict.rule == Rule::kSynHeld) {
      Require(inwards && nat::IsOpeningSyn(packet.tcp) && profile_.unsolicited_hold > seconds(0) &&
                  profile_.unsolicited != Unsolicited::kDrop,
              "SYNs from outside are held, where they are answered");
      Require(verdict.action == Action::kDrop, "without an answer yet");
      held_.try_emplace(pair, now_ + profile_.unsolicited_hold);
    }
    Drain();
    const TcpTrackerState after = filter_.StateOf(now_, pair.first, pair.second);
    if (!passed) {
      Require(verdict.rule != Rule::kNone, "a refusal names its rule");
      Require(verdict.action != Action::kReset || !packet.tcp.Has(kTcpRst), "a RST is not answered");
      Require(after == before || after == TcpTrackerState::kNone, "what did not pass changes no state");
      return;
    }
    if (inwards) Require(before != TcpTrackerState::kNone, "a segment gets in only as an answer");
    if (after == TcpTrackerState::kNone) {
      ends_.erase(pair);
    } else {
      ends_[pair] = now_ + LifeOf(profile_.tcp.timeouts, after);
    }
  }

  void Error(Script& script) {
    const Pair pair{kInside[script.Below(2)], kRemote[script.Below(2)]};
    Packet packet;
    packet.protocol = IpProtocol::kIcmp;
    packet.source = SocketAddress(pair.second.address(), 0);
    packet.destination = pair.first.WithPort(0);
    packet.icmp = {.type = 3, .code = script.Below(14)};
    packet.quoted.protocol = IpProtocol::kTcp;
    packet.quoted.source = pair.first;
    packet.quoted.destination = pair.second;
    const TcpTrackerState before = filter_.StateOf(now_, pair.first, pair.second);
    const Verdict verdict = filter_.FromOutside(now_, packet);
    Drain();
    const bool known = before != TcpTrackerState::kNone;
    Require((verdict.action == Action::kInside) == (known && profile_.icmp_errors), "REC-36");
    Require(filter_.StateOf(now_, pair.first, pair.second) == before, "REC-37");
  }

  void CheckFlows() {
    for (const SocketAddress& inside : kInside) {
      for (const SocketAddress& remote : kRemote) {
        if (filter_.StateOf(now_, inside, remote) == TcpTrackerState::kNone) continue;
        const auto end = ends_.find({inside, remote});
        Require(end != ends_.end() && now_ < end->second, "a flow lives no longer than its state");
      }
    }
  }

  void Pass(net::Duration time) {
    const net::Instant until = now_ + time;
    while (filter_.NextTimer() != net::kNever && filter_.NextTimer() <= until) {
      now_ = std::max(now_, filter_.NextTimer());
      filter_.OnTimer(now_);
      Drain();
    }
    now_ = until;
    for (const auto& [pair, when] : held_) Require(when > now_, "a held SYN is answered at its time");
  }

  void Reboot() {
    filter_.Reboot();
    held_.clear();
    ends_.clear();
    udp_sent_.clear();
    udp_in_.clear();
    Require(filter_.NextTimer() == net::kNever, "a reboot forgets what is held");
  }

  void Drain() {
    while (const auto output = filter_.PollOutput()) {
      const auto held = held_.find({output->packet.destination, output->packet.source});
      Require(held != held_.end() && held->second <= now_, "an answer is for one SYN that is held, at its time");
      const bool resets = output->kind == NatOutput::Kind::kReset;
      Require(resets == (profile_.unsolicited == Unsolicited::kReset), "and the profile's");
      held_.erase(held);
    }
  }

  FilterProfile profile_;
  StatefulFilter filter_;
  net::Instant now_{};
  std::map<Pair, net::Instant> ends_;  // the latest end of the flow if no more packets pass
  std::map<Pair, net::Instant> udp_sent_, udp_in_;
  std::map<Pair, net::Instant> held_;
};

}  // namespace
}  // namespace pinhole::sim

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinhole::sim;
  pinhole::Script script(pinhole::net::ByteView(data, size));
  const FilterProfile profile = ProfileFrom(script);
  if (!IsValid(profile)) return 0;
  Run run(profile);
  for (int step = 0; step < 1000 && !script.done(); ++step) run.Step(script);
  run.Finish();
  return 0;
}
