// The program side of a node's TCP: socket ids, ports, and the functions that programs call. Arriving segments and
// timers are handled in tcp_input.cc.
#include "sim/host/tcp_sockets.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "sim/host/host_node.h"
#include "sim/host/program.h"
#include "sim/packet/wire.h"
#include "sim/world.h"

namespace pinhole::sim {
namespace {

absl::Status Closed() { return absl::NotFoundError("the connection is closed"); }

}  // namespace

TcpSockets::TcpSockets(HostNode& node)
    : node_(node), isn_random_(node.world().seed(), absl::StrCat("host/", node.name(), "/isn")), isn_(isn_random_) {}

TcpSockets::~TcpSockets() = default;

std::size_t TcpSockets::HashPair::operator()(const Pair& pair) const {
  return net::StableHash(pair.local) * 0x9e3779b97f4a7c15 + net::StableHash(pair.remote);
}

TcpSockets::Socket& TcpSockets::Make(std::uint32_t program, const Pair& ends, const net::TcpOptions& wanted) {
  std::uint32_t slot;
  if (free_slots_.empty()) {
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  slots_[slot] = std::make_unique<Socket>();
  Socket& socket = *slots_[slot];
  socket.ends = ends;
  socket.wanted = wanted;
  socket.ack_class = wanted.packet_class;
  socket.slot = slot;
  socket.rank = made_++;
  socket.program = program;
  return socket;
}

TcpConnectionOptions TcpSockets::OptionsFor(const Pair& ends, const net::TcpOptions& wanted) const {
  TcpConnectionOptions options = node_.options_.tcp;
  const bool v4 = ends.remote.address().is_v4();
  options.default_mss_bytes = v4 ? 536 : 1220;
  options.mss_bytes = std::min(options.mss_bytes, node_.TcpMssTo(ends.local.address(), ends.remote.address()));
  if (wanted.keepalive > net::Duration::zero()) {
    options.keepalive_time = wanted.keepalive;
    options.keepalive_interval = wanted.keepalive;
  }
  return options;
}

// ---- Ids ---------------------------------------------------------------------------------------------------

void TcpSockets::GiveId(Socket& socket) {
  socket.id = kFirstId + static_cast<std::uint32_t>(slot_of_id_.size());
  slot_of_id_.push_back(socket.slot + 1);
  node_.world().NoteState(node_, StateKind::kSocketOpened, socket.id, net::StableHash(socket.ends.local));
}

void TcpSockets::TakeId(Socket& socket) {
  if (socket.id == 0) return;
  slot_of_id_[socket.id - kFirstId] = 0;
  node_.world().NoteState(node_, StateKind::kSocketClosed, socket.id);
  socket.id = 0;
}

TcpSockets::Socket* TcpSockets::Find(std::uint32_t program, net::SocketId id) const {
  const std::uint32_t index = static_cast<std::uint32_t>(id) - kFirstId;
  if (!IsTcp(id) || index >= slot_of_id_.size() || slot_of_id_[index] == 0) return nullptr;
  Socket* const socket = slots_[slot_of_id_[index] - 1].get();
  return socket->program == program ? socket : nullptr;
}

TcpSockets::Socket* TcpSockets::FindConnection(std::uint32_t program, net::SocketId id) const {
  Socket* const socket = Find(program, id);
  return socket != nullptr && socket->tcp ? socket : nullptr;
}

const TcpConnection* TcpSockets::connection(std::uint32_t program, net::SocketId id) const {
  const Socket* const socket = FindConnection(program, id);
  return socket == nullptr ? nullptr : &*socket->tcp;
}

// ---- Ports -------------------------------------------------------------------------------------------------

void TcpSockets::Attach(Socket& socket) {
  socket.attached = true;
  if (socket.tcp) by_pair_.emplace(socket.ends, socket.slot);
  std::uint32_t& first = by_port_[socket.ends.local.port()];
  socket.next_on_port = first;
  if (first != 0) slots_[first - 1]->previous_on_port = socket.slot + 1;
  first = socket.slot + 1;
}

void TcpSockets::Detach(Socket& socket) {
  timers_.Remove(socket.slot);
  if (!socket.attached) return;
  socket.attached = false;
  if (socket.tcp) by_pair_.erase(socket.ends);
  if (socket.next_on_port != 0) slots_[socket.next_on_port - 1]->previous_on_port = socket.previous_on_port;
  if (socket.previous_on_port != 0) {
    slots_[socket.previous_on_port - 1]->next_on_port = socket.next_on_port;
  } else if (socket.next_on_port != 0) {
    by_port_[socket.ends.local.port()] = socket.next_on_port;
  } else {
    by_port_.erase(socket.ends.local.port());
  }
}

void TcpSockets::Free(Socket& socket) {
  if (socket.listener != 0) --slots_[socket.listener - 1]->handshakes;
  socket.listener = 0;
  Detach(socket);
  TakeId(socket);
  socket.events = 0;
  socket.gone = true;
  gone_.push_back(std::move(slots_[socket.slot]));
}

bool TcpSockets::Clashes(const net::SocketAddress& local, bool reuse_address, bool listens) const {
  const auto first = by_port_.find(local.port());
  if (first == by_port_.end()) return false;
  const net::IpAddress& address = local.address();
  for (std::uint32_t i = first->second; i != 0; i = slots_[i - 1]->next_on_port) {
    const Socket& other = *slots_[i - 1];
    const net::IpAddress& taken = other.ends.local.address();
    if (taken.family() != address.family()) continue;
    if (taken != address && !taken.IsUnspecified() && !address.IsUnspecified()) continue;
    if (!reuse_address || !other.wanted.reuse_address || (listens && !other.tcp)) return true;
  }
  return false;
}

absl::StatusOr<net::SocketAddress> TcpSockets::Bind(const net::SocketAddress& local, bool reuse_address, bool listens) {
  if (!local.address().IsUnspecified() && !node_.IsLocal(local.address())) {
    return absl::InvalidArgumentError(
        absl::StrCat(node_.name(), ": ", local.address().ToString(), " is not an address here"));
  }
  if (local.port() == 0) {
    // An ephemeral port is one that no TCP socket uses, at any address.
    const std::optional<std::uint16_t> port =
        node_.EphemeralPort([&](std::uint16_t candidate) { return by_port_.contains(candidate); });
    if (!port) return absl::ResourceExhaustedError(absl::StrCat(node_.name(), ": no ephemeral port is free"));
    return local.WithPort(*port);
  }
  if (Clashes(local, reuse_address, listens)) {
    return absl::AlreadyExistsError(absl::StrCat(node_.name(), ": ", local.ToString(), " is taken"));
  }
  return local;
}

// ---- Calls -------------------------------------------------------------------------------------------------

absl::StatusOr<net::SocketId> TcpSockets::Listen(std::uint32_t program, const net::SocketAddress& local,
                                                 const net::TcpOptions& options) {
  const absl::StatusOr<net::SocketAddress> bound = Bind(local, options.reuse_address, true);
  if (!bound.ok()) return bound.status();
  Socket& socket = Make(program, {*bound, {}}, options);
  Attach(socket);
  GiveId(socket);
  return net::SocketId{socket.id};
}

absl::StatusOr<net::SocketId> TcpSockets::Connect(std::uint32_t program, const net::SocketAddress& local,
                                                  const net::SocketAddress& remote, const net::TcpOptions& options) {
  const auto what = [&] { return absl::StrCat(node_.name(), ": ", local.ToString(), " to ", remote.ToString()); };
  const net::IpAddress& to = remote.address();
  if (remote.port() == 0 || local.family() != remote.family() || to.IsUnspecified() || to.IsMulticast()) {
    return absl::InvalidArgumentError(what());
  }
  const absl::StatusOr<net::SocketAddress> bound = Bind(local, options.reuse_address, false);
  if (!bound.ok()) return bound.status();
  HostNode::Way way;
  switch (node_.FindWay(local.address(), to, way)) {
    case net::SendStatus::kSent:
      break;
    case net::SendStatus::kNoRoute:
      return absl::NotFoundError(absl::StrCat(what(), ": no route"));
    default:
      return absl::InvalidArgumentError(what());
  }
  const Pair ends = {net::SocketAddress(way.source, bound->port()), remote};
  if (by_pair_.contains(ends)) return absl::AlreadyExistsError(absl::StrCat(what(), ": there is such a connection"));
  Socket& socket = Make(program, ends, options);
  socket.tcp.emplace(OptionsFor(ends, options));
  Attach(socket);
  GiveId(socket);
  const net::Instant now = node_.world().now();
  socket.tcp->OpenActive(now, isn_.Next(now, ends.local, ends.remote));
  const net::SocketId id{socket.id};
  Pump(socket);
  Settle(Caller::kProgram);
  return id;
}

absl::StatusOr<std::size_t> TcpSockets::Write(std::uint32_t program, net::SocketId id, net::ByteView bytes,
                                              const net::SendOptions& options) {
  Socket* const socket = FindConnection(program, id);
  if (socket == nullptr) return Closed();
  if (socket->finished) return absl::FailedPreconditionError("write after the end");
  if ((socket->events & kEnded) != 0) return Why(*socket);
  if (!socket->connected || bytes.empty()) return std::size_t{0};
  TcpConnection& tcp = *socket->tcp;
  const TcpConnection::Taken taken = tcp.Write(node_.world().now(), bytes);
  if (taken.bytes != 0) {
    Mark mark;
    mark.end = tcp.bytes_written();
    mark.packet_class = options.packet_class;
    // A tag that no packet of this run has had is ignored.
    const bool known_cause = options.cause.value != 0 && options.cause.value <= node_.world().lineage().size();
    mark.cause = known_cause ? PacketId{static_cast<std::uint32_t>(options.cause.value)} : current_;
    std::vector<Mark>& marks = socket->marks;
    if (marks.size() > socket->first_mark && marks.back().cause == mark.cause &&
        marks.back().packet_class == mark.packet_class) {
      marks.back().end = mark.end;
    } else {
      marks.push_back(mark);
    }
  }
  Pump(*socket);
  Settle(Caller::kProgram);
  return taken.bytes;
}

absl::StatusOr<std::size_t> TcpSockets::Read(std::uint32_t program, net::SocketId id, std::span<std::uint8_t> buffer) {
  Socket* const socket = FindConnection(program, id);
  if (socket == nullptr) return Closed();
  if (!socket->connected || buffer.empty()) return std::size_t{0};
  const std::size_t bytes = socket->tcp->Read(node_.world().now(), buffer).bytes;
  if (bytes < buffer.size()) socket->told_readable = false;
  Pump(*socket);
  Settle(Caller::kProgram);
  return bytes;
}

absl::Status TcpSockets::FinishWriting(std::uint32_t program, net::SocketId id) {
  Socket* const socket = FindConnection(program, id);
  if (socket == nullptr) return Closed();
  if (!socket->connected) return absl::FailedPreconditionError("finish writing: not connected yet");
  if (socket->finished) return absl::OkStatus();
  socket->finished = true;
  socket->tcp->FinishWriting(node_.world().now());
  Pump(*socket);
  Settle(Caller::kProgram);
  return absl::OkStatus();
}

absl::Status TcpSockets::Abort(std::uint32_t program, net::SocketId id) {
  Socket* const socket = FindConnection(program, id);
  if (socket == nullptr) return Closed();
  TakeId(*socket);
  socket->tcp->Abort(node_.world().now());
  Pump(*socket);
  if (!socket->gone) Free(*socket);
  Settle(Caller::kProgram);
  return absl::OkStatus();
}

void TcpSockets::Close(std::uint32_t program, net::SocketId id) {
  Socket* const socket = Find(program, id);
  if (socket == nullptr) return;
  TakeId(*socket);
  if (socket->tcp) {
    socket->tcp->Close(node_.world().now());
    Pump(*socket);
    if (!socket->gone && socket->tcp->state() == TcpState::kClosed) Free(*socket);
  } else {
    // No program will accept the connections in their handshake, so they end without a segment.
    for (std::size_t i = 0; i < slots_.size() && socket->handshakes != 0; ++i) {
      if (slots_[i] != nullptr && slots_[i]->listener == socket->slot + 1) Free(*slots_[i]);
    }
    Free(*socket);
  }
  Settle(Caller::kProgram);
}

absl::Status TcpSockets::SetTtl(std::uint32_t program, net::SocketId id, std::uint8_t ttl) {
  Socket* const socket = Find(program, id);
  if (socket == nullptr) return Closed();
  socket->wanted.ttl = ttl;
  return absl::OkStatus();
}

std::optional<net::SocketAddress> TcpSockets::LocalAddress(std::uint32_t program, net::SocketId id) const {
  const Socket* const socket = Find(program, id);
  if (socket == nullptr) return std::nullopt;
  return socket->ends.local;
}

}  // namespace pinhole::sim
