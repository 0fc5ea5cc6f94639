#include "net/posix/posix_host.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <set>
#include <string>

#include "gtest/gtest.h"
#include "tests/net/posix/recorder.h"
#include "tests/unavailable.h"

namespace pinhole::net {
namespace {

using namespace std::chrono_literals;

const SendOptions kPlain;

class PosixHostTest : public ::testing::Test {
 protected:
  PosixHostTest() { host_.Start(program_); }

  SocketId Open(absl::string_view local) {
    const absl::StatusOr<SocketId> socket = host_.OpenUdp(Addr(local));
    EXPECT_TRUE(socket.ok()) << socket.status();
    return socket.value_or(SocketId{});
  }
  SocketAddress LocalOf(SocketId socket) { return host_.LocalAddress(socket).value_or(SocketAddress()); }
  bool Received(std::size_t count) {
    return loop_.RunUntil([&] { return program_.received.size() >= count; }, kLimit);
  }
  bool Failed(std::size_t count) {
    return loop_.RunUntil([&] { return program_.errors.size() >= count; }, kLimit);
  }
  // Serves the events that are already there. On loopback a datagram has arrived as soon as it is sent.
  void ServeRest() {
    loop_.RunUntil([] { return false; }, 2ms);
  }

  PosixLoop loop_;
  PosixHost host_{loop_};
  Recorder program_;
};

// The cases of these tests, one for each family, with its loopback address and its unspecified address as text.
struct FamilyCase {
  const char* name;
  const char* loopback;  // with port 0
  const char* any;
};
void PrintTo(const FamilyCase& family, std::ostream* out) { *out << family.name; }

class PosixHostFamilyTest : public PosixHostTest, public ::testing::WithParamInterface<FamilyCase> {
 protected:
  void SetUp() override {
    if (!host_.OpenUdp(Addr(GetParam().loopback)).ok()) {
      PINHOLE_UNAVAILABLE() << "no loopback of this family";
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Families, PosixHostFamilyTest,
                         ::testing::Values(FamilyCase{"Ipv4", "127.0.0.1:0", "0.0.0.0:0"},
                                           FamilyCase{"Ipv6", "[::1]:0", "[::]:0"}),
                         [](const auto& info) { return info.param.name; });

TEST_P(PosixHostFamilyTest, ADatagramTellsItsSenderDestinationInterfaceAndTtl) {
  const SocketId a = Open(GetParam().loopback), b = Open(GetParam().loopback);
  ASSERT_EQ(host_.SendTo(a, LocalOf(b), Bytes("hello"), {.ttl = 7}), SendStatus::kSent);
  EXPECT_TRUE(program_.received.empty()) << "nothing is answered by calls inside calls";
  ASSERT_TRUE(Received(1));
  const Recorder::Received& got = program_.received[0];
  EXPECT_EQ(got.text, "hello");
  EXPECT_EQ(got.datagram.socket, b);
  EXPECT_EQ(got.datagram.from, LocalOf(a));
  EXPECT_EQ(got.datagram.to, LocalOf(b));
  EXPECT_EQ(got.datagram.ttl, 7);
  EXPECT_EQ(got.datagram.tag, PacketTag{});
  const auto interface = std::find_if(host_.Interfaces().begin(), host_.Interfaces().end(),
                                      [&](const Interface& i) { return i.id == got.datagram.interface; });
  ASSERT_NE(interface, host_.Interfaces().end());
  EXPECT_EQ(interface->kind, InterfaceKind::kLoopback);
}

TEST_P(PosixHostFamilyTest, ASocketOnAnyTellsWhichAddressWasMeant) {
  const SocketId a = Open(GetParam().loopback), b = Open(GetParam().any);
  const SocketAddress to = LocalOf(a).WithPort(LocalOf(b).port());
  ASSERT_EQ(host_.SendTo(a, to, Bytes("x"), kPlain), SendStatus::kSent);
  ASSERT_TRUE(Received(1));
  EXPECT_EQ(program_.received[0].datagram.to, to);
  EXPECT_TRUE(LocalOf(b).address().IsUnspecified());
}

TEST_P(PosixHostFamilyTest, AClosedPortAnswersWithPortUnreachable) {
  const SocketId a = Open(GetParam().loopback), closed = Open(GetParam().loopback);
  const SocketAddress nobody = LocalOf(closed);
  host_.Close(closed);
  ASSERT_EQ(host_.SendTo(a, nobody, Bytes("x"), kPlain), SendStatus::kSent);
  ASSERT_TRUE(Failed(1));
  EXPECT_EQ(program_.errors[0].socket, a);
  EXPECT_EQ(program_.errors[0].kind, IcmpError::Kind::kPortUnreachable);
  EXPECT_EQ(program_.errors[0].destination, nobody);
  EXPECT_EQ(program_.errors[0].reporter, nobody.address());
  ServeRest();
  EXPECT_EQ(program_.errors.size(), 1u);
}

TEST_P(PosixHostFamilyTest, AnErrorAboutOneDestinationDoesNotCostTheNextItsDatagram) {
  const SocketId a = Open(GetParam().loopback), b = Open(GetParam().loopback), closed = Open(GetParam().loopback);
  const SocketAddress nobody = LocalOf(closed);
  host_.Close(closed);
  ASSERT_EQ(host_.SendTo(a, nobody, Bytes("lost"), kPlain), SendStatus::kSent);
  // The error has arrived by now, and Linux gives it to this send.
  EXPECT_EQ(host_.SendTo(a, LocalOf(b), Bytes("kept"), kPlain), SendStatus::kSent);
  ASSERT_TRUE(Received(1));
  EXPECT_EQ(program_.received[0].text, "kept");
  ASSERT_TRUE(Failed(1));
  EXPECT_EQ(program_.errors[0].destination, nobody);
}

TEST_P(PosixHostFamilyTest, MoreThanADatagramCanHoldIsTooBig) {
  const SocketId a = Open(GetParam().loopback), b = Open(GetParam().loopback);
  EXPECT_EQ(host_.SendTo(a, LocalOf(b), Bytes(std::string(65528, 'x')), kPlain), SendStatus::kTooBig);
  ServeRest();
  EXPECT_TRUE(program_.errors.empty()) << "what the send said is not said again";
  EXPECT_EQ(host_.SendTo(a, LocalOf(b), Bytes(std::string(60000, 'x')), kPlain), SendStatus::kSent);
  ASSERT_TRUE(Received(1));
  EXPECT_EQ(program_.received[0].text.size(), 60000u);
}

TEST_P(PosixHostFamilyTest, AnEmptyDatagramArrives) {
  const SocketId a = Open(GetParam().loopback), b = Open(GetParam().loopback);
  ASSERT_EQ(host_.SendTo(a, LocalOf(b), {}, kPlain), SendStatus::kSent);
  ASSERT_TRUE(Received(1));
  EXPECT_EQ(program_.received[0].text, "");
}

TEST_P(PosixHostFamilyTest, SourceForALoopbackDestinationIsLoopback) {
  const IpAddress loopback = Addr(GetParam().loopback).address();
  EXPECT_EQ(host_.SourceFor(loopback), loopback);
}

TEST_P(PosixHostFamilyTest, LoopbackIsListed) {
  const IpAddress loopback = Addr(GetParam().loopback).address();
  int found = 0;
  for (const Interface& interface : host_.Interfaces()) {
    for (const InterfaceAddress& address : interface.addresses) {
      if (address.address != loopback) continue;
      ++found;
      EXPECT_EQ(interface.kind, InterfaceKind::kLoopback);
      EXPECT_EQ(interface.name, "lo");
      EXPECT_EQ(address.prefix_length, loopback.is_v4() ? 8 : 128);
      EXPECT_EQ(address.life, AddressLife::kPreferred);
      EXPECT_FALSE(address.temporary);
      EXPECT_TRUE(interface.up);
      EXPECT_GE(interface.mtu_bytes, 1280u);
    }
  }
  EXPECT_EQ(found, 1);
}

TEST_F(PosixHostTest, OnAnySocketTheSourceCanBeChosen) {
  const SocketId a = Open("0.0.0.0:0"), b = Open("127.0.0.1:0");
  const SendOptions from_three = {.source = Addr("127.0.0.3:0").address()};
  ASSERT_EQ(host_.SendTo(a, LocalOf(b), Bytes("x"), from_three), SendStatus::kSent);
  ASSERT_TRUE(Received(1));
  EXPECT_EQ(program_.received[0].datagram.from, Addr("127.0.0.3:0").WithPort(LocalOf(a).port()));
  // A bound socket cannot send from another source, and no socket can send from the address of another machine.
  EXPECT_EQ(host_.SendTo(b, LocalOf(b), Bytes("x"), from_three), SendStatus::kBadAddress);
  EXPECT_EQ(host_.SendTo(a, LocalOf(b), Bytes("x"), {.source = Addr("198.51.100.1:0").address()}),
            SendStatus::kBadAddress);
}

TEST_F(PosixHostTest, EachSendResultIsTold) {
  const SocketId a = Open("127.0.0.1:0");
  EXPECT_EQ(host_.SendTo(a, Addr("127.0.0.1:0"), Bytes("x"), kPlain), SendStatus::kBadAddress) << "port 0";
  EXPECT_EQ(host_.SendTo(a, Addr("0.0.0.0:9"), Bytes("x"), kPlain), SendStatus::kBadAddress) << "unspecified";
  EXPECT_EQ(host_.SendTo(a, Addr("[::1]:9"), Bytes("x"), kPlain), SendStatus::kBadAddress) << "other family";
  EXPECT_EQ(host_.SendTo(a, Addr("127.255.255.255:9"), Bytes("x"), kPlain), SendStatus::kNotPermitted) << "broadcast";
  EXPECT_EQ(host_.SendTo(a, LocalOf(a), Bytes(std::string(65508, 'x')), kPlain), SendStatus::kTooBig);
  EXPECT_EQ(host_.SendTo(SocketId{999}, LocalOf(a), Bytes("x"), kPlain), SendStatus::kClosed);
  host_.Close(a);
  EXPECT_EQ(host_.SendTo(a, Addr("127.0.0.1:9"), Bytes("x"), kPlain), SendStatus::kClosed);
  EXPECT_EQ(host_.LocalAddress(a), std::nullopt);
  host_.Close(a);  // does nothing
}

TEST_F(PosixHostTest, OpenUdpSaysWhyNot) {
  const SocketId a = Open("127.0.0.1:0");
  EXPECT_NE(LocalOf(a).port(), 0);
  EXPECT_EQ(host_.OpenUdp(LocalOf(a)).status().code(), absl::StatusCode::kAlreadyExists);
  const absl::Status elsewhere = host_.OpenUdp(Addr("198.51.100.1:0")).status();
  EXPECT_EQ(elsewhere.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(elsewhere.message().find("198.51.100.1:0"), absl::string_view::npos) << elsewhere;
  host_.Close(a);
  EXPECT_TRUE(host_.OpenUdp(Addr("127.0.0.1:0")).ok());
}

TEST_F(PosixHostTest, AnyOfIpv6IsNotAnyOfIpv4) {
  const absl::StatusOr<SocketId> six = host_.OpenUdp(Addr("[::]:0"));
  if (!six.ok()) {
    PINHOLE_UNAVAILABLE() << six.status();
  }
  EXPECT_TRUE(host_.OpenUdp(Addr("0.0.0.0:0").WithPort(LocalOf(*six).port())).ok());
  EXPECT_EQ(host_.SendTo(*six, Addr("[::ffff:127.0.0.1]:9"), Bytes("x"), kPlain), SendStatus::kBadAddress);
}

TEST_F(PosixHostTest, SocketIdsAreNeverReused) {
  std::set<SocketId> ids;
  for (int i = 0; i < 20; ++i) {
    const SocketId id = Open("127.0.0.1:0");
    EXPECT_TRUE(ids.insert(id).second);
    host_.Close(id);
  }
}

TEST_F(PosixHostTest, AProgramMayCloseTheSocketItIsCalledAbout) {
  const SocketId a = Open("127.0.0.1:0"), b = Open("127.0.0.1:0");
  program_.during_call = [&] { host_.Close(b); };
  for (int i = 0; i < 3; ++i) ASSERT_EQ(host_.SendTo(a, LocalOf(b), Bytes("x"), kPlain), SendStatus::kSent);
  ASSERT_TRUE(Received(1));
  ServeRest();
  EXPECT_EQ(program_.received.size(), 1u);
}

TEST_F(PosixHostTest, AProgramMayCloseAnotherSocketThatHasSomethingToRead) {
  const SocketId a = Open("127.0.0.1:0"), b = Open("127.0.0.1:0"), c = Open("127.0.0.1:0");
  program_.during_call = [&] {
    host_.Close(b);
    host_.Close(c);
  };
  ASSERT_EQ(host_.SendTo(a, LocalOf(b), Bytes("x"), kPlain), SendStatus::kSent);
  ASSERT_EQ(host_.SendTo(a, LocalOf(c), Bytes("x"), kPlain), SendStatus::kSent);
  ASSERT_TRUE(Received(1));
  ServeRest();
  EXPECT_EQ(program_.received.size(), 1u);
}

TEST_F(PosixHostTest, AProgramThatAnswersItselfIsNotCalledFromInsideItsCall) {
  const SocketId a = Open("127.0.0.1:0");
  program_.during_call = [&] {
    if (program_.received.size() < 100) host_.SendTo(a, LocalOf(a), Bytes("again"), kPlain);
  };
  ASSERT_EQ(host_.SendTo(a, LocalOf(a), Bytes("first"), kPlain), SendStatus::kSent);
  EXPECT_TRUE(Received(100));  // Recorder checks the nesting
}

TEST_F(PosixHostTest, ADefaultTtlCanBeSetAndTakenBack) {
  const SocketId a = Open("127.0.0.1:0");
  ASSERT_EQ(host_.SendTo(a, LocalOf(a), Bytes("x"), kPlain), SendStatus::kSent);
  ASSERT_TRUE(host_.SetTtl(a, 3).ok());
  ASSERT_EQ(host_.SendTo(a, LocalOf(a), Bytes("x"), kPlain), SendStatus::kSent);
  ASSERT_EQ(host_.SendTo(a, LocalOf(a), Bytes("x"), {.ttl = 200}), SendStatus::kSent);
  ASSERT_TRUE(host_.SetTtl(a, 0).ok());
  ASSERT_EQ(host_.SendTo(a, LocalOf(a), Bytes("x"), kPlain), SendStatus::kSent);
  ASSERT_TRUE(Received(4));
  EXPECT_EQ(program_.received[1].datagram.ttl, 3);
  EXPECT_EQ(program_.received[2].datagram.ttl, 200);
  EXPECT_EQ(program_.received[3].datagram.ttl, program_.received[0].datagram.ttl);
  EXPECT_EQ(host_.SetTtl(SocketId{999}, 1).code(), absl::StatusCode::kNotFound);
}

TEST_F(PosixHostTest, StartsItsProgramOnce) { EXPECT_EQ(program_.starts, 1); }

TEST_F(PosixHostTest, RandomStreamsOfOnePurposeAreOneObject) {
  EXPECT_EQ(&host_.Random("ice/ufrag"), &host_.Random("ice/ufrag"));
}

TEST_F(PosixHostTest, WhatIsNotBuiltSaysSo) {
  const auto unimplemented = absl::StatusCode::kUnimplemented;
  EXPECT_EQ(host_.WatchInterfaces().code(), unimplemented);
  EXPECT_EQ(host_.SendRawTcp({}).code(), unimplemented);
  EXPECT_EQ(host_.InitialSequenceNumber(SocketId{1}).status().code(), unimplemented);
}

// Runs `body` in a child process with a network namespace of its own, which has only a loopback interface, up, with an
// MTU of 1500 and no routes. Exit codes: 0: every expectation held; 1: one did not; 77: no namespace could be made.
int InOwnNetwork(const std::function<void()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) _exit(77);
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    ifreq request = {};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_mtu = 1500;
    if (ioctl(fd, SIOCSIFMTU, &request) != 0) _exit(77);
    request.ifr_flags = IFF_UP | IFF_LOOPBACK;
    if (ioctl(fd, SIOCSIFFLAGS, &request) != 0) _exit(77);
    body();
    std::fflush(nullptr);
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

void ExpectInOwnNetwork(const std::function<void()>& body) {
  const int code = InOwnNetwork(body);
  if (code == 77) {
    PINHOLE_UNAVAILABLE() << "no network namespaces here";
  }
  EXPECT_EQ(code, 0) << "see the child's output above";
}

TEST(PosixHostInOwnNetwork, WithDontFragmentMoreThanTheMtuIsTooBigAndWithoutItIsSent) {
  ExpectInOwnNetwork([] {
    for (const char* loopback : {"127.0.0.1:0", "[::1]:0"}) {
      SCOPED_TRACE(loopback);
      PosixLoop loop;
      PosixHost host(loop);
      Recorder program;
      host.Start(program);
      EXPECT_EQ(host.Interfaces().at(0).mtu_bytes, 1500u);
      const absl::StatusOr<SocketId> socket = host.OpenUdp(Addr(loopback));
      ASSERT_TRUE(socket.ok()) << socket.status();
      const SocketAddress to = *host.LocalAddress(*socket);
      const std::size_t fits = to.address().is_v4() ? 1500 - 20 - 8 : 1500 - 40 - 8;
      const SendOptions df = {.dont_fragment = true};
      EXPECT_EQ(host.SendTo(*socket, to, Bytes(std::string(fits, 'a')), df), SendStatus::kSent);
      EXPECT_EQ(host.SendTo(*socket, to, Bytes(std::string(fits + 1, 'b')), df), SendStatus::kTooBig);
      EXPECT_EQ(host.SendTo(*socket, to, Bytes(std::string(fits + 1, 'c')), kPlain), SendStatus::kSent);
      EXPECT_EQ(host.SendTo(*socket, to, Bytes(std::string(fits + 1, 'd')), df), SendStatus::kTooBig);
      ASSERT_TRUE(loop.RunUntil([&] { return program.received.size() == 2; }, kLimit));
      EXPECT_EQ(program.received[0].text[0], 'a');
      EXPECT_EQ(program.received[1].text[0], 'c');
      EXPECT_TRUE(program.errors.empty());
    }
  });
}

TEST(PosixHostInOwnNetwork, WithoutRoutesNothingIsReached) {
  ExpectInOwnNetwork([] {
    PosixLoop loop;
    PosixHost host(loop);
    Recorder program;
    host.Start(program);
    for (const char* any : {"0.0.0.0:0", "[::]:0"}) {
      const absl::StatusOr<SocketId> socket = host.OpenUdp(Addr(any));
      ASSERT_TRUE(socket.ok()) << socket.status();
      const SocketAddress far = Addr(any[0] == '0' ? "198.51.100.1:9" : "[2001:db8::1]:9");
      EXPECT_EQ(host.SendTo(*socket, far, Bytes("x"), kPlain), SendStatus::kNoRoute) << any;
      EXPECT_EQ(host.SourceFor(far.address()), std::nullopt) << any;
    }
  });
}

}  // namespace
}  // namespace pinhole::net
