#include "scenarios/results/trial_results.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "net/contract.h"
#include "scenarios/results/explain.h"
#include "scenarios/results/killer.h"
#include "sim/packet/tcp_header.h"

namespace pinhole::scenarios {
namespace {

using apps::PunchingTechnique;
using apps::TcpPunching;

std::uint64_t ToUs(net::Duration duration) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}
std::uint64_t ToUs(net::Instant instant) { return ToUs(instant.time_since_epoch()); }

// Whether the packet was sent to be let in by the other side's NAT, forged or not.
bool IsBetween(const TcpPunching::Report& a, const TcpPunching::Report& b, const sim::DropRecord& drop) {
  const net::SocketAddress& to = drop.emitted_destination;
  return a.peer == to || b.peer == to;
}

bool Matters(PunchingTechnique technique, bool established, const TcpPunching::Report& b, std::uint8_t flags,
             const sim::DropRecord& drop) {
  if (technique == PunchingTechnique::kUdp) return drop.protocol == sim::IpProtocol::kUdp;
  if (drop.protocol != sim::IpProtocol::kTcp || (flags & sim::kTcpRst) != 0) return false;
  if (established) return true;
  const bool syn = (flags & sim::kTcpSyn) != 0;
  const bool syn_ack = syn && (flags & sim::kTcpAck) != 0;
  switch (technique) {
    case PunchingTechnique::kForgedGuessedNumber:
    case PunchingTechnique::kForgedExchangedNumber:
      return syn_ack;
    case PunchingTechnique::kSynThenListen:
      // A's own SYN was not meant to arrive.
      return syn_ack || (syn && drop.emitted_destination != b.own);
    case PunchingTechnique::kConnect:
    case PunchingTechnique::kSimultaneousOpen:
    case PunchingTechnique::kLowTtlSyn:
    case PunchingTechnique::kUdp:
      return syn;
  }
  net::CannotHappen();
}

std::optional<sim::DropRecord> KillerOf(const CellRun& run, std::size_t index) {
  const TcpPunching::Report& a = run.trials().punching(index, 0).report();
  const TcpPunching::Report& b = run.trials().punching(index, 1).report();
  const PunchingTechnique technique = run.plan().punchings[index].peers[0].options.technique;
  // Once a side was through its handshake, what it sends then is what counts.
  const bool established = a.connected.has_value() || b.connected.has_value();
  const net::Instant never = net::Instant::max();
  const net::Instant since = std::min(a.try_started.value_or(never), b.try_started.value_or(never));
  std::optional<sim::DropRecord> killer;
  const sim::DropLog& drops = run.world().drops();
  for (std::size_t i = 0; i < drops.size(); ++i) {
    const sim::DropRecord& drop = drops.at(i);
    if (drop.packet_class != net::PacketClass::kCheck && drop.packet_class != net::PacketClass::kData) continue;
    if (drop.at < since || !IsBetween(a, b, drop)) continue;
    if (!Matters(technique, established, b, run.segments()->FlagsOf(drop.packet), drop)) continue;
    // One whose TTL ran out was meant to end there; it counts where that ended everything.
    const bool meant = killer.has_value() && killer->rule == sim::Rule::kTtlExceeded;
    if (!killer || established || meant) killer = drop;
  }
  return killer;
}

SideOutcome OutcomeOfSide(const TcpPunching::Report& report) {
  SideOutcome side;
  side.connected = report.state == TcpPunching::State::kConfirmed;
  side.first_valid = report.connected;
  side.connected_at = report.confirmed;
  side.failure = report.failure;
  return side;
}

std::string SegmentText(const CellRun& run, const sim::DropRecord& drop) {
  return absl::StrCat(SegmentBook::Name(run.segments()->FlagsOf(drop.packet)), " ", drop.source.ToString(), " > ",
                      drop.destination.ToString());
}

}  // namespace

SessionOutcome PunchingOutcome(const CellRun& run, std::size_t index) {
  const TcpPunching& a = run.trials().punching(index, 0);
  const TcpPunching& b = run.trials().punching(index, 1);
  SessionOutcome outcome;
  outcome.a = OutcomeOfSide(a.report());
  outcome.b = OutcomeOfSide(b.report());
  outcome.agree = outcome.a.connected && outcome.b.connected;
  if (outcome.agree) {
    outcome.outcome = Outcome::kDirect;
  } else if (a.finished() && b.finished()) {
    outcome.outcome = Outcome::kFailed;
  }
  const PlannedPunching& planned = run.plan().punchings[index];
  sim::Traffic sent;
  for (const PlannedPunching::Peer& peer : planned.peers) {
    sent += sim::Sum(run.world().node_counters(run.host(peer.node)).sent);
  }
  outcome.packets = static_cast<std::int64_t>(sent.packets);
  outcome.wire_bytes = static_cast<std::int64_t>(sent.bytes);
  if (outcome.outcome != Outcome::kDirect) {
    if (const std::optional<sim::DropRecord> killer = KillerOf(run, index)) {
      outcome.killed = KilledBy{run.world().node(killer->node).name(), sim::ToString(killer->rule),
                                KindOf(run, *killer), killer->protocol == sim::IpProtocol::kTcp};
    }
  }
  return outcome;
}

