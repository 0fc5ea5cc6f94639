#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apps/punching/punching_signal.h"
#include "net/host.h"

namespace pinhole::apps {

// The server at which punching peers meet. It tells each peer the endpoint under which the other is seen, passes on the
// lines that they send each other, and forges SYN,ACKs for them if its host allows it. punching_signal.h defines the
// lines. Peers over a real referral server would learn the same endpoints; this server is also the helper that some
// techniques need.
class PunchingRendezvous final : public net::App {
 public:
  struct Options {
    net::SocketAddress listen;  // an address of the host or "any"; for TCP and UDP
    std::size_t sessions_max = 1 << 16;
  };

  // REQUIRES: `host` outlives the server.
  PunchingRendezvous(net::Host& host, const Options& options) : host_(host), options_(options) {}

  void OnStart() override;
  void OnDatagram(const net::Datagram& datagram) override;
  void OnTcpAccepted(net::SocketId listener, net::SocketId connection, const net::SocketAddress& from) override;
  void OnTcpReadable(net::SocketId connection) override;
  void OnTcpClosed(net::SocketId connection) override { Forget(connection); }
  void OnTcpReset(net::SocketId connection, const absl::Status& why) override;

  // All that the server has learned of one session, also if the session has ended.
  struct Introduction {
    struct Party {
      net::SocketAddress seen_at;  // source of the HELLO, over the transport that it names
      net::Instant said_hello;
      std::optional<net::Instant> told_other;  // when `seen_at` was sent to the other side
    };
    std::string session;
    std::optional<Party> parties[2];  // by side
  };
  // All introductions in the order of the first HELLO, at most `sessions_max`.
  const std::vector<Introduction>& Learned() const { return learned_; }

  const absl::Status& status() const { return status_; }
  std::uint64_t forged() const { return forged_; }

 private:
  struct Side {
    std::optional<net::SocketId> connection;
    std::optional<net::SocketAddress> seen_at;
    // The values of the peer's last FORGE line.
    int forge_attempt = 0;
    std::optional<std::uint32_t> number;
  };
  struct Session {
    Side sides[2];
    bool introduced = false;
    std::optional<std::size_t> learned;  // index in learned_
  };
  struct Line {
    net::SocketAddress from;
    PunchingLines lines;
    std::string session;  // empty: no HELLO has arrived
    int side = 0;
  };

  void OnSignal(net::SocketId connection, Line& line, const PunchingSignal& signal);
  void OnHello(net::SocketId connection, Line& line, const PunchingSignal& signal);
  void Note(Session& session, const PunchingSignal& hello);
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
  std::vector<Introduction> learned_;
};

}  // namespace pinhole::apps
