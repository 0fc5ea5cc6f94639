// Fuzzes a NAT of any depth and profile with TCP segments, ICMP errors and time, from both sides and in any order.
// There are few endpoints, and the sequence numbers are near those in use. A record of the outbound segments gives the
// rules to check. Nothing comes in without a mapping or static forward that the filter lets pass. A dropped segment
// changes no state. Entries begin by the rules of the profile and end within its timeouts. Held SYNs are answered once,
// at their time, or cancelled.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "net/random.h"
#include "sim/nat/nat.h"
#include "sim/nat/validate.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/tracker_lives.h"

namespace pinhole::sim {
namespace {

using net::IpAddress;
using net::SocketAddress;
using Action = Verdict::Action;
using std::chrono::milliseconds;
using std::chrono::seconds;

[[noreturn]] void Fail(const char* what) {
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}
void Require(bool holds, const char* what) {
  if (!holds) Fail(what);
}

const IpAddress kExternal = IpAddress::V4(198, 51, 100, 1);
const std::array<SocketAddress, 3> kInside = {SocketAddress(IpAddress::V4(10, 0, 1, 10), 5000),
                                              SocketAddress(IpAddress::V4(10, 0, 1, 10), 5002),
                                              SocketAddress(IpAddress::V4(10, 0, 1, 11), 5000)};
const std::array<SocketAddress, 4> kRemote = {
    SocketAddress(IpAddress::V4(203, 0, 113, 7), 4000), SocketAddress(IpAddress::V4(203, 0, 113, 7), 4001),
    SocketAddress(IpAddress::V4(203, 0, 113, 8), 4000), SocketAddress(IpAddress::V4(192, 0, 2, 9), 80)};
constexpr std::uint16_t kForwarded = 8080;
const SocketAddress kForwardedTo(IpAddress::V4(10, 0, 1, 11), 80);

NatProfile ProfileFrom(Script& script) {
  NatProfile profile;
  TcpBehavior& tcp = profile.tcp;
  tcp.tracking.depth = script.Any(TcpDepth::kRewritesIsn);
  tcp.mapping = script.Any(Mapping::kConntrack);
  tcp.filtering = script.Any(Filtering::kAddressAndPortDependent);
  tcp.filter_memory = script.Any(FilterMemory::kMapping);
  tcp.inbound_sessions = script.Flag();
  if (tcp.mapping == Mapping::kConntrack) {
    tcp.filtering = Filtering::kAddressAndPortDependent;
    tcp.filter_memory = FilterMemory::kMapping;
    tcp.inbound_sessions = true;
  }
  tcp.hairpin = script.Any(Hairpin::kExternalSource);
  tcp.unsolicited = script.Any(Unsolicited::kReset);
  tcp.unsolicited_hold = script.Flag() ? seconds(6) : seconds(0);
  tcp.tracking.simultaneous_open = script.Flag();
  tcp.tracking.loose = script.Flag();
  tcp.tracking.liberal = script.Flag() && tcp.tracking.depth >= TcpDepth::kLinux;
  tcp.tracking.invalid = script.Any(TcpInvalid::kLeak);
  tcp.tracking.on_reset = script.Any(TcpOnReset::kIgnore);
  tcp.tracking.idle = script.Any(TcpIdle::kResetBoth);
  // Each timeout has another value, and those after a RST are short.
  tcp.tracking.timeouts = {.syn_sent = seconds(120),
                           .syn_received = seconds(60),
                           .established = seconds(7440),
                           .fin_wait = seconds(400),
                           .close_wait = seconds(300),
                           .last_ack = seconds(30),
                           .time_wait = seconds(130),
                           .close = seconds(10)};
  if (script.Flag() && tcp.tracking.depth >= TcpDepth::kLinux) {
    tcp.tracking.timeouts.unacknowledged = tcp.tracking.timeouts.retransmitted = seconds(100);
  }
  profile.icmp_errors_close = script.Flag();
  if (script.Flag()) profile.port_forwards = {{SocketAddress(IpAddress(), kForwarded), kForwardedTo}};
  if (script.Flag()) {
    profile.mappings_per_host_max = 2;
    profile.when_full = script.Any(WhenFull::kReboot);
  }
  return profile;
}

class Run {
 public:
  explicit Run(const NatProfile& profile)
      : profile_(profile),
        random_(1, "nat"),
        nat_(profile, {kExternal}, {{net::IpPrefix(IpAddress::V4(10, 0, 1, 0), 24), 2}}, &random_) {
    life_max_ = profile.tcp.tracking.timeouts.established;  // the longest of the timeouts
  }

