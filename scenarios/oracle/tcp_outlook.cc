// The constructor explores every order of SYNs: crossing, A first, B first. If a box holds its refusals, A first and B
// first are explored twice, with and without the late side's SYN in time (`in_time`). If a NAT draws external
// addresses, everything is explored for both poolings. Each result is a Draw.
//
// Narrow() deletes the draws whose order or `in_time` contradicts the beginnings. It also decides a connection whose
// answer has a new sequence number. The number grows with time, so the connection works only if the answer comes before
// the number leaves the window that a NAT remembers. Close to that limit the result is unsure.

#include "scenarios/oracle/tcp_outlook.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace pinhole::scenarios::oracle {
namespace {

using net::Duration;
using std::chrono::milliseconds;
using std::chrono::seconds;

// The initial sequence number of a port grows by one every 4 us (RFC 9293 §3.4.1). A box that tracks numbers accepts a
// number that is at most a window of 65,535 ahead of the last one of the same connection.
constexpr Duration kWindowPasses = std::chrono::microseconds(4 * 65535);

std::size_t At(int index) { return static_cast<std::size_t>(index); }

bool HasTcpPool(const Model& model) {
  return std::any_of(model.boxes.begin(), model.boxes.end(),
                     [](const Box& box) { return box.tcp.nat.arbitrary_pooling && box.outside.addresses.size() > 1; });
}

bool Holds(const Model& model) {
  return std::any_of(model.boxes.begin(), model.boxes.end(), [](const Box& box) {
    return box.tcp.unsolicited != Refusal::kSilent && box.tcp.hold > Duration{};
  });
}

const char* Named(Refusal refusal) { return refusal == Refusal::kReset ? "RST" : "ICMP"; }

// The word for the mapping behavior of a NAT; nullptr if the mapping is endpoint-independent.
const char* MapsBy(const NatBehavior& nat) {
  if (nat.per_tuple) return nat.keeps_port ? nullptr : "port";
  return nat.mapping == Dependence::kEndpointIndependent ? nullptr : ToString(nat.mapping);
}

}  // namespace

TcpOutlook::TcpOutlook(const Model& model) : model_(model) {
  if (!model.a.tcp.any() || !model.b.tcp.any()) return;
  std::vector<Pooling> poolings = {Pooling::kAlwaysFirst};
  if (HasTcpPool(model)) poolings.push_back(Pooling::kAlwaysAnother);
  for (Pooling pooling : poolings) {
    for (Order order : {Order::kCrossing, Order::kAFirst, Order::kBFirst}) {
      draws_.push_back({order, true, pooling, ExploreTcp(model, order, true, pooling)});
      if (order == Order::kCrossing || !Holds(model)) continue;
      draws_.push_back({order, false, pooling, ExploreTcp(model, order, false, pooling)});
    }
  }
}

void TcpOutlook::Narrow(Beginnings beginnings) {
  beginnings.a += model_.a.head_start;
  beginnings.b += model_.b.head_start;
  Duration into_a{}, into_b{};
  for (const Draw& draw : draws_) {
    into_a = std::max(into_a, draw.reached.into_a);
    into_b = std::max(into_b, draw.reached.into_b);
  }
  std::erase_if(draws_, [&](const Draw& draw) {
    if (!IsPossible(beginnings, draw.order, into_a, into_b)) return true;
    if (draw.order == Order::kCrossing || !Holds(model_)) return false;
    const bool a_first = draw.order == Order::kAFirst;
    const Duration ahead = a_first ? beginnings.b - beginnings.a : beginnings.a - beginnings.b;
    const Duration answered = a_first ? into_b + draw.reached.hold_b : into_a + draw.reached.hold_a;
    return draw.in_time ? ahead - beginnings.slack >= answered : ahead + beginnings.slack < answered;
  });
  for (Draw& draw : draws_) {
    draw.connects = !draw.reached.direct.empty();
    if (draw.reached.renumbered == Duration{}) continue;
    const Duration late = draw.order == Order::kCrossing ? Duration{} : std::chrono::abs(beginnings.b - beginnings.a);
    const Duration apart = late + draw.reached.renumbered;
    draw.unsure = std::chrono::abs(apart - kWindowPasses) <= beginnings.slack + milliseconds(10);
    draw.connects = apart < kWindowPasses || draw.unsure;
  }
}

