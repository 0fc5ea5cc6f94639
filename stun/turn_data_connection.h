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

// A client's TCP connection to its TURN server on its way to become a data connection (RFC 6062 §4.3, §4.4): the
// ConnectionBind request and its answer, challenge included. Before it nothing else, after it no STUN at all.
//
//     kIdle --Start--> kBinding --success--> kBound
//                          `--refused, no answer, connection lost--> kFailed
//
// As every engine here: inputs with the time, then PollOutput() until empty, then sleep until NextTimer(), which is
// not net::kNever exactly while kBinding.
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
  // From here on the bytes of the connection are the peer's, both ways.
  struct Bound {};
  struct Failed {
    TurnClient::Reason reason;
    int code;  // of ERROR-CODE for kRefused, otherwise 0
  };
  using Output = std::variant<SendToServer, Bound, Failed>;

  TurnDataConnection(Options options, net::RandomSource& random);

  // The connection is there. It is a new one, to the address that the control connection goes to (RFC 6062 §4.3).
  void Start(net::Instant now);
  // A message as StreamSplitter gives it; to be asked for no other once kBound.
  void OnMessage(net::Instant now, net::ByteView message);
  // The connection failed or broke, or the server closed it.
  void OnConnectionLost();
  void OnTimer(net::Instant now);
  net::Instant NextTimer() const;
  std::optional<Output> PollOutput() { return outputs_.Poll(); }

  State state() const { return state_; }
  PeerConnectionId connection() const { return options_.connection; }

 private:
  void SendRequest(net::Instant now);
  void FailWithTransaction();  // if it has failed
  void Fail(TurnClient::Reason reason, int code);

  Options options_;
  net::RandomSource* random_;
  State state_ = State::kIdle;
  int challenges_ = 0;
  bool authenticated_ = false;  // the request under way bears credentials
  std::optional<ClientTransaction> transaction_;
  OutputQueue<Output> outputs_;
};

}  // namespace pinhole::stun
