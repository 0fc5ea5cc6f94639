#pragma once

#include <cstdint>
#include <string>

#include "scenarios/oracle/model.h"
#include "scenarios/oracle/prediction.h"
#include "scenarios/scenario.pb.h"

// Predicts the outcome of a punching: a technique for TCP (or UDP) hole punching without ICE. It is a closed form, so
// that each cell of the technique matrices has an expectation that does not come from the simulation.
//
// The rule: for each technique, follow the segments that it needs through the NATs and hosts in turn, by RFC 9293 §3.5
// and RFC 9293 §3.10.7, RFC 5382 and, for low TTLs, RFC 9293 §3.9.2.2. The table at PredictPunching() says
// which property decides, and which property leaves the outcome open.
//
// The depth of a NAT's TCP tracking decides only in three cases: the NAT reads no flags, so that no RST deletes an
// entry; it remembers a window, and the sequence number of a listener may be outside it; or it rewrites sequence
// numbers. All other segments of the techniques are what a tracker expects.
namespace pinhole::scenarios::oracle {

// How a NAT answers the sender of a SYN that it does not let in.
enum class Answer : std::uint8_t { kNone, kReset, kIcmp };

// A host and the NAT in front of it.
struct PunchingHome {
  std::string host;
  std::string nat;
  NatBehavior udp;
  TcpBehavior tcp;
  Answer unsolicited = Answer::kNone;  // sent when the hold ends; soft ICMP errors count too
  bool rewrites_numbers = false;
  bool gives_up = false;  // a soft ICMP error ends a connect
};

struct PunchingModel {
  proto::Punching::Technique technique = proto::Punching::SIMULTANEOUS_OPEN;
  PunchingHome a;
  PunchingHome b;
  bool several_tries = false;
  bool also_listens = false;   // both sides also listen during a simultaneous open
  bool tells_exceeded = true;  // the core reports an expired TTL
  bool forges = true;          // the rendezvous may forge segments, and its network lets them out
  // Why the topology is not two homes on one internet, such as "home_a is behind another NAT". Empty: it is, and the
  // rules apply.
  std::string beyond;
  // Why the two sides may not act at the same time, or why a packet may be lost, such as "timing_error_us" or
  // "alice.eth0 loses packets". Empty: neither.
  std::string disturbed;
  // For SYN_THEN_LISTEN. `answer_time` is from the arrival of A's SYN at B's NAT to the arrival of B's SYN there.
  // `reopen_time` is from A's SYN to the SYN,ACK of A's listener.
  net::Duration answer_time{};
  net::Duration reopen_time{};
};

// Predicts DIRECT, FAILED, or both. If both are possible, the outcome depends, and the reason says on which property.
// With disturbed timing, loss or several tries, an outcome is still certain if these cannot change it.
//
//                          decided by                                              left open by
//   all                    the peer's endpoint differs from the signalled one      who answers from that endpoint
//   CONNECT                home_b: lets strangers in                               who is first
//   SIMULTANEOUS_OPEN      both: let in a SYN that crosses their own               who is first; only one NAT refuses
//   SYN_THEN_LISTEN        home_b: its answer; home_a: whether the answer deletes  who is first; home_b lets
//                          the entry of the SYN                                    strangers in
//   LOW_TTL_SYN            hosts: ignore "time exceeded"; then as SIMULTANEOUS...  who is first
//   FORGED_GUESSED_NUMBER  always fails, because the number is wrong               -
//   FORGED_EXCHANGED_...   rendezvous: can forge; NATs: keep the entry and the     who is first
//                          number; hosts: ignore "time exceeded"
Prediction PredictPunching(const PunchingModel& punching);

}  // namespace pinhole::scenarios::oracle
