#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "scenarios/judge/verdict.h"
#include "scenarios/language/load.h"
#include "scenarios/oracle/extract.h"

// The oracle on loaded files: the model that it makes of a cell, and its agreement with the expectations of the
// library.
namespace pinhole::scenarios {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Scenario Load(const std::string& text) {
  MemoryFiles files({{"test.textproto", text}});
  absl::StatusOr<Scenario> scenario = LoadScenario("test.textproto", files);
  EXPECT_TRUE(scenario.ok()) << scenario.status();
  return scenario.value_or(Scenario());
}

Prediction PredictFirst(const std::string& changes) {
  const Scenario scenario = Load("name: 'test' base: 'topologies/two_homes.textproto' " + changes);
  if (scenario.cells().empty()) return {};
  const absl::StatusOr<Prediction> prediction = Predict(scenario.Resolve(scenario.cells().front()).file());
  EXPECT_TRUE(prediction.ok()) << prediction.status();
  return prediction.value_or(Prediction());
}

std::string Nats(const std::string& a, const std::string& b) {
  return "topology { nat { name: 'home_a' profile: '" + a + "' } nat { name: 'home_b' profile: '" + b + "' } } ";
}

constexpr char kNoTurn[] = "session { name: 'call' turn: NONE } ";

TEST(OracleCells, ProfilesAndTurnDecide) {
  EXPECT_THAT(PredictFirst(Nats("port-restricted-cone", "port-restricted-cone")).outcomes,
              ElementsAre(Outcome::kDirect));
  EXPECT_THAT(PredictFirst(Nats("symmetric", "port-restricted-cone")).outcomes, ElementsAre(Outcome::kRelayed));
  const Prediction failed = PredictFirst(Nats("symmetric", "port-restricted-cone") + kNoTurn);
  EXPECT_THAT(failed.outcomes, ElementsAre(Outcome::kFailed));
  EXPECT_THAT(failed.reason, HasSubstr("home_b filters by port and home_a maps by port"));
}

TEST(OracleCells, FieldsOverrideTheProfile) {
  EXPECT_THAT(PredictFirst("topology { nat { name: 'home_a' profile: 'symmetric' } "
                           "nat { name: 'home_b' profile: 'port-restricted-cone' "
                           "udp { filtering: ADDRESS_DEPENDENT } } }")
                  .outcomes,
              ElementsAre(Outcome::kDirect));
}

TEST(OracleCells, ConnectionTrackingProfiles) {
  EXPECT_THAT(PredictFirst(Nats("linux-masquerade", "linux-masquerade")).outcomes, ElementsAre(Outcome::kDirect));
  EXPECT_THAT(PredictFirst(Nats("linux-masquerade", "linux-random-fully")).outcomes, ElementsAre(Outcome::kRelayed));
  EXPECT_THAT(PredictFirst(Nats("linux-input-accept", "linux-input-accept")).outcomes, ElementsAre(Outcome::kDirect));
  EXPECT_THAT(PredictFirst(Nats("linux-input-accept", "linux-masquerade") +
                           "session { name: 'call' peer { name: 'bob' start_offset_us: 5000000 } }")
                  .outcomes,
              ElementsAre(Outcome::kRelayed));
}

TEST(OracleCells, ServersThatDoNotAnswerAreNoServers) {
  for (const char* state : {"SILENT", "CLOSED"}) {
    EXPECT_THAT(PredictFirst(std::string("topology { server { name: 'relay' state: ") + state + " } }").outcomes,
                ElementsAre(Outcome::kFailed));
  }
}

TEST(OracleCells, LossNamesTheLink) {
  const Prediction prediction =
      PredictFirst("topology { host { name: 'alice' interface { name: 'eth0' up { loss_ppm: 10000 } } } }");
  EXPECT_TRUE(prediction.depends());
  EXPECT_EQ(prediction.depends_on, DependsOn::kChance);
  EXPECT_THAT(prediction.reason, HasSubstr("alice.eth0 loses packets"));
}

// alice - hall - home_a, where hall is a router.
std::string BehindHall(const std::string& link) {
  return "topology { network { name: 'attic' } router { name: 'hall' "
         "interface { name: 'down' network: 'attic' address: '192.168.3.1/24' link { " +
         link +
         " } } interface { name: 'up' network: 'lan_a' address: '192.168.1.2/24' gateway: '192.168.1.1' } } "
         "host { name: 'alice' interface { name: 'eth0' network: 'attic' address: '192.168.3.10/24' } } } ";
}

TEST(OracleCells, RoutersLoseAndDelayToo) {
  EXPECT_THAT(PredictFirst(BehindHall("")).outcomes, ElementsAre(Outcome::kDirect));
  EXPECT_THAT(PredictFirst(BehindHall("loss_ppm: 10000")).reason, HasSubstr("hall.down loses packets"));
  // 1040 ms to the server and back, and a second to gather.
  EXPECT_THAT(PredictFirst(BehindHall("delay_us: 500000")).outcomes, ElementsAre(Outcome::kFailed));
}

TEST(OracleCells, WhatCannotBeForeseenIsNamed) {
  const std::string home_a = "topology { nat { name: 'home_a' ";
  const struct {
    std::string changes;
    const char* reason;
  } kRows[] = {
      {home_a + "udp { idle_timeout_us: 4999000 } } }", "home_a forgets after 4999 ms"},
      {home_a + "udp { idle_timeout_us: 9000000 } } } session { name: 'call' peer { name: 'bob' "
                "start_offset_us: 5000000 } }",
       "home_a forgets after 9000 ms"},
      {home_a + "udp { destination_ring: 23 } } }", "home_a remembers 23 destinations"},
      {home_a + "limits { mappings_per_host_max: 23 } } }", "home_a has room for 23 mappings"},
      {home_a + "limits { mappings_max: 23 } } }", "home_a has room for 23 mappings"},
      {"topology { host { name: 'bob' interface { name: 'eth0' down { outage { start_us: 1 length_us: 1 } } } } }",
       "bob.eth0 has outages"},
      {"topology { host { name: 'bob' interface { name: 'eth0' down { burst_loss { good_to_bad_ppm: 1 } } } } }",
       "bob.eth0 loses packets"},
      {home_a +
           "udp { unsolicited: ICMP_PORT_UNREACHABLE } } } session { name: 'call' agent { icmp_fails_pairs: true } }",
       "unless an ICMP error is first"},
  };
  for (const auto& row : kRows) {
    const Prediction prediction = PredictFirst(row.changes);
    EXPECT_TRUE(prediction.depends()) << row.changes;
    EXPECT_THAT(prediction.reason, HasSubstr(row.reason));
  }
  for (const char* ample :
       {"udp { idle_timeout_us: 5000000 }", "udp { destination_ring: 24 }", "limits { mappings_per_host_max: 24 }"}) {
    EXPECT_FALSE(PredictFirst(home_a + ample + " } }").depends()) << ample;
  }
}

// With overloaded ports a host has one external port for every destination, whatever the mapping is called.
TEST(OracleCells, OverloadedPortsLookLikeOneMapping) {
  const auto outcomes = [](const char* policy) {
    return PredictFirst("topology { nat { name: 'home_a' profile: 'symmetric' udp { ports { policy: " +
                        std::string(policy) + " } } } } " + kNoTurn)
        .outcomes;
  };
  EXPECT_THAT(outcomes("RANDOM"), ElementsAre(Outcome::kFailed));
  EXPECT_THAT(outcomes("PRESERVE_WITH_OVERLOADING"), ElementsAre(Outcome::kDirect));
}

bool Means(proto::Outcome::Kind kind, const Prediction& prediction) {
  switch (kind) {
    case proto::Outcome::CONNECTED:
      return prediction.Allows(Outcome::kDirect) || prediction.Allows(Outcome::kRelayed);
    case proto::Outcome::DIRECT:
      return prediction.Allows(Outcome::kDirect);
    case proto::Outcome::RELAYED:
      return prediction.Allows(Outcome::kRelayed);
    case proto::Outcome::FAILED:
      return prediction.Allows(Outcome::kFailed);
    case proto::Outcome::UNDECIDED:
      return true;
  }
  return false;
}

// The oracle and the author of the expectations are independent, and must agree.
class OracleOnLibrary : public testing::TestWithParam<std::string> {};

TEST_P(OracleOnLibrary, AgreesWithEveryExpectedOutcome) {
  SystemFiles files;
  const absl::StatusOr<Scenario> scenario = LoadScenario(GetParam(), files);
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  for (const Cell& cell : scenario->cells()) {
    const proto::Scenario resolved = scenario->Resolve(cell).file();
    for (int session = 0; session < resolved.session_size(); ++session) {
      const absl::StatusOr<Prediction> prediction = Predict(resolved, session);
      ASSERT_TRUE(prediction.ok()) << prediction.status();
      EXPECT_FALSE(prediction->reason.empty());
      for (int index : cell.expectations) {
        const proto::Expect& expect = scenario->file().expect(index);
        if (!expect.has_outcome() || expect.has_xfail() || expect.has_share_min_ppm()) continue;
        if (expect.has_session() && expect.session() != resolved.session(session).name()) continue;
        EXPECT_TRUE(Means(expect.outcome(), *prediction))
            << cell.id << ": expected " << proto::Outcome::Kind_Name(expect.outcome()) << ", the oracle says "
            << Summary(*prediction) << ": " << prediction->reason;
      }
    }
  }
}

std::vector<std::string> LibraryFiles() {
  SystemFiles files;
  return files.List("builtin:library");
}

INSTANTIATE_TEST_SUITE_P(Library, OracleOnLibrary, testing::ValuesIn(LibraryFiles()),
                         [](const testing::TestParamInfo<std::string>& param) {
                           const std::string stem = param.param.substr(param.param.rfind('/') + 1);
                           return stem.substr(0, stem.find('.'));
                         });

TEST(OracleCells, NothingInTheMatricesIsLeftToOrderOrChance) {
  SystemFiles files;
  for (const char* file : {"library/nat_matrix.textproto", "library/nat_matrix_udp_and_tcp.textproto"}) {
    const absl::StatusOr<Scenario> scenario = LoadScenario(file, files);
    ASSERT_TRUE(scenario.ok()) << scenario.status();
    for (const Cell& cell : scenario->cells()) {
      const absl::StatusOr<Prediction> prediction = Predict(scenario->Resolve(cell).file());
      ASSERT_TRUE(prediction.ok()) << prediction.status();
      EXPECT_FALSE(prediction->depends()) << cell.id << ": " << prediction->reason;
    }
  }
}

// A UDP mapping that expires while one side waits for the other does not matter for a session over TCP.
TEST(OracleCells, EachTransportForgetsByItsOwnTimers) {
  const auto offset_by_40_s = [](const std::string& agent, const std::string& home_a = "") {
    return PredictFirst(
        "topology { server { name: 'relay' tcp_port: 443 } nat { name: 'home_a' profile: "
        "'linux-masquerade' " +
        home_a +
        "} nat { name: 'home_b' profile: 'linux-masquerade' } } "
        "session { name: 'call' turn: NONE agent { " +
        agent +
        " } "
        "peer { name: 'bob' start_offset_us: 40000000 } }");
  };
  const std::string tcp = "tcp { simultaneous_open: true }", only = " withhold_udp: true";
  const Prediction over_udp = offset_by_40_s("");
  EXPECT_THAT(over_udp.outcomes, ElementsAre(Outcome::kDirect, Outcome::kFailed));
  EXPECT_THAT(over_udp.reason, testing::HasSubstr("home_a forgets after 30000 ms"));
  const Prediction over_tcp = offset_by_40_s(tcp + only);
  EXPECT_THAT(over_tcp.outcomes, ElementsAre(Outcome::kDirect)) << over_tcp.reason;
  EXPECT_THAT(over_tcp.reason, testing::Not(testing::HasSubstr("forgets")));
  // Whatever becomes of UDP, TCP connects.
  EXPECT_THAT(offset_by_40_s(tcp).outcomes, ElementsAre(Outcome::kDirect));
  const Prediction forgetful = offset_by_40_s(tcp + only, "tcp { established_timeout_us: 30000000 } ");
  EXPECT_THAT(forgetful.outcomes, ElementsAre(Outcome::kDirect, Outcome::kFailed));
  EXPECT_THAT(forgetful.reason, testing::HasSubstr("home_a forgets a connection after 30000 ms"));
}

// Start offsets and delays decide which side is first, except where the difference is only about a millisecond.
TEST(OracleCells, TimesTellWhoIsFirstInAllButAFewCells) {
  SystemFiles files;
  const absl::StatusOr<Scenario> scenario = LoadScenario("library/who_is_first.textproto", files);
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  std::vector<std::string> depends;
  for (const Cell& cell : scenario->cells()) {
    const absl::StatusOr<Prediction> prediction = Predict(scenario->Resolve(cell).file());
    ASSERT_TRUE(prediction.ok()) << prediction.status();
    if (prediction->depends()) depends.push_back(cell.id);
  }
  EXPECT_GE(scenario->cells().size(), 1900u);
  EXPECT_LE(depends.size(), scenario->cells().size() / 100) << depends.front();
}

// The tcp fields of a NAT decide about TCP, and the agent's tcp fields decide which candidates a side gathers.
TEST(OracleCells, TcpFieldsDecideOverTcp) {
  const auto over_tcp = [](const std::string& home_a, const std::string& home_b,
                           const std::string& types = "simultaneous_open: true", int alice_late_us = 0) {
    const std::string late =
        " peer { name: 'alice' agent { tcp { head_start_us: " + std::to_string(alice_late_us) + " } } }";
    return PredictFirst("topology { server { name: 'relay' tcp_port: 443 } nat { name: 'home_a' tcp { " + home_a +
                        " } } nat { name: 'home_b' tcp { " + home_b +
                        " } } } session { name: 'call' turn: NONE agent { withhold_udp: true tcp { " + types + " } }" +
                        late + " }")
        .outcomes;
  };
  const std::string so = "simultaneous_open: true", rst = "unsolicited: TCP_RST unsolicited_hold_us: 0";
  EXPECT_THAT(over_tcp("", ""), ElementsAre(Outcome::kDirect));
  EXPECT_THAT(over_tcp("", "", "active: true"), ElementsAre(Outcome::kFailed));
  EXPECT_THAT(over_tcp("", "", "simultaneous_open: true server_reflexive: false"), ElementsAre(Outcome::kFailed));
  EXPECT_THAT(over_tcp("mapping: ADDRESS_DEPENDENT", "mapping: ADDRESS_DEPENDENT"), ElementsAre(Outcome::kFailed));
  EXPECT_THAT(over_tcp("simultaneous_open: false", "simultaneous_open: false"), ElementsAre(Outcome::kFailed));
  // Alice's SYN leaves 30 ms after Bob's, which takes 20.
  EXPECT_THAT(over_tcp(rst, "on_reset: DELETES"), ElementsAre(Outcome::kDirect));
  EXPECT_THAT(over_tcp(rst, "on_reset: DELETES", so, 30000), ElementsAre(Outcome::kFailed));
  EXPECT_THAT(over_tcp(rst, "on_reset: IGNORED", so, 30000), ElementsAre(Outcome::kDirect));
  EXPECT_THAT(over_tcp(rst, "on_reset: DELETES", so + " on_reset: RETRY", 30000), ElementsAre(Outcome::kDirect));
  EXPECT_THAT(over_tcp("unsolicited: TCP_RST", "on_reset: DELETES", so, 30000), ElementsAre(Outcome::kDirect));
}

}  // namespace
}  // namespace pinhole::scenarios
