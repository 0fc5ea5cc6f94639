// RFC 9293 §3.10.1 to §3.10.6 in LISTEN, the state of a host's listener. Segments that arrive in LISTEN are in
// rfc9293_segments_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "tests/sim/tcp_world.h"

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;
using absl::StatusCode;
using testing::ElementsAre;
using testing::IsEmpty;

const net::SocketAddress kAlice80 = At("192.0.2.1:80");
const net::SocketAddress kBob80 = At("192.0.2.2:80");

// A listener of Bob at port 80. Alice can find out whether it still exists.
struct Listening {
  explicit Listening(const net::TcpOptions& options = {})
      : record(two.world), listener(two.bob.Listen(kBob80, options)) {}
  bool Accepts() {
    const std::size_t before = two.bob.accepted().size();
    two.alice.Connect(At("0.0.0.0:0"), kBob80);
    two.RunFor(1s);
    return two.bob.accepted().size() == before + 1;
  }

  TcpWorld two;
  SegmentRecord record;
  net::SocketId listener;
};

// --- OPEN ---

TEST(Rfc9293, Section3_10_1_PassiveOpenEntersListenAndSendsNothing) {
  Listening host;
  host.two.RunFor(1h);
  EXPECT_THAT(host.record.sent, IsEmpty());
  EXPECT_EQ(host.two.bob.host().LocalAddress(host.listener), kBob80);
  EXPECT_TRUE(host.Accepts());
}

TEST(Rfc9293, Section3_10_1_PassiveOpenInListenIsRefused) {
  for (const bool reuse : {false, true}) {
    SCOPED_TRACE(reuse);
    Listening host({.reuse_address = reuse});
    for (const net::SocketAddress& again : {kBob80, At("0.0.0.0:80")}) {
      EXPECT_EQ(host.two.bob.host().Listen(again, {.reuse_address = reuse}).status().code(),
                StatusCode::kAlreadyExists);
    }
    EXPECT_TRUE(host.Accepts());
  }
}

// "Change the connection from passive to active": here both exist, if they were told to share the port.
TEST(Rfc9293, Section3_10_1_ActiveOpenInListenSendsASynFromTheSamePort) {
  const net::TcpOptions reuse = {.reuse_address = true};
  Listening host(reuse);
  host.two.alice.Listen(kAlice80);
  const net::SocketId active = host.two.bob.Connect(kBob80, kAlice80, reuse);
  ASSERT_EQ(host.record.sent.size(), 1u);
  EXPECT_EQ(host.record.sent[0].header.flags, kTcpSyn);
  EXPECT_EQ(host.record.sent[0].from, kBob80);
  host.two.RunFor(1s);
  EXPECT_TRUE(host.two.bob.at(active).connected);
  EXPECT_TRUE(host.Accepts());
}

TEST(Rfc9293, Section3_10_1_ActiveOpenInListenWithoutReuseIsRefused) {
  Listening host;
  EXPECT_EQ(host.two.bob.host().Connect(kBob80, kAlice80, {}).status().code(), StatusCode::kAlreadyExists);
  EXPECT_THAT(host.record.sent, IsEmpty());
  EXPECT_TRUE(host.Accepts());
}

// "Error: remote socket unspecified".
TEST(Rfc9293, Section3_10_1_ActiveOpenWithoutARemoteSocketIsRefused) {
  const net::TcpOptions reuse = {.reuse_address = true};
  Listening host(reuse);
  for (const net::SocketAddress& nobody : {At("0.0.0.0:80"), At("192.0.2.1:0")}) {
    SCOPED_TRACE(nobody.ToString());
    EXPECT_EQ(host.two.bob.host().Connect(kBob80, nobody, reuse).status().code(), StatusCode::kInvalidArgument);
  }
  EXPECT_THAT(host.record.sent, IsEmpty());
}

// --- SEND, RECEIVE ---

TEST(Rfc9293, Section3_10_2_SendInListenIsRefused) {
  Listening host;
  const std::array<std::uint8_t, 5> bytes = {};
  EXPECT_EQ(host.two.bob.host().Write(host.listener, bytes, {}).status().code(), StatusCode::kNotFound);
  EXPECT_THAT(host.record.sent, IsEmpty());
  EXPECT_TRUE(host.Accepts());
}

TEST(Rfc9293, Section3_10_3_ReceiveInListenIsRefused) {
  Listening host;
  std::array<std::uint8_t, 5> buffer = {};
  EXPECT_EQ(host.two.bob.host().Read(host.listener, buffer).status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(host.Accepts());
}

// --- CLOSE, ABORT ---

TEST(Rfc9293, Section3_10_4_CloseInListenEntersClosed) {
  Listening host;
  host.two.bob.host().Close(host.listener);
  EXPECT_EQ(host.two.bob_node.tcp_sockets()->size(), 0u);
  EXPECT_FALSE(host.Accepts());
  EXPECT_THAT(host.record.Lines(), ElementsAre("alice S @0ms", "bob RA @20ms"));
}

// A handshake under way is the listener's until it is over.
TEST(Rfc9293, Section3_10_4_CloseInListenEndsItsHandshakes) {
  Listening host;
  host.two.alice.Connect(kAlice80, kBob80);
  host.two.RunFor(30ms);  // SYN,ACK is under way
  host.two.bob.host().Close(host.listener);
  EXPECT_EQ(host.two.bob_node.tcp_sockets()->size(), 0u);
  host.two.RunFor(1s);
  EXPECT_THAT(host.record.Lines(), ElementsAre("alice S @0ms", "bob SA @20ms", "alice A @40ms", "bob R @60ms"));
}

// An accepted connection does not depend on the listener.
TEST(Rfc9293, Section3_10_4_CloseInListenKeepsWhatWasAccepted) {
  Listening host;
  ASSERT_TRUE(host.Accepts());
  host.two.bob.host().Close(host.listener);
  host.two.bob.Write(host.two.bob.accepted()[0], "hello");
  host.two.RunFor(1s);
  EXPECT_EQ(host.two.bob.at(host.two.bob.accepted()[0]).reset, 0);
  EXPECT_EQ(host.two.bob_node.tcp_sockets()->size(), 1u);
}

// A listener is given back by CLOSE alone.
TEST(Rfc9293, Section3_10_5_AbortInListenIsRefused) {
  Listening host;
  EXPECT_EQ(host.two.bob.host().Abort(host.listener).code(), StatusCode::kNotFound);
  EXPECT_EQ(host.two.bob.host().FinishWriting(host.listener).code(), StatusCode::kNotFound);
  EXPECT_THAT(host.record.sent, IsEmpty());
  EXPECT_TRUE(host.Accepts());
}

// --- STATUS ---

TEST(Rfc9293, Section3_10_6_StatusInListenIsItsAddress) {
  Listening host;
  EXPECT_STREQ(ToString(TcpState::kListen), "LISTEN");
  EXPECT_EQ(host.two.bob.host().LocalAddress(host.listener), kBob80);
  host.two.bob.host().Close(host.listener);
  EXPECT_EQ(host.two.bob.host().LocalAddress(host.listener), std::nullopt);
}

}  // namespace
}  // namespace pinhole::sim
