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
// transaction each Ta. Gathering is done when everything is answered or the deadline has come. Until the
// session concludes it keeps the bindings of server-reflexive candidates alive (§5.1.1.4).
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

  // The deadline, retransmissions, keeping alive. Does all that is due.
  void OnTimer(net::Instant now);
  std::optional<net::Instant> NextTimer() const;

  bool done() const { return done_; }
  // The session has concluded: no more keeping alive.
  void Stop();
  std::vector<UnansweredRequest> Unanswered() const { return unanswered_; }

 private:
  struct Request {
    int base;
    net::SocketAddress server;
    int server_index;  // of all servers, for the local preference
    int turn = -1;     // index into turn_servers; -1: a Binding request
    int relay = -1;    // index into Relays, once started
    enum class State : std::uint8_t { kQueued, kOpen, kAnswered, kFailed } state = State::kQueued;
    int error_code = 0;
    std::optional<stun::ClientTransaction> transaction;
  };

  void QueueRequests(int base);
  void StartRequest(net::Instant now, Request& request);
  void SendDue(net::Instant now, Request& request);
  void AddHost(int base);
  void AddReflexive(int base, const net::SocketAddress& mapped, const net::SocketAddress& server, int server_index);
  int Servers() const;
  bool AllSettled() const;
  std::optional<net::Instant> Deadline() const;
  void FinishIfSettled(net::Instant now);
  void Finish(net::Instant now);

  Session& session_;
  std::deque<Request> requests_;  // Transactions stay where they are.
  std::size_t next_queued_ = 0;
  int sockets_opening_ = 0;
  int expected_candidates_ = 0;  // server-reflexive and relayed: Num-Of-Cands (§14.3)
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
