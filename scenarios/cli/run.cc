#include "scenarios/cli/run.h"

#include <fstream>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "scenarios/judged_run.h"
#include "scenarios/ladder.h"
#include "sim/pcapng.h"

namespace pinhole::scenarios {
namespace {

constexpr int kNearestIds = 5;

std::string Ms(std::uint64_t us) { return absl::StrFormat("%d.%03d ms", us / 1000, us % 1000); }

void PrintSide(const proto::Side& side, std::ostream& out) {
  out << "\n"
      << side.name() << " (" << side.role() << "): " << (side.connected() ? "connected" : side.failure()) << "\n";
  out << "  times:";
  const auto time = [&](const char* what, bool has, std::uint64_t us) {
    if (has) out << " " << what << " " << Ms(us) << ",";
  };
  time("started", side.has_started_us(), side.started_us());
  time("gathered", side.has_gathered_us(), side.gathered_us());
  time("exchanged", side.has_exchanged_us(), side.exchanged_us());
  time("first valid", side.has_first_valid_us(), side.first_valid_us());
  time("nominated", side.has_nominated_us(), side.nominated_us());
  time("first data", side.has_first_data_us(), side.first_data_us());
  time("connected", side.has_connected_us(), side.connected_us());
  out << " end\n";
  out << "  candidates:\n";
  for (const proto::Candidate& candidate : side.candidate()) {
    out << absl::StrFormat("    %-6s %-28s base %-28s by %s\n", candidate.type(), candidate.address(), candidate.base(),
                           candidate.learned());
  }
  for (const std::string& server : side.unanswered_server()) out << "    no answer: " << server << "\n";
  out << "  check list:\n";
  for (const proto::Pair& pair : side.pair()) {
    out << absl::StrFormat("    %-5s %-24s -> %-5s %-24s %-11s %2d %s%s%s\n", pair.local_type(), pair.local(),
                           pair.remote_type(), pair.remote(), pair.state(), pair.sends(),
                           pair.sends() == 1 ? "send" : "sends", pair.valid() ? ", valid" : "",
                           pair.nominated() ? ", nominated" : "");
    if (pair.has_ended_by()) out << "          " << pair.ended_by() << "\n";
  }
  if (side.has_selected()) {
    const proto::Pair& pair = side.selected();
    out << "  selected: " << (pair.has_mapped_type() ? pair.mapped_type() : pair.local_type()) << " "
        << (pair.has_mapped() ? pair.mapped() : pair.local()) << " -> " << pair.remote_type() << " " << pair.remote()
        << "\n";
  }
}

void PrintResult(const proto::RunResult& result, std::ostream& out) {
  for (const proto::SessionResult& session : result.session()) {
    for (const proto::Side& side : session.side()) PrintSide(side, out);
    out << "\nsession " << session.name() << ": " << proto::RunOutcome_Name(session.outcome());
    if (session.has_relay_hops() && session.relay_hops() > 0) out << ", relay hops " << session.relay_hops();
    if (session.has_agree()) out << (session.agree() ? ", both sides agree" : ", the sides do not agree");
    if (session.has_path_delay_us()) {
      out << ", path " << Ms(session.path_delay_us()) << " over " << session.path_hops() << " links";
    }
    out << "\n";
    if (session.has_reason()) out << "  " << session.reason() << "\n";
    if (session.has_prediction()) out << "  oracle: " << session.prediction().reason() << "\n";
  }
  out << "\nverdict: " << proto::Verdict_Name(result.verdict());
  if (result.has_verdict_reason()) out << " (" << result.verdict_reason() << ")";
  out << "\n";
  for (const proto::ClassTraffic& traffic : result.traffic()) {
    out << absl::StrFormat("  %-20s %6d packets %8d bytes\n", traffic.packet_class(), traffic.packets(),
                           traffic.wire_bytes());
  }
  out << absl::StrFormat("NAT bindings %d, hopeless probes %d, virtual time %s, %d events\n", result.nat_bindings(),
                         result.hopeless_probes(), Ms(result.virtual_time_us()), result.events());
  out << "digests: wire " << result.digests().wire() << ", full " << result.digests().full() << "\n";
}

// The run that was asked for; nullopt, with the nearest ids told, if there is none.
std::optional<NamedRun> FindRun(const Scenario& scenario, const std::string& id, std::ostream& err) {
  if (id.empty() && scenario.cells().size() == 1) return NamedRun{&scenario.cells().front(), 0};
  if (id.empty()) {
    err << scenario.path() << ": has many cells; say which with --cell\nsuch as:\n";
  } else {
    const absl::StatusOr<NamedRun> found = scenario.FindRun(id);
    if (found.ok()) return *found;
    err << scenario.path() << ": " << found.status().message() << "\n";
    if (!absl::IsNotFound(found.status())) return std::nullopt;
    err << "the nearest are:\n";
  }
  for (const std::string& nearest : scenario.NearestIds(id.empty() ? scenario.name() : id, kNearestIds)) {
    err << "  " << nearest << "\n";
  }
  return std::nullopt;
}

}  // namespace

ExitCode Run(const RunFlags& flags, FileReader& files, std::ostream& out, std::ostream& err) {
  const absl::StatusOr<Scenario> scenario = LoadScenario(flags.path, files, flags.load);
  if (!scenario.ok()) {
    err << scenario.status().message() << "\n";
    return ExitCode::kBadScenario;
  }
  const std::optional<NamedRun> found = FindRun(*scenario, flags.cell, err);
  if (!found) return ExitCode::kBadScenario;
  const Cell* const cell = found->cell;
  const std::uint32_t repetition = found->repetition;
  const absl::StatusOr<PreparedCell> prepared = PrepareCell(*scenario, *cell);
  if (!prepared.ok()) {
    err << flags.path << ": " << prepared.status().message() << "\n";
    return ExitCode::kInternal;
  }
  if (!prepared->unsupported.empty()) {
    out << cell->id << ": unsupported: " << prepared->unsupported << "\n";
    return ExitCode::kOk;
  }
  const std::uint64_t seed =
      SeedOf(*cell, scenario->file().seed().by(), flags.seed.value_or(scenario->file().seed().base()), repetition);

  const bool alone = flags.json == "-";
  std::unique_ptr<Ladder> ladder;
  if (flags.ladder && !alone) ladder = std::make_unique<Ladder>(prepared->plan, out);
  // One after the other they see every packet: the book, the ladder, the capture.
  PacketBook book(ladder.get());
  CellRun run(prepared->plan, seed, {.tracer = &book, .measure_peaks = true});
  std::ofstream capture_file;
  std::optional<sim::CaptureTracer> capture;
  if (!flags.pcapng.empty()) {
    capture_file.open(flags.pcapng, std::ios::binary | std::ios::trunc);
    if (!capture_file) {
      err << "cannot write " << flags.pcapng << "\n";
      return ExitCode::kBadScenario;
    }
    capture.emplace(run.world(), capture_file);
    if (ladder) {
      ladder->SetNext(&*capture);
    } else {
      book.SetNext(&*capture);
    }
  }
  if (absl::Status status = run.Run(); !status.ok()) {
    err << cell->id << ": " << status.message() << "\n";
    return ExitCode::kInternal;
  }
  if (capture) {
    capture->Flush();
    if (!capture_file.flush()) {
      err << "cannot write " << flags.pcapng << "\n";
      return ExitCode::kInternal;
    }
  }
  const std::vector<Verdict> verdicts = JudgeSessions(*prepared, run);
  const proto::RunResult result =
      MakeRunResult({.scenario = &*scenario, .cell = cell, .repetition = repetition, .seed = seed}, run, book,
                    prepared->predictions, verdicts);
  if (alone) {
    out << ToJson(result) << "\n";
  } else {
    out << "\n" << RunId(*cell, repetition) << "\n";
    PrintResult(result, out);
    if (!flags.json.empty()) {
      std::ofstream json(flags.json, std::ios::trunc);
      json << ToJson(result) << "\n";
      if (!json.flush()) {
        err << "cannot write " << flags.json << "\n";
        return ExitCode::kBadScenario;
      }
    }
  }
  return WorstOf(verdicts).kind == VerdictKind::kFail ? ExitCode::kUnexpected : ExitCode::kOk;
}

}  // namespace pinhole::scenarios
