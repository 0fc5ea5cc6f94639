// The order of steps in Predict().
//
//   1. Explore UDP for each order of first packets and each pooling that the model allows; the same for TCP.
//   2. Estimate when both sides begin, and remove the orders that cannot occur.
//   3. Unite the results: a path exists always, never, or in some draws. The closed form replaces the walk where it
//      applies (OnlyNat()).
//   4. Compare the time that the agents wait for a better path with the time that the better path needs.
//   5. Collect the reasons for chance: loss, a box that forgets, an ICMP error, a late answer of a server.
//   6. List the outcomes, choose `depends_on`, and write the reason.
//
// An outcome is left out only if it is impossible, or if a better path is certain and both agents wait for it.

#include "scenarios/oracle/predict.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "scenarios/oracle/beginnings.h"
#include "scenarios/oracle/passage.h"
#include "scenarios/oracle/reachability.h"
#include "scenarios/oracle/tcp_outlook.h"
#include "scenarios/oracle/udp_punching.h"

namespace pinhole::scenarios::oracle {
namespace {

using net::Duration;
using std::chrono::milliseconds;

std::size_t At(int index) { return static_cast<std::size_t>(index); }

// The NAT of a peer, if the closed form of udp_punching.h applies to this side: the peer has one IPv4 address behind
// one box, that box is not behind another one, and the closed form covers its behavior. Otherwise nullptr.
const Box* OnlyNat(const Model& model, const Peer& peer, const Gathered& gathered) {
  const Host& host = model.hosts[At(peer.host)];
  if (host.interfaces.size() != 1 || host.interfaces[0].addresses.size() != 1) return nullptr;
  if (!host.interfaces[0].addresses[0].is_v4() || !host.interfaces[0].gateway || gathered.srflxs == 0) return nullptr;
  const Box& box = model.boxes[At(*host.interfaces[0].gateway)];
  if (box.udp_exit.blocked || !box.udp_exit.ports.empty()) return nullptr;
  if (box.outside.gateway || box.outside.addresses.size() != 1 || !box.forwards.empty()) return nullptr;
  if (box.nat.per_tuple && (box.nat.claims_tuple || box.nat.filtering != Dependence::kAddressAndPortDependent)) {
    return nullptr;
  }
  return &box;
}

// Translates a per_tuple NAT into the fields of the closed form. A port that is kept or reused is like
// endpoint-independent mapping, and each tuple is like an inbound session.
NatBehavior InGenericWords(NatBehavior nat) {
  if (!nat.per_tuple) return nat;
  nat.per_tuple = false;
  nat.mapping = nat.keeps_port ? Dependence::kEndpointIndependent : Dependence::kAddressAndPortDependent;
  nat.filtering = Dependence::kAddressAndPortDependent;
  nat.memory = FilterMemory::kPerMapping;
  nat.inbound_sessions = true;
  return nat;
}

struct TwoNats {
  const Box* a;
  const Box* b;
};

std::optional<TwoNats> EachBehindItsOwn(const Model& model, const Reached& reached) {
  const Box* a = OnlyNat(model, model.a, reached.a);
  const Box* b = OnlyNat(model, model.b, reached.b);
  if (a == nullptr || b == nullptr || a == b) return std::nullopt;
  if (model.networks[At(a->outside.network)].domain != model.networks[At(b->outside.network)].domain) {
    return std::nullopt;
  }
  return TwoNats{a, b};
}

void Unite(std::vector<PathKind>& into, const std::vector<PathKind>& more) {
  into.insert(into.end(), more.begin(), more.end());
  std::sort(into.begin(), into.end());
  into.erase(std::unique(into.begin(), into.end()), into.end());
}

// The result of reachability.h for one order of packets and one draw of pooled addresses.
struct Draw {
  Order order;
  Pooling pooling;
  Reached reached;
};

Existence Over(const std::vector<Draw>& draws, std::vector<PathKind> Reached::*paths) {
  std::size_t with = 0;
  for (const Draw& draw : draws) with += !(draw.reached.*paths).empty();
  return with == 0 ? Existence::kNever : with == draws.size() ? Existence::kAlways : Existence::kDepends;
}

bool Varies(const std::vector<Draw>& draws, std::vector<PathKind> Reached::*paths, bool by_pooling) {
  for (const Draw& x : draws) {
    for (const Draw& y : draws) {
      const bool same_other = by_pooling ? x.order == y.order : x.pooling == y.pooling;
      if (same_other && (x.reached.*paths).empty() != (y.reached.*paths).empty()) return true;
    }
  }
  return false;
}

// The box with an arbitrary pool of several addresses, if there is exactly one such box.
const Box* OnlyPool(const Model& model) {
  const Box* only = nullptr;
  for (const Box& box : model.boxes) {
    if (!box.nat.arbitrary_pooling || box.outside.addresses.size() < 2) continue;
    if (only != nullptr) return nullptr;
    only = &box;
  }
  return only;
}

bool HasPool(const Model& model) {
  for (const Box& box : model.boxes) {
    if (box.nat.arbitrary_pooling && box.outside.addresses.size() > 1) return true;
  }
  return false;
}

const Box* ClaimingBox(const Model& model) {
  for (const Box& box : model.boxes) {
    if (box.nat.claims_tuple) return &box;
  }
  return nullptr;
}

bool AllHosts(const PathKind& path) {
  return path.a_local == CandidateType::kHost && path.a_remote == CandidateType::kHost &&
         path.b_local == CandidateType::kHost && path.b_remote == CandidateType::kHost;
}

// Keeps the paths that agents select if they wait long enough: host pairs before all others, fewer relays before more.
void KeepBest(std::vector<PathKind>& direct, std::vector<PathKind>& relayed) {
  if (std::any_of(direct.begin(), direct.end(), AllHosts)) {
    std::erase_if(direct, [](const PathKind& path) { return !AllHosts(path); });
  }
  int fewest = 2;
  for (const PathKind& path : relayed) fewest = std::min(fewest, path.relay_hops);
  std::erase_if(relayed, [&](const PathKind& path) { return path.relay_hops > fewest; });
}

// If all requests to the STUN servers are lost, a side has no server-reflexive candidate, and both sides know its
// external endpoint as peer-reflexive.
void AddUnanswered(std::vector<PathKind>& paths) {
  constexpr auto kServer = CandidateType::kServerReflexive;
  constexpr auto kPeer = CandidateType::kPeerReflexive;
  std::vector<PathKind> more;
  for (const PathKind& path : paths) {
    for (bool a_unanswered : {false, true}) {
      for (bool b_unanswered : {false, true}) {
        PathKind changed = path;
        if (a_unanswered && path.a_local == kServer) changed.a_local = kPeer;
        if (a_unanswered && path.b_remote == kServer) changed.b_remote = kPeer;
        if (b_unanswered && path.b_local == kServer) changed.b_local = kPeer;
        if (b_unanswered && path.a_remote == kServer) changed.a_remote = kPeer;
        more.push_back(changed);
      }
    }
  }
  Unite(paths, more);
}

std::string Kinds(const std::vector<PathKind>& paths) {
  std::vector<std::string> names;
  for (const PathKind& path : paths) {
    std::string name = ToString(path);
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }
  return absl::StrJoin(names, ", ");
}

std::string WhyNoDirectPath(const Model& model, const Reached& reached) {
  if (const std::optional<TwoNats> nats = EachBehindItsOwn(model, reached)) {
    const NatBehavior a = InGenericWords(nats->a->nat);
    const NatBehavior b = InGenericWords(nats->b->nat);
    if (!UdpPunchingWorks(a, b)) return WhyUdpPunchingFails(a, nats->a->name, b, nats->b->name);
  }
  for (const auto& [peer, gathered] : {std::pair(&model.a, &reached.a), std::pair(&model.b, &reached.b)}) {
    if (gathered->hosts + gathered->srflxs + gathered->relays == 0) {
      return absl::StrCat(peer->name, " has no candidate");
    }
  }
  std::vector<std::string> reasons;
  for (const auto& [peer, gathered] : {std::pair(&model.a, &reached.a), std::pair(&model.b, &reached.b)}) {
    if (gathered->srflxs == 0 && !peer->withhold_srflx && gathered->relays == 0) {
      reasons.push_back(absl::StrCat(peer->name, " has no candidate but its hosts"));
    }
  }
  for (const Loss& loss : reached.losses) {
    // A candidate's address may be unreachable because it belongs to another network. Such a loss does not explain the
    // failure unless it is the only one.
    const bool stray = loss.kind == Loss::Kind::kNoListener || loss.kind == Loss::Kind::kNoWayOn;
    if (!stray || reached.losses.size() == 1) reasons.push_back(Describe(model, loss));
  }
  if (reasons.empty() && reached.asymmetric_answers) {
    reasons.push_back("answers come from another address than was asked (RFC 8445 §7.2.5.2.1)");
  }
  if (reasons.empty()) return "no candidate of one can be reached by the other";
  return absl::StrJoin(reasons, "; ");
}

// How long both sides wait for a better path than the one that works. They do not wait at all if one of them selects
// the first valid pair. `pace` is the slower pace of the two.
struct Patience {
  bool any = true;
  Duration mark = std::chrono::hours(1);
  Duration pace{};
};

Patience PatienceOf(const Model& model) {
  Patience patience;
  for (const Peer* peer : {&model.a, &model.b}) {
    if (peer->nomination == Nomination::kFirstValid) patience.any = false;
    if (peer->nomination == Nomination::kBestAfter) patience.mark = std::min(patience.mark, peer->relayed_mark);
    patience.pace = std::max(patience.pace, peer->pace);
  }
  return patience;
}

// Whether both agents wait at least until a direct UDP pair is valid. The other side begins at most one description
// later. Then a check is sent. If it was not let in, it is sent again, or the other side's check triggers one. Each
// check waits in the queue behind the checks of all other pairs.
bool WaitsForUdp(const Patience& patience, const Reached& reached, int pairs, const Beginnings& beginnings) {
  const Duration queue = patience.pace * (pairs + 2);
  const Duration resent = std::max(Duration(milliseconds(500)), queue);
  return patience.any && beginnings.description + 3 * reached.direct_delay + queue + resent < patience.mark;
}

bool WaitsForTcp(const Model& model, const Patience& patience, const TcpOutlook& tcp, int pairs,
                 const Beginnings& beginnings) {
  const Duration queue = patience.pace * (pairs + 2) + std::max(model.a.head_start, model.b.head_start);
  return patience.any && beginnings.description + queue + tcp.Takes() < patience.mark;
}

Gathered Together(Gathered udp, const Gathered& tcp) {
  udp.hosts += tcp.hosts;
  udp.srflxs += tcp.srflxs;
  udp.relays += tcp.relays;
  udp.took = std::max(udp.took, tcp.took);
  udp.last_asked = std::max(udp.last_asked, tcp.last_asked);
  return udp;
}

// Returns `chance`; if that is empty, a text on a box that forgets entries of this transport too early.
std::string OrForgetful(std::string chance, const Model& model, Traffic traffic) {
  for (const Box& box : model.boxes) {
    const std::string& forgetful = traffic == Traffic::kTcp ? box.tcp.nat.forgetful : box.nat.forgetful;
    if (chance.empty() && !forgetful.empty()) chance = absl::StrCat(box.name, " ", forgetful);
  }
  return chance;
}

Existence Either(Existence x, Existence y) {
  if (x == Existence::kAlways || y == Existence::kAlways) return Existence::kAlways;
  return x == Existence::kNever ? y : x;
}

}  // namespace

Prediction Predict(const Model& model) {
  std::vector<Draw> draws;
  const std::vector<Pooling> poolings = HasPool(model)
                                            ? std::vector<Pooling>{Pooling::kAlwaysFirst, Pooling::kAlwaysAnother}
                                            : std::vector<Pooling>{Pooling::kAlwaysFirst};
  const std::vector<Order> orders = OrderMayMatter(model)
                                        ? std::vector<Order>{Order::kCrossing, Order::kAFirst, Order::kBFirst}
                                        : std::vector<Order>{Order::kCrossing};
  for (Order order : orders) {
    for (Pooling pooling : poolings) draws.push_back({order, pooling, Explore(model, order, pooling)});
  }
  Reached any = draws.front().reached;
  TcpOutlook tcp(model);
  const int pairs_max = any.pairs_max + tcp.attempts_max();
  const Beginnings beginnings = BeginningsOf(model, Together(any.a, tcp.a()), Together(any.b, tcp.b()), pairs_max);
  tcp.Narrow(beginnings);
  const bool order_matters = Varies(draws, &Reached::direct, false) || Varies(draws, &Reached::relayed, false);
  if (order_matters) {
    // The beginnings may decide which side is first. The delay to the other side's box is taken as the delay of the
    // whole path, because it is the larger part of that delay.
    Duration one_way{};
    for (const Draw& draw : draws) one_way = std::max(one_way, draw.reached.direct_delay);
    std::erase_if(draws, [&](const Draw& draw) { return !IsPossible(beginnings, draw.order, one_way, one_way); });
    any = draws.front().reached;
  }

  Prediction prediction;
  prediction.direct = Over(draws, &Reached::direct);
  prediction.relayed = Over(draws, &Reached::relayed);
  for (const Draw& draw : draws) {
    if (!draw.reached.direct.empty()) Unite(prediction.direct_paths, draw.reached.direct_meanwhile);
    if (!draw.reached.relayed.empty()) Unite(prediction.relayed_paths, draw.reached.relayed_meanwhile);
    any.direct_delay = std::max(any.direct_delay, draw.reached.direct_delay);
  }
  // If the closed form applies, its result replaces the result of the walk.
  if (const std::optional<TwoNats> nats = EachBehindItsOwn(model, any)) {
    prediction.direct = UdpPunchingWorks(InGenericWords(nats->a->nat), InGenericWords(nats->b->nat))
                            ? Existence::kAlways
                            : Existence::kNever;
  }

  const Existence udp_direct = prediction.direct;
  prediction.direct = Either(udp_direct, tcp.direct());
  const bool udp = model.a.udp && model.b.udp, any_tcp = model.a.tcp.any() || model.b.tcp.any();
  const bool by_order = Varies(draws, &Reached::direct, false) || Varies(draws, &Reached::relayed, false);
  const bool by_pool = Varies(draws, &Reached::direct, true) || Varies(draws, &Reached::relayed, true);
  const Patience patience = PatienceOf(model);
  const bool patient = WaitsForUdp(patience, any, pairs_max, beginnings);
  const bool patient_for_tcp = WaitsForTcp(model, patience, tcp, pairs_max, beginnings);
  const bool close = any.a.close || any.b.close;
  const bool unanswered = !model.chance.empty() || close;
  if (patient && !unanswered) KeepBest(prediction.direct_paths, prediction.relayed_paths);

  std::string chance = model.chance;
  if (chance.empty() && close) chance = "a server's answer and the end of gathering are close";
  // A box that forgets entries of one transport does not disturb the other transport.
  const bool relays_by_udp = !model.a.turn_servers.empty() || !model.b.turn_servers.empty();
  const std::string udp_chance = udp || relays_by_udp ? OrForgetful(chance, model, Traffic::kUdp) : chance;
  const bool relays_by_tcp = !model.a.tcp_turn_servers.empty() || !model.b.tcp_turn_servers.empty();
  const std::string tcp_chance = any_tcp || relays_by_tcp ? OrForgetful(chance, model, Traffic::kTcp) : chance;
  const std::string relay_chance = relays_by_udp ? udp_chance : tcp_chance;
  bool icmp = false;
  for (const Box& box : model.boxes) icmp |= box.nat.answers_icmp;
  icmp &= model.a.icmp_fails_pairs || model.b.icmp_fails_pairs;

  // Agents that wait long enough select a direct path over UDP before one over TCP, and one over TCP before a relay.
  const bool udp_sure = udp_direct == Existence::kAlways && udp_chance.empty() && !icmp;
  const bool tcp_sure = tcp.direct() == Existence::kAlways && tcp_chance.empty();
  if (!(udp_sure && patient)) Unite(prediction.direct_paths, tcp.paths());
  const std::string direct_kinds = Kinds(prediction.direct_paths), relayed_kinds = Kinds(prediction.relayed_paths);
  if (unanswered) {
    AddUnanswered(prediction.direct_paths);
    AddUnanswered(prediction.relayed_paths);
  }

  const bool direct = prediction.direct != Existence::kNever;
  const bool relayed = prediction.relayed != Existence::kNever;
  const bool direct_sure = udp_sure || tcp_sure;
  const bool beats_relays = (udp_sure && patient) || (tcp_sure && patient_for_tcp);
  const bool relayed_sure = prediction.relayed == Existence::kAlways && relay_chance.empty();
  if (direct) prediction.outcomes.push_back(Outcome::kDirect);
  if (relayed && !beats_relays) prediction.outcomes.push_back(Outcome::kRelayed);
  if (!direct_sure && !relayed_sure) prediction.outcomes.push_back(Outcome::kFailed);

  const bool forgets = chance.empty() && !(udp_chance.empty() && tcp_chance.empty());
  if (chance.empty()) chance = udp_chance.empty() ? tcp_chance : udp_chance;
  if (prediction.outcomes.size() > 1) {
    prediction.depends_on = !model.chance.empty()                ? DependsOn::kChance
                            : forgets || close                   ? DependsOn::kTiming
                            : by_order || icmp || tcp.by_order() ? DependsOn::kOrder
                            : by_pool || tcp.by_pool()           ? DependsOn::kChance
                                                                 : DependsOn::kTiming;
  }
  if (const Box* pool = OnlyPool(model); by_pool && pool != nullptr && prediction.direct == Existence::kDepends &&
                                         any.a.srflxs <= 1 && any.b.srflxs <= 1) {
    prediction.direct_share = Prediction::Share{1, static_cast<int>(pool->outside.addresses.size())};
  }

  std::string& reason = prediction.reason;
  if (direct && !direct_kinds.empty()) {
    reason = absl::StrCat("direct as ", direct_kinds);
  } else {
    if (udp) reason = WhyNoDirectPath(model, any);
    if (any_tcp) absl::StrAppend(&reason, udp ? "; over TCP: " : "", tcp.WhyNot());
  }
  if (tcp.unsettled()) absl::StrAppend(&reason, "; what is refused is tried again, and may meet the other");
  if (tcp.by_order() && !(udp_sure && patient)) absl::StrAppend(&reason, ", unless ", tcp.WhoRefuses(), " first");
  if (by_order) {
    const Box* box = ClaimingBox(model);
    absl::StrAppend(&reason, ", unless ",
                    box != nullptr ? absl::StrCat(box->name, " takes the other's packet for itself first")
                                   : std::string("the other is first"));
  }
  if (by_pool) absl::StrAppend(&reason, ", if the external addresses fall out so");
  if (icmp && direct) absl::StrAppend(&reason, ", unless an ICMP error is first");
  if (!chance.empty()) absl::StrAppend(&reason, "; ", chance);
  if (relayed && prediction.outcomes.front() != Outcome::kDirect) {
    absl::StrAppend(&reason, "; relayed as ", relayed_kinds);
  } else if (relayed && prediction.Allows(Outcome::kRelayed)) {
    absl::StrAppend(&reason, "; else relayed as ", relayed_kinds);
  } else if (!relayed && !direct) {
    absl::StrAppend(&reason, "; no relay");
  }
  return prediction;
}

}  // namespace pinhole::scenarios::oracle
