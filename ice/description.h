#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ice/candidate.h"
#include "net/bytes.h"
#include "net/time.h"

namespace pinhole::ice {

// The description that one agent sends to the other (RFC 8445 §5.3).
struct Description {
  static constexpr std::size_t kBytesMax = 64 * 1024;
  static constexpr int kStreamsMax = 16;
  static constexpr int kCandidatesMax = 256;

  std::string ufrag;                // 4 to 256 ice-chars
  std::string password;             // 22 to 256 ice-chars
  std::optional<net::Duration> ta;  // absent: 50 ms (RFC 8445 §14.2)
  bool ice2 = true;                 // the 'ice2' option (RFC 8445 §10)
  bool lite = false;
  int streams = 1;
  std::vector<Candidate> candidates;  // of all streams
  bool complete = true;               // no more candidates will follow (RFC 8838 §8.2)
};

// Lines in the syntax of RFC 8839 §5, "mid" sections in the order of the streams:
//     a=ice-options:ice2
//     a=ice-pacing:50
//     a=ice-ufrag:8hhY
//     a=ice-pwd:asd88fgpdd777uzjYhagZg
//     a=mid:0
//     a=candidate:1 1 UDP 2130706431 192.0.2.1 50000 typ host
//     a=end-of-candidates
std::string Serialize(const Description& description);

// Reads text from an untrusted source. Unknown lines and attributes are skipped, and so are candidates that cannot be
// used: another transport protocol, an unknown type or tcptype, a name in place of an address, or a value out of range.
// nullopt: the ufrag or the password is missing or malformed, or a limit of Description is exceeded.
std::optional<Description> ParseDescription(net::ByteView text);
// Reads one candidate line, with or without "a=". nullopt: the candidate cannot be used.
std::optional<Candidate> ParseCandidate(absl::string_view line, int stream);

}  // namespace pinhole::ice
