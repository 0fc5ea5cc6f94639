#pragma once

#include <array>
#include <cstdint>

#include "net/contract.h"
#include "net/random.h"
#include "net/time.h"
#include "stun/transaction_id.h"

namespace pinhole::ice {

// Consent to send on one selected pair (RFC 7675 §5.1). A request goes out every 4 to 6 s, each once and with
// its own transaction id; any answer to one that is still open renews consent from the time it comes.
//
//     kNone --pair selected--> kKept --30 s without answer, or 403--> kLost
//
// A pair may be selected long after the check that validated it. Data stops 30 s after that one's answer, but the peer
// has 30 s from the selection to answer a consent check, the first of which then goes out at once: what nobody has
// asked for yet is not lost, it has to be regained before data resumes.
class ConsentState {
 public:
  enum class State : std::uint8_t { kNone, kKept, kLost };

  // Consent was obtained by the check that succeeded at `obtained`.
  void Start(net::Instant now, net::Instant obtained, net::Duration interval, net::Duration expiry,
             net::RandomSource& random);
  // A request leaves with this id.
  void OnSent(net::Instant now, const stun::TransactionId& id, net::Duration interval, net::RandomSource& random);
  // Whether `id` is that of an open request.
  bool IsOpen(const stun::TransactionId& id) const;
  // A good answer has come to one of them.
  void OnAnswer(net::Instant now, const stun::TransactionId& id, net::Duration expiry);
  // Expired or revoked: open requests are forgotten, and there is no way back.
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
  net::Instant expires_{};     // then it is lost for good
  net::Instant data_until_{};  // `expiry` after the last answer; not after expires_
  // The last that are unanswered: 30 s hold seven requests at least 4 s apart.
  static constexpr std::size_t kOpenMax = 8;
  std::array<stun::TransactionId, kOpenMax> open_ = {};
  std::size_t open_count_ = 0;
};

}  // namespace pinhole::ice
