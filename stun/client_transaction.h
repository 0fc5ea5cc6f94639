#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "net/bytes.h"
#include "net/time.h"
#include "stun/message.h"
#include "stun/transaction_id.h"

namespace pinhole::stun {

// RFC 8489 §6.2.1.
inline constexpr net::Duration kDefaultRto = std::chrono::milliseconds(500);
inline constexpr int kDefaultSendsMax = 7;       // Rc
inline constexpr int kDefaultLastWaitRtos = 16;  // Rm
// RFC 8489 §6.2.2: as long as a transaction over UDP with the defaults.
inline constexpr net::Duration kDefaultTi = std::chrono::milliseconds(39500);

// One request over UDP, resent until it is answered or given up (RFC 8489 §6.2.1); or over TCP, sent once (§6.2.2).
//
//     kWaiting --response----------------------------------------> kAnswered
//        |-----last wait over, hard ICMP error, connection lost,
//                 over TCP a response that is not trusted------> kFailed
//
// With the defaults it is sent at 0, 500, 1500, 3500, 7500, 15500 and 31500 ms and fails at 39500 ms. Give
// every input with the time, drain PollOutput(), sleep until NextTimer(). Authentication is the owner's: it
// hands a response in when it trusts it, and calls OnDiscardedResponse() when it does not.
// INVARIANT: NextTimer() is not net::kNever exactly while kWaiting. Never allocates.
class ClientTransaction {
 public:
  struct Options {
    net::Duration rto = kDefaultRto;            // > 0; ICE computes its own (RFC 8445 §14.3)
    int sends_max = kDefaultSendsMax;           // >= 1
    int last_wait_rtos = kDefaultLastWaitRtos;  // >= 1
    bool reliable = false;                      // what it goes over

    // Over TCP, which does the resending itself: one send, and `ti` for the answer (RFC 8489 §6.2.2).
    static constexpr Options OverTcp(net::Duration ti = kDefaultTi) {
      return {.rto = ti, .sends_max = 1, .last_wait_rtos = 1, .reliable = true};
    }
  };
  enum class State : std::uint8_t { kWaiting, kAnswered, kFailed };
  enum class FailureReason : std::uint8_t {
    kTimedOut,
    kIntegrityViolated,  // responses had come whose integrity was wrong (RFC 8489 §9.1.4, §9.2.5)
    kHardIcmpError,
    kConnectionLost,  // over TCP: never made, reset or closed before the answer (RFC 8489 §6.2.2)
  };

  // Send `bytes`, which are valid as long as the transaction stays where it is.
  struct SendRequest {
    net::ByteView bytes;
    int send;  // 1 for the first transmission
  };
  struct Answered {
    net::Duration since_first_send;
    int sends;  // a round-trip time may be learned only if 1 (Karn's algorithm)
  };
  struct Failed {
    FailureReason reason;
  };
  using Output = std::variant<SendRequest, Answered, Failed>;

  // Starts at `now`: the first SendRequest can be polled at once. The request is copied.
  // REQUIRES: `request` is a whole STUN message of at most kMessageBytesMax bytes.
  ClientTransaction(net::Instant now, net::ByteView request, const Options& options);
  ClientTransaction(net::Instant now, net::ByteView request) : ClientTransaction(now, request, Options()) {}

  // True if `response` is one, with our transaction id and method, and we are still waiting for it.
  bool IsFor(const MessageView& response) const;
  // False, with nothing changed, unless IsFor(response).
  bool OnResponse(net::Instant now, const MessageView& response);
  // A response with our transaction id has a wrong integrity. Over UDP anybody may have sent it: retransmission goes
  // on, and the right one still counts. What came over TCP is the server's, and ends it at once (RFC 8489 §9.1.4,
  // RFC 8489 §9.2.5).
  void OnDiscardedResponse();
  // An ICMP error that RFC 1122 §4.2.3.9 calls hard came for the request. Does nothing when over.
  void OnHardIcmpError() { Fail(FailureReason::kHardIcmpError); }
  // The TCP connection that it went over cannot bring an answer any more. Does nothing when over.
  void OnConnectionLost() { Fail(FailureReason::kConnectionLost); }
  // No more retransmissions; a response still counts until the time at which the transaction would have
  // failed anyway (RFC 8445 §7.3.1.4).
  void StopRetransmitting(net::Instant now);
  // Early or late calls are harmless; a late one sends once and counts the next interval from `now`.
  void OnTimer(net::Instant now);
  net::Instant NextTimer() const;
  std::optional<Output> PollOutput();

  State state() const { return state_; }
  // Why, once kFailed.
  FailureReason failure_reason() const { return reason_; }
  const TransactionId& id() const { return id_; }
  net::ByteView request() const { return net::ByteView(request_.data(), request_bytes_); }
  net::Instant first_sent() const { return first_sent_; }
  int sends() const { return sends_; }

 private:
  void Send(net::Instant now);
  void Fail(FailureReason reason);

  Options options_;
  net::Instant first_sent_;
  net::Instant deadline_;   // of the next transmission, or of the failure
  net::Duration interval_;  // that follows the next transmission
  net::Duration waited_{};  // kAnswered: from first_sent_ to the answer
  TransactionId id_;
  int sends_ = 0;
  State state_ = State::kWaiting;
  FailureReason reason_ = FailureReason::kTimedOut;
  bool send_pending_ = false;  // outputs not polled yet
  bool end_pending_ = false;
  bool no_more_sends_ = false;
  bool discarded_response_ = false;
  std::uint16_t request_bytes_ = 0;
  std::array<std::uint8_t, kMessageBytesMax> request_;
};

}  // namespace pinhole::stun
