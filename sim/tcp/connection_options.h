#pragma once

#include <cstdint>
#include <optional>

#include "net/time.h"

namespace pinhole::sim {

// What a connection is told once, when it is made. Times are for one connection; a default says where it is from.
struct TcpConnectionOptions {
  // Announced in the SYN, and the most data that a segment carries less the options in its header: the MTU less the
  // fixed IP and TCP headers (RFC 9293 §3.7.1). At least 64.
  std::uint16_t mss_bytes = 1460;
  // Taken for the peer's MSS when its SYN has none (RFC 9293 §3.7.1): 536 for IPv4, 1220 for IPv6.
  std::uint16_t default_mss_bytes = 536;

  // Each is allocated once, when it is first needed. At least 1 byte, at most 2^30 - 1; what is beyond 65535 shifted
  // by the window scale in use is never offered.
  std::uint32_t receive_buffer_bytes = 65536;
  std::uint32_t send_buffer_bytes = 65536;

  // Offered in the SYN; used only if the peer offers one too (RFC 7323 §2.2): 0 to 14. Less is offered if the receive
  // buffer would be fewer than 64 units of it.
  std::optional<std::uint8_t> window_scale = std::uint8_t{7};
  bool sack_permitted = true;  // offered; blocks are sent if the peer offers it too (RFC 2018)

  net::Duration rto_initial = std::chrono::seconds(1);  // RFC 6298 (2.1); 3 s before 2011
  net::Duration rto_min = std::chrono::seconds(1);      // RFC 6298 (2.4); Linux 200 ms
  net::Duration rto_max = std::chrono::seconds(60);     // RFC 6298 (2.5); Linux 120 s

  // R2 of RFC 9293 §3.8.3, as a number of retransmissions of the same segment: one timeout after the last of them the
  // connection is given up. 7 of a SYN are 183 s with the times above (MUST-23: 3 minutes), 6 are Linux's.
  int syn_retransmissions_max = 7;
  int data_retransmissions_max = 15;
  // Gives up when what was sent or written has made no progress for so long (RFC 9293 §3.9.1.1); 0: never.
  net::Duration user_timeout{};

  net::Duration time_wait = std::chrono::seconds(60);           // 2 MSL: 4 minutes by RFC 9293 §3.4.2, 60 s in Linux
  net::Duration fin_wait_2_timeout = std::chrono::seconds(60);  // after Close(), not FinishWriting(); 0: never

  // RFC 9293 §3.8.4. `keepalive_time` of silence, then probes an interval apart, until `keepalive_probes` are not
  // answered. 0: off, its default; who wants them and does not know better says 2 hours.
  net::Duration keepalive_time{};
  net::Duration keepalive_interval = std::chrono::seconds(75);
  int keepalive_probes = 9;

  // An ACK waits so long for company, or for a second segment (RFC 9293 §3.8.6.3): less than 500 ms; 0: never waits.
  net::Duration delayed_ack = std::chrono::milliseconds(40);
  bool nagle = true;  // RFC 9293 §3.7.4

  // Initial congestion window in segments (RFC 6928: 10, at most max(14600 bytes, 2 segments)); 0: the bytes of RFC
  // RFC 5681 §3.1. One segment, whatever is said here, once a SYN or SYN,ACK had to be sent again.
  int initial_window_segments = 10;

  // RFC 5961 §7: at most so many challenge ACKs, and ACKs that answer segments without data that are out of the window,
  // in `challenge_ack_interval`.
  int challenge_acks_max = 10;
  net::Duration challenge_ack_interval = std::chrono::seconds(5);

  // Whether a soft ICMP error ends a connection that is not established yet (RFC 9293 §3.9.2.2 forbids it, and notes
  // that many stacks do it).
  bool soft_errors_abort_connect = false;
  // Whether a hard one ends a connection that is established: SHLD-26 would have it so; Linux and others do not let it,
  // since it may be forged (RFC 5927 §5).
  bool hard_errors_abort_established = false;
};

}  // namespace pinhole::sim
