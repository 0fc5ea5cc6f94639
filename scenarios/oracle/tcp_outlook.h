#pragma once

#include <string>
#include <vector>

#include "scenarios/oracle/beginnings.h"
#include "scenarios/oracle/model.h"
#include "scenarios/oracle/prediction.h"
#include "scenarios/oracle/tcp_reachability.h"

// Whether two sides come to a TCP connection, over all orders in which their SYNs may be under way.
//
// Where every box is silent to what it does not let in, order decides nothing: a SYN is sent again until it gets in. A
// box that refuses ends the attempt, and with it goes what the sender's own box knew; so a pair lives or dies by
// whether the other's SYN comes to the box before its own host's has left by it. RFC 5382 §4.3 REQ-4's hold is what a
// box adds to that time.
namespace pinhole::scenarios::oracle {

class TcpOutlook {
 public:
  // REQUIRES: `model` outlives it.
  explicit TcpOutlook(const Model& model);

  Gathered a() const { return draws_.empty() ? Gathered{} : draws_.front().reached.a; }
  Gathered b() const { return draws_.empty() ? Gathered{} : draws_.front().reached.b; }
  int attempts_max() const { return draws_.empty() ? 0 : draws_.front().reached.attempts_max; }

  // Leaves out the orders that cannot be; what is told afterwards is of the others. `beginnings`: of checks over UDP,
  // where a side gives these a head start.
  void Narrow(Beginnings beginnings);

  Existence direct() const;
  std::vector<PathKind> paths() const;
  bool by_order() const { return Varies(false); }
  bool by_pool() const { return Varies(true); }
  // A refused connection is tried again, and whether the two sides ever meet is a matter of moments.
  bool unsettled() const;
  // From the first SYN until both sides are connected, at most.
  net::Duration Takes() const;

  // What stops it: mapping, filtering, RST or ICMP to a SYN, simultaneous open refused.
  std::string WhyNot() const;
  // "home_a answers a SYN with RST", of the boxes by which order matters; empty: none does.
  std::string WhoRefuses() const;

 private:
  struct Draw {
    Order order;
    bool in_time;
    Pooling pooling;
    TcpReached reached;
    bool connects = false;  // what there is in `reached` comes about in time
    bool unsure = false;    // or may not
  };
  bool Varies(bool by_pooling) const;
  std::string WhyNot(const TcpLoss& loss) const;

  const Model& model_;
  std::vector<Draw> draws_;
};

}  // namespace pinhole::scenarios::oracle
