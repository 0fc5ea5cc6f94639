#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "net/bytes.h"
#include "net/packet_class.h"
#include "net/random.h"
#include "net/time.h"
#include "stun/client_transaction.h"
#include "stun/five_tuple.h"
#include "stun/long_term.h"
#include "stun/output_queue.h"
#include "stun/turn_client.h"

namespace pinhole::stun {

// Turns a TCP connection from a client to its TURN server into a client data connection (RFC 6062 §4.3, §4.4). It sends
// the ConnectionBind request, answers the challenge, and reads the response. Afterwards the connection carries no more
// STUN.
//
//     kIdle --Start--> kBinding --success--> kBound
//                          `--refused, no answer, connection lost--> kFailed
//
// Give every input with the time, drain PollOutput(), and call OnTimer() at NextTimer(), which is not net::kNever
// exactly while kBinding.
class TurnDataConnection {
 public:
  struct Options {
    PeerConnectionId connection{};  // from TurnClient::PeerConnected or ConnectionAttempt
    LongTermClient credential;      // TurnClient::credential(), challenge included (RFC 6062 §4.3)
    net::Duration ti = kDefaultTi;
  };
  enum class State : std::uint8_t { kIdle, kBinding, kBound, kFailed };

  struct SendToServer {
    net::ByteView bytes;
  };
  // The server has accepted the request. From here on the connection carries the bytes between client and peer.
  struct Bound {};
  struct Failed {
    TurnClient::Reason reason;
    int code;  // the error code for kRefused, otherwise 0
  };
  using Output = std::variant<SendToServer, Bound, Failed>;

  TurnDataConnection(Options options, net::RandomSource& random);

  // The TCP connection is open. It must be a new connection to the same server address as the control connection
  // (RFC 6062 §4.3).
  void Start(net::Instant now);
  // A message from StreamSplitter has arrived. Once kBound, the bytes that remain in the splitter are the peer's.
  void OnMessage(net::Instant now, net::ByteView message);
  // The connection could not be established, broke, or was closed by the server.
  void OnConnectionLost();
  void OnTimer(net::Instant now);
  net::Instant NextTimer() const;
  std::optional<Output> PollOutput() { return outputs_.Poll(); }

  State state() const { return state_; }
  PeerConnectionId connection() const { return options_.connection; }

 private:
  void SendRequest(net::Instant now);
  void FailWithTransaction();  // does nothing unless the transaction has failed
  void Fail(TurnClient::Reason reason, int code);

  Options options_;
  net::RandomSource* random_;
  State state_ = State::kIdle;
  int challenges_ = 0;
  bool authenticated_ = false;  // true: the open request has credentials
  std::optional<ClientTransaction> transaction_;
  OutputQueue<Output> outputs_;
};

}  // namespace pinhole::stun
