#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "net/bytes.h"
#include "net/time.h"

namespace pinhole::apps {

// Confirms a selected path by data both ways: a path that passed its checks can still be dead for everything else.
// One for each component; sans-IO.
//
// Each side has a number of datagrams that the other must get, in order. Every message tells how many came so
// far; one that carries a datagram is answered at once, and what is not acknowledged is sent again from there.
// Without loss, one datagram a side takes three or four messages in all.
//
//   | 0x80 (8) | number of this datagram, or kNone (32) | datagrams received (32) | zeros to the payload size |
//
// 0x80 is outside the first bytes of STUN (0-3) and ChannelData (64-79), as RFC 7983 §7 asks.
class DataConfirmation {
 public:
  static constexpr std::uint8_t kFirstByte = 0x80;
  static constexpr std::size_t kHeaderBytes = 9;
  static constexpr std::uint32_t kNone = 0xffffffff;  // an acknowledgement alone
  static constexpr std::uint32_t kHold = 0xfffffffe;  // after confirming, to see the path live; not acknowledged

  struct Options {
    std::uint32_t datagrams = 1;                             // from each side
    std::size_t payload_bytes = 100;                         // at least kHeaderBytes
    net::Duration interval = std::chrono::milliseconds(20);  // between first sendings, and while holding
    net::Duration resend = std::chrono::milliseconds(500);   // without an acknowledgement that brings news
    // Without any news for so long, gives up. Outlives RFC 8863's 39.5 s, in which the other side may yet
    // find the pair.
    net::Duration patience = std::chrono::seconds(40);
    bool hold = false;  // goes on to send when confirmed
  };

  explicit DataConfirmation(const Options& options);

  // The path is selected: begins to send.
  void OnSelected(net::Instant now);
  // A message came over the selected path. One that is no message of ours counts for nothing.
  void OnData(net::Instant now, net::ByteView bytes);
  void OnTimer(net::Instant now);
  net::Instant NextTimer() const;
  // What to send over the selected path now; valid until the next call.
  std::optional<net::ByteView> PollOutput();

  // All of the peer's datagrams have come.
  bool received_all() const { return received_ == options_.datagrams; }
  // And the peer has said that all of ours came.
  bool confirmed() const { return confirmed_at_.has_value(); }
  bool given_up() const { return given_up_; }
  std::optional<net::Instant> first_received() const { return first_received_; }
  std::optional<net::Instant> confirmed_at() const { return confirmed_at_; }
  // Longest time without data from the peer, from the first received on.
  net::Duration largest_gap() const { return largest_gap_; }

 private:
  Options options_;
  std::vector<std::uint8_t> buffer_;
  bool started_ = false;
  bool given_up_ = false;
  bool answer_due_ = false;
  bool datagram_due_ = false;
  std::uint32_t next_ = 0;          // datagram to send next
  std::uint32_t acknowledged_ = 0;  // that the peer has
  std::uint32_t received_ = 0;      // of the peer's, in order
  net::Instant send_at_{};          // of the next first sending, or hold message
  net::Instant resend_at_{};
  net::Instant give_up_at_{};
  std::optional<net::Instant> first_received_;
  std::optional<net::Instant> confirmed_at_;
  net::Instant last_received_{};
  net::Duration largest_gap_{};
};

}  // namespace pinhole::apps
