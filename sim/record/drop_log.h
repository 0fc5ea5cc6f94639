#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "net/packet_class.h"
#include "net/time.h"
#include "sim/packet/node_id.h"
#include "sim/packet/packet.h"
#include "sim/packet/rule.h"

namespace pinhole::sim {

// One dropped packet: when, where and why it was dropped.
struct DropRecord {
  net::Instant at;
  NodeId node{};  // where the packet ended; for a loss on a link, the sending node
  Rule rule = Rule::kNone;
  net::PacketClass packet_class = net::PacketClass::kOther;
  IpProtocol protocol = IpProtocol::kUdp;
  std::uint8_t tcp_flags = 0;  // of a TCP segment (sim/packet/tcp_header.h)
  PacketId packet = PacketId::kNone;
  net::SocketAddress emitted_source;  // as its sender sent it
  net::SocketAddress emitted_destination;
  net::SocketAddress source;  // as it was when it ended
  net::SocketAddress destination;
  DropState state;
};

// The state of a drop in words, such as "10.0.0.2:40000 has not sent to that address". Empty if the rule has no state.
std::string DescribeState(const DropRecord& record);

// The latest drops of a run, up to a limit, and the numbers of all drops by rule and node. Memory is allocated only
// until the limit is reached, and for the first drop of each rule at each node.
class DropLog {
 public:
  struct NodeCount {
    NodeId node;
    Rule rule;
    std::uint64_t packets;
    friend bool operator==(const NodeCount&, const NodeCount&) = default;
  };

  explicit DropLog(std::size_t limit) : limit_(limit) {}

  void Add(const DropRecord& record);

  // The records that are kept, oldest first.
  std::size_t size() const { return records_.size(); }
  const DropRecord& at(std::size_t index) const { return records_[(first_ + index) % records_.size()]; }

  std::uint64_t count(Rule rule) const { return by_rule_[static_cast<std::size_t>(rule)]; }
  // The numbers of drops, sorted by node, then by rule.
  std::vector<NodeCount> CountsByNode() const;
  std::uint64_t total() const { return total_; }
  // Whether there were more drops than are kept.
  bool cut() const { return total_ > records_.size(); }

 private:
  std::size_t limit_;
  std::size_t first_ = 0;
  std::vector<DropRecord> records_;
  std::array<std::uint64_t, kRuleCount> by_rule_ = {};
  absl::flat_hash_map<std::pair<NodeId, Rule>, std::uint64_t> by_node_;
  std::uint64_t total_ = 0;
};

}  // namespace pinhole::sim
