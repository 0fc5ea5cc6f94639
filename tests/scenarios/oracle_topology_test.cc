#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "scenarios/oracle/predict.h"
#include "tests/scenarios/oracle_models.h"
#include "tests/source_dir.h"

namespace pinhole::scenarios::oracle {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr auto kHost = CandidateType::kHost;
constexpr auto kSrflx = CandidateType::kServerReflexive;
constexpr auto kPrflx = CandidateType::kPeerReflexive;
constexpr auto kRelay = CandidateType::kRelayed;

PathKind Path(CandidateType a_local, CandidateType a_remote, CandidateType b_local, CandidateType b_remote,
              int hops = 0, bool ipv6 = false) {
  PathKind path;
  path.a_local = a_local;
  path.a_remote = a_remote;
  path.b_local = b_local;
  path.b_remote = b_remote;
  path.relay_hops = hops;
  path.ipv6 = ipv6;
  return path;
}

const PathKind kHosts = Path(kHost, kHost, kHost, kHost);

void ExpectOnly(const Prediction& prediction, Outcome outcome) {
  EXPECT_THAT(prediction.outcomes, ElementsAre(outcome)) << Summary(prediction) << ": " << prediction.reason;
}

Prediction WithTurn(Model model) {
  GiveTurn(model);
  return Predict(model);
}

// ---- Two homes: kinds of path.

TEST(OraclePaths, TwoConesMeetAtTheAddressesThatTheServerSaw) {
  const Prediction prediction = WithTurn(TwoHomes(Generic(EI, APD), Generic(EI, APD)));
  ExpectOnly(prediction, Outcome::kDirect);
  EXPECT_THAT(prediction.direct_paths, ElementsAre(Path(kSrflx, kSrflx, kSrflx, kSrflx)));
}

TEST(OraclePaths, SymmetricSideIsPeerReflexiveOnItsEndAndToTheOther) {
  const Prediction prediction = Predict(TwoHomes(Generic(APD, APD), Generic(EI, EI)));
  ExpectOnly(prediction, Outcome::kDirect);
  EXPECT_THAT(prediction.direct_paths, ElementsAre(Path(kPrflx, kSrflx, kSrflx, kPrflx)));
}

TEST(OraclePaths, SymmetricPairTakesOneRelayOfEitherSide) {
  const Prediction prediction = WithTurn(TwoHomes(Generic(APD, APD), Generic(APD, APD)));
  ExpectOnly(prediction, Outcome::kRelayed);
  EXPECT_THAT(prediction.relayed_paths,
              UnorderedElementsAre(Path(kPrflx, kRelay, kRelay, kPrflx, 1), Path(kRelay, kPrflx, kPrflx, kRelay, 1)));
  EXPECT_EQ(prediction.direct, Existence::kNever);
}

TEST(OraclePaths, AddressMappingShowsTheRelayTheAddressThatItsServerSaw) {
  // The relay is at the STUN server's address, so a mapping by address is the one that the server saw.
  const Prediction prediction = WithTurn(TwoHomes(Generic(AD, APD), Generic(AD, APD)));
  ExpectOnly(prediction, Outcome::kRelayed);
  EXPECT_THAT(prediction.relayed_paths,
              UnorderedElementsAre(Path(kSrflx, kRelay, kRelay, kSrflx, 1), Path(kRelay, kSrflx, kSrflx, kRelay, 1)));
  // Two servers with different addresses: each side has its relay at its own server, and asks both for its mapped
  // address.
  Model model = TwoHomes(Generic(AD, APD), Generic(AD, APD));
  const int second = AddServer(model, "turn_b", "198.51.100.11");
  model.a.turn_servers = {0};
  model.b.turn_servers = {second};
  const Prediction apart = Predict(model);
  ExpectOnly(apart, Outcome::kRelayed);
  EXPECT_THAT(apart.relayed_paths, Each(testing::Field(&PathKind::relay_hops, 1)));
}

TEST(OraclePaths, OneSidesRelayIsEnough) {
  for (bool turn_a : {false, true}) {
    for (bool turn_b : {false, true}) {
      Model model = TwoHomes(Generic(APD, APD), Generic(EI, APD));
      if (turn_a) model.a.turn_servers = {0};
      if (turn_b) model.b.turn_servers = {0};
      const Prediction prediction = Predict(model);
      ExpectOnly(prediction, turn_a || turn_b ? Outcome::kRelayed : Outcome::kFailed);
      EXPECT_THAT(prediction.reason, HasSubstr("home_b filters by port and home_a maps by port"));
      for (const PathKind& path : prediction.relayed_paths) {
        EXPECT_TRUE(turn_a || path.a_local != kRelay);
        EXPECT_TRUE(turn_b || path.b_local != kRelay);
      }
    }
  }
}

TEST(OraclePaths, DeadServerLeavesHostsAndWhatPeersLearn) {
  Model model = TwoHomes(Generic(EI, EI), Generic(EI, EI));
  model.servers[0].up = false;
  GiveTurn(model);
  ExpectOnly(Predict(model), Outcome::kFailed);
  EXPECT_THAT(Predict(model).reason, HasSubstr("alice has no candidate but its hosts"));

  // One side has a public address. The other side's packets come from an address that was not signalled.
  Model one_public = TwoHomes(Generic(APD, APD), Generic(EI, APD));
  one_public.hosts[static_cast<std::size_t>(one_public.b.host)].interfaces = {On(0, {"203.0.113.5"}, 10)};
  one_public.servers[0].up = false;
  const Prediction prediction = Predict(one_public);
  ExpectOnly(prediction, Outcome::kDirect);
  EXPECT_THAT(prediction.direct_paths, ElementsAre(Path(kPrflx, kHost, kHost, kPrflx)));
}

TEST(OraclePaths, RelayOnlyServesPeersWhosePublicAddressItsOwnerKnows) {
  // bob was never told where alice's packets come from, so his relay has no permission for it.
  Model model = TwoHomes(Generic(APD, APD), Generic(APD, APD));
  model.a.stun_servers = {};
  model.b.turn_servers = {0};
  ExpectOnly(Predict(model), Outcome::kFailed);
  EXPECT_THAT(Predict(model).reason, HasSubstr("permission"));
}

TEST(OraclePaths, PublicHostsUseTheirOwnAddresses) {
  Model model = Core();
  model.a.host = 1;
  model.b.host = 2;
  model.hosts.push_back({"alice", {On(0, {"203.0.113.1"}, 10)}});
  model.hosts.push_back({"bob", {On(0, {"203.0.113.2"}, 10)}});
  const Prediction prediction = WithTurn(model);
  ExpectOnly(prediction, Outcome::kDirect);
  EXPECT_THAT(prediction.direct_paths, ElementsAre(kHosts));
}

TEST(OraclePaths, OpenIpv6ConnectsAlthoughIpv4IsSymmetricOnBothSides) {
  Model model = TwoHomes(Generic(APD, APD), Generic(APD, APD));
  model.hosts[1].interfaces[0].addresses.push_back(Ip("2001:db8:a::10"));
  model.hosts[2].interfaces[0].addresses.push_back(Ip("2001:db8:b::10"));
  const Prediction prediction = WithTurn(model);
  ExpectOnly(prediction, Outcome::kDirect);
  EXPECT_THAT(prediction.direct_paths, ElementsAre(Path(kHost, kHost, kHost, kHost, 0, true)));

  model.boxes[1].passes_ipv6 = false;
  ExpectOnly(WithTurn(model), Outcome::kRelayed);
}

TEST(OraclePaths, SamePrivateSubnetInTwoHomesIsNeverMistaken) {
  // alice and bob have the same private address; only the addresses that the server saw lead anywhere.
  const Prediction prediction = Predict(TwoHomes(Generic(EI, EI), Generic(EI, EI)));
  EXPECT_THAT(prediction.direct_paths, Each(testing::Field(&PathKind::a_remote, kSrflx)));
}

TEST(OraclePaths, SecondInterfaceWithoutNatConnects) {
  Model model = TwoHomes(Generic(APD, APD), Generic(APD, APD));
  model.hosts[1].interfaces.push_back(On(0, {"203.0.113.1"}, 10));
  const Prediction prediction = Predict(model);
  ExpectOnly(prediction, Outcome::kDirect);
  EXPECT_THAT(prediction.direct_paths, ElementsAre(Path(kHost, kPrflx, kPrflx, kHost)));
}

// ---- One LAN, one NAT, one CGN.

Model OneNat(Hairpinning hairpinning, int inner_networks, bool routes) {
  Model model = Core();
  NatBehavior nat = Generic(EI, EI);
  nat.hairpinning = hairpinning;
  const int first = AddNetwork(model, "inner_1");
  const int second = inner_networks == 2 ? AddNetwork(model, "inner_2") : first;
  model.boxes.push_back({"home", On(0, {"192.0.2.1"}, 10), {On(first, {"192.168.1.1"})}, routes, true, nat, {}});
  if (second != first) model.boxes[0].inside.push_back(On(second, {"192.168.2.1"}));
  model.a.host = 1;
  model.b.host = 2;
  model.hosts.push_back({"alice", {Behind(0, On(first, {"192.168.1.10"}))}});
  model.hosts.push_back({"bob", {Behind(0, On(second, {second == first ? "192.168.1.11" : "192.168.2.10"}))}});
  return model;
}

TEST(OracleHairpin, OneLanMeansAHostPairWithTheServerUpOrDown) {
  for (bool up : {false, true}) {
    for (Hairpinning hairpinning : {Hairpinning::kNone, Hairpinning::kInternalSource, Hairpinning::kExternalSource}) {
      Model model = OneNat(hairpinning, 1, true);
      model.servers[0].up = up;
      const Prediction prediction = WithTurn(model);
      ExpectOnly(prediction, Outcome::kDirect);
      EXPECT_THAT(prediction.direct_paths, ElementsAre(kHosts));
    }
  }
}

TEST(OracleHairpin, OneLanWithHostsWithheldAndInternalSourceLeavesAPeerReflexivePair) {
  Model model = OneNat(Hairpinning::kInternalSource, 1, true);
  model.a.withhold_host = model.b.withhold_host = true;
  const Prediction prediction = WithTurn(model);
  ExpectOnly(prediction, Outcome::kDirect);
  ASSERT_FALSE(prediction.direct_paths.empty());
  EXPECT_THAT(prediction.direct_paths, Each(testing::Field(&PathKind::a_remote, kPrflx)));
  EXPECT_THAT(prediction.direct_paths, Each(testing::Field(&PathKind::b_remote, kPrflx)));
}

TEST(OracleHairpin, TwoInnerNetworksNotRoutedBetween) {
  const Prediction none = WithTurn(OneNat(Hairpinning::kNone, 2, false));
  ExpectOnly(none, Outcome::kRelayed);
  EXPECT_THAT(none.reason, HasSubstr("home does not hairpin"));

  const Prediction external = WithTurn(OneNat(Hairpinning::kExternalSource, 2, false));
  ExpectOnly(external, Outcome::kDirect);
  EXPECT_THAT(external.direct_paths, ElementsAre(Path(kSrflx, kSrflx, kSrflx, kSrflx)));

  const Prediction internal = WithTurn(OneNat(Hairpinning::kInternalSource, 2, false));
  ExpectOnly(internal, Outcome::kRelayed);
  EXPECT_THAT(internal.reason, HasSubstr("home does not route between its inside networks"));
}

TEST(OracleHairpin, TwoInnerNetworksRoutedBetweenMeanAHostPair) {
  const Prediction prediction = WithTurn(OneNat(Hairpinning::kNone, 2, true));
  ExpectOnly(prediction, Outcome::kDirect);
  EXPECT_THAT(prediction.direct_paths, ElementsAre(kHosts));
}

// Two homes behind one CGN, each on a line of its own.
Model OneCgn(Hairpinning hairpinning, bool routes, const NatBehavior& home) {
  Model model = Core();
  NatBehavior cgn = Generic(EI, EI);
  cgn.hairpinning = hairpinning;
  const int lan_a = AddNetwork(model, "lan_a");
  const int lan_b = AddNetwork(model, "lan_b");
  const int line_a = AddNetwork(model, "line_a");
  const int line_b = AddNetwork(model, "line_b");
  model.boxes.push_back(
      {"home_a", Behind(2, On(line_a, {"100.64.1.2"})), {On(lan_a, {"192.168.1.1"})}, true, true, home, {}});
  model.boxes.push_back(
      {"home_b", Behind(2, On(line_b, {"100.64.2.2"})), {On(lan_b, {"192.168.1.1"})}, true, true, home, {}});
  model.boxes.push_back({"cgn",
                         On(0, {"192.0.2.9"}, 10),
                         {On(line_a, {"100.64.1.1"}), On(line_b, {"100.64.2.1"})},
                         routes,
                         true,
                         cgn,
                         {}});
  model.a.host = 1;
  model.b.host = 2;
  model.hosts.push_back({"alice", {Behind(0, On(lan_a, {"192.168.1.10"}))}});
  model.hosts.push_back({"bob", {Behind(1, On(lan_b, {"192.168.1.10"}))}});
  return model;
}

TEST(OracleHairpin, TwoHomesBehindOneCgnThatDoesNotRouteBetweenSubscribers) {
  const NatBehavior home = Generic(EI, EI);
  ExpectOnly(WithTurn(OneCgn(Hairpinning::kNone, false, home)), Outcome::kRelayed);
  ExpectOnly(WithTurn(OneCgn(Hairpinning::kExternalSource, false, home)), Outcome::kDirect);
  ExpectOnly(WithTurn(OneCgn(Hairpinning::kInternalSource, false, home)), Outcome::kRelayed);
}

TEST(OracleHairpin, CgnThatRoutesBetweenSubscribersLetsInternalSourceThrough) {
  // Answers take the short way and are not from the address asked, but each learns the other's address on the line.
  const Prediction internal = WithTurn(OneCgn(Hairpinning::kInternalSource, true, Generic(EI, EI)));
  ExpectOnly(internal, Outcome::kDirect);
  EXPECT_THAT(internal.direct_paths, Each(testing::Field(&PathKind::a_remote, kPrflx)));
  // These addresses were not signalled, so they cannot be used without hairpinning.
  ExpectOnly(WithTurn(OneCgn(Hairpinning::kNone, true, Generic(EI, EI))), Outcome::kRelayed);
}

TEST(OracleChains, TheStricterOfTwoLevelsDecides) {
  // alice behind home and CGN; bob behind one home.
  struct Row {
    NatBehavior home, cgn, bob;
    bool direct;
  };
  const Row rows[] = {
      {Generic(EI, APD), Generic(EI, APD), Generic(EI, APD), true},
      {Generic(APD, APD), Generic(EI, EI), Generic(EI, APD), false},
      {Generic(EI, EI), Generic(APD, APD), Generic(EI, APD), false},
      {Generic(EI, EI), Generic(APD, APD), Generic(EI, EI), true},
      {Generic(EI, EI), Generic(EI, EI), Generic(APD, EI), true},
      {Generic(EI, APD), Generic(EI, EI), Generic(APD, EI), false},
      {Generic(EI, EI), Generic(EI, APD), Generic(APD, EI), false},
  };
  for (const Row& row : rows) {
    Model model = TwoHomes(row.home, row.bob);
    const int line = AddNetwork(model, "line");
    model.boxes[0].outside = Behind(2, On(line, {"100.64.0.2"}));
    model.boxes.push_back({"cgn", On(0, {"192.0.2.9"}, 10), {On(line, {"100.64.0.1"})}, false, true, row.cgn, {}});
    EXPECT_EQ(Predict(model).direct, row.direct ? Existence::kAlways : Existence::kNever)
        << Describe(row.home) << " behind " << Describe(row.cgn) << " against " << Describe(row.bob);
  }
}

// ---- Connection tracking.

TEST(OracleLinux, PortKeepingLooksLikeOneMappingFilteredByPort) {
  ExpectOnly(Predict(TwoHomes(LinuxMasquerade(), LinuxMasquerade())), Outcome::kDirect);
  ExpectOnly(Predict(TwoHomes(LinuxMasquerade(), Generic(EI, APD))), Outcome::kDirect);
  ExpectOnly(Predict(TwoHomes(LinuxMasquerade(), LinuxRandomFully())), Outcome::kFailed);
  ExpectOnly(Predict(TwoHomes(LinuxRandomFully(), LinuxRandomFully())), Outcome::kFailed);
  const Prediction open = Predict(TwoHomes(Generic(EI, EI), LinuxRandomFully()));
  ExpectOnly(open, Outcome::kDirect);
  EXPECT_THAT(open.direct_paths, ElementsAre(Path(kSrflx, kPrflx, kPrflx, kSrflx)));
}

TEST(OracleLinux, InputAcceptConnectsWhenPacketsCross) {
  const Prediction prediction = Predict(TwoHomes(LinuxInputAccept(), LinuxInputAccept()));
  ExpectOnly(prediction, Outcome::kDirect);
  EXPECT_THAT(prediction.direct_paths, ElementsAre(Path(kSrflx, kSrflx, kSrflx, kSrflx)));
}

// Adds a server that never answers, so that both sides gather until the deadline. A description takes 40 ms to the
// other side. So the side that starts late has the other's description before its own is published, and begins to check
// that much earlier.
Model WithSilentServer(Model model) {
  const int silent = AddServer(model, "silent", "198.51.100.66");
  model.servers.back().up = false;
  model.a.stun_servers.push_back(silent);
  model.b.stun_servers.push_back(silent);
  return model;
}

// A check takes 20 ms. (A real kernel: "router(A, sends first) × in-accept(B) FAIL, in-accept(A) × router(B) OK".)
TEST(OracleLinux, InputAcceptIsPoisonedByAnEarlierCheck) {
  Model late_bob = WithSilentServer(TwoHomes(LinuxInputAccept(), LinuxMasquerade()));
  late_bob.b.start = seconds(5);
  ExpectOnly(Predict(late_bob), Outcome::kFailed);
  ExpectOnly(WithTurn(late_bob), Outcome::kRelayed);

  Model late_alice = WithSilentServer(TwoHomes(LinuxInputAccept(), LinuxMasquerade()));
  late_alice.a.start = seconds(5);
  ExpectOnly(Predict(late_alice), Outcome::kDirect);
}

// Gathering takes one round trip to the server, as does connecting to the referral server. A side that starts late gets
// the other's description when it has registered, and the other side gets the late one's when it is published: at the
// same time.
TEST(OracleLinux, WhoGathersInOneRoundTripBeginsWithThePeerHoweverLateItStarts) {
  for (int late : {0, 1}) {
    Model model = TwoHomes(LinuxInputAccept(), LinuxMasquerade());
    (late == 0 ? model.a : model.b).start = seconds(5);
    ExpectOnly(Predict(model), Outcome::kDirect);
  }
}

TEST(OracleLinux, PoisonedInputAcceptStillReachesAFilterThatIgnoresPorts) {
  for (Dependence filtering : {EI, AD}) {
    Model model = WithSilentServer(TwoHomes(LinuxInputAccept(), Generic(EI, filtering)));
    model.b.start = seconds(5);
    ExpectOnly(Predict(model), Outcome::kDirect);
  }
}

TEST(OracleLinux, WhoIsFirstIsSaidToDecideWhereTimesDoNotSettleIt) {
  Model model = TwoHomes(LinuxInputAccept(), LinuxInputAccept());
  model.a.turn_servers = {0};  // one side gathers longer and checks more
  const Prediction prediction = Predict(model);
  EXPECT_THAT(prediction.outcomes, ElementsAre(Outcome::kDirect, Outcome::kRelayed));
  EXPECT_EQ(prediction.direct, Existence::kDepends);
  EXPECT_EQ(prediction.depends_on, DependsOn::kOrder);
}

// ---- Outcomes that no topology decides.

TEST(OracleChance, LossLeavesEveryOutcomeOpen) {
  Model model = TwoHomes(Generic(EI, EI), Generic(EI, EI));
  GiveTurn(model);
  model.chance = "alice.eth0 loses packets";
  const Prediction prediction = Predict(model);
  EXPECT_THAT(prediction.outcomes, ElementsAre(Outcome::kDirect, Outcome::kRelayed, Outcome::kFailed));
  EXPECT_EQ(prediction.depends_on, DependsOn::kChance);
  EXPECT_THAT(prediction.reason, HasSubstr("alice.eth0 loses packets"));
}

TEST(OracleChance, ArbitraryPoolingConnectsByOneDrawOfItsAddresses) {
  // home_b lets in packets from the address that alice's server saw.
  NatBehavior pooled = Generic(APD, APD);
  pooled.arbitrary_pooling = true;
  Model model = TwoHomes(pooled, Generic(EI, AD));
  model.boxes[0].outside.addresses = {Ip("192.0.2.11"), Ip("192.0.2.12"), Ip("192.0.2.13")};
  const Prediction prediction = Predict(model);
  EXPECT_EQ(prediction.direct, Existence::kDepends);
  EXPECT_EQ(prediction.depends_on, DependsOn::kChance);
  ASSERT_TRUE(prediction.direct_share.has_value());
  EXPECT_EQ(prediction.direct_share->of, 1);
  EXPECT_EQ(prediction.direct_share->in, 3);
}

// ---- The end of gathering.

// Two homes whose inside links make the round trip from alice to the server `round_trip_ms`.
Model FarFromTheServer(const NatBehavior& nat, int round_trip_ms) {
  Model model = TwoHomes(nat, nat);
  Interface& interface = model.hosts[static_cast<std::size_t>(model.a.host)].interfaces[0];
  interface.up = milliseconds(round_trip_ms / 2 - 20);  // 10 ms each at the home's outside and the server
  interface.down = milliseconds(round_trip_ms - round_trip_ms / 2 - 20);
  return model;
}

// The deadline is one second. A response after it yields no candidate.
TEST(OracleGathering, AnAnswerThatComesAfterTheDeadlineIsNone) {
  const NatBehavior cone = Generic(EI, APD);
  EXPECT_FALSE(Predict(FarFromTheServer(cone, 998)).Allows(Outcome::kFailed));
  ExpectOnly(Predict(FarFromTheServer(cone, 1002)), Outcome::kFailed);
  Model patient = FarFromTheServer(cone, 1002);
  patient.a.gathering_deadline = milliseconds(1004);
  EXPECT_FALSE(Predict(patient).Allows(Outcome::kFailed));
}

TEST(OracleGathering, AnAnswerThatMayComeBeforeOrAfterTheDeadlineLeavesItOpen) {
  const NatBehavior cone = Generic(EI, APD);
  const Prediction together = Predict(FarFromTheServer(cone, 1000));
  EXPECT_THAT(together.outcomes, ElementsAre(Outcome::kDirect, Outcome::kFailed));
  EXPECT_EQ(together.depends_on, DependsOn::kTiming);
  EXPECT_THAT(together.reason, HasSubstr("end of gathering"));
  Model jittery = FarFromTheServer(cone, 1002);  // at most: each way may have 1 ms less
  jittery.jitter = milliseconds(1);
  EXPECT_THAT(Predict(jittery).outcomes, ElementsAre(Outcome::kDirect, Outcome::kFailed));
}

// RFC 8489 §9.2: an Allocate is sent again with the nonce, and the deadline runs from there.
TEST(OracleGathering, ATurnServerHasADeadlineForEachOfItsTwoAnswers) {
  EXPECT_TRUE(WithTurn(FarFromTheServer(Generic(APD, APD), 998)).Allows(Outcome::kRelayed));
  EXPECT_FALSE(WithTurn(FarFromTheServer(Generic(APD, APD), 998)).Allows(Outcome::kFailed));
  Model own = FarFromTheServer(Generic(APD, APD), 1200);
  own.a.turn_servers = {0};
  ExpectOnly(Predict(own), Outcome::kFailed);
}

TEST(OraclePolicy, FirstValidMayTakeARelayBeforeADirectPath) {
  Model model = TwoHomes(Generic(EI, EI), Generic(EI, EI));
  GiveTurn(model);
  model.a.nomination = Nomination::kFirstValid;
  const Prediction prediction = Predict(model);
  EXPECT_THAT(prediction.outcomes, ElementsAre(Outcome::kDirect, Outcome::kRelayed));
  EXPECT_EQ(prediction.depends_on, DependsOn::kTiming);
  EXPECT_EQ(prediction.direct, Existence::kAlways);
}

// ---- Symmetry.

PathKind Mirrored(const PathKind& path) {
  return Path(path.b_local, path.b_remote, path.a_local, path.a_remote, path.relay_hops, path.ipv6);
}

TEST(OracleSymmetry, SwappingTheNatsMirrorsThePrediction) {
  std::vector<NatBehavior> all = AllGeneric();
  all.push_back(LinuxMasquerade());
  all.push_back(LinuxInputAccept());
  all.push_back(LinuxRandomFully());
  for (const NatBehavior& a : all) {
    for (const NatBehavior& b : all) {
      const Prediction one = WithTurn(TwoHomes(a, b));
      const Prediction other = WithTurn(TwoHomes(b, a));
      EXPECT_EQ(one.outcomes, other.outcomes);
      std::vector<PathKind> mirrored;
      for (const PathKind& path : other.direct_paths) mirrored.push_back(Mirrored(path));
      std::sort(mirrored.begin(), mirrored.end());
      EXPECT_EQ(one.direct_paths, mirrored) << Describe(a) << " against " << Describe(b);
      EXPECT_FALSE(one.depends()) << one.reason;
    }
  }
}

// ---- Independence.

TEST(OracleSources, IncludeNothingOfTheSimulatorOrTheEngines) {
  const std::filesystem::path root = std::filesystem::path(PINHOLE_SOURCE_DIR) / "scenarios" / "oracle";
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    if (entry.path().extension() != ".h" && entry.path().extension() != ".cc") continue;
    ++files;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      if (line.rfind("#include \"", 0) != 0) continue;
      const bool allowed = line.rfind("#include \"net/", 0) == 0 || line.rfind("#include \"absl/", 0) == 0 ||
                           line.rfind("#include \"scenarios/oracle/", 0) == 0 ||
                           line == "#include \"scenarios/oracle/outcome.h\"" ||
                           line == "#include \"scenarios/scenario.pb.h\"";
      EXPECT_TRUE(allowed) << entry.path() << ": " << line;
    }
  }
  EXPECT_GT(files, 5);
}

}  // namespace
}  // namespace pinhole::scenarios::oracle
