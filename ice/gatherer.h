#pragma once

#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "ice/session.h"
#include "stun/client_transaction.h"
#include "stun/message.h"

namespace pinhole::ice {

// Finds the local candidates (RFC 8445 §5.1.1).
//
// UDP: the agent opens a socket on every address for every component. From each socket the gatherer sends a Binding
// request to every STUN server, and an Allocate request to every TURN server, of the same family. It starts one new
// transaction each Ta.
//
// TCP (RFC 6544 §4.1, §5): every address gets a base for every tcptype that is on. From each listening port the
// gatherer opens a connection to every server in TcpOptions::stun_servers. These connections stay until the session has
// concluded.
//
// Gathering is done when every request is answered or has failed, or its deadline has passed; UDP and TCP have a
// deadline each. Until the session concludes, the gatherer keeps the bindings of server-reflexive candidates alive
// (RFC 8445 §5.1.1.4).
class Gatherer {
 public:
  explicit Gatherer(Session& session) : session_(session) {}

  void Start(net::Instant now, std::span<const LocalAddress> addresses);
  void OnSocketOpened(net::Instant now, int base, const net::SocketAddress& bound);
  void OnSocketFailed(net::Instant now, int base);

  // The pacer has a free slot at `now`. Starts the next request in this slot; false: no request waits for a slot.
  bool UseSlot(net::Instant now);
  bool WantsSlot() const;

  // False: `response` does not answer a Binding request of the gatherer.
  bool OnResponse(net::Instant now, int base, const net::SocketAddress& from, const stun::MessageView& response);
  void OnAllocated(net::Instant now, int relay, const stun::TurnClient::Allocated& allocated);
  void OnAllocationFailed(net::Instant now, int relay, int code);

  // A connection to a server was established, or it has ended.
  void OnConnected(net::Instant now, const TcpConnection& connection);
  void OnConnectionEnded(net::Instant now, const TcpConnection& connection);

  // Does everything that is due: deadlines, retransmissions, and requests that keep bindings alive.
  void OnTimer(net::Instant now);
  net::Instant NextTimer() const;

  bool done() const { return done_; }
  // The session has concluded: bindings are no longer kept alive.
  void Stop();
  std::vector<UnansweredRequest> Unanswered() const { return unanswered_; }

 private:
  struct Request {
    int base;
    net::SocketAddress server;
    int server_index;          // among all servers; part of the local preference
    std::optional<int> turn;   // index into turn_servers; nullopt: a Binding request
    std::optional<int> relay;  // index into Relays, once started
    enum class State : std::uint8_t { kQueued, kOpen, kAnswered, kFailed, kTooLate } state = State::kQueued;
    int error_code = 0;
    std::optional<stun::ClientTransaction> transaction;
    std::optional<ConnectionTag> connection;  // the TCP connection that carries the request
  };

  // Whether `server` can answer a request from `base` at all: both have the same family and scope.
  static bool MayReach(const net::IpAddress& base, const net::IpAddress& server);
  static net::ByteView WriteBindingRequest(std::span<std::uint8_t> buffer, const stun::TransactionId& id);

  // Adds a base from which connections to TURN servers are opened. The base is not a candidate.
  void AddTurnBase(const LocalAddress& address, int stream, int component, int rank);
  void StartTurnOverTcp(net::Instant now, Request& request, stun::TurnClient::Options options);
  void AddTcpBases(std::span<const LocalAddress> ranked, int stream, int component);
  void QueueTcpRequests(int base);
  void QueueRequests(int base);
  void StartRequest(net::Instant now, Request& request);
  void StartTcpRequest(net::Instant now, Request& request);
  void SendDue(net::Instant now, Request& request);
  void AddHost(int base);
  void AddReflexive(int base, const net::SocketAddress& mapped, const net::SocketAddress& server, int server_index);
  int Servers() const;
  std::uint32_t PriorityOf(const LocalBase& base, CandidateType type, int server) const;
  bool AllSettled() const;
  // Each gathering request has a time of its first transmission. This is the latest of these times. net::kNever: a
  // request has not been sent yet, or there are no requests.
  net::Instant LastFirstSent() const;
  net::Duration PatienceWith(const Request& request) const;
  void GiveUpLate(net::Instant now);
  void ReleaseUnused(net::Instant now, int relay);
  void FinishIfSettled(net::Instant now);
  void Finish(net::Instant now);

  Session& session_;
  std::deque<Request> requests_;  // a deque, so that requests do not move
  std::size_t next_queued_ = 0;
  int sockets_opening_ = 0;
  int expected_candidates_ = 0;  // server-reflexive and relayed: Num-Of-Cands (RFC 8445 §14.3)
  bool done_ = false;
  std::optional<net::Instant> last_first_sent_;
  std::vector<UnansweredRequest> unanswered_;

  // A binding to keep alive. There is one for each base and STUN server that answered.
  struct KeptBinding {
    int base;
    net::SocketAddress server;
    net::Instant next;
  };
  std::vector<KeptBinding> kept_;
};

}  // namespace pinhole::ice