  void Step(Script& script) {
    Pass(net::Duration::zero());
    switch (script.Below(12)) {
      case 0:
        Pass(milliseconds(script.Number()));
        break;
      case 1:
        Pass(seconds(script.Number() % 8000));
        break;
      case 2:
        if (nat_.NextTimer() != net::kNever) Pass(std::max(nat_.NextTimer(), now_) - now_);
        break;
      case 3:
        if (script.Below(16) == 0) Reboot();
        break;
      case 4:
        IcmpFromOutside(script);
        break;
      case 5:
        if (script.Below(8) == 0) Hairpin(script);
        break;
      case 6:
      case 7:
      case 8:
        In(script);
        break;
      default:
        Out(script);
    }
    CheckEntries();
  }

  void Finish() {
    Pass(profile_.tcp.unsolicited_hold);
    Require(held_.empty(), "a held SYN is answered at its time");
    Pass(life_max_);
    for (const SocketAddress& remote : kRemote) {
      for (const SocketAddress& inside : kInside) {
        Require(!nat_.FindTcp(now_, 2, inside, remote), "an entry lives no longer than its timeouts");
      }
    }
    Require(nat_.CountMappings(now_) == 0, "a mapping lives no longer than its sessions");
  }

 private:
  using Pair = std::pair<SocketAddress, SocketAddress>;  // inside or external, and remote

  static constexpr std::uint8_t kOpening = kTcpSyn | kTcpAck | kTcpRst | kTcpFin;
  static bool Opens(const TcpHeader& segment) { return (segment.flags & kOpening) == kTcpSyn; }
  bool reads_flags() const { return profile_.tcp.tracking.depth != TcpDepth::kAddresses; }

  // The next sequence number of each end of a connection, as the end counts it and as the other end sees it.
  struct Ends {
    std::uint32_t inside = 1'000'000, inside_seen = 1'000'000;
    std::uint32_t remote = 5'000'000, remote_seen = 5'000'000;
    bool heard = false;  // true: a segment came in from the remote endpoint
  };
  static std::uint32_t After(const TcpHeader& segment, const Packet& packet) {
    return segment.sequence + TcpSegmentLength(segment, packet.payload.size_bytes);
  }

  Packet Segment(Script& script, const SocketAddress& from, const SocketAddress& to, std::uint32_t sequence,
                 std::uint32_t answers) {
    static constexpr std::array<std::uint8_t, 8> kUsual = {
        kTcpSyn, kTcpSyn | kTcpAck, kTcpAck, kTcpAck, kTcpAck | kTcpFin, kTcpAck | kTcpPsh, kTcpRst, kTcpRst | kTcpAck};
    Packet packet;
    packet.protocol = IpProtocol::kTcp;
    packet.source = from;
    packet.destination = to;
    const std::uint8_t flags = script.Byte();
    packet.tcp.flags = flags < 240 ? kUsual[flags % 8] : static_cast<std::uint8_t>(script.Byte() & 0x3f);
    packet.tcp.sequence = sequence + Off(script);
    packet.tcp.acknowledgment = answers + Off(script);
    packet.tcp.window = static_cast<std::uint16_t>(script.Byte() * 256);
    if (packet.tcp.Has(kTcpSyn) && script.Flag()) {
      packet.tcp.window_scale = script.Below(15);
      packet.tcp.sack_permitted = true;
    } else if (script.Below(8) == 0) {
      packet.tcp.sack_count = 1;
      packet.tcp.sack[0] = {answers + Off(script), answers + Off(script)};
    }
    const std::uint32_t bytes = script.Below(4) == 0 ? script.Number() % 1460 : 0;
    packet.payload = {.slot = bytes == 0 ? 0u : 1u, .size_bytes = bytes};
    return packet;
  }
  static std::uint32_t Off(Script& script) {
    const std::uint8_t how = script.Byte();
    if (how < 160) return 0;
    if (how < 220) return how - 190u;
    if (how < 250) return script.Number() - 32768;
    return script.Number() << 16;
  }

