#include "ice/consent.h"

#include <algorithm>

namespace pinhole::ice {

net::Duration ConsentState::Jittered(net::Duration interval, net::RandomSource& random) {
  // 0.8 to 1.2 times the interval (RFC 7675 §5.1), in steps of a millionth.
  return interval / 1'000'000 * static_cast<std::int64_t>(800'000 + random.Below(400'001));
}

void ConsentState::Start(net::Instant now, net::Instant obtained, net::Duration interval, net::Duration expiry,
                         net::RandomSource& random) {
  state_ = State::kKept;
  expires_ = now + expiry;
  data_until_ = obtained + expiry;
  next_request_ = now < obtained + interval ? now + Jittered(interval, random) : now;
}

void ConsentState::OnSent(net::Instant now, const stun::TransactionId& id, net::Duration interval,
                          net::RandomSource& random) {
  if (open_count_ == kOpenMax) {
    std::move(open_.begin() + 1, open_.end(), open_.begin());
    --open_count_;
  }
  open_[open_count_++] = id;
  next_request_ = now + Jittered(interval, random);
}

bool ConsentState::IsOpen(const stun::TransactionId& id) const {
  return std::find(open_.begin(), open_.begin() + open_count_, id) != open_.begin() + open_count_;
}

void ConsentState::OnAnswer(net::Instant now, const stun::TransactionId& id, net::Duration expiry) {
  const auto end = open_.begin() + open_count_;
  const auto answered = std::find(open_.begin(), end, id);
  if (answered == end) return;
  std::move(answered + 1, end, answered);
  --open_count_;
  expires_ = now + expiry;
  data_until_ = expires_;
}

void ConsentState::Lose() {
  state_ = State::kLost;
  open_count_ = 0;
}

}  // namespace pinhole::ice
