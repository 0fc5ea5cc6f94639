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

// An allocation on a TURN server, made through one socket.
struct Relay {
  Relay(int through, int server_index, stun::TurnClient::Options options, net::RandomSource& random)
      : socket_base(through), server(server_index), client(std::move(options), random) {}

  int socket_base;          // index of the base that it is reached from
  int server;               // index into AgentOptions::turn_servers
  std::optional<int> base;  // index of the relayed base, once allocated
  // Of a server that is reached over TCP.
  std::optional<ConnectionTag> connection;
  stun::TurnClient client;
  bool released = false;  // being given back, or gone: what it still says does not matter

  // Whether its socket is still needed to give it back.
  bool releasing() const { return released && client.state() == stun::TurnClient::State::kReleasing; }
};

// The TURN clients of an agent, and their new transactions that wait for a slot of the pacer (RFC 8445 §5.1.1.2:
// also the second try of an Allocate counts). Their retransmissions and the data they wrap go out at once.
class Relays {
 public:
  int Add(int socket_base, int server, stun::TurnClient::Options options, net::RandomSource& random);
  Relay& operator[](int index) { return all_[static_cast<std::size_t>(index)]; }
  const Relay& operator[](int index) const { return all_[static_cast<std::size_t>(index)]; }
  int size() const { return static_cast<int>(all_.size()); }
  // nullopt: it is no relay's.
  std::optional<int> FindConnection(ConnectionTag tag) const;
  bool empty() const { return all_.empty(); }

  // Empties the output of a client: passes on or holds what it wants to have sent, keeps the rest for TakeEvent().
  // `tag` is that of its socket.
  void Drain(net::Instant now, int index, SocketTag tag, OutputQueue& out, TaPacer& pacer);
  struct Event {
    int relay;
    stun::TurnClient::Output output;
  };
  std::optional<Event> TakeEvent();

  // Uses a slot of the pacer for one held request; false if none is held.
  bool SendHeld(net::Instant now, OutputQueue& out);
  bool HasHeld() const { return !held_.empty(); }

  // To be called when the connection to the server has ended. What still waits for a slot goes with it.
  void OnConnectionLost(int index);

  // New transactions sent, and when the last was.
  int transactions() const { return transactions_; }
  std::optional<net::Instant> last_transaction() const { return last_transaction_; }

  // Starts to give an allocation back, or one that is still asked for once it is granted. The caller has a slot. As
  // with every request, timers and answers go on until it is over.
  void Release(net::Instant now, int index, SocketTag tag, OutputQueue& out);

  net::Instant NextTimer() const;

 private:
  void Route(net::Instant now, int index, const stun::TurnClient::SendToServer& send, SocketTag tag, OutputQueue& out,
             TaPacer& pacer);
  void ForgetHeld(int index);
  // One message to the server.
  void Send(int relay, const stun::TurnClient::SendToServer& send, SocketTag tag, OutputQueue& out) const;
  struct Held {
    int relay;
    SocketTag tag;
    net::PacketTag cause;
    std::vector<std::uint8_t> bytes;
  };

  std::deque<Relay> all_;  // Clients stay where they are.
  std::vector<Held> held_;
  std::vector<Event> events_;
  std::size_t next_event_ = 0;
  int transactions_ = 0;
  std::optional<net::Instant> last_transaction_;
};

}  // namespace pinhole::ice
