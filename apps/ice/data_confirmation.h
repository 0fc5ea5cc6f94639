#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "net/bytes.h"
#include "net/time.h"

namespace pinhole::apps {

// Confirms a selected path by sending data in both directions, because a path whose checks succeeded can still fail for
// everything else. There is one object for each component. Sans-IO.
//
// Each side has a number of datagrams that the other side must receive in order. Every message says how many datagrams
// have been received so far. A message with a datagram is answered at once. Datagrams that are not acknowledged are
// sent again, starting with the first of them. Without loss, one datagram per side takes three or four messages in all.
//
//   | 0x80 (8) | number of this datagram, or kNone (32) | datagrams received (32) | zeros to the payload size |
//
// 0x80 differs from the first bytes of STUN (0-3) and ChannelData (64-79), as RFC 7983 §7 requires.
class DataConfirmation {
 public:
  static constexpr std::uint8_t kFirstByte = 0x80;
  static constexpr std::size_t kHeaderBytes = 9;
  static constexpr std::uint32_t kNone = 0xffffffff;  // no datagram, only an acknowledgement
  // The number of every datagram that is sent after confirming, to show that the path still works. Such a datagram is
  // not acknowledged.
  static constexpr std::uint32_t kHold = 0xfffffffe;

  struct Options {
    std::uint32_t datagrams = 1;                             // datagrams that each side sends
    std::size_t payload_bytes = 100;                         // at least kHeaderBytes
    net::Duration interval = std::chrono::milliseconds(20);  // between first transmissions, and between hold messages
    // unacknowledged datagrams are sent again if no new acknowledgement has arrived for this long
    net::Duration resend = std::chrono::milliseconds(500);
    // Gives up if no new datagram and no new acknowledgement has arrived for this long. It is longer than the 39.5 s
    // for which the checks of the other side may still go on (RFC 8863 §4).
    net::Duration patience = std::chrono::seconds(40);
    bool hold = false;  // continues to send after confirming
  };

  explicit DataConfirmation(const Options& options);

  // To be called when the agent has selected a pair; sending begins.
  void OnSelected(net::Instant now);
  // To be called with data that arrived over the selected path. Bytes that are not a message of this protocol are
  // ignored.
  void OnData(net::Instant now, net::ByteView bytes);
  void OnTimer(net::Instant now);
  net::Instant NextTimer() const;
  // The next message to send over the selected path. Valid until the next call.
  std::optional<net::ByteView> PollOutput();

  // All datagrams of the peer have arrived.
  bool received_all() const { return received_ == options_.datagrams; }
  // All datagrams have been exchanged: the peer has also acknowledged all of this side's.
  bool confirmed() const { return confirmed_; }
  bool given_up() const { return given_up_; }
  std::optional<net::Instant> first_received() const { return first_received_; }
  // The longest time without data from the peer, counted from the first received datagram.
  net::Duration largest_gap() const { return largest_gap_; }

 private:
  Options options_;
  std::vector<std::uint8_t> buffer_;
  bool started_ = false;
  bool confirmed_ = false;
  bool given_up_ = false;
  bool answer_due_ = false;
  bool datagram_due_ = false;
  std::uint32_t next_ = 0;          // the next datagram to send
  std::uint32_t acknowledged_ = 0;  // how many datagrams the peer has received
  std::uint32_t received_ = 0;      // how many of the peer's datagrams have arrived, in order
  net::Instant send_at_{};          // time of the next first transmission, or of the next hold message
  net::Instant resend_at_{};
  net::Instant give_up_at_{};
  std::optional<net::Instant> first_received_;
  net::Instant last_received_{};
  net::Duration largest_gap_{};
};

}  // namespace pinhole::apps
