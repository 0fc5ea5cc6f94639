#pragma once

#include <vector>

#include "scenarios/oracle/model.h"
#include "scenarios/oracle/passage.h"
#include "scenarios/oracle/prediction.h"
#include "scenarios/oracle/reachability.h"

// Finds the TCP connections that two sides get, for one order of their SYNs. It exists beside reachability.h because
// TCP has an order that matters: an answer to a SYN can end an attempt, and UDP has no such answer.
//
// The rule: both sides know each other's TCP candidates (RFC 6544 §6.2, §7.1). An active candidate connects to a
// passive one from a port of its own. Simultaneous-open candidates connect to each other from the ports that they
// listen on. Each connection is one attempt. The attempt sends its SYN again and again until the other side accepts it
// or somebody refuses it. A round sends one SYN of each attempt; rounds are repeated until no attempt and no box
// changes.
namespace pinhole::scenarios::oracle {

// Why an attempt failed.
struct TcpLoss {
  int side = 0;  // the side whose attempt it is
  Loss loss;
  Refusal told = Refusal::kSilent;
  std::optional<int> sender_box;  // the last box that translated the source of the SYN
  friend bool operator==(const TcpLoss&, const TcpLoss&) = default;
};

struct TcpReached {
  Gathered a;
  Gathered b;
  // Kinds of path of the connections that were made, sorted, each once.
  std::vector<PathKind> direct;
  bool at_once = false;  // at least one connection is made with the first SYN
  // Not 0 if every connection has the same problem: its SYN is answered from a port whose own SYN was refused before,
  // and a box still remembers the sequence number of the refused SYN. The value is the time from the SYN to the answer.
  // It matters because the sequence number of the answer grows with time. 0: at least one connection has no such
  // problem.
  net::Duration renumbered{};
  // Arguments for IsPossible().
  net::Duration into_a{};
  net::Duration into_b{};
  // How long the box of a side waits before it refuses a SYN.
  net::Duration hold_a{};
  net::Duration hold_b{};
  net::Duration direct_delay{};  // one-way delay of the fastest connection
  int attempts_max = 0;          // of the side with more attempts
  std::vector<TcpLoss> losses;   // each once
  // Boxes that let a SYN in, but through which the answer leaves from another address.
  std::vector<int> answers_elsewhere;
  bool unsettled = false;  // attempts are refused and tried again without end
};

// With `in_time`, a box that delays its refusals (hold) sees the SYN of its own host before it sends a refusal, and so
// does not send it. Without `in_time`, the refusal is sent. It makes a difference for the side whose SYNs come first.
TcpReached ExploreTcp(const Model& model, Order order, bool in_time, Pooling pooling);

}  // namespace pinhole::scenarios::oracle
