#include "scenarios/judge/verdict.h"

#include <chrono>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "scenarios/language/expectations.h"

namespace pinhole::scenarios {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr auto kHost = CandidateType::kHost;
constexpr auto kSrflx = CandidateType::kServerReflexive;
constexpr auto kPrflx = CandidateType::kPeerReflexive;

proto::Expect Expect(const std::string& text) {
  proto::Expect expect;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &expect)) << text;
  return expect;
}

TrialOutcome Direct(CandidateType a_local, CandidateType a_remote, CandidateType b_local, CandidateType b_remote) {
  TrialOutcome outcome;
  outcome.outcome = Outcome::kDirect;
  outcome.agree = true;
  outcome.a.name = "alice";
  outcome.b.name = "bob";
  outcome.a.connected = outcome.b.connected = true;
  outcome.a.local_type = a_local;
  outcome.a.remote_type = a_remote;
  outcome.b.local_type = b_local;
  outcome.b.remote_type = b_remote;
  outcome.a.first_valid = net::Instant(milliseconds(100));
  outcome.b.first_valid = net::Instant(milliseconds(120));
  outcome.a.nominated = net::Instant(milliseconds(140));
  outcome.b.nominated = net::Instant(milliseconds(180));
  outcome.a.connected_at = net::Instant(milliseconds(200));
  outcome.b.connected_at = net::Instant(milliseconds(220));
  outcome.counts = {{"packets", 40}, {"bytes", 4000}};
  return outcome;
}

TrialOutcome Srflx() { return Direct(kSrflx, kSrflx, kSrflx, kSrflx); }

TrialOutcome Failed() {
  TrialOutcome outcome;
  outcome.outcome = Outcome::kFailed;
  outcome.a.failure = "home_b dropped the last check: filtered_port";
  return outcome;
}

Prediction Predicted(std::vector<Outcome> outcomes) {
  Prediction prediction;
  prediction.outcomes = std::move(outcomes);
  prediction.reason = "because";
  PathKind path;
  path.a_local = path.a_remote = path.b_local = path.b_remote = kSrflx;
  prediction.direct_paths = {path};
  if (prediction.outcomes.size() > 1) prediction.depends_on = DependsOn::kOrder;
  return prediction;
}

Verdict JudgeBy(const std::vector<proto::Expect>& expectations, const Prediction& prediction,
                const TrialOutcome& outcome) {
  std::vector<const proto::Expect*> pointers;
  for (const proto::Expect& expect : expectations) pointers.push_back(&expect);
  return Judge(pointers, prediction, outcome);
}

const Prediction kOracleSaysFailed = Predicted({Outcome::kFailed});

// A bound that is in the schema but not checked would always hold.
TEST(Verdict, EveryBoundOfTheSchemaIsHeld) {
  const google::protobuf::Descriptor& bounds = *proto::Bounds::descriptor();
  for (int i = 0; i < bounds.field_count(); ++i) {
    const std::string zero = absl::StrCat("bounds { ", bounds.field(i)->name(), ": 0 }");
    EXPECT_THAT(JudgeBy({Expect(zero)}, kOracleSaysFailed, Srflx()).reason, HasSubstr("expected at most 0")) << zero;
  }
}

TEST(Verdict, ExpectationIsMetOrNamesWhatDiffers) {
  struct Row {
    const char* expect;
    const char* unmet;  // nullptr: met
  };
  const Row rows[] = {
      {"outcome: DIRECT", nullptr},
      {"outcome: CONNECTED", nullptr},
      {"outcome: RELAYED", "expected RELAYED, got DIRECT"},
      {"outcome: FAILED", "expected FAILED, got DIRECT"},
      {"relay_hops: 0", nullptr},
      {"relay_hops: 1", "expected 1 relay hops, got 0"},
      {"peer { name: 'alice' local: SRFLX remote: SRFLX }", nullptr},
      {"peer { name: 'bob' local: HOST local: SRFLX }", nullptr},
      {"peer { name: 'bob' local: HOST local: PRFLX }", "bob's local candidate is srflx, expected host or prflx"},
      {"peer { name: 'alice' remote: RELAY }", "alice's remote candidate is srflx, expected relay"},
      {"peer { name: 'alice' family: IPV4 }", nullptr},
      {"peer { name: 'alice' family: IPV6 }", "alice selected IPv4"},
      {"outcome: DIRECT agree: true", nullptr},
      {"outcome: DIRECT agree: false", "the sides agree"},
      {"outcome: DIRECT bounds { connected_max_us: 220000 nominated_max_us: 180000 }", nullptr},
      {"outcome: DIRECT bounds { connected_max_us: 219999 }", "connected after 220000 us"},
      {"outcome: DIRECT bounds { nominated_max_us: 179999 }", "nominated after 180000 us"},
      {"outcome: DIRECT bounds { valid_to_nominated_max_us: 60000 }", nullptr},
      {"outcome: DIRECT bounds { valid_to_nominated_max_us: 59999 }", "from first valid pair to nomination 60000 us"},
      {"outcome: DIRECT bounds { packets_max: 40 bytes_max: 4000 }", nullptr},
      {"outcome: DIRECT bounds { packets_max: 39 }", "packets 40, expected at most 39"},
      {"outcome: DIRECT bounds { bytes_max: 3999 }", "bytes 4000"},
  };
  for (const Row& row : rows) {
    // The oracle's prediction does not count where the file expects an outcome.
    const Verdict verdict = JudgeBy({Expect(row.expect)}, kOracleSaysFailed, Srflx());
    EXPECT_EQ(verdict.kind, row.unmet == nullptr ? VerdictKind::kPass : VerdictKind::kFail)
        << row.expect << ": " << verdict.reason;
    if (row.unmet != nullptr) {
      EXPECT_THAT(verdict.reason, HasSubstr(row.unmet));
    }
    EXPECT_FALSE(verdict.by_oracle);
  }
}

