#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "sim/tcp/connection.h"

namespace pinhole::sim {

inline void PrintTo(TcpState state, std::ostream* out) { *out << ToString(state); }
inline void PrintTo(TcpEnd end, std::ostream* out) { *out << ToString(end); }
inline void PrintTo(Rule rule, std::ostream* out) { *out << ToString(rule); }

// A segment as RFC 9293 writes it: "<SEQ=100><ACK=301><LEN=5><CTL=ACK,PSH>"; ACK and LEN only if there are any.
inline std::string SegmentText(const TcpHeader& header, std::size_t payload_bytes) {
  std::string text = absl::StrCat("<SEQ=", header.sequence, ">");
  if (header.Has(kTcpAck)) absl::StrAppend(&text, "<ACK=", header.acknowledgment, ">");
  if (payload_bytes > 0) absl::StrAppend(&text, "<LEN=", payload_bytes, ">");
  std::string flags;
  const std::pair<std::uint8_t, const char*> names[] = {
      {kTcpFin, "FIN"}, {kTcpSyn, "SYN"}, {kTcpRst, "RST"}, {kTcpPsh, "PSH"}, {kTcpAck, "ACK"}};
  for (const auto& [bit, name] : names) {
    if (header.Has(bit)) absl::StrAppend(&flags, flags.empty() ? "" : ",", name);
  }
  return absl::StrCat(text, "<CTL=", flags, ">");
}

// One connection whose peer is the test. Its ISS is 1000, the peer's is 5000. By default the peer offers a window of
// 65535 without scaling, an MSS of 1000 and no SACK, and the connection does not delay its ACKs.
class TcpBench {
 public:
  static constexpr std::uint32_t kIss = 1000;
  static constexpr std::uint32_t kIrs = 5000;
  static constexpr std::uint16_t kMss = 1000;

  static TcpConnectionOptions Plain() {
    TcpConnectionOptions options;
    options.mss_bytes = kMss;
    options.window_scale.reset();
    options.sack_permitted = false;
    options.delayed_ack = net::Duration(0);
    return options;
  }

  TcpBench() : TcpBench(Plain()) {}
  explicit TcpBench(const TcpConnectionOptions& options) : tcp(options) {}

  // Brings a new connection into `state`. SYN-RECEIVED is reached by a simultaneous open; InPassive() reaches it by a
  // passive open. In FIN-WAIT-1, CLOSING and LAST-ACK the connection's own FIN has number 1001. In CLOSE-WAIT and later
  // states the peer's FIN has number 5001.
  TcpBench& In(TcpState state) {
    switch (state) {
      case TcpState::kClosed:
      case TcpState::kListen:
        break;
      case TcpState::kSynSent:
        tcp.OpenActive(now, kIss);
        break;
      case TcpState::kSynReceived:
        In(TcpState::kSynSent);
        Receive({.sequence = kIrs, .flags = kTcpSyn, .window = 65535, .mss_bytes = kMss});
        break;
      case TcpState::kEstablished:
        In(TcpState::kSynSent);
        Receive({.sequence = kIrs, .acknowledgment = kIss + 1, .flags = kTcpSyn | kTcpAck, .mss_bytes = kMss});
        break;
      case TcpState::kFinWait1:
        In(TcpState::kEstablished);
        tcp.FinishWriting(now);
        break;
      case TcpState::kFinWait2:
        In(TcpState::kFinWait1);
        Receive({.sequence = kIrs + 1, .acknowledgment = kIss + 2, .flags = kTcpAck});
        break;
      case TcpState::kCloseWait:
        In(TcpState::kEstablished);
        Receive({.sequence = kIrs + 1, .acknowledgment = kIss + 1, .flags = kTcpFin | kTcpAck});
        break;
      case TcpState::kClosing:
        In(TcpState::kFinWait1);
        Receive({.sequence = kIrs + 1, .acknowledgment = kIss + 1, .flags = kTcpFin | kTcpAck});
        break;
      case TcpState::kLastAck:
        In(TcpState::kCloseWait);
        tcp.FinishWriting(now);
        break;
      case TcpState::kTimeWait:
        In(TcpState::kFinWait2);
        Receive({.sequence = kIrs + 1, .acknowledgment = kIss + 2, .flags = kTcpFin | kTcpAck});
        break;
    }
    Drain();
    EXPECT_EQ(tcp.state(), state);
    sent.clear();
    events.clear();
    return *this;
  }
  TcpBench& InPassive() {
    tcp.OpenPassive(now, kIss, {.sequence = kIrs, .window = 65535, .mss_bytes = kMss, .flags = kTcpSyn});
    Drain();
    sent.clear();
    return *this;
  }

