#include "sim/fabric.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace pinhole::sim {
namespace {

using Id = std::uint32_t;

net::IpAddress Address(const std::string& text) { return *net::IpAddress::Parse(text); }

// The fabric with interfaces only. Each node of these tests has one interface, with as many links as the test connects.
class FabricTest : public testing::Test {
 protected:
  // An attached interface with `address`; "": without an address, as a switch has.
  Id Attach(const std::string& address = "") {
    std::vector<net::Interface>& interfaces = nodes_.emplace_back(1);
    if (!address.empty()) interfaces[0].addresses.push_back({.address = Address(address)});
    return fabric_.Attach(interfaces, 0);
  }
  net::Interface& InterfaceOf(Id attachment) { return nodes_[attachment][0]; }

  Id Neighbour(Id from, const std::string& address, bool strict = true) {
    return fabric_.FindNeighbour(from, Address(address), strict);
  }
  // The attachments on the way, both ends included.
  std::vector<Id> Way(Id from, Id to) {
    std::vector<Id> way = {from};
    while (way.back() != to && way.size() <= nodes_.size()) {
      const Id direction = fabric_.NextDirection(way.back(), to);
      EXPECT_EQ(fabric_.From(direction), way.back());
      way.push_back(fabric_.To(direction));
    }
    return way;
  }

  std::deque<std::vector<net::Interface>> nodes_;  // by attachment; a deque moves none of them when it grows
  Fabric fabric_;
};

TEST_F(FabricTest, TheTwoDirectionsOfALinkDifferInTheLowestBit) {
  const Id a = Attach("192.0.2.1"), b = Attach("192.0.2.2"), c = Attach("192.0.2.3");
  const Id a_to_b = fabric_.Connect(a, b), b_to_c = fabric_.Connect(b, c);
  EXPECT_EQ(a_to_b, 0u);
  EXPECT_EQ(b_to_c, 2u);
  EXPECT_EQ(fabric_.From(b_to_c), b);
  EXPECT_EQ(fabric_.To(b_to_c), c);
  EXPECT_EQ(fabric_.From(b_to_c ^ 1), c);
  EXPECT_EQ(fabric_.To(b_to_c ^ 1), b);
  ASSERT_EQ(fabric_.Out(b).size(), 2u);
  EXPECT_EQ(fabric_.Out(b)[0], a_to_b ^ 1);
  EXPECT_EQ(fabric_.Out(b)[1], b_to_c);
}

TEST_F(FabricTest, ANeighbourIsWhoHoldsTheAddressOnTheSameNetwork) {
  const Id alice = Attach("192.0.2.1"), bob = Attach("192.0.2.2");
  const Id stranger = Attach("192.0.2.3"), other = Attach("192.0.2.4");
  fabric_.Connect(alice, bob);
  fabric_.Connect(stranger, other);
  EXPECT_EQ(Neighbour(alice, "192.0.2.2"), bob);
  EXPECT_EQ(Neighbour(bob, "192.0.2.1"), alice);
  EXPECT_EQ(Neighbour(alice, "192.0.2.3"), Fabric::kNone);
  EXPECT_EQ(Neighbour(alice, "192.0.2.1"), Fabric::kNone) << "an interface is not its own neighbour";
}

TEST_F(FabricTest, TheSameAddressOnTwoNetworksIsTwoNeighbours) {
  const Id a = Attach("192.168.1.2"), home_a = Attach("192.168.1.1");
  const Id b = Attach("192.168.1.2"), home_b = Attach("192.168.1.1");
  fabric_.Connect(a, home_a);
  fabric_.Connect(b, home_b);
  EXPECT_EQ(Neighbour(a, "192.168.1.1"), home_a);
  EXPECT_EQ(Neighbour(b, "192.168.1.1"), home_b);
}

TEST_F(FabricTest, TheFarEndOfANetworkOfTwoTakesEverythingThatIsNotStrict) {
  const Id alice = Attach("192.0.2.1"), bob = Attach("192.0.2.2");
  fabric_.Connect(alice, bob);
  EXPECT_EQ(Neighbour(alice, "203.0.113.7", false), bob);
  EXPECT_EQ(Neighbour(bob, "203.0.113.7", false), alice);
  // The answer is not kept for a strict question about the same address.
  EXPECT_EQ(Neighbour(alice, "203.0.113.7", true), Fabric::kNone);

  fabric_.Connect(bob, Attach("192.0.2.3"));
  EXPECT_EQ(Neighbour(alice, "203.0.113.7", false), Fabric::kNone) << "now the network has three";
}

//            top
//     left --'|`-- right
//    / | \    |     |  \     .
//   a  b  c   d     e   f
class BridgedTree : public FabricTest {
 protected:
  BridgedTree() {
    for (const Id bridge : {left_, right_}) fabric_.Connect(top_, bridge);
    for (const Id host : {a_, b_, c_}) fabric_.Connect(left_, host);
    fabric_.Connect(top_, d_);
    for (const Id host : {e_, f_}) fabric_.Connect(host, right_);
  }