  void Out(Script& script) {
    const SocketAddress& inside = kInside[script.Below(3)];
    const SocketAddress& remote = kRemote[script.Below(4)];
    Ends& ends = ends_[{inside, remote}];
    Packet packet = Segment(script, inside, remote, ends.inside, ends.remote_seen);
    const Packet before = packet;
    const auto entry = nat_.FindTcp(now_, 2, inside, remote);
    const std::set<Pair> known = Known();
    const Verdict verdict = nat_.FromInside(now_, 2, packet);
    Drain();
    CheckVerdict(verdict, before, packet, /*inwards=*/false);
    if (verdict.action != Action::kOutside) {
      CheckNothingNew(known);
      return;
    }
    ends.inside = After(before.tcp, before);
    ends.inside_seen = After(packet.tcp, packet);
    const SocketAddress& external = packet.source;
    Require(external.address() == kExternal, "what goes out has an external source");
    Require(packet.destination == remote, "and the destination that it had");
    if (!entry) CheckBeginning(before.tcp);
    if (before.tcp.Has(kTcpSyn)) held_.erase({external, remote});
    if (Opens(before.tcp)) {
      last_syn_[{inside, remote}] = before.tcp.sequence;
    }
    sent_[{inside, external, remote}] = now_;
    used_[inside] = now_;
  }

  void In(Script& script) {
    const SocketAddress& remote = kRemote[script.Below(4)];
    SocketAddress external(kExternal, script.Below(8) == 0 ? kForwarded : script.Number());
    if (!sent_.empty() && script.Below(4) != 0) {
      auto known = sent_.begin();
      std::advance(known, script.Below(static_cast<int>(std::min<std::size_t>(sent_.size(), 250))));
      external = std::get<1>(known->first);
    }
    FromOutside(script, external, remote);
  }

