#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apps/punching/punching_signal.h"
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

  // What it has learned of one session, whatever became of it since.
  struct Introduction {
    struct Party {
      net::SocketAddress seen_at;  // where its HELLO for its transport came from
      net::Instant said_hello;
      std::optional<net::Instant> told_other;  // when that went to the other side
    };
    std::string session;
    std::optional<Party> parties[2];  // by side
  };
  // In the order they came; of `sessions_max` at most.
  const std::vector<Introduction>& Learned() const { return learned_; }

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
    std::optional<std::size_t> learned;  // index in learned_
  };
  struct Line {
    net::SocketAddress from;
    PunchingLines lines;
    std::string session;  // empty: has not said HELLO
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
