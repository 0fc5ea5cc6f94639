// One test per MUST of RFC 8489 §9.1 and §9.2 that applies (rfc8489.md lists the others).
#include <array>
#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/random.h"
#include "stun/attributes.h"
#include "stun/binding_server.h"
#include "stun/long_term.h"
#include "stun/message.h"
#include "stun/message_builder.h"
#include "stun/nonce.h"
#include "stun/short_term.h"
#include "tests/stun/turn_client_bench.h"

namespace pinhole::stun {
namespace {

using namespace std::chrono_literals;

constexpr TransactionId kId = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};
const net::SocketAddress kFrom(net::IpAddress::V4(203, 0, 113, 5), 40000);
const ShortTermCredential kCredential("user", "secret");
const HmacSha1Key kWrongKey("wrong");

template <typename Add>
std::vector<std::uint8_t> Build(MessageClass message_class, Add add) {
  std::vector<std::uint8_t> buffer(2000, 0xEE);
  MessageBuilder message(buffer, message_class, Method::kBinding, kId);
  add(message);
  const net::ByteView bytes = message.Finish().value();
  return std::vector<std::uint8_t>(bytes.begin(), bytes.end());
}

// Sends a request to a Binding server that requires short-term credentials, and returns the response.
template <typename Add>
Message Ask(Add add) {
  std::array<std::uint8_t, kMessageBytesMax> buffer;
  const BindingServer server({.software = "", .credential = kCredential});
  const std::vector<std::uint8_t> request = Build(MessageClass::kRequest, add);
  const net::ByteView answer = server.Respond(request, kFrom, buffer).value();
  return {std::vector<std::uint8_t>(answer.begin(), answer.end()), {}, {}, {}};
}

void ExpectNoCredentials(const Message& error) {
  EXPECT_FALSE(error.view().HasIntegrity());
  EXPECT_FALSE(error.view().HasIntegritySha256());
  EXPECT_FALSE(error.view().Has(AttributeType::kUsername));
}

TEST(Rfc8489, Section9_AttributesBehindMessageIntegrityAreIgnored) {
  auto bytes = Build(MessageClass::kRequest, [](MessageBuilder& m) { m.AddIntegrity(kCredential.sha1); });
  // PRIORITY, an unknown required one, MESSAGE-INTEGRITY-SHA256 (which counts), and SOFTWARE.
  for (std::uint8_t byte : {0x00, 0x24, 0x00, 0x04, 0, 0, 0, 1, 0x7F, 0xFF, 0, 0, 0x00, 0x1C, 0, 0, 0x80, 0x22, 0, 0}) {
    bytes.push_back(byte);
  }
  net::StoreU16(&bytes[2], static_cast<std::uint16_t>(bytes.size() - 20));
  const MessageView message = MessageView::Parse(bytes).value();
  EXPECT_TRUE(message.CheckIntegrity(kCredential.sha1));
  EXPECT_FALSE(message.Has(AttributeType::kPriority));
  EXPECT_FALSE(message.Has(AttributeType::kSoftware));
  EXPECT_FALSE(message.HasUnknownRequired(kIceAttributes));
  EXPECT_TRUE(message.HasIntegritySha256());
  int visited = 0;
  message.ForEach<Priority>([&](const auto&) { ++visited; });
  EXPECT_EQ(visited, 0);
}

TEST(Rfc8489, Section9_AttributesBehindMessageIntegritySha256AreIgnored) {
  auto bytes = Build(MessageClass::kRequest, [](MessageBuilder& m) { m.AddIntegritySha256(kCredential.sha256); });
  for (std::uint8_t byte : {0x00, 0x24, 0x00, 0x04, 0, 0, 0, 1}) bytes.push_back(byte);
  net::StoreU16(&bytes[2], static_cast<std::uint16_t>(bytes.size() - 20));
  const MessageView message = MessageView::Parse(bytes).value();
  EXPECT_TRUE(message.CheckIntegritySha256(kCredential.sha256));
  EXPECT_FALSE(message.Has(AttributeType::kPriority));
}

TEST(Rfc8489, Section9_1_3_WithoutIntegrityOrUsernameARequestGets400AnIndicationIsDiscarded) {
  for (bool has_integrity : {false, true}) {
    const auto add = [&](MessageBuilder& m) {
      if (!has_integrity) m.Add(Username{"user"});
      if (has_integrity) m.AddIntegrity(kCredential.sha1);
    };
    const Message error = Ask(add);
    EXPECT_EQ(error.code(), 400);
    ExpectNoCredentials(error);
    const auto indication = Build(MessageClass::kIndication, add);
    EXPECT_EQ(CheckShortTerm(*MessageView::Parse(indication), kCredential), ShortTermVerdict::kBadRequest);
  }
}

TEST(Rfc8489, Section9_1_3_UnknownUsernameGets401) {
  const Message error = Ask([](MessageBuilder& m) { m.Add(Username{"other"}).AddIntegrity(kCredential.sha1); });
  EXPECT_EQ(error.code(), 401);
  ExpectNoCredentials(error);
}

TEST(Rfc8489, Section9_1_3_WrongIntegrityGets401) {
  const Message error = Ask([](MessageBuilder& m) { m.Add(Username{"user"}).AddIntegrity(kWrongKey); });
  EXPECT_EQ(error.code(), 401);
  ExpectNoCredentials(error);
}

TEST(Rfc8489, Section9_1_3_WrongSha256IsNotSavedByARightSha1) {
  const Message error = Ask([](MessageBuilder& m) {
    m.Add(Username{"user"}).AddIntegrity(kCredential.sha1).AddIntegritySha256(HmacSha256Key("wrong"));
  });
  EXPECT_EQ(error.code(), 401);
}

TEST(Rfc8489, Section9_1_3_ResponseBearsTheIntegrityOfTheRequestAndNoUsername) {
  const Message sha1 = Ask([](MessageBuilder& m) { m.Add(Username{"user"}).AddIntegrity(kCredential.sha1); });
  EXPECT_EQ(sha1.code(), 0);
  EXPECT_TRUE(sha1.view().CheckIntegrity(kCredential.sha1));
  EXPECT_FALSE(sha1.view().HasIntegritySha256());
  EXPECT_FALSE(sha1.view().Has(AttributeType::kUsername));

  const Message sha256 = Ask([](MessageBuilder& m) {
    m.Add(Username{"user"}).AddIntegrity(kCredential.sha1).AddIntegritySha256(kCredential.sha256);
  });
  EXPECT_TRUE(sha256.view().CheckIntegritySha256(kCredential.sha256));
  EXPECT_FALSE(sha256.view().HasIntegrity());

  const Message error =
      Ask([](MessageBuilder& m) { m.Add(Username{"user"}).Add(ChangeRequest{}).AddIntegrity(kCredential.sha1); });
  EXPECT_EQ(error.code(), 420);
  EXPECT_TRUE(error.view().CheckIntegrity(kCredential.sha1));
}

TEST(Rfc8489, Section9_1_4_ResponseWithoutRightIntegrityIsDiscarded) {
  const auto check = [](auto add) {
    const auto bytes = Build(MessageClass::kSuccess, add);
    return CheckShortTermResponse(*MessageView::Parse(bytes), kCredential.sha1);
  };
  EXPECT_TRUE(check([](MessageBuilder& m) { m.AddIntegrity(kCredential.sha1); }));
  EXPECT_FALSE(check([](MessageBuilder&) {}));
  EXPECT_FALSE(check([](MessageBuilder& m) { m.AddIntegrity(kWrongKey); }));
}

TEST(Rfc8489, Section9_1_4_ResponseWithAnotherAlgorithmThanTheRequestIsDiscarded) {
  const auto bytes = Build(MessageClass::kSuccess, [](MessageBuilder& m) { m.AddIntegritySha256(kCredential.sha256); });
  EXPECT_FALSE(CheckShortTermResponse(*MessageView::Parse(bytes), kCredential.sha1));
}

// --- RFC 8489 §9.2, the server, tested with its only user: the TURN server.

class Rfc8489LongTermServer : public ::testing::Test {
 protected:
  TurnServerBench bench;
  RawClient client{bench};
  template <typename Add>
  Message Send(Add add) {
    return client.Exchange(client.Bare(Method::kAllocate, add));
  }
};

TEST_F(Rfc8489LongTermServer, Section9_2_NonceStartsWithTheCookieOfNoSecurityFeatures) {
  client.Challenge();
  EXPECT_EQ(client.nonce.substr(0, 13), "obMatJos2AAAA");
  EXPECT_EQ(SecurityFeatures(client.nonce), 0u);
}

TEST_F(Rfc8489LongTermServer, Section9_2_4_WithoutIntegrity401WithRealmAndNonce) {
  const Message error = Send([](MessageBuilder& m) { m.Add(RequestedTransport{}).Add(Username{kUser}); });
  EXPECT_EQ(error.code(), 401);
  EXPECT_EQ(error.view().Get<Realm>().value().text, "pinhole");
  EXPECT_TRUE(error.view().Get<Nonce>().has_value());
  ExpectNoCredentials(error);
}

TEST_F(Rfc8489LongTermServer, Section9_2_4_NoncesDifferByAddressAndByPort) {
  std::set<std::string> nonces;
  const FiveTuple tuples[] = {kTuple, kOtherTuple, {kTuple.client.WithPort(1), kTuple.server}};
  for (const FiveTuple& tuple : tuples) {
    RawClient one(bench, tuple);
    one.Challenge();
    nonces.insert(one.nonce);
  }
  EXPECT_EQ(nonces.size(), 3u);
}

TEST_F(Rfc8489LongTermServer, Section9_2_4_AnotherClientsNonceIsStale) {
  RawClient victim(bench, kOtherTuple);
  victim.Challenge();
  client.Challenge();
  client.nonce = victim.nonce;
  EXPECT_EQ(client.Allocate().code(), 438);
}

TEST_F(Rfc8489LongTermServer, Section9_2_4_WithIntegrityButWithoutUsernameRealmOrNonce400) {
  client.Challenge();
  for (int missing = 0; missing < 3; ++missing) {
    const Message error = Send([&](MessageBuilder& m) {
      m.Add(RequestedTransport{});
      if (missing != 0) m.Add(Username{kUser});
      if (missing != 1) m.Add(Realm{client.realm});
      if (missing != 2) m.Add(Nonce{client.nonce});
      m.AddIntegrity(client.key());
    });
    EXPECT_EQ(error.code(), 400) << missing;
    ExpectNoCredentials(error);
    EXPECT_FALSE(error.view().Has(AttributeType::kRealm) || error.view().Has(AttributeType::kNonce));
  }
}

TEST_F(Rfc8489LongTermServer, Section9_2_4_UnknownUsername401WithRealmAndNonce) {
  client.Challenge();
  client.username = "mallory";
  const Message error = client.Allocate();
  EXPECT_EQ(error.code(), 401);
  EXPECT_TRUE(error.view().Has(AttributeType::kRealm) && error.view().Has(AttributeType::kNonce));
  ExpectNoCredentials(error);
}

TEST_F(Rfc8489LongTermServer, Section9_2_4_WrongIntegrity401WithRealmAndNonce) {
  client.Challenge();
  client.password = "wrong";
  const Message error = client.Allocate();
  EXPECT_EQ(error.code(), 401);
  EXPECT_TRUE(error.view().Has(AttributeType::kRealm) && error.view().Has(AttributeType::kNonce));
  ExpectNoCredentials(error);
}

TEST_F(Rfc8489LongTermServer, Section9_2_4_OldNonce438WithANewOneThatIsValid) {
  client.Challenge();
  bench.Advance(3602s);  // an hour, and what rounding adds
  const Message stale = client.Allocate();
  EXPECT_EQ(stale.code(), 438);
  EXPECT_EQ(stale.view().Get<Realm>().value().text, "pinhole");
  const std::string fresh(stale.view().Get<Nonce>().value().text);
  EXPECT_NE(fresh, client.nonce);
  client.nonce = fresh;
  EXPECT_EQ(client.Allocate().code(), 0);
}

TEST_F(Rfc8489LongTermServer, Section9_2_4_NonceLivesAsLongAsSaidAndNoLonger) {
  net::SeededRandom random(5, "nonce");
  NonceSource nonces(random, 60s);
  const net::Instant start(1000s);
  const std::string nonce(nonces.Make(start, kFrom));
  EXPECT_TRUE(nonces.IsValid(start, nonce, kFrom));
  EXPECT_TRUE(nonces.IsValid(start + 60s - 1ns, nonce, kFrom));
  EXPECT_FALSE(nonces.IsValid(start + 60s, nonce, kFrom));
  for (std::size_t i = 0; i < nonce.size(); ++i) {
    std::string forged = nonce;
    forged[i] = forged[i] == '0' ? '1' : '0';
    EXPECT_FALSE(nonces.IsValid(start, forged, kFrom)) << i;
  }
  EXPECT_FALSE(nonces.IsValid(start, nonce + "0", kFrom));
  EXPECT_FALSE(nonces.IsValid(start, "", kFrom));
}

TEST_F(Rfc8489LongTermServer, Section9_2_4_AuthenticatedResponsesBearMessageIntegrity) {
  EXPECT_TRUE(client.Allocate().view().CheckIntegrity(client.key()));
  const Message error = client.Allocate();
  EXPECT_EQ(error.code(), 437);
  EXPECT_TRUE(error.view().CheckIntegrity(client.key()));
  EXPECT_FALSE(error.view().Has(AttributeType::kRealm) || error.view().Has(AttributeType::kNonce) ||
               error.view().Has(AttributeType::kUsername));
}

// --- RFC 8489 §9.2, the client, tested with the TURN client.

class Rfc8489LongTermClient : public ::testing::Test {
 protected:
  TurnClientBench bench;
};

TEST_F(Rfc8489LongTermClient, Section9_2_3_1_FirstRequestBearsNoCredentials) {
  bench.Start();
  const MessageView request = bench.sent.at(0).view();
  for (AttributeType type :
       {AttributeType::kUsername, AttributeType::kUserhash, AttributeType::kRealm, AttributeType::kNonce,
        AttributeType::kMessageIntegrity, AttributeType::kMessageIntegritySha256, AttributeType::kPasswordAlgorithm,
        AttributeType::kPasswordAlgorithms}) {
    EXPECT_FALSE(request.Has(type));
  }
}

TEST_F(Rfc8489LongTermClient, Section9_2_3_2_SubsequentRequestsBearTheCachedCredentials) {
  bench.Allocate();
  bench.Do([&] { bench.client().CreatePermission(bench.now(), kPeer.address()); });
  const MessageView request = bench.sent.at(0).view();
  EXPECT_EQ(request.Get<Username>().value().text, kUser);
  EXPECT_EQ(request.Get<Realm>().value().text, "realm");
  EXPECT_EQ(request.Get<Nonce>().value().text, "nonce1");
  EXPECT_TRUE(request.CheckIntegrity(bench.key));
}

TEST_F(Rfc8489LongTermClient, Section9_2_5_After401ANewTransactionWithUsernameRealmNonceAndIntegrity) {
  bench.Start();
  const TransactionId first = bench.sent[0].view().transaction_id();
  bench.Challenge(401, "nonce1", "realm");
  const MessageView request = bench.sent.at(0).view();
  EXPECT_NE(request.transaction_id(), first);
  EXPECT_EQ(request.Get<Username>().value().text, kUser);
  EXPECT_EQ(request.Get<Realm>().value().text, "realm");
  EXPECT_EQ(request.Get<Nonce>().value().text, "nonce1");
  EXPECT_TRUE(request.CheckIntegrity(bench.key));
}

TEST_F(Rfc8489LongTermClient, Section9_2_5_ANonceThatAsksForAnonymityGetsUserhash) {
  bench.Start();
  bench.Challenge(401, "obMatJos2QAAAnonce");  // 0x400000: "Username anonymity"
  const MessageView request = bench.sent.at(0).view();
  EXPECT_FALSE(request.Has(AttributeType::kUsername));
  EXPECT_EQ(request.Get<Userhash>().value().hash, UserhashOf(kUser, "realm"));
}

TEST_F(Rfc8489LongTermClient, Section9_2_5_A401ToTheSameCredentialsIsFinal) {
  bench.Start();
  bench.Challenge();
  bench.Challenge(401, "nonce2");
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(bench.Events<TurnClient::AllocationFailed>().at(0).code, 401);
}

TEST_F(Rfc8489LongTermClient, Section9_2_5_After438TheRequestIsRetriedWithTheNewNonce) {
  bench.Start();
  bench.Challenge();
  bench.Challenge(438, "nonce2");
  const MessageView request = bench.sent.at(0).view();
  EXPECT_EQ(request.Get<Nonce>().value().text, "nonce2");
  EXPECT_EQ(request.Get<Username>().value().text, kUser);
  EXPECT_EQ(request.Get<Realm>().value().text, "realm");
  EXPECT_TRUE(request.CheckIntegrity(bench.key));
}

TEST_F(Rfc8489LongTermClient, Section9_2_5_AServerThatCallsEveryNonceStaleIsGivenUpOn) {
  bench.Start();
  int sent = 0;
  for (int i = 0; i < 20 && !bench.sent.empty(); ++i, ++sent) bench.Challenge(438, "nonce" + std::to_string(i));
  EXPECT_EQ(sent, 1 + TurnClient::kChallengesMax);
  EXPECT_EQ(bench.client().state(), TurnClient::State::kClosed);
}

TEST_F(Rfc8489LongTermClient, Section9_2_5_PasswordAlgorithmsBitWithoutTheAttributeEndsTheRequest) {
  bench.Start();
  bench.Challenge(401, "obMatJos2gAAAnonce");  // 0x800000: "Password algorithms"
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(bench.Events<TurnClient::AllocationFailed>().at(0).code, 401);
}

TEST_F(Rfc8489LongTermClient, Section9_2_5_PasswordAlgorithmsThatAreNotSupportedEndTheRequest) {
  bench.Start();
  const std::array<std::uint8_t, 4> sha256 = {0, 2, 0, 0};
  bench.Deliver(bench.Answer(
      MessageClass::kError,
      [&](MessageBuilder& m) {
        m.Add(errors::kUnauthenticated).Add(Realm{"realm"}).Add(Nonce{"obMatJos2gAAAnonce"});
        m.Add(PasswordAlgorithms{sha256});
      },
      nullptr));
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_EQ(bench.client().state(), TurnClient::State::kClosed);
}

TEST_F(Rfc8489LongTermClient, Section9_2_5_OtherResponsesWithThatBitAndWithoutTheAttributeAreIgnored) {
  bench.Start();
  bench.Challenge();
  bench.Deliver(bench.Answer(
      MessageClass::kSuccess,
      [](MessageBuilder& m) {
        TurnClientBench::AddAllocated(m);
        m.Add(Nonce{"obMatJos2gAAAnonce"});
      },
      &bench.key));
  EXPECT_EQ(bench.client().state(), TurnClient::State::kAllocating);
}

// A response without correct integrity is ignored: the retransmissions go on, and a correct response still counts.
TEST_F(Rfc8489LongTermClient, Section9_2_5_ResponseWithoutRightIntegrityIsDiscarded) {
  bench.Start();
  bench.Challenge();
  const Message request = bench.sent.at(0);
  const auto answer = [&](MessageClass message_class, int code, const HmacSha1Key* key) {
    bench.Deliver(bench.AnswerTo(
        request, message_class,
        [&](MessageBuilder& m) {
          if (code != 0) return void(m.Add(ErrorCode{code, ""}));
          TurnClientBench::AddAllocated(m);
        },
        key));
    EXPECT_EQ(bench.client().state(), TurnClient::State::kAllocating);
    EXPECT_TRUE(bench.events.empty());
  };
  answer(MessageClass::kSuccess, 0, nullptr);
  answer(MessageClass::kSuccess, 0, &kWrongKey);
  answer(MessageClass::kError, 400, nullptr);
  answer(MessageClass::kError, 403, &kWrongKey);
  bench.Advance(500ms);
  EXPECT_EQ(bench.sent.size(), 1u);
  bench.Deliver(bench.AnswerTo(
      request, MessageClass::kSuccess, [](MessageBuilder& m) { TurnClientBench::AddAllocated(m); }, &bench.key));
  EXPECT_EQ(bench.client().state(), TurnClient::State::kAllocated);
}

TEST_F(Rfc8489LongTermClient, Section9_2_5_OnlyDiscardedResponsesSignalThatIntegrityWasViolated) {
  bench.Start();
  bench.Challenge();
  bench.Deliver(bench.Answer(
      MessageClass::kSuccess, [](MessageBuilder& m) { TurnClientBench::AddAllocated(m); }, &kWrongKey));
  bench.Advance(40s);
  EXPECT_EQ(bench.Events<TurnClient::AllocationFailed>().at(0).reason, TurnClient::Reason::kIntegrityViolated);

  TurnClientBench silent;
  silent.Start();
  silent.Advance(40s);
  EXPECT_EQ(silent.Events<TurnClient::AllocationFailed>().at(0).reason, TurnClient::Reason::kTimedOut);
}

// "The 400 response will never reach the application, resulting in a timeout."
TEST_F(Rfc8489LongTermClient, Section9_2_5_A400WithoutIntegrityEndsInATimeout) {
  bench.Start();
  bench.Challenge();
  bench.Deliver(bench.Answer(
      MessageClass::kError, [](MessageBuilder& m) { m.Add(errors::kBadRequest); }, nullptr));
  bench.Advance(40s);
  EXPECT_EQ(bench.Events<TurnClient::AllocationFailed>().at(0).reason, TurnClient::Reason::kTimedOut);
}

}  // namespace
}  // namespace pinhole::stun
