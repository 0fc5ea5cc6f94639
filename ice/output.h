#pragma once

#include <cstdint>
#include <variant>

#include "ice/candidate.h"
#include "net/bytes.h"
#include "net/packet_class.h"
#include "net/socket_address.h"

// The outputs of an agent: requests to its owner, and reports. Byte views in outputs are valid until the next input.
namespace pinhole::ice {

// Names a socket or listener for which the agent has asked. Tags count from 0, and an agent never uses one again.
enum class SocketTag : std::uint32_t {};
// Names a TCP connection. Tags count from 0, and an agent never uses one again.
enum class ConnectionTag : std::uint32_t {};

// Asks the owner to open a UDP socket on `local` (port 0: any port). The owner answers with OnSocketOpened() or
// OnSocketFailed().
struct OpenSocket {
  SocketTag tag{};
  net::SocketAddress local;
};
// Asks the owner to listen for TCP connections on `local` (port 0: any port), with address reuse allowed. The owner
// answers with OnSocketOpened() or OnSocketFailed(), and reports accepted connections with OnAccepted().
struct OpenListener {
  SocketTag tag{};
  net::SocketAddress local;
};
// Asks the owner to close a socket or a listener. Connections that the listener has accepted stay open.
struct CloseSocket {
  SocketTag tag{};
};
struct SendDatagram {
  SocketTag tag{};
  net::SocketAddress to;
  net::ByteView bytes;
  net::PacketClass packet_class = net::PacketClass::kOther;
  net::PacketTag cause;  // the received datagram that led to this one
};
// Asks the owner to open a TCP connection from `local`. Port 0: any port; otherwise a listener or another connection
// may have the port too. The owner calls OnConnecting() when the port is known, then OnConnected() or
// OnConnectionEnded().
struct Connect {
  ConnectionTag connection{};
  net::SocketAddress local;
  net::SocketAddress remote;
  // The class of segments without data, as in net::TcpOptions.
  net::PacketClass packet_class = net::PacketClass::kOther;
};
// Asks the owner to send all of `bytes`, in order. If that is not possible, the owner must end the connection.
struct SendStream {
  ConnectionTag connection{};
  net::ByteView bytes;
  net::PacketClass packet_class = net::PacketClass::kOther;
  net::PacketTag cause;
  // True: the owner may drop the output as a whole if too much is queued, because it wraps a datagram for a relay.
  bool may_be_left_out = false;
};
// Asks the owner to close a connection in good order (FIN). The owner reports nothing more about the connection.
struct CloseConnection {
  ConnectionTag connection{};
};
// The reason why a TCP connection was not established or has ended.
enum class ConnectionEnd : std::uint8_t {
  kRefused,       // a RST, or an ICMP port unreachable, answered the SYN
  kUnreachable,   // an ICMP error reported no route, or this machine has no route
  kNotPermitted,  // an ICMP error reported "administratively prohibited"
  kTimedOut,      // no answer before the machine's TCP gave up
  kInUse,     // another connection has the same two endpoints, perhaps one from the peer that is just being accepted
  kReset,     // a RST came later
  kFinished,  // the peer closed it
  kOther,     // any other error of this machine
};
const char* ToString(ConnectionEnd end);

// There is a new local candidate: LocalCandidates()[index].
struct CandidateFound {
  int index = 0;
};
// Gathering has ended: LocalDescription() is complete. `unanswered` is the number of UnansweredRequests().
struct GatheringDone {
  int unanswered = 0;
};
// A check has made this pair valid (RFC 8445 §7.2.5.3.2). Data may flow on it.
struct PairValid {
  int stream = 0;
  int component = 1;
  int pair = 0;  // index into CheckListSnapshot()
};
// This pair was nominated. It stays the selected pair of its component.
struct PairNominated {
  int stream = 0;
  int component = 1;
  int pair = 0;
};
// Every component of every stream has a nominated pair.
struct Connected {};
struct DataReceived {
  int stream = 0;
  int component = 1;
  net::ByteView bytes;
  net::PacketTag tag;
  int pair = 0;  // the valid pair on which the data came
};
// The peer has not answered for 30 s, or has revoked its consent by the error 403: nothing more is sent on this
// component (RFC 7675 §5).
struct ConsentLost {
  int stream = 0;
  int component = 1;
  bool revoked = false;
};

enum class Phase : std::uint8_t { kGathering, kExchange, kChecking, kNominating, kConnected };
enum class FailureReason : std::uint8_t {
  kNone,
  kNoLocalCandidates,   // there is no usable address, or no socket could be opened
  kNoRemoteCandidates,  // the peer told no candidate, and none was learned while the PAC timer ran
  kNoPairs,             // no local candidate matches a remote one in family, component and scope
  kAllPairsFailed,      // every check ended without success; see the pairs
  // The check with USE-CANDIDATE failed, or the check that the peer's USE-CANDIDATE triggered here
  // (RFC 8445 §7.2.5.3.4).
  kNominationFailed,
  kNominationNeverCame,  // controlled agent: there are valid pairs, but the peer nominated none within nomination_wait
  kNoRemoteDescription,  // the peer's description did not come within exchange_wait
};
const char* ToString(Phase phase);
const char* ToString(FailureReason reason);

// The session has failed. The agent sends nothing more except requests that release its allocations. It goes on with
// these until NextTimer() is net::kNever or the agent is closed.
struct Failed {
  Phase phase = Phase::kChecking;
  FailureReason reason = FailureReason::kNone;
  int stream = 0;  // the first stream that failed
};

using Output =
    std::variant<OpenSocket, OpenListener, CloseSocket, SendDatagram, Connect, SendStream, CloseConnection,
                 CandidateFound, GatheringDone, PairValid, PairNominated, Connected, DataReceived, ConsentLost, Failed>;

}  // namespace pinhole::ice
