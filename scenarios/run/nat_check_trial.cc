#include "scenarios/run/nat_check_trial.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "scenarios/oracle/nat_check.h"

namespace pinhole::scenarios {
namespace {

void Plan(const ResolvedCell& cell, CellPlan* plan) {
  for (int i = 0; i < cell.file().nat_check_size(); ++i) {
    plan->trials.push_back(std::make_shared<PlannedNatCheck>(cell, i));
  }
}

void PrintOne(const proto::NatCheckResult& check, std::ostream& out) {
  const auto said = [](bool has, bool passed) { return !has ? "not run" : passed ? "passed" : "failed"; };
  out << "\nNAT check " << check.name() << ", counted as " << check.row() << "\n"
      << "  UDP " << said(check.has_udp(), check.udp()) << ", hairpin "
      << said(check.has_udp_hairpin(), check.udp_hairpin()) << "; seen at " << absl::StrJoin(check.udp_seen(), " and ")
      << "\n  TCP " << said(check.has_tcp(), check.tcp()) << ", hairpin "
      << said(check.has_tcp_hairpin(), check.tcp_hairpin()) << "; seen at " << absl::StrJoin(check.tcp_seen(), " and ")
      << "; unsolicited SYN " << (check.has_unsolicited_syn() ? check.unsolicited_syn() : "not sent") << "\n";
}

void Print(const proto::RunResult& result, std::ostream& out) {
  for (const proto::NatCheckResult& check : result.nat_check()) PrintOne(check, out);
}

}  // namespace

const TrialKind kNatCheckKind = {.plan = Plan, .print = Print};

PlannedNatCheck::PlannedNatCheck(const ResolvedCell& cell, int index)
    : PlannedTrial(cell.file().nat_check(index).name()), index_(index) {
  const proto::NatCheck& file = cell.file().nat_check(index);
  const Topology& topology = cell.topology();
  row_ = file.row();
  client_node_ = *topology.HostIndex(file.client());
  for (int i = 0; i < 3; ++i) {
    server_nodes_[i] = *topology.HostIndex(file.server(i));
    client_.servers[i] = net::SocketAddress(*topology.nodes()[server_nodes_[i]].first_address(),
                                            static_cast<std::uint16_t>(file.port()));
  }
  const auto runs = [&file](proto::NatCheck::Test test) {
    return file.test_size() == 0 || std::find(file.test().begin(), file.test().end(), test) != file.test().end();
  };
  client_.udp = runs(proto::NatCheck::UDP);
  client_.udp_hairpin = runs(proto::NatCheck::UDP_HAIRPIN);
  client_.tcp = runs(proto::NatCheck::TCP);
  client_.tcp_hairpin = runs(proto::NatCheck::TCP_HAIRPIN);
}

std::unique_ptr<Trial> PlannedNatCheck::Make() const { return std::make_unique<NatCheckTrial>(*this); }

absl::StatusOr<Prediction> PlannedNatCheck::Predict(const proto::Scenario& cell) const {
  return PredictNatCheck(cell, cell.nat_check(index_));
}

void NatCheckTrial::Start(const Stage& stage) {
  for (int i = 0; i < 3; ++i) {
    sim::Program& machine = stage.hosts[plan_.server_node(i)]->AddProgram(absl::StrCat(plan_.name(), "/server"));
    apps::NatCheckServer::Options options;
    options.number = i + 1;
    options.listen = plan_.client().servers[i];
    options.server_3 = plan_.client().servers[2];
    servers_[i] = std::make_unique<apps::NatCheckServer>(machine, options);
    machine.Start(*servers_[i]);
  }
  sim::Program& machine = stage.hosts[plan_.client_node()]->AddProgram(absl::StrCat(plan_.name(), "/client"));
  client_ = std::make_unique<apps::NatCheckClient>(machine, plan_.client());
  machine.Start(*client_);
}

TrialOutcome NatCheckTrial::OutcomeIn(const CellRun& /*run*/) const {
  const apps::NatCheckClient::Report& report = client_->report();
  TrialOutcome outcome;
  outcome.row = plan_.row();
  outcome.tests = {{ToString(NatCheckTest::kUdp), report.udp},
                   {ToString(NatCheckTest::kUdpHairpin), report.udp_hairpin},
                   {ToString(NatCheckTest::kTcp), report.tcp},
                   {ToString(NatCheckTest::kTcpHairpin), report.tcp_hairpin}};
  return outcome;
}

// Shows nothing. A NAT check tries no connection between two participants, so no dropped packet can end it.
void NatCheckTrial::ShowDrops(const CellRun& /*run*/, const PacketBook* /*book*/, KillerSearch& /*search*/) const {}

std::string NatCheckTrial::Explain(const CellRun& /*run*/, const PacketBook* /*book*/) const { return ""; }

void NatCheckTrial::Fill(const CellRun& /*run*/, const PacketBook& /*book*/, const Prediction* /*prediction*/,
                         proto::RunResult* result) const {
  const apps::NatCheckClient::Report& report = client_->report();
  proto::NatCheckResult* check = result->add_nat_check();
  check->set_name(plan_.name());
  check->set_row(plan_.row());
  if (report.udp) check->set_udp(*report.udp);
  if (report.udp_hairpin) check->set_udp_hairpin(*report.udp_hairpin);
  if (report.tcp) check->set_tcp(*report.tcp);
  if (report.tcp_hairpin) check->set_tcp_hairpin(*report.tcp_hairpin);
  for (const net::SocketAddress& seen : report.udp_seen) check->add_udp_seen(seen.ToString());
  for (const net::SocketAddress& seen : report.tcp_seen) check->add_tcp_seen(seen.ToString());
  if (report.unsolicited) check->set_unsolicited_syn(apps::ToString(*report.unsolicited));
  if (report.tcp) check->set_simultaneous_open(report.simultaneous_open);
}

}  // namespace pinhole::scenarios
