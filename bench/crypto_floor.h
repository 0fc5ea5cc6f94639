#pragma once

#include <cstdint>

// The least that the cryptography of a session can cost: nettle's keyed HMAC-SHA1, the fastest keyed
// implementation in Debian 12, called directly, and a CRC-32 by slicing-by-8. Nothing of stun/ is used, so a slow
// engine cannot lower its own bar.
namespace pinhole::bench {

// What the integrity-carrying messages of a session ask for, at the least.
struct CryptoWork {
  std::int64_t messages = 0;       // put on the wire: each is one HMAC and one CRC made, and one of each checked
  std::int64_t message_bytes = 0;  // of one message, on average: header up to MESSAGE-INTEGRITY
};

// Does that work once.
void Repeat(const CryptoWork& work);

// Nanoseconds of one keyed HMAC-SHA1 of 100 bytes on this machine, measured afresh. Absolute figures are
// divided by (this / 110 ns), so that they can be compared between machines.
double HmacOf100BytesNs();
inline constexpr double kReferenceHmacNs = 110;

}  // namespace pinhole::bench
