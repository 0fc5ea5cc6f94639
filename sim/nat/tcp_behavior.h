#pragma once

#include <cstdint>
#include <optional>

#include "net/time.h"

// How closely a NAT or firewall follows TCP connections, as data (RFC 5382, 7857, 6092, and nf_conntrack).
namespace pinhole::sim {

// The ladder: each depth includes the ones above it, except that kLinux does more with the same windows.
enum class TcpDepth : std::uint8_t {
  kAddresses,     // T0: a segment is a packet between two endpoints; flags are not read
  kFlags,         // T1: flags move a state machine, and what it has no way on for is invalid
  kSynAckNumber,  // T2: the SYN,ACK that answers a SYN must acknowledge its number + 1 (in SYN_SENT and SYN_SENT2, and
                  // of two that cross the second; a later one has nothing to answer and passes unread)
  kWindow,        // T3: four window bounds, by windows as they stand in the header, without scaling
  kLinux,         // T4: with scaling where both offered it, SACK, and rules for RST (nf_conntrack_proto_tcp.c)
  kRewritesIsn,   // T5: as T4, and each side's sequence numbers are shifted by a random offset (pf, modulate state)
};

// What becomes of a segment that the tracking refuses, or that from inside belongs to no connection.
enum class TcpInvalid : std::uint8_t {
  kDrop,
  kReset,  // dropped, and a RST tells the sender
  kInput,  // from outside it is for the box itself, as what is unsolicited; from inside dropped
  kLeak,   // from outside as kInput; from inside it is forwarded untranslated, with its inside source
};

// What a RST that is not refused does to the session.
enum class TcpOnReset : std::uint8_t {
  kClose,       // state CLOSE, timeouts.close; where nothing but the RST ever came back, it is forgotten at once
  kForget,      // it is forgotten at once
  kTransitory,  // it lives on for timeouts.close, and any other segment undoes this (RFC 6146 §3.5.2.2, RFC 7857 §2.2)
  kIgnore,      // nothing
};

// What a NAT says about an established connection that it forgot for being idle.
enum class TcpIdle : std::uint8_t {
  kSilent,     // nothing: later segments belong to no connection
  kResetLate,  // a RST answers the first segment from inside that belongs to no connection, and each later one
  kResetBoth,  // a RST goes to both ends at the moment it is forgotten
};

// How long a session lives after the last segment that counted, by the state that this one left. A session is
// dead at the very end of its time. Defaults are RFC 5382 §5 REQ-5's, by which a connection of which one half still
// runs is established: only when both ends have sent FIN does its closing, and so the transitory time, begin
// (RFC 7857 §2, figure 1; RFC 6092 §3.3.1).
struct TcpTimeouts {
  net::Duration syn_sent = std::chrono::seconds(240);
  net::Duration syn_received = std::chrono::seconds(240);
  net::Duration established = std::chrono::seconds(7440);
  net::Duration fin_wait = std::chrono::seconds(7440);
  net::Duration close_wait = std::chrono::seconds(7440);
  net::Duration last_ack = std::chrono::seconds(240);
  net::Duration time_wait = std::chrono::seconds(240);
  net::Duration close = std::chrono::seconds(240);
  // From kLinux on, where shorter: while one side's data is not acknowledged, and while nothing has come back to a
  // connection that was picked up.
  std::optional<net::Duration> unacknowledged = std::nullopt;
  // From kLinux on, where shorter: after retransmissions_max segments that are the same, or a window of 0.
  std::optional<net::Duration> retransmitted = std::nullopt;
  friend bool operator==(const TcpTimeouts&, const TcpTimeouts&) = default;
};

struct TcpTracking {
  TcpDepth depth = TcpDepth::kFlags;
  // A SYN that crosses the inside host's own is let in (RFC 5382 §4.2 REQ-2a). Without, it is unsolicited.
  bool simultaneous_open = true;
  // A connection may be picked up in its middle, by an ACK.
  bool loose = false;
  // From kLinux on: segments outside the window pass (tcp_be_liberal).
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
