// The network side of a node's TCP: segments, ICMP errors, timers, and the callbacks into programs. The functions that
// programs call are in tcp_sockets.cc.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sim/host/host_node.h"
#include "sim/host/program.h"
#include "sim/host/tcp_sockets.h"
#include "sim/packet/wire.h"
#include "sim/tcp/no_connection.h"
#include "sim/world.h"

namespace pinhole::sim {

// ---- The node ----------------------------------------------------------------------------------------------

TcpSockets& HostNode::Tcp() {
  if (!tcp_) {
    tcp_ = std::make_unique<TcpSockets>(*this);
    UseTimer();
  }
  return *tcp_;
}

std::uint16_t HostNode::TcpMssTo(const net::IpAddress& source, const net::IpAddress& destination) const {
  std::uint32_t mtu = interfaces_[kLoopbackInterface].mtu_bytes;
  if (!IsLocal(destination)) {
    const sim::Route* const route = RouteFrom(source, destination);
    const std::uint32_t link = route == nullptr ? 0 : world().LinkMtu(*this, route->interface);
    mtu = std::min(link == 0 ? 1500 : link, PathMtuTo(destination));
  }
  return TcpMssOf(mtu, destination.family());
}

std::uint16_t HostNode::TcpMssOf(std::uint32_t mtu_bytes, net::Family family) {
  constexpr std::uint32_t kLeast = 64;
  const std::uint32_t headers =
      (family == net::Family::kIpv4 ? kIpv4HeaderBytes : kIpv6HeaderBytes) + TcpHeaderBytes(TcpHeader{});
  return static_cast<std::uint16_t>(std::max(mtu_bytes, headers + kLeast) - headers);
}

Rule HostNode::SendTcp(const TcpSegment& segment) {
  PacketPtr packet = NewPacket(segment.parent, segment.relation);
  world().Classify(*packet, segment.packet_class);
  packet->protocol = IpProtocol::kTcp;
  if (segment.ttl != 0) packet->ttl = segment.ttl;
  packet->dont_fragment = segment.from.address().is_v4();  // RFC 1191 path MTU discovery
  packet->source = segment.from;
  packet->destination = segment.to;
  packet->emitted_source = segment.from;
  packet->emitted_destination = segment.to;
  packet->tcp = segment.header;
  packet->payload = world().payloads().Add(segment.first, segment.second);
  const net::IpAddress& to = segment.to.address();
  if (IsLocal(to)) {
    world().Loop(*this, std::move(packet));
    return Rule::kNone;
  }
  DropState state;
  const sim::Route* const route = RouteFrom(segment.from.address(), to);
  if (route == nullptr) {
    state.endpoint = segment.to;
    world().Drop(*this, std::move(packet), Rule::kNoRoute, state);
    return Rule::kNoRoute;
  }
  const net::IpAddress next_hop = route->gateway ? *route->gateway : to;
  const Rule rule =
      world().Emit(*this, route->interface, next_hop, route->gateway.has_value() || route->connected, packet);
  if (packet == nullptr) return Rule::kNone;
  if (rule == Rule::kTooBig) {
    state.number = WireSize(*packet);
    state.limit = world().LinkMtu(*this, route->interface);
  } else {
    state.endpoint = net::SocketAddress(next_hop, 0);
  }
  world().Drop(*this, std::move(packet), rule, state);
  return rule;
}

void HostNode::TcpInput(int interface, PacketPtr packet) {
  if (tcp_) {
    tcp_->OnSegment(interface, std::move(packet));
  } else {
    RefuseTcp(std::move(packet));
  }
}

void HostNode::RefuseTcp(PacketPtr packet) {
  const bool answers = options_.input == InputPolicy::kAnswer;
  const std::optional<TcpHeader> reset =
      answers ? TcpResetFor(packet->tcp, packet->payload.size_bytes) : std::optional<TcpHeader>();
  if (reset) AnswerTcp(*packet, *reset);
  world().Drop(*this, std::move(packet), answers ? Rule::kNoSocket : Rule::kInputDropped);
}

void HostNode::AnswerTcp(const Packet& about, const TcpHeader& header) {
  TcpSegment answer;
  answer.from = about.destination;
  answer.to = about.source;
  answer.header = header;
  answer.parent = about.id;
  answer.relation = Relation::kAnswers;
  SendTcp(answer);
}

absl::Status HostNode::SendRawTcp(const net::RawTcpSegment& raw) {
  if (!options_.raw_tcp) return absl::PermissionDeniedError(absl::StrCat(name(), " grants no raw segments"));
  if (raw.from.family() != raw.to.family() || raw.to.address().IsUnspecified() || raw.to.address().IsMulticast()) {
    return absl::InvalidArgumentError(absl::StrCat(raw.from.ToString(), " to ", raw.to.ToString()));
  }
  TcpSegment segment;
  segment.from = raw.from;
  segment.to = raw.to;
  segment.header.sequence = raw.sequence;
  segment.header.acknowledgment = raw.acknowledgment;
  segment.header.flags = raw.flags;
  segment.header.window = raw.window;
  segment.ttl = raw.ttl;
  segment.packet_class = raw.packet_class;
  const Rule rule = SendTcp(segment);
  if (rule == Rule::kNoRoute || rule == Rule::kInterfaceDown) {
    return absl::NotFoundError(absl::StrCat(name(), ": no route to ", raw.to.ToString()));
  }
  return absl::OkStatus();
}

net::Instant HostNode::NextTimer() const { return tcp_ ? tcp_->NextTimer() : net::kNever; }

void HostNode::OnTimer() {
  if (tcp_) tcp_->OnTimer();
}

// ---- Segments that arrive ----------------------------------------------------------------------------------

TcpSockets::Socket* TcpSockets::FindListener(const net::SocketAddress& local) const {
  const auto first = by_port_.find(local.port());
  if (first == by_port_.end()) return nullptr;
  for (std::uint32_t i = first->second; i != 0; i = slots_[i - 1]->next_on_port) {
    Socket& socket = *slots_[i - 1];
    const net::IpAddress& bound = socket.ends.local.address();
    if (socket.tcp || bound.family() != local.family()) continue;
    if (bound == local.address() || bound.IsUnspecified()) return &socket;
  }
  return nullptr;
}

void TcpSockets::OnSegment(int interface, PacketPtr packet) {
  World& world = node_.world();
  const auto found = by_pair_.find(Pair{packet->destination, packet->source});
  std::optional<std::uint32_t> beyond;
  if (found != by_pair_.end()) {
    Socket& socket = *slots_[found->second];
    const Socket* const successor =
        socket.tcp->MayBeReplacedBy(packet->tcp) ? FindListener(packet->destination) : nullptr;
    if (successor == nullptr) {
      current_ = packet->id;
      current_socket_ = &socket;
      if (packet->payload.size_bytes != 0) {
        const bool again = packet->packet_class == net::PacketClass::kRetransmittedCheck;
        socket.ack_class = again ? net::PacketClass::kCheck : packet->packet_class;
      }
      const TcpConnection::Verdict verdict =
          socket.tcp->OnSegment(world.now(), packet->tcp, world.payloads().bytes(packet->payload));
      if (verdict.accepted()) {
        world.NoteDelivery(node_, interface, *packet);
      } else {
        world.Drop(node_, std::move(packet), verdict.rule, verdict.state);
      }
      Pump(socket);
      Settle(Caller::kNode);
      return;
    }
    // The SYN replaces the connection in TIME-WAIT, but not if the SYN is dropped.
    if (DropsAsBacklogIsFull(*successor, packet)) return;
    beyond = socket.tcp->snd_nxt();
    if (socket.id == 0) {
      Free(socket);
    } else {
      Detach(socket);  // the program has not closed its id
    }
  }
  Socket* const listener = FindListener(packet->destination);
  if (listener == nullptr) {
    node_.RefuseTcp(std::move(packet));
    return;
  }
  const TcpListenVerdict verdict = TcpListen(packet->tcp);
  if (verdict.open) {
    OpenPassive(interface, std::move(packet), *listener, beyond);
    return;
  }
  const bool silent = node_.options_.input == InputPolicy::kDrop;
  if (verdict.reset && !silent) node_.AnswerTcp(*packet, *verdict.reset);
  world.Drop(node_, std::move(packet), verdict.reset && silent ? Rule::kInputDropped : verdict.rule);
}

bool TcpSockets::DropsAsBacklogIsFull(const Socket& listener, PacketPtr& packet) {
  if (listener.handshakes < listener.wanted.listen_backlog) return false;
  DropState state;
  state.number = listener.handshakes;
  state.limit = listener.wanted.listen_backlog;
  node_.world().Drop(node_, std::move(packet), Rule::kTcpBacklogFull, state);
  return true;
}

void TcpSockets::OpenPassive(int interface, PacketPtr packet, Socket& listener, std::optional<std::uint32_t> beyond) {
  if (DropsAsBacklogIsFull(listener, packet)) return;
  World& world = node_.world();
  const Pair ends = {packet->destination, packet->source};
  Socket& socket = Make(listener.program, ends, listener.wanted);
  socket.listener = listener.slot + 1;
  ++listener.handshakes;
  socket.tcp.emplace(OptionsFor(ends, listener.wanted));
  Attach(socket);
  std::uint32_t iss = isn_.Next(world.now(), ends.local, ends.remote);
  // RFC 9293 §3.6.1: the ISS is beyond all numbers that the previous connection used.
  constexpr std::uint32_t kBeyond = 1 << 16;
  if (beyond && !SeqBefore(*beyond, iss)) iss = *beyond + kBeyond;
  current_ = packet->id;
  current_socket_ = &socket;
  socket.tcp->OpenPassive(world.now(), iss, packet->tcp);
  world.NoteDelivery(node_, interface, *packet);
  Pump(socket);
  Settle(Caller::kNode);
}

void TcpSockets::OnIcmpError(int interface, PacketPtr packet, net::IcmpError::Kind kind) {
  World& world = node_.world();
  const QuotedPacket& quoted = packet->quoted;
  const auto found = by_pair_.find(Pair{quoted.source, quoted.destination});
  if (found == by_pair_.end()) {
    world.Drop(node_, std::move(packet), Rule::kNoSocket);
    return;
  }
  Socket& socket = *slots_[found->second];
  TcpConnection& tcp = *socket.tcp;
  const std::uint32_t sequence = packet->tcp.sequence;
  // RFC 5927 §4.1: an error about a segment that is not in flight is ignored.
  if (!SeqAtOrBefore(tcp.snd_una(), sequence) || !SeqBefore(sequence, tcp.snd_nxt())) {
    DropState state;
    state.number = sequence;
    state.limit = tcp.snd_una();
    world.Drop(node_, std::move(packet), Rule::kTcpOutOfWindow, state);
    return;
  }
  current_ = packet->id;
  current_socket_ = &socket;
  world.NoteDelivery(node_, interface, *packet);
  net::IcmpError error;
  error.socket = net::SocketId{socket.id};
  error.kind = kind;
  error.destination = quoted.destination;
  error.reporter = packet->source.address();
  error.tag.value = static_cast<std::uint32_t>(packet->id);
  const bool too_big = kind == net::IcmpError::Kind::kPacketTooBig;
  if (too_big) {
    error.mtu_bytes = packet->icmp.rest;
    node_.LearnPathMtu(quoted.destination.address(), packet->icmp.rest);
  }
  if (socket.id != 0) {
    telling_ = true;
    AppOf(socket).OnIcmpError(error);
    telling_ = false;
  }
  if (!socket.gone) {
    const net::Instant now = world.now();
    if (too_big) {
      const std::uint32_t mtu = node_.PathMtuTo(socket.ends.remote.address());
      tcp.OnPathMss(now, HostNode::TcpMssOf(mtu, socket.ends.remote.family()), sequence);
    } else {
      tcp.OnIcmpError(now, kind, sequence);
    }
    Pump(socket);
  }
  Settle(Caller::kNode);
}

// ---- Time --------------------------------------------------------------------------------------------------

net::Instant TcpSockets::NextTimer() const {
  if (!to_tell_.empty()) return net::Instant{};
  return timers_.empty() ? net::kNever : timers_.top().at;
}

void TcpSockets::MoveTimer(Socket& socket) {
  const net::Instant next = socket.tcp->NextTimer();
  if (next == net::kNever) {
    timers_.Remove(socket.slot);
    return;
  }
  const DeadlineHeap::Entry* const held = timers_.Find(socket.slot);
  if (held == nullptr || next < held->at || held->at <= node_.world().now()) {
    timers_.Set(socket.slot, next, socket.rank);
  }
}

void TcpSockets::OnTimer() {
  const net::Instant now = node_.world().now();
  while (!timers_.empty() && timers_.top().at <= now) {
    Socket& socket = *slots_[timers_.top().index];
    if (socket.tcp->NextTimer() <= now) {
      socket.tcp->OnTimer(now);
      Pump(socket);
    } else {
      MoveTimer(socket);
    }
  }
  Settle(Caller::kNode);
}

// ---- Outputs of a connection -------------------------------------------------------------------------------

void TcpSockets::Pump(Socket& socket) {
  TcpConnection& tcp = *socket.tcp;
  while (std::optional<TcpConnection::Output> output = tcp.PollOutput()) {
    if (const auto* const segment = std::get_if<TcpConnection::SendSegment>(&*output)) {
      Send(socket, *segment);
    } else if (std::holds_alternative<TcpConnection::Connected>(*output)) {
      socket.events |= kConnected;
    } else if (std::holds_alternative<TcpConnection::Readable>(*output)) {
      socket.events |= kReadable;
    } else if (std::holds_alternative<TcpConnection::Writable>(*output)) {
      socket.events |= kWritable;
    } else if (std::holds_alternative<TcpConnection::PeerFinished>(*output)) {
      socket.events |= kPeerFinished;
    } else if (std::holds_alternative<TcpConnection::Ended>(*output)) {
      socket.events |= kEnded;
    }
  }
  // Acknowledged bytes need no marks. Old marks are erased when they are more than half of all.
  const std::uint64_t acknowledged = tcp.bytes_acknowledged();
  std::vector<Mark>& marks = socket.marks;
  while (socket.first_mark < marks.size() && marks[socket.first_mark].end <= acknowledged) ++socket.first_mark;
  if (2 * socket.first_mark > marks.size()) {
    marks.erase(marks.begin(), marks.begin() + static_cast<std::ptrdiff_t>(socket.first_mark));
    socket.first_mark = 0;
  }
  NoteStateOf(socket);
  if ((socket.events & kEnded) != 0) {
    Detach(socket);
    // No program gets a callback: the handshake failed before the connection was accepted, or the program has closed
    // the connection.
    if (socket.id == 0 && (socket.events & kConnected) == 0) {
      Free(socket);
      return;
    }
  } else {
    MoveTimer(socket);
  }
  if (socket.id == 0 && socket.listener == 0) socket.events &= kEnded;
  if (socket.events != 0 && !socket.queued) {
    socket.queued = true;
    to_tell_.push_back(socket.slot);
  }
}

void TcpSockets::Send(Socket& socket, const TcpConnection::SendSegment& segment) {
  HostNode::TcpSegment out;
  out.from = socket.ends.local;
  out.to = socket.ends.remote;
  out.header = segment.header;
  out.first = segment.first;
  out.second = segment.second;
  out.ttl = socket.wanted.ttl;
  const bool about_connection = (segment.header.flags & (kTcpSyn | kTcpFin | kTcpRst)) != 0;
  out.packet_class = about_connection ? socket.wanted.packet_class : socket.ack_class;
  if (segment.payload_bytes() != 0) {
    // A segment with data has the class and cause of its first byte.
    const auto mark = std::upper_bound(socket.marks.begin() + static_cast<std::ptrdiff_t>(socket.first_mark),
                                       socket.marks.end(), segment.stream_offset,
                                       [](std::uint64_t offset, const Mark& held) { return offset < held.end; });
    if (mark != socket.marks.end()) {
      out.packet_class = mark->packet_class;
      out.parent = mark->cause;
    }
    if (out.parent != PacketId::kNone) out.relation = Relation::kCausedBy;
    if (segment.retransmission && out.packet_class == net::PacketClass::kCheck) {
      out.packet_class = net::PacketClass::kRetransmittedCheck;
    }
  } else if (&socket == current_socket_) {
    out.parent = current_;
    out.relation = Relation::kAnswers;
  }
  if (node_.SendTcp(out) != Rule::kTooBig) return;
  // The link's MTU is smaller than when the connection began.
  const std::uint16_t mss = node_.TcpMssTo(out.from.address(), out.to.address());
  if (mss < socket.tcp->snd_mss()) socket.tcp->OnPathMss(node_.world().now(), mss, segment.header.sequence);
}

void TcpSockets::NoteStateOf(Socket& socket) {
  const std::uint32_t state =
      static_cast<std::uint32_t>(socket.tcp->state()) | static_cast<std::uint32_t>(socket.tcp->end()) << 8;
  if (state == socket.noted) return;
  socket.noted = state;
  node_.world().NoteState(node_, StateKind::kTcpState, state, HashPair()(socket.ends));
}

// ---- Callbacks into programs -------------------------------------------------------------------------------

net::App& TcpSockets::AppOf(const Socket& socket) const { return node_.programs_[socket.program]->app(); }

void TcpSockets::Settle(Caller caller) {
  if (telling_) return;
  if (caller == Caller::kNode) {
    telling_ = true;
    for (std::size_t i = 0; i < to_tell_.size(); ++i) {
      if (slots_[to_tell_[i]] != nullptr) Tell(*slots_[to_tell_[i]]);
    }
    to_tell_.clear();
    telling_ = false;
  }
  current_ = PacketId::kNone;
  current_socket_ = nullptr;
  for (const std::unique_ptr<Socket>& socket : gone_) free_slots_.push_back(socket->slot);
  gone_.clear();
  node_.world().UpdateTimer(node_);
}

// Makes one callback at a time, because each callback may end the connection or add events.
void TcpSockets::Tell(Socket& socket) {
  socket.queued = false;
  const auto take = [&](Event event) {
    const bool held = (socket.events & event) != 0;
    socket.events &= static_cast<std::uint8_t>(~event);
    return held;
  };
  while (!socket.gone && socket.events != 0) {
    if (take(kConnected)) {
      socket.connected = true;
      if (socket.listener == 0) {
        AppOf(socket).OnTcpConnected(net::SocketId{socket.id});
        continue;
      }
      Socket& listener = *slots_[socket.listener - 1];
      --listener.handshakes;
      socket.listener = 0;
      GiveId(socket);
      AppOf(socket).OnTcpAccepted(net::SocketId{listener.id}, net::SocketId{socket.id}, socket.ends.remote);
    } else if (take(kReadable)) {
      if (socket.id == 0 || socket.told_readable || socket.tcp->readable_bytes() == 0) continue;
      socket.told_readable = true;
      AppOf(socket).OnTcpReadable(net::SocketId{socket.id});
    } else if (take(kPeerFinished)) {
      if (socket.id != 0) AppOf(socket).OnTcpClosed(net::SocketId{socket.id});
    } else if (take(kWritable)) {
      if (socket.id == 0 || socket.finished) continue;
      // Bytes that are written now are not caused by the ACK that made room.
      const PacketId segment = std::exchange(current_, PacketId::kNone);
      AppOf(socket).OnTcpWritable(net::SocketId{socket.id});
      current_ = segment;
    } else if (take(kEnded)) {
      TellEnd(socket);
    }
  }
}

void TcpSockets::TellEnd(Socket& socket) {
  if (socket.id == 0) {
    Free(socket);
    return;
  }
  // Both sides have finished: the id stays until the program closes it.
  if (socket.tcp->end() == TcpEnd::kFinished) return;
  const net::SocketId id{socket.id};
  const absl::Status why = Why(socket);
  net::App& app = AppOf(socket);
  Free(socket);
  app.OnTcpReset(id, why);
}

absl::Status TcpSockets::Why(const Socket& socket) const {
  using Kind = net::IcmpError::Kind;
  const TcpConnection& tcp = *socket.tcp;
  const std::string icmp = tcp.icmp_error() ? absl::StrCat("ICMP ", net::ToString(*tcp.icmp_error())) : std::string();
  switch (tcp.end()) {
    case TcpEnd::kRefused:
      return absl::UnavailableError("connection refused");
    case TcpEnd::kTimedOut:
    case TcpEnd::kUserTimeout:
    case TcpEnd::kKeepaliveTimedOut:
      return absl::DeadlineExceededError(icmp.empty() ? std::string(ToString(tcp.end()))
                                                      : absl::StrCat(ToString(tcp.end()), "; last heard: ", icmp));
    case TcpEnd::kIcmpError:
      switch (tcp.icmp_error().value_or(Kind::kOther)) {
        case Kind::kPortUnreachable:
          return absl::UnavailableError(icmp);
        case Kind::kAdminProhibited:
          return absl::PermissionDeniedError(icmp);
        default:
          return absl::NotFoundError(icmp);
      }
    default:
      return absl::AbortedError("connection reset");
  }
}

}  // namespace pinhole::sim
