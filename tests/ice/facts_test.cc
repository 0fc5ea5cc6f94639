// Times and schedules that follow from the RFCs and the policies. Tests compare them exactly, to the nanosecond, or
// with their bound.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/ice/lone_agent.h"
#include "tests/ice/test_network.h"

namespace pinhole::ice {
namespace {

using namespace std::chrono_literals;
using net::PacketClass;
using testing::ElementsAre;

const SocketAddress kPeer = Addr("192.0.2.9:9000");

// RFC 8489 §6.2.1: Rc 7, Rm 16, RTO 500 ms.
TEST(CheckSchedule, IsSentSevenTimesAndFailsAt39500Ms) {
  AgentOptions options;
  options.pac_timer = 0ms;
  LoneAgent lone(options);
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.RunFor(60s);
  std::vector<std::int64_t> at_ms;
  for (const Sent& sent : lone.all_sent()) at_ms.push_back((sent.at - net::Instant()) / 1ms);
  EXPECT_THAT(at_ms, ElementsAre(0, 500, 1500, 3500, 7500, 15500, 31500));
  EXPECT_EQ(lone.PairTo(kPeer).end, PairEnd::kTimeout);
  EXPECT_EQ(*lone.agent().times().failed, At(39500ms));
}

TEST(CheckSchedule, RetransmissionsAreTheSameBytesAndAnotherClass) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.RunFor(2s);
  const std::vector<Sent> sent = lone.TakeSent();
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_EQ(sent[0].packet_class, PacketClass::kCheck);
  for (std::size_t i = 1; i < sent.size(); ++i) {
    EXPECT_EQ(sent[i].packet_class, PacketClass::kRetransmittedCheck);
    EXPECT_EQ(sent[i].bytes, sent[0].bytes);
  }
}

// Eleven pairs of foundations of their own at Ta 50 ms: the first RTO is 50 ms * 1 * 11.
TEST(CheckSchedule, RtoGrowsWithTheChecksThatAreOpen) {
  LoneAgent lone;
  std::vector<Candidate> candidates;
  for (int i = 0; i < 11; ++i) {
    candidates.push_back(LoneAgent::Host("192.0.2.9:" + std::to_string(9000 + i), std::to_string(i + 1), 1, 0,
                                         2000000000u - static_cast<unsigned>(i)));
  }
  lone.SetRemote(candidates);
  lone.RunFor(549ms);
  EXPECT_TRUE(lone.TakeSent(PacketClass::kRetransmittedCheck).empty());
  lone.RunFor(1ms);
  const std::vector<Sent> again = lone.TakeSent(PacketClass::kRetransmittedCheck);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].to, kPeer);
}

TEST(Pacing, OneCheckEachTa) {
  LoneAgent lone;
  std::vector<Candidate> candidates;
  for (int i = 0; i < 4; ++i) {
    candidates.push_back(LoneAgent::Host("192.0.2.9:" + std::to_string(9000 + i), std::to_string(i + 1)));
  }
  lone.SetRemote(candidates);
  lone.RunFor(400ms);
  std::vector<std::int64_t> at_ms;
  for (const Sent& sent : lone.TakeSent(PacketClass::kCheck)) at_ms.push_back((sent.at - net::Instant()) / 1ms);
  EXPECT_THAT(at_ms, ElementsAre(0, 50, 100, 150));
}

TEST(Pacing, ALateTimerDoesNotBurst) {
  LoneAgent lone;
  std::vector<Candidate> candidates;
  for (int i = 0; i < 4; ++i) {
    candidates.push_back(LoneAgent::Host("192.0.2.9:" + std::to_string(9000 + i), std::to_string(i + 1)));
  }
  lone.SetRemote(candidates);
  lone.TakeSent();
  lone.agent().OnTimer(At(10s));
  lone.Drain();
  EXPECT_EQ(lone.TakeSent(PacketClass::kCheck).size(), 1u);
}

