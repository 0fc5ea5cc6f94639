#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "net/bytes.h"
#include "net/time.h"

// The referral protocol: how a client hands its description to the referral server and gets the other
// side's, in UDP datagrams that survive loss, duplication and reordering and need no IP fragmentation.
//
//   client                         server                         other client
//     | -- publish (0, 1 of 1) ----> |                                  |
//     | <- published --------------- |                                  |
//     | -- alive, every 15 s ------> | <--- publish ------------------- |
//     | <- deliver ----------------- | ---- published, deliver -------> |
//     | -- delivered --------------> | <--- delivered ----------------- |
//
// The client always speaks first, so its NAT lets the server answer; the server answers to where the client
// last spoke from. `publish` and `deliver` carry a description, cut into fragments that are acknowledged and
// resent one by one. `alive` keeps the client's NAT mapping until it has been delivered to.
//
//   |  0x50 (8)  |  kind (8)  |        message number (16)        |
//   | index (8)  | count (8)  | session bytes (8) | side bytes (8)|
//   | session ...| side ...   | payload (publish, deliver) ...    |
//
// `session` and `side` are the client's in every kind: the server addresses a client by its own name.
namespace pinhole::apps {

inline constexpr std::uint8_t kReferralMagic = 0x50;
// Payload of one fragment, so that a datagram fits into IPv6's least MTU of 1280 with room for tunnels.
inline constexpr std::size_t kReferralFragmentBytes = 900;
inline constexpr std::size_t kReferralFragmentsMax = 32;
inline constexpr std::size_t kReferralNameBytesMax = 100;
inline constexpr std::size_t kReferralDescriptionBytesMax = kReferralFragmentBytes * kReferralFragmentsMax;
inline constexpr std::size_t kReferralDatagramBytesMax = 8 + 2 * kReferralNameBytesMax + kReferralFragmentBytes;

// First wait for an acknowledgement; doubles with each sending up to kReferralResendMax.
inline constexpr net::Duration kReferralResendFirst = std::chrono::milliseconds(500);
inline constexpr net::Duration kReferralResendMax = std::chrono::seconds(4);
inline constexpr int kReferralSendsMax = 20;
// Below the 30 s that the shortest-lived common NAT mappings live.
inline constexpr net::Duration kReferralAliveInterval = std::chrono::seconds(15);

enum class ReferralKind : std::uint8_t { kPublish = 1, kPublished = 2, kDeliver = 3, kDelivered = 4, kAlive = 5 };

// One datagram, parsed in place.
struct ReferralMessage {
  ReferralKind kind = ReferralKind::kAlive;
  std::uint16_t number = 0;  // counts a client's descriptions
  std::uint8_t index = 0;    // which fragment
  std::uint8_t count = 1;    // of how many
  absl::string_view session;
  absl::string_view side;
  net::ByteView payload;

  static std::optional<ReferralMessage> Parse(net::ByteView datagram);
  // The datagram in `buffer`. REQUIRES: the limits above.
  net::ByteView Write(std::array<std::uint8_t, kReferralDatagramBytesMax>& buffer) const;
};

// A description under way to somebody: which fragments are not acknowledged yet, and when to send them again.
class ReferralTransfer {
 public:
  ReferralTransfer() = default;
  // REQUIRES: description.size() <= kReferralDescriptionBytesMax.
  ReferralTransfer(net::Instant now, std::uint16_t number, net::ByteView description);

  std::uint16_t number() const { return number_; }
  std::uint8_t count() const { return count_; }
  net::ByteView Fragment(std::uint8_t index) const;
  bool Waits(std::uint8_t index) const { return (waiting_ >> index) & 1; }

  void OnAcknowledged(std::uint16_t number, std::uint8_t index);
  // True if every waiting fragment is to be sent now; counts that as one sending.
  bool Due(net::Instant now);
  // When Due() turns true; nullopt when all is acknowledged or given up.
  std::optional<net::Instant> NextTimer() const;
  bool done() const { return waiting_ == 0; }
  bool given_up() const { return waiting_ != 0 && sends_ >= kReferralSendsMax; }

 private:
  std::vector<std::uint8_t> bytes_;
  std::uint32_t waiting_ = 0;  // a bit per fragment
  std::uint16_t number_ = 0;
  std::uint8_t count_ = 0;
  int sends_ = 0;
  net::Instant next_{};
  net::Duration wait_ = kReferralResendFirst;
};

// A description coming in, fragment by fragment, in any order and with duplicates.
class ReferralAssembly {
 public:
  // Takes one fragment; true if it completes the description (once for each message number). A newer message
  // number throws away what was gathered of the older.
  bool Add(const ReferralMessage& message);
  net::ByteView bytes() const { return bytes_; }
  bool complete() const { return complete_; }
  std::uint16_t number() const { return number_; }

 private:
  std::vector<std::uint8_t> bytes_;
  std::uint32_t missing_ = 0;
  std::uint16_t number_ = 0;
  std::uint8_t count_ = 0;
  bool complete_ = false;
};

}  // namespace pinhole::apps
