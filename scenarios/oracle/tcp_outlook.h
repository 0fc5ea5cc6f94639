#pragma once

#include <string>
#include <vector>

#include "scenarios/oracle/beginnings.h"
#include "scenarios/oracle/model.h"
#include "scenarios/oracle/prediction.h"
#include "scenarios/oracle/tcp_reachability.h"

// Predicts whether two sides get a TCP connection, over all orders in which their SYNs may be under way.
// tcp_reachability.h explores one order; this class explores all of them and combines the results.
//
// The rule: where no box answers a SYN that it drops, the order decides nothing, because a SYN is sent again until it
// gets in. Where a box answers with a RST or an ICMP error, the answer ends the attempt, and may delete the entry in
// the sender's own box. Then a pair connects only if the box has seen its own host's SYN before the other side's SYN
// arrives. The hold of RFC 5382 §4.3 REQ-4 gives the host that much more time. If all possible orders give the same
// result, it is certain; otherwise it depends on the order.
namespace pinhole::scenarios::oracle {

class TcpOutlook {
 public:
  // REQUIRES: `model` outlives the TcpOutlook.
  explicit TcpOutlook(const Model& model);

  Gathered a() const { return draws_.empty() ? Gathered{} : draws_.front().reached.a; }
  Gathered b() const { return draws_.empty() ? Gathered{} : draws_.front().reached.b; }
  int attempts_max() const { return draws_.empty() ? 0 : draws_.front().reached.attempts_max; }

  // Removes the orders that cannot occur; the functions below then speak of the remaining ones. `beginnings` is when
  // the checks over UDP begin. Checks over TCP begin later by the side's head start for UDP.
  void Narrow(Beginnings beginnings);

  Existence direct() const;
  std::vector<PathKind> paths() const;
  bool by_order() const { return Varies(false); }
  bool by_pool() const { return Varies(true); }
  // True if a refused connection is tried again, so that only the exact timing decides whether the two sides ever meet.
  bool unsettled() const;
  // Upper bound of the time from the first SYN until both sides are connected.
  net::Duration Takes() const;

  // Why there is no connection: mapping, filtering, a RST or ICMP error in answer to a SYN, or a refused simultaneous
  // open.
  std::string WhyNot() const;
  // Names the boxes that make the order matter, such as "home_a answers a SYN with RST". Empty: no box answers SYNs.
  std::string WhoRefuses() const;

 private:
  struct Draw {
    Order order;
    bool in_time;
    Pooling pooling;
    TcpReached reached;
    bool connects = false;  // the connections of `reached` are made, sequence numbers included
    bool unsure = false;    // it is not certain that they are made
  };
  bool Varies(bool by_pooling) const;
  std::string WhyNot(const TcpLoss& loss) const;

  const Model& model_;
  std::vector<Draw> draws_;
};

}  // namespace pinhole::scenarios::oracle
