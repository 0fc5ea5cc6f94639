// Fuzzes one TCP connection with segments, calls, ICMP errors and time, in any order. The sequence numbers are near
// those of the connection, so that segments get past its checks. Its answers are bounded, its invariants hold, its
// states follow the diagram of RFC 9293, and Read() returns the bytes that were sent in sequence.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <variant>
#include <vector>

#include "sim/tcp/connection.h"
#include "tests/fuzz/script.h"

namespace pinhole::sim {
namespace {

[[noreturn]] void Fail(const char* what) {
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

constexpr std::uint16_t Bit(TcpState state) { return static_cast<std::uint16_t>(1u << static_cast<int>(state)); }

// The states to which one input may lead: RFC 9293 figure 5, also with several steps at once (a segment with ACK and
// FIN).
std::uint16_t MayFollow(TcpState state) {
  using S = TcpState;
  constexpr std::uint16_t kClosed = Bit(S::kClosed);
  constexpr std::uint16_t kPassiveEnd = Bit(S::kCloseWait) | Bit(S::kLastAck) | kClosed;
  constexpr std::uint16_t kActiveEnd = Bit(S::kFinWait2) | Bit(S::kClosing) | Bit(S::kTimeWait) | kClosed;
  switch (state) {
    case S::kClosed:
      return Bit(S::kSynSent) | Bit(S::kSynReceived);
    case S::kListen:
      return 0;
    case S::kSynSent:
      return Bit(S::kSynReceived) | Bit(S::kEstablished) | kPassiveEnd;
    case S::kSynReceived:
      return Bit(S::kEstablished) | Bit(S::kFinWait1) | kPassiveEnd | kActiveEnd;
    case S::kEstablished:
      return Bit(S::kFinWait1) | kPassiveEnd;
    case S::kFinWait1:
      return kActiveEnd;
    case S::kFinWait2:
      return Bit(S::kTimeWait) | kClosed;
    case S::kCloseWait:
      return Bit(S::kLastAck) | kClosed;
    case S::kClosing:
      return Bit(S::kTimeWait) | kClosed;
    case S::kLastAck:
    case S::kTimeWait:
      return kClosed;
  }
  return 0;
}

// The peer's byte at a sequence number. It depends only on the number, so all copies of a byte are equal.
std::uint8_t ByteAt(std::uint32_t sequence) { return static_cast<std::uint8_t>((sequence * 2654435761u) >> 24); }

class Run {
 public:
  explicit Run(const TcpConnectionOptions& options) : options_(options), tcp_(options) {}

  void Step(Script& script) {
    const std::uint8_t what = script.Byte();
    switch (what % 16) {
      case 0:
        tcp_.OpenActive(now_, script.Number() << 16 | 0xfff0);
        break;
      case 1: {
        TcpHeader syn{.sequence = script.Number() << 16 | 0xfff8, .window = 4000, .flags = kTcpSyn};
        Options(script, syn);
        tcp_.OpenPassive(now_, script.Number() << 16, syn);
        break;
      }
      case 2:
        tcp_.Write(now_, std::vector<std::uint8_t>(script.Number() % 5000));
        break;
      case 3:
        Read(script.Number() % 5000);
        break;
      case 4:
        tcp_.FinishWriting(now_);
        break;
      case 5:
        if (script.Byte() % 4 == 0) tcp_.Close(now_);
        break;
      case 6:
        if (script.Byte() % 8 == 0) tcp_.Abort(now_);
        break;
      case 7:
        now_ += std::chrono::microseconds(script.Number() * 64);  // up to 4 s
        tcp_.OnTimer(now_);
        break;
      case 8:
        if (const net::Instant timer = tcp_.NextTimer(); timer != net::kNever) {
          now_ = std::max(now_, timer);
          tcp_.OnTimer(now_);
          Drain();
          if (tcp_.NextTimer() <= now_) Fail("a timer that was handled is over");
        }
        break;
      case 9:
        tcp_.OnIcmpError(now_, static_cast<net::IcmpError::Kind>(script.Byte() % 8),
                         tcp_.snd_una() + script.Byte() - 8);
        break;
      case 10:
        tcp_.OnPathMss(now_, static_cast<std::uint16_t>(script.Number()), tcp_.snd_una() + script.Byte() - 8);
        break;
      default:
        Segment(script);
    }
    Drain();
  }

 private:
  static void Options(Script& script, TcpHeader& header) {
    header.mss_bytes = static_cast<std::uint16_t>(script.Number());
    header.window_scale = script.Byte() % 20;
    if (header.window_scale > 15) header.window_scale = TcpHeader::kNoWindowScale;
    header.sack_permitted = script.Byte() % 2 == 0;
  }

  // A random number, mostly near `to`, seldom anywhere.
  static std::uint32_t Near(Script& script, std::uint32_t to) {
    const std::uint8_t how = script.Byte();
    if (how < 128) return to;
    if (how < 200) return to + script.Byte() - 64;
    if (how < 250) return to + script.Number() - 8192;
    return to + (script.Number() << 16);
  }

  void Segment(Script& script) {
    static constexpr std::array<std::uint8_t, 8> kUsual = {
        kTcpAck, kTcpAck, kTcpAck | kTcpPsh, kTcpAck | kTcpFin, kTcpSyn | kTcpAck, kTcpSyn, kTcpRst, kTcpRst | kTcpAck};
    const std::uint8_t flags = script.Byte();
    TcpHeader header{.window = static_cast<std::uint16_t>(script.Number())};
    header.flags = flags < 240 ? kUsual[flags % 8] : static_cast<std::uint8_t>(script.Byte() & 0x1f);
    header.sequence = Near(script, header.Has(kTcpSyn) ? tcp_.irs() : tcp_.rcv_nxt());
    header.acknowledgment = Near(script, script.Byte() % 2 == 0 ? tcp_.snd_nxt() : tcp_.snd_una());
    if (header.Has(kTcpSyn)) Options(script, header);
    const std::uint32_t size = script.Byte() % 3 == 0 ? script.Number() % 3000 : 0;
    std::vector<std::uint8_t> payload(size);
    const std::uint32_t first = header.sequence + (header.Has(kTcpSyn) ? 1 : 0);
    for (std::uint32_t i = 0; i < size; ++i) payload[i] = ByteAt(first + i);
    const std::uint32_t was = tcp_.rcv_nxt();
    const TcpState before = tcp_.state();
    const TcpConnection::Verdict verdict = tcp_.OnSegment(now_, header, payload);
    if (!verdict.accepted() && before != TcpState::kSynSent && tcp_.rcv_nxt() != was) {
      Fail("a segment that was dropped moved RCV.NXT");
    }
    if (header.Has(kTcpRst) && tcp_.state() != before && tcp_.state() != TcpState::kClosed) Fail("a RST opened a way");
  }

  void Read(std::size_t size) {
    std::vector<std::uint8_t> buffer(size);
    const std::uint64_t offset = tcp_.bytes_read();
    const std::size_t given = tcp_.Read(now_, buffer).bytes;
    for (std::size_t i = 0; i < given; ++i) {
      const std::uint32_t sequence = tcp_.irs() + 1 + static_cast<std::uint32_t>(offset + i);
      if (buffer[i] != ByteAt(sequence)) Fail("bytes come out as they were sent");
    }
  }

  void Drain() {
    const bool was_over = over_;
    int outputs = 0;
    while (const auto output = tcp_.PollOutput()) {
      if (was_over) Fail("something came after the end");
      if (++outputs > 2000) Fail("outputs of one input are bounded");
      if (const auto* segment = std::get_if<TcpConnection::SendSegment>(&*output)) Check(*segment);
      if (std::holds_alternative<TcpConnection::Ended>(*output)) {
        over_ = true;
        if (tcp_.state() != TcpState::kClosed) Fail("the end is CLOSED");
      }
    }
    if (const char* broken = tcp_.BrokenInvariant()) Fail(broken);
    const TcpState state = tcp_.state();
    if (state != state_ && (MayFollow(state_) & Bit(state)) == 0) {
      std::fprintf(stderr, "%s -> %s\n", ToString(state_), ToString(state));
      Fail("the state diagram");
    }
    if (over_ != (state == TcpState::kClosed && tcp_.end() != TcpEnd::kNone)) Fail("the end is told");
    state_ = state;
  }

  void Check(const TcpConnection::SendSegment& segment) {
    const TcpHeader& header = segment.header;
    if (header.Has(kTcpRst)) {
      if (segment.payload_bytes() != 0) Fail("a RST has no data");
      return;
    }
    if (TcpHeaderBytes(header) > 60) Fail("a header has at most 60 bytes");
    if (segment.payload_bytes() + TcpHeaderBytes(header) - 20 > options_.mss_bytes) Fail("a segment is within the MSS");
    const std::uint32_t end =
        header.sequence + TcpSegmentLength(header, static_cast<std::uint32_t>(segment.payload_bytes()));
    if (SeqBefore(tcp_.snd_nxt(), end)) Fail("what is sent is below SND.NXT");
    if (header.Has(kTcpAck) && header.acknowledgment != tcp_.rcv_nxt()) Fail("an ACK is RCV.NXT");
    if (!header.Has(kTcpAck) && header.flags != kTcpSyn) Fail("only a SYN or RST has no ACK");
  }

  TcpConnectionOptions options_;
  TcpConnection tcp_;
  net::Instant now_{};
  TcpState state_ = TcpState::kClosed;
  bool over_ = false;
};

}  // namespace
}  // namespace pinhole::sim

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinhole::sim;
  pinhole::Script script(pinhole::net::ByteView(data, size));
  TcpConnectionOptions options;
  const std::uint8_t switches = script.Byte();
  options.receive_buffer_bytes = 1 + script.Number() * (switches & 1 ? 4 : 1);
  options.send_buffer_bytes = 1 + script.Number();
  options.nagle = (switches & 2) != 0;
  options.sack_permitted = (switches & 4) != 0;
  if (switches & 8) options.window_scale.reset();
  if (switches & 16) options.keepalive_time = std::chrono::seconds(3);
  if (switches & 32) options.user_timeout = std::chrono::seconds(20);
  if (switches & 64) options.soft_errors_abort_connect = options.hard_errors_abort_established = true;
  options.data_retransmissions_max = 5;
  Run run(options);
  for (int step = 0; step < 2000 && !script.done(); ++step) run.Step(script);
  return 0;
}
