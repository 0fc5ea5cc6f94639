// The oracle's predictions about TCP, compared by hand with RFC 5382 and RFC 6544.
#include <chrono>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "scenarios/oracle/predict.h"
#include "scenarios/oracle/udp_punching.h"
#include "tests/scenarios/oracle_models.h"

namespace pinhole::scenarios::oracle {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

constexpr auto kSrflx = CandidateType::kServerReflexive;
constexpr auto kPrflx = CandidateType::kPeerReflexive;
constexpr TcpCandidates kActive{.active = true};
constexpr TcpCandidates kPassive{.passive = true};
constexpr TcpCandidates kSo{.simultaneous_open = true};
constexpr TcpCandidates kAll{.active = true, .passive = true, .simultaneous_open = true};

PathKind Tcp(CandidateType a_local, CandidateType a_remote, CandidateType b_local, CandidateType b_remote) {
  PathKind path;
  path.a_local = a_local;
  path.a_remote = a_remote;
  path.b_local = b_local;
  path.b_remote = b_remote;
  path.tcp = true;
  return path;
}

// Two homes whose agents use TCP only. A description takes 40 ms, a SYN 20 ms from NAT to NAT.
Model TcpHomes(const NatBehavior& a, const NatBehavior& b, TcpCandidates types_a = kAll, TcpCandidates types_b = kAll) {
  Model model = TwoHomes(Generic(APD, APD), Generic(APD, APD));
  model.hosts[static_cast<std::size_t>(model.b.host)].interfaces[0].addresses = {Ip("192.168.1.11")};
  model.boxes[0].tcp.nat = a;
  model.boxes[1].tcp.nat = b;
  model.a.udp = model.b.udp = false;
  model.a.tcp = types_a;
  model.b.tcp = types_b;
  model.a.tcp_stun_servers = model.b.tcp_stun_servers = {0};
  return model;
}

void Refuse(Box& box, Refusal refusal, net::Duration hold = {}) {
  box.tcp.unsolicited = refusal;
  box.tcp.hold = hold;
}

bool Connects(const Model& model) { return Predict(model).outcomes == std::vector<Outcome>{Outcome::kDirect}; }
bool Fails(const Model& model) { return Predict(model).outcomes == std::vector<Outcome>{Outcome::kFailed}; }

// Bob's first SYN leaves `ahead` before alice's, because alice gives UDP a head start.
void LetBobBeFirstBy(Model& model, net::Duration ahead) { model.a.head_start = ahead; }

TEST(OracleTcp, EndpointIndependentMappingsConnectWhateverTheyFilter) {
  for (Dependence a : {EI, AD, APD}) {
    for (Dependence b : {EI, AD, APD}) {
      for (FilterMemory memory : {FilterMemory::kPerEndpoint, FilterMemory::kPerMapping}) {
        const Prediction prediction = Predict(TcpHomes(Generic(EI, a, memory), Generic(EI, b, memory), kSo, kSo));
        EXPECT_THAT(prediction.outcomes, ElementsAre(Outcome::kDirect)) << prediction.reason;
        EXPECT_THAT(prediction.direct_paths, ElementsAre(Tcp(kSrflx, kSrflx, kSrflx, kSrflx)));
      }
    }
  }
}

TEST(OracleTcp, TwoSymmetricNatsNeverConnect) {
  const Prediction prediction = Predict(TcpHomes(Generic(APD, APD), Generic(APD, APD)));
  EXPECT_THAT(prediction.outcomes, ElementsAre(Outcome::kFailed));
  EXPECT_EQ(prediction.direct, Existence::kNever);
  EXPECT_THAT(prediction.reason, HasSubstr("home_b filters by port and home_a maps by port"));
  EXPECT_THAT(prediction.reason, HasSubstr("home_a filters by port and home_b maps by port"));
}

// Where a NAT answers through the endpoint at which a SYN came in, a direct path exists if and only if one side lets
// the other's first SYN in. The closed form for UDP through the same NATs says the same.
TEST(OracleTcp, NatsWithSessionsConnectAsTheyDoOverUdp) {
  int connect = 0;
  for (const NatBehavior& a : AllGeneric()) {
    for (const NatBehavior& b : AllGeneric()) {
      if (!a.inbound_sessions || !b.inbound_sessions || a.memory != b.memory) continue;
      const bool works = UdpPunchingWorks(a, b);
      connect += works;
      const Prediction prediction = Predict(TcpHomes(a, b));
      EXPECT_THAT(prediction.outcomes, ElementsAre(works ? Outcome::kDirect : Outcome::kFailed))
          << Describe(a) << " / " << Describe(b) << ": " << prediction.reason;
    }
  }
  EXPECT_GT(connect, 0);
}

// A NAT that lets a SYN in, but sends the answer from another port, uses up the endpoint that its host's own SYN would
// have connected. Over UDP the same NATs connect (RFC 4787 §5: a destination counts for every port).
TEST(OracleTcp, ASynThatIsLetInAndAnsweredFromElsewhereSpoilsTheOwnOne) {
  const NatBehavior cone = Generic(EI, AD);
  ASSERT_TRUE(UdpPunchingWorks(cone, Generic(APD, APD)));
  const Prediction spoilt = Predict(TcpHomes(cone, Generic(APD, APD)));
  EXPECT_THAT(spoilt.outcomes, ElementsAre(Outcome::kFailed));
  EXPECT_THAT(spoilt.reason, HasSubstr("home_b maps by port, so answers from another port"));
  EXPECT_TRUE(Connects(TcpHomes(cone, Generic(APD, APD, FilterMemory::kPerEndpoint, /*sessions=*/true))));
  EXPECT_TRUE(Connects(TcpHomes(cone, Generic(APD, APD, FilterMemory::kPerMapping))));  // not let in
}

TEST(OracleTcp, AnActiveSideConnectsToAPassiveOneThatAnyoneMayReach) {
  for (const NatBehavior& a : AllGeneric()) {
    const Prediction open = Predict(TcpHomes(a, Generic(EI, EI), kActive, kPassive));
    EXPECT_THAT(open.outcomes, ElementsAre(Outcome::kDirect)) << Describe(a);
    // The port of an active candidate belongs to no signalled candidate.
    EXPECT_THAT(open.direct_paths, ElementsAre(Tcp(kPrflx, kSrflx, kSrflx, kPrflx)));
    // From a passive port, packets go only to the STUN server.
    for (Dependence filtering : {AD, APD}) {
      EXPECT_TRUE(Fails(TcpHomes(a, Generic(EI, filtering), kActive, kPassive))) << Describe(a);
    }
  }
}

TEST(OracleTcp, TypesThatDoNotMatchMakeNoConnection) {
  for (const auto& [a, b] : {std::pair(kActive, kActive), std::pair(kPassive, kPassive), std::pair(kActive, kSo),
                             std::pair(kPassive, kSo)}) {
    const Prediction prediction = Predict(TcpHomes(Generic(EI, EI), Generic(EI, EI), a, b));
    EXPECT_THAT(prediction.outcomes, ElementsAre(Outcome::kFailed));
    EXPECT_EQ(prediction.reason, "neither connects to what the other listens on; no relay");
  }
  EXPECT_THAT(Predict(TcpHomes(Generic(EI, EI), Generic(EI, EI), kAll, {})).reason,
              HasSubstr("bob has no TCP candidate"));
}

TEST(OracleTcp, ConnectionTrackingKeepsThePortAndSoConnects) {
  EXPECT_TRUE(Connects(TcpHomes(LinuxMasquerade(), LinuxMasquerade(), kSo, kSo)));
  EXPECT_TRUE(Fails(TcpHomes(LinuxMasquerade(), LinuxRandomFully())));
  EXPECT_TRUE(Fails(TcpHomes(Generic(APD, APD), LinuxMasquerade())));
}

// ---- Answers to SYNs.

TEST(OracleTcp, ABoxThatAnswersKillsThePairIfAndOnlyIfThePeersSynIsThereFirst) {
  for (int answering : {0, 1}) {
    for (int ahead_ms : {0, 22, 500}) {
      Model model = TcpHomes(Generic(EI, APD), Generic(EI, APD), kSo, kSo);
      for (Box& box : model.boxes) box.tcp.reset_forgets = true;
      Refuse(model.boxes[static_cast<std::size_t>(answering)], Refusal::kReset);
      if (ahead_ms > 0) LetBobBeFirstBy(model, milliseconds(ahead_ms));
      const Prediction prediction = Predict(model);
      // Bob's SYN comes to alice's box 20 ms after it has left his own.
      const bool killed = answering == 0 && ahead_ms > 20;
      EXPECT_THAT(prediction.outcomes, ElementsAre(killed ? Outcome::kFailed : Outcome::kDirect))
          << ahead_ms << " " << prediction.reason;
      if (killed) {
        EXPECT_THAT(prediction.reason, HasSubstr("home_a filters by port, and answers a SYN with RST"));
      }
    }
  }
}

TEST(OracleTcp, ARefusedSideIsSavedByAHoleThatOutlivesTheRst) {
  for (bool forgets : {false, true}) {
    for (Refusal refusal : {Refusal::kReset, Refusal::kIcmp}) {
      Model model = TcpHomes(Generic(EI, APD), Generic(EI, APD), kSo, kSo);
      Refuse(model.boxes[0], refusal);
      (refusal == Refusal::kReset ? model.boxes[1].tcp.reset_forgets : model.boxes[1].tcp.icmp_forgets) = forgets;
      LetBobBeFirstBy(model, milliseconds(100));
      EXPECT_EQ(Connects(model), !forgets);
      EXPECT_EQ(Fails(model), forgets);
    }
  }
}

TEST(OracleTcp, AnIcmpErrorThatTheOwnNatDropsEndsNothing) {
  Model model = TcpHomes(Generic(EI, APD), Generic(EI, APD), kSo, kSo);
  Refuse(model.boxes[0], Refusal::kIcmp);
  model.boxes[1].tcp.icmp_forgets = true;
  LetBobBeFirstBy(model, milliseconds(100));
  EXPECT_TRUE(Fails(model));
  model.boxes[1].tcp.passes_icmp = false;
  EXPECT_TRUE(Connects(model));
}

TEST(OracleTcp, RefusedConnectionsThatAreTriedAgainConnect) {
  Model model = TcpHomes(Generic(EI, APD), Generic(EI, APD), kSo, kSo);
  Refuse(model.boxes[0], Refusal::kReset);
  model.boxes[1].tcp.reset_forgets = true;
  LetBobBeFirstBy(model, milliseconds(100));
  EXPECT_TRUE(Fails(model));
  model.b.retries_refused = true;
  EXPECT_TRUE(Connects(model));
}

// RFC 5382 §4.3 REQ-4.
TEST(OracleTcp, AHeldSynIsRefusedOnlyWhenTheHoldIsOver) {
  for (int ahead_s : {1, 5, 7}) {
    Model model = TcpHomes(Generic(EI, APD), Generic(EI, APD), kSo, kSo);
    Refuse(model.boxes[0], Refusal::kIcmp, seconds(6));
    model.boxes[1].tcp.icmp_forgets = true;
    LetBobBeFirstBy(model, seconds(ahead_s));
    EXPECT_EQ(Connects(model), ahead_s < 6) << Predict(model).reason;
    EXPECT_EQ(Fails(model), ahead_s > 6) << Predict(model).reason;
  }
}

// Bob's port answers with a number that grows by 1 each 4 us after his refused SYN: by 65,535 after 262 ms.
TEST(OracleTcp, ANatThatTracksNumbersTakesTheAnswerOfARefusedPortForAQuarterOfASecond) {
  Model model = TcpHomes(Generic(EI, APD), Generic(EI, APD), kSo, kSo);
  Refuse(model.boxes[0], Refusal::kIcmp);
  for (const bool tracks : {false, true}) {
    model.boxes[1].tcp.tracks_numbers = tracks;
    LetBobBeFirstBy(model, milliseconds(100));
    EXPECT_TRUE(Connects(model));
    LetBobBeFirstBy(model, milliseconds(300));
    EXPECT_EQ(Connects(model), !tracks);
    EXPECT_EQ(Fails(model), tracks);
    LetBobBeFirstBy(model, milliseconds(242));
    EXPECT_EQ(Predict(model).depends(), tracks);
  }
  EXPECT_THAT(Predict(model).reason, HasSubstr("direct as"));
  // If the ICMP error made Bob's NAT delete its entry, the answer makes a new connection there, so it is not let in
  // either.
  model.boxes[1].tcp.icmp_forgets = true;
  EXPECT_TRUE(Fails(model));
}

TEST(OracleTcp, WhereTimesDoNotTellWhoIsFirstItDependsOnOrder) {
  Model model = TcpHomes(Generic(EI, APD), Generic(EI, APD), kSo, kSo);
  Refuse(model.boxes[0], Refusal::kReset);
  model.boxes[1].tcp.reset_forgets = true;
  LetBobBeFirstBy(model, milliseconds(20));  // as long as a SYN is under way
  const Prediction prediction = Predict(model);
  EXPECT_THAT(prediction.outcomes, ElementsAre(Outcome::kDirect, Outcome::kFailed)) << prediction.reason;
  EXPECT_EQ(prediction.depends_on, DependsOn::kOrder);
  EXPECT_THAT(prediction.reason, HasSubstr("unless home_a answers a SYN with RST first"));
}

// RFC 5382 §4.2 REQ-2: the SYN from outside is let in. A SYN,ACK is no such SYN: one NAT that passes is enough.
TEST(OracleTcp, SimultaneousOpenFailsOnlyWhereBothNatsRefuseIt) {
  for (bool a_passes : {false, true}) {
    for (bool b_passes : {false, true}) {
      Model model = TcpHomes(Generic(EI, APD), Generic(EI, APD));
      model.boxes[0].tcp.simultaneous_open = a_passes;
      model.boxes[1].tcp.simultaneous_open = b_passes;
      const Prediction prediction = Predict(model);
      const bool works = a_passes || b_passes;
      EXPECT_THAT(prediction.outcomes, ElementsAre(works ? Outcome::kDirect : Outcome::kFailed));
      if (!works) {
        EXPECT_THAT(prediction.reason, HasSubstr("home_a refuses simultaneous open"));
      }
    }
  }
}

TEST(OracleTcp, RefusedSimultaneousOpenLeavesPassivePorts) {
  Model model = TcpHomes(Generic(EI, EI), Generic(EI, EI));
  for (Box& box : model.boxes) box.tcp.simultaneous_open = false;
  EXPECT_THAT(Predict(model).direct_paths,
              UnorderedElementsAre(Tcp(kPrflx, kSrflx, kSrflx, kPrflx), Tcp(kSrflx, kPrflx, kPrflx, kSrflx)));
}

// ---- Beside UDP and relays.

Model BothTransports(const NatBehavior& udp, const NatBehavior& tcp) {
  Model model = TcpHomes(tcp, tcp);
  model.boxes[0].nat = model.boxes[1].nat = udp;
  model.a.udp = model.b.udp = true;
  GiveTurn(model);
  return model;
}

TEST(OracleTcp, DirectUdpIsPreferred) {
  const Prediction prediction = Predict(BothTransports(Generic(EI, APD), Generic(EI, EI)));
  EXPECT_THAT(prediction.outcomes, ElementsAre(Outcome::kDirect));
  EXPECT_THAT(prediction.direct_paths, Each(Field(&PathKind::tcp, false)));
}

TEST(OracleTcp, DirectTcpIsPreferredToRelaysByWhoeverWaits) {
  Model model = BothTransports(Generic(APD, APD), Generic(EI, APD));
  const Prediction patient = Predict(model);
  EXPECT_THAT(patient.outcomes, ElementsAre(Outcome::kDirect)) << patient.reason;
  EXPECT_THAT(patient.direct_paths, Each(Field(&PathKind::tcp, true)));
  model.a.head_start = model.b.head_start = seconds(2);
  const Prediction late = Predict(model);
  EXPECT_THAT(late.outcomes, ElementsAre(Outcome::kDirect, Outcome::kRelayed));
  EXPECT_EQ(late.depends_on, DependsOn::kTiming);
  model.a.head_start = model.b.head_start = {};
  model.a.nomination = Nomination::kFirstValid;
  EXPECT_THAT(Predict(model).outcomes, ElementsAre(Outcome::kDirect, Outcome::kRelayed));
}

TEST(OracleTcp, WithoutADirectPathByEitherTransportTheReasonSaysBoth) {
  const Prediction prediction = Predict(BothTransports(Generic(APD, APD), Generic(AD, APD)));
  EXPECT_THAT(prediction.outcomes, ElementsAre(Outcome::kRelayed));
  EXPECT_THAT(prediction.reason, HasSubstr("home_b filters by port and home_a maps by port"));
  EXPECT_THAT(prediction.reason, HasSubstr("over TCP: home_b filters by port and home_a maps by address"));
}

TEST(OracleTcp, AFirewallThatBlocksUdpLeavesTcp) {
  for (int side : {0, 1}) {
    Model model = BothTransports(Generic(EI, EI), Generic(EI, APD));
    model.boxes[static_cast<std::size_t>(side)].udp_exit.blocked = true;
    const Prediction prediction = Predict(model);
    EXPECT_THAT(prediction.outcomes, ElementsAre(Outcome::kDirect)) << prediction.reason;
    EXPECT_THAT(prediction.direct_paths, Each(Field(&PathKind::tcp, true)));
    model.boxes[1].tcp_exit.blocked = true;
    EXPECT_THAT(Predict(model).outcomes, testing::Not(Contains(Outcome::kDirect)));
    EXPECT_THAT(Predict(model).reason, HasSubstr("home_b blocks TCP"));
  }
}

// The firewall lets TCP out only to the server's port.
TEST(OracleTcp, AFirewallThatLetsOutToSomePortsOnlyStopsWhatGoesToOthers) {
  Model model = TcpHomes(Generic(EI, APD), Generic(EI, APD), kSo, kSo);
  model.boxes[0].tcp_exit.ports = {443};
  EXPECT_TRUE(Fails(model));
  EXPECT_THAT(Predict(model).reason, HasSubstr("home_a blocks TCP"));
}

}  // namespace
}  // namespace pinhole::scenarios::oracle
