#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "ice/output_queue.h"
#include "ice/ta_pacer.h"
#include "net/bytes.h"
#include "net/time.h"
#include "stun/turn_client.h"

namespace pinhole::ice {

// An allocation on a TURN server, made through one base of the agent.
struct Relay {
  Relay(int through, int server_index, stun::TurnClient::Options options, net::RandomSource& random)
      : socket_base(through), server(server_index), client(std::move(options), random) {}

  int socket_base;          // index of the base from which the server is reached
  int server;               // index into AgentOptions::turn_servers
  std::optional<int> base;  // index of the relayed base, once allocated
  // The connection to the server, if the server is reached over TCP.
  std::optional<ConnectionTag> connection;
  stun::TurnClient client;
  // True: the allocation is being released, or is gone. Further outputs of the client are ignored, except messages to
  // the server.
  bool released = false;

  // Whether the release is not finished, so that the socket is still needed.
  bool releasing() const { return released && client.state() == stun::TurnClient::State::kReleasing; }
};

// The TURN clients of an agent. Each new transaction of a client needs a slot of the pacer and is held until there is
// one; the second Allocate request, which carries the credentials, counts as new too (RFC 8445 §5.1.1.2).
// Retransmissions and wrapped data are sent at once.
class Relays {
 public:
  int Add(int socket_base, int server, stun::TurnClient::Options options, net::RandomSource& random);
  Relay& operator[](int index) { return all_[static_cast<std::size_t>(index)]; }
  const Relay& operator[](int index) const { return all_[static_cast<std::size_t>(index)]; }
  int size() const { return static_cast<int>(all_.size()); }
  // The relay whose server is reached over this connection; nullopt: there is none.
  std::optional<int> FindConnection(ConnectionTag tag) const;
  bool empty() const { return all_.empty(); }

  // Empties the outputs of a client. Messages to the server are sent or held; all other outputs are kept for
  // TakeEvent(). `tag` is the tag of the client's socket.
  void Drain(net::Instant now, int index, SocketTag tag, OutputQueue& out, TaPacer& pacer);
  struct Event {
    int relay;
    stun::TurnClient::Output output;
  };
  std::optional<Event> TakeEvent();

  // Sends one held request. The caller has taken a slot of the pacer. False: no request is held.
  bool SendHeld(net::Instant now, OutputQueue& out);
  bool HasHeld() const { return !held_.empty(); }

  // To be called when the connection to the server has ended. Requests of this relay that are held are discarded.
  void OnConnectionLost(int index);

  // The number of new transactions that were sent, and when the last of them was sent.
  int transactions() const { return transactions_; }
  std::optional<net::Instant> last_transaction() const { return last_transaction_; }

  // Starts to release an allocation. An allocation that is still being requested is released once it is granted. The
  // caller has taken a slot of the pacer. OnTimer() and OnDatagram() of the client must go on being called until the
  // release is finished.
  void Release(net::Instant now, int index, SocketTag tag, OutputQueue& out);

  net::Instant NextTimer() const;

 private:
  void Route(net::Instant now, int index, const stun::TurnClient::SendToServer& send, SocketTag tag, OutputQueue& out,
             TaPacer& pacer);
  void ForgetHeld(int index);
  // Sends one message to the server.
  void Send(int relay, const stun::TurnClient::SendToServer& send, SocketTag tag, OutputQueue& out) const;
  struct Held {
    int relay;
    SocketTag tag;
    net::PacketTag cause;
    std::vector<std::uint8_t> bytes;
  };

  std::deque<Relay> all_;  // a deque, so that clients do not move
  std::vector<Held> held_;
  std::vector<Event> events_;
  std::size_t next_event_ = 0;
  int transactions_ = 0;
  std::optional<net::Instant> last_transaction_;
};

}  // namespace pinhole::ice