Existence TcpOutlook::direct() const {
  std::size_t with = 0;
  bool unsure = unsettled();
  for (const Draw& draw : draws_) {
    with += draw.connects;
    unsure |= draw.unsure;
  }
  if (with == 0) return unsure ? Existence::kDepends : Existence::kNever;
  return with == draws_.size() && !unsure ? Existence::kAlways : Existence::kDepends;
}

std::vector<PathKind> TcpOutlook::paths() const {
  std::vector<PathKind> all;
  for (const Draw& draw : draws_) {
    if (draw.connects) all.insert(all.end(), draw.reached.direct.begin(), draw.reached.direct.end());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

bool TcpOutlook::Varies(bool by_pooling) const {
  for (const Draw& x : draws_) {
    for (const Draw& y : draws_) {
      const bool same_other = by_pooling ? x.order == y.order && x.in_time == y.in_time : x.pooling == y.pooling;
      if (same_other && x.connects != y.connects) return true;
    }
  }
  return false;
}

bool TcpOutlook::unsettled() const {
  return std::any_of(draws_.begin(), draws_.end(),
                     [](const Draw& draw) { return draw.reached.unsettled && draw.reached.direct.empty(); });
}

net::Duration TcpOutlook::Takes() const {
  Duration takes{};
  for (const Draw& draw : draws_) {
    // The handshake, a check and its answer in each direction, and one SYN that is sent again after a second
    // (RFC 6298 §2.1).
    takes = std::max(takes, 6 * draw.reached.direct_delay + (draw.reached.at_once ? Duration{} : seconds(1)));
  }
  return takes;
}

std::string TcpOutlook::WhyNot(const TcpLoss& loss) const {
  std::string why;
  switch (loss.loss.kind) {
    case Loss::Kind::kNone:
    // A candidate's address of another network is unreachable, which does not explain the failure.
    case Loss::Kind::kNoListener:
    case Loss::Kind::kNoWayOn:
      return "";
    case Loss::Kind::kFiltered: {
      why = Describe(model_, loss.loss, Traffic::kTcp);
      if (!loss.sender_box || *loss.sender_box == loss.loss.place) break;
      const Box& sender = model_.boxes[At(*loss.sender_box)];
      if (const char* by = MapsBy(sender.tcp.nat)) absl::StrAppend(&why, " and ", sender.name, " maps by ", by);
      break;
    }
    default:
      why = Describe(model_, loss.loss, Traffic::kTcp);
  }
  const Told told = ToldOf(model_, loss.loss);
  if (told.refusal != Refusal::kSilent) absl::StrAppend(&why, ", and answers a SYN with ", Named(told.refusal));
  return why;
}

std::string TcpOutlook::WhyNot() const {
  for (const Peer* peer : {&model_.a, &model_.b}) {
    if (!peer->tcp.any()) return absl::StrCat(peer->name, " has no TCP candidate");
  }
  if (draws_.empty()) return "no order is possible";
  const TcpReached& reached = draws_.front().reached;
  if (!reached.direct.empty())
    return "an answer's number is far from that of the port's own SYN, which a NAT still knows";
  if (reached.attempts_max == 0) return "neither connects to what the other listens on";
  std::vector<std::string> reasons;
  const auto add = [&](std::string reason) {
    if (!reason.empty() && std::find(reasons.begin(), reasons.end(), reason) == reasons.end()) {
      reasons.push_back(std::move(reason));
    }
  };
  for (const TcpLoss& loss : reached.losses) add(WhyNot(loss));
  for (int index : reached.answers_elsewhere) {
    const Box& box = model_.boxes[At(index)];
    const char* by = MapsBy(box.tcp.nat);
    add(absl::StrCat(box.name, " maps by ", by != nullptr ? by : "nothing", ", so answers from another port"));
  }
  if (reasons.empty()) return "no TCP candidate of one can be reached by the other";
  return absl::StrJoin(reasons, "; ");
}

std::string TcpOutlook::WhoRefuses() const {
  std::vector<std::string> who;
  for (const Box& box : model_.boxes) {
    if (box.tcp.unsolicited == Refusal::kSilent) continue;
    who.push_back(absl::StrCat(box.name, " answers a SYN with ", Named(box.tcp.unsolicited)));
  }
  return absl::StrJoin(who, " or ");
}

}  // namespace pinhole::scenarios::oracle
