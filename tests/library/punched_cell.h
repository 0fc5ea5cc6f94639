#pragma once

// Runs one cell of a punching file and records the segments that every node sent.
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/run/killer.h"
#include "scenarios/run/punching_trial.h"
#include "sim/packet/tcp_header.h"
#include "tests/library/swept.h"

namespace pinhole::scenarios {

// Records TCP segments that do not belong to the signalling: when they leave a node, and when a node drops them.
class PunchTrace final : public sim::Tracer {
 public:
  struct Entry {
    net::Instant at;
    sim::NodeId node{};
    sim::TraceKind kind = sim::TraceKind::kSend;
    std::uint8_t flags = 0;
    std::uint8_t ttl = 0;
    sim::Rule rule = sim::Rule::kNone;
  };

  void OnTrace(const sim::TraceEvent& event, const sim::Packet& packet) override {
    if (!packet.is_tcp() || (event.kind != sim::TraceKind::kSend && event.kind != sim::TraceKind::kDrop)) return;
    if (packet.source.port() == kRendezvousPort || packet.destination.port() == kRendezvousPort) return;
    entries_.push_back({event.at, event.node, event.kind, packet.tcp.flags, packet.ttl, event.rule});
  }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  static constexpr std::uint16_t kRendezvousPort = 7100;
  std::vector<Entry> entries_;
};

struct PunchedCell {
  // `sets` are settings as for the option --set. `id` is the id of the cell without the scenario's name; "" for a file
  // with one cell.
  PunchedCell(const std::string& file, const std::string& id, const std::vector<std::string>& sets = {})
      : scenario(Load(file, sets)), prepared(Prepare(*scenario, id)), run(prepared.plan, 1, {.tracer = &trace}) {
    EXPECT_TRUE(run.Run().ok());
    outcome = run.OutcomeOf(0);
    why = run.trial(0).Explain(run, nullptr);
  }

  // Loads the file. Each combination of file and settings is loaded only once.
  static const Scenario* Load(const std::string& file, const std::vector<std::string>& sets) {
    static std::map<std::pair<std::string, std::vector<std::string>>, Scenario> loaded;
    if (const auto found = loaded.find({file, sets}); found != loaded.end()) return &found->second;
    SystemFiles files;
    absl::StatusOr<Scenario> scenario = LoadScenario("builtin:library/" + file + ".textproto", files, {.sets = sets});
    if (!scenario.ok()) {
      std::cerr << scenario.status().message() << "\n";
      std::abort();
    }
    return &loaded.emplace(std::pair(file, sets), *std::move(scenario)).first->second;
  }
  static PreparedCell Prepare(const Scenario& scenario, const std::string& id) {
    const Cell* cell = scenario.Find(id.empty() ? scenario.name() : scenario.name() + "/" + id);
    if (cell == nullptr) {
      std::cerr << "no cell " << id << "\n";
      std::abort();
    }
    return *PrepareCell(scenario, *cell);
  }

  bool connected() const { return outcome.outcome == Outcome::kDirect; }
  // The node and the rule that killed the punching, such as "home_a by filtered_port"; "" if nothing was dropped.
  std::string killed() const {
    return outcome.killed ? outcome.killed->node + " by " + outcome.killed->rule : std::string();
  }
  const apps::TcpPunching::Report& report(int side) const { return PunchingOf(run, 0).peer(side).report(); }
  // The flags of the segments that a host sent itself, in order, without those that were dropped.
  std::vector<std::string> SentBy(const std::string& host) const { return Flags(host, sim::TraceKind::kSend); }
  std::vector<std::string> DroppedAt(const std::string& node) const { return Flags(node, sim::TraceKind::kDrop); }

  const Scenario* scenario;
  PreparedCell prepared;
  PunchTrace trace;
  CellRun run;
  TrialOutcome outcome;
  std::string why;

 private:
  std::vector<std::string> Flags(const std::string& node, sim::TraceKind kind) const {
    std::vector<std::string> flags;
    for (const PunchTrace::Entry& entry : trace.entries()) {
      if (entry.kind == kind && run.world().node(entry.node).name() == node) {
        flags.push_back(SegmentName(entry.flags));
      }
    }
    return flags;
  }
};

}  // namespace pinhole::scenarios
