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

// The TCP listeners and connections of one node, made when the first is wanted.
//
//     segment --4-tuple--> connection --PollOutput--> SendTcp
//        `----listener---> new one         `--------> told: OnTcpConnected, OnTcpReadable ...
//        `----neither----> RST, or silence (InputPolicy)
//
// Segments leave at once, whoever called. Programs are told only from the node's own events (a segment, an ICMP error,
// a timer), one call at a time: what comes of a call that a program makes is told when that is over.
//
// Classes are as net::TcpOptions says; a retransmitted check is acknowledged as a check, for an ACK is no
// retransmission.
//
// A connection outlives its id: Close() takes the id away, the rest (FIN, retransmissions, TIME-WAIT) goes on alone. An
// id outlives its connection where both sides have finished and the program has not called Close().
class TcpSockets {
 public:
  explicit TcpSockets(HostNode& node);
  TcpSockets(const TcpSockets&) = delete;
  TcpSockets& operator=(const TcpSockets&) = delete;
  ~TcpSockets();

  // Ids of UDP sockets are smaller.
  static bool IsTcp(net::SocketId id) { return static_cast<std::uint32_t>(id) >= kFirstId; }

  // As net::Host says, for one of the node's programs.
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
  // nullptr: no such connection.
  const TcpConnection* connection(std::uint32_t program, net::SocketId id) const;

  // From the node.
  void OnSegment(int interface, PacketPtr packet);
  void OnIcmpError(int interface, PacketPtr packet, net::IcmpError::Kind kind);
  void OnTimer();
  net::Instant NextTimer() const;

  // Listeners and connections that exist, TIME-WAIT and handshakes under way included.
  std::size_t size() const { return slots_.size() - free_slots_.size(); }

 private:
  static constexpr std::uint32_t kFirstId = 0x80000000;

  // What is still to be told, in the order in which it is told.
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
    net::PacketClass ack_class = net::PacketClass::kOther;  // of the last data that came; before any, wanted's
    std::uint32_t slot = 0;
    std::uint64_t rank = 0;  // in the order made
    std::uint32_t id = 0;    // 0: not told yet, or given back
    std::uint32_t program = 0;
    bool attached = false;           // segments and ports find it
    bool connected = false;          // told
    bool told_readable = false;      // and Read() has not come to the end since
    bool finished = false;           // FinishWriting() was called
    bool queued = false;             // in to_tell_
    bool gone = false;               // in gone_
    std::uint8_t events = 0;         // Event bits
    std::uint32_t listener = 0;      // slot + 1, of a passive one whose handshake is under way
    int handshakes = 0;              // of a listener: under way
    std::uint32_t next_on_port = 0;  // slot + 1
    std::uint32_t previous_on_port = 0;
    std::vector<Mark> marks;  // of bytes not acknowledged, from first_mark on
    std::size_t first_mark = 0;
    std::uint32_t noted = 0;           // state and end, as last noted
    std::optional<TcpConnection> tcp;  // none: a listener
  };

  Socket& Make(std::uint32_t program, const Pair& ends, const net::TcpOptions& wanted);
  // With the MSS of the way that packets to `remote` take.
  TcpConnectionOptions OptionsFor(const Pair& ends, const net::TcpOptions& wanted) const;
  void GiveId(Socket& socket);
  void TakeId(Socket& socket);
  Socket* Find(std::uint32_t program, net::SocketId id) const;
  Socket* FindConnection(std::uint32_t program, net::SocketId id) const;
  // At most one fits: a port has one listener for an address.
  Socket* FindListener(const net::SocketAddress& local) const;

  void Attach(Socket& socket);
  // Takes it from where segments and ports find it, and its timer away.
  void Detach(Socket& socket);
  // Ends it here; the object stays until the call into this table is over.
  void Free(Socket& socket);
  // Whether a new socket at `local` would clash.
  bool Clashes(const net::SocketAddress& local, bool reuse_address, bool listens) const;
  absl::StatusOr<net::SocketAddress> Bind(const net::SocketAddress& local, bool reuse_address, bool listens);

  // After an input to a connection: sends what it gives, and keeps what is to be told.
  void Pump(Socket& socket);
  void Send(Socket& socket, const TcpConnection::SendSegment& segment);
  void MoveTimer(Socket& socket);
  void NoteStateOf(Socket& socket);
  // The end of a call into this table: tells the programs if it came from the node, else soon.
  enum class Caller : std::uint8_t { kNode, kProgram };
  void Settle(Caller caller);
  void Tell(Socket& socket);
  void TellEnd(Socket& socket);
  absl::Status Why(const Socket& socket) const;
  net::App& AppOf(const Socket& socket) const;

  // True if the listener answers no more SYNs for now: `packet` is gone.
  bool DropsAsBacklogIsFull(const Socket& listener, PacketPtr& packet);
  void OpenPassive(int interface, PacketPtr packet, Socket& listener, std::optional<std::uint32_t> beyond);

  HostNode& node_;
  net::SeededRandom isn_random_;
  IsnGenerator isn_;
  std::vector<std::unique_ptr<Socket>> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::vector<std::uint32_t> slot_of_id_;  // by id - kFirstId: slot + 1; 0: given back
  absl::flat_hash_map<Pair, std::uint32_t, HashPair> by_pair_;
  absl::flat_hash_map<std::uint16_t, std::uint32_t> by_port_;  // slot + 1 of the first
  DeadlineHeap timers_;                 // by slot; a deadline that moved later stays where it is until it is looked at
  std::vector<std::uint32_t> to_tell_;  // slots
  std::vector<std::unique_ptr<Socket>> gone_;  // until the end of the call
  bool telling_ = false;
  std::uint64_t made_ = 0;
  // The segment that is being handled, and whose it is: what leaves meanwhile is because of it.
  PacketId current_ = PacketId::kNone;
  const Socket* current_socket_ = nullptr;
};

}  // namespace pinhole::sim
