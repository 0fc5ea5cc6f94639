#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gtest/gtest.h"
#include "net/random.h"
#include "sim/tcp/connection.h"

namespace pinhole::sim {

// Two TCP connections and a network between them, in virtual time. The network delays, loses, duplicates and reorders
// segments. A side with a stream to send writes as much as fits, whenever it can, and then finishes. Both sides read
// all that arrives, and finish when the other side has finished. Every byte and every invariant is checked during the
// run.
class TcpPipe {
 public:
  struct Path {
    net::Duration delay = std::chrono::milliseconds(20);
    std::uint32_t loss_ppm = 0;
    std::uint32_t duplicate_ppm = 0;
    std::uint32_t late_ppm = 0;  // these segments arrive up to `late_by` later, so others overtake them
    net::Duration late_by = std::chrono::milliseconds(30);
  };
  struct Sent {
    net::Instant at;
    int from;
    TcpHeader header;
    std::size_t payload_bytes;
    bool retransmission;
    bool lost;
  };
  struct Side {
    TcpConnection tcp;
    std::uint64_t to_send = 0;
    std::uint64_t written = 0;
    std::uint64_t read = 0;
    bool reads = true;
    bool finishes = true;  // true: finishes when all bytes are written and the peer has finished
    bool finish_first = true;
    bool connected = false;
    bool peer_finished = false;
    std::optional<TcpEnd> end;
    std::optional<net::Instant> connected_at;
    std::optional<net::Instant> ended_at;
    std::array<int, kRuleCount> drops = {};
  };

  TcpPipe(const TcpConnectionOptions& a, const TcpConnectionOptions& b, const Path& path, std::uint64_t seed)
      : sides{Side{.tcp = TcpConnection(a)}, Side{.tcp = TcpConnection(b)}},
        paths{path, path},
        random_(seed, "tcp_pipe") {}

  // Side 0 connects, side 1 listens.
  void Connect(std::uint32_t iss0 = 100, std::uint32_t iss1 = 300) {
    listening_iss_ = iss1;
    sides[0].tcp.OpenActive(now, iss0);
    Pump(0);
  }

  // Runs until there are no more events, or until `limit` has passed. True: there are no more events.
  bool Run(net::Duration limit = std::chrono::hours(24)) {
    const net::Instant end = now + limit;
    while (true) {
      net::Instant next = in_flight_.empty() ? net::Instant::max() : in_flight_.begin()->first;
      int timer_of = -1;
      for (int i = 0; i < 2; ++i) {
        const net::Instant timer = sides[static_cast<std::size_t>(i)].tcp.NextTimer();
        if (timer < next) {
          next = timer;
          timer_of = i;
        }
      }
      if (next == net::Instant::max()) return true;
      if (next > end) {
        now = end;
        return false;
      }
      if (testing::Test::HasFailure()) return false;
      now = std::max(now, next);
      if (timer_of >= 0) {
        sides[static_cast<std::size_t>(timer_of)].tcp.OnTimer(now);
        Pump(timer_of);
      } else {
        Segment segment = std::move(in_flight_.begin()->second);
        in_flight_.erase(in_flight_.begin());
        Deliver(segment);
      }
    }
  }
  bool RunFor(net::Duration time) { return Run(time); }

  // Polls the outputs of a side, then reads and writes as a program would.
  void Pump(int side_index) {
    Side& side = sides[static_cast<std::size_t>(side_index)];
    bool again = true;
    while (again) {
      again = false;
      while (std::optional<TcpConnection::Output> output = side.tcp.PollOutput()) Handle(side_index, *output);
      if (side.connected && !side.end) again = Work(side);
    }
    const char* broken = side.tcp.BrokenInvariant();
    EXPECT_EQ(broken, nullptr) << broken << " side " << side_index << " " << ToString(side.tcp.state());
  }

  static std::uint8_t ByteAt(std::uint64_t offset) {
    return static_cast<std::uint8_t>((offset * 0x9e3779b97f4a7c15) >> 56);
  }

  std::array<Side, 2> sides;
  std::array<Path, 2> paths;  // by sender
  net::Instant now{};
  std::vector<Sent> log;
  bool keep_log = false;
  // If set, decides for each segment that is sent whether it is lost, in addition to random loss.
  bool (*lose)(const Sent&) = nullptr;