TEST(Verdict, AllExpectationsMustBeMet) {
  EXPECT_EQ(JudgeBy({Expect("outcome: DIRECT"), Expect("relay_hops: 1")}, kOracleSaysFailed, Srflx()).kind,
            VerdictKind::kFail);
}

TEST(Verdict, FailureSaysBecauseAndWhatDroppedTheLastHope) {
  const Verdict verdict = JudgeBy({Expect("outcome: DIRECT because: 'cones meet'")}, kOracleSaysFailed, Failed());
  EXPECT_EQ(verdict.kind, VerdictKind::kFail);
  EXPECT_THAT(verdict.reason, HasSubstr("cones meet"));
  EXPECT_THAT(verdict.reason, HasSubstr("home_b dropped the last check: filtered_port"));
}

TEST(Verdict, XfailIsUnmetAndAnUnexpectedPassFails) {
  const proto::Expect xfail = Expect("outcome: DIRECT xfail: 'not yet'");
  const Verdict unmet = JudgeBy({xfail}, kOracleSaysFailed, Failed());
  EXPECT_EQ(unmet.kind, VerdictKind::kXfail);
  EXPECT_THAT(unmet.reason, HasSubstr("not yet"));
  const Verdict met = JudgeBy({xfail}, kOracleSaysFailed, Srflx());
  EXPECT_EQ(met.kind, VerdictKind::kFail);
  EXPECT_THAT(met.reason, HasSubstr("unexpectedly met"));
  // The expected failure excuses no other mismatch.
  EXPECT_EQ(JudgeBy({xfail, Expect("outcome: RELAYED")}, kOracleSaysFailed, Failed()).kind, VerdictKind::kFail);
}

TEST(Verdict, UnsupportedIsNotJudged) {
  EXPECT_EQ(JudgeBy({Expect("unsupported: 'no TCP'")}, kOracleSaysFailed, Srflx()).kind, VerdictKind::kUnsupported);
}

TEST(Verdict, ExpectationsOfAnotherSessionDoNotCount) {
  const proto::Expect all = Expect("outcome: DIRECT"), mine = Expect("session: 'call'"), other = Expect("session: 'x'");
  EXPECT_THAT(ExpectationsOf({&all, &mine, &other}, "call"), testing::ElementsAre(&all, &mine));
}

TEST(Verdict, UndecidedHalfConnectedAndDisagreeingSessionsFailWhateverIsExpected) {
  TrialOutcome undecided;
  EXPECT_EQ(JudgeBy({}, Predicted({Outcome::kDirect, Outcome::kFailed}), undecided).kind, VerdictKind::kFail);
  EXPECT_EQ(JudgeBy({Expect("bounds {}")}, Predicted({Outcome::kDirect}), undecided).kind, VerdictKind::kFail);
  EXPECT_EQ(JudgeBy({Expect("outcome: UNDECIDED")}, kOracleSaysFailed, undecided).kind, VerdictKind::kPass);

  TrialOutcome half = Failed();
  half.a.connected = true;
  EXPECT_EQ(JudgeBy({Expect("outcome: FAILED")}, kOracleSaysFailed, half).kind, VerdictKind::kFail);
  EXPECT_EQ(JudgeBy({}, kOracleSaysFailed, half).kind, VerdictKind::kFail);

  TrialOutcome apart = Srflx();
  apart.agree = false;
  EXPECT_EQ(JudgeBy({Expect("outcome: DIRECT")}, kOracleSaysFailed, apart).kind, VerdictKind::kFail);
  EXPECT_EQ(JudgeBy({Expect("outcome: DIRECT agree: false")}, kOracleSaysFailed, apart).kind, VerdictKind::kPass);
}

