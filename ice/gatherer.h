#pragma once

#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "ice/session.h"
#include "stun/client_transaction.h"
#include "stun/message.h"

namespace pinhole::ice {

// Finds the local candidates (RFC 8445 §5.1.1): a socket on every address for every component, and from each
// socket a Binding request to every STUN server and an Allocate to every TURN server of its family, one new
// transaction each Ta. Of TCP a base for every type that is on, and from each port that listens a connection to every
// STUN server that is to be asked so, which stays until the session has concluded (RFC 6544 §4.1, §5). Gathering is
// done when everything is answered or the deadlines have come, one for UDP and one for TCP. Until the session concludes
// it keeps the bindings of server-reflexive candidates alive (RFC 8445 §5.1.1.4).
class Gatherer {
 public:
  explicit Gatherer(Session& session) : session_(session) {}

  void Start(net::Instant now, std::span<const LocalAddress> addresses);
  void OnSocketOpened(net::Instant now, int base, const net::SocketAddress& bound);
  void OnSocketFailed(net::Instant now, int base);

  // A slot of the pacer may be had at `now`: uses it, or returns false.
  bool UseSlot(net::Instant now);
  bool WantsSlot() const;

  // False: not the answer to a Binding request of ours.
  bool OnResponse(net::Instant now, int base, const net::SocketAddress& from, const stun::MessageView& response);
  void OnAllocated(net::Instant now, int relay, const stun::TurnClient::Allocated& allocated);
  void OnAllocationFailed(net::Instant now, int relay, int code);

  // A connection to a server is open, or is no more.
  void OnConnected(net::Instant now, const TcpConnection& connection);
  void OnConnectionEnded(net::Instant now, const TcpConnection& connection);

  // The deadline, retransmissions, keeping alive. Does all that is due.
  void OnTimer(net::Instant now);
  net::Instant NextTimer() const;

  bool done() const { return done_; }
  // The session has concluded: no more keeping alive.
  void Stop();
  std::vector<UnansweredRequest> Unanswered() const { return unanswered_; }

 private:
  struct Request {
    int base;
    net::SocketAddress server;
    int server_index;          // of all servers, for the local preference
    std::optional<int> turn;   // index into turn_servers; nullopt: a Binding request
    std::optional<int> relay;  // index into Relays, once started
    enum class State : std::uint8_t { kQueued, kOpen, kAnswered, kFailed, kTooLate } state = State::kQueued;
    int error_code = 0;
    std::optional<stun::ClientTransaction> transaction;
    std::optional<ConnectionTag> connection;  // that it goes over
  };

  // Whether a request from this address can be answered by that server at all.
  static bool MayReach(const net::IpAddress& base, const net::IpAddress& server);
  static net::ByteView WriteBindingRequest(std::span<std::uint8_t> buffer, const stun::TransactionId& id);

  // What connections to TURN servers leave from: no candidate.
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
  // When the last gathering request was first sent; net::kNever: some are still to be, or none was.
  net::Instant LastFirstSent() const;
  net::Duration PatienceWith(const Request& request) const;
  void GiveUpLate(net::Instant now);
  void ReleaseUnused(net::Instant now, int relay);
  void FinishIfSettled(net::Instant now);
  void Finish(net::Instant now);

  Session& session_;
  std::deque<Request> requests_;  // Transactions stay where they are.
  std::size_t next_queued_ = 0;
  int sockets_opening_ = 0;
  int expected_candidates_ = 0;  // server-reflexive and relayed: Num-Of-Cands (RFC 8445 §14.3)
  bool done_ = false;
  std::optional<net::Instant> last_first_sent_;
  std::vector<UnansweredRequest> unanswered_;

  // Bindings to keep: one request per base and STUN server that answered.
  struct KeptBinding {
    int base;
    net::SocketAddress server;
    net::Instant next;
  };
  std::vector<KeptBinding> kept_;
};

}  // namespace pinhole::ice