  struct Incoming {
    std::uint32_t sequence = 0;
    std::uint32_t acknowledgment = 0;
    std::uint8_t flags = kTcpAck;
    std::uint16_t window = 65535;
    std::uint16_t mss_bytes = 0;
    std::size_t payload_bytes = 0;
    std::vector<SackBlock> sack = {};
  };
  // Receives a segment and drains the outputs. Returns the rule by which the segment was dropped; kNone: it was
  // accepted.
  Rule Receive(const Incoming& segment) {
    TcpHeader header{.sequence = segment.sequence,
                     .acknowledgment = segment.acknowledgment,
                     .window = segment.window,
                     .mss_bytes = segment.mss_bytes,
                     .flags = segment.flags};
    header.sack_count = static_cast<std::uint8_t>(segment.sack.size());
    std::copy(segment.sack.begin(), segment.sack.end(), header.sack.begin());
    return ReceiveHeader(header, segment.payload_bytes);
  }
  Rule ReceiveHeader(const TcpHeader& header, std::size_t payload_bytes) {
    std::vector<std::uint8_t> payload(payload_bytes);
    for (std::size_t i = 0; i < payload_bytes; ++i) payload[i] = static_cast<std::uint8_t>(header.sequence + i);
    verdict = tcp.OnSegment(now, header, payload);
    Drain();
    return verdict.rule;
  }
  // Receives data, or an ACK without data, of an open connection.
  Rule ReceiveData(std::uint32_t sequence, std::size_t bytes) {
    return Receive({.sequence = sequence, .acknowledgment = tcp.snd_nxt(), .payload_bytes = bytes});
  }
  Rule ReceiveAck(std::uint32_t acknowledgment, std::uint16_t window = 65535) {
    return Receive({.sequence = tcp.rcv_nxt(), .acknowledgment = acknowledgment, .window = window});
  }

  TcpConnection::Taken Write(std::size_t bytes) {
    const std::vector<std::uint8_t> payload(bytes, 0x55);
    const TcpConnection::Taken taken = tcp.Write(now, payload);
    Drain();
    return taken;
  }
  TcpConnection::Taken Read(std::size_t bytes) {
    read.assign(bytes, 0);
    const TcpConnection::Taken taken = tcp.Read(now, read);
    read.resize(taken.bytes);
    Drain();
    return taken;
  }
  TcpCall FinishWriting() { return Drained(tcp.FinishWriting(now)); }
  TcpCall Close() { return Drained(tcp.Close(now)); }
  TcpCall Abort() { return Drained(tcp.Abort(now)); }
  void Icmp(net::IcmpError::Kind kind, std::uint32_t quoted) {
    tcp.OnIcmpError(now, kind, quoted);
    Drain();
  }

  // Lets time pass and runs all timers that expire meanwhile.
  void RunFor(net::Duration time) {
    const net::Instant end = now + time;
    while (tcp.NextTimer() <= end) {
      now = std::max(now, tcp.NextTimer());
      tcp.OnTimer(now);
      Drain();
    }
    now = end;
  }

  void Drain() {
    while (std::optional<TcpConnection::Output> output = tcp.PollOutput()) {
      if (const auto* segment = std::get_if<TcpConnection::SendSegment>(&*output)) {
        sent.push_back({now, segment->header, segment->payload_bytes(), segment->retransmission});
      } else {
        events.push_back(Name(*output));
      }
    }
    const char* broken = tcp.BrokenInvariant();
    EXPECT_EQ(broken, nullptr) << broken << " in " << ToString(tcp.state());
  }

  // The segments that were sent since the last call, as text.
  std::vector<std::string> TakeSent() {
    std::vector<std::string> texts;
    for (const Sent& segment : sent) texts.push_back(SegmentText(segment.header, segment.payload_bytes));
    sent.clear();
    return texts;
  }
  std::vector<std::string> TakeEvents() { return std::exchange(events, {}); }

  struct Sent {
    net::Instant at;
    TcpHeader header;
    std::size_t payload_bytes;
    bool retransmission;
  };
  TcpConnection tcp;
  net::Instant now{};
  std::vector<Sent> sent;
  std::vector<std::string> events;  // "connected", "readable", "writable", "peer finished", "finished", "ended: ..."
  std::vector<std::uint8_t> read;
  TcpConnection::Verdict verdict;

 private:
  TcpCall Drained(TcpCall result) {
    Drain();
    return result;
  }
  static std::string Name(const TcpConnection::Output& output) {
    if (std::holds_alternative<TcpConnection::Connected>(output)) return "connected";
    if (std::holds_alternative<TcpConnection::Readable>(output)) return "readable";
    if (std::holds_alternative<TcpConnection::Writable>(output)) return "writable";
    if (std::holds_alternative<TcpConnection::PeerFinished>(output)) return "peer finished";
    if (std::holds_alternative<TcpConnection::Finished>(output)) return "finished";
    return absl::StrCat("ended: ", ToString(std::get<TcpConnection::Ended>(output).end));
  }
};

}  // namespace pinhole::sim