  void FromOutside(Script& script, const SocketAddress& external, const SocketAddress& remote) {
    SocketAddress guess = kInside[0];
    for (const auto& [key, when] : sent_) {
      if (std::get<1>(key) == external && std::get<2>(key) == remote) guess = std::get<0>(key);
    }
    Ends& ends = ends_[{guess, remote}];
    Packet packet = Segment(script, remote, external, ends.remote, ends.inside_seen);
    const Packet before = packet;
    const std::set<Pair> known = Known();
    std::map<SocketAddress, TcpTrackerState> states;
    for (const SocketAddress& inside : {kInside[0], kInside[1], kInside[2], kForwardedTo}) {
      if (const auto entry = nat_.FindTcp(now_, 2, inside, remote)) states[inside] = entry->state;
    }
    const Verdict verdict = nat_.FromOutside(now_, packet);
    if (verdict.rule == Rule::kSynHeld) {
      Require(Opens(before.tcp) && profile_.tcp.unsolicited_hold > seconds(0), "only SYNs are held, and by such NATs");
      held_.try_emplace({external, remote}, now_ + profile_.tcp.unsolicited_hold);
      Require(held_.size() <= nat::HeldSyns::kMax, "held SYNs are bounded");
    }
    Drain();
    CheckVerdict(verdict, before, packet, /*inwards=*/true);
    if (verdict.action != Action::kInside) {
      CheckNothingNew(known);
      return;
    }
    Require(verdict.network == 2 && packet.source == remote, "an inbound packet keeps its source");
    const SocketAddress inside = packet.destination;
    Ends& reached = ends_[{inside, remote}];
    reached.remote = After(before.tcp, before);
    reached.remote_seen = After(packet.tcp, packet);
    reached.heard = true;
    const bool forwarded = !profile_.port_forwards.empty() && external.port() == kForwarded && inside == kForwardedTo;
    if (!forwarded && !unseen_mappings_) CheckPassage(inside, external, remote);
    const auto state = states.find(inside);
    if (state == states.end()) {
      CheckBeginning(before.tcp);
    } else if (reads_flags() && state->second == TcpTrackerState::kSynSent &&
               began_inside_.count({inside, remote}) > 0) {
      const TcpTracking& tracking = profile_.tcp.tracking;
      Require(tracking.simultaneous_open || !Opens(before.tcp), "a crossing SYN passes only where the profile lets it");
      const bool answers = (before.tcp.flags & kOpening) == (kTcpSyn | kTcpAck);
      if (answers && tracking.depth >= TcpDepth::kSynAckNumber) {
        Require(packet.tcp.acknowledgment == last_syn_[{inside, remote}] + 1, "a SYN,ACK answers the SYN");
      }
    }
    used_[inside] = now_;
    used_[external] = now_;
  }

  // Checks RFC 4787 §5 with the record of outbound segments and the longest lifetime of any session.
  void CheckPassage(const SocketAddress& inside, const SocketAddress& external, const SocketAddress& remote) {
    bool mapped = false, let_in = profile_.tcp.filtering == Filtering::kEndpointIndependent;
    for (const auto& [key, when] : sent_) {
      const auto& [from, by, to] = key;
      if (from != inside) continue;
      mapped = mapped || by == external;
      if (profile_.tcp.filter_memory == FilterMemory::kMapping && by != external) continue;
      const bool same_address = to.address() == remote.address();
      let_in = let_in || to == remote || (profile_.tcp.filtering == Filtering::kAddressDependent && same_address);
    }
    Require(mapped, "nothing is translated inwards without a mapping or static forward");
    Require(let_in, "nothing passes the filter that its owner has not sent to");
    Require(used_.count(inside) > 0 && now_ - used_[inside] < life_max_, "a mapping ends with its sessions");
  }

  void CheckBeginning(const TcpHeader& segment) {
    if (!reads_flags() || Opens(segment)) return;
    Require(profile_.tcp.tracking.loose && segment.Has(kTcpAck) && !segment.Has(kTcpSyn) && !segment.Has(kTcpRst),
            "an entry begins with a SYN, or with an ACK where that is picked up");
  }

  void CheckVerdict(const Verdict& verdict, const Packet& before, const Packet& after, bool inwards) {
    const TcpTracking& tracking = profile_.tcp.tracking;
    const bool passed = verdict.action == Action::kOutside || verdict.action == Action::kInside;
    if (!passed) {
      Require(before.tcp == after.tcp && before.source == after.source && before.destination == after.destination,
              "what does not pass is as it came");
      Require(verdict.rule != Rule::kNone, "a refusal names its rule");
    } else if (tracking.depth != TcpDepth::kRewritesIsn) {
      Require(before.tcp == after.tcp, "numbers are as they came");
    }
    switch (verdict.action) {
      case Action::kReset:
        Require(!before.tcp.Has(kTcpRst), "a RST is not answered");
        Require(profile_.tcp.unsolicited == Unsolicited::kReset || tracking.invalid == TcpInvalid::kReset ||
                    tracking.idle == TcpIdle::kResetLate,
                "a RST is sent by such NATs only");
        break;
      case Action::kLeak:
        Require(!inwards && tracking.invalid == TcpInvalid::kLeak, "what leaks does so outwards");
        break;
      case Action::kInput:
        Require(profile_.tcp.unsolicited == Unsolicited::kInput, "the box takes what is for it, if it takes anything");
        break;
      default:
        break;
    }
  }

