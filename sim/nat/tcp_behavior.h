#pragma once

#include <cstdint>
#include <optional>

#include "net/time.h"

// How closely a NAT or firewall follows TCP connections, as data (RFC 5382, 7857, 6092, and nf_conntrack).
namespace pinhole::sim {

// How much of a segment the tracking examines, T0 to T5. Each depth includes those above it in this list, except that
// kLinux replaces kWindow's reading of the windows.
enum class TcpDepth : std::uint8_t {
  kAddresses,  // T0: a segment is a packet between two endpoints; flags are not read
  kFlags,      // T1: flags drive a state machine; flags without a transition are invalid
  // T2: the SYN,ACK that answers a SYN must acknowledge the SYN's number + 1. This is tested in SYN_SENT and SYN_SENT2,
  // and for the second of two SYN,ACKs that cross. A later SYN,ACK answers nothing and is not tested.
  kSynAckNumber,
  kWindow,       // T3: four window bounds, computed from the window fields without scaling
  kLinux,        // T4: with scaling where both offered it, SACK, and rules for RST (nf_conntrack_proto_tcp.c)
  kRewritesIsn,  // T5: as T4, and each side's sequence numbers are shifted by a random offset (pf, modulate state)
};

// What happens to a segment that the TCP tracker refuses, or to a segment from inside that belongs to no connection.
enum class TcpInvalid : std::uint8_t {
  kDrop,
  kReset,  // dropped, and a RST tells the sender
  kInput,  // from outside it is for the box itself, like an unsolicited segment; from inside it is dropped
  kLeak,   // from outside as kInput; from inside it is forwarded untranslated, with its inside source
};

// The effect on the session of a RST that is not refused.
enum class TcpOnReset : std::uint8_t {
  // The state is CLOSE, with timeouts.close. If nothing but the RST ever came back, the session is forgotten at once.
  kClose,
  kForget,  // the session is forgotten at once
  // The session lives on for timeouts.close, and any other segment undoes this (RFC 6146 §3.5.2.2, RFC 7857 §2.2).
  kTransitory,
  kIgnore,  // nothing
};

// The answer of a NAT for an established connection that it forgot because it was idle.
enum class TcpIdle : std::uint8_t {
  kSilent,     // nothing: later segments belong to no connection
  kResetLate,  // a RST answers the first segment from inside that belongs to no connection, and each later one
  kResetBoth,  // a RST goes to both ends when the connection is forgotten
};

// How long a session lives after the last segment that restarted its timer, by the state after this segment. A session
// is dead from the instant on at which its time ends. The defaults are those of RFC 5382 §5 REQ-5, where a half-closed
// connection is still established: closing, and so the transitory time, begins only when both ends have sent FIN
// (RFC 6092 §3.3.1; RFC 7857 §2, figure 1).
struct TcpTimeouts {
  net::Duration syn_sent = std::chrono::seconds(240);
  net::Duration syn_received = std::chrono::seconds(240);
  net::Duration established = std::chrono::seconds(7440);
  net::Duration fin_wait = std::chrono::seconds(7440);
  net::Duration close_wait = std::chrono::seconds(7440);
  net::Duration last_ack = std::chrono::seconds(240);
  net::Duration time_wait = std::chrono::seconds(240);
  net::Duration close = std::chrono::seconds(240);
  // At depth kLinux and above, a session lives no longer than this while data is not acknowledged, and while a
  // connection that was picked up has no answer yet.
  std::optional<net::Duration> unacknowledged = std::nullopt;
  // At depth kLinux and above, a session lives no longer than this after TcpTracking::retransmissions_max identical
  // segments, or after a segment with window 0.
  std::optional<net::Duration> retransmitted = std::nullopt;
  friend bool operator==(const TcpTimeouts&, const TcpTimeouts&) = default;
};

struct TcpTracking {
  TcpDepth depth = TcpDepth::kFlags;
  // A SYN that crosses the SYN of the inside host is let in (RFC 5382 §4.2 REQ-2a). If false, such a SYN is
  // unsolicited.
  bool simultaneous_open = true;
  // An ACK may begin the tracking of a connection whose handshake was not seen ("picked up").
  bool loose = false;
  // At depth kLinux and above: segments outside the window pass (tcp_be_liberal).
  bool liberal = false;
  TcpInvalid invalid = TcpInvalid::kDrop;
  TcpOnReset on_reset = TcpOnReset::kTransitory;
  TcpIdle idle = TcpIdle::kSilent;
  int retransmissions_max = 3;  // see TcpTimeouts::retransmitted
  TcpTimeouts timeouts = {};
  friend bool operator==(const TcpTracking&, const TcpTracking&) = default;
};

const char* ToString(TcpDepth value);
const char* ToString(TcpInvalid value);
const char* ToString(TcpOnReset value);
const char* ToString(TcpIdle value);

}  // namespace pinhole::sim