TEST(Timers, EarlyAndRepeatedCallsAreHarmless) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  const net::Instant next = lone.agent().NextTimer();
  lone.TakeSent();
  for (int i = 0; i < 10; ++i) {
    lone.agent().OnTimer(lone.now());
    lone.Drain();
  }
  EXPECT_TRUE(lone.TakeSent().empty());
  EXPECT_EQ(lone.agent().NextTimer(), next);
}

// Two agents on one network that have been introduced to each other and started.
struct Meeting {
  explicit Meeting(const AgentOptions& a_options, const AgentOptions& b_options, Duration one_way,
                   std::uint64_t seed = 1)
      : net(seed) {
    a = net.Add("alice", a_options, {Local("192.0.2.1")});
    b = net.Add("bob", b_options, {Local("192.0.2.2")});
    net.set_delay(one_way);
    net.Introduce(a, b);
    net.Start(a);
    net.Start(b);
  }
  TestNetwork net;
  int a = 0;
  int b = 1;
};

AgentOptions With(Role role, std::optional<std::uint64_t> tie_breaker = {}) {
  AgentOptions options;
  options.role = role;
  options.tie_breaker = tie_breaker;
  return options;
}

void ExpectAgreement(TestNetwork& net, int a, int b) {
  const std::optional<PairView> pa = net.agent(a).SelectedPair(0, 1);
  const std::optional<PairView> pb = net.agent(b).SelectedPair(0, 1);
  const auto why = [&](int side) {
    std::string text = net[side].name + ": ";
    if (net.agent(side).failure().has_value()) text += ToString(net.agent(side).failure()->reason);
    for (const PairView& pair : net.agent(side).CheckListSnapshot()) {
      text += "\n  " + pair.base.ToString() + " " + pair.remote.address.ToString() + " " + ToString(pair.state) + " " +
              ToString(pair.end) + " " + ToString(pair.nomination);
    }
    return text + "\n";
  };
  ASSERT_TRUE(pa.has_value() && pb.has_value()) << why(a) << why(b);
  EXPECT_EQ(pa->remote.address, pb->mapped->address);
  EXPECT_EQ(pb->remote.address, pa->mapped->address);
  EXPECT_NE(net.agent(a).role(), net.agent(b).role());
}

TEST(RoleConflict, BothControllingAndBothControlledConnectWhicheverTieBreakerIsLarger) {
  for (Role role : {Role::kControlling, Role::kControlled}) {
    for (auto [x, y] : {std::pair{1u, 2u}, std::pair{2u, 1u}, std::pair{7u, 7u}}) {
      for (Duration delay : {Duration(0ms), Duration(1ms), Duration(30ms), Duration(400ms)}) {
        Meeting meeting(With(role, x), With(role, y), delay);
        meeting.net.RunUntilConcluded(meeting.a, meeting.b, At(60s));
        meeting.net.RunUntil(meeting.net.now() + 2 * delay + 1s);  // What is on its way may still settle the roles.
        SCOPED_TRACE(testing::Message() << ToString(role) << " " << x << " " << y << " " << delay / 1ms << " ms");
        ExpectAgreement(meeting.net, meeting.a, meeting.b);
        if (x != y) {  // The larger number ends as the controlling one.
          EXPECT_EQ(meeting.net.agent(x > y ? meeting.a : meeting.b).role(), Role::kControlling);
          EXPECT_EQ(meeting.net.agent(meeting.a).counters().role_switches +
                        meeting.net.agent(meeting.b).counters().role_switches,
                    1);
        }
      }
    }
  }
}

