#include "net/posix/icmp_kind.h"

#include "gtest/gtest.h"

namespace pinhole::net {
namespace {

using Kind = IcmpError::Kind;

struct Row {
  int type, code;
  Kind kind;
};

TEST(IcmpKind, Rfc792AndRfc1812Codes) {
  constexpr Row kTable[] = {
      {3, 0, Kind::kNetUnreachable},
      {3, 1, Kind::kHostUnreachable},
      {3, 2, Kind::kProtocolUnreachable},
      {3, 3, Kind::kPortUnreachable},
      {3, 4, Kind::kPacketTooBig},
      {3, 5, Kind::kOther},  // source route failed
      {3, 6, Kind::kNetUnreachable},
      {3, 7, Kind::kHostUnreachable},
      {3, 8, Kind::kHostUnreachable},
      {3, 9, Kind::kAdminProhibited},
      {3, 10, Kind::kAdminProhibited},
      {3, 11, Kind::kNetUnreachable},
      {3, 12, Kind::kHostUnreachable},
      {3, 13, Kind::kAdminProhibited},
      {3, 14, Kind::kOther},
      {11, 0, Kind::kTtlExceeded},
      {11, 1, Kind::kOther},
      {12, 0, Kind::kOther},  // 11/1: reassembly time exceeded
      {4, 0, Kind::kOther},
      {0, 3, Kind::kOther},
  };
  for (const Row& row : kTable) {
    EXPECT_EQ(IcmpKindV4(static_cast<std::uint8_t>(row.type), static_cast<std::uint8_t>(row.code)), row.kind)
        << row.type << "/" << row.code;
  }
}

TEST(IcmpKind, Rfc4443Section3Codes) {
  constexpr Row kTable[] = {
      {1, 0, Kind::kNetUnreachable},  {1, 1, Kind::kAdminProhibited}, {1, 2, Kind::kOther},
      {1, 3, Kind::kHostUnreachable}, {1, 4, Kind::kPortUnreachable}, {1, 5, Kind::kAdminProhibited},
      {1, 6, Kind::kAdminProhibited}, {2, 0, Kind::kPacketTooBig},    {3, 0, Kind::kTtlExceeded},
      {3, 1, Kind::kOther},           {4, 0, Kind::kOther},           {4, 1, Kind::kProtocolUnreachable},
      {4, 2, Kind::kOther},           {128, 0, Kind::kOther},
  };
  for (const Row& row : kTable) {
    EXPECT_EQ(IcmpKindV6(static_cast<std::uint8_t>(row.type), static_cast<std::uint8_t>(row.code)), row.kind)
        << row.type << "/" << row.code;
  }
}

}  // namespace
}  // namespace pinhole::net
