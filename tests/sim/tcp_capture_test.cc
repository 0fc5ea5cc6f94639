// Captures of TCP, read by an independent decoder.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "sim/pcapng.h"
#include "tests/sim/tcp_world.h"

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;

// Passes on what one node sends and takes: the capture of one interface, as tshark's analysis of TCP wants it.
class OneNode final : public Tracer {
 public:
  OneNode(Tracer& to, NodeId node) : to_(to), node_(node) {}
  void OnTrace(const TraceEvent& event, const Packet& packet) override {
    if (event.node == node_) to_.OnTrace(event, packet);
  }

 private:
  Tracer& to_;
  NodeId node_;
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

// The capture of Alice's interface while `run` runs, and what tshark says of it.
class CapturedRun {
 public:
  CapturedRun(TcpWorld& two, const std::string& name) : two_(two), path_(testing::TempDir() + "/pinhole_" + name) {
    out_.open(path_, std::ios::binary);
    capture_.emplace(two.world, out_);
    filter_.emplace(*capture_, two.alice_node.id());
    two.world.SetTracer(&*filter_);
  }
  ~CapturedRun() { std::remove(path_.c_str()); }

  void End() {
    two_.world.SetTracer(nullptr);
    capture_.reset();
    out_.close();
  }
  // The fields of every packet that the filter shows, a line each.
  std::string Tshark(const std::string& filter, const std::string& fields) const {
    // The data is noise: it is said to be the echo protocol's (RFC 862), which takes anything.
    return RunCommand("tshark -r " + path_ +
                      " -d tcp.port==80,echo -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -Y '" + filter +
                      "' -T fields -E separator=' ' " + fields + " 2>/dev/null");
  }

 private:
  TcpWorld& two_;
  std::string path_;
  std::ofstream out_;
  std::optional<CaptureTracer> capture_;
  std::optional<OneNode> filter_;
};

std::size_t Lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

void ExpectWellFormed(const CapturedRun& run, std::size_t packets_min) {
  EXPECT_GE(Lines(run.Tshark("tcp.checksum.status == 1 && ip.checksum.status == 1", "-e frame.number")), packets_min);
  EXPECT_EQ(run.Tshark("!(tcp.checksum.status == 1 && ip.checksum.status == 1)", "-e frame.number -e frame.comment"),
            "");
  EXPECT_EQ(run.Tshark("_ws.malformed || _ws.expert.severity == error", "-e frame.number -e _ws.expert.message"), "");
}

constexpr char kFlagged[] =
    "tcp.analysis.retransmission || tcp.analysis.fast_retransmission || tcp.analysis.spurious_retransmission || "
    "tcp.analysis.out_of_order || tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment || "
    "tcp.analysis.zero_window || tcp.analysis.window_full || tcp.analysis.keep_alive";

TEST(TcpCapture, TsharkFindsNothingWrongWithAnUndisturbedConnection) {
  TcpWorld two;
  CapturedRun run(two, "tcp_plain.pcapng");
  two.bob.echoes = true;
  const TcpWorld::Pair pair = two.ConnectPair();
  two.alice.Write(pair.alice, net::Noise(50'000, 1), true);
  ASSERT_TRUE(two.RunUntil([&] { return two.alice.at(pair.alice).closed; }));
  two.alice.host().Close(pair.alice);
  two.RunFor(1s);
  run.End();
  ExpectWellFormed(run, 80);
  EXPECT_EQ(run.Tshark(std::string(kFlagged) + " || tcp.analysis.duplicate_ack", "-e frame.number"), "");
  EXPECT_EQ(run.Tshark("frame.number <= 3", "-e tcp.flags.str -e tcp.len"),
            "\u00b7\u00b7\u00b7\u00b7\u00b7\u00b7\u00b7\u00b7\u00b7\u00b7S\u00b7 0\n"
            "\u00b7\u00b7\u00b7\u00b7\u00b7\u00b7\u00b7A\u00b7\u00b7S\u00b7 0\n"
            "\u00b7\u00b7\u00b7\u00b7\u00b7\u00b7\u00b7A\u00b7\u00b7\u00b7\u00b7 0\n");
}

// It knows no simultaneous open: each SYN,ACK has the number of the SYN before it.
TEST(TcpCapture, TsharkCallsTheSynAcksOfASimultaneousOpenRetransmissions) {
  TcpWorld two;
  CapturedRun run(two, "tcp_simultaneous.pcapng");
  two.alice.Connect(At("192.0.2.1:80"), At("192.0.2.2:80"));
  two.bob.Connect(At("192.0.2.2:80"), At("192.0.2.1:80"));
  two.RunFor(1s);
  run.End();
  ExpectWellFormed(run, 4);
  EXPECT_EQ(run.Tshark("tcp.analysis.retransmission", "-e tcp.flags"), "0x0012\n0x0012\n");
}

TEST(TcpCapture, TsharkSeesEachLossAndItsRetransmission) {
  LinkProfile lossy = {.delay = 20ms, .rate_bps = 10'000'000};
  lossy.faults.push_back({.packet_class = net::PacketClass::kData, .nth = 5});
  TcpWorld two({}, {}, lossy);
  CapturedRun run(two, "tcp_loss.pcapng");
  const TcpWorld::Pair pair = two.ConnectPair();
  two.alice.write_options = {.packet_class = net::PacketClass::kData};
  two.alice.Write(pair.alice, net::Noise(100'000, 1), true);
  ASSERT_TRUE(two.RunUntil([&] { return two.bob.at(pair.bob).closed; }));
  run.End();
  ExpectWellFormed(run, 60);
  EXPECT_EQ(Lines(run.Tshark("tcp.analysis.retransmission", "-e frame.number")), 1u);
  EXPECT_GE(Lines(run.Tshark("tcp.analysis.duplicate_ack", "-e frame.number")), 3u);
}

TEST(TcpCapture, EverySegmentOfImpairedConnectionsIsWellFormed) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    LinkProfile bad = {.delay = 20ms, .jitter = 10ms, .loss_ppm = 30'000, .duplicate_ppm = 20'000};
    bad.reorder_ppm = 30'000;
    bad.reorder_delay = 20ms;
    TcpWorld two({}, {}, bad, seed);
    CapturedRun run(two, "tcp_impaired.pcapng");
    const TcpWorld::Pair pair = two.ConnectPair();
    two.alice.Write(pair.alice, net::Noise(200'000, seed), true);
    two.bob.Write(pair.bob, net::Noise(200'000, seed + 100), true);
    ASSERT_TRUE(two.RunUntil([&] { return two.alice.at(pair.alice).closed && two.bob.at(pair.bob).closed; }));
    run.End();
    ExpectWellFormed(run, 300);
  }
}

}  // namespace
}  // namespace pinhole::sim
