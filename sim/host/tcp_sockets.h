#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "net/host.h"
#include "net/random.h"
#include "sim/host/deadline_heap.h"
#include "sim/packet/packet.h"
#include "sim/tcp/connection.h"
#include "sim/tcp/isn.h"

namespace pinhole::sim {

class HostNode;

// The TCP listeners and connections of one node.
//
//     segment --4-tuple--> connection ------> segments to send: HostNode::SendTcp()
//        `----listener---> new connection --> callbacks: net::App::OnTcpConnected(), OnTcpReadable() ...
//        `----neither----> RST, or silence (InputPolicy)
//
// Segments leave at once, in every call. Programs are called back only from events of the node (a segment, an ICMP
// error, a timer), one call at a time. So a callback that a call of a program leads to comes after that call has
// returned.
//
// net::TcpOptions says which class a segment has. The ACK of a retransmitted check has the class of a check, because
// the ACK itself is no retransmission.
//
// A connection may outlive its id: Close() ends the id, but FIN, retransmissions and TIME-WAIT go on. An id may outlive
// its connection: both sides have finished, but the program has not called Close().
class TcpSockets {
 public:
  explicit TcpSockets(HostNode& node);
  TcpSockets(const TcpSockets&) = delete;
  TcpSockets& operator=(const TcpSockets&) = delete;
  ~TcpSockets();

  // Whether `id` is that of a TCP socket. UDP sockets have smaller ids.
  static bool IsTcp(net::SocketId id) { return static_cast<std::uint32_t>(id) >= kFirstId; }

  // The calls of net::Host, for program number `program` of the node.
  absl::StatusOr<net::SocketId> Listen(std::uint32_t program, const net::SocketAddress& local,
                                       const net::TcpOptions& options);
  absl::StatusOr<net::SocketId> Connect(std::uint32_t program, const net::SocketAddress& local,
                                        const net::SocketAddress& remote, const net::TcpOptions& options);
  absl::StatusOr<std::size_t> Write(std::uint32_t program, net::SocketId id, net::ByteView bytes,
                                    const net::SendOptions& options);
  absl::StatusOr<std::size_t> Read(std::uint32_t program, net::SocketId id, std::span<std::uint8_t> buffer);
  absl::Status FinishWriting(std::uint32_t program, net::SocketId id);
  absl::Status Abort(std::uint32_t program, net::SocketId id);
  void Close(std::uint32_t program, net::SocketId id);
  absl::Status SetTtl(std::uint32_t program, net::SocketId id, std::uint8_t ttl);
  std::optional<net::SocketAddress> LocalAddress(std::uint32_t program, net::SocketId id) const;
  // The connection with this id; nullptr: there is none.
  const TcpConnection* connection(std::uint32_t program, net::SocketId id) const;

  // To be called by the node.
  void OnSegment(int interface, PacketPtr packet);
  void OnIcmpError(int interface, PacketPtr packet, net::IcmpError::Kind kind);
  void OnTimer();
  net::Instant NextTimer() const;

  // The number of listeners and connections, those in TIME-WAIT and in the handshake included.
  std::size_t size() const { return slots_.size() - free_slots_.size(); }

 private:
  static constexpr std::uint32_t kFirstId = 0x80000000;

