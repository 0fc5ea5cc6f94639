#include "apps/data_confirmation.h"

#include <algorithm>

namespace pinhole::apps {
namespace {

constexpr std::uint8_t kGot = 1;
constexpr std::uint8_t kDone = 2;

}  // namespace

void DataConfirmation::OnSelected(net::Instant now) {
  if (started_) return;
  started_ = true;
  send_now_ = true;
  timer_sends_ = 1;
  next_ = now + options_.resend;
}

void DataConfirmation::OnData(net::Instant now, net::ByteView bytes) {
  if (bytes.size() != kMessageBytes || bytes[0] != kFirstByte) return;
  ++received_;
  if (got_) largest_gap_ = std::max(largest_gap_, now - last_received_);
  last_received_ = now;
  if (!got_) first_received_ = now;
  got_ = true;
  if (!confirmed() && started_ && (bytes[1] & kGot) != 0) {
    confirmed_at_ = now;
    next_.reset();
    if (options_.hold_interval > net::Duration::zero()) next_ = now + options_.hold_interval;
  }
  if (started_ && (bytes[1] & kDone) == 0) send_now_ = true;
}

void DataConfirmation::OnTimer(net::Instant now) {
  if (!next_ || now < *next_) return;
  if (confirmed()) {
    send_now_ = true;
    next_ = now + options_.hold_interval;
  } else if (timer_sends_ < options_.sends_max) {
    ++timer_sends_;
    send_now_ = true;
    next_ = now + options_.resend;
  } else {
    next_.reset();
  }
}

std::optional<DataConfirmation::Message> DataConfirmation::PollOutput() {
  if (!send_now_) return std::nullopt;
  send_now_ = false;
  Message message = {};
  message[0] = kFirstByte;
  message[1] = static_cast<std::uint8_t>((got_ ? kGot : 0) | (confirmed() ? kDone : 0));
  net::StoreU16(&message[2], static_cast<std::uint16_t>(sent_));
  ++sent_;
  return message;
}

}  // namespace pinhole::apps