std::string ExplainPunching(const CellRun& run, std::size_t index) {
  const PlannedPunching& planned = run.plan().punchings[index];
  std::string text;
  for (int side = 0; side < 2; ++side) {
    const TcpPunching& peer = run.trials().punching(index, side);
    if (peer.report().state == TcpPunching::State::kConfirmed) continue;
    absl::StrAppend(&text, text.empty() ? "" : "; ", planned.peers[side].name, ": ",
                    peer.finished() ? peer.report().failure : "not finished at the end");
  }
  if (text.empty()) return "";
  if (const std::optional<sim::DropRecord> killer = KillerOf(run, index)) {
    absl::StrAppend(&text, "; ended by ", SegmentBook::Name(run.segments()->FlagsOf(killer->packet)), ", ",
                    Describe(run, *killer));
  }
  if (run.out_of_events()) absl::StrAppend(&text, "; the run was stopped at events_max");
  return text;
}

NatCheckVerdicts NatCheckOutcome(const CellRun& run, std::size_t index) {
  const apps::NatCheckClient::Report& report = run.trials().nat_check(index).report();
  NatCheckVerdicts verdicts;
  verdicts.row = run.plan().nat_checks[index].row;
  verdicts.udp = report.udp;
  verdicts.udp_hairpin = report.udp_hairpin;
  verdicts.tcp = report.tcp;
  verdicts.tcp_hairpin = report.tcp_hairpin;
  return verdicts;
}

Verdict JudgeNatCheck(const NatCheckPrediction& foreseen, const NatCheckVerdicts& verdicts) {
  Verdict verdict;
  const auto differs = [&verdict](const char* test, const std::optional<bool>& got, bool expected) {
    if (!got || *got == expected) return;
    absl::StrAppend(&verdict.reason, verdict.reason.empty() ? "" : "; ", test, *got ? " passes" : " fails",
                    ", and by the NAT's profile it should not");
  };
  differs("UDP", verdicts.udp, foreseen.udp);
  differs("UDP hairpin", verdicts.udp_hairpin, foreseen.udp_hairpin);
  differs("TCP", verdicts.tcp, foreseen.tcp);
  differs("TCP hairpin", verdicts.tcp_hairpin, foreseen.tcp_hairpin);
  verdict.by_oracle = true;
  if (!verdict.reason.empty()) return verdict;
  verdict.kind = VerdictKind::kPass;
  verdict.reason = "as the NAT's profile says";
  return verdict;
}

void FillTrials(const CellRun& run, proto::RunResult* result) {
  for (std::size_t i = 0; i < run.plan().nat_checks.size(); ++i) {
    const apps::NatCheckClient::Report& report = run.trials().nat_check(i).report();
    proto::NatCheckResult* check = result->add_nat_check();
    check->set_name(run.plan().nat_checks[i].name);
    check->set_row(run.plan().nat_checks[i].row);
    if (report.udp) check->set_udp(*report.udp);
    if (report.udp_hairpin) check->set_udp_hairpin(*report.udp_hairpin);
    if (report.tcp) check->set_tcp(*report.tcp);
    if (report.tcp_hairpin) check->set_tcp_hairpin(*report.tcp_hairpin);
    for (const net::SocketAddress& seen : report.udp_seen) check->add_udp_seen(seen.ToString());
    for (const net::SocketAddress& seen : report.tcp_seen) check->add_tcp_seen(seen.ToString());
    if (report.unsolicited) check->set_unsolicited_syn(apps::ToString(*report.unsolicited));
    if (report.tcp) check->set_simultaneous_open(report.simultaneous_open);
  }
  for (std::size_t i = 0; i < run.plan().punchings.size(); ++i) {
    const PlannedPunching& planned = run.plan().punchings[i];
    proto::PunchingResult* punching = result->add_punching();
    punching->set_name(planned.name);
    punching->set_technique(apps::ToString(planned.peers[0].options.technique));
    const Outcome outcome = PunchingOutcome(run, i).outcome;
    punching->set_outcome(outcome == Outcome::kDirect   ? proto::DIRECT
                          : outcome == Outcome::kFailed ? proto::FAILED
                                                        : proto::UNDECIDED);
    if (const std::string why = ExplainPunching(run, i); !why.empty()) punching->set_reason(why);
    if (outcome != Outcome::kDirect) {
      if (const std::optional<sim::DropRecord> killer = KillerOf(run, i)) {
        proto::KilledSegment* killed = punching->mutable_killed();
        killed->set_node(run.world().node(killer->node).name());
        killed->set_rule(sim::ToString(killer->rule));
        killed->set_kind(KindOf(run, *killer));
        killed->set_segment(SegmentText(run, *killer));
        if (const std::string state = sim::DescribeState(*killer); !state.empty()) killed->set_state(state);
        killed->set_at_us(ToUs(killer->at));
      }
    }
    for (int side = 0; side < 2; ++side) {
      const TcpPunching::Report& report = run.trials().punching(i, side).report();
      proto::PunchingSide* one = punching->add_side();
      one->set_name(planned.peers[side].name);
      one->set_connected(report.state == TcpPunching::State::kConfirmed);
      if (!report.failure.empty()) one->set_failure(report.failure);
      if (report.own) one->set_own_endpoint(report.own->ToString());
      if (report.peer) one->set_peer_endpoint(report.peer->ToString());
      one->set_tries(static_cast<std::uint32_t>(report.tries));
      if (report.try_started) one->set_try_started_us(ToUs(*report.try_started));
      if (report.connected) {
        one->set_handshake_us(ToUs(*report.connected));
        one->set_connect_time_us(ToUs(*report.connected - *report.try_started));
      }
      if (report.confirmed) one->set_connected_us(ToUs(*report.confirmed));
      one->set_data_received_bytes(report.data_received);
    }
  }
}

}  // namespace pinhole::scenarios
