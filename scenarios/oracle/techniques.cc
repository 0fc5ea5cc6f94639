// The order of decisions in PredictPunching(). First comes the topology: outside of two homes on one internet nothing
// is certain. UDP and CONNECT have a function each. For all other techniques, ByEndpoints() decides next, because a
// segment from another port than the signalled one belongs to no connection. At last comes the function of the
// technique, which follows its segments in the order in which they are sent.
//
// In each function, properties that make the technique fail in any case come before `disturbed`, and properties that
// only an undisturbed run decides come after it. So a result stays certain under loss if loss cannot change it.

#include "scenarios/oracle/techniques.h"

#include <chrono>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "net/contract.h"
#include "scenarios/oracle/udp_punching.h"

namespace pinhole::scenarios::oracle {
namespace {

// The outcome after a refusal is certain only if the NAT holds the refusal at least this long (RFC 5382 §4.3 REQ-4 says
// 6 s), or sends it at once.
constexpr net::Duration kLongHold = std::chrono::seconds(1);
// A new sequence number for the same endpoints is higher by 1 for each 4 us (RFC 6528), and a SYN offers a window of at
// most 65,535. So the number leaves the window after 262 ms; the limit is lower to be safe.
constexpr net::Duration kWindowIsAheadFor = std::chrono::milliseconds(200);

Prediction Certain(Outcome outcome, std::string reason) {
  Prediction prediction;
  prediction.direct = outcome == Outcome::kDirect ? Existence::kAlways : Existence::kNever;
  prediction.outcomes = {outcome};
  prediction.reason = std::move(reason);
  return prediction;
}
Prediction Direct(std::string reason) { return Certain(Outcome::kDirect, std::move(reason)); }
Prediction Failed(std::string reason) { return Certain(Outcome::kFailed, std::move(reason)); }
Prediction Open(std::string reason, DependsOn depends_on = DependsOn::kOrder) {
  Prediction prediction;
  prediction.direct = Existence::kDepends;
  prediction.depends_on = depends_on;
  prediction.outcomes = {Outcome::kDirect, Outcome::kFailed};
  prediction.reason = std::move(reason);
  return prediction;
}

// Whether segments to the peer leave from the endpoint that the rendezvous saw.
bool KeepsEndpoint(const NatBehavior& nat) {
  return nat.per_tuple ? nat.keeps_port : nat.mapping == Dependence::kEndpointIndependent;
}
bool AnswersFromTold(const NatBehavior& nat) { return KeepsEndpoint(nat) || (!nat.per_tuple && nat.inbound_sessions); }
bool LetsStrangersIn(const NatBehavior& nat) {
  return !nat.per_tuple && nat.filtering == Dependence::kEndpointIndependent;
}

std::string ElseWhere(const PunchingHome& side) {
  return absl::StrCat(side.nat, " gives ", side.host, " another port towards its peer than its peer was told of");
}

// B listens, and A's SYN comes from an endpoint to which B's NAT has sent nothing.
Prediction ByConnect(const PunchingModel& p) {
  if (!LetsStrangersIn(p.b.tcp.nat)) {
    return Failed(absl::StrCat(p.b.host, " only listens, and ", p.b.nat, " lets no stranger in"));
  }
  if (!AnswersFromTold(p.b.tcp.nat)) return Failed(ElseWhere(p.b));
  if (!p.disturbed.empty()) return Open(p.disturbed);
  return Direct(absl::StrCat(p.b.nat, " lets strangers in"));
}

// TCP's sockets are pairs of endpoints (RFC 9293 §3.4.1). A segment from another port than the signalled one belongs to
// no connection.
std::optional<Prediction> ByEndpoints(const PunchingModel& p) {
  const bool keeps_a = KeepsEndpoint(p.a.tcp.nat), keeps_b = KeepsEndpoint(p.b.tcp.nat);
  if (keeps_a && keeps_b) return std::nullopt;
  // A listener accepts a SYN from any endpoint.
  const bool takes_any = p.technique == proto::Punching::SYN_THEN_LISTEN ||
                         (p.technique == proto::Punching::SIMULTANEOUS_OPEN && p.also_listens);
  if (!takes_any) {
    for (const PunchingHome* side : {&p.a, &p.b}) {
      if (!AnswersFromTold(side->tcp.nat)) return Failed(ElseWhere(*side));
    }
  } else if (p.technique == proto::Punching::SYN_THEN_LISTEN) {
    if (!AnswersFromTold(p.a.tcp.nat)) return Failed(ElseWhere(p.a));
    // If A's SYN gets in through B's NAT, by itself or because of an earlier try, B may have an endpoint from which it
    // can answer.
    const bool lets_a_in = LetsStrangersIn(p.b.tcp.nat) || p.several_tries;
    const bool answers_b = lets_a_in && AnswersFromTold(p.b.tcp.nat);
    if (!keeps_b && !answers_b && p.a.tcp.nat.filtering == Dependence::kAddressAndPortDependent) {
      return Failed(absl::StrCat(ElseWhere(p.b), ", and ", p.a.nat, " filters by port"));
    }
  }
  return Open(ElseWhere(keeps_a ? p.b : p.a), DependsOn::kChance);
}

// The simultaneous open of RFC 9293 §3.5, figure 8. RFC 5382 §4.2 REQ-2 requires NATs to let such SYNs pass.
Prediction BySynsThatCross(const PunchingModel& p) {
  const bool a = p.a.tcp.simultaneous_open, b = p.b.tcp.simultaneous_open;
  if (!a && !b && !LetsStrangersIn(p.a.tcp.nat) && !LetsStrangersIn(p.b.tcp.nat)) {
    return Failed("neither NAT lets in a SYN that crosses one from inside");
  }
  if (!a || !b) return Open(absl::StrCat((a ? p.b : p.a).nat, " refuses a SYN that crosses one from inside"));
  if (!p.disturbed.empty()) return Open(p.disturbed);
  return Direct("the SYNs cross, and both NATs let them pass");
}

// A's SYN makes an entry in A's NAT through which B's SYN is to arrive. The answer to A's SYN arrives through this
// entry first, and may delete it.
Prediction BySynThenListen(const PunchingModel& p) {
  const TcpBehavior& home_a = p.a.tcp;
  const bool lets_any_in = LetsStrangersIn(home_a.nat);
  if (!home_a.simultaneous_open && !lets_any_in) {
    return Failed(absl::StrCat(p.a.nat, " lets in no SYN where one has gone out"));
  }
  if (LetsStrangersIn(p.b.tcp.nat)) return Open(absl::StrCat(p.b.nat, " lets in the SYN that should end there"));
  if (!p.disturbed.empty()) return Open(p.disturbed);
  const bool closes = (p.b.unsolicited == Answer::kReset && home_a.reset_forgets) ||
                      (p.b.unsolicited == Answer::kIcmp && home_a.icmp_forgets);
  if (closes) {
    // RFC 5382 §4.3 REQ-4: a held refusal is not sent if B's SYN leaves before the hold ends.
    const bool held = p.b.tcp.hold >= kLongHold && p.answer_time < kLongHold;
    const bool at_once = p.b.tcp.hold == net::Duration::zero() && p.answer_time > net::Duration::zero();
    if (!held && !at_once) return Open(absl::StrCat("when ", p.b.nat, " answers"));
    if (at_once && !lets_any_in) {
      if (p.several_tries) return Open("entries of the tries before");
      return Failed(absl::StrCat(p.b.nat, " answers, and the answer ends what ", p.a.nat, " knows of the SYN"));
    }
  }
  if (home_a.tracks_numbers && p.reopen_time > kWindowIsAheadFor) {
    return Open(absl::StrCat("whether the new number is in the window that ", p.a.nat, " remembers"));
  }
  return Direct(absl::StrCat("the SYN's entry in ", p.a.nat, " is still there when ", p.b.host, "'s comes"));
}

// A's and B's first SYNs open their own NATs and end in the core. "Time exceeded" may delete the entries, but the SYNs
// that are sent again make new ones.
Prediction ByLowTtl(const PunchingModel& p) {
  for (const PunchingHome* side : {&p.a, &p.b}) {
    if (side->gives_up && p.tells_exceeded && side->tcp.passes_icmp) {
      return Failed(absl::StrCat("the time exceeded ends ", side->host, "'s connect"));
    }
  }
  return BySynsThatCross(p);
}

Prediction ByForgedNumber(const PunchingModel& p) {
  if (p.technique == proto::Punching::FORGED_GUESSED_NUMBER) {
    return Failed("a SYN,ACK of a number that was not sent is answered with a RST at best (RFC 9293 §3.10.7.3)");
  }
  if (!p.forges) return Failed("no SYN,ACK comes from the rendezvous, and SYNs end on the way");
  std::string open = p.disturbed;
  for (const PunchingHome* side : {&p.a, &p.b}) {
    if (side->gives_up && p.tells_exceeded && side->tcp.passes_icmp) {
      return Failed(absl::StrCat("the time exceeded ends ", side->host, "'s connect"));
    }
    // Outside the NAT, the SYN has another number than the one that the host knows and tells the rendezvous. A NAT that
    // has deleted the entry has no number to compare.
    const bool may_forget = side->tcp.icmp_forgets && p.tells_exceeded && LetsStrangersIn(side->tcp.nat);
    if (side->rewrites_numbers && !may_forget) return Failed(absl::StrCat(side->nat, " rewrites sequence numbers"));
  }
  if (!open.empty()) return Open(open);
  for (const PunchingHome* side : {&p.a, &p.b}) {
    if (!side->tcp.icmp_forgets || !p.tells_exceeded) continue;
    if (!LetsStrangersIn(side->tcp.nat)) {
      return Failed(absl::StrCat("the time exceeded closes ", side->nat, " before the SYN,ACK comes"));
    }
    open = absl::StrCat("what ", side->nat, " makes of a SYN,ACK without a SYN");
  }
  if (!open.empty()) return Open(open);
  return Direct("each side gets the SYN,ACK that answers its SYN");
}

Prediction ByDatagrams(const PunchingModel& p) {
  const NatBehavior& a = p.a.udp;
  const NatBehavior& b = p.b.udp;
  if (KeepsEndpoint(a) && KeepsEndpoint(b)) {
    return p.disturbed.empty() ? Direct("both NATs keep their endpoints") : Open(p.disturbed);
  }
  if (!a.per_tuple && !b.per_tuple && !UdpPunchingWorks(a, b))
    return Failed(WhyUdpPunchingFails(a, p.a.nat, b, p.b.nat));
  return Open("who answers from where", DependsOn::kOrder);
}

}  // namespace

Prediction PredictPunching(const PunchingModel& p) {
  if (!p.beyond.empty()) return Open(p.beyond, DependsOn::kChance);
  if (p.technique == proto::Punching::UDP) return ByDatagrams(p);
  if (p.technique == proto::Punching::CONNECT) return ByConnect(p);
  if (std::optional<Prediction> decided = ByEndpoints(p)) return *std::move(decided);
  switch (p.technique) {
    case proto::Punching::SIMULTANEOUS_OPEN:
      return BySynsThatCross(p);
    case proto::Punching::SYN_THEN_LISTEN:
      return BySynThenListen(p);
    case proto::Punching::LOW_TTL_SYN:
      return ByLowTtl(p);
    case proto::Punching::FORGED_GUESSED_NUMBER:
    case proto::Punching::FORGED_EXCHANGED_NUMBER:
      return ByForgedNumber(p);
    case proto::Punching::CONNECT:
    case proto::Punching::UDP:
      break;  // answered above
  }
  net::CannotHappen();
}

}  // namespace pinhole::scenarios::oracle
