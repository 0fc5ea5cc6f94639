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

// The referral server: gives each of two sides the other side's description. It also records the metadata that it
// cannot avoid learning: who talks to whom, when, and under which addresses. The operator of the server has this
// metadata, although the server sees no byte of the conversation.
class ReferralServer final : public net::App {
 public:
  // A restart of the program: its connections break, and it forgets all clients. After `down` it is started again.
  // Until then its host refuses connections.
  struct Restart {
    net::Duration after{};  // since OnStart()
    net::Duration down{};
  };
  struct Options {
    std::vector<net::SocketAddress> listen;  // addresses of the host or "any", with ports
    std::size_t sessions_max = 1 << 20;      // further sessions are refused
    std::size_t connections_max = 1 << 16;   // further connections are reset
    std::vector<Restart> restarts;           // in order; they do not overlap
  };

  // One side of one session, as the operator of the server sees it.
  struct Party {
    std::string side;
    // the source addresses of its connections, which need not be in any description
    std::vector<net::SocketAddress> seen_at;
    net::Instant registered;                    // first registration
    std::optional<net::Instant> published;      // arrival of its last description
    std::optional<net::Instant> handed_on;      // when that description was first written to the other side
    std::vector<net::SocketAddress> addresses;  // all addresses in its last description, in its order
  };
  struct Introduction {
    std::string session;
    std::vector<Party> parties;  // in the order of their arrival
  };

  // REQUIRES: `host` outlives the server.
  ReferralServer(net::Host& host, Options options);

  void OnStart() override;
  void OnTcpAccepted(net::SocketId listener, net::SocketId connection, const net::SocketAddress& from) override;
  void OnTcpReadable(net::SocketId connection) override;
  void OnTcpWritable(net::SocketId connection) override;
  void OnTcpClosed(net::SocketId connection) override;
  void OnTcpReset(net::SocketId connection, const absl::Status& why) override;
  void OnTimer() override;

  // The reason why the server does not listen; OK if it listens.
  const absl::Status& status() const { return status_; }
  // The first address on which it listens, while it runs.
  std::optional<net::SocketAddress> address() const;
  std::size_t connections() const { return clients_.size(); }

  // All metadata that the server has recorded, ordered by session name. A restart deletes nothing of it. This call
  // parses the description of every side, so it is slow.
  std::vector<Introduction> Learned() const;

 private:
  struct Side {
    std::string name;
    std::optional<net::SocketId> connection;
    bool current = false;  // has registered since the last start of the server
    bool has_description = false;
    // the last description; after a restart the one from before the restart, until a new one arrives
    std::vector<std::uint8_t> description;
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
    bool deliver_due = false;  // a description is to be delivered when `out` is empty
    Sessions::value_type* session = nullptr;
    Side* side = nullptr;  // null: not registered
  };

  void Listen();
  void End();
  void OnFrame(net::SocketId connection, Client& client, const std::optional<ReferralFrame>& frame);
  std::optional<ReferralRefusal> Register(net::SocketId connection, Client& client, const ReferralFrame& frame);
  // Sends to `side` the description of the other side, if the other side has published one and `side` is registered.
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
  // Accepted connections that may not have registered yet; oldest first.
  std::deque<std::pair<net::Instant, net::SocketId>> newcomers_;
  Sessions sessions_;
  std::size_t restarts_done_ = 0;
  net::Instant started_{};
  net::Instant up_again_at_ = net::kNever;
};

}  // namespace pinhole::apps
