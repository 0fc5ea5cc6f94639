#include "sim/record/drop_log.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "sim/nat/tcp_tracker.h"

namespace pinhole::sim {

void DropLog::Add(const DropRecord& record) {
  ++by_rule_[static_cast<std::size_t>(record.rule)];
  ++by_node_[{record.node, record.rule}];
  ++total_;
  if (records_.size() < limit_) {
    records_.push_back(record);
  } else if (limit_ != 0) {
    records_[first_] = record;
    first_ = (first_ + 1) % limit_;
  }
}

std::vector<DropLog::NodeCount> DropLog::CountsByNode() const {
  std::vector<NodeCount> counts;
  counts.reserve(by_node_.size());
  for (const auto& [key, packets] : by_node_) counts.push_back({key.first, key.second, packets});
  std::sort(counts.begin(), counts.end(),
            [](const NodeCount& a, const NodeCount& b) { return std::tie(a.node, a.rule) < std::tie(b.node, b.rule); });
  return counts;
}

namespace {

std::string FlagsOrNone(std::uint8_t flags) { return flags == 0 ? "no flags" : TcpFlagNames(flags); }

}  // namespace

std::string DescribeState(const DropRecord& record) {
  const DropState& state = record.state;
  switch (record.rule) {
    case Rule::kLinkLoss:
      return absl::StrCat("the link's packet ", state.number);
    case Rule::kFault:
      return absl::StrCat("packet ", state.number, " of its class, lost on purpose");
    case Rule::kQueueFull:
      return absl::StrCat(state.number, " of ", state.limit, " bytes queued");
    case Rule::kTooBig:
    case Rule::kNeedsFragments:
      return absl::StrCat(state.number, " bytes, MTU ", state.limit);
    case Rule::kNoRoute:
      return absl::StrCat("no route to ", state.endpoint.address().ToString());
    case Rule::kNoNeighbour:
      return absl::StrCat("nobody there is ", state.endpoint.address().ToString());
    case Rule::kNoMapping:
      return absl::StrCat("nothing is mapped to ", state.endpoint.ToString());
    case Rule::kFilteredAddress:
    case Rule::kFilteredPort:
      return absl::StrCat(state.endpoint.ToString(), record.rule == Rule::kFilteredAddress
                                                         ? " has not sent to that address"
                                                         : " has not sent to that address and port");
    case Rule::kPortExhausted:
    case Rule::kMappingLimit:
      return absl::StrCat(state.number, " of ", state.limit, " in use, none left for ", state.endpoint.ToString());
    case Rule::kTcpOutOfWindow:
    case Rule::kTcpSequenceTooHigh:
    case Rule::kTcpSequenceTooLow:
    case Rule::kTcpResetNumber:
      return absl::StrCat("sequence number ", state.number, ", bound ", state.limit);
    case Rule::kTcpBacklogFull:
      return absl::StrCat(state.number, " of ", state.limit, " handshakes under way");
    case Rule::kTcpBadAck:
    case Rule::kTcpSynAckNumber:
    case Rule::kTcpAckTooHigh:
    case Rule::kTcpAckTooLow:
      return absl::StrCat("acknowledgment ", state.number, ", bound ", state.limit);
    case Rule::kTcpState:
    case Rule::kSimultaneousOpen:
      return absl::StrCat(FlagsOrNone(static_cast<std::uint8_t>(state.number)), " in ",
                          ToString(static_cast<TcpTrackerState>(state.limit)));
    default:
      break;
  }
  return state.endpoint == net::SocketAddress() ? std::string() : state.endpoint.ToString();
}

}  // namespace pinhole::sim