  void Hairpin(Script& script) {
    const SocketAddress& inside = kInside[script.Below(3)];
    SocketAddress external(kExternal, kForwarded);
    if (!sent_.empty()) {
      auto known = sent_.begin();
      std::advance(known, script.Below(static_cast<int>(std::min<std::size_t>(sent_.size(), 250))));
      external = std::get<1>(known->first);
    }
    Packet packet = Segment(script, inside, external, script.Number(), script.Number());
    const Verdict verdict = nat_.FromInside(now_, 2, packet);
    Drain();
    Require(verdict.action != Action::kOutside, "what hairpins does not go out");
    // The sender's half of a hairpin makes a mapping and opens its filter, whatever happens to the other half. The
    // external endpoint is not always visible.
    unseen_mappings_ = unseen_mappings_ || profile_.tcp.hairpin != sim::Hairpin::kNone;
    if (verdict.action != Action::kInside) return;
    Require(profile_.tcp.hairpin != sim::Hairpin::kNone, "only NATs that hairpin do");
    Require(packet.destination.address() != kExternal, "it goes to an inside endpoint");
    const bool shows_inside = packet.source == inside;
    Require(shows_inside == (profile_.tcp.hairpin == sim::Hairpin::kInternalSource), "with the source that is meant");
  }

  void IcmpFromOutside(Script& script) {
    if (sent_.empty()) return;
    auto known = sent_.begin();
    std::advance(known, script.Below(static_cast<int>(std::min<std::size_t>(sent_.size(), 250))));
    const auto [inside, external, remote] = known->first;
    Packet packet;
    packet.protocol = IpProtocol::kIcmp;
    packet.source = SocketAddress(remote.address(), 0);
    packet.destination = external.WithPort(0);
    packet.icmp = {.type = 3, .code = script.Below(14)};
    packet.quoted.protocol = IpProtocol::kTcp;
    packet.quoted.source = external;
    packet.quoted.destination = script.Flag() ? remote : kRemote[script.Below(4)];
    packet.tcp.sequence = script.Number();
    const std::set<Pair> before = Known();
    const Verdict verdict = nat_.FromOutside(now_, packet);
    Drain();
    CheckNothingNew(before);
    if (!profile_.icmp_errors_close) Require(Known() == before, "an ICMP error ends nothing (RFC 5382 REQ-10)");
    if (verdict.action == Action::kInside) {
      Require(packet.quoted.source.address() != kExternal, "an error quotes what its sender sent");
    }
  }

  void Pass(net::Duration time) {
    const net::Instant until = now_ + time;
    int timers = 0;
    while (nat_.NextTimer() != net::kNever && nat_.NextTimer() <= until) {
      Require(++timers < 5000, "timers come to an end");
      now_ = std::max(now_, nat_.NextTimer());
      nat_.OnTimer(now_);
      Drain();
    }
    now_ = until;
    nat_.OnTimer(now_);
    Drain();
    for (const auto& [key, when] : held_) Require(when > now_, "a held SYN is answered at its time");
  }

  void Reboot() {
    nat_.Reboot();
    held_.clear();
    sent_.clear();
    began_inside_.clear();
    Require(nat_.CountMappings(now_) == 0 && Known().empty(), "a reboot forgets all");
  }