  // The callbacks that a program has not had yet, in the order in which they will be made.
  enum Event : std::uint8_t {
    kConnected = 1,
    kReadable = 2,
    kPeerFinished = 4,
    kWritable = 8,
    kEnded = 16,
  };
  // The class and cause of the bytes of a stream up to `end`.
  struct Mark {
    std::uint64_t end = 0;
    PacketId cause = PacketId::kNone;
    net::PacketClass packet_class = net::PacketClass::kOther;
  };
  struct Pair {
    net::SocketAddress local;
    net::SocketAddress remote;
    friend bool operator==(const Pair&, const Pair&) = default;
  };
  struct HashPair {
    std::size_t operator()(const Pair& pair) const;
  };
  struct Socket {
    Pair ends;  // a listener's remote end is not set
    net::TcpOptions wanted;
    // The class of ACKs: that of the last data received; before any data, wanted.packet_class.
    net::PacketClass ack_class = net::PacketClass::kOther;
    std::uint32_t slot = 0;
    std::uint64_t rank = 0;  // numbers the sockets in the order made
    std::uint32_t id = 0;    // 0: not given to the program yet, or closed by the program
    std::uint32_t program = 0;
    bool attached = false;           // the socket is in by_pair_ and by_port_
    bool connected = false;          // the program was told that the connection is established
    bool told_readable = false;      // the program knows of unread data, and has not read all of it since
    bool finished = false;           // FinishWriting() was called
    bool queued = false;             // in to_tell_
    bool gone = false;               // in gone_
    std::uint8_t events = 0;         // Event bits
    std::uint32_t listener = 0;      // slot + 1 of the listener of a passive connection in its handshake; 0: none
    int handshakes = 0;              // of a listener: the number of its connections in their handshake
    std::uint32_t next_on_port = 0;  // slot + 1
    std::uint32_t previous_on_port = 0;
    std::vector<Mark> marks;  // of the unacknowledged bytes, from first_mark on
    std::size_t first_mark = 0;
    std::uint32_t noted = 0;           // the state and the end that the digest has
    std::optional<TcpConnection> tcp;  // nullopt: a listener
  };

  Socket& Make(std::uint32_t program, const Pair& ends, const net::TcpOptions& wanted);
  // The options of a connection. Their MSS is at most that of the path to the remote end.
  TcpConnectionOptions OptionsFor(const Pair& ends, const net::TcpOptions& wanted) const;
  void GiveId(Socket& socket);
  void TakeId(Socket& socket);
  Socket* Find(std::uint32_t program, net::SocketId id) const;
  Socket* FindConnection(std::uint32_t program, net::SocketId id) const;
  // The listener for `local`; nullptr: there is none. A port has at most one listener for an address.
  Socket* FindListener(const net::SocketAddress& local) const;

  void Attach(Socket& socket);
  // Removes the socket from by_pair_, by_port_ and timers_.
  void Detach(Socket& socket);
  // Removes the socket from the table. The object stays in gone_ until the present call into TcpSockets is over.
  void Free(Socket& socket);
  // Whether a new socket at `local` would conflict with an open one.
  bool Clashes(const net::SocketAddress& local, bool reuse_address, bool listens) const;
  absl::StatusOr<net::SocketAddress> Bind(const net::SocketAddress& local, bool reuse_address, bool listens);

  // To be called after every input to a connection: sends the segments of the connection, and notes the callbacks to
  // make.
  void Pump(Socket& socket);
  void Send(Socket& socket, const TcpConnection::SendSegment& segment);
  void MoveTimer(Socket& socket);
  void NoteStateOf(Socket& socket);
  // Settle() ends a call into TcpSockets. If the node has called, Settle() makes the callbacks; if a program has
  // called, the node's timer makes them at this instant.
  enum class Caller : std::uint8_t { kNode, kProgram };
  void Settle(Caller caller);
  void Tell(Socket& socket);
  void TellEnd(Socket& socket);
  absl::Status Why(const Socket& socket) const;
  net::App& AppOf(const Socket& socket) const;

  // Drops `packet` and returns true if the listener's backlog is full.
  bool DropsAsBacklogIsFull(const Socket& listener, PacketPtr& packet);
  void OpenPassive(int interface, PacketPtr packet, Socket& listener, std::optional<std::uint32_t> beyond);

  HostNode& node_;
  net::SeededRandom isn_random_;
  IsnGenerator isn_;
  std::vector<std::unique_ptr<Socket>> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::vector<std::uint32_t> slot_of_id_;  // by id - kFirstId: slot + 1; 0: closed
  absl::flat_hash_map<Pair, std::uint32_t, HashPair> by_pair_;
  absl::flat_hash_map<std::uint16_t, std::uint32_t> by_port_;  // slot + 1 of the first socket of the port
  DeadlineHeap timers_;                 // by slot; a deadline that moved later is corrected when the old one is due
  std::vector<std::uint32_t> to_tell_;  // slots
  std::vector<std::unique_ptr<Socket>> gone_;  // freed sockets, until the end of the call
  bool telling_ = false;
  std::uint64_t made_ = 0;
  // The segment that is being handled, and its socket. Segments that are sent meanwhile have this segment as their
  // cause.
  PacketId current_ = PacketId::kNone;
  const Socket* current_socket_ = nullptr;
};

}  // namespace pinhole::sim