TEST(Verdict, OracleJudgesWhereNobodySaidWhatIsToCome) {
  const Prediction direct = Predicted({Outcome::kDirect});
  EXPECT_EQ(JudgeBy({}, direct, Srflx()).kind, VerdictKind::kPass);
  EXPECT_TRUE(JudgeBy({}, direct, Srflx()).by_oracle);
  // Bounds alone say nothing of the outcome.
  EXPECT_EQ(JudgeBy({Expect("bounds { packets_max: 100 }")}, kOracleSaysFailed, Srflx()).kind, VerdictKind::kFail);
  const Verdict failed = JudgeBy({}, direct, Failed());
  EXPECT_EQ(failed.kind, VerdictKind::kFail);
  EXPECT_THAT(failed.reason, HasSubstr("the oracle says DIRECT (because), got FAILED"));
}

TEST(Verdict, OracleHoldsTheTypesOfBothEnds) {
  const Verdict verdict = JudgeBy({}, Predicted({Outcome::kDirect}), Direct(kHost, kSrflx, kSrflx, kPrflx));
  EXPECT_EQ(verdict.kind, VerdictKind::kFail);
  EXPECT_THAT(verdict.reason, HasSubstr("no path host-srflx seen as srflx-prflx"));
}

// If the file expects an outcome but no candidate types, the oracle's kinds of path still apply.
TEST(Verdict, OracleHoldsTheTypesBesideAnExpectedOutcome) {
  const Prediction direct = Predicted({Outcome::kDirect});  // srflx-srflx from both ends
  const TrialOutcome other = Direct(kHost, kSrflx, kSrflx, kPrflx);
  for (const char* expected :
       {"outcome: DIRECT", "outcome: CONNECTED", "relay_hops: 0", "outcome: DIRECT agree: true"}) {
    const Verdict met = JudgeBy({Expect(expected)}, direct, Srflx());
    EXPECT_EQ(met.kind, VerdictKind::kPass) << expected << ": " << met.reason;
    EXPECT_FALSE(met.by_oracle) << expected;
    const Verdict unmet = JudgeBy({Expect(expected)}, direct, other);
    EXPECT_EQ(unmet.kind, VerdictKind::kFail) << expected;
    EXPECT_TRUE(unmet.by_oracle) << expected;
    EXPECT_THAT(unmet.reason, HasSubstr("no path host-srflx seen as srflx-prflx")) << expected;
  }
}

// An expected family or transport leaves the candidate types open, too.
TEST(Verdict, OracleHoldsTheTypesBesideAnExpectedFamilyOrTransport) {
  const Prediction direct = Predicted({Outcome::kDirect});
  const TrialOutcome other = Direct(kHost, kSrflx, kSrflx, kPrflx);
  for (const char* expected :
       {"outcome: DIRECT peer { name: 'alice' family: IPV4 }", "peer { name: 'bob' transport: UDP }"}) {
    EXPECT_EQ(JudgeBy({Expect(expected)}, direct, Srflx()).kind, VerdictKind::kPass) << expected;
    const Verdict unmet = JudgeBy({Expect(expected)}, direct, other);
    EXPECT_EQ(unmet.kind, VerdictKind::kFail) << expected;
    EXPECT_TRUE(unmet.by_oracle) << expected;
  }
}

TEST(Verdict, TransportIsPartOfAKindOfPath) {
  Prediction over_tcp = Predicted({Outcome::kDirect});
  over_tcp.direct_paths[0].tcp = true;
  TrialOutcome outcome = Srflx();
  EXPECT_THAT(JudgeBy({}, over_tcp, outcome).reason, HasSubstr("srflx-srflx seen as srflx-srflx, 0 relay hops, TCP"));
  EXPECT_EQ(JudgeBy({}, over_tcp, outcome).kind, VerdictKind::kFail);
  outcome.a.tcp = outcome.b.tcp = true;
  EXPECT_EQ(JudgeBy({}, over_tcp, outcome).kind, VerdictKind::kPass);
  EXPECT_EQ(JudgeBy({}, Predicted({Outcome::kDirect}), outcome).kind, VerdictKind::kFail);
}