// The controlling agent has a nominated pair within 1 RTT + 2 Ta after its first valid pair, the controlled agent
// within 2 RTT + 2 Ta.
TEST(NominationLatency, WithNothingBetterToComeIsOneRoundTripAndTwoTa) {
  for (NominationPolicy policy :
       {NominationPolicy::kFirstValid, NominationPolicy::kBestAfter, NominationPolicy::kExhaustive}) {
    for (Duration delay : {Duration(1ms), Duration(20ms), Duration(150ms), Duration(800ms)}) {
      AgentOptions a = With(Role::kControlling), b = With(Role::kControlled);
      a.nomination = policy;
      Meeting meeting(a, b, delay);
      meeting.net.RunUntilConcluded(meeting.a, meeting.b, At(60s));
      SCOPED_TRACE(testing::Message() << ToString(policy) << " " << delay / 1ms << " ms");
      const Duration round_trip = 2 * delay;
      const AgentTimes& ta = meeting.net.agent(meeting.a).times();
      const AgentTimes& tb = meeting.net.agent(meeting.b).times();
      ASSERT_TRUE(ta.connected.has_value() && tb.connected.has_value());
      EXPECT_LE(*ta.connected - *ta.first_valid, round_trip + 2 * 50ms);
      EXPECT_LE(*tb.connected - *ta.first_valid, 2 * round_trip + 2 * 50ms);
    }
  }
}

// A pair of a better type gets no response. The policy best_after waits for it until its time, and no longer.
TEST(NominationLatency, BestAfterWithSilentBetterPairsCountsFromItsMark) {
  LoneAgent lone;
  Candidate reflexive = LoneAgent::Host("203.0.113.9:9000", "2", 1, 0, 1694498815);
  reflexive.type = CandidateType::kServerReflexive;
  lone.SetRemote({LoneAgent::Host("10.9.9.9:9000"), reflexive});
  const Sent first = lone.NextCheck();
  EXPECT_EQ(first.to, Addr("10.9.9.9:9000"));  // never answered
  const Sent second = lone.NextCheck();
  lone.AnswerSuccess(second);
  const Sent nomination = lone.NextCheck();
  EXPECT_TRUE(nomination.message().Has(stun::AttributeType::kUseCandidate));
  EXPECT_EQ(nomination.to, reflexive.address);
  EXPECT_EQ(nomination.at, first.at + 500ms);
}

TEST(NominationLatency, BestAfterTakesARelayedPairTwoSecondsAfterTheFirstCheck) {
  LoneAgent lone;
  Candidate relayed = LoneAgent::Host("203.0.113.9:9000", "2", 1, 0, 16777215);
  relayed.type = CandidateType::kRelayed;
  lone.SetRemote({LoneAgent::Host("10.9.9.9:9000"), relayed});
  const Sent first = lone.NextCheck();
  lone.AnswerSuccess(lone.NextCheck());
  EXPECT_EQ(lone.NextCheck().at, first.at + 2s);
}

TEST(NominationLatency, BestAfterTakesARelayedPairAtOnceWhenEveryBetterOneHasFailed) {
  LoneAgent lone;
  Candidate relayed = LoneAgent::Host("203.0.113.9:9000", "2", 1, 0, 16777215);
  relayed.type = CandidateType::kRelayed;
  lone.SetRemote({LoneAgent::Host("10.9.9.9:9000"), relayed});
  const Sent first = lone.NextCheck();
  lone.AnswerSuccess(lone.NextCheck());
  lone.RunUntil(At(100ms));
  lone.AnswerError(first, 500);
  EXPECT_EQ(lone.NextCheck().at, At(100ms));
}

TEST(Nomination, ExhaustiveTakesTheHighestPriorityOfAllThatAnswered) {
  AgentOptions options;
  options.nomination = NominationPolicy::kExhaustive;
  LoneAgent lone(options);
  lone.SetRemote({LoneAgent::Host("192.0.2.8:9000", "1", 1, 0, 2000),
                  LoneAgent::Host("192.0.2.9:9000", "2", 1, 0, 3000),
                  LoneAgent::Host("192.0.2.7:9000", "3", 1, 0, 1000)});
  std::vector<Sent> checks = {lone.NextCheck(), lone.NextCheck(), lone.NextCheck()};
  lone.AnswerSuccess(checks[2]);
  lone.AnswerSuccess(checks[1]);
  lone.RunFor(3s);
  EXPECT_TRUE(lone.TakeSent(PacketClass::kCheck).empty());  // One is open.
  lone.AnswerSuccess(checks[0]);
  const Sent nomination = lone.NextCheck();
  EXPECT_EQ(nomination.to, Addr("192.0.2.9:9000"));
  EXPECT_TRUE(nomination.message().Has(stun::AttributeType::kUseCandidate));
}

