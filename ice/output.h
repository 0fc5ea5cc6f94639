#pragma once

#include <cstdint>
#include <variant>

#include "ice/candidate.h"
#include "net/bytes.h"
#include "net/packet_class.h"
#include "net/socket_address.h"

// What an agent asks of its owner and tells it. Byte views live until the next input.
namespace pinhole::ice {

// Names a socket or listener that the agent asked for. Counts from 0, never reused by that agent.
enum class SocketTag : std::uint32_t {};
// Names a TCP connection. Counts from 0, never reused by that agent.
enum class ConnectionTag : std::uint32_t {};

// Open a UDP socket on this address (port 0: any), then say OnSocketOpened() or OnSocketFailed().
struct OpenSocket {
  SocketTag tag{};
  net::SocketAddress local;
};
// Listen for TCP connections on this address (port 0: any), address reuse allowed, then say OnSocketOpened() or
// OnSocketFailed(). What it accepts is told by OnAccepted().
struct OpenListener {
  SocketTag tag{};
  net::SocketAddress local;
};
// A socket, or a listener. What a listener has accepted stays.
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
// Open a TCP connection from this address (port 0: any; else a listener or another connection may have it, too), say
// OnConnecting() when the port is known, then OnConnected() or OnConnectionEnded().
struct Connect {
  ConnectionTag connection{};
  net::SocketAddress local;
  net::SocketAddress remote;
  net::PacketClass packet_class = net::PacketClass::kOther;  // as in net::TcpOptions
};
// All of it, in order, or the connection has to end.
struct SendStream {
  ConnectionTag connection{};
  net::ByteView bytes;
  net::PacketClass packet_class = net::PacketClass::kOther;
  net::PacketTag cause;
  bool may_be_left_out = false;  // as a whole, when too much is waiting: a datagram on its way to a relay
};
// Give it back in good order; nothing more is to be said of it.
struct CloseConnection {
  ConnectionTag connection{};
};
// Why a TCP connection was not established or is no more.
enum class ConnectionEnd : std::uint8_t {
  kRefused,       // a RST, or an ICMP port unreachable, answered the SYN
  kUnreachable,   // ICMP, or no route here
  kNotPermitted,  // ICMP: administratively prohibited
  kTimedOut,      // no answer, in the machine's own patience
  kInUse,         // these two endpoints are those of another connection, maybe one that is just coming in
  kReset,         // a RST later
  kFinished,      // the peer closed it
  kOther,         // anything else that this machine says
};
const char* ToString(ConnectionEnd end);

// LocalCandidates()[index] is new.
struct CandidateFound {
  int index = 0;
};
// No more local candidates will come: LocalDescription() is whole. UnansweredRequests() of them yielded nothing.
struct GatheringDone {
  int unanswered = 0;
};
// A check succeeded (RFC 8445 §7.2.5.3.2). Data may flow on this pair.
struct PairValid {
  int stream = 0;
  int component = 1;
  int pair = 0;  // index into CheckListSnapshot()
};
// This pair is the component's for good.
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
  int pair = 0;  // it came on this valid pair
};
// The peer has not answered for 30 s, or said 403: nothing more is sent on this component (RFC 7675 §5).
struct ConsentLost {
  int stream = 0;
  int component = 1;
  bool revoked = false;
};

enum class Phase : std::uint8_t { kGathering, kExchange, kChecking, kNominating, kConnected };
enum class FailureReason : std::uint8_t {
  kNone,
  kNoLocalCandidates,    // nothing to tell the peer: no usable address, or no socket could be opened
  kNoRemoteCandidates,   // the peer told none, and none was learned while the PAC timer ran
  kNoPairs,              // no local candidate matches a remote one in family, component and scope
  kAllPairsFailed,       // every check ended without success; see the pairs
  kNominationFailed,     // the check that nominates, or the one it triggered here, failed (RFC 8445 §7.2.5.3.4)
  kNominationNeverCame,  // controlled: valid pairs, but the peer nominated none (nomination_wait)
  kNoRemoteDescription,  // the peer told nothing for exchange_wait
};
const char* ToString(Phase phase);
const char* ToString(FailureReason reason);

// The session is over: nothing more will be sent, except what gives allocations back. The agent goes on with that
// until NextTimer() is net::kNever or it is closed.
struct Failed {
  Phase phase = Phase::kChecking;
  FailureReason reason = FailureReason::kNone;
  int stream = 0;  // the first that failed
};

using Output =
    std::variant<OpenSocket, OpenListener, CloseSocket, SendDatagram, Connect, SendStream, CloseConnection,
                 CandidateFound, GatheringDone, PairValid, PairNominated, Connected, DataReceived, ConsentLost, Failed>;

}  // namespace pinhole::ice
