// Reads captures of the NAT matrix with tshark, an independent decoder: it decodes every message, and every FINGERPRINT
// is correct.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <sstream>
#include <string>

#include "scenarios/cli/run.h"
#include "tests/unavailable.h"

namespace pinhole::scenarios {
namespace {

std::string Printed(const std::string& command) {
  std::string output;
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return output;
  std::array<char, 4096> buffer;
  while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe))
    output.append(buffer.data(), count);
  pclose(pipe);
  return output;
}

int Lines(const std::string& text) { return static_cast<int>(std::count(text.begin(), text.end(), '\n')); }

class MatrixCapture : public testing::TestWithParam<const char*> {};

TEST_P(MatrixCapture, TsharkFindsEveryFingerprintGoodAndNothingMalformed) {
  if (Printed("tshark --version 2>/dev/null").empty()) {
    PINHOLE_UNAVAILABLE() << "no tshark";
  }
  // Each cell has its own file, because cells may be tested at the same time.
  const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
  const std::string path = testing::TempDir() + "/pinhole_matrix_" + test.substr(test.find('/') + 1) + ".pcapng";
  SystemFiles files;
  std::ostringstream out, err;
  RunFlags flags;
  flags.path = "library/nat_matrix.textproto";
  flags.cell = GetParam();
  flags.ladder = false;
  flags.pcapng = path;
  ASSERT_EQ(scenarios::Run(flags, files, out, err), ExitCode::kOk) << err.str();
  const auto frames = [&](const std::string& filter) {
    return Lines(Printed("tshark -r " + path + " -Y '" + filter + "' -T fields -e frame.number 2>/dev/null"));
  };
  EXPECT_GE(frames("stun.att.crc32.status == 1"), 20);
  EXPECT_EQ(frames("stun.att.crc32.status == 0"), 0);
  EXPECT_EQ(frames("_ws.malformed"), 0);
  EXPECT_EQ(frames("ip.checksum.status == 0 || udp.checksum.status == 0"), 0);
  // Every check and answer between the agents is seen as STUN.
  EXPECT_EQ(frames("frame.comment contains \" check\" && !stun"), 0);
  std::remove(path.c_str());
}

INSTANTIATE_TEST_SUITE_P(, MatrixCapture,
                         testing::Values("nat_matrix/nat_a=port-restricted-cone,nat_b=eim-apdf,transport=UDP,turn=NONE",
                                         "nat_matrix/nat_a=symmetric,nat_b=symmetric,transport=UDP,turn=BOTH",
                                         "nat_matrix/nat_a=pf,nat_b=linux-random-fully,transport=UDP,turn=NONE"),
                         [](const testing::TestParamInfo<const char*>& cell) {
                           return cell.index == 0 ? "Direct" : cell.index == 1 ? "Relayed" : "Failed";
                         });

}  // namespace
}  // namespace pinhole::scenarios
