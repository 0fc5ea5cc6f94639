#include "stun/client_transaction.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "stun/attributes.h"
#include "stun/message_builder.h"

namespace pinhole::stun {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr TransactionId kId = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};

struct Encoded {
  std::array<std::uint8_t, 64> buffer;
  net::ByteView bytes;
  Encoded(MessageClass message_class, Method method, const TransactionId& id) {
    bytes = MessageBuilder(buffer, message_class, method, id).Finish().value();
  }
  MessageView view() const { return MessageView::Parse(bytes).value(); }
};

const Encoded& Request() {
  static const Encoded request(MessageClass::kRequest, Method::kBinding, kId);
  return request;
}

// The times in ms at which a transaction sent, and at which it failed.
struct Ending {
  std::vector<std::int64_t> sends;
  std::optional<std::int64_t> failed;
  ClientTransaction::FailureReason reason{};
};
Ending RunToEnd(ClientTransaction& transaction, net::Instant start) {
  Ending run;
  net::Instant now = start;
  for (;;) {
    while (const auto output = transaction.PollOutput()) {
      const std::int64_t at = (now - start) / 1ms;
      if (const auto* send = std::get_if<ClientTransaction::SendRequest>(&*output)) {
        run.sends.push_back(at);
        EXPECT_EQ(send->send, static_cast<int>(run.sends.size()));
        EXPECT_TRUE(std::equal(send->bytes.begin(), send->bytes.end(), Request().bytes.begin(), Request().bytes.end()));
      }
      if (const auto* failed = std::get_if<ClientTransaction::Failed>(&*output)) {
        run.failed = at;
        run.reason = failed->reason;
      }
    }
    const net::Instant next = transaction.NextTimer();
    if (next == net::kNever) return run;
    EXPECT_GT(next, now);
    now = next;
    transaction.OnTimer(now);
  }
}

constexpr net::Instant kStart{std::chrono::hours(1)};

TEST(ClientTransaction, Rfc8489Section6_2_1DefaultScheduleEndsAt39500Milliseconds) {
  ClientTransaction transaction(kStart, Request().bytes);
  const Ending run = RunToEnd(transaction, kStart);
  EXPECT_THAT(run.sends, ElementsAre(0, 500, 1500, 3500, 7500, 15500, 31500));
  EXPECT_EQ(run.failed, 39500);
  EXPECT_EQ(run.reason, ClientTransaction::FailureReason::kTimedOut);
  EXPECT_EQ(transaction.state(), ClientTransaction::State::kFailed);
}

TEST(ClientTransaction, RtoRcAndRmAreSettable) {
  ClientTransaction transaction(kStart, Request().bytes, {.rto = 100ms, .sends_max = 3, .last_wait_rtos = 4});
  const Ending run = RunToEnd(transaction, kStart);
  EXPECT_THAT(run.sends, ElementsAre(0, 100, 300));
  EXPECT_EQ(run.failed, 700);

  ClientTransaction once(kStart, Request().bytes, {.rto = 100ms, .sends_max = 1, .last_wait_rtos = 16});
  const Ending one = RunToEnd(once, kStart);
  EXPECT_THAT(one.sends, ElementsAre(0));
  EXPECT_EQ(one.failed, 1600);
}

TEST(ClientTransaction, AResponseEndsIt) {
  ClientTransaction transaction(kStart, Request().bytes);
  transaction.PollOutput();
  transaction.OnTimer(kStart + 500ms);
  transaction.PollOutput();
  const Encoded response(MessageClass::kSuccess, Method::kBinding, kId);
  EXPECT_TRUE(transaction.OnResponse(kStart + 620ms, response.view()));
  const auto output = transaction.PollOutput();
  ASSERT_TRUE(output.has_value());
  EXPECT_EQ(std::get<ClientTransaction::Answered>(*output).since_first_send, 620ms);
  EXPECT_EQ(std::get<ClientTransaction::Answered>(*output).sends, 2);
  EXPECT_FALSE(transaction.PollOutput().has_value());
  EXPECT_EQ(transaction.NextTimer(), net::kNever);
  transaction.OnTimer(kStart + 100s);
  EXPECT_FALSE(transaction.PollOutput().has_value());
  EXPECT_FALSE(transaction.OnResponse(kStart + 100s, response.view()));  // the answer to the retransmission
}

TEST(ClientTransaction, WhatIsNotItsResponseChangesNothing) {
  ClientTransaction transaction(kStart, Request().bytes);
  transaction.PollOutput();
  TransactionId other = kId;
  other.bytes[11] ^= 1;
  for (const Encoded& message :
       {Encoded(MessageClass::kSuccess, Method::kBinding, other),
        Encoded(MessageClass::kSuccess, Method::kAllocate, kId), Encoded(MessageClass::kRequest, Method::kBinding, kId),
        Encoded(MessageClass::kIndication, Method::kBinding, kId)}) {
    EXPECT_FALSE(transaction.OnResponse(kStart + 1ms, MessageView::Parse(message.bytes).value()));
  }
  EXPECT_EQ(transaction.NextTimer(), kStart + 500ms);
  EXPECT_FALSE(transaction.PollOutput().has_value());
  EXPECT_TRUE(transaction.OnResponse(kStart + 1ms, Encoded(MessageClass::kError, Method::kBinding, kId).view()));
}