TEST(Nomination, FirstValidTakesTheFirstThatAnswered) {
  AgentOptions options;
  options.nomination = NominationPolicy::kFirstValid;
  LoneAgent lone(options);
  lone.SetRemote(
      {LoneAgent::Host("192.0.2.8:9000", "1", 1, 0, 3000), LoneAgent::Host("192.0.2.9:9000", "2", 1, 0, 2000)});
  lone.NextCheck();
  lone.AnswerSuccess(lone.NextCheck());
  EXPECT_EQ(lone.NextCheck().to, Addr("192.0.2.9:9000"));
}

TEST(Session, ConnectsAtAnyDelayDuplicatedReorderedAndWithALateSide) {
  for (Duration delay : {Duration(0ms), Duration(100ms), Duration(400ms), Duration(800ms)}) {
    for (Duration late : {Duration(0s), Duration(5s)}) {
      TestNetwork net(3);
      const int a = net.Add("alice", With(Role::kControlling), {Local("192.0.2.1"), Local("198.51.100.1")});
      const int b = net.Add("bob", With(Role::kControlled), {Local("192.0.2.2")});
      net::SeededRandom jitter(5, "jitter");
      net.set_link(
          [&](const WirePacket&) { return delay + Duration(static_cast<std::int64_t>(jitter.Below(30'000'000))); });
      net.Introduce(a, b);
      net.Start(a);
      net.Start(b, At(late));
      net.RunUntilConcluded(a, b, At(120s));
      ExpectAgreement(net, a, b);
    }
  }
}