TEST(Verdict, OracleHoldsRelayedTypesBesideAnExpectedOutcome) {
  constexpr auto kRelay = CandidateType::kRelayed;
  Prediction relayed = Predicted({Outcome::kRelayed});
  PathKind path;
  path.a_local = path.b_remote = kRelay;
  path.a_remote = path.b_local = kPrflx;
  path.relay_hops = 1;
  relayed.relayed_paths = {path};
  TrialOutcome outcome = Direct(kRelay, kPrflx, kPrflx, kRelay);
  outcome.outcome = Outcome::kRelayed;
  outcome.relay_hops = 1;
  EXPECT_EQ(JudgeBy({Expect("outcome: RELAYED")}, relayed, outcome).kind, VerdictKind::kPass);
  outcome.relay_hops = 2;
  EXPECT_EQ(JudgeBy({Expect("outcome: RELAYED")}, relayed, outcome).kind, VerdictKind::kFail);
  outcome.relay_hops = 1;
  outcome.b.local_type = kSrflx;
  EXPECT_EQ(JudgeBy({Expect("outcome: RELAYED")}, relayed, outcome).kind, VerdictKind::kFail);
}

// If the file expects types, or an outcome that the oracle regards as impossible, the oracle is not asked.
TEST(Verdict, OracleIsSilentBesideExpectedTypesAndWhereItIsOverruled) {
  const TrialOutcome other = Direct(kHost, kSrflx, kSrflx, kPrflx);
  const Prediction direct = Predicted({Outcome::kDirect});
  const proto::Expect types = Expect("peer { name: 'alice' local: HOST }");
  EXPECT_EQ(JudgeBy({Expect("outcome: DIRECT"), types}, direct, other).kind, VerdictKind::kPass);
  EXPECT_EQ(JudgeBy({types, Expect("outcome: DIRECT")}, direct, other).kind, VerdictKind::kPass);
  EXPECT_EQ(JudgeBy({Expect("outcome: DIRECT")}, kOracleSaysFailed, other).kind, VerdictKind::kPass);
  // A failed session has no candidate types.
  EXPECT_EQ(JudgeBy({Expect("outcome: FAILED")}, direct, Failed()).kind, VerdictKind::kPass);
}

TEST(Verdict, AgreeIsHeldOnBothSidesAndEvenWhereNobodyAskedForIt) {
  TrialOutcome apart = Srflx();
  apart.agree = false;
  const Prediction direct = Predicted({Outcome::kDirect});
  EXPECT_EQ(JudgeBy({Expect("agree: true")}, direct, Srflx()).kind, VerdictKind::kPass);
  EXPECT_EQ(JudgeBy({Expect("agree: true")}, direct, apart).kind, VerdictKind::kFail);
  EXPECT_EQ(JudgeBy({Expect("agree: false")}, direct, apart).kind, VerdictKind::kPass);
  const Verdict agrees = JudgeBy({Expect("agree: false")}, direct, Srflx());
  EXPECT_EQ(agrees.kind, VerdictKind::kFail);
  EXPECT_THAT(agrees.reason, HasSubstr("the sides agree"));
  const Verdict unasked = JudgeBy({}, direct, apart);
  EXPECT_EQ(unasked.kind, VerdictKind::kFail);
  EXPECT_THAT(unasked.reason, HasSubstr("not one path"));
}

TEST(Verdict, DependsPassesEitherWayAndIsCountedApart) {
  const Prediction depends = Predicted({Outcome::kDirect, Outcome::kFailed});
  for (const TrialOutcome& outcome : {Srflx(), Failed()}) {
    const Verdict verdict = JudgeBy({}, depends, outcome);
    EXPECT_EQ(verdict.kind, VerdictKind::kPass) << verdict.reason;
    EXPECT_TRUE(verdict.depends);
    EXPECT_THAT(verdict.reason, HasSubstr("depends on order: DIRECT or FAILED"));
  }
  EXPECT_FALSE(JudgeBy({Expect("outcome: DIRECT")}, depends, Srflx()).depends);
}

TEST(Verdict, ShareCountsMissesAndForgivesNoBrokenInvariant) {
  const proto::Expect share = Expect("outcome: CONNECTED share_min_ppm: 975000");
  const Verdict missed = JudgeBy({share}, kOracleSaysFailed, Failed());
  EXPECT_EQ(missed.kind, VerdictKind::kPass);
  EXPECT_TRUE(missed.missed_share);
  EXPECT_FALSE(JudgeBy({share}, kOracleSaysFailed, Srflx()).missed_share);
  TrialOutcome half = Failed();
  half.b.connected = true;
  EXPECT_EQ(JudgeBy({share}, kOracleSaysFailed, half).kind, VerdictKind::kPass);
  EXPECT_TRUE(JudgeBy({share}, kOracleSaysFailed, half).missed_share);
  TrialOutcome apart = Srflx();
  apart.agree = false;
  EXPECT_EQ(JudgeBy({share}, kOracleSaysFailed, apart).kind, VerdictKind::kFail);

  EXPECT_EQ(JudgeShare(share, 975, 1000).kind, VerdictKind::kPass);
  EXPECT_EQ(JudgeShare(share, 974, 1000).kind, VerdictKind::kFail);
}

}  // namespace
}  // namespace pinhole::scenarios
