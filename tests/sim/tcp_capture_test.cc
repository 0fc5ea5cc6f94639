// Captures of TCP, read by an independent decoder.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "sim/boxes/nat_box.h"
#include "sim/capture.h"
#include "sim/host/host_node.h"
#include "tests/sim/tcp_world.h"

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;

// Writes a capture of the packets that one interface sends and receives. With more interfaces, tshark would see a
// segment twice on its way through a box, and would call it a retransmission.
class InterfaceCapture final : public Tracer {
 public:
  InterfaceCapture(const World& world, const Node& node, int interface)
      : path_(absl::StrCat(testing::TempDir(), "/pinhole_",
                           testing::UnitTest::GetInstance()->current_test_info()->name(), "_", node.name(), "_",
                           interface, ".pcapng")),
        node_(node.id()),
        interface_(interface),
        out_(path_, std::ios::binary),
        capture_(std::in_place, world, out_) {}
  ~InterfaceCapture() override { std::remove(path_.c_str()); }

  void OnTrace(const TraceEvent& event, const Packet& packet) override {
    if (event.node != node_) return;
    if (event.interface == interface_ || event.kind == TraceKind::kDrop) capture_->OnTrace(event, packet);
  }
  void End() {
    capture_.reset();
    out_.close();
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  NodeId node_;
  int interface_;
  std::ofstream out_;
  std::optional<CaptureTracer> capture_;
};

std::string RunCommand(const std::string& command) {
  std::string output;
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return "no pipe";
  std::array<char, 4096> buffer;
  while (std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe)) output.append(buffer.data(), count);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return output;
}

// The number of times that tshark's analysis of TCP raises each flag, by name.
using Flags = std::map<std::string, int>;

// All flags that this tshark knows.
const std::vector<std::string>& AnalysisFlags() {
  static const std::vector<std::string> flags = absl::StrSplit(
      RunCommand("tshark -G fields 2>/dev/null | awk -F'\\t' '$4 == \"FT_NONE\" && $3 != \"tcp.analysis.flags\" && "
                 "sub(/^tcp[.]analysis[.]/, \"\", $3) {print $3}'"),
      '\n', absl::SkipEmpty());
  return flags;
}

// Captures the packets at several interfaces while a world runs, and gives the result of tshark's analysis.
class CapturedRun final : public Tracer {
 public:
  struct Port {
    const Node& node;
    int interface = 1;
  };
  CapturedRun(World& world, const std::vector<Port>& ports) : world_(world) {
    for (const Port& port : ports) {
      files_.push_back(std::make_unique<InterfaceCapture>(world, port.node, port.interface));
    }
    world.SetTracer(this);
  }
  void OnTrace(const TraceEvent& event, const Packet& packet) override {
    for (const auto& file : files_) file->OnTrace(event, packet);
  }
  void End() {
    world_.SetTracer(nullptr);
    for (const auto& file : files_) file->End();
  }

  // The fields of the packets in the port's file that the filter selects, one line for each packet.
  std::string Tshark(std::size_t port, const std::string& filter, const std::string& fields) const {
    // The data is random. tshark is told that it is the echo protocol (RFC 862), which accepts any data.
    return RunCommand(absl::StrCat("tshark -r ", files_[port]->path(),
                                   " -d tcp.port==80,echo -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -Y '",
                                   filter, "' -T fields -E separator=, -E occurrence=f ", fields, " 2>/dev/null"));
  }
  Flags FlagsAt(std::size_t port) const {
    const std::vector<std::string>& names = AnalysisFlags();
    EXPECT_GE(names.size(), 10u);
    std::string fields;
    for (const std::string& name : names) absl::StrAppend(&fields, " -e tcp.analysis.", name);
    Flags flags;
    for (const absl::string_view packet : absl::StrSplit(Tshark(port, "tcp", fields), '\n', absl::SkipEmpty())) {
      const std::vector<absl::string_view> raised = absl::StrSplit(packet, ',');
      for (std::size_t i = 0; i < names.size() && i < raised.size(); ++i) {
        if (!raised[i].empty()) ++flags[names[i]];
      }
    }
    return flags;
  }
  // No malformed segment and no bad checksum in any file.
  void ExpectWellFormed(std::size_t packets_min) const;

