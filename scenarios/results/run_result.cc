#include "scenarios/results/run_result.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "net/contract.h"
#include "scenarios/plan/best_path.h"
#include "scenarios/results/explain.h"
#include "scenarios/results/killer.h"
#include "scenarios/results/knowledge.h"
#include "scenarios/results/pair_drops.h"
#include "scenarios/results/trial_results.h"

namespace pinhole::scenarios {
namespace {

std::uint64_t ToUs(net::Duration duration) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}
std::uint64_t ToUs(net::Instant instant) { return ToUs(instant.time_since_epoch()); }

proto::RunOutcome ToProto(Outcome outcome) {
  switch (outcome) {
    case Outcome::kUndecided:
      return proto::UNDECIDED;
    case Outcome::kDirect:
      return proto::DIRECT;
    case Outcome::kRelayed:
      return proto::RELAYED;
    case Outcome::kFailed:
      return proto::FAILED;
  }
  net::CannotHappen();
}

proto::Verdict ToProto(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::kPass:
      return proto::PASS;
    case VerdictKind::kFail:
      return proto::FAIL;
    case VerdictKind::kXfail:
      return proto::XFAIL;
    case VerdictKind::kUnsupported:
      return proto::UNSUPPORTED;
  }
  net::CannotHappen();
}

void FillTraffic(const sim::TrafficByClass& traffic, google::protobuf::RepeatedPtrField<proto::ClassTraffic>* result) {
  for (int i = 0; i < net::kPacketClassCount; ++i) {
    const sim::Traffic& one = traffic[static_cast<std::size_t>(i)];
    if (one.packets == 0) continue;
    proto::ClassTraffic* entry = result->Add();
    entry->set_packet_class(net::ToString(static_cast<net::PacketClass>(i)));
    entry->set_packets(one.packets);
    entry->set_wire_bytes(one.bytes);
  }
}

void FillPeak(const sim::Traffic& peak, proto::Peak* result) {
  result->set_packets(peak.packets);
  result->set_wire_bytes(peak.bytes);
}

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

void FillSide(const CellRun& run, const PacketBook& book, std::size_t session, int side, proto::Side* result) {
  const apps::IceEndpoint& endpoint = run.endpoint(session, side);
  const apps::EndpointReport report = endpoint.Report();
  result->set_name(report.name);
  result->set_role(ice::ToString(report.role));
  result->set_connected(report.state == apps::EndpointState::kConnected);
  if (!report.failure.empty()) result->set_failure(report.failure);
  const apps::EndpointTimes& times = report.times;
  if (times.started) result->set_started_us(ToUs(*times.started));
  if (times.gathered) result->set_gathered_us(ToUs(*times.gathered));
  if (times.exchanged) result->set_exchanged_us(ToUs(*times.exchanged));
  if (times.first_valid) result->set_first_valid_us(ToUs(*times.first_valid));
  if (times.nominated) result->set_nominated_us(ToUs(*times.nominated));
  if (times.first_data) result->set_first_data_us(ToUs(*times.first_data));
  if (times.connected) result->set_connected_us(ToUs(*times.connected));
  if (times.first_data && run.plan().sessions[session].hold > net::Duration::zero()) {
    result->set_largest_gap_us(ToUs(report.largest_data_gap));
  }
  if (times.nominated) result->set_consent_lost(times.consent_lost.has_value());
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
  if (run.plan().sessions[session].peers[side].endpoint.agent.tcp.any()) {
    proto::TcpConnections* tcp = result->mutable_tcp();
    tcp->set_opened(static_cast<std::uint32_t>(report.counters.connections_opened));
    tcp->set_established(static_cast<std::uint32_t>(report.counters.connections_made));
    tcp->set_accepted(static_cast<std::uint32_t>(report.counters.connections_accepted));
    tcp->set_refused_targets(static_cast<std::uint32_t>(report.counters.targets_refused));
    tcp->set_held_back(static_cast<std::uint32_t>(report.counters.checks_held_back));
  }
  const std::vector<PairDeath> deaths = DeathsOf(run, book, session, side);
  for (std::size_t i = 0; i < report.pairs.size(); ++i) {
    proto::Pair* pair = result->add_pair();
    FillPair(report.pairs[i], pair);
    const auto death = std::find_if(deaths.begin(), deaths.end(), [i](const PairDeath& one) { return one.pair == i; });
    const std::string ended = ExplainPair(run, report.pairs[i], death == deaths.end() ? nullptr : &*death);
    if (!ended.empty()) pair->set_ended_by(ended);
  }
  if (!report.selected.empty()) {
    FillPair(report.selected.front(), result->mutable_selected());
    result->set_path_changes(static_cast<std::uint32_t>(report.path_changes));
  }
  const sim::TrafficCounters counters =
      run.world().node_counters(run.host(run.plan().sessions[session].peers[side].node));
  result->set_checks_sent(
      static_cast<std::uint32_t>(counters.sent[static_cast<std::size_t>(net::PacketClass::kCheck)].packets));
  result->set_check_retransmissions(static_cast<std::uint32_t>(
      counters.sent[static_cast<std::size_t>(net::PacketClass::kRetransmittedCheck)].packets));
  // A steady rate needs a hold time to be measured over.
  const net::Duration connected = times.connected ? run.world().now() - *times.connected : net::Duration::zero();
  if (connected >= std::chrono::seconds(1)) {
    std::uint64_t consent = 0;
    for (const PacketBook::Delivery& delivery : book.deliveries()) {
      const PacketBook::Entry& entry = book.at(delivery.packet);
      if (delivery.at > *times.connected && entry.packet_class == net::PacketClass::kConsent) ++consent;
    }
    result->set_stun_after_connecting_ppks(
        static_cast<std::uint32_t>(consent * 1'000'000'000'000ULL / static_cast<std::uint64_t>(connected.count())));
  }
}

