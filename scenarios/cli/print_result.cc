#include "scenarios/cli/print_result.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "scenarios/run/result_words.h"
#include "scenarios/run/trial_kinds.h"

namespace pinhole::scenarios {
namespace {

// Prints the record of a referral server or rendezvous: who registered, from which address, and when each was told.
void PrintIntroduction(const proto::Introduction& introduction, std::ostream& out) {
  out << "\nintroduced for " << introduction.session() << ":\n";
  for (const proto::Introduction::Party& party : introduction.party()) {
    out << "  " << party.side() << " from " << absl::StrJoin(party.seen_at(), " and ") << " at "
        << Ms(party.registered_us());
    if (party.address_size() > 0)
      out << ", with " << party.address_size() << (party.address_size() == 1 ? " address" : " addresses");
    if (party.has_handed_on_us()) {
      out << ", handed on at " << Ms(party.handed_on_us());
    } else {
      out << ", never handed on";
    }
    out << "\n";
  }
}

void PrintVerdict(const proto::RunResult& result, std::ostream& out) {
  out << "\nverdict: " << proto::Verdict_Name(result.verdict());
  const bool by_oracle = result.judge() == proto::ORACLE;
  if (result.verdict() != proto::PASS) {
    out << " by " << (by_oracle ? "the oracle" : "the file's expectations") << ": " << result.verdict_reason();
  } else if (by_oracle) {
    out << ", as the oracle foresees";
  } else if (result.verdict_reason() == "as expected") {
    out << ", as the file expects";
  } else {  // a pass that misses an expectation with share_min_ppm, which only some repetitions must meet
    out << ", though " << result.verdict_reason();
  }
  out << "\n";
}

}  // namespace

void PrintResult(const proto::RunResult& result, std::ostream& out) {
  for (const TrialKind* kind : TrialKinds()) kind->print(result, out);
  for (const proto::Introduction& introduction : result.introduction()) PrintIntroduction(introduction, out);
  PrintVerdict(result, out);
  out << "\nsent by hosts:\n";
  for (const proto::ClassTraffic& traffic : result.traffic()) {
    out << absl::StrFormat("  %-20s %6d packets %8d bytes\n", traffic.packet_class(), traffic.packets(),
                           traffic.wire_bytes());
  }
  const std::string hopeless = result.has_hopeless_probes() ? absl::StrCat(result.hopeless_probes()) : "not counted";
  out << absl::StrFormat("NAT bindings %d, hopeless checks %s, virtual time %s, %d events\n", result.nat_bindings(),
                         hopeless, Ms(result.virtual_time_us()), result.events());
  out << "digests: wire " << result.digests().wire() << ", full " << result.digests().full() << "\n";
}

}  // namespace pinhole::scenarios