// RFC 8445 §7.2.5.3.4 makes a lost nomination fatal: 0.51^7 for each side.
TEST(Session, ThirtyPercentLossEachWayConnectsNearlyAlwaysWithin60Seconds) {
  int connected = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    Meeting meeting(With(Role::kControlling), With(Role::kControlled), 20ms, seed);
    net::SeededRandom loss(seed, "loss");
    meeting.net.set_link([&](const WirePacket&) -> std::optional<Duration> {
      if (loss.OneInMillion(300'000)) return std::nullopt;
      return 20ms;
    });
    meeting.net.RunUntilConcluded(meeting.a, meeting.b, At(60s));
    const auto pa = meeting.net.agent(0).SelectedPair(0, 1), pb = meeting.net.agent(1).SelectedPair(0, 1);
    if (pa.has_value() && pb.has_value()) {
      ++connected;
      EXPECT_EQ(pa->remote.address, pb->mapped->address);
    }
  }
  EXPECT_GE(connected, 975);
}

TEST(Session, EverySingleLossIsSurvived) {
  for (std::size_t lost = 0; lost < 12; ++lost) {
    Meeting meeting(With(Role::kControlling), With(Role::kControlled), 20ms);
    std::size_t count = 0;
    meeting.net.set_link([&](const WirePacket&) -> std::optional<Duration> {
      if (count++ == lost) return std::nullopt;
      return 20ms;
    });
    meeting.net.RunUntilConcluded(meeting.a, meeting.b, At(60s));
    SCOPED_TRACE(lost);
    ExpectAgreement(meeting.net, meeting.a, meeting.b);
    EXPECT_LT(meeting.net.now(), At(2s));
  }
}

TEST(Session, TheSameSeedIsTheSameToTheByte) {
  const auto run = [] {
    Meeting meeting(With(Role::kControlling), With(Role::kControlled), 20ms, 11);
    meeting.net.RunUntil(At(20s));
    std::vector<std::vector<std::uint8_t>> bytes;
    for (const WirePacket& packet : meeting.net.packets()) bytes.push_back(packet.bytes);
    return bytes;
  };
  EXPECT_EQ(run(), run());
}

// With a STUN server that does not answer, gathering lasts until the deadline, and the result names the server.
TEST(Gathering, AnUnansweredServerCostsTheDeadlineAndIsNamed) {
  AgentOptions options;
  options.stun_servers = {Addr("198.51.100.1:3478"), Addr("198.51.100.2:3478")};
  LoneAgent lone(options);
  lone.RunFor(1049ms);
  EXPECT_EQ(lone.Count<GatheringDone>(), 0);
  lone.RunFor(1ms);  // The second request was first sent at 50 ms.
  EXPECT_EQ(lone.Count<GatheringDone>(), 1);
  const std::vector<UnansweredRequest> unanswered = lone.agent().UnansweredRequests();
  ASSERT_EQ(unanswered.size(), 2u);
  EXPECT_EQ(unanswered[0].server, Addr("198.51.100.1:3478"));
  EXPECT_EQ(lone.agent().LocalDescription().candidates.size(), 1u);
}

TEST(Gathering, AnAnswerAfterTheDeadlineYieldsNoCandidate) {
  AgentOptions options;
  options.stun_servers = {Addr("198.51.100.1:3478")};
  LoneAgent lone(options);
  const std::vector<Sent> requests = lone.TakeSent(PacketClass::kDiscovery);
  ASSERT_EQ(requests.size(), 1u);
  lone.RunFor(1s);
  ASSERT_EQ(lone.Count<GatheringDone>(), 1);
  const int found = lone.Count<CandidateFound>();
  lone.AnswerSuccess(requests[0], Addr("203.0.113.7:7777"));
  EXPECT_EQ(lone.Count<CandidateFound>(), found);
  EXPECT_EQ(lone.agent().LocalCandidates().size(), 1u);
  EXPECT_EQ(lone.agent().UnansweredRequests().size(), 1u);
}

TEST(Gathering, EndsAtOnceWhenEverythingIsAnswered) {
  AgentOptions options;
  options.stun_servers = {Addr("198.51.100.1:3478")};
  LoneAgent lone(options);
  const std::vector<Sent> requests = lone.TakeSent(PacketClass::kDiscovery);
  ASSERT_EQ(requests.size(), 1u);
  lone.AnswerSuccess(requests[0], Addr("203.0.113.7:7777"));
  EXPECT_EQ(lone.Count<GatheringDone>(), 1);
  const Description description = lone.agent().LocalDescription();
  ASSERT_EQ(description.candidates.size(), 2u);
  EXPECT_EQ(description.candidates[1].address, Addr("203.0.113.7:7777"));
  EXPECT_EQ(description.candidates[1].priority, 1694498815u);
}

TEST(Gathering, WithheldTypesAreNotTold) {
  AgentOptions options;
  options.stun_servers = {Addr("198.51.100.1:3478")};
  options.host_candidates = false;
  LoneAgent lone(options);
  lone.AnswerSuccess(lone.TakeSent(PacketClass::kDiscovery)[0], Addr("203.0.113.7:7777"));
  const Description description = lone.agent().LocalDescription();
  ASSERT_EQ(description.candidates.size(), 1u);
  EXPECT_EQ(description.candidates[0].type, CandidateType::kServerReflexive);
}

TEST(Gathering, AnAgentWithoutAnyAddressFailsWithPhaseAndReason) {
  LoneAgent lone({}, {});
  ASSERT_TRUE(lone.agent().failure().has_value());
  EXPECT_EQ(lone.agent().failure()->phase, Phase::kGathering);
  EXPECT_EQ(lone.agent().failure()->reason, FailureReason::kNoLocalCandidates);
}

TEST(Failure, SaysThatThePeerToldNothing) {
  LoneAgent lone;
  lone.RunFor(200s);
  ASSERT_TRUE(lone.agent().failure().has_value());
  EXPECT_EQ(lone.agent().failure()->reason, FailureReason::kNoRemoteDescription);
  EXPECT_EQ(*lone.agent().times().failed, At(120s));
}

TEST(Failure, SaysThatNothingCouldBePaired) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("[2001:db8::9]:9000")});
  lone.RunFor(60s);
  ASSERT_TRUE(lone.agent().failure().has_value());
  EXPECT_EQ(lone.agent().failure()->reason, FailureReason::kNoPairs);
}

