// The rules of net/host.h about TCP, for every host. Each test runs on POSIX sockets over loopback, on two simulated
// machines 20 ms apart, and on one simulated machine that connects to itself.
#include <array>
#include <functional>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "net/posix/posix_host.h"
#include "sim/host/host_node.h"
#include "sim/world.h"
#include "tests/net/tcp/tcp_program.h"
#include "tests/unavailable.h"

namespace pinhole::net {
namespace {

using namespace std::chrono_literals;

// Two machines, Alice's and Bob's, with a program each.
class Bench {
 public:
  virtual ~Bench() = default;
  // Runs until `done` returns true. False: the time limit of a test has passed before.
  virtual bool RunUntil(const std::function<bool()>& done) = 0;
  // Runs until no more packets are on their way and no more calls are due.
  virtual void Settle() = 0;
  virtual IpAddress alice_address() const = 0;
  virtual IpAddress bob_address() const = 0;

  TcpProgram alice;
  TcpProgram bob;
};

class PosixBench final : public Bench {
 public:
  explicit PosixBench(Family family) : family_(family) {
    alice.Attach(alice_host_);
    bob.Attach(bob_host_);
    alice_host_.Start(alice);
    bob_host_.Start(bob);
  }
  bool RunUntil(const std::function<bool()>& done) override { return loop_.RunUntil(done, 20s); }
  void Settle() override {
    loop_.RunUntil([] { return false; }, 20ms);
  }
  IpAddress alice_address() const override { return IpAddress::Loopback(family_); }
  // IPv4 has many loopback addresses, IPv6 one.
  IpAddress bob_address() const override {
    return family_ == Family::kIpv4 ? *IpAddress::Parse("127.0.0.2") : IpAddress::Loopback(family_);
  }

 private:
  Family family_;
  PosixLoop loop_;
  PosixHost alice_host_{loop_};
  PosixHost bob_host_{loop_};
};

class SimBench final : public Bench {
 public:
  SimBench(Family family, bool one_machine) : family_(family), one_machine_(one_machine) {
    sim::HostNode& alice_node = world_.AddNode<sim::HostNode>("alice");
    sim::HostNode& bob_node = world_.AddNode<sim::HostNode>("bob");
    Connect(alice_node, "192.0.2.1", "2001:db8::1");
    Connect(bob_node, "192.0.2.2", "2001:db8::2");
    EXPECT_TRUE(world_.Connect({&alice_node, 1}, {&bob_node, 1}, {.delay = 20ms}).ok());
    alice.Attach(alice_node.StartProgram("alice", alice));
    bob.Attach((one_machine ? alice_node : bob_node).StartProgram("bob", bob));
  }
  bool RunUntil(const std::function<bool()>& done) override { return world_.RunUntil(world_.now() + 200s, done); }
  void Settle() override { world_.RunUntil(world_.now() + 1s); }
  IpAddress alice_address() const override { return one_machine_ ? IpAddress::Loopback(family_) : Address("1"); }
  IpAddress bob_address() const override { return one_machine_ ? IpAddress::Loopback(family_) : Address("2"); }

 private:
  static void Connect(sim::HostNode& node, absl::string_view v4, absl::string_view v6) {
    const int interface = node.AddInterface("eth0");
    EXPECT_TRUE(node.AddAddress(interface, {.address = *IpAddress::Parse(v4), .prefix_length = 24}).ok());
    EXPECT_TRUE(node.AddAddress(interface, {.address = *IpAddress::Parse(v6), .prefix_length = 64}).ok());
  }
  IpAddress Address(const std::string& host) const {
    return *IpAddress::Parse((family_ == Family::kIpv4 ? "192.0.2." : "2001:db8::") + host);
  }

  Family family_;
  bool one_machine_;
  sim::World world_{1};
};

struct Machine {
  const char* name;
  std::function<std::unique_ptr<Bench>()> make;
};
void PrintTo(const Machine& machine, std::ostream* out) { *out << machine.name; }

class TcpContract : public ::testing::TestWithParam<Machine> {
 protected:
  void SetUp() override {
    bench_ = GetParam().make();
    const absl::StatusOr<SocketId> trial = alice().host().Listen(alice_any_port(), {});
    if (!trial.ok()) {
      PINHOLE_UNAVAILABLE() << trial.status();
    }
    alice().host().Close(*trial);
  }

