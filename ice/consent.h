#pragma once

#include <array>
#include <cstdint>

#include "net/contract.h"
#include "net/random.h"
#include "net/time.h"
#include "stun/transaction_id.h"

namespace pinhole::ice {

// Consent to send on one selected pair (RFC 7675 §5.1). The agent sends a request every 4 to 6 s. Each request is sent
// once and has its own transaction id. A success response to any open request renews consent, counted from the arrival
// of the response.
//
//     kNone --pair selected--> kKept --30 s without answer, or 403--> kLost
//
// A pair may be selected long after the check that validated it. Data may be sent until 30 s after the response to that
// check. Consent is lost only 30 s after the selection, because the peer must have the time to answer a consent check;
// the first consent check may then be sent at once. In between, data waits for the response.
class ConsentState {
 public:
  enum class State : std::uint8_t { kNone, kKept, kLost };

  // The pair is selected at `now`. Consent was obtained by the check that succeeded at `obtained`.
  void Start(net::Instant now, net::Instant obtained, net::Duration interval, net::Duration expiry,
             net::RandomSource& random);
  // A consent check with this id has been sent.
  void OnSent(net::Instant now, const stun::TransactionId& id, net::Duration interval, net::RandomSource& random);
  // Whether `id` is that of an open request.
  bool IsOpen(const stun::TransactionId& id) const;
  // A success response has come to the open request `id`.
  void OnAnswer(net::Instant now, const stun::TransactionId& id, net::Duration expiry);
  // Consent has expired or was revoked. Open requests are forgotten, and consent cannot be regained.
  void Lose();

  State state() const { return state_; }
  // Whether data may be sent. REQUIRES: not kNone.
  bool Allows(net::Instant now) const {
    PINHOLE_REQUIRES(state_ != State::kNone);
    return state_ == State::kKept && now < data_until_;
  }
  net::Instant next_request() const { return next_request_; }
  net::Instant expires() const { return expires_; }

 private:
  static net::Duration Jittered(net::Duration interval, net::RandomSource& random);

  State state_ = State::kNone;
  net::Instant next_request_{};
  net::Instant expires_{};  // at this time consent is lost for good
  // Data may be sent until this time: `expiry` after the last answer, but never later than expires_.
  net::Instant data_until_{};
  // The latest unanswered requests. At most eight are sent in 30 s, because they are at least 4 s apart.
  static constexpr std::size_t kOpenMax = 8;
  std::array<stun::TransactionId, kOpenMax> open_ = {};
  std::size_t open_count_ = 0;
};

}  // namespace pinhole::ice
