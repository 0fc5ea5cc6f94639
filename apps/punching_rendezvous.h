#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "apps/punching_signal.h"
#include "net/host.h"

namespace pinhole::apps {

// Where punching peers meet: tells each the endpoint that the other is seen under, passes their lines on, and forges
// SYN,ACKs for them if its host lets it (punching_signal.h has the words). Peers over a real referral server would
// learn the same; this one also is the helper that some techniques need.
class PunchingRendezvous final : public net::App {
 public:
  struct Options {
    net::SocketAddress listen;  // of the host or "any", TCP and UDP
    std::size_t sessions_max = 1 << 16;
  };

  // `host` must outlive the server.
  PunchingRendezvous(net::Host& host, const Options& options) : host_(host), options_(options) {}

  void OnStart() override;
  void OnDatagram(const net::Datagram& datagram) override;
  void OnTcpAccepted(net::SocketId listener, net::SocketId connection, const net::SocketAddress& from) override;
  void OnTcpReadable(net::SocketId connection) override;
  void OnTcpClosed(net::SocketId connection) override { Forget(connection); }
  void OnTcpReset(net::SocketId connection, const absl::Status& why) override;

  const absl::Status& status() const { return status_; }
  std::uint64_t forged() const { return forged_; }

 private:
  struct Side {
    std::optional<net::SocketId> connection;
    std::optional<net::SocketAddress> seen_at;
    // The last FORGE.
    int forge_attempt = 0;
    std::optional<std::uint32_t> number;
  };
  struct Session {
    Side sides[2];
    bool introduced = false;
  };
  struct Line {
    net::SocketAddress from;
    PunchingLines lines;
    std::string session;  // empty: has not said HELLO
    int side = 0;
  };

  void OnSignal(net::SocketId connection, Line& line, const PunchingSignal& signal);
  void OnHello(net::SocketId connection, Line& line, const PunchingSignal& signal);
  void IntroduceIfBoth(Session& session);
  void Forge(Session& session, int attempt);
  void Send(const Side& side, const PunchingSignal& signal);
  void Forget(net::SocketId connection);

  net::Host& host_;
  const Options options_;
  absl::Status status_;
  std::uint64_t forged_ = 0;
  std::map<net::SocketId, Line> lines_;
  std::map<std::string, Session> sessions_;
};

}  // namespace pinhole::apps
