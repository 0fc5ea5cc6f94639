#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "net/bytes.h"
#include "net/time.h"

namespace pinhole::apps {

// Confirms a selected path by data both ways: a path that passed its checks can still be dead for everything else.
// One for each component; sans-IO.
//
// Each message says whether its sender has had one of ours (`got`) and whether it has nothing left to learn
// (`done`). A message without `done` is answered at once; until confirmed, messages are also resent by timer.
// So without loss three to six messages do, and the last to confirm always gets its answer.
//
//   | 0x80 (8) | got 1, done 2 (8) | sequence (16) | zeros to 32 bytes |
//
// 0x80 is outside the first bytes of STUN (0-3) and ChannelData (64-79), as RFC 7983 §7 asks.
class DataConfirmation {
 public:
  static constexpr std::size_t kMessageBytes = 32;
  static constexpr std::uint8_t kFirstByte = 0x80;
  using Message = std::array<std::uint8_t, kMessageBytes>;

  struct Options {
    net::Duration resend = std::chrono::milliseconds(500);
    // Sendings by timer before giving up; with `resend` this outlives RFC 8863's 39.5 s, in which the other side may
    // still find the pair.
    int sends_max = 80;
    // Once confirmed, a message every so often, to see the path live; zero: none.
    net::Duration hold_interval{};
  };

  explicit DataConfirmation(const Options& options) : options_(options) {}

  // The path is selected: begins to send.
  void OnSelected(net::Instant now);
  // A message came over the selected path. One that is no message of ours counts for nothing.
  void OnData(net::Instant now, net::ByteView bytes);
  void OnTimer(net::Instant now);
  std::optional<net::Instant> NextTimer() const { return next_; }
  // What to send over the selected path now.
  std::optional<Message> PollOutput();

  // A message of the peer's has come, and the peer has said that one of ours came.
  bool confirmed() const { return confirmed_at_.has_value(); }
  // All sendings are used up.
  bool given_up() const { return !confirmed() && started_ && !next_; }
  std::optional<net::Instant> first_received() const { return first_received_; }
  std::optional<net::Instant> confirmed_at() const { return confirmed_at_; }
  // Longest time without data from the peer, from the first received on.
  net::Duration largest_gap() const { return largest_gap_; }
  int sent() const { return sent_; }
  int received() const { return received_; }

 private:
  Options options_;
  bool started_ = false;
  bool send_now_ = false;
  bool got_ = false;
  int timer_sends_ = 0;
  int sent_ = 0;
  int received_ = 0;
  std::optional<net::Instant> next_;
  std::optional<net::Instant> first_received_;
  std::optional<net::Instant> confirmed_at_;
  net::Instant last_received_{};
  net::Duration largest_gap_{};
};

}  // namespace pinhole::apps
