#include "sim/record/pcapng.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "sim/capture.h"
#include "tests/sim/two_node_world.h"

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;

std::uint32_t Load32(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<std::uint8_t>(bytes[at + static_cast<std::size_t>(i)]);
  return value;
}

// draft-ietf-opsawg-pcapng §3.1: a block has its length at its start and at its end, and the length is a multiple of
// four.
TEST(Pcapng, BlocksSayTheirLengthAtBothEnds) {
  std::ostringstream out;
  PcapngWriter writer(out);
  const int eth = writer.AddInterface("alice.eth0");
  const std::uint8_t packet[5] = {0x45, 1, 2, 3, 4};
  writer.WritePacket(eth, Time(1s), PcapngWriter::PacketDirection::kOutbound, packet, "hello");
  const std::string bytes = out.str();
  std::vector<std::uint32_t> types;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::uint32_t length = Load32(bytes, at + 4);
    ASSERT_EQ(length % 4, 0u);
    ASSERT_LE(at + length, bytes.size());
    ASSERT_EQ(Load32(bytes, at + length - 4), length);
    types.push_back(Load32(bytes, at));
    at += length;
  }
  EXPECT_EQ(types, (std::vector<std::uint32_t>{0x0a0d0d0a, 1, 6}));
}

// Writes a capture of two packets: alice sends to a closed port of bob, and bob answers with an ICMP error.
void WriteExchange(std::ostream& out) {
  TwoHosts two({.delay = 10ms}, {.delay = 10ms});
  CaptureTracer capture(two.world, out);
  two.world.SetTracer(&capture);
  two.alice.Send(two.bob_at, "hello", {.packet_class = net::PacketClass::kCheck});
  two.alice.Send(At("192.0.2.2:7"), "closed", {.packet_class = net::PacketClass::kData});
  two.world.RunUntil(Time(1s));
  two.world.SetTracer(nullptr);
}

TEST(Pcapng, CaptureIsTheSameEachTime) {
  std::ostringstream first;
  std::ostringstream second;
  WriteExchange(first);
  WriteExchange(second);
  EXPECT_EQ(first.str(), second.str());
  EXPECT_NE(first.str().find("2 data; dropped by bob: no_socket"), std::string::npos);
  EXPECT_NE(first.str().find("3 other, about 2"), std::string::npos);
  EXPECT_NE(first.str().find("alice.eth0"), std::string::npos);
}

std::string RunCommand(const std::string& command) {
  std::string output;
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return output;
  std::array<char, 4096> buffer;
  while (std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe)) output.append(buffer.data(), count);
  pclose(pipe);
  return output;
}

// An independent decoder reads the names, times, checksums and comments of a capture.
TEST(PcapngSlow, TsharkReadsEveryPacketAndItsChecksums) {
  const std::string path = testing::TempDir() + "/pinhole_capture.pcapng";
  {
    std::ofstream out(path, std::ios::binary);
    WriteExchange(out);
  }
  const std::string text =
      RunCommand("tshark -r " + path +
                 " -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -T fields -E separator='|' -E occurrence=f"
                 " -e frame.time_relative -e frame.interface_name -e ip.checksum.status -e udp.checksum.status"
                 " -e icmp.checksum.status -e frame.comment 2>/dev/null");
  EXPECT_EQ(text,
            "0.000000000|alice.eth0|1|1||1 check\n"
            "0.000000000|alice.eth0|1|1||2 data\n"
            "0.010000000|bob.eth0|1|1||1 check\n"
            "0.010000000|bob.eth0|1|1||2 data; dropped by bob: no_socket\n"
            "0.010000000|bob.eth0|1|1|1|3 other, about 2\n"
            "0.020000000|alice.eth0|1|1|1|3 other, about 2\n");
  std::remove(path.c_str());
}

}  // namespace
}  // namespace pinhole::sim