TEST(Failure, AControlledAgentDoesNotWaitForEverForANomination) {
  LoneAgent lone(With(Role::kControlled));
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  lone.AnswerSuccess(lone.NextCheck());
  lone.RunFor(200s);
  ASSERT_TRUE(lone.agent().failure().has_value());
  EXPECT_EQ(lone.agent().failure()->reason, FailureReason::kNominationNeverCame);
  EXPECT_EQ(*lone.agent().times().failed, At(39500ms + 60s));
}

// The peer sends plain checks, each a new transaction: on the valid pair, on a pair that never gets a response, or from
// a new port each time.
TEST(Failure, PlainChecksOfThePeerDoNotPutOffTheEndOfTheWaitForANomination) {
  enum class From { kValidPair, kSilentPair, kNewPort };
  for (From from : {From::kValidPair, From::kSilentPair, From::kNewPort}) {
    AgentOptions options = With(Role::kControlled);
    options.prflx_port_limit = 1000;
    options.consent.enabled = false;
    LoneAgent lone(options);
    lone.SetRemote({LoneAgent::Host("192.0.2.9:9000"), LoneAgent::Host("192.0.2.8:9000", "2", 1, 0, 7)});
    lone.AnswerSuccess(lone.NextCheck());
    std::uint16_t port = 10000;
    while (!lone.agent().failure().has_value() && lone.now() < At(600s)) {
      SocketAddress source = kPeer;
      if (from == From::kSilentPair) source = Addr("192.0.2.8:9000");
      if (from == From::kNewPort) source = kPeer.WithPort(port++);
      lone.ReceiveCheck(source, {.role = Role::kControlling});
      lone.RunFor(5s);
    }
    SCOPED_TRACE(static_cast<int>(from));
    ASSERT_TRUE(lone.agent().failure().has_value());
    EXPECT_EQ(lone.agent().failure()->reason, FailureReason::kNominationNeverCame);
    // From the end of the PAC timer, or of the silent pair's first check unless the peer's has replaced it.
    const Instant first_check = *lone.PairTo(Addr("192.0.2.8:9000")).first_check;
    const Instant ended = from == From::kSilentPair ? At(39500ms) : first_check + 39500ms;
    EXPECT_EQ(*lone.agent().times().failed, ended + 60s);
  }
}

TEST(Data, ComesInOnAnyValidPairAndFromNobodyElse) {
  LoneAgent lone(With(Role::kControlled));
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000"), LoneAgent::Host("192.0.2.8:9000", "2")});
  const std::vector<std::uint8_t> data = {200, 1, 2};
  const Sent check = lone.NextCheck();
  lone.Receive(check.to, data);
  EXPECT_TRUE(lone.data().empty());  // Not yet valid.
  lone.AnswerSuccess(check);
  lone.Receive(check.to, data);
  lone.Receive(Addr("203.0.113.66:9000"), data);
  EXPECT_EQ(lone.data().size(), 1u);
}

