#include "scenarios/run/session_trial.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "apps/referral/referral_client.h"
#include "net/contract.h"
#include "scenarios/run/session_drops.h"
#include "scenarios/run/session_explain.h"
#include "scenarios/run/session_result.h"

namespace pinhole::scenarios {
namespace {

CandidateType ToCandidateType(ice::CandidateType type) {
  switch (type) {
    case ice::CandidateType::kHost:
      return CandidateType::kHost;
    case ice::CandidateType::kPeerReflexive:
      return CandidateType::kPeerReflexive;
    case ice::CandidateType::kServerReflexive:
      return CandidateType::kServerReflexive;
    case ice::CandidateType::kRelayed:
      return CandidateType::kRelayed;
  }
  net::CannotHappen();
}

SideOutcome OutcomeOfSide(const std::string& name, const apps::IceEndpoint& endpoint,
                          const std::optional<ice::PairView>& pair) {
  SideOutcome side;
  side.name = name;
  side.connected = endpoint.state() == apps::EndpointState::kConnected;
  if (pair) {
    side.local_type = ToCandidateType(pair->mapped ? pair->mapped->type : pair->local.type);
    side.remote_type = ToCandidateType(pair->remote.type);
    side.ipv6 = pair->remote.address.address().is_v6();
    side.tcp = ice::IsTcp(pair->local.transport);
  }
  const apps::EndpointTimes& times = endpoint.times();
  side.gathered = times.gathered;
  side.first_valid = times.first_valid;
  side.nominated = times.nominated;
  side.first_data = times.first_data;
  side.connected_at = times.connected;
  if (!side.connected) side.failure = endpoint.Failure();
  return side;
}

// The address at which the peer sees the local end of the pair.
const net::SocketAddress& SeenAt(const ice::PairView& pair) {
  return pair.mapped ? pair.mapped->address : pair.local.address;
}

}  // namespace

bool AreOnePath(const ice::PairView& a, bool a_connected, const ice::PairView& b, bool b_connected) {
  return (a_connected || a.remote.address == SeenAt(b)) && (b_connected || b.remote.address == SeenAt(a));
}

int RelayTraversals(const sim::Lineage& lineage, net::PacketTag tag) {
  // Endpoints send data without a cause. So each packet on the way that has a cause was sent by a relay.
  int traversals = 0;
  sim::PacketId id{static_cast<std::uint32_t>(tag.value)};
  while (id != sim::PacketId::kNone) {
    const sim::Lineage::Entry& entry = lineage.at(id);
    if (entry.relation == sim::Relation::kCausedBy) ++traversals;
    id = entry.parent;
  }
  return traversals;
}

const SessionTrial& SessionOf(const CellRun& run, std::size_t index) {
  return static_cast<const SessionTrial&>(run.trial(index));
}

void SessionTrial::Start(const Stage& stage) {
  for (int side = 0; side < 2; ++side) {
    const PlannedSession::Peer& peer = plan_.peer(side);
    sim::Program& machine = stage.hosts[peer.node]->AddProgram(absl::StrCat(plan_.name(), "/", peer.name));
    auto channel = std::make_unique<apps::ReferralClient>(
        machine, apps::ReferralClient::Options{.servers = stage.plan.referral ? stage.plan.referral->addresses
                                                                              : std::vector<net::SocketAddress>(),
                                               .session = plan_.name(),
                                               .side = peer.name});
    endpoints_[side] =
        std::make_unique<apps::IceEndpoint>(machine, peer.endpoint, std::move(channel), &stage.pacers[peer.node]);
    machine.Start(*endpoints_[side]);
  }
}

bool SessionTrial::Over() const { return endpoint(0).finished() && endpoint(1).finished(); }

TrialOutcome SessionTrial::OutcomeIn(const CellRun& run) const {
  const apps::IceEndpoint& a = endpoint(0);
  const apps::IceEndpoint& b = endpoint(1);
  TrialOutcome outcome;
  const std::optional<ice::PairView> a_pair = a.agent().SelectedPair(0, 1);
  const std::optional<ice::PairView> b_pair = b.agent().SelectedPair(0, 1);
  outcome.a = OutcomeOfSide(plan_.peer(0).name, a, a_pair);
  outcome.b = OutcomeOfSide(plan_.peer(1).name, b, b_pair);
  if (a_pair && b_pair) {
    outcome.agree = AreOnePath(*a_pair, outcome.a.connected, *b_pair, outcome.b.connected);
  }
  if (outcome.a.connected && outcome.b.connected) {
    outcome.relay_hops = std::max(RelayTraversals(run.world().lineage(), a.first_data_tag()),
                                  RelayTraversals(run.world().lineage(), b.first_data_tag()));
    // Data from a TCP stream has no packet tag, so the path cannot be followed. Then the relayed candidates of the two
    // selected pairs are counted.
    const int own_relays =
        (a_pair->local.type == ice::CandidateType::kRelayed) + (b_pair->local.type == ice::CandidateType::kRelayed);
    outcome.relay_hops = std::max(outcome.relay_hops, own_relays);
    outcome.outcome = outcome.relay_hops > 0 ? Outcome::kRelayed : Outcome::kDirect;
  } else if (a.finished() && b.finished()) {
    outcome.outcome = Outcome::kFailed;
  }
  const sim::Traffic sent = SentByParticipants(run, plan_);
  outcome.counts = {{"packets", sent.packets}, {"bytes", sent.bytes}};
  return outcome;
}

bool SessionTrial::consent_lost() const {
  return std::any_of(std::begin(endpoints_), std::end(endpoints_), [](const auto& endpoint) {
    return endpoint->times().connected && endpoint->times().consent_lost;
  });
}

std::string SessionTrial::Explain(const CellRun& run, const PacketBook* book) const {
  return ExplainSession(run, book, *this);
}

void SessionTrial::ShowDrops(const CellRun& run, const PacketBook* book, KillerSearch& search) const {
  if (book != nullptr) ShowSessionDrops(run, *book, *this, search);
}

void SessionTrial::Fill(const CellRun& run, const PacketBook& book, const Prediction* prediction,
                        proto::RunResult* result) const {
  FillSession(run, book, *this, prediction, result);
}

std::vector<Trial::ToldAddress> SessionTrial::ToldAddresses() const {
  std::vector<ToldAddress> told;
  for (int side = 0; side < 2; ++side) {
    for (const ice::Candidate& candidate : endpoint(side).agent().RemoteCandidates()) {
      told.push_back({plan_.peer(side).node, plan_.peer(1 - side).node, candidate.address.address()});
    }
  }
  return told;
}

std::vector<std::uint32_t> SessionTrial::KnowBoth() const { return {plan_.peer(0).node, plan_.peer(1).node}; }

bool SessionTrial::UsesAddressOfOther(int side) const { return endpoint(side).agent().SelectedPair(0, 1).has_value(); }

}  // namespace pinhole::scenarios
