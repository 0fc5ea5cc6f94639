#include "stun/client_transaction.h"

#include <algorithm>
#include <cstring>

#include "net/contract.h"

namespace pinhole::stun {

ClientTransaction::ClientTransaction(net::Instant now, net::ByteView request, const Options& options)
    : options_(options), first_sent_(now), interval_(options.rto) {
  PINHOLE_REQUIRES(request.size() >= kHeaderBytes && request.size() <= kMessageBytesMax);
  PINHOLE_REQUIRES(options.rto > net::Duration::zero() && options.sends_max >= 1 && options.last_wait_rtos >= 1);
  // A longer request is truncated, so that a violated REQUIRES cannot write past the end of the array.
  request_bytes_ = static_cast<std::uint16_t>(std::min(request.size(), request_.size()));
  std::memcpy(request_.data(), request.data(), request_bytes_);
  std::memcpy(id_.bytes.data(), request.data() + 8, id_.bytes.size());
  Send(now);
}

void ClientTransaction::Send(net::Instant now) {
  ++sends_;
  send_pending_ = true;
  if (sends_ < options_.sends_max) {
    deadline_ = now + interval_;
    interval_ *= 2;
  } else {
    no_more_sends_ = true;
    deadline_ = now + options_.rto * options_.last_wait_rtos;
  }
}

bool ClientTransaction::IsFor(const MessageView& response) const {
  const bool is_response =
      response.message_class() == MessageClass::kSuccess || response.message_class() == MessageClass::kError;
  return state_ == State::kWaiting && is_response && response.transaction_id() == id_ &&
         response.method() == DecodeMethod(net::LoadU16(request_.data()));
}

bool ClientTransaction::OnResponse(net::Instant now, const MessageView& response) {
  if (!IsFor(response)) return false;
  state_ = State::kAnswered;
  waited_ = now - first_sent_;
  send_pending_ = false;
  end_pending_ = true;
  return true;
}

void ClientTransaction::Fail(FailureReason reason) {
  if (state_ != State::kWaiting) return;
  state_ = State::kFailed;
  reason_ = reason;
  send_pending_ = false;
  end_pending_ = true;
}

void ClientTransaction::OnDiscardedResponse() {
  if (options_.reliable) return Fail(FailureReason::kIntegrityViolated);
  discarded_response_ = true;
}

void ClientTransaction::StopRetransmitting(net::Instant now) {
  if (state_ != State::kWaiting || no_more_sends_) return;
  no_more_sends_ = true;
  send_pending_ = false;
  // The rest of the schedule: the present interval, the intervals after the requests that are not sent any more, and
  // the last wait.
  net::Instant end = std::max(deadline_, now);
  for (int send = sends_ + 1; send < options_.sends_max; ++send) {
    end += interval_;
    interval_ *= 2;
  }
  deadline_ = end + options_.rto * options_.last_wait_rtos;
}

void ClientTransaction::OnTimer(net::Instant now) {
  if (state_ != State::kWaiting || now < deadline_) return;
  if (!no_more_sends_) return Send(now);
  Fail(discarded_response_ ? FailureReason::kIntegrityViolated : FailureReason::kTimedOut);
}

net::Instant ClientTransaction::NextTimer() const {
  PINHOLE_INVARIANT(deadline_ != net::kNever);
  return state_ == State::kWaiting ? deadline_ : net::kNever;
}

std::optional<ClientTransaction::Output> ClientTransaction::PollOutput() {
  if (send_pending_) {
    send_pending_ = false;
    return SendRequest{request(), sends_};
  }
  if (end_pending_) {
    end_pending_ = false;
    if (state_ == State::kAnswered) return Answered{waited_, sends_};
    return Failed{reason_};
  }
  return std::nullopt;
}

}  // namespace pinhole::stun
