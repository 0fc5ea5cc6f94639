// The oracle's predictions about techniques without ICE, compared with the rules of RFC 9293 and RFC 5382 for each
// segment.
#include <chrono>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "scenarios/oracle/techniques.h"

namespace pinhole::scenarios::oracle {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr proto::Punching::Technique kTcpTechniques[] = {
    proto::Punching::CONNECT,     proto::Punching::SIMULTANEOUS_OPEN,     proto::Punching::SYN_THEN_LISTEN,
    proto::Punching::LOW_TTL_SYN, proto::Punching::FORGED_GUESSED_NUMBER, proto::Punching::FORGED_EXCHANGED_NUMBER,
};

// Two NATs as RFC 5382 recommends, except that they filter by port and answer nothing.
PunchingModel Homes(proto::Punching::Technique technique) {
  PunchingModel punching;
  punching.technique = technique;
  punching.a.host = "alice";
  punching.a.nat = "home_a";
  punching.b.host = "bob";
  punching.b.nat = "home_b";
  punching.answer_time = 20ms;
  punching.reopen_time = 60ms;
  return punching;
}
PunchingHome& SideOf(PunchingModel& punching, int side) { return side == 0 ? punching.a : punching.b; }

testing::AssertionResult Is(const Prediction& prediction, std::vector<Outcome> outcomes) {
  if (prediction.outcomes == outcomes) return testing::AssertionSuccess();
  return testing::AssertionFailure() << Summary(prediction) << ": " << prediction.reason;
}
testing::AssertionResult Connects(const PunchingModel& p) { return Is(PredictPunching(p), {Outcome::kDirect}); }
testing::AssertionResult Fails(const PunchingModel& p) { return Is(PredictPunching(p), {Outcome::kFailed}); }
testing::AssertionResult Depends(const PunchingModel& p) {
  return Is(PredictPunching(p), {Outcome::kDirect, Outcome::kFailed});
}

TEST(Techniques, BetweenTwoNatsOfRfc5382AllWorkButAPlainConnectAndAGuess) {
  for (const proto::Punching::Technique technique : kTcpTechniques) {
    const bool works = technique != proto::Punching::CONNECT && technique != proto::Punching::FORGED_GUESSED_NUMBER;
    EXPECT_TRUE(works ? Connects(Homes(technique)) : Fails(Homes(technique))) << static_cast<int>(technique);
  }
  EXPECT_TRUE(Connects(Homes(proto::Punching::UDP)));
}

TEST(Techniques, APlainConnectNeedsANatThatLetsStrangersIn) {
  PunchingModel punching = Homes(proto::Punching::CONNECT);
  punching.a.tcp.nat.filtering = Dependence::kEndpointIndependent;
  EXPECT_TRUE(Fails(punching));
  punching.b.tcp.nat.filtering = Dependence::kAddressDependent;
  EXPECT_TRUE(Fails(punching));
  punching.b.tcp.nat.filtering = Dependence::kEndpointIndependent;
  EXPECT_TRUE(Connects(punching));
  // The side that connects may do so from any port, but the other side must answer from the port to which it connected.
  punching.a.tcp.nat.mapping = Dependence::kAddressAndPortDependent;
  EXPECT_TRUE(Connects(punching));
  punching.b.tcp.nat.mapping = Dependence::kAddressAndPortDependent;
  EXPECT_TRUE(Fails(punching));
  punching.b.tcp.nat.inbound_sessions = true;
  EXPECT_TRUE(Connects(punching));
}

// RFC 9293 §3.4.1: a connection is a pair of endpoints.
TEST(Techniques, ASegmentFromAnotherPortThanWasToldBelongsToNoConnection) {
  for (const proto::Punching::Technique technique :
       {proto::Punching::SIMULTANEOUS_OPEN, proto::Punching::SYN_THEN_LISTEN, proto::Punching::LOW_TTL_SYN,
        proto::Punching::FORGED_EXCHANGED_NUMBER}) {
    for (int side : {0, 1}) {
      PunchingModel punching = Homes(technique);
      SideOf(punching, side).tcp.nat.mapping = Dependence::kAddressDependent;
      EXPECT_TRUE(Fails(punching)) << static_cast<int>(technique) << " " << side;
      punching.disturbed = "loss on alice.eth0";
      EXPECT_TRUE(Fails(punching)) << static_cast<int>(technique) << " " << side;
    }
  }
  // A listener accepts every connection that its NAT lets in, and a session that a SYN from outside has made keeps its
  // endpoint.
  PunchingModel punching = Homes(proto::Punching::SYN_THEN_LISTEN);
  punching.b.tcp.nat.mapping = Dependence::kAddressDependent;
  punching.a.tcp.nat.filtering = Dependence::kAddressDependent;
  EXPECT_TRUE(Depends(punching));
  punching.a.tcp.nat.filtering = Dependence::kAddressAndPortDependent;
  punching.b.tcp.nat.inbound_sessions = true;
  EXPECT_TRUE(Fails(punching));
  punching.several_tries = true;  // the SYN of one lets in that of the next
  EXPECT_TRUE(Depends(punching));
  punching.several_tries = false;
  punching.b.tcp.nat.filtering = Dependence::kEndpointIndependent;
  EXPECT_TRUE(Depends(punching));
}

TEST(Techniques, ATupleThatKeepsItsPortIsWhereThePeerWasTold) {
  PunchingModel punching = Homes(proto::Punching::SIMULTANEOUS_OPEN);
  punching.a.tcp.nat.per_tuple = true;
  EXPECT_TRUE(Connects(punching));
  punching.a.tcp.nat.keeps_port = false;
  EXPECT_TRUE(Fails(punching));
}

// RFC 5382 §4.2 REQ-2.
TEST(Techniques, SynsThatCrossPassUnlessBothNatsRefuseThem) {
  for (const proto::Punching::Technique technique :
       {proto::Punching::SIMULTANEOUS_OPEN, proto::Punching::LOW_TTL_SYN}) {
    PunchingModel punching = Homes(technique);
    punching.b.tcp.simultaneous_open = false;
    EXPECT_TRUE(Depends(punching));
    punching.a.tcp.simultaneous_open = false;
    EXPECT_TRUE(Fails(punching));
  }
}

TEST(Techniques, WhoIsFirstIsLeftOpen) {
  for (const proto::Punching::Technique technique :
       {proto::Punching::SIMULTANEOUS_OPEN, proto::Punching::SYN_THEN_LISTEN, proto::Punching::LOW_TTL_SYN,
        proto::Punching::FORGED_EXCHANGED_NUMBER, proto::Punching::UDP}) {
    PunchingModel punching = Homes(technique);
    punching.disturbed = "timing_error_us";
    EXPECT_TRUE(Depends(punching)) << static_cast<int>(technique);
    EXPECT_THAT(PredictPunching(punching).reason, HasSubstr("timing_error_us"));
  }
  PunchingModel guess = Homes(proto::Punching::FORGED_GUESSED_NUMBER);
  guess.disturbed = "timing_error_us";
  EXPECT_TRUE(Fails(guess));
}

TEST(Techniques, OtherPlacesThanTwoHomesAreLeftOpen) {
  for (const proto::Punching::Technique technique : kTcpTechniques) {
    PunchingModel punching = Homes(technique);
    punching.beyond = "home_a is behind another NAT";
    EXPECT_TRUE(Depends(punching));
  }
}

// RFC 7857 §2.2 has a RST that comes in leave the entry for a while; RFC 5382 §7.3 REQ-10 says so of ICMP.
TEST(Techniques, AnAnswerToTheFirstSynEndsSynThenListenWhereItEndsTheEntry) {
  struct Row {
    Answer answer;
    bool reset_forgets;
    bool icmp_forgets;
    bool connects;
  };
  constexpr Row kRows[] = {
      {Answer::kNone, true, true, true},  {Answer::kReset, false, true, true}, {Answer::kReset, true, false, false},
      {Answer::kIcmp, true, false, true}, {Answer::kIcmp, false, true, false},
  };
  for (const Row& row : kRows) {
    PunchingModel punching = Homes(proto::Punching::SYN_THEN_LISTEN);
    punching.b.unsolicited = row.answer;
    punching.a.tcp.reset_forgets = row.reset_forgets;
    punching.a.tcp.icmp_forgets = row.icmp_forgets;
    EXPECT_TRUE(row.connects ? Connects(punching) : Fails(punching));
    // Entries of earlier attempts may let a later attempt in. A technique that works at the first attempt still works.
    punching.several_tries = true;
    EXPECT_TRUE(row.connects ? Connects(punching) : Depends(punching));
    // RFC 5382 §4.3 REQ-4: the SYN is held until bob's goes out, and then dropped without a word.
    punching.b.tcp.hold = 6s;
    EXPECT_TRUE(Connects(punching));
    punching.b.tcp.hold = 30ms;
    EXPECT_TRUE(row.connects ? Connects(punching) : Depends(punching));
  }
}

// RFC 6528: a number is 1 ahead for each 4 us; a SYN's window is 65,535 at most.
TEST(Techniques, AListenersNumberIsInTheWindowThatItsNatRemembersForAQuarterOfASecond) {
  PunchingModel punching = Homes(proto::Punching::SYN_THEN_LISTEN);
  punching.a.tcp.tracks_numbers = true;
  EXPECT_TRUE(Connects(punching));
  punching.reopen_time = 300ms;
  EXPECT_TRUE(Depends(punching));
  punching.a.tcp.tracks_numbers = false;
  EXPECT_TRUE(Connects(punching));
}

// RFC 9293 §3.9.2.2: time exceeded is a soft error, and must not end a connect.
TEST(Techniques, AHostThatGivesUpForASoftErrorLosesWhereItIsTold) {
  for (const proto::Punching::Technique technique :
       {proto::Punching::LOW_TTL_SYN, proto::Punching::FORGED_EXCHANGED_NUMBER}) {
    for (int side : {0, 1}) {
      PunchingModel punching = Homes(technique);
      SideOf(punching, side).gives_up = true;
      EXPECT_TRUE(Fails(punching));
      SideOf(punching, side).tcp.passes_icmp = false;
      EXPECT_TRUE(Connects(punching));
      SideOf(punching, side).tcp.passes_icmp = true;
      punching.tells_exceeded = false;
      EXPECT_TRUE(Connects(punching));
    }
  }
}

// RFC 5382 §7.3 REQ-10. The SYN that is sent again makes a new entry; a forged SYN,ACK has come and gone by then.
TEST(Techniques, AnEntryThatTimeExceededClosesIsMissedByAForgedSynAckAndByNothingElse) {
  for (int side : {0, 1}) {
    PunchingModel punching = Homes(proto::Punching::LOW_TTL_SYN);
    SideOf(punching, side).tcp.icmp_forgets = true;
    EXPECT_TRUE(Connects(punching));
    punching.technique = proto::Punching::FORGED_EXCHANGED_NUMBER;
    EXPECT_TRUE(Fails(punching));
    punching.tells_exceeded = false;
    EXPECT_TRUE(Connects(punching));
  }
}

TEST(Techniques, AnExchangedNumberIsRightUnlessANatRewritesIt) {
  for (int side : {0, 1}) {
    PunchingModel punching = Homes(proto::Punching::FORGED_EXCHANGED_NUMBER);
    SideOf(punching, side).rewrites_numbers = true;
    EXPECT_TRUE(Fails(punching));
    punching.technique = proto::Punching::SIMULTANEOUS_OPEN;
    EXPECT_TRUE(Connects(punching));
  }
}

// The rendezvous cannot send with the source address of another host, because of BCP 38 or its own permissions.
TEST(Techniques, ARendezvousThatCannotForgeOpensNothing) {
  PunchingModel punching = Homes(proto::Punching::FORGED_EXCHANGED_NUMBER);
  punching.forges = false;
  EXPECT_TRUE(Fails(punching));
  punching.technique = proto::Punching::LOW_TTL_SYN;
  EXPECT_TRUE(Connects(punching));
}

TEST(Techniques, DatagramsGoByTheRuleOfPunching) {
  PunchingModel punching = Homes(proto::Punching::UDP);
  punching.a.udp.mapping = Dependence::kAddressAndPortDependent;
  EXPECT_TRUE(Fails(punching));  // home_b filters by port
  punching.b.udp.filtering = Dependence::kEndpointIndependent;
  EXPECT_TRUE(Depends(punching));
}

}  // namespace
}  // namespace pinhole::scenarios::oracle