  // `a` is the first attachment, so it becomes the root of the tree that the fabric keeps.
  Id a_ = Attach("10.0.0.1"), b_ = Attach("10.0.0.2"), c_ = Attach("10.0.0.3");
  Id d_ = Attach("10.0.0.4"), e_ = Attach("10.0.0.5"), f_ = Attach("10.0.0.6");
  Id top_ = Attach(), left_ = Attach(), right_ = Attach();
};

TEST_F(BridgedTree, EveryHostFindsEveryOther) {
  const std::vector<Id> hosts = {a_, b_, c_, d_, e_, f_};
  for (const Id from : hosts) {
    for (const Id to : hosts) {
      const std::string address = "10.0.0." + std::to_string(to + 1);
      EXPECT_EQ(Neighbour(from, address), from == to ? Fabric::kNone : to) << from << " to " << to;
    }
  }
  EXPECT_EQ(fabric_.FindLoop(), std::nullopt);
}

TEST_F(BridgedTree, TheWayIsTheOnlyOne) {
  using Ids = std::vector<Id>;
  EXPECT_EQ(Way(a_, b_), (Ids{a_, left_, b_}));
  EXPECT_EQ(Way(a_, f_), (Ids{a_, left_, top_, right_, f_})) << "down, from the root";
  EXPECT_EQ(Way(f_, a_), (Ids{f_, right_, top_, left_, a_})) << "up, to the root";
  EXPECT_EQ(Way(c_, e_), (Ids{c_, left_, top_, right_, e_})) << "up, then down";
  EXPECT_EQ(Way(e_, f_), (Ids{e_, right_, f_})) << "down, though the root is elsewhere";
  EXPECT_EQ(Way(d_, c_), (Ids{d_, top_, left_, c_}));
}

TEST_F(BridgedTree, OneMoreLinkIsALoop) {
  fabric_.Connect(left_, right_);
  EXPECT_NE(fabric_.FindLoop(), std::nullopt);
}

TEST_F(FabricTest, TwoLinksBetweenTheSameTwoAreALoop) {
  const Id alice = Attach("192.0.2.1"), bob = Attach("192.0.2.2");
  fabric_.Connect(alice, bob);
  EXPECT_EQ(fabric_.FindLoop(), std::nullopt);
  fabric_.Connect(alice, bob);
  const std::optional<Id> loop = fabric_.FindLoop();
  ASSERT_NE(loop, std::nullopt);
  EXPECT_TRUE(*loop == alice || *loop == bob);
}

TEST_F(FabricTest, AnAddressThatMovesIsFoundAtItsNewPlace) {
  const Id alice = Attach("192.0.2.1"), bob = Attach("192.0.2.2"), carol = Attach("192.0.2.3"), bridge = Attach();
  for (const Id host : {alice, bob, carol}) fabric_.Connect(bridge, host);
  EXPECT_EQ(Neighbour(alice, "192.0.2.2"), bob);

  InterfaceOf(carol).addresses.push_back(InterfaceOf(bob).addresses[0]);
  InterfaceOf(bob).addresses.clear();
  fabric_.InterfacesChanged();
  EXPECT_EQ(Neighbour(alice, "192.0.2.2"), carol);
  EXPECT_EQ(Neighbour(alice, "192.0.2.3"), carol);
  EXPECT_EQ(Neighbour(carol, "192.0.2.2"), Fabric::kNone);
}

TEST_F(FabricTest, AnInterfaceGoesDownAndComesUp) {
  const Id alice = Attach("192.0.2.1"), bob = Attach("192.0.2.2");
  fabric_.Connect(alice, bob);
  EXPECT_TRUE(fabric_.IsUp(bob));
  InterfaceOf(bob).up = false;
  fabric_.InterfacesChanged();
  EXPECT_FALSE(fabric_.IsUp(bob));
  EXPECT_TRUE(fabric_.IsUp(alice));
  // A packet to it is sent all the same: the sender cannot know.
  EXPECT_EQ(Neighbour(alice, "192.0.2.2"), bob);
  InterfaceOf(bob).up = true;
  fabric_.InterfacesChanged();
  EXPECT_TRUE(fabric_.IsUp(bob));
}

TEST_F(FabricTest, OnlyAnAddressTwiceOnOneNetworkIsShared) {
  const Id a = Attach("192.0.2.1"), b = Attach("192.0.2.1");
  fabric_.Connect(a, Attach("192.0.2.7"));
  fabric_.Connect(b, Attach("192.0.2.8"));
  EXPECT_FALSE(fabric_.FindSharedAddress().has_value());

  fabric_.Connect(a, b);
  const std::optional<Fabric::SharedAddress> shared = fabric_.FindSharedAddress();
  ASSERT_TRUE(shared.has_value());
  EXPECT_EQ(shared->address, Address("192.0.2.1"));
  EXPECT_EQ(shared->first, a);
  EXPECT_EQ(shared->second, b);
}

// In a large network an interface is found through an index, in a small one by looking at each attachment.
TEST_F(FabricTest, ALargeNetworkAnswersAsASmallOne) {
  constexpr int kHosts = 1000;
  const auto address_of = [](int i) { return "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1); };
  const Id bridge = Attach();
  std::vector<Id> hosts;
  for (int i = 0; i < kHosts; ++i) {
    hosts.push_back(Attach(address_of(i)));
    fabric_.Connect(bridge, hosts.back());
  }
  for (int i = 1; i < kHosts; ++i) {
    ASSERT_EQ(Neighbour(hosts[0], address_of(i)), hosts[i]);
    ASSERT_EQ(Neighbour(hosts[i], address_of(0)), hosts[0]);
  }
  EXPECT_EQ(Neighbour(hosts[5], address_of(5)), Fabric::kNone);
  EXPECT_EQ(Neighbour(hosts[5], "10.9.9.9"), Fabric::kNone);
  EXPECT_EQ(Neighbour(hosts[5], "10.9.9.9", false), Fabric::kNone);
  EXPECT_EQ(Way(hosts[3], hosts[998]), (std::vector<Id>{hosts[3], bridge, hosts[998]}));

  InterfaceOf(hosts[7]).addresses[0].address = Address("10.9.9.9");
  fabric_.InterfacesChanged();
  EXPECT_EQ(Neighbour(hosts[5], "10.9.9.9"), hosts[7]);
  EXPECT_EQ(Neighbour(hosts[5], address_of(7)), Fabric::kNone);
}

// The list of a node's interfaces may grow and thereby move in memory.
TEST_F(FabricTest, ANodeMayGetMoreInterfacesLater) {
  const Id alice = Attach("192.0.2.1"), bob = Attach("192.0.2.2");
  fabric_.Connect(alice, bob);
  EXPECT_EQ(Neighbour(bob, "192.0.2.1"), alice);
  nodes_[alice].resize(100);
  nodes_[alice][1].addresses.push_back({.address = Address("198.51.100.1")});
  const Id second = fabric_.Attach(nodes_[alice], 1), carol = Attach("198.51.100.2");
  fabric_.Connect(second, carol);
  EXPECT_EQ(Neighbour(bob, "192.0.2.1"), alice);
  EXPECT_EQ(Neighbour(carol, "198.51.100.1"), second);
  EXPECT_EQ(Neighbour(carol, "192.0.2.1"), Fabric::kNone);
}

}  // namespace
}  // namespace pinhole::sim
