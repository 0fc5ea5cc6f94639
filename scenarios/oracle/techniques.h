#pragma once

#include <cstdint>
#include <string>

#include "scenarios/oracle/model.h"
#include "scenarios/oracle/prediction.h"
#include "scenarios/scenario.pb.h"

// Techniques beside ICE, in closed form: technique by technique what each NAT and host in turn does with the segments
// that it needs, by RFC 9293 §3.5 and §3.10.7, RFC 5382 and, of low TTLs, RFC 9293 §3.9.2.2.
//
//                          decided by                                            and left open by
//   all                    a told endpoint that is not the one used              whoever then answers from it
//   CONNECT                home_b: lets strangers in                             who is first
//   SIMULTANEOUS_OPEN      both: let SYNs that cross in                          who is first; one alone that does not
//   SYN_THEN_LISTEN        home_b's answer, and whether it ends home_a's entry   who is first; a stranger that gets in
//   LOW_TTL_SYN            hosts: bear a time exceeded; then as both open        who is first
//   FORGED_GUESSED_NUMBER  nothing: the number is wrong                          -
//   FORGED_EXCHANGED_...   the rendezvous: may forge; NATs: keep the entry and   who is first
//                          the number; hosts: bear a time exceeded
//
// How deep a NAT's tracking goes decides only where it reads no flags, so that no RST ends an entry, remembers a window
// that a listener's number may be beyond, or rewrites numbers. All else that is sent here is what a tracker expects.
namespace pinhole::scenarios::oracle {

// What the sender of a SYN that is not let in is told.
enum class Answer : std::uint8_t { kNone, kReset, kIcmp };

// A host and the NAT that it is behind.
struct PunchingHome {
  std::string host;
  std::string nat;
  NatBehavior udp;
  TcpBehavior tcp;
  Answer unsolicited = Answer::kNone;  // at last, whatever `tcp` makes of it: kind of error and hold
  bool rewrites_numbers = false;
  bool gives_up = false;  // a connect ends with a soft ICMP error
};

struct Punching {
  proto::Punching::Technique technique = proto::Punching::SIMULTANEOUS_OPEN;
  PunchingSide a;
  PunchingSide b;
  bool several_tries = false;
  bool also_listens = false;   // both, beside a simultaneous open
  bool tells_exceeded = true;  // the core, of a TTL that ran out
  bool forges = true;          // the rendezvous may, and its segments get out
  // Who is not the two homes that the rules are about, such as "home_a is behind another NAT"; empty: nobody.
  std::string beyond;
  // What keeps the sides from acting at one time, or a packet from coming: "timing_error_us", "loss on alice.eth0".
  std::string disturbed;
  // SYN_THEN_LISTEN: from A's SYN at B's NAT to B's there; and from A's SYN to the SYN,ACK of its listener.
  net::Duration answer_time{};
  net::Duration reopen_time{};
};

// DIRECT, FAILED, or either: it depends, and the reason says on what. An outcome that holds at any timing, loss and
// number of tries is told of those that have them, too.
Prediction PredictPunching(const PunchingModel& punching);

}  // namespace pinhole::scenarios::oracle
