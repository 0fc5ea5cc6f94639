#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "sim/boxes/nat_box.h"
#include "tests/sim/segment_wire.h"

// Segments that a NAT box itself sends for TCP: RSTs, early and late. Also segments that leak through it untranslated.
namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;
using NatWire = Wire<NatBox, NatBoxOptions>;

constexpr std::uint8_t kSynAck = kTcpSyn | kTcpAck;
const Seg kInsideSyn{.flags = kTcpSyn, .sequence = kAliceIsn};
const Seg kOutsideSyn{.flags = kTcpSyn, .sequence = kPeerIsn};
const Seg kOutsideSynAck{kSynAck, kPeerIsn, kAliceIsn + 1};
const Seg kInsideAck{kTcpAck, kAliceIsn + 1, kPeerIsn + 1};

TEST(NatBoxTcp, AHeldSynIsResetSixSecondsAfterItCame) {
  NatProfile profile;
  profile.tcp.unsolicited = Unsolicited::kReset;
  NatWire wire(NatBoxOptions{.profile = profile}, "10.0.1.10", "10.0.1.1", "198.51.100.1", "198.51.100.7");
  const net::SocketAddress peer = Addr("198.51.100.7:4000");
  wire.outside->Send(peer, kAlicePublic, kOutsideSyn);
  wire.Run(10s);
  ASSERT_EQ(wire.outside->got.size(), 1u);
  EXPECT_EQ(wire.outside->times[0], At(5ms + 6s + 5ms));
  EXPECT_EQ(wire.outside->got[0].source, kAlicePublic);
  EXPECT_EQ(wire.outside->got[0].tcp.flags, kTcpRst | kTcpAck);
  EXPECT_EQ(wire.outside->got[0].tcp.acknowledgment, kPeerIsn + 1);
}

TEST(NatBoxTcp, AnInvalidSegmentLeaksWithItsInsideSource) {
  NatWire wire(NatBoxOptions{.profile = LinuxTcp()}, "10.0.1.10", "10.0.1.1", "198.51.100.1", "198.51.100.7");
  wire.inside->Send(kAlice, Addr("198.51.100.7:4000"), {kSynAck, 1, 1});
  wire.Run(1s);
  ASSERT_EQ(wire.outside->got.size(), 1u);
  EXPECT_EQ(wire.outside->got[0].source, kAlice);
}

// As at AWS: the connection is forgotten silently. The next segment from inside is answered with a RST that its sender
// accepts.
TEST(NatBoxTcp, ALateSegmentOfAnIdleConnectionIsReset) {
  NatProfile profile;
  profile.tcp.tracking.idle = TcpIdle::kResetLate;
  profile.tcp.tracking.timeouts.established = 350s;
  NatWire wire(NatBoxOptions{.profile = profile}, "10.0.1.10", "10.0.1.1", "198.51.100.1", "198.51.100.7");
  const net::SocketAddress peer = Addr("198.51.100.7:4000");
  wire.inside->Send(kAlice, peer, kInsideSyn);
  wire.Run(1s);
  wire.outside->Send(peer, kAlicePublic, kOutsideSynAck);
  wire.Run(1s);
  wire.inside->Send(kAlice, peer, kInsideAck);
  wire.Run(349s);
  wire.inside->Send(kAlice, peer, kInsideAck);  // keeps it
  wire.Run(1s);
  const std::size_t before = wire.inside->got.size(), seen_outside = wire.outside->got.size();
  wire.Run(350s);
  EXPECT_EQ(wire.inside->got.size(), before);
  wire.inside->Send(kAlice, peer, kInsideAck);
  wire.Run(1s);
  ASSERT_EQ(wire.inside->got.size(), before + 1);
  EXPECT_EQ(wire.outside->got.size(), seen_outside);
  EXPECT_EQ(wire.inside->got.back().source, peer);
  EXPECT_EQ(wire.inside->got.back().tcp.flags, kTcpRst);
  EXPECT_EQ(wire.inside->got.back().tcp.sequence, kInsideAck.acknowledgment);
}