 private:
  World& world_;
  std::vector<std::unique_ptr<InterfaceCapture>> files_;
};

std::size_t Lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

void CapturedRun::ExpectWellFormed(std::size_t packets_min) const {
  for (std::size_t port = 0; port < files_.size(); ++port) {
    SCOPED_TRACE(files_[port]->path());
    EXPECT_GE(Lines(Tshark(port, "tcp.checksum.status == 1 && ip.checksum.status == 1", "-e frame.number")),
              packets_min);
    EXPECT_EQ(
        Tshark(port, "!(tcp.checksum.status == 1 && ip.checksum.status == 1)", "-e frame.number -e frame.comment"), "");
    EXPECT_EQ(Tshark(port, "_ws.malformed || _ws.expert.severity == error", "-e frame.number -e _ws.expert.message"),
              "");
  }
}

TEST(TcpCapture, TsharkFindsNothingWrongWithAnUndisturbedConnection) {
  TcpWorld two;
  CapturedRun run(two.world, {{two.alice_node}, {two.bob_node}});
  two.bob.echoes = true;
  const TcpWorld::Pair pair = two.ConnectPair();
  two.alice.Write(pair.alice, net::Noise(50'000, 1), true);
  ASSERT_TRUE(two.RunUntil([&] { return two.alice.at(pair.alice).closed; }));
  two.alice.host().Close(pair.alice);
  two.RunFor(1s);
  run.End();
  run.ExpectWellFormed(80);
  EXPECT_EQ(run.FlagsAt(0), Flags{});
  EXPECT_EQ(run.FlagsAt(1), Flags{});
  EXPECT_EQ(run.Tshark(0, "frame.number <= 3", "-e tcp.flags.str -e tcp.len"),
            "\u00b7\u00b7\u00b7\u00b7\u00b7\u00b7\u00b7\u00b7\u00b7\u00b7S\u00b7,0\n"
            "\u00b7\u00b7\u00b7\u00b7\u00b7\u00b7\u00b7A\u00b7\u00b7S\u00b7,0\n"
            "\u00b7\u00b7\u00b7\u00b7\u00b7\u00b7\u00b7A\u00b7\u00b7\u00b7\u00b7,0\n");
}

// The flags of a simultaneous open. tshark does not know it: each SYN,ACK has the same number as the SYN before it.
const Flags kSimultaneousOpen = {{"retransmission", 2}};

TEST(TcpCapture, TsharkCallsTheSynAcksOfASimultaneousOpenRetransmissions) {
  TcpWorld two;
  CapturedRun run(two.world, {{two.alice_node}, {two.bob_node}});
  two.alice.Connect(At("192.0.2.1:80"), At("192.0.2.2:80"));
  two.bob.Connect(At("192.0.2.2:80"), At("192.0.2.1:80"));
  two.RunFor(1s);
  run.End();
  run.ExpectWellFormed(4);
  for (const std::size_t port : {0u, 1u}) {
    SCOPED_TRACE(port);
    EXPECT_EQ(run.FlagsAt(port), kSimultaneousOpen);
    EXPECT_EQ(run.Tshark(port, "tcp.analysis.retransmission", "-e tcp.flags"), "0x0012\n0x0012\n");
  }
}

// Ten segments are one initial window (RFC 6928); the fifth is lost. Each of the five after it is answered at once with
// the same ACK (RFC 5681 §4.2), and the third of these ACKs causes the retransmission. Then six segments can be read,
// in pieces of 4096 bytes. Two pieces are enough for a window update (RFC 9293 §3.8.6.2.2).
TEST(TcpCapture, TsharkSeesALossItsDuplicateAcksAndItsRetransmission) {
  LinkProfile lossy = {.delay = 20ms, .rate_bps = 10'000'000};
  TcpWorld two({}, {}, lossy);
  lossy.faults.push_back({.packet_class = net::PacketClass::kData, .nth = 5});
  two.world.SetLinkProfile(two.link, World::Direction::kAToB, lossy);
  CapturedRun run(two.world, {{two.alice_node}, {two.bob_node}});
  const TcpWorld::Pair pair = two.ConnectPair();
  two.alice.write_options = {.packet_class = net::PacketClass::kData};
  const std::string text = net::Noise(14'600, 1);
  two.alice.Write(pair.alice, text);
  ASSERT_TRUE(two.RunUntil([&] { return two.bob.at(pair.bob).received == text; }));
  two.RunFor(1s);
  run.End();
  run.ExpectWellFormed(20);
  EXPECT_EQ(run.FlagsAt(0),
            (Flags{{"duplicate_ack", 5}, {"fast_retransmission", 1}, {"retransmission", 1}, {"window_update", 2}}));
  // Where it was not seen before, there is a gap, and it comes out of order: within a round trip of the last.
  EXPECT_EQ(run.FlagsAt(1),
            (Flags{{"duplicate_ack", 5}, {"lost_segment", 1}, {"out_of_order", 1}, {"window_update", 2}}));
}

// alice - home_a - home_b - bob, 10 ms each.
struct TwoNats {
  TwoNats()
      : world(1),
        alice_node(AddHost(world, "alice", "10.0.1.10/24", "10.0.1.1")),
        home_a(world.AddNode<NatBox>("home_a", NatBoxOptions{})),
        home_b(world.AddNode<NatBox>("home_b", NatBoxOptions{})),
        bob_node(AddHost(world, "bob", "10.0.2.10/24", "10.0.2.1")) {
    const LinkProfile link = {.delay = 10ms};
    Link(world, home_a, AddPort(home_a, "wan", "198.51.100.1/24"), home_b, AddPort(home_b, "wan", "198.51.100.2/24"),
         link);
    Link(world, alice_node, 1, home_a, AddPort(home_a, "lan", "10.0.1.1/24"), link);
    Link(world, bob_node, 1, home_b, AddPort(home_b, "lan", "10.0.2.1/24"), link);
    alice.Attach(alice_node.StartProgram("tcp", alice));
    bob.Attach(bob_node.StartProgram("tcp", bob));
    world.RunUntil(Time({}));
  }

  World world;
  HostNode& alice_node;
  NatBox& home_a;
  NatBox& home_b;
  HostNode& bob_node;
  net::TcpProgram alice, bob;
};

// A TCP hole is punched, and an echo goes through it.
TEST(TcpCapture, TsharkSeesNoMoreThanASimultaneousOpenOnAnySideOfTwoNats) {
  TwoNats two;
  constexpr int kOutside = 1;
  CapturedRun run(two.world, {{two.alice_node}, {two.home_a, kOutside}, {two.home_b, kOutside}, {two.bob_node}});
  two.bob.echoes = true;
  const net::SocketId a = two.alice.Connect(At("10.0.1.10:80"), At("198.51.100.2:80"));
  const net::SocketId b = two.bob.Connect(At("10.0.2.10:80"), At("198.51.100.1:80"));
  two.world.RunUntil(Time(1s));
  ASSERT_TRUE(two.alice.at(a).connected && two.bob.at(b).connected);
  const std::string text = net::Noise(50'000, 1);
  two.alice.Write(a, text, true);
  two.world.RunUntil(Time(10s));
  ASSERT_TRUE(two.alice.at(a).received == text);
  run.End();
  run.ExpectWellFormed(80);
  for (std::size_t port = 0; port < 4; ++port) {
    SCOPED_TRACE(port);
    EXPECT_EQ(run.FlagsAt(port), kSimultaneousOpen);
  }
}

TEST(TcpCapture, EverySegmentOfImpairedConnectionsIsWellFormed) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    LinkProfile bad = {.delay = 20ms, .jitter = 10ms, .loss_ppm = 30'000, .duplicate_ppm = 20'000};
    bad.reorder_ppm = 30'000;
    bad.reorder_delay = 20ms;
    TcpWorld two({}, {}, bad, seed);
    CapturedRun run(two.world, {{two.alice_node}});
    const TcpWorld::Pair pair = two.ConnectPair();
    two.alice.Write(pair.alice, net::Noise(200'000, seed), true);
    two.bob.Write(pair.bob, net::Noise(200'000, seed + 100), true);
    ASSERT_TRUE(two.RunUntil([&] { return two.alice.at(pair.alice).closed && two.bob.at(pair.bob).closed; }));
    run.End();
    run.ExpectWellFormed(300);
  }
}

}  // namespace
}  // namespace pinhole::sim
