#pragma once

#include <optional>
#include <string>

#include "scenarios/oracle/outcome.h"
#include "scenarios/results.pb.h"
#include "scenarios/run/cell_run.h"
#include "scenarios/run/packet_book.h"
#include "sim/record/drop_log.h"

// What ended a trial that failed: of the many packets that were dropped, one packet, and so one node and one rule. The
// trial says which dropped packets matter to it and how far each had come; the search keeps the one that came furthest.
namespace pinhole::scenarios {

// How far a packet had come when it was dropped, from least to most.
enum class Reach : std::uint8_t {
  kHopeless,         // no state of any filter could have let it through
  kKeptOut,          // a filter did not let it in
  kRefused,          // a box answered it with RST or ICMP, which ended the attempt
  kCrossingRefused,  // a SYN that crossed the other side's SYN and was refused
  kLetIn,            // an answer to something that had been let in
};

// A dropped packet that mattered, and the name of what dropped it.
struct Killer {
  KilledBy by;
  // The packet. Absent where nothing was dropped, but an answer came from another port than was asked: then the kind is
  // "mapping", the rule "answers_from_another_port", and the node the NAT that gave it that port.
  std::optional<sim::DropRecord> drop;
};

// Keeps the packet that came furthest. Of two that were kept out it keeps the last one, because the state of the filter
// was then most complete; of two that came further it keeps the first one, because the rest followed from it.
class KillerSearch {
 public:
  // `moved`: the packet came from another endpoint than its sender had told the other side, which tells more than the
  // same reach without.
  void Show(const Killer& killer, Reach reach, bool moved = false);
  // A reason without a dropped packet. It counts where no packet came further than kHopeless.
  void ShowWithoutDrop(const Killer& killer) { without_drop_ = killer; }

  // nullopt: nothing was shown.
  std::optional<Killer> Result() const;

 private:
  struct Found {
    Killer killer;
    Reach reach;
    bool moved;
  };
  std::optional<Found> best_;
  std::optional<Killer> without_drop_;
};

// What ended the trial, of a finished run. nullopt: no packet that mattered was dropped. `book` may be null (Trial).
std::optional<Killer> FindKiller(const CellRun& run, const PacketBook* book, const Trial& trial);

// The dropped packet as a Killer: where, by which rule, and of what kind.
Killer KillerBy(const CellRun& run, const sim::DropRecord& drop);

// The kind of behavior that a packet was dropped by (RFC 4787 §4 and §5, RFC 5382): "mapping", "filtering",
// "simultaneous_open", "tcp_state", "sequence_number", "host", "firewall", "link", "route".
const char* KindOf(const CellRun& run, const sim::DropRecord& drop);

// True if no state of any filter could have let the packet through, because no route leads to its destination or nobody
// is there. A packet that a NAT's own input refuses on an outside address is not hopeless: a mapping would let it in.
bool IsHopeless(const CellRun& run, const sim::DropRecord& drop);

// "SYN,ACK": a TCP segment by its flags, without PSH, which no rule asks for.
std::string SegmentName(std::uint8_t flags);
// The same of a dropped TCP segment; "datagram" for any other packet.
std::string PacketName(const sim::DropRecord& drop);

// "retransmitted_check 198.51.100.1:5000 > 203.0.113.2:6000 dropped at home_b: filtered_port, ...".
std::string Describe(const CellRun& run, const sim::DropRecord& drop);

void FillKilled(const CellRun& run, const Killer& killer, proto::Killed* result);

}  // namespace pinhole::scenarios