 private:
  struct Segment {
    int to;
    TcpHeader header;
    std::vector<std::uint8_t> payload;
  };

  void Handle(int side_index, const TcpConnection::Output& output) {
    Side& side = sides[static_cast<std::size_t>(side_index)];
    if (const auto* send = std::get_if<TcpConnection::SendSegment>(&output)) {
      Transmit(side_index, *send);
    } else if (std::holds_alternative<TcpConnection::Connected>(output)) {
      side.connected = true;
      side.connected_at = now;
    } else if (std::holds_alternative<TcpConnection::PeerFinished>(output)) {
      side.peer_finished = true;
    } else if (const auto* ended = std::get_if<TcpConnection::Ended>(&output)) {
      EXPECT_FALSE(side.end.has_value()) << "two ends";
      side.end = ended->end;
      side.ended_at = now;
      EXPECT_EQ(side.tcp.NextTimer(), net::kNever);
    }
  }

  // Reads and writes. True: this may have caused output.
  bool Work(Side& side) {
    bool did = false;
    std::array<std::uint8_t, 4096> chunk;
    while (side.reads) {
      const TcpConnection::Taken taken = side.tcp.Read(now, chunk);
      if (taken.bytes == 0) break;
      for (std::size_t i = 0; i < taken.bytes; ++i) {
        if (chunk[i] != ByteAt(side.read + i)) {
          ADD_FAILURE() << "byte " << side.read + i << " is wrong";
          return false;
        }
      }
      side.read += taken.bytes;
      did = true;
    }
    while (side.written < side.to_send) {
      const std::size_t count = std::min<std::uint64_t>(chunk.size(), side.to_send - side.written);
      for (std::size_t i = 0; i < count; ++i) chunk[i] = ByteAt(side.written + i);
      const TcpConnection::Taken taken = side.tcp.Write(now, net::ByteView(chunk.data(), count));
      side.written += taken.bytes;
      did |= taken.bytes > 0;
      if (taken.bytes < count) break;
    }
    if (side.finishes && side.written == side.to_send && (side.finish_first || side.peer_finished)) {
      did |= side.tcp.FinishWriting(now) == TcpCall::kOk;
    }
    return did;
  }

  void Transmit(int from, const TcpConnection::SendSegment& send) {
    const Path& path = paths[static_cast<std::size_t>(from)];
    Sent sent{.at = now,
              .from = from,
              .header = send.header,
              .payload_bytes = send.payload_bytes(),
              .retransmission = send.retransmission};
    sent.lost = random_.OneInMillion(path.loss_ppm) || (lose != nullptr && lose(sent));
    if (keep_log) log.push_back(sent);
    const bool twice = random_.OneInMillion(path.duplicate_ppm);
    if (sent.lost) return;
    Segment segment{.to = 1 - from, .header = send.header};
    segment.payload.assign(send.first.begin(), send.first.end());
    segment.payload.insert(segment.payload.end(), send.second.begin(), send.second.end());
    for (int i = 0; i < (twice ? 2 : 1); ++i) {
      net::Instant at = now + path.delay;
      if (random_.OneInMillion(path.late_ppm)) {
        const std::uint64_t late = random_.Below(static_cast<std::uint64_t>(path.late_by.count()) + 1);
        at += net::Duration(static_cast<std::int64_t>(late));
      }
      in_flight_.emplace(at, segment);
    }
  }

  void Deliver(const Segment& segment) {
    Side& side = sides[static_cast<std::size_t>(segment.to)];
    if (listening_iss_ && segment.to == 1 && side.tcp.state() == TcpState::kClosed && !side.end &&
        segment.header.flags == kTcpSyn) {
      side.tcp.OpenPassive(now, *listening_iss_, segment.header);
      listening_iss_.reset();
    } else {
      const TcpConnection::Verdict verdict = side.tcp.OnSegment(now, segment.header, segment.payload);
      ++side.drops[static_cast<std::size_t>(verdict.rule)];
    }
    Pump(segment.to);
  }

  std::optional<std::uint32_t> listening_iss_;
  std::multimap<net::Instant, Segment> in_flight_;  // equal times in the order sent
  net::SeededRandom random_;
};

}  // namespace pinhole::sim
