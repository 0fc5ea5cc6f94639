#include "scenarios/run/session_text.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "scenarios/run/result_words.h"
#include "scenarios/run/session_measures.h"
#include "scenarios/run/session_plan.h"

namespace pinhole::scenarios {
namespace {

// The candidate type with the transport: "host" over UDP, "host/active" over TCP.
std::string TypeOf(const std::string& type, const std::string& transport) {
  return transport.empty() || transport == "udp" ? type : absl::StrCat(type, "/", transport);
}

// The transport of a pair's remote candidate, given that of the local candidate (RFC 6544 §6.2).
std::string RemoteTransport(const std::string& local) {
  if (local == "active") return "passive";
  return local == "passive" ? "active" : local;
}

void PrintPair(const proto::Pair& pair, std::ostream& out) {
  out << absl::StrFormat("    %-5s %-24s -> %-5s %-24s %-11s %2d %s%s%s\n", TypeOf(pair.local_type(), pair.transport()),
                         pair.local(), TypeOf(pair.remote_type(), RemoteTransport(pair.transport())), pair.remote(),
                         pair.state(), pair.sends(), pair.sends() == 1 ? "send" : "sends",
                         pair.valid() ? ", valid" : "", pair.nominated() ? ", nominated" : "");
  if (pair.has_ended_by()) out << "          " << pair.ended_by() << "\n";
}

void PrintSide(const proto::Side& side, std::ostream& out) {
  out << "\n" << side.name() << " (" << side.role() << "): ";
  if (side.connected()) {
    out << "connected\n";
  } else if (side.has_failure()) {
    out << "failed, " << side.failure() << "\n";
  } else {
    out << "not finished\n";
  }
  if (!side.has_started_us()) out << "  times: never started\n";
  for (const std::string& line : MeasureLines(side)) out << "  " << line << "\n";
  out << "  candidates:\n";
  for (const proto::Candidate& candidate : side.candidate()) {
    out << absl::StrFormat("    %-5s %-24s base %-24s by %s\n", TypeOf(candidate.type(), candidate.transport()),
                           candidate.address(), candidate.base(), candidate.learned());
  }
  if (side.has_tcp()) {
    out << "  TCP: " << side.tcp().opened() << " opened, " << side.tcp().established() << " established, "
        << side.tcp().accepted() << " accepted, " << Counted(side.tcp().refused_targets(), "target") << " refused";
    if (side.tcp().held_back() > 0) out << ", " << Counted(side.tcp().held_back(), "check") << " held back";
    out << "\n";
  }
  for (const std::string& server : side.unanswered_server()) out << "    none by " << server << "\n";
  out << "  check list:\n";
  for (const proto::Pair& pair : side.pair()) PrintPair(pair, out);
  if (side.has_selected()) {
    const proto::Pair& pair = side.selected();
    out << "  selected: " << TypeOf(pair.has_mapped_type() ? pair.mapped_type() : pair.local_type(), pair.transport())
        << " " << (pair.has_mapped() ? pair.mapped() : pair.local()) << " -> "
        << TypeOf(pair.remote_type(), RemoteTransport(pair.transport())) << " " << pair.remote() << "\n";
  }
}

void PrintPath(const proto::SessionResult& session, std::ostream& out) {
  const std::string best = session.has_best_path_delay_us()
                               ? absl::StrCat("best possible ", Ms(session.best_path_delay_us()), " over ",
                                              Counted(session.best_path_hops(), "link"))
                               : "";
  if (session.has_path_delay_us()) {
    out << "  path: " << Ms(session.path_delay_us()) << " over " << Counted(session.path_hops(), "link");
    if (!best.empty()) out << "; " << best;
    if (session.best_path_delay_us() > 0) {
      out << absl::StrFormat("; stretch %.2f", static_cast<double>(session.path_delay_us()) /
                                                   static_cast<double>(session.best_path_delay_us()));
    }
    out << "\n";
  } else if (!best.empty()) {
    out << "  path: none; " << best << "\n";
  }
}

std::string Foreseen(const proto::Prediction& prediction) {
  std::vector<std::string> outcomes;
  for (const int outcome : prediction.outcome()) {
    outcomes.push_back(proto::RunOutcome_Name(static_cast<proto::RunOutcome>(outcome)));
  }
  std::string text = absl::StrJoin(outcomes, " or ");
  if (prediction.has_depends_on()) absl::StrAppend(&text, ", depending on ", prediction.depends_on());
  return absl::StrCat(text, ": ", prediction.reason());
}

void PrintSession(const proto::SessionResult& session, std::ostream& out) {
  for (const proto::Side& side : session.side()) PrintSide(side, out);
  out << "\nsession " << session.name() << ": " << proto::RunOutcome_Name(session.outcome());
  if (session.relay_hops() > 0) out << " through " << Counted(session.relay_hops(), "relay");
  if (session.has_agree()) out << (session.agree() ? ", both sides agree" : ", the sides do not agree");
  out << "\n";
  if (session.has_reason()) out << "  why: " << session.reason() << "\n";
  PrintPath(session, out);
  if (session.has_prediction()) out << "  oracle: " << Foreseen(session.prediction()) << "\n";
}

void Plan(const ResolvedCell& cell, CellPlan* plan) {
  for (int i = 0; i < cell.file().session_size(); ++i) {
    plan->trials.push_back(std::make_shared<PlannedSession>(cell, i, *plan));
  }
}

void Print(const proto::RunResult& result, std::ostream& out) {
  for (const proto::SessionResult& session : result.session()) PrintSession(session, out);
}

}  // namespace

const TrialKind kSessionKind = {.plan = Plan, .print = Print};

}  // namespace pinhole::scenarios
