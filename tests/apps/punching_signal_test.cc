#include "apps/punching/punching_signal.h"

#include "gtest/gtest.h"

namespace pinhole::apps {
namespace {

net::ByteView BytesOf(const std::string& text) {
  return net::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

TEST(PunchingSignal, ALineReadsAsItWasWritten) {
  for (const std::string line :
       {"HELLO punch 0 tcp", "HELLO punch 1 udp", "PEER 198.51.100.1:5000 [2001:db8::2]:6000", "CONNECT 1 -",
        "SYNC 3 -", "READY 2 -", "FORGE 1 4294967295", "FORGE 1 -", "REFUSED 1 -"}) {
    const std::optional<PunchingSignal> signal = PunchingSignal::Parse(line);
    ASSERT_TRUE(signal) << line;
    EXPECT_EQ(signal->ToLine(), line + "\n");
  }
}

TEST(PunchingSignal, AnythingElseIsNoLine) {
  for (const char* line : {"", "HELLO", "HELLO punch 2 tcp", "HELLO punch 0 sctp", "HELLO  0 tcp", "PEER 1 2",
                           "PEER 198.51.100.1:5000", "CONNECT 0 -", "CONNECT -1 -", "CONNECT x -", "CONNECT 1 5",
                           "FORGE 1 4294967296", "FORGE 1 ", "GO 1 -", "HELLO punch 0 tcp again"}) {
    EXPECT_FALSE(PunchingSignal::Parse(line)) << line;
  }
  EXPECT_FALSE(PunchingSignal::Parse("HELLO " + std::string(65, 'x') + " 0 tcp"));
}

TEST(PunchingLines, LinesComeWholeHoweverTheStreamIsCut) {
  const std::string stream = "CONNECT 1 -\nSYNC 1 -\n";
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    PunchingLines lines;
    std::vector<std::string> taken;
    for (const std::string& part : {stream.substr(0, cut), stream.substr(cut)}) {
      lines.Add(BytesOf(part));
      while (const std::optional<std::string> line = lines.Take()) taken.push_back(*line);
    }
    EXPECT_EQ(taken, (std::vector<std::string>{"CONNECT 1 -", "SYNC 1 -"})) << cut;
    EXPECT_FALSE(lines.broken());
  }
}

TEST(PunchingLines, ALineWithoutEndIsNotKept) {
  PunchingLines lines;
  lines.Add(BytesOf(std::string(kPunchingLineBytesMax - 1, 'x')));
  EXPECT_FALSE(lines.Take());
  EXPECT_FALSE(lines.broken());
  lines.Add(BytesOf("x"));
  EXPECT_FALSE(lines.Take());
  EXPECT_TRUE(lines.broken());
  PunchingLines flood;
  flood.Add(BytesOf(std::string(100 * kPunchingLineBytesMax, '\n')));
  EXPECT_TRUE(flood.broken());
}

}  // namespace
}  // namespace pinhole::apps
