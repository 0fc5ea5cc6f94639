#pragma once

#include <cstdint>
#include <optional>

#include "net/time.h"

namespace pinhole::sim {

// The options of one connection, fixed when it is made. The comment of a default names its source.
struct TcpConnectionOptions {
  // The MSS that the SYN announces: the MTU less the fixed IP and TCP headers (RFC 9293 §3.7.1). A segment that we send
  // carries at most this many bytes of TCP options and data. At least 64.
  std::uint16_t mss_bytes = 1460;
  // The MSS of a peer whose SYN has no such option (RFC 9293 §3.7.1): 536 for IPv4, 1220 for IPv6.
  std::uint16_t default_mss_bytes = 536;

  // Each buffer is allocated once, when it is first needed. At least 1 byte, at most 2^30 - 1. No window larger than
  // 65535 shifted by the window scale in use is offered.
  std::uint32_t receive_buffer_bytes = 65536;
  std::uint32_t send_buffer_bytes = 65536;

  // The window scale that the SYN offers, 0 to 14. It is used only if the peer offers one too (RFC 7323 §2.2). A
  // smaller scale is offered if the receive buffer would hold fewer than 64 units of the window field.
  std::optional<std::uint8_t> window_scale = std::uint8_t{7};
  bool sack_permitted = true;  // offered in the SYN; blocks are sent if the peer offers SACK too (RFC 2018)

  net::Duration rto_initial = std::chrono::seconds(1);  // RFC 6298 (2.1); 3 s before 2011
  net::Duration rto_min = std::chrono::seconds(1);      // RFC 6298 (2.4); Linux 200 ms
  net::Duration rto_max = std::chrono::seconds(60);     // RFC 6298 (2.5); Linux 120 s

  // R2 of RFC 9293 §3.8.3, as a number of retransmissions of the same segment. The connection is given up one timeout
  // after the last of them. With rto_initial of 1 s and rto_max of 60 s, 7 retransmissions of a SYN take 183 s
  // (MUST-23: at least 3 minutes). Linux has 6.
  int syn_retransmissions_max = 7;
  int data_retransmissions_max = 15;
  // The connection is given up when sent or written bytes have made no progress for this long (RFC 9293 §3.9.1.1). 0:
  // never.
  net::Duration user_timeout{};

  net::Duration time_wait = std::chrono::seconds(60);           // 2 MSL: 4 minutes by RFC 9293 §3.4.2, 60 s in Linux
  net::Duration fin_wait_2_timeout = std::chrono::seconds(60);  // after Close(), not FinishWriting(); 0: never

  // Keepalives (RFC 9293 §3.8.4). After `keepalive_time` of silence, probes are sent an interval apart. After
  // `keepalive_probes` without an answer the connection is given up. `keepalive_time` 0: no keepalives, the default.
  // The usual time is 2 hours (MUST-28).
  net::Duration keepalive_time{};
  net::Duration keepalive_interval = std::chrono::seconds(75);
  int keepalive_probes = 9;

  // The longest time that an ACK waits, for data to be sent with it or for a second segment (RFC 9293 §3.8.6.3). Less
  // than 500 ms; 0: an ACK never waits.
  net::Duration delayed_ack = std::chrono::milliseconds(40);
  bool nagle = true;  // RFC 9293 §3.7.4

  // Initial congestion window in segments (RFC 6928: 10, at most max(14600 bytes, 2 segments)). 0: the number of bytes
  // in RFC 5681 §3.1. The window is always one segment if a SYN or SYN,ACK had to be sent again.
  int initial_window_segments = 10;

  // RFC 5961 §7: the most challenge ACKs that are sent in `challenge_ack_interval`. ACKs that answer segments without
  // data outside the window count as challenge ACKs.
  int challenge_acks_max = 10;
  net::Duration challenge_ack_interval = std::chrono::seconds(5);

  // Whether a soft ICMP error ends a connection that is not established yet (RFC 9293 §3.9.2.2 forbids it, and notes
  // that many stacks do it).
  bool soft_errors_abort_connect = false;
  // Whether a hard ICMP error ends an established connection. RFC 9293 SHLD-26 asks for it. Linux and others ignore the
  // error, because it may be forged (RFC 5927 §5).
  bool hard_errors_abort_established = false;
};

}  // namespace pinhole::sim
