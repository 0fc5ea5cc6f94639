#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "apps/referral_protocol.h"
#include "net/host.h"

namespace pinhole::apps {

// The referral server: gives each of two sides the other's description, and remembers what it could not
// help learning on the way. Whoever runs it knows who talks to whom, when, and under which addresses, without
// seeing a byte of what they say: metadata.
class ReferralServer final : public net::App {
 public:
  struct Options {
    net::SocketAddress listen;           // an address of the host or "any", and a port
    std::size_t sessions_max = 1 << 20;  // sessions beyond are ignored
  };

  // One side of one session, as the server sees it.
  struct Party {
    std::string side;
    net::SocketAddress seen_at;             // where its datagrams come from: an address that no description need hold
    std::optional<net::Instant> published;  // when its description was complete here
    std::optional<net::Instant> delivered;  // when it acknowledged the whole of the other side's
    std::vector<net::SocketAddress> addresses;  // all that its description names, in its order
  };
  struct Introduction {
    std::string session;
    std::vector<Party> parties;  // one or two, in the order they came
  };

  // `host` must outlive the server.
  ReferralServer(net::Host& host, Options options);

  void OnStart() override;
  void OnDatagram(const net::Datagram& datagram) override;
  void OnTimer() override;

  // Why it does not listen; OK when it does.
  const absl::Status& status() const { return status_; }
  // Where it listens, once started.
  std::optional<net::SocketAddress> address() const;

  // What the server has learned, in the order of session names. Costs a parse of every description.
  std::vector<Introduction> Learned() const;

 private:
  struct Side {
    std::string name;
    net::SocketAddress seen_at;
    ReferralAssembly description;
    ReferralTransfer delivery;  // of the other side's description
    bool delivering = false;
    std::uint16_t next_number = 0;
    std::optional<net::Instant> published;
    std::optional<net::Instant> delivered;
  };
  struct Session {
    std::uint32_t serial = 0;
    std::vector<Side> sides;
  };
  struct Alarm {
    net::Instant when;
    std::uint32_t session;  // its serial
    std::uint8_t side;
    friend bool operator<(const Alarm& a, const Alarm& b) {  // the earliest on top of a priority_queue
      if (a.when != b.when) return a.when > b.when;
      if (a.session != b.session) return a.session > b.session;
      return a.side > b.side;
    }
  };

  Side* FindOrAddSide(const ReferralMessage& message, Session** session);
  void StartDelivery(Session& session, std::size_t to, net::PacketTag cause);
  void SendWaiting(Session& session, std::size_t to, net::PacketTag cause);
  void Send(const net::SocketAddress& to, const ReferralMessage& message, net::PacketTag cause);
  void SetAlarm();

  net::Host& host_;
  const Options options_;
  absl::Status status_;
  std::optional<net::SocketId> socket_;
  std::map<std::string, Session, std::less<>> sessions_;
  std::vector<std::map<std::string, Session, std::less<>>::iterator> by_serial_;
  std::priority_queue<Alarm> alarms_;  // may hold alarms that are no longer true
};

}  // namespace pinhole::apps