// As at Azure: a segment of no known flow gets a RST, from whichever side it comes: idle RST_LATE, unsolicited TCP_RST,
// no hold. The mapping may have ended too, or may live because of another connection.
TEST(NatBoxTcp, ALateSegmentOfAnIdleConnectionIsResetFromEitherSide) {
  for (const bool mapping_lives : {false, true}) {
    for (const bool from_inside : {false, true}) {
      SCOPED_TRACE(absl::StrCat(mapping_lives ? "mapped, " : "forgotten, ", from_inside ? "inside" : "outside"));
      NatProfile profile;
      profile.tcp.unsolicited = Unsolicited::kReset;
      profile.tcp.unsolicited_hold = net::Duration::zero();
      profile.tcp.tracking.idle = TcpIdle::kResetLate;
      profile.tcp.tracking.timeouts.established = 240s;
      NatWire wire(NatBoxOptions{.profile = profile}, "10.0.1.10", "10.0.1.1", "198.51.100.1", "198.51.100.7");
      const net::SocketAddress peer = Addr("198.51.100.7:4000");
      wire.inside->Send(kAlice, peer, kInsideSyn);
      wire.Run(1s);
      wire.outside->Send(peer, kAlicePublic, kOutsideSynAck);
      wire.Run(1s);
      wire.inside->Send(kAlice, peer, kInsideAck);
      wire.Run(239s);
      if (mapping_lives) wire.inside->Send(kAlice, peer.WithPort(4001), kInsideSyn);
      wire.Run(1s);
      SegmentHost& late = from_inside ? *wire.inside : *wire.outside;
      SegmentHost& other = from_inside ? *wire.outside : *wire.inside;
      const std::size_t late_before = late.got.size(), other_before = other.got.size();
      EXPECT_EQ(wire.inside->got.size() + wire.outside->got.size(), mapping_lives ? 4u : 3u) << "nobody is told yet";
      if (from_inside) {
        late.Send(kAlice, peer, kInsideAck);
      } else {
        late.Send(peer, kAlicePublic, {kTcpAck, kPeerIsn + 1, kAliceIsn + 1});
      }
      wire.Run(1s);
      ASSERT_EQ(late.got.size(), late_before + 1);
      EXPECT_EQ(late.got.back().tcp.flags, kTcpRst);
      EXPECT_EQ(late.got.back().tcp.sequence, from_inside ? kPeerIsn + 1 : kAliceIsn + 1);
      EXPECT_EQ(other.got.size(), other_before) << "it went no further";
    }
  }
}

// Both ends get a RST when the connection is forgotten, with the sequence numbers that they expect.
TEST(NatBoxTcp, AnIdleConnectionIsResetAtBothEnds) {
  for (const TcpDepth depth : {TcpDepth::kAddresses, TcpDepth::kFlags, TcpDepth::kLinux}) {
    SCOPED_TRACE(ToString(depth));
    NatProfile profile;
    profile.tcp.tracking.depth = depth;
    profile.tcp.tracking.idle = TcpIdle::kResetBoth;
    profile.tcp.tracking.timeouts.established = 240s;
    NatWire wire(NatBoxOptions{.profile = profile}, "10.0.1.10", "10.0.1.1", "198.51.100.1", "198.51.100.7");
    const net::SocketAddress peer = Addr("198.51.100.7:4000");
    wire.inside->Send(kAlice, peer, kInsideSyn);
    wire.Run(10ms);
    wire.outside->Send(peer, kAlicePublic, kOutsideSynAck);
    wire.Run(10ms);
    wire.inside->Send(kAlice, peer, kInsideAck);  // passes the box at 25 ms
    wire.Run(300s);
    ASSERT_EQ(wire.inside->got.size(), 2u);
    EXPECT_EQ(wire.inside->times[1], At(25ms + 240s + 5ms));
    EXPECT_EQ(wire.inside->got[1].source, peer);
    EXPECT_TRUE(wire.inside->got[1].tcp.Has(kTcpRst));
    EXPECT_EQ(wire.inside->got[1].tcp.sequence, kPeerIsn + 1);
    ASSERT_EQ(wire.outside->got.size(), 3u);
    EXPECT_EQ(wire.outside->times[2], At(25ms + 240s + 5ms));
    EXPECT_EQ(wire.outside->got[2].source, kAlicePublic);
    EXPECT_TRUE(wire.outside->got[2].tcp.Has(kTcpRst));
    EXPECT_EQ(wire.outside->got[2].tcp.sequence, kAliceIsn + 1);
  }
}

}  // namespace
}  // namespace pinhole::sim
