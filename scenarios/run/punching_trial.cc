#include "scenarios/run/punching_trial.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "net/contract.h"
#include "scenarios/conversion/technique_conversion.h"
#include "scenarios/oracle/extract.h"
#include "scenarios/run/cell_run.h"
#include "scenarios/run/killer.h"
#include "scenarios/run/result_words.h"
#include "sim/packet/tcp_header.h"

namespace pinhole::scenarios {
namespace {

using apps::PunchingTechnique;
using apps::TcpPunching;
using std::chrono::microseconds;

// Whether the packet was sent to the signalled endpoint of one of the two peers: by the other peer, or by the
// rendezvous with a forged source address.
bool IsBetween(const TcpPunching::Report& a, const TcpPunching::Report& b, const sim::DropRecord& drop) {
  const net::SocketAddress& to = drop.emitted_destination;
  return a.peer == to || b.peer == to;
}

// Whether the technique needs the packet to arrive. `established` means that at least one side has completed its
// handshake. `b` is the report of side B.
bool Matters(PunchingTechnique technique, bool established, const TcpPunching::Report& b, const sim::DropRecord& drop) {
  if (technique == PunchingTechnique::kUdp) return drop.protocol == sim::IpProtocol::kUdp;
  if (drop.protocol != sim::IpProtocol::kTcp || (drop.tcp_flags & sim::kTcpRst) != 0) return false;
  if (established) return true;
  const bool syn = (drop.tcp_flags & sim::kTcpSyn) != 0;
  const bool syn_ack = syn && (drop.tcp_flags & sim::kTcpAck) != 0;
  switch (technique) {
    case PunchingTechnique::kForgedGuessedNumber:
    case PunchingTechnique::kForgedExchangedNumber:
      return syn_ack;
    case PunchingTechnique::kSynThenListen:
      // A's SYN, which is sent to B's endpoint, is not meant to arrive.
      return syn_ack || (syn && drop.emitted_destination != b.own);
    case PunchingTechnique::kConnect:
    case PunchingTechnique::kSimultaneousOpen:
    case PunchingTechnique::kLowTtlSyn:
    case PunchingTechnique::kUdp:
      return syn;
  }
  net::CannotHappen();
}

SideOutcome OutcomeOfSide(const TcpPunching::Report& report) {
  SideOutcome side;
  side.connected = report.state == TcpPunching::State::kConfirmed;
  side.first_valid = report.connected;
  side.connected_at = report.confirmed;
  side.failure = report.failure;
  return side;
}

void Plan(const ResolvedCell& cell, CellPlan* plan) {
  for (int i = 0; i < cell.file().punching_size(); ++i) {
    plan->trials.push_back(std::make_shared<PlannedPunching>(cell, i));
  }
}

void PrintOne(const proto::PunchingResult& punching, std::ostream& out) {
  for (const proto::PunchingSide& side : punching.side()) {
    out << "\n" << side.name() << ": " << (side.connected() ? "connected" : "failed");
    if (side.has_failure()) out << ", " << side.failure();
    out << "\n";
    if (side.has_own_endpoint()) {
      out << "  seen at " << side.own_endpoint() << ", the other at " << side.peer_endpoint() << "\n";
    }
    std::vector<std::string> times = {side.tries() == 1 ? "1 try" : absl::StrCat(side.tries(), " tries")};
    if (side.has_try_started_us()) times.push_back(absl::StrCat("the last from ", Ms(side.try_started_us())));
    if (side.has_connect_time_us()) times.push_back(absl::StrCat("handshake took ", Ms(side.connect_time_us())));
    if (side.has_connected_us()) times.push_back(absl::StrCat("data both ways ", Ms(side.connected_us())));
    out << "  " << absl::StrJoin(times, ", ") << "\n";
  }
  out << "\npunching " << punching.name() << " by " << punching.technique() << ": "
      << proto::RunOutcome_Name(punching.outcome()) << "\n";
  if (punching.has_reason()) out << "  why: " << punching.reason() << "\n";
}

void Print(const proto::RunResult& result, std::ostream& out) {
  for (const proto::PunchingResult& punching : result.punching()) PrintOne(punching, out);
}

}  // namespace

const TrialKind kPunchingKind = {.plan = Plan, .print = Print};

PlannedPunching::PlannedPunching(const ResolvedCell& cell, int index)
    : PlannedTrial(cell.file().punching(index).name()), index_(index) {
  const proto::Punching& file = cell.file().punching(index);
  const Topology& topology = cell.topology();
  rendezvous_node_ = *topology.HostIndex(file.rendezvous());
  rendezvous_ = net::SocketAddress(*topology.nodes()[rendezvous_node_].first_address(),
                                   static_cast<std::uint16_t>(file.rendezvous_port()));
  for (int side = 0; side < 2; ++side) {
    const proto::PunchingPeer& peer = file.peer(side);
    participants_.push_back({peer.name(), *topology.HostIndex(peer.host())});
    TcpPunching::Options& options = options_[side];
    options.session = file.name();
    options.side = side;
    options.rendezvous = rendezvous_;
    options.technique = ToTechnique(file.technique());
    options.tries = static_cast<int>(file.tries());
    options.ttl = static_cast<std::uint8_t>(file.ttl());
    options.timing_error = microseconds(file.timing_error_us());
    options.timing_error_ppm = file.timing_error_ppm();
    options.try_timeout = microseconds(file.try_timeout_us());
    options.listen_after = microseconds(file.listen_after_us());
    options.also_listens = file.also_listens();
    options.data_bytes = file.data_bytes();
    options.start_offset = microseconds(peer.start_offset_us());
    options.patience += microseconds(std::max(file.peer(0).start_offset_us(), file.peer(1).start_offset_us()));
  }
}

std::unique_ptr<Trial> PlannedPunching::Make() const { return std::make_unique<PunchingTrial>(*this); }

absl::StatusOr<Prediction> PlannedPunching::Predict(const proto::Scenario& cell) const {
  return scenarios::Predict(cell, cell.punching(index_));
}

const PunchingTrial& PunchingOf(const CellRun& run, std::size_t index) {
  return static_cast<const PunchingTrial&>(run.trial(index));
}

void PunchingTrial::Start(const Stage& stage) {
  sim::Program& meeting = stage.hosts[plan_.rendezvous_node()]->AddProgram(absl::StrCat(plan_.name(), "/rendezvous"));
  apps::PunchingRendezvous::Options options;
  options.listen = plan_.rendezvous();
  rendezvous_ = std::make_unique<apps::PunchingRendezvous>(meeting, options);
  meeting.Start(*rendezvous_);
  for (int side = 0; side < 2; ++side) {
    const PlannedParticipant& participant = plan_.participants()[static_cast<std::size_t>(side)];
    sim::Program& machine =
        stage.hosts[participant.node]->AddProgram(absl::StrCat(plan_.name(), "/", participant.name));
    peers_[side] = std::make_unique<TcpPunching>(machine, plan_.options(side));
    machine.Start(*peers_[side]);
  }
}

bool PunchingTrial::Over() const { return peer(0).finished() && peer(1).finished(); }

TrialOutcome PunchingTrial::OutcomeIn(const CellRun& run) const {
  TrialOutcome outcome;
  outcome.a = OutcomeOfSide(peer(0).report());
  outcome.b = OutcomeOfSide(peer(1).report());
  outcome.agree = outcome.a.connected && outcome.b.connected;
  if (outcome.agree) {
    outcome.outcome = Outcome::kDirect;
  } else if (Over()) {
    outcome.outcome = Outcome::kFailed;
  }
  const sim::Traffic sent = SentByParticipants(run, plan_);
  outcome.counts = {{"packets", sent.packets}, {"bytes", sent.bytes}};
  if (!outcome.agree) {
    if (const std::optional<Killer> killer = FindKiller(run, nullptr, *this)) outcome.killed = killer->by;
  }
  return outcome;
}

void PunchingTrial::ShowDrops(const CellRun& run, const PacketBook* /*book*/, KillerSearch& search) const {
  const TcpPunching::Report& a = peer(0).report();
  const TcpPunching::Report& b = peer(1).report();
  // If a side has completed its handshake, the packets after the handshake decide.
  const bool established = a.connected.has_value() || b.connected.has_value();
  const net::Instant never = net::Instant::max();
  const net::Instant since = std::min(a.try_started.value_or(never), b.try_started.value_or(never));
  std::vector<const sim::DropRecord*> needed;
  const sim::DropLog& drops = run.world().drops();
  for (std::size_t i = 0; i < drops.size(); ++i) {
    const sim::DropRecord& drop = drops.at(i);
    if (drop.packet_class != net::PacketClass::kCheck && drop.packet_class != net::PacketClass::kData) continue;
    if (drop.at < since || !IsBetween(a, b, drop)) continue;
    if (Matters(plan_.options(0).technique, established, b, drop)) needed.push_back(&drop);
  }
  // A segment whose TTL expired is a SYN with a low TTL, which is meant to end there.
  const auto meant = [](const sim::DropRecord& drop) { return drop.rule == sim::Rule::kTtlExceeded; };
  for (const sim::DropRecord* drop : needed) {
    if (!established && !meant(*drop)) search.Show(KillerBy(run, *drop), Reach::kRefused);
  }
  // The last of these counts. They are shown in reverse, because the search keeps the first of several at one instant.
  for (auto drop = needed.rbegin(); drop != needed.rend(); ++drop) {
    if (established || meant(**drop)) search.Show(KillerBy(run, **drop), Reach::kKeptOut);
  }
}

std::string PunchingTrial::Explain(const CellRun& run, const PacketBook* /*book*/) const {
  std::string text;
  for (int side = 0; side < 2; ++side) {
    if (peer(side).report().state == TcpPunching::State::kConfirmed) continue;
    absl::StrAppend(&text, text.empty() ? "" : "; ", plan_.participants()[static_cast<std::size_t>(side)].name, ": ",
                    peer(side).finished() ? peer(side).report().failure : "not finished at the end");
  }
  if (text.empty()) return "";
  if (const std::optional<Killer> killer = FindKiller(run, nullptr, *this)) {
    absl::StrAppend(&text, "; ended by ", PacketName(*killer->drop), ", ", Describe(run, *killer->drop));
  }
  if (run.out_of_events()) absl::StrAppend(&text, "; the run was stopped at events_max");
  return text;
}

void PunchingTrial::Fill(const CellRun& run, const PacketBook& /*book*/, const Prediction* /*prediction*/,
                         proto::RunResult* result) const {
  proto::PunchingResult* punching = result->add_punching();
  punching->set_name(plan_.name());
  punching->set_technique(apps::ToString(plan_.options(0).technique));
  const Outcome outcome = OutcomeIn(run).outcome;
  punching->set_outcome(ToProto(outcome));
  if (const std::string why = Explain(run, nullptr); !why.empty()) punching->set_reason(why);
  if (outcome != Outcome::kDirect) {
    if (const std::optional<Killer> killer = FindKiller(run, nullptr, *this)) {
      FillKilled(run, *killer, punching->mutable_killed());
    }
  }
  for (int side = 0; side < 2; ++side) {
    const TcpPunching::Report& report = peer(side).report();
    proto::PunchingSide* one = punching->add_side();
    one->set_name(plan_.participants()[static_cast<std::size_t>(side)].name);
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

std::vector<Trial::ToldAddress> PunchingTrial::ToldAddresses() const {
  std::vector<ToldAddress> told;
  for (std::size_t side = 0; side < 2; ++side) {
    if (const std::optional<net::SocketAddress>& other = peers_[side]->report().peer) {
      told.push_back({plan_.participants()[side].node, plan_.participants()[1 - side].node, other->address()});
    }
  }
  return told;
}

std::vector<std::uint32_t> PunchingTrial::KnowBoth() const {
  std::vector<std::uint32_t> nodes = {plan_.participants()[0].node, plan_.participants()[1].node};
  for (const apps::PunchingRendezvous::Introduction& learned : rendezvous_->Learned()) {
    if (learned.parties[0] && learned.parties[1]) nodes.push_back(plan_.rendezvous_node());
  }
  return nodes;
}

bool PunchingTrial::UsesAddressOfOther(int side) const { return peer(side).report().connected.has_value(); }

void PunchingTrial::FillIntroductions(proto::RunResult* result) const {
  for (const apps::PunchingRendezvous::Introduction& learned : rendezvous_->Learned()) {
    proto::Introduction* introduction = result->add_introduction();
    introduction->set_session(learned.session);
    for (std::size_t side = 0; side < 2; ++side) {
      if (!learned.parties[side]) continue;
      const apps::PunchingRendezvous::Introduction::Party& known = *learned.parties[side];
      proto::Introduction::Party* party = introduction->add_party();
      party->set_side(plan_.participants()[side].name);
      party->add_seen_at(known.seen_at.ToString());
      party->set_registered_us(ToUs(known.said_hello));
      if (known.told_other) party->set_handed_on_us(ToUs(*known.told_other));
    }
  }
}

}  // namespace pinhole::scenarios
