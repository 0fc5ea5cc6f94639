#include "scenarios/run/session_result.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "scenarios/plan/best_path.h"
#include "scenarios/run/killer.h"
#include "scenarios/run/pair_drops.h"
#include "scenarios/run/result_words.h"
#include "scenarios/run/session_explain.h"
#include "scenarios/run/session_measures.h"

namespace pinhole::scenarios {
namespace {

void FillPair(const ice::PairView& pair, proto::Pair* result) {
  result->set_local(pair.local.address.ToString());
  result->set_remote(pair.remote.address.ToString());
  result->set_local_type(ice::ToString(pair.local.type));
  result->set_remote_type(ice::ToString(pair.remote.type));
  result->set_state(ice::ToString(pair.state));
  result->set_valid(pair.valid);
  result->set_nominated(pair.nomination == ice::Nomination::kNominated);
  result->set_sends(static_cast<std::uint32_t>(pair.sends));
  if (pair.end != ice::PairEnd::kNone) result->set_end(ice::ToString(pair.end));
  result->set_transport(ice::ToString(pair.local.transport));
  if (pair.connection_end) result->set_connection_end(ice::ToString(*pair.connection_end));
  if (pair.mapped) {
    result->set_mapped(pair.mapped->address.ToString());
    result->set_mapped_type(ice::ToString(pair.mapped->type));
  }
}

void FillSide(const CellRun& run, const PacketBook& book, const SessionTrial& session, int side, proto::Side* result) {
  const apps::IceEndpoint& endpoint = session.endpoint(side);
  const apps::EndpointReport report = endpoint.Report();
  result->set_name(report.name);
  result->set_role(ice::ToString(report.role));
  result->set_connected(report.state == apps::EndpointState::kConnected);
  if (!report.failure.empty()) result->set_failure(report.failure);
  FillMeasures(run, book, session, side, report, result);
  for (const ice::UnansweredRequest& request : report.unanswered) {
    std::string text =
        absl::StrCat(request.turn ? "TURN " : "STUN ", request.server.ToString(), " from ", request.base.ToString());
    absl::StrAppend(&text, ": ", request.error_code == 0 ? "no answer" : absl::StrCat("error ", request.error_code));
    result->add_unanswered_server(text);
  }
  for (const apps::ReportedCandidate& candidate : report.candidates) {
    proto::Candidate* one = result->add_candidate();
    one->set_type(ice::ToString(candidate.candidate.type));
    one->set_address(candidate.candidate.address.ToString());
    one->set_base(candidate.candidate.base.ToString());
    one->set_learned(candidate.learned);
    one->set_component(static_cast<std::uint32_t>(candidate.candidate.component));
    one->set_priority(candidate.candidate.priority);
    one->set_foundation(std::string(candidate.candidate.foundation.text()));
    one->set_transport(ice::ToString(candidate.candidate.transport));
  }
  if (session.plan().peer(side).endpoint.agent.tcp.any()) {
    proto::TcpConnections* tcp = result->mutable_tcp();
    tcp->set_opened(static_cast<std::uint32_t>(report.counters.connections_opened));
    tcp->set_established(static_cast<std::uint32_t>(report.counters.connections_made));
    tcp->set_accepted(static_cast<std::uint32_t>(report.counters.connections_accepted));
    tcp->set_refused_targets(static_cast<std::uint32_t>(report.counters.targets_refused));
    tcp->set_held_back(static_cast<std::uint32_t>(report.counters.checks_held_back));
  }
  const std::vector<PairDeath> deaths = DeathsOf(run, book, endpoint.agent());
  for (std::size_t i = 0; i < report.pairs.size(); ++i) {
    proto::Pair* pair = result->add_pair();
    FillPair(report.pairs[i], pair);
    const auto death = std::find_if(deaths.begin(), deaths.end(), [i](const PairDeath& one) { return one.pair == i; });
    const std::string ended = ExplainPair(run, report.pairs[i], death == deaths.end() ? nullptr : &*death);
    if (!ended.empty()) pair->set_ended_by(ended);
  }
  if (!report.selected.empty()) FillPair(report.selected.front(), result->mutable_selected());
}

// The number of candidates that a side signalled, but that are part of no valid pair of either side.
std::uint32_t UselessAddresses(const SessionTrial& session) {
  std::uint32_t useless = 0;
  for (int side = 0; side < 2; ++side) {
    const ice::Agent& mine = session.endpoint(side).agent();
    const ice::Agent& theirs = session.endpoint(1 - side).agent();
    const std::vector<ice::PairView> my_pairs = mine.CheckListSnapshot();
    const std::vector<ice::PairView> their_pairs = theirs.CheckListSnapshot();
    for (const ice::Candidate& candidate : mine.LocalDescription().candidates) {
      const bool useful = std::any_of(my_pairs.begin(), my_pairs.end(),
                                      [&](const ice::PairView& pair) {
                                        return pair.valid && (pair.mapped ? pair.mapped->address
                                                                          : pair.local.address) == candidate.address;
                                      }) ||
                          std::any_of(their_pairs.begin(), their_pairs.end(), [&](const ice::PairView& pair) {
                            return pair.valid && pair.remote.address == candidate.address;
                          });
      if (!useful) ++useless;
    }
  }
  return useless;
}

// Sets the delay and the number of links of the path of one data packet, relays included. `tag` is the tag of the
// packet as it was accepted; its lineage leads back to the packet that the sender sent.
void FillPath(const CellRun& run, const PacketBook& book, net::PacketTag tag, proto::SessionResult* result) {
  const sim::Lineage& lineage = run.world().lineage();
  const sim::PacketId last{static_cast<std::uint32_t>(tag.value)};
  if (last == sim::PacketId::kNone) return;
  std::optional<net::Instant> delivered;
  for (const PacketBook::Delivery& delivery : book.deliveries()) {
    if (delivery.packet == last) delivered = delivery.at;
  }
  std::uint32_t links = 0;
  sim::PacketId id = last;
  sim::PacketId first = last;
  while (id != sim::PacketId::kNone) {
    links += book.at(id).links;
    first = id;
    id = lineage.at(id).parent;
  }
  if (delivered) result->set_path_delay_us(ToUs(*delivered - book.at(first).first_sent));
  result->set_path_hops(links);
}

}  // namespace

void FillSession(const CellRun& run, const PacketBook& book, const SessionTrial& session, const Prediction* prediction,
                 proto::RunResult* result) {
  proto::SessionResult* filled = result->add_session();
  const TrialOutcome outcome = session.OutcomeIn(run);
  filled->set_name(session.plan().name());
  filled->set_outcome(ToProto(outcome.outcome));
  const bool connected = outcome.outcome == Outcome::kDirect || outcome.outcome == Outcome::kRelayed;
  if (connected) {
    filled->set_agree(outcome.agree);
    filled->set_relay_hops(static_cast<std::uint32_t>(outcome.relay_hops));
    FillPath(run, book, session.endpoint(1).first_data_tag(), filled);
  } else {
    filled->set_reason(ExplainSession(run, &book, session));
    if (const std::optional<Killer> killer = FindKiller(run, &book, session)) {
      FillKilled(run, *killer, filled->mutable_killed());
    }
  }
  const std::uint32_t a = session.plan().peer(0).node;
  const std::uint32_t b = session.plan().peer(1).node;
  if (const std::optional<BestPath> best = FindBestPath(run.plan(), a, b)) {
    filled->set_best_path_delay_us(ToUs(best->delay));
    filled->set_best_path_hops(best->links);
  }
  for (int side = 0; side < 2; ++side) FillSide(run, book, session, side, filled->add_side());
  if (prediction != nullptr) {
    proto::Prediction* foreseen = filled->mutable_prediction();
    for (const Outcome possible : prediction->outcomes) foreseen->add_outcome(ToProto(possible));
    if (prediction->depends()) foreseen->set_depends_on(ToString(prediction->depends_on));
    foreseen->set_reason(prediction->reason);
  }
  filled->set_useless_addresses(UselessAddresses(session));
  for (const std::uint32_t node : {a, b}) {
    const sim::Traffic peak = run.world().node_peak(run.host(node));
    result->set_peak_packets_per_second(
        std::max(result->peak_packets_per_second(), static_cast<std::uint32_t>(peak.packets)));
  }
}

}  // namespace pinhole::scenarios
