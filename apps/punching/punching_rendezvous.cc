#include "apps/punching/punching_rendezvous.h"

#include <array>
#include <utility>

namespace pinhole::apps {
namespace {

constexpr std::uint8_t kSynAck = 2 | 16;

net::ByteView BytesOf(const std::string& text) {
  return net::ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

}  // namespace

void PunchingRendezvous::OnStart() {
  net::TcpOptions options;
  options.packet_class = net::PacketClass::kSignalling;
  if (const absl::StatusOr<net::SocketId> listener = host_.Listen(options_.listen, options); !listener.ok()) {
    status_ = listener.status();
    return;
  }
  if (const absl::StatusOr<net::SocketId> socket = host_.OpenUdp(options_.listen); !socket.ok()) {
    status_ = socket.status();
  }
}

void PunchingRendezvous::OnDatagram(const net::Datagram& datagram) {
  absl::string_view text(reinterpret_cast<const char*>(datagram.payload.data()), datagram.payload.size());
  if (text.empty() || text.back() != '\n') return;
  text.remove_suffix(1);
  const std::optional<PunchingSignal> signal = PunchingSignal::Parse(text);
  if (!signal || signal->kind != PunchingSignal::Kind::kHello || !signal->udp) return;
  const auto session = sessions_.find(signal->session);
  if (session == sessions_.end() || session->second.introduced) return;
  session->second.sides[signal->side].seen_at = datagram.from;
  Note(session->second, *signal);
  IntroduceIfBoth(session->second);
}

void PunchingRendezvous::OnTcpAccepted(net::SocketId listener, net::SocketId connection,
                                       const net::SocketAddress& from) {
  (void)listener;
  lines_[connection].from = from;
}

void PunchingRendezvous::OnTcpReadable(net::SocketId connection) {
  const auto found = lines_.find(connection);
  if (found == lines_.end()) return;
  std::array<std::uint8_t, 512> buffer;
  while (true) {
    const absl::StatusOr<std::size_t> read = host_.Read(connection, buffer);
    if (!read.ok() || *read == 0) break;
    found->second.lines.Add(net::ByteView(buffer.data(), *read));
    while (const std::optional<std::string> text = found->second.lines.Take()) {
      const std::optional<PunchingSignal> signal = PunchingSignal::Parse(*text);
      if (signal) OnSignal(connection, found->second, *signal);
    }
    if (found->second.lines.broken()) {
      host_.Abort(connection).IgnoreError();
      Forget(connection);
      return;
    }
    if (*read < buffer.size()) break;
  }
}

void PunchingRendezvous::OnSignal(net::SocketId connection, Line& line, const PunchingSignal& signal) {
  if (signal.kind == PunchingSignal::Kind::kHello) {
    OnHello(connection, line, signal);
    return;
  }
  const auto found = sessions_.find(line.session);
  if (found == sessions_.end() || !found->second.introduced) return;
  Session& session = found->second;
  switch (signal.kind) {
    case PunchingSignal::Kind::kConnect:
    case PunchingSignal::Kind::kSync:
    case PunchingSignal::Kind::kReady:
      Send(session.sides[1 - line.side], signal);
      break;
    case PunchingSignal::Kind::kForge:
      session.sides[line.side].forge_attempt = signal.attempt;
      session.sides[line.side].number = signal.number;
      if (session.sides[1 - line.side].forge_attempt == signal.attempt) Forge(session, signal.attempt);
      break;
    case PunchingSignal::Kind::kHello:
    case PunchingSignal::Kind::kPeer:
    case PunchingSignal::Kind::kRefused:
      break;
  }
}

void PunchingRendezvous::OnHello(net::SocketId connection, Line& line, const PunchingSignal& signal) {
  if (!line.session.empty()) return;
  if (sessions_.size() >= options_.sessions_max && sessions_.find(signal.session) == sessions_.end()) return;
  Session& session = sessions_[signal.session];
  Side& side = session.sides[signal.side];
  if (side.connection || session.introduced) return;
  line.session = signal.session;
  line.side = signal.side;
  side.connection = connection;
  if (!signal.udp) {
    side.seen_at = line.from;
    Note(session, signal);
  }
  IntroduceIfBoth(session);
}

void PunchingRendezvous::Note(Session& session, const PunchingSignal& hello) {
  if (!session.learned) {
    if (learned_.size() >= options_.sessions_max) return;
    session.learned = learned_.size();
    learned_.push_back({.session = hello.session, .parties = {}});
  }
  std::optional<Introduction::Party>& party = learned_[*session.learned].parties[hello.side];
  const net::Instant first = party ? party->said_hello : host_.Now();
  party = {.seen_at = *session.sides[hello.side].seen_at, .said_hello = first, .told_other = std::nullopt};
}

void PunchingRendezvous::IntroduceIfBoth(Session& session) {
  for (const Side& side : session.sides) {
    if (!side.connection || !side.seen_at) return;
  }
  session.introduced = true;
  for (int i = 0; i < 2; ++i) {
    PunchingSignal signal;
    signal.kind = PunchingSignal::Kind::kPeer;
    signal.own = *session.sides[i].seen_at;
    signal.other = *session.sides[1 - i].seen_at;
    Send(session.sides[i], signal);
    if (!session.learned) continue;
    if (std::optional<Introduction::Party>& party = learned_[*session.learned].parties[i]) {
      party->told_other = host_.Now();
    }
  }
}

// Sends each side a SYN,ACK that looks as if the other side had sent it.
void PunchingRendezvous::Forge(Session& session, int attempt) {
  net::RandomSource& random = host_.Random("punching/guess");
  std::uint32_t numbers[2];
  for (int i = 0; i < 2; ++i) {
    const std::uint32_t guess = static_cast<std::uint32_t>(random.NextU64());
    numbers[i] = session.sides[i].number.value_or(guess);
  }
  bool refused = false;
  for (int i = 0; i < 2; ++i) {
    net::RawTcpSegment segment;
    segment.from = *session.sides[1 - i].seen_at;
    segment.to = *session.sides[i].seen_at;
    segment.sequence = numbers[1 - i];
    segment.acknowledgment = numbers[i] + 1;
    segment.flags = kSynAck;
    segment.packet_class = net::PacketClass::kCheck;
    if (host_.SendRawTcp(segment).ok()) {
      ++forged_;
    } else {
      refused = true;
    }
  }
  if (!refused) return;
  PunchingSignal signal;
  signal.kind = PunchingSignal::Kind::kRefused;
  signal.attempt = attempt;
  for (const Side& side : session.sides) Send(side, signal);
}

void PunchingRendezvous::Send(const Side& side, const PunchingSignal& signal) {
  if (!side.connection) return;
  net::SendOptions options;
  options.packet_class = net::PacketClass::kSignalling;
  // A line is small compared with the send buffer. It does not fit only if the peer reads nothing, and such a peer is
  // lost anyway.
  host_.Write(*side.connection, BytesOf(signal.ToLine()), options).IgnoreError();
}

void PunchingRendezvous::OnTcpReset(net::SocketId connection, const absl::Status& why) {
  (void)why;
  Forget(connection);
}

void PunchingRendezvous::Forget(net::SocketId connection) {
  const auto found = lines_.find(connection);
  if (found == lines_.end()) return;
  if (const auto session = sessions_.find(found->second.session); session != sessions_.end()) {
    session->second.sides[found->second.side].connection.reset();
    if (!session->second.sides[0].connection && !session->second.sides[1].connection) sessions_.erase(session);
  }
  lines_.erase(found);
  host_.Close(connection);
}

}  // namespace pinhole::apps
