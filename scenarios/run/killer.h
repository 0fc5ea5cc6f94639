#pragma once

#include <optional>
#include <string>

#include "scenarios/oracle/outcome.h"
#include "scenarios/results.pb.h"
#include "scenarios/run/cell_run.h"
#include "scenarios/run/packet_book.h"
#include "sim/record/drop_log.h"

// Finds the killer: the one dropped packet that ended a failed trial, with the node and the rule that dropped it. Many
// packets are dropped in a failed run, and most of them do not explain the failure. Therefore the trial selects the
// dropped packets that it needed and says how far each one had come. The search keeps the packet that came furthest.
namespace pinhole::scenarios {

// How far a packet had come when it was dropped. The order is from least to most.
enum class Reach : std::uint8_t {
  kHopeless,         // no state of any filter could have let the packet through (IsHopeless())
  kKeptOut,          // a filter did not let the packet in
  kRefused,          // a NAT or firewall answered the packet with RST or ICMP, which ended the attempt
  kCrossingRefused,  // the packet is a SYN that crossed the other side's SYN and was refused
  kLetIn,            // the packet answers a packet that had been let in
};

// A dropped packet that mattered to a trial, and the node and rule that dropped it.
struct Killer {
  KilledBy by;
  // Absent if no packet was dropped, but an answer came from another port than the one to which the request was sent.
  // `by` then has the NAT that changed the port, the rule "answers_from_another_port" and the kind "mapping".
  std::optional<sim::DropRecord> drop;
};

// Keeps the packet with the highest reach. Of several packets with reach kHopeless or kKeptOut it keeps the last one,
// because the filter then knew most. Of several packets with one higher reach it keeps the first one, because the other
// losses followed from it.
class KillerSearch {
 public:
  // Offers a dropped packet. `moved` means that the packet came from another endpoint than the one that its sender had
  // signalled. Of two packets with the same reach, a moved one is kept, because it explains more.
  // `killer.drop` must have a value.
  void Show(const Killer& killer, Reach reach, bool moved = false);
  // Offers a reason without a dropped packet. It is used only if no shown packet has a reach above kHopeless.
  void ShowWithoutDrop(const Killer& killer) { without_drop_ = killer; }

  // nullopt: nothing was offered.
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

// Returns the killer of one trial of a finished run. nullopt: no packet that the trial needed was dropped. `book` may
// be null, as in Trial::ShowDrops().
std::optional<Killer> FindKiller(const CellRun& run, const PacketBook* book, const Trial& trial);

// Makes a Killer of a dropped packet: it fills in the node, the rule and the kind of the rule.
Killer KillerBy(const CellRun& run, const sim::DropRecord& drop);

// Returns the kind of behavior to which the rule belongs (RFC 4787 §4 and §5, RFC 5382): "mapping", "filtering",
// "simultaneous_open", "tcp_state", "sequence_number", "host", "firewall", "link", "route".
const char* KindOf(const CellRun& run, const sim::DropRecord& drop);

// True if no state of any filter could have let the packet through: no route leads to its destination, no host has the
// destination address, no program listens there, or a box passes no packets of this kind at all. False for a packet to
// an external address of a NAT that the NAT itself refuses: such a packet would pass if the NAT had a mapping.
bool IsHopeless(const CellRun& run, const sim::DropRecord& drop);

// Names a TCP segment by its flags, such as "SYN,ACK". PSH is left out, because no drop rule depends on it.
std::string SegmentName(std::uint8_t flags);
// Names a dropped packet: a TCP segment as SegmentName() does, any other packet as "datagram".
std::string PacketName(const sim::DropRecord& drop);

// "retransmitted_check 198.51.100.1:5000 > 203.0.113.2:6000 dropped at home_b: filtered_port (state of the filter)".
std::string Describe(const CellRun& run, const sim::DropRecord& drop);

void FillKilled(const CellRun& run, const Killer& killer, proto::Killed* result);

}  // namespace pinhole::scenarios