TEST(Data, CarriesTheTagOfItsDatagramAndGoesOutWithTheCauseGiven) {
  LoneAgent lone;
  lone.SetRemote({LoneAgent::Host("192.0.2.9:9000")});
  EXPECT_FALSE(lone.agent().SendData(lone.now(), 0, 1, std::vector<std::uint8_t>{200}, {77}));
  lone.AnswerSuccess(lone.NextCheck());
  EXPECT_TRUE(lone.agent().SendData(lone.now(), 0, 1, std::vector<std::uint8_t>{200}, {77}));
  const std::optional<Output> output = lone.agent().PollOutput();
  ASSERT_TRUE(output.has_value());
  const auto& send = std::get<SendDatagram>(*output);
  EXPECT_EQ(send.packet_class, PacketClass::kData);
  EXPECT_EQ(send.cause.value, 77u);
  EXPECT_EQ(send.to, kPeer);
}

TEST(Trickle, CandidatesThatComeLateArePairedAndChecked) {
  LoneAgent lone;
  Description remote = LoneAgent::Remote({});
  remote.complete = false;
  lone.SetRemote(remote);
  lone.RunFor(1s);
  EXPECT_TRUE(lone.TakeSent().empty());
  lone.agent().AddRemoteCandidate(lone.now(), LoneAgent::Host("192.0.2.9:9000"));
  lone.Drain();
  lone.AnswerSuccess(lone.NextCheck());
  lone.RunFor(5s);
  EXPECT_EQ(lone.Count<PairNominated>(), 0);  // A better one may still come ...
  lone.agent().EndOfRemoteCandidates(lone.now());
  lone.Drain();
  EXPECT_TRUE(lone.NextCheck().message().Has(stun::AttributeType::kUseCandidate));  // ... and now not.
}

// A check arrives before the peer's candidate: the candidate is learned from the check and told afterwards.
TEST(Trickle, ALearnedCandidateThatIsToldLaterKeepsItsPair) {
  LoneAgent lone;
  Description remote = LoneAgent::Remote({});
  remote.complete = false;
  lone.SetRemote(remote);
  lone.ReceiveCheck(kPeer);
  lone.AnswerSuccess(lone.NextCheck());
  EXPECT_EQ(lone.PairTo(kPeer).remote.type, CandidateType::kPeerReflexive);
  lone.agent().AddRemoteCandidate(lone.now(), LoneAgent::Host("192.0.2.9:9000"));
  lone.Drain();
  EXPECT_EQ(lone.agent().CheckListSnapshot().size(), 1u);
  EXPECT_EQ(lone.PairTo(kPeer).remote.type, CandidateType::kHost);
  EXPECT_EQ(lone.PairTo(kPeer).state, PairState::kSucceeded);
}

// Both agents are on one LAN behind a NAT that hairpins with the internal source, and host candidates are withheld.
TEST(Session, InternalSourceHairpinKillsTheReflexivePairAndAPeerReflexiveOneConnects) {
  TestNetwork net;
  const SocketAddress server = Addr("198.51.100.1:3478");
  net.AddServer(server);
  AgentOptions a_options = With(Role::kControlling), b_options = With(Role::kControlled);
  for (AgentOptions* options : {&a_options, &b_options}) {
    options->stun_servers = {server};
    options->host_candidates = false;
  }
  const int a = net.Add("alice", a_options, {Local("192.168.1.2")});
  const int b = net.Add("bob", b_options, {Local("192.168.1.3")});
  net.set_hairpin(Addr("203.0.113.1:20000"), {a, b}, server);
  net.Introduce(a, b);
  net.Start(a);
  net.Start(b);
  net.RunUntilConcluded(a, b, At(60s));
  ExpectAgreement(net, a, b);
  EXPECT_EQ(net.agent(a).SelectedPair(0, 1)->remote.type, CandidateType::kPeerReflexive);
  EXPECT_EQ(net.agent(b).SelectedPair(0, 1)->remote.type, CandidateType::kPeerReflexive);
  for (int side : {a, b}) {
    const std::vector<PairView> pairs = net.agent(side).CheckListSnapshot();
    EXPECT_EQ(pairs.front().remote.type, CandidateType::kServerReflexive);
    EXPECT_EQ(pairs.front().end, PairEnd::kNotSymmetric);
  }
}

}  // namespace
}  // namespace pinhole::ice