  TcpProgram& alice() { return bench_->alice; }
  TcpProgram& bob() { return bench_->bob; }
  SocketAddress alice_any_port() const { return SocketAddress(bench_->alice_address(), 0); }
  SocketAddress bob_any_port() const { return SocketAddress(bench_->bob_address(), 0); }
  bool RunUntil(const std::function<bool()>& done) { return bench_->RunUntil(done); }

  // Alice's end and Bob's end of a new connection, which Bob accepted.
  struct Pair {
    SocketId alice{};
    SocketId bob{};
  };
  Pair ConnectPair(const TcpOptions& options = {}) {
    const std::size_t before = bob().accepted().size();
    const SocketId listener = bob().Listen(bob_any_port(), options);
    const SocketId connection = alice().Connect(alice_any_port(), *bob().host().LocalAddress(listener), options);
    EXPECT_TRUE(RunUntil([&] { return alice().at(connection).connected && bob().accepted().size() > before; }));
    bob().host().Close(listener);
    return {connection, bob().accepted().empty() ? SocketId{} : bob().accepted().back()};
  }
  static std::size_t WriteOnce(TcpProgram& program, SocketId id, const std::string& bytes) {
    const absl::StatusOr<std::size_t> taken =
        program.host().Write(id, ByteView(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()), {});
    EXPECT_TRUE(taken.ok()) << taken.status();
    return taken.value_or(0);
  }

