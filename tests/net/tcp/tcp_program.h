#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "net/host.h"

namespace pinhole::net {

// A program for tests of TCP: reads what it gets, writes what it is told to, and keeps what happened. Checks that
// its host calls it as net::App says: in order, one call at a time.
class TcpProgram final : public App {
 public:
  struct Connection {
    SocketId listener{};  // {}: own
    SocketAddress from;   // accepted only
    bool connected = false;
    std::string received;
    int readable = 0;
    int writable = 0;
    int closed = 0;
    int reset = 0;
    absl::Status why;
    Instant connected_at;
    Instant closed_at;
    Instant reset_at;
    std::string to_write;  // still to be written, as it fits
    bool finish = false;   // FinishWriting() after that
  };

  void Attach(Host& host) { host_ = &host; }
  Host& host() { return *host_; }

  // Listens or connects; the test fails if that cannot be.
  SocketId Listen(const SocketAddress& local, const TcpOptions& options = {});
  SocketId Connect(const SocketAddress& local, const SocketAddress& remote, const TcpOptions& options = {});
  // Writes all of it, now or as it fits, and then a FIN if `finish`.
  void Write(SocketId id, const std::string& bytes, bool finish = false);

  Connection& at(SocketId id) { return connections_[id]; }
  // Accepted connections, in order.
  const std::vector<SocketId>& accepted() const { return accepted_; }

  void OnTcpAccepted(SocketId listener, SocketId connection, const SocketAddress& from) override;
  void OnTcpConnected(SocketId connection) override;
  void OnTcpReadable(SocketId connection) override;
  void OnTcpWritable(SocketId connection) override;
  void OnTcpClosed(SocketId connection) override;
  void OnTcpReset(SocketId connection, const absl::Status& why) override;
  void OnIcmpError(const IcmpError& error) override { errors.push_back(error); }

  bool reads = true;    // all that is there, in OnTcpReadable()
  bool echoes = false;  // writes back what it reads, and finishes when the peer has
  SendOptions write_options;
  // Asked for at the end of each call about this connection, if given.
  std::function<void(SocketId)> during_call;
  std::vector<IcmpError> errors;

  // Reads into `received` until a Read() says that there is no more; how many bytes.
  std::size_t ReadAll(SocketId id);

 private:
  class InCall;
  // REQUIRES: a call about a connection that the program knows and that has not ended.
  Connection& Heard(SocketId id);
  void WriteOn(SocketId id);

  Host* host_ = nullptr;
  std::map<SocketId, Connection> connections_;
  std::vector<SocketId> accepted_;
  bool in_call_ = false;
};

// `size` bytes that repeat nowhere soon, different for each seed.
std::string Noise(std::size_t size, std::uint64_t seed);

}  // namespace pinhole::net
