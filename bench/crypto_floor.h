#pragma once

#include <cstdint>

// A lower bound for the CPU time of a session's cryptography: nettle's keyed HMAC-SHA1, the fastest keyed
// implementation in Debian 12, called directly, and a CRC-32 by slicing-by-8. Nothing of stun/ is used, so a slow
// engine does not raise the bound that it is compared with.
namespace pinhole::bench {

// The cryptographic work that the messages with MESSAGE-INTEGRITY of a session need at least.
struct CryptoWork {
  std::int64_t messages = 0;  // sent messages; each needs one HMAC and one CRC to make it, and one of each to check it
  std::int64_t message_bytes = 0;  // average size of a message from its header up to MESSAGE-INTEGRITY
};

// Does the cryptographic work of `work` once.
void Repeat(const CryptoWork& work);

// Measures the time of one keyed HMAC-SHA1 of 100 bytes on this machine, in nanoseconds. Absolute figures are divided
// by (this / 110 ns), so that they can be compared between machines.
double HmacOf100BytesNs();
inline constexpr double kReferenceHmacNs = 110;

}  // namespace pinhole::bench
