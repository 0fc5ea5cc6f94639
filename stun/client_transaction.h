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

// The defaults of RFC 8489 §6.2.1.
inline constexpr net::Duration kDefaultRto = std::chrono::milliseconds(500);
inline constexpr int kDefaultSendsMax = 7;       // Rc
inline constexpr int kDefaultLastWaitRtos = 16;  // Rm
// Ti (RFC 8489 §6.2.2): as long as a transaction over UDP with the defaults.
inline constexpr net::Duration kDefaultTi = std::chrono::milliseconds(39500);

// One request over UDP, resent until it is answered or has failed (RFC 8489 §6.2.1); or over TCP, sent once
// (RFC 8489 §6.2.2).
//
//     kWaiting --response----------------------------------------> kAnswered
//        |-----last wait over, hard ICMP error, connection lost,
//                 over TCP a response that is not trusted------> kFailed
//
// With the defaults the request is sent at 0, 500, 1500, 3500, 7500, 15500 and 31500 ms, and the transaction fails at
// 39500 ms. Give every input with the time, drain PollOutput(), and call OnTimer() at NextTimer(). The owner
// authenticates responses: it calls OnResponse() with those that it trusts, and OnDiscardedResponse() for the others.
// INVARIANT: NextTimer() is not net::kNever exactly while kWaiting. Never allocates.
class ClientTransaction {
 public:
  struct Options {
    net::Duration rto = kDefaultRto;            // > 0; ICE computes its own (RFC 8445 §14.3)
    int sends_max = kDefaultSendsMax;           // >= 1
    int last_wait_rtos = kDefaultLastWaitRtos;  // >= 1
    bool reliable = false;                      // true: over TCP

    // For a request over TCP. TCP itself resends lost bytes, so the request is sent once, and `ti` is the time for the
    // response (RFC 8489 §6.2.2).
    static constexpr Options OverTcp(net::Duration ti = kDefaultTi) {
      return {.rto = ti, .sends_max = 1, .last_wait_rtos = 1, .reliable = true};
    }
  };
  enum class State : std::uint8_t { kWaiting, kAnswered, kFailed };
  enum class FailureReason : std::uint8_t {
    kTimedOut,
    kIntegrityViolated,  // no response was accepted, but some came with a wrong integrity (RFC 8489 §9.1.4, §9.2.5)
    kHardIcmpError,
    kConnectionLost,  // the TCP connection was not established, or ended before the response (RFC 8489 §6.2.2)
  };

  // Asks the owner to send `bytes`. They are valid as long as the transaction is not moved or destroyed.
  struct SendRequest {
    net::ByteView bytes;
    int send;  // 1 for the first transmission
  };
  struct Answered {
    net::Duration since_first_send;
    int sends;  // only if this is 1, the time is a round-trip time (Karn's algorithm)
  };
  struct Failed {
    FailureReason reason;
  };
  using Output = std::variant<SendRequest, Answered, Failed>;

  // Starts at `now`, so that the first SendRequest can be polled at once. The request is copied. REQUIRES: `request` is
  // a whole STUN message of at most kMessageBytesMax bytes.
  ClientTransaction(net::Instant now, net::ByteView request, const Options& options);
  ClientTransaction(net::Instant now, net::ByteView request) : ClientTransaction(now, request, Options()) {}

  // True: `response` is a response with the transaction id and method of the request, and the transaction is kWaiting.
  bool IsFor(const MessageView& response) const;
  // Takes a trusted response. False, with nothing changed, unless IsFor(response).
  bool OnResponse(net::Instant now, const MessageView& response);
  // A response with the id of this transaction has a wrong integrity. Over UDP anybody may have sent it: the
  // retransmissions go on, and a correct response still counts. Over TCP it came from the server, so the transaction
  // fails at once (RFC 8489 §9.1.4, §9.2.5).
  void OnDiscardedResponse();
  // A hard ICMP error (RFC 1122 §4.2.3.9) has come for the request: the transaction fails. Does nothing unless
  // kWaiting.
  void OnHardIcmpError() { Fail(FailureReason::kHardIcmpError); }
  // The TCP connection that carried the request has ended: the transaction fails. Does nothing unless kWaiting.
  void OnConnectionLost() { Fail(FailureReason::kConnectionLost); }
  // Stops the retransmissions. A response still counts until the time at which the transaction would have failed anyway
  // (RFC 8445 §7.3.1.4).
  void StopRetransmitting(net::Instant now);
  // Sends or fails if that is due. Early calls are harmless. A late call sends once and counts the next interval from
  // `now`.
  void OnTimer(net::Instant now);
  net::Instant NextTimer() const;
  std::optional<Output> PollOutput();

  State state() const { return state_; }
  // The reason of the failure. Meaningful only in kFailed.
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
  net::Instant deadline_;   // when to send next, or to fail
  net::Duration interval_;  // from the next transmission to the one after it
  net::Duration waited_{};  // from first_sent_ to the response, once kAnswered
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