  void Drain() {
    if (const char* broken = nat_.BrokenInvariant()) Require(false, broken);
    if (nat_.counters().reboots != reboots_) {  // the profile's answer to a limit
      reboots_ = nat_.counters().reboots;
      held_.clear();
      began_inside_.clear();
    }
    while (const auto output = nat_.PollOutput()) {
      if (output->kind == NatOutput::Kind::kSegment) {
        Require(profile_.tcp.tracking.idle == TcpIdle::kResetBoth && output->packet.tcp.Has(kTcpRst),
                "by itself a NAT sends RSTs only, and if the profile says so");
        continue;
      }
      if (output->packet.source.address().IsPrivate()) continue;  // to the sender of a hairpinned SYN
      const auto held = held_.find({output->packet.destination, output->packet.source});
      Require(held != held_.end(), "an answer is for one SYN that is held");
      Require(held->second <= now_, "and not before its time");
      const bool resets = output->kind == NatOutput::Kind::kReset;
      Require(resets == (profile_.tcp.unsolicited == Unsolicited::kReset), "and the profile's");
      held_.erase(held);
    }
  }

  // The connections that the NAT knows.
  std::set<Pair> Known() {
    std::set<Pair> known;
    for (const SocketAddress& remote : kRemote) {
      for (const SocketAddress& inside : {kInside[0], kInside[1], kInside[2], kForwardedTo}) {
        if (nat_.FindTcp(now_, 2, inside, remote)) known.insert({inside, remote});
      }
    }
    return known;
  }
  void CheckNothingNew(const std::set<Pair>& before) {
    for (const Pair& pair : Known()) Require(before.count(pair) > 0, "what did not pass leaves nothing behind");
  }
  void CheckEntries() {
    for (const SocketAddress& remote : kRemote) {
      for (const SocketAddress& inside : kInside) {
        const auto entry = nat_.FindTcp(now_, 2, inside, remote);
        if (!entry) {
          began_inside_.erase({inside, remote});
          continue;
        }
        Require(entry->expires > now_, "an entry that is over is not found");
        Require(entry->expires <= now_ + LifeOf(profile_.tcp.tracking.timeouts, entry->state),
                "an entry lives by the timeout of its state");
        // SYN_SENT with nothing heard before: whose SYN it is the record tells.
        const auto syn = last_syn_.find({inside, remote});
        if (syn != last_syn_.end() && entry->state == TcpTrackerState::kSynSent && !heard(inside, remote)) {
          began_inside_.insert({inside, remote});
        } else {
          began_inside_.erase({inside, remote});
        }
      }
    }
    const int limit = profile_.mappings_per_host_max;
    Require(limit == 0 || nat_.CountMappings(now_) <= 2 * limit, "mappings are bounded");
  }
  // True: a segment from the remote endpoint has reached the inside endpoint. Then a SYN of either may begin a new
  // connection.
  bool heard(const SocketAddress& inside, const SocketAddress& remote) const {
    const auto ends = ends_.find({inside, remote});
    return ends != ends_.end() && ends->second.heard;
  }

  NatProfile profile_;
  net::SeededRandom random_;
  Nat nat_;
  net::Instant now_{};
  net::Duration life_max_;
  std::map<std::tuple<SocketAddress, SocketAddress, SocketAddress>, net::Instant> sent_;  // inside, external, remote
  std::map<SocketAddress, net::Instant> used_;  // by inside endpoint: when a segment of it passed
  std::map<Pair, Ends> ends_;
  std::map<Pair, std::uint32_t> last_syn_;
  std::set<Pair> began_inside_;
  std::map<Pair, net::Instant> held_;  // by external and remote endpoint
  bool unseen_mappings_ = false;       // true: hairpins have made mappings that the test did not see
  std::uint64_t reboots_ = 0;
};

}  // namespace
}  // namespace pinhole::sim

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinhole::sim;
  pinhole::Script script(pinhole::net::ByteView(data, size));
  const NatProfile profile = ProfileFrom(script);
  if (!IsValid(profile)) return 0;
  Run run(profile);
  for (int step = 0; step < 1000 && !script.done(); ++step) run.Step(script);
  run.Finish();
  return 0;
}
