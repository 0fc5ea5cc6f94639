#include "sim/nat/stateful_filter.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "net/contract.h"

namespace pinhole::sim {
namespace {

using Action = TcpTracker::Action;
using Way = TcpTracker::Way;

// Codes of ICMP destination unreachable (RFC 792, RFC 1812 §5.2.7.1).
constexpr std::uint8_t kHostUnreachableCode = 1;
constexpr std::uint8_t kPortUnreachableCode = 3;
constexpr std::uint8_t kAdminProhibitedCode = 13;

}  // namespace

std::optional<NatContradiction> FindContradiction(const FilterProfile& profile) {
  if (profile.unsolicited == Unsolicited::kInput || profile.unsolicited_udp == Unsolicited::kInput) {
    const NatPart part = profile.unsolicited == Unsolicited::kInput ? NatPart::kTcp : NatPart::kUdp;
    return NatContradiction{part, NatField::kUnsolicited,
                            "input: without translation nothing from outside is for the box"};
  }
  if (profile.tcp.invalid != TcpInvalid::kDrop && profile.tcp.invalid != TcpInvalid::kReset) {
    return NatContradiction{NatPart::kTcp, NatField::kInvalid,
                            absl::StrCat(ToString(profile.tcp.invalid), ": needs a translation to be left out")};
  }
  if (profile.tcp.idle != TcpIdle::kSilent) {
    return NatContradiction{NatPart::kTcp, NatField::kIdle, "a firewall forgets in silence"};
  }
  if (profile.tcp.depth == TcpDepth::kRewritesIsn) {
    return NatContradiction{NatPart::kTcp, NatField::kTracking,
                            "rewrites_isn: without translation no packet is changed"};
  }
  NatProfile nat;  // the other fields are checked like those of a NAT
  nat.udp.timeouts = profile.udp_timeouts;
  nat.tcp.tracking = profile.tcp;
  nat.tcp.unsolicited = profile.unsolicited;
  nat.tcp.unsolicited_hold = profile.unsolicited_hold;
  return FindContradiction(nat);
}

StatefulFilter::StatefulFilter(const FilterProfile& profile) : profile_(profile) {
  PINHOLE_REQUIRES(IsValid(profile));
  udp_.timeouts = profile.udp_timeouts;
}

StatefulFilter::Flow* StatefulFilter::Find(net::Instant now, const Key& key) {
  const auto it = flows_.find(key);
  if (it == flows_.end()) return nullptr;
  if (it->second.timer.Alive(now)) return &it->second;
  flows_.erase(it);
  return nullptr;
}

void StatefulFilter::Add(net::Instant now, const Key& key, const Flow& flow) {
  if (flows_.size() >= sweep_at_) {
    absl::erase_if(flows_, [now](const auto& known) { return !known.second.timer.Alive(now); });
    sweep_at_ = std::max<std::size_t>(64, flows_.size() * 2);
  }
  flows_[key] = flow;
}

Verdict StatefulFilter::Refuse(net::Instant now, const Packet& packet, Rule rule) {
  Verdict verdict = Verdict::Drop(rule, packet.destination);
  verdict.action = Verdict::Action::kReject;
  switch (packet.is_tcp() ? profile_.unsolicited : profile_.unsolicited_udp) {
    case Unsolicited::kDrop:
    case Unsolicited::kInput:  // refused by FindContradiction()
      verdict.action = Verdict::Action::kDrop;
      break;
    case Unsolicited::kReset:
      if (!packet.is_tcp()) {
        verdict.icmp_code = kPortUnreachableCode;
      } else {
        verdict.action = packet.tcp.Has(kTcpRst) ? Verdict::Action::kDrop : Verdict::Action::kReset;
      }
      break;
    case Unsolicited::kPortUnreachable:
      verdict.icmp_code = kPortUnreachableCode;
      break;
    case Unsolicited::kHostUnreachable:
      verdict.icmp_code = kHostUnreachableCode;
      break;
    case Unsolicited::kAdminProhibited:
      verdict.icmp_code = kAdminProhibitedCode;
      break;
  }
  const bool holds = packet.is_tcp() && nat::IsOpeningSyn(packet.tcp) && verdict.action != Verdict::Action::kDrop &&
                     profile_.unsolicited_hold > net::Duration::zero();
  return holds ? Hold(now, packet, verdict) : verdict;
}

// Holds an unsolicited SYN (RFC 6092 §3.3.1 REC-34). `answer` says what is sent when unsolicited_hold is over.
Verdict StatefulFilter::Hold(net::Instant now, const Packet& packet, const Verdict& answer) {
  Verdict verdict = Verdict::Drop(Rule::kSynHeld, packet.destination);
  const bool resets = answer.action == Verdict::Action::kReset;
  const net::Instant until = now + profile_.unsolicited_hold;
  if (!held_.Hold({packet.destination, packet.source}, packet, until, resets, answer.icmp_code)) {
    verdict.rule = Rule::kSynHoldFull;
    verdict.state.number = verdict.state.limit = nat::HeldSyns::kMax;
  }
  return verdict;
}

net::Instant StatefulFilter::NextTimer() const { return outputs_.empty() ? held_.NextTimer() : net::Instant{}; }

void StatefulFilter::OnTimer(net::Instant now) {
  while (const std::optional<NatOutput> answer = held_.PopDue(now)) outputs_.push_back(*answer);
}

std::optional<NatOutput> StatefulFilter::PollOutput() {
  if (outputs_.empty()) return std::nullopt;
  std::optional<NatOutput> output = outputs_.front();
  outputs_.pop_front();
  return output;
}

void StatefulFilter::Reboot() {
  flows_.clear();
  held_.Clear();
  outputs_.clear();
}

// The verdict on a TCP segment. `flow`: the flow of the segment; nullptr if it belongs to no flow.
Verdict StatefulFilter::JudgeTcp(net::Instant now, const Key& key, Flow* flow, Way way, const Packet& packet) {
  const Verdict passes = way == Way::kOriginal ? Verdict{.action = Verdict::Action::kOutside} : Verdict::Inside(0);
  Flow fresh;
  TcpTracker& tracker = flow != nullptr ? flow->tracker : fresh.tracker;
  TcpTracker::Judgement judgement;
  if (flow != nullptr) {
    judgement = tracker.OnSegment(profile_.tcp, way, packet.tcp, packet.payload.size_bytes);
    if (judgement.action == Action::kReopen) {
      flows_.erase(key);
      return JudgeTcp(now, key, nullptr, way, packet);
    }
  } else {
    judgement = tracker.Start(profile_.tcp, packet.tcp, packet.payload.size_bytes);
  }
  if (judgement.action == Action::kRefuse) {
    if (judgement.rule == Rule::kSimultaneousOpen) return Refuse(now, packet, judgement.rule);
    Verdict verdict = Verdict::Drop(judgement.rule, key.inside);
    verdict.state.number = judgement.number;
    verdict.state.limit = judgement.limit;
    const bool answers = profile_.tcp.invalid == TcpInvalid::kReset && !packet.tcp.Has(kTcpRst);
    if (answers) verdict.action = Verdict::Action::kReset;
    return verdict;
  }
  // Only a segment from inside may begin a connection.
  if (flow == nullptr && way == Way::kReply) return Refuse(now, packet, Rule::kInboundRefused);
  if (flow == nullptr) {
    fresh.timer.expires = now + tracker.Life(profile_.tcp);
    Add(now, key, fresh);
  } else if (judgement.action == Action::kPass) {
    flow->timer.expires = now + tracker.Life(profile_.tcp);
  } else if (judgement.action == Action::kPassAndForget) {
    flows_.erase(key);
  }
  if (way == Way::kOriginal && packet.tcp.Has(kTcpSyn)) held_.Cancel({key.inside, key.remote});
  return passes;
}

Verdict StatefulFilter::FromInside(net::Instant now, const Packet& packet) {
  OnTimer(now);
  const Verdict passes{.action = Verdict::Action::kOutside};
  if (packet.is_icmp()) return passes;
  const Key key{packet.source, packet.destination, packet.is_tcp()};
  Flow* flow = Find(now, key);
  if (packet.is_tcp()) return JudgeTcp(now, key, flow, Way::kOriginal, packet);
  if (flow == nullptr) {
    Add(now, key, {.timer = nat::StartTimer(udp_.timeouts, now), .tracker = {}});
  } else {
    nat::OnPacket(flow->timer, udp_, nat::Direction::kOutbound, /*answers=*/false, now);
  }
  return passes;
}

Verdict StatefulFilter::FromOutside(net::Instant now, const Packet& packet) {
  OnTimer(now);
  if (packet.is_icmp()) {
    const bool about_tcp = packet.quoted.protocol == IpProtocol::kTcp;
    const bool known = profile_.icmp_errors && IsIcmpError(packet) &&
                       Find(now, {packet.quoted.source, packet.quoted.destination, about_tcp}) != nullptr;
    return known ? Verdict::Inside(0) : Verdict::Drop(Rule::kIcmpNotTranslated, packet.quoted.source);
  }
  const Key key{packet.destination, packet.source, packet.is_tcp()};
  Flow* flow = Find(now, key);
  if (packet.is_tcp()) return JudgeTcp(now, key, flow, Way::kReply, packet);
  if (flow == nullptr) return Refuse(now, packet, Rule::kInboundRefused);
  nat::OnPacket(flow->timer, udp_, nat::Direction::kInbound, /*answers=*/true, now);
  return Verdict::Inside(0);
}

TcpTrackerState StatefulFilter::StateOf(net::Instant now, const net::SocketAddress& inside,
                                        const net::SocketAddress& remote) {
  const Flow* flow = Find(now, {inside, remote, true});
  return flow == nullptr ? TcpTrackerState::kNone : flow->tracker.state();
}

}  // namespace pinhole::sim