  std::unique_ptr<Bench> bench_;
};
INSTANTIATE_TEST_SUITE_P(
    Hosts, TcpContract,
    ::testing::Values(Machine{"PosixIpv4", [] { return std::make_unique<PosixBench>(Family::kIpv4); }},
                      Machine{"PosixIpv6", [] { return std::make_unique<PosixBench>(Family::kIpv6); }},
                      Machine{"SimIpv4", [] { return std::make_unique<SimBench>(Family::kIpv4, false); }},
                      Machine{"SimIpv6", [] { return std::make_unique<SimBench>(Family::kIpv6, false); }},
                      Machine{"SimLoopback", [] { return std::make_unique<SimBench>(Family::kIpv4, true); }}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_P(TcpContract, AConnectionIsToldAtBothEndsWithItsAddresses) {
  const SocketId listener = bob().Listen(bob_any_port());
  const SocketAddress bob_at = *bob().host().LocalAddress(listener);
  EXPECT_NE(bob_at.port(), 0);
  const SocketId connection = alice().Connect(SocketAddress(IpAddress::Unspecified(bob_at.family()), 0), bob_at);
  const std::optional<SocketAddress> alice_at = alice().host().LocalAddress(connection);
  ASSERT_TRUE(alice_at.has_value());
  EXPECT_FALSE(alice_at->address().IsUnspecified());
  EXPECT_NE(alice_at->port(), 0);
  EXPECT_FALSE(alice().at(connection).connected) << "nothing is answered by calls inside calls";
  ASSERT_TRUE(RunUntil([&] { return alice().at(connection).connected && !bob().accepted().empty(); }));
  bench_->Settle();
  ASSERT_EQ(bob().accepted().size(), 1u);
  const SocketId accepted = bob().accepted()[0];
  EXPECT_EQ(bob().at(accepted).listener, listener);
  EXPECT_EQ(bob().at(accepted).from, alice_at);
  EXPECT_EQ(bob().host().LocalAddress(accepted), bob_at);
  EXPECT_NE(accepted, listener);
}

TEST_P(TcpContract, AMegabyteEachWayArrivesWhole) {
  constexpr std::size_t kMegabyte = 1 << 20;
  const Pair pair = ConnectPair();
  const std::string there = Noise(kMegabyte, 1), back = Noise(kMegabyte, 2);
  alice().Write(pair.alice, there, true);
  bob().Write(pair.bob, back, true);
  ASSERT_TRUE(RunUntil([&] { return alice().at(pair.alice).closed && bob().at(pair.bob).closed; }));
  EXPECT_TRUE(bob().at(pair.bob).received == there);
  EXPECT_TRUE(alice().at(pair.alice).received == back);
}

TEST_P(TcpContract, AnEchoComesBackWhole) {
  bob().echoes = true;
  const Pair pair = ConnectPair();
  const std::string text = Noise(1 << 20, 3);
  alice().Write(pair.alice, text, true);
  ASSERT_TRUE(RunUntil([&] { return alice().at(pair.alice).closed; }));
  EXPECT_TRUE(alice().at(pair.alice).received == text);
}

TEST_P(TcpContract, AfterFinishingOneSideTheOtherMayStillWrite) {
  const Pair pair = ConnectPair();
  alice().Write(pair.alice, "question", true);
  ASSERT_TRUE(RunUntil([&] { return bob().at(pair.bob).closed; }));
  EXPECT_EQ(bob().at(pair.bob).received, "question");
  EXPECT_EQ(alice().host().Write(pair.alice, {}, {}).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(alice().host().FinishWriting(pair.alice).ok()) << "once more does nothing";
  EXPECT_EQ(alice().at(pair.alice).closed, 0);
  bob().Write(pair.bob, "answer", true);
  ASSERT_TRUE(RunUntil([&] { return alice().at(pair.alice).closed; }));
  EXPECT_EQ(alice().at(pair.alice).received, "answer");
  bench_->Settle();
  EXPECT_EQ(alice().at(pair.alice).reset, 0);
  EXPECT_EQ(bob().at(pair.bob).reset, 0);
  EXPECT_TRUE(alice().host().LocalAddress(pair.alice).has_value()) << "there until Close()";
  std::array<std::uint8_t, 8> buffer;
  EXPECT_EQ(alice().host().Read(pair.alice, buffer).value_or(99), 0u);
}

TEST_P(TcpContract, ClosingSendsWhatWasWrittenAndThenAFin) {
  const Pair pair = ConnectPair();
  const std::string text = Noise(100'000, 4);
  const std::size_t taken = WriteOnce(alice(), pair.alice, text);
  alice().host().Close(pair.alice);
  ASSERT_TRUE(RunUntil([&] { return bob().at(pair.bob).closed; }));
  EXPECT_TRUE(bob().at(pair.bob).received == text.substr(0, taken));
  bench_->Settle();
  EXPECT_EQ(alice().at(pair.alice).closed, 0) << "nothing more is heard";
}

TEST_P(TcpContract, AbortingResetsThePeer) {
  const Pair pair = ConnectPair();
  ASSERT_TRUE(alice().host().Abort(pair.alice).ok());
  EXPECT_EQ(alice().host().LocalAddress(pair.alice), std::nullopt);
  ASSERT_TRUE(RunUntil([&] { return bob().at(pair.bob).reset; }));
  EXPECT_EQ(bob().at(pair.bob).why.code(), absl::StatusCode::kAborted) << bob().at(pair.bob).why;
  EXPECT_EQ(bob().at(pair.bob).closed, 0);
  bench_->Settle();
  EXPECT_EQ(alice().at(pair.alice).reset, 0);
}

TEST_P(TcpContract, AResetAfterThePeerFinishedIsToldToo) {
  const Pair pair = ConnectPair();
  alice().Write(pair.alice, "last", true);
  ASSERT_TRUE(RunUntil([&] { return bob().at(pair.bob).closed; }));
  ASSERT_TRUE(alice().host().Abort(pair.alice).ok());
  ASSERT_TRUE(RunUntil([&] { return bob().at(pair.bob).reset; }));
  EXPECT_EQ(bob().at(pair.bob).why.code(), absl::StatusCode::kAborted) << bob().at(pair.bob).why;
}

TEST_P(TcpContract, WhoWritesToAPeerThatIsGoneIsToldOnce) {
  const Pair pair = ConnectPair();
  ASSERT_TRUE(alice().host().Abort(pair.alice).ok());
  // Writes succeed until the RST has arrived. Then they return the error that OnTcpReset() will report.
  ASSERT_TRUE(RunUntil([&] {
    if (bob().at(pair.bob).reset == 0) bob().Write(pair.bob, "x");
    return bob().at(pair.bob).reset != 0;
  }));
  EXPECT_EQ(bob().at(pair.bob).why.code(), absl::StatusCode::kAborted) << bob().at(pair.bob).why;
  bench_->Settle();
}

TEST_P(TcpContract, AClosedPortRefuses) {
  const SocketId listener = bob().Listen(bob_any_port());
  const SocketAddress nobody = *bob().host().LocalAddress(listener);
  bob().host().Close(listener);
  const SocketId connection = alice().Connect(alice_any_port(), nobody);
  ASSERT_TRUE(RunUntil([&] { return alice().at(connection).reset; }));
  EXPECT_EQ(alice().at(connection).why.code(), absl::StatusCode::kUnavailable) << alice().at(connection).why;
  EXPECT_FALSE(alice().at(connection).connected);
}

TEST_P(TcpContract, OnePortListensAndConnectsAtOnce) {
  const TcpOptions reuse = {.reuse_address = true};
  const SocketId alice_listens = alice().Listen(alice_any_port(), reuse);
  const SocketAddress alice_at = *alice().host().LocalAddress(alice_listens);
  const SocketId bob_listens = bob().Listen(bob_any_port(), reuse);
  const SocketAddress bob_at = *bob().host().LocalAddress(bob_listens);

  const SocketId out = alice().Connect(alice_at, bob_at, reuse);
  EXPECT_EQ(alice().host().LocalAddress(out), alice_at);
  ASSERT_TRUE(RunUntil([&] { return alice().at(out).connected && bob().accepted().size() == 1; }));
  EXPECT_EQ(bob().at(bob().accepted()[0]).from, alice_at);
  const SocketId in = bob().Connect(bob_any_port(), alice_at);
  ASSERT_TRUE(RunUntil([&] { return bob().at(in).connected && alice().accepted().size() == 1; }));
  EXPECT_EQ(alice().at(alice().accepted()[0]).listener, alice_listens);

  EXPECT_EQ(alice().host().Connect(alice_at, bob_at, reuse).status().code(), absl::StatusCode::kAlreadyExists)
      << "this pair of endpoints has a connection";
  EXPECT_EQ(alice().host().Listen(alice_at, reuse).status().code(), absl::StatusCode::kAlreadyExists)
      << "one listener is enough";
  EXPECT_EQ(alice().host().Listen(alice_at, {}).status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_P(TcpContract, WithoutReuseAddressAPortIsTakenOnce) {
  const SocketId listener = alice().Listen(alice_any_port());
  const SocketAddress taken = *alice().host().LocalAddress(listener);
  const SocketId bob_listens = bob().Listen(bob_any_port());
  const SocketAddress bob_at = *bob().host().LocalAddress(bob_listens);
  for (const bool reuse : {false, true}) {
    SCOPED_TRACE(reuse);
    const TcpOptions options = {.reuse_address = reuse};
    EXPECT_EQ(alice().host().Listen(taken, options).status().code(), absl::StatusCode::kAlreadyExists);
    EXPECT_EQ(alice().host().Connect(taken, bob_at, options).status().code(), absl::StatusCode::kAlreadyExists);
  }
  alice().host().Close(listener);
  alice().Listen(taken);
}

TEST_P(TcpContract, UdpAndTcpPortsAreNotTheSame) {
  const SocketId listener = alice().Listen(alice_any_port());
  EXPECT_TRUE(alice().host().OpenUdp(*alice().host().LocalAddress(listener)).ok());
}

TEST_P(TcpContract, WhatCannotBeListenedOrConnectedToIsSaidAtOnce) {
  const SocketAddress elsewhere(
      *IpAddress::Parse(alice_any_port().address().is_v4() ? "198.51.100.1" : "2001:db8:ffff::1"), 0);
  const SocketAddress any(IpAddress::Unspecified(elsewhere.family()), 0);
  const auto invalid = absl::StatusCode::kInvalidArgument;
  EXPECT_EQ(alice().host().Listen(elsewhere, {}).status().code(), invalid);
  EXPECT_EQ(alice().host().Connect(elsewhere, bob_any_port().WithPort(9), {}).status().code(), invalid);
  EXPECT_EQ(alice().host().Connect(any, bob_any_port(), {}).status().code(), invalid) << "port 0";
  EXPECT_EQ(alice().host().Connect(any, any.WithPort(9), {}).status().code(), invalid) << "to nobody";
  const char* other_family = elsewhere.address().is_v4() ? "[::1]:9" : "127.0.0.1:9";
  EXPECT_EQ(alice().host().Connect(any, *SocketAddress::Parse(other_family), {}).status().code(), invalid);
}

TEST_P(TcpContract, WithAShortBacklogAllAreAcceptedInTheEnd) {
  const SocketId listener = bob().Listen(bob_any_port(), {.listen_backlog = 1});
  std::vector<SocketId> connections;
  for (int i = 0; i < 4; ++i) {
    connections.push_back(alice().Connect(alice_any_port(), *bob().host().LocalAddress(listener)));
  }
  ASSERT_TRUE(RunUntil([&] { return bob().accepted().size() == 4; }));
  bench_->Settle();
  for (const SocketId connection : connections) EXPECT_TRUE(alice().at(connection).connected);
}

TEST_P(TcpContract, AClosedListenerRefusesAndKeepsWhatItAccepted) {
  const SocketId listener = bob().Listen(bob_any_port());
  const SocketAddress bob_at = *bob().host().LocalAddress(listener);
  const SocketId first = alice().Connect(alice_any_port(), bob_at);
  ASSERT_TRUE(RunUntil([&] { return alice().at(first).connected && !bob().accepted().empty(); }));
  bob().host().Close(listener);
  EXPECT_EQ(bob().host().LocalAddress(listener), std::nullopt);
  const SocketId second = alice().Connect(alice_any_port(), bob_at);
  alice().Write(first, "still here");
  ASSERT_TRUE(
      RunUntil([&] { return alice().at(second).reset && bob().at(bob().accepted()[0]).received == "still here"; }));
  EXPECT_EQ(alice().at(second).why.code(), absl::StatusCode::kUnavailable);
}

TEST_P(TcpContract, WritingStopsWhenThePeerDoesNotReadAndGoesOnWhenItDoes) {
  bob().reads = false;
  const Pair pair = ConnectPair();
  const std::string piece = Noise(1 << 18, 5);
  std::size_t taken = 0;
  // As much as fits at both ends and on the way, at most some megabytes.
  bool full = false;
  ASSERT_TRUE(RunUntil([&] {
    while (!full) {
      const std::size_t now = WriteOnce(alice(), pair.alice, piece);
      taken += now;
      full = now < piece.size();
    }
    return true;
  }));
  bench_->Settle();
  const int writable = alice().at(pair.alice).writable;
  // Room may have come as the first bytes left; then none comes without reading.
  while (WriteOnce(alice(), pair.alice, piece) == piece.size()) taken += piece.size();
  EXPECT_LT(taken, std::size_t{64} << 20);
  EXPECT_EQ(bob().at(pair.bob).readable, 1);
  bob().reads = true;
  ASSERT_TRUE(RunUntil([&] {
    bob().ReadAll(pair.bob);
    return alice().at(pair.alice).writable > writable;
  }));
}

TEST_P(TcpContract, ReadableComesAgainOnlyAfterAReadThatFoundTheEnd) {
  bob().reads = false;
  const Pair pair = ConnectPair();
  alice().Write(pair.alice, "12345678");
  ASSERT_TRUE(RunUntil([&] { return bob().at(pair.bob).readable == 1; }));
  std::array<std::uint8_t, 4> four;
  EXPECT_EQ(bob().host().Read(pair.bob, four).value_or(0), 4u);
  alice().Write(pair.alice, "9");
  bench_->Settle();
  EXPECT_EQ(bob().at(pair.bob).readable, 1) << "there were four more bytes to read all the time";
  EXPECT_EQ(bob().ReadAll(pair.bob), 5u);
  alice().Write(pair.alice, "0");
  ASSERT_TRUE(RunUntil([&] { return bob().at(pair.bob).readable == 2; }));
}

TEST_P(TcpContract, BytesBeforeTheFinMayBeReadAfterItWasTold) {
  bob().reads = false;
  const Pair pair = ConnectPair();
  alice().Write(pair.alice, "last words", true);
  ASSERT_TRUE(RunUntil([&] { return bob().at(pair.bob).closed; }));
  EXPECT_EQ(bob().at(pair.bob).readable, 1);
  EXPECT_EQ(bob().ReadAll(pair.bob), 10u);
}

TEST_P(TcpContract, BeforeItIsConnectedNothingIsTakenNorGiven) {
  const SocketId listener = bob().Listen(bob_any_port());
  const SocketId connection = alice().Connect(alice_any_port(), *bob().host().LocalAddress(listener));
  EXPECT_EQ(WriteOnce(alice(), connection, "early"), 0u);
  std::array<std::uint8_t, 4> buffer;
  EXPECT_EQ(alice().host().Read(connection, buffer).value_or(99), 0u);
  EXPECT_EQ(alice().host().FinishWriting(connection).code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(RunUntil([&] { return alice().at(connection).connected; }));
  bench_->Settle();
  EXPECT_EQ(alice().at(connection).writable, 0) << "OnTcpConnected was the sign to try again";
}

TEST_P(TcpContract, AClosedIdIsNotFound) {
  const Pair pair = ConnectPair();
  const SocketId listener = bob().Listen(bob_any_port());
  alice().host().Close(pair.alice);
  bob().host().Close(listener);
  const auto not_found = absl::StatusCode::kNotFound;
  std::array<std::uint8_t, 4> buffer;
  EXPECT_EQ(alice().host().Write(pair.alice, {}, {}).status().code(), not_found);
  EXPECT_EQ(alice().host().Read(pair.alice, buffer).status().code(), not_found);
  EXPECT_EQ(alice().host().FinishWriting(pair.alice).code(), not_found);
  EXPECT_EQ(alice().host().Abort(pair.alice).code(), not_found);
  EXPECT_EQ(alice().host().SetTtl(pair.alice, 3).code(), not_found);
  EXPECT_EQ(alice().host().LocalAddress(pair.alice), std::nullopt);
  alice().host().Close(pair.alice);
  EXPECT_EQ(bob().host().LocalAddress(listener), std::nullopt);
  EXPECT_EQ(bob().host().Abort(SocketId{4711}).code(), not_found);
}

TEST_P(TcpContract, ListenersAreNotConnections) {
  const SocketId listener = bob().Listen(bob_any_port());
  const auto not_found = absl::StatusCode::kNotFound;
  EXPECT_EQ(bob().host().Write(listener, {}, {}).status().code(), not_found);
  EXPECT_EQ(bob().host().Abort(listener).code(), not_found);
  EXPECT_EQ(bob().host().FinishWriting(listener).code(), not_found);
  EXPECT_TRUE(bob().host().SetTtl(listener, 9).ok());
}

TEST_P(TcpContract, AProgramMayEndTheConnectionInAnyCallAboutIt) {
  for (const char* when : {"accepted", "readable", "closed"}) {
    SCOPED_TRACE(when);
    bob().during_call = [&](SocketId id) {
      const TcpProgram::Connection& connection = bob().at(id);
      const std::string now = connection.closed ? "closed" : connection.readable ? "readable" : "accepted";
      if (now == when) {
        EXPECT_TRUE(bob().host().Abort(id).ok());
      }
    };
    const Pair pair = ConnectPair();
    alice().Write(pair.alice, "x", true);
    ASSERT_TRUE(RunUntil([&] { return alice().at(pair.alice).reset; }));
    EXPECT_EQ(alice().at(pair.alice).why.code(), absl::StatusCode::kAborted);
    bench_->Settle();
  }
}

TEST_P(TcpContract, AProgramMayEndItsConnectionAsItIsConnected) {
  alice().during_call = [&](SocketId id) { alice().host().Close(id); };
  const Pair pair = ConnectPair();
  ASSERT_TRUE(RunUntil([&] { return bob().at(pair.bob).closed; }));
}

TEST_P(TcpContract, KeepalivesOfALivingPeerEndNothing) {
  const Pair pair = ConnectPair({.keepalive = 1s});
  bench_->Settle();
  alice().Write(pair.alice, "x");
  ASSERT_TRUE(RunUntil([&] { return bob().at(pair.bob).received == "x"; }));
}

}  // namespace
}  // namespace pinhole::net
