// The order of decisions in Judge(). The first that applies gives the verdict.
//
//   1. An expectation has `unsupported`.
//   2. The trial only tests: each test is compared with the prediction.
//   3. An expectation without `xfail` is not met. With share_min_ppm this only sets Verdict::missed_share, unless the
//      trial is undecided or its two sides disagree.
//   4. An expectation with `xfail` is met. This fails, so that the file does not keep an xfail that is out of date.
//   5. An expectation with `xfail` is not met: kXfail.
//   6. An invariant is broken: the trial is undecided, one-sided, or the sides disagree.
//   7. The oracle contradicts the outcome, or the kind of path. It is asked only for what no expectation states.
//   8. Pass.
//
// A broken invariant counts as "not met" for every expectation in 3 to 5, so that an xfail also covers it.

#include "scenarios/judge/verdict.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "net/contract.h"
#include "scenarios/judge/bounds.h"
#include "scenarios/language/expectations.h"

namespace pinhole::scenarios {
namespace {

bool Connected(Outcome outcome) { return outcome == Outcome::kDirect || outcome == Outcome::kRelayed; }

std::optional<CandidateType> TypeOf(proto::CandidateType::Kind kind) {
  switch (kind) {
    case proto::CandidateType::HOST:
      return CandidateType::kHost;
    case proto::CandidateType::SRFLX:
      return CandidateType::kServerReflexive;
    case proto::CandidateType::PRFLX:
      return CandidateType::kPeerReflexive;
    case proto::CandidateType::RELAY:
      return CandidateType::kRelayed;
  }
  net::CannotHappen();
}

std::string Name(const std::optional<CandidateType>& type) { return type ? ToString(*type) : "none"; }

std::string WhyFailed(const TrialOutcome& outcome) {
  std::string why;
  for (const SideOutcome* side : {&outcome.a, &outcome.b}) {
    if (!side->failure.empty() && why.find(side->failure) == std::string::npos) {
      absl::StrAppend(&why, why.empty() ? " (" : "; ", side->failure);
    }
  }
  return why.empty() ? why : absl::StrCat(why, ")");
}

// Checks the rules that hold for every trial, whatever is expected. Returns the rule that is broken; empty: none is.
std::string BrokenInvariant(const TrialOutcome& outcome, bool undecided_expected, bool disagreement_expected) {
  if (outcome.outcome == Outcome::kUndecided && !undecided_expected) {
    return absl::StrCat("undecided when the time was over", WhyFailed(outcome));
  }
  if (outcome.outcome == Outcome::kFailed && outcome.a.connected != outcome.b.connected) {
    return absl::StrCat("only ", outcome.a.connected ? "A" : "B", " connected", WhyFailed(outcome));
  }
  if (Connected(outcome.outcome) && !outcome.agree && !disagreement_expected) {
    return "both connected, but their selected pairs are not one path";
  }
  return "";
}

bool OutcomeIs(proto::Outcome::Kind expected, Outcome outcome) {
  switch (expected) {
    case proto::Outcome::CONNECTED:
      return Connected(outcome);
    case proto::Outcome::DIRECT:
      return outcome == Outcome::kDirect;
    case proto::Outcome::RELAYED:
      return outcome == Outcome::kRelayed;
    case proto::Outcome::FAILED:
      return outcome == Outcome::kFailed;
    case proto::Outcome::UNDECIDED:
      return outcome == Outcome::kUndecided;
  }
  net::CannotHappen();
}

bool TypeIs(const google::protobuf::RepeatedField<int>& allowed, const std::optional<CandidateType>& type) {
  if (allowed.empty()) return true;
  return std::any_of(allowed.begin(), allowed.end(), [&](int kind) {
    return type.has_value() && TypeOf(static_cast<proto::CandidateType::Kind>(kind)) == type;
  });
}

std::string NamesOf(const google::protobuf::RepeatedField<int>& types) {
  std::vector<std::string> names;
  for (int kind : types) names.push_back(Name(TypeOf(static_cast<proto::CandidateType::Kind>(kind))));
  return absl::StrJoin(names, " or ");
}

std::string WherePeerDiffers(const proto::PeerExpect& expected, const SideOutcome& side) {
  if (!TypeIs(expected.local(), side.local_type)) {
    return absl::StrCat(expected.name(), "'s local candidate is ", Name(side.local_type), ", expected ",
                        NamesOf(expected.local()));
  }
  if (!TypeIs(expected.remote(), side.remote_type)) {
    return absl::StrCat(expected.name(), "'s remote candidate is ", Name(side.remote_type), ", expected ",
                        NamesOf(expected.remote()));
  }
  if (expected.has_family() && (expected.family() == proto::AddressFamily::IPV6) != side.ipv6) {
    return absl::StrCat(expected.name(), " selected ", side.ipv6 ? "IPv6" : "IPv4");
  }
  if (expected.has_transport() && (expected.transport() == proto::Transport::TCP) != side.tcp) {
    return absl::StrCat(expected.name(), " selected ", side.tcp ? "TCP" : "UDP");
  }
  return "";
}

std::string KilledOtherwise(const proto::KilledExpect& expected, const TrialOutcome& outcome) {
  if (!outcome.killed) return "nothing was dropped";
  const auto has = [](const auto& names, const std::string& name) {
    return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
  };
  if (has(expected.node(), outcome.killed->node) && has(expected.rule(), outcome.killed->rule)) return "";
  return absl::StrCat("killed at ", outcome.killed->node, " by ", outcome.killed->rule, ", expected ",
                      absl::StrJoin(expected.node(), " or "), " by ", absl::StrJoin(expected.rule(), " or "));
}

// Returns the first part of the expectation that is not met. Empty: all of it is met.
std::string Unmet(const proto::Expect& expect, const TrialOutcome& outcome) {
  if (expect.has_outcome() && !OutcomeIs(expect.outcome(), outcome.outcome)) {
    return absl::StrCat("expected ", proto::Outcome::Kind_Name(expect.outcome()), ", got ", ToString(outcome.outcome),
                        WhyFailed(outcome));
  }
  for (const proto::PeerExpect& peer : expect.peer()) {
    for (const SideOutcome* side : {&outcome.a, &outcome.b}) {
      if (side->name != peer.name()) continue;
      std::string differs = WherePeerDiffers(peer, *side);
      if (!differs.empty()) return differs;
    }
  }
  if (expect.has_relay_hops() && static_cast<int>(expect.relay_hops()) != outcome.relay_hops) {
    return absl::StrCat("expected ", expect.relay_hops(), " relay hops, got ", outcome.relay_hops);
  }
  if (expect.has_agree() && expect.agree() != outcome.agree) {
    return expect.agree() ? "the sides do not agree" : "the sides agree";
  }
  if (expect.has_killed()) {
    if (const std::string other = KilledOtherwise(expect.killed(), outcome); !other.empty()) return other;
  }
  if (expect.has_bounds()) return BrokenBound(expect.bounds(), outcome);
  return "";
}

bool SaysWhatComes(const proto::Expect& expect) {
  return expect.has_outcome() || expect.peer_size() > 0 || expect.has_relay_hops();
}

std::optional<PathKind> PathOf(const TrialOutcome& outcome) {
  if (!outcome.a.local_type || !outcome.a.remote_type || !outcome.b.local_type || !outcome.b.remote_type) {
    return std::nullopt;
  }
  PathKind path;
  path.a_local = *outcome.a.local_type;
  path.a_remote = *outcome.a.remote_type;
  path.b_local = *outcome.b.local_type;
  path.b_remote = *outcome.b.remote_type;
  path.relay_hops = outcome.relay_hops;
  path.ipv6 = outcome.a.ipv6;
  path.tcp = outcome.a.tcp;
  return path;
}

std::string BothEnds(const PathKind& path) {
  return absl::StrCat(ToString(path.a_local), "-", ToString(path.a_remote), " seen as ", ToString(path.b_local), "-",
                      ToString(path.b_remote), ", ", path.relay_hops, " relay hops", path.ipv6 ? ", IPv6" : "",
                      path.tcp ? ", TCP" : "");
}

// Compares an outcome with the prediction: first whether it is one of the possible outcomes, then whether the selected
// path is of a possible kind. Returns the contradiction; empty: there is none.
std::string Contradiction(const Prediction& prediction, const TrialOutcome& outcome) {
  if (!prediction.Allows(outcome.outcome)) {
    return absl::StrCat("the oracle says ", Summary(prediction), " (", prediction.reason, "), got ",
                        ToString(outcome.outcome), WhyFailed(outcome));
  }
  if (!Connected(outcome.outcome)) return "";
  const std::vector<PathKind>& paths =
      outcome.outcome == Outcome::kDirect ? prediction.direct_paths : prediction.relayed_paths;
  if (paths.empty()) return "";
  const std::optional<PathKind> path = PathOf(outcome);
  if (!path) return "connected without a selected pair";
  if (std::find(paths.begin(), paths.end(), *path) != paths.end()) return "";
  std::vector<std::string> allowed;
  for (const PathKind& one : paths) allowed.push_back(BothEnds(one));
  return absl::StrCat("the oracle knows no path ", BothEnds(*path), "; it knows: ", absl::StrJoin(allowed, " | "));
}

Verdict Fail(std::string reason, bool by_oracle) {
  Verdict verdict;
  verdict.kind = VerdictKind::kFail;
  verdict.reason = std::move(reason);
  verdict.by_oracle = by_oracle;
  return verdict;
}

std::string Because(const proto::Expect& expect, const std::string& what) {
  return expect.because().empty() ? what : absl::StrCat(what, ": ", expect.because());
}

// Judges a trial that only tests. It passes if each test that was run has the result that the oracle predicts.
Verdict JudgeTests(const Prediction& prediction, const TrialOutcome& outcome) {
  Verdict verdict;
  verdict.by_oracle = true;
  for (std::size_t i = 0; i < outcome.tests.size(); ++i) {
    const TestOutcome& test = outcome.tests[i];
    if (!test.passed || *test.passed == prediction.tests.at(i)) continue;
    absl::StrAppend(&verdict.reason, verdict.reason.empty() ? "" : "; ", test.name, *test.passed ? " passes" : " fails",
                    ", and by the NAT's profile it should not");
  }
  if (!verdict.reason.empty()) return verdict;
  verdict.kind = VerdictKind::kPass;
  verdict.reason = "as the NAT's profile says";
  return verdict;
}

}  // namespace

Verdict Judge(const std::vector<const proto::Expect*>& expectations, const Prediction& prediction,
              const TrialOutcome& outcome) {
  if (const std::string reason = UnsupportedReason(expectations); !reason.empty()) {
    Verdict verdict;
    verdict.kind = VerdictKind::kUnsupported;
    verdict.reason = reason;
    return verdict;
  }

  if (!outcome.tests.empty()) return JudgeTests(prediction, outcome);

  bool undecided_expected = false, disagreement_expected = false, said = false, types_said = false;
  for (const proto::Expect* expect : expectations) {
    undecided_expected |= expect->has_outcome() && expect->outcome() == proto::Outcome::UNDECIDED;
    disagreement_expected |= expect->has_agree() && !expect->agree();
    said |= SaysWhatComes(*expect);
    types_said |= std::any_of(expect->peer().begin(), expect->peer().end(), [](const proto::PeerExpect& peer) {
      return peer.local_size() > 0 || peer.remote_size() > 0;
    });
  }
  const std::string invariant = BrokenInvariant(outcome, undecided_expected, disagreement_expected);
  const bool half_connected = outcome.outcome == Outcome::kFailed && !invariant.empty();

  Verdict verdict;
  verdict.kind = VerdictKind::kPass;
  std::string xfail, unexpected;
  for (const proto::Expect* expect : expectations) {
    const std::string unmet = invariant.empty() ? Unmet(*expect, outcome) : invariant;
    if (expect->has_xfail()) {
      if (unmet.empty()) {
        unexpected = absl::StrCat("unexpectedly met, remove the xfail: ", expect->xfail());
      } else {
        xfail = absl::StrCat(unmet, " (known: ", expect->xfail(), ")");
      }
    } else if (!unmet.empty()) {
      if (!expect->has_share_min_ppm() || (!invariant.empty() && !half_connected))
        return Fail(Because(*expect, unmet), false);
      verdict.missed_share = true;
      verdict.reason = Because(*expect, unmet);
    }
  }
  if (!unexpected.empty()) return Fail(unexpected, false);
  if (!xfail.empty()) {
    verdict.kind = VerdictKind::kXfail;
    verdict.reason = xfail;
    return verdict;
  }
  if (!invariant.empty() && !verdict.missed_share) return Fail(invariant, expectations.empty());
  if (said) {
    // An expected outcome does not say which types of candidates are selected. The oracle knows which are possible.
    if (!types_said && Connected(outcome.outcome) && prediction.Allows(outcome.outcome)) {
      if (const std::string contradiction = Contradiction(prediction, outcome); !contradiction.empty()) {
        return Fail(contradiction, true);
      }
    }
    if (verdict.reason.empty()) verdict.reason = "as expected";
    return verdict;
  }

  // No expectation states an outcome, so the oracle's prediction decides.
  if (const std::string contradiction = Contradiction(prediction, outcome); !contradiction.empty()) {
    return Fail(contradiction, true);
  }
  verdict.by_oracle = true;
  verdict.depends = prediction.depends();
  if (verdict.reason.empty()) verdict.reason = absl::StrCat(Summary(prediction), ": ", prediction.reason);
  return verdict;
}

Verdict JudgeShare(const proto::Expect& expectation, std::int64_t met, std::int64_t runs) {
  Verdict verdict;
  const bool enough = met * 1'000'000 >= runs * static_cast<std::int64_t>(expectation.share_min_ppm());
  verdict.kind = enough ? VerdictKind::kPass : VerdictKind::kFail;
  verdict.reason = absl::StrCat(met, " of ", runs, " repetitions meet the expectation, at least ",
                                expectation.share_min_ppm(), " ppm must");
  return verdict;
}

}  // namespace pinhole::scenarios
