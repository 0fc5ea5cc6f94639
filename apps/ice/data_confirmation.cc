#include "apps/ice/data_confirmation.h"

#include <algorithm>

namespace pinhole::apps {

DataConfirmation::DataConfirmation(const Options& options)
    : options_(options), buffer_(std::max(options.payload_bytes, kHeaderBytes)) {}

void DataConfirmation::OnSelected(net::Instant now) {
  if (started_) return;
  started_ = true;
  send_at_ = now;
  resend_at_ = now + options_.resend;
  give_up_at_ = now + options_.patience;
  OnTimer(now);
}

void DataConfirmation::OnData(net::Instant now, net::ByteView bytes) {
  if (bytes.size() < kHeaderBytes || bytes[0] != kFirstByte) return;
  const std::uint32_t number = net::LoadU32(&bytes[1]);
  const std::uint32_t acknowledged = net::LoadU32(&bytes[5]);
  if (first_received_) largest_gap_ = std::max(largest_gap_, now - last_received_);
  if (!first_received_ && number != kNone) first_received_ = now;
  last_received_ = now;

  bool news = false;
  if (number == received_ && received_ < options_.datagrams) {
    ++received_;
    news = true;
  }
  if (acknowledged > acknowledged_ && acknowledged <= options_.datagrams) {
    acknowledged_ = acknowledged;
    next_ = std::max(next_, acknowledged_);
    news = true;
  }
  if (!started_) return;
  if (number < kHold) answer_due_ = true;
  if (news) {
    resend_at_ = now + options_.resend;
    give_up_at_ = now + options_.patience;
  }
  if (!confirmed() && received_ == options_.datagrams && acknowledged_ == options_.datagrams) {
    confirmed_ = true;
    send_at_ = now + options_.interval;
  }
}

void DataConfirmation::OnTimer(net::Instant now) {
  if (!started_ || given_up_) return;
  if (confirmed()) {
    if (options_.hold && now >= send_at_) {
      datagram_due_ = true;
      send_at_ = now + options_.interval;
    }
    return;
  }
  if (now >= give_up_at_) {
    given_up_ = true;
    return;
  }
  if (now >= resend_at_) {
    next_ = acknowledged_;
    send_at_ = now;
    resend_at_ = now + options_.resend;
  }
  if (next_ < options_.datagrams && now >= send_at_) {
    datagram_due_ = true;
    send_at_ = now + options_.interval;
  }
}

net::Instant DataConfirmation::NextTimer() const {
  if (!started_ || given_up_) return net::kNever;
  if (confirmed() && !options_.hold) return net::kNever;
  if (confirmed()) return send_at_;
  net::Instant next = give_up_at_;
  if (acknowledged_ < options_.datagrams) next = std::min(next, resend_at_);
  if (next_ < options_.datagrams && !datagram_due_) next = std::min(next, send_at_);
  return next;
}

std::optional<net::ByteView> DataConfirmation::PollOutput() {
  std::uint32_t number = kNone;
  if (datagram_due_) {
    number = confirmed() ? kHold : next_++;
  } else if (!answer_due_) {
    return std::nullopt;
  }
  datagram_due_ = false;
  answer_due_ = false;  // every message carries an acknowledgement, so no other answer is due
  buffer_[0] = kFirstByte;
  net::StoreU32(&buffer_[1], number);
  net::StoreU32(&buffer_[5], received_);
  return net::ByteView(buffer_);
}

}  // namespace pinhole::apps