// Candidates that a side signalled and that no valid pair of either side was made of.
std::uint32_t UselessAddresses(const CellRun& run, std::size_t session) {
  std::uint32_t useless = 0;
  for (int side = 0; side < 2; ++side) {
    const ice::Agent& mine = run.endpoint(session, side).agent();
    const ice::Agent& theirs = run.endpoint(session, 1 - side).agent();
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

// Delay and links of the way of one data packet, relays included, back from where it was accepted.
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

void FillDrops(const CellRun& run, proto::RunResult* result) {
  const sim::DropLog& drops = run.world().drops();
  for (const sim::DropLog::NodeCount& of_node : drops.CountsByNode()) {
    proto::DropCount* count = result->add_drops();
    count->set_node(run.world().node(of_node.node).name());
    count->set_rule(sim::ToString(of_node.rule));
    count->set_packets(of_node.packets);
  }
  if (drops.cut()) return;  // Where a check was going is known of kept records only.
  std::uint32_t hopeless = 0;
  for (std::size_t i = 0; i < drops.size(); ++i) {
    const sim::DropRecord& drop = drops.at(i);
    const bool check =
        drop.packet_class == net::PacketClass::kCheck || drop.packet_class == net::PacketClass::kRetransmittedCheck;
    if (check && IsHopeless(run, drop)) ++hopeless;
  }
  result->set_hopeless_probes(hopeless);
}

void FillKilled(const CellRun& run, const PacketBook& book, const SessionKiller& killer, proto::KilledSession* result) {
  result->set_node(killer.by.node);
  result->set_rule(killer.by.rule);
  result->set_kind(killer.by.kind);
  if (!killer.drop) return;
  const sim::DropRecord& drop = *killer.drop;
  result->set_packet(absl::StrCat(SegmentBook::Name(book.at(run.world().lineage().Emitted(drop.packet)).tcp_flags), " ",
                                  drop.source.ToString(), " > ", drop.destination.ToString()));
  result->set_died_at(run.world().node(drop.node).name());
  if (const std::string state = sim::DescribeState(drop); !state.empty()) result->set_state(state);
  result->set_at_us(ToUs(drop.at));
}

}  // namespace

proto::RunResult MakeRunResult(const RunIdentity& identity, const CellRun& run, const PacketBook& book,
                               const std::vector<Prediction>& predictions, const std::vector<Verdict>& verdicts) {
  proto::RunResult result;
  result.set_scenario(identity.scenario->name());
  result.set_file(identity.scenario->path());
  result.set_cell(RunId(*identity.cell, identity.repetition));
  for (const AxisValue& value : identity.cell->values) {
    proto::AxisValue* axis = result.add_axis();
    axis->set_axis(value.axis);
    axis->set_value(value.value);
  }
  result.set_repetition(identity.repetition);
  result.set_seed(identity.seed);

  const CellPlan& plan = run.plan();
  const sim::World& world = run.world();
  for (std::size_t s = 0; s < plan.sessions.size(); ++s) {
    proto::SessionResult* session = result.add_session();
    const SessionOutcome outcome = run.OutcomeOf(s);
    session->set_name(plan.sessions[s].name);
    session->set_outcome(ToProto(outcome.outcome));
    const bool connected = outcome.outcome == Outcome::kDirect || outcome.outcome == Outcome::kRelayed;
    if (connected) {
      session->set_agree(outcome.agree);
      session->set_relay_hops(static_cast<std::uint32_t>(outcome.relay_hops));
      FillPath(run, book, run.endpoint(s, 1).first_data_tag(), session);
    } else {
      session->set_reason(ExplainSession(run, book, s));
      if (const std::optional<SessionKiller> killer = KillerOf(run, book, s)) {
        FillKilled(run, book, *killer, session->mutable_killed());
      }
    }
    const auto [a, b] = std::pair(plan.sessions[s].peers[0].node, plan.sessions[s].peers[1].node);
    if (const std::optional<BestPath> best = FindBestPath(plan, a, b)) {
      session->set_best_path_delay_us(ToUs(best->delay));
      session->set_best_path_hops(best->links);
    }
    for (int side = 0; side < 2; ++side) FillSide(run, book, s, side, session->add_side());
    if (s < predictions.size()) {
      proto::Prediction* prediction = session->mutable_prediction();
      for (const Outcome possible : predictions[s].outcomes) prediction->add_outcome(ToProto(possible));
      if (predictions[s].depends()) prediction->set_depends_on(ToString(predictions[s].depends_on));
      prediction->set_reason(predictions[s].reason);
    }
    session->set_useless_addresses(UselessAddresses(run, s));
  }
  FillTrials(run, &result);
  if (!verdicts.empty()) {
    const Verdict& verdict = WorstOf(verdicts);
    result.set_verdict(ToProto(verdict.kind));
    if (!verdict.reason.empty()) result.set_verdict_reason(verdict.reason);
    result.set_judge(verdict.by_oracle ? proto::ORACLE : proto::EXPECTATION);
  }

  sim::TrafficByClass total = {};
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    const sim::Node& node = world.node(sim::NodeId{static_cast<std::uint32_t>(i)});
    for (std::size_t interface = 0; interface < node.interfaces().size(); ++interface) {
      const sim::TrafficCounters& counters = world.interface_counters(node, static_cast<int>(interface));
      if (sim::Sum(counters.sent).packets + sim::Sum(counters.received).packets == 0) continue;
      proto::NodeTraffic* traffic = result.add_node_traffic();
      traffic->set_node(node.name());
      traffic->set_interface(node.interfaces()[interface].name);
      FillTraffic(counters.sent, traffic->mutable_sent());
      FillTraffic(counters.received, traffic->mutable_received());
      const sim::Traffic peak = world.interface_peak(node, static_cast<int>(interface));
      if (peak.packets > 0) FillPeak(peak, traffic->mutable_sent_peak());
      if (plan.nodes[i].kind == PlannedNodeKind::kHost) {
        for (std::size_t c = 0; c < total.size(); ++c) total[c] += counters.sent[c];
      }
    }
    const sim::Traffic peak = world.node_peak(node);
    if (peak.packets > 0) {
      proto::NodePeak* entry = result.add_node_peak();
      entry->set_node(node.name());
      FillPeak(peak, entry->mutable_sent());
    }
  }
  for (const PlannedSession& session : plan.sessions) {
    for (const PlannedPeer& peer : session.peers) {
      const sim::Traffic peak = world.node_peak(world.node(sim::NodeId{peer.node}));
      result.set_peak_packets_per_second(
          std::max(result.peak_packets_per_second(), static_cast<std::uint32_t>(peak.packets)));
    }
  }
  FillTraffic(total, result.mutable_traffic());
  result.set_nat_bindings(static_cast<std::uint32_t>(run.nat_bindings()));
  FillDrops(run, &result);
  FillKnowledge(run, book, &result);
  result.set_virtual_time_us(ToUs(world.now()));
  result.set_events(world.events_run());
  result.mutable_digests()->set_wire(DigestText(world.wire_digest()));
  result.mutable_digests()->set_full(DigestText(world.full_digest()));
  return result;
}

std::string ToJson(const proto::RunResult& result) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(result, &json, options).ok()) return "{}";
  return json;
}

const Verdict& WorstOf(const std::vector<Verdict>& verdicts) {
  const auto rank = [](const Verdict& verdict) {
    switch (verdict.kind) {
      case VerdictKind::kFail:
        return 3;
      case VerdictKind::kXfail:
        return 2;
      case VerdictKind::kUnsupported:
        return 1;
      case VerdictKind::kPass:
        return 0;
    }
    net::CannotHappen();
  };
  return *std::max_element(verdicts.begin(), verdicts.end(),
                           [&rank](const Verdict& a, const Verdict& b) { return rank(a) < rank(b); });
}

std::string DigestText(std::uint64_t digest) { return absl::StrFormat("%016x", digest); }

}  // namespace pinhole::scenarios