TEST(ClientTransaction, Rfc8489Section9_1_4OnlyDiscardedResponsesAreReportedAsIntegrityViolated) {
  ClientTransaction transaction(kStart, Request().bytes);
  transaction.OnDiscardedResponse();
  const Ending run = RunToEnd(transaction, kStart);
  EXPECT_EQ(run.sends.size(), 7u);
  EXPECT_EQ(run.reason, ClientTransaction::FailureReason::kIntegrityViolated);
}

TEST(ClientTransaction, Rfc8489Section9_1_4OverTcpADiscardedResponseEndsItAtOnceAsIntegrityViolated) {
  ClientTransaction transaction(kStart, Request().bytes, ClientTransaction::Options::OverTcp());
  transaction.PollOutput();
  transaction.OnDiscardedResponse();
  EXPECT_EQ(std::get<ClientTransaction::Failed>(*transaction.PollOutput()).reason,
            ClientTransaction::FailureReason::kIntegrityViolated);
  EXPECT_EQ(transaction.NextTimer(), net::kNever);
  EXPECT_FALSE(transaction.PollOutput().has_value());
}

TEST(ClientTransaction, Rfc8489Section6_2_1HardIcmpErrorFailsItAtOnce) {
  ClientTransaction transaction(kStart, Request().bytes);
  transaction.OnHardIcmpError();
  EXPECT_EQ(std::get<ClientTransaction::Failed>(*transaction.PollOutput()).reason,
            ClientTransaction::FailureReason::kHardIcmpError);
  EXPECT_EQ(transaction.NextTimer(), net::kNever);
}

TEST(ClientTransaction, Rfc8489Section6_2_2OverTcpItIsSentOnceAndFailsAfterTi) {
  ClientTransaction transaction(kStart, Request().bytes, ClientTransaction::Options::OverTcp());
  const Ending run = RunToEnd(transaction, kStart);
  EXPECT_THAT(run.sends, ElementsAre(0));
  EXPECT_EQ(run.failed, 39500);
  EXPECT_EQ(run.reason, ClientTransaction::FailureReason::kTimedOut);

  ClientTransaction impatient(kStart, Request().bytes, ClientTransaction::Options::OverTcp(5s));
  const Ending soon = RunToEnd(impatient, kStart);
  EXPECT_THAT(soon.sends, ElementsAre(0));
  EXPECT_EQ(soon.failed, 5000);
}

TEST(ClientTransaction, Rfc8489Section6_2_2ALostConnectionFailsItAtOnce) {
  ClientTransaction transaction(kStart, Request().bytes, ClientTransaction::Options::OverTcp());
  transaction.PollOutput();
  transaction.OnConnectionLost();
  EXPECT_EQ(std::get<ClientTransaction::Failed>(*transaction.PollOutput()).reason,
            ClientTransaction::FailureReason::kConnectionLost);
  EXPECT_EQ(transaction.NextTimer(), net::kNever);
  EXPECT_FALSE(transaction.OnResponse(kStart + 1s, Encoded(MessageClass::kSuccess, Method::kBinding, kId).view()));
}

TEST(ClientTransaction, Rfc8445Section7_3_1_4StoppedItStillWaitsAsLong) {
  ClientTransaction transaction(kStart, Request().bytes);
  transaction.PollOutput();
  transaction.OnTimer(kStart + 500ms);
  transaction.PollOutput();
  transaction.StopRetransmitting(kStart + 700ms);
  EXPECT_EQ(transaction.NextTimer(), kStart + 39500ms);
  transaction.StopRetransmitting(kStart + 800ms);
  EXPECT_EQ(transaction.NextTimer(), kStart + 39500ms);
  transaction.OnTimer(kStart + 39500ms);
  EXPECT_TRUE(std::holds_alternative<ClientTransaction::Failed>(*transaction.PollOutput()));
}

TEST(ClientTransaction, EarlyAndRepeatedTimersAreHarmlessALateOneSendsOnce) {
  ClientTransaction transaction(kStart, Request().bytes);
  transaction.PollOutput();
  transaction.OnTimer(kStart + 499ms);
  EXPECT_FALSE(transaction.PollOutput().has_value());
  transaction.OnTimer(kStart + 5000ms);
  transaction.OnTimer(kStart + 5000ms);
  EXPECT_EQ(std::get<ClientTransaction::SendRequest>(*transaction.PollOutput()).send, 2);
  EXPECT_FALSE(transaction.PollOutput().has_value());
  EXPECT_EQ(transaction.NextTimer(), kStart + 6000ms);
}

}  // namespace
}  // namespace pinhole::stun
