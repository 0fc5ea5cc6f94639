#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/referral/referral_protocol.h"
#include "net/host.h"

namespace pinhole::apps {

// The referral server: gives each of two sides the other's description, and remembers what it could not
// help learning on the way. Whoever runs it knows who talks to whom, when, and under which addresses, without
// seeing a byte of what they say: metadata.
class ReferralServer final : public net::App {
 public:
  // The program is ended, by which its connections break and all it knew of its clients is lost, and some time later
  // started again. Until then its host refuses connections.
  struct Restart {
    net::Duration after{};  // from OnStart()
    net::Duration down{};
  };
  struct Options {
    std::vector<net::SocketAddress> listen;  // addresses of the host or "any", and ports
    std::size_t sessions_max = 1 << 20;      // more are refused
    std::size_t connections_max = 1 << 16;   // more are reset
    std::vector<Restart> restarts;           // in order; each begins after the one before is over
  };

  // One side of one session, as whoever runs the server sees it.
  struct Party {
    std::string side;
    std::vector<net::SocketAddress> seen_at;    // where it connected from: addresses that no description need hold
    net::Instant registered;                    // first
    std::optional<net::Instant> published;      // when its last description came
    std::optional<net::Instant> handed_on;      // when that was first written to the other side
    std::vector<net::SocketAddress> addresses;  // all that its last description names, in its order
  };
  struct Introduction {
    std::string session;
    std::vector<Party> parties;  // in the order they came
  };

  // `host` must outlive the server.
  ReferralServer(net::Host& host, Options options);

  void OnStart() override;
  void OnTcpAccepted(net::SocketId listener, net::SocketId connection, const net::SocketAddress& from) override;
  void OnTcpReadable(net::SocketId connection) override;
  void OnTcpWritable(net::SocketId connection) override;
  void OnTcpClosed(net::SocketId connection) override;
  void OnTcpReset(net::SocketId connection, const absl::Status& why) override;
  void OnTimer() override;

  // Why it does not listen; OK when it does.
  const absl::Status& status() const { return status_; }
  // Where it listens first, while it runs.
  std::optional<net::SocketAddress> address() const;
  std::size_t connections() const { return clients_.size(); }

  // What the server has learned, in the order of session names; a restart takes nothing of it away. Costs a parse of
  // every description.
  std::vector<Introduction> Learned() const;

 private:
  struct Side {
    std::string name;
    std::optional<net::SocketId> connection;
    bool current = false;  // registered since the server was last started
    bool has_description = false;
    std::vector<std::uint8_t> description;  // the last one; of before a restart, if it has none
    std::vector<net::SocketAddress> seen_at;
    net::Instant registered{};
    std::optional<net::Instant> published;
    std::optional<net::Instant> handed_on;
  };
  using Sessions = std::map<std::string, std::list<Side>, std::less<>>;
  struct Client {
    net::SocketAddress from;
    ReferralFrames in;
    ReferralOutbox out;
    bool deliver_due = false;  // once `out` is empty
    Sessions::value_type* session = nullptr;
    Side* side = nullptr;  // null: not registered
  };

  void Listen();
  void End();
  void OnFrame(net::SocketId connection, Client& client, const std::optional<ReferralFrame>& frame);
  std::optional<ReferralRefusal> Register(net::SocketId connection, Client& client, const ReferralFrame& frame);
  // Gives `side` what the other one has published, if there is both.
  void Deliver(Sessions::value_type& session, Side& side);
  void Flush(net::SocketId connection, Client& client);
  void Refuse(net::SocketId connection, Client& client, ReferralRefusal refusal);
  void Forget(net::SocketId connection);
  void SetAlarm();

  net::Host& host_;
  const Options options_;
  absl::Status status_;
  std::vector<net::SocketId> listeners_;
  std::map<net::SocketId, Client> clients_;
  // Accepted, and perhaps not registered yet; oldest first.
  std::deque<std::pair<net::Instant, net::SocketId>> newcomers_;
  Sessions sessions_;
  std::size_t restarts_done_ = 0;
  net::Instant started_{};
  net::Instant up_again_at_ = net::kNever;
};

}  // namespace pinhole::apps
