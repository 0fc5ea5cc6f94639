#pragma once

#include "sim/node.h"

namespace pinhole::sim {

// Joins all links of its one interface (index 0) into one network. Has no addresses.
class Switch final : public Node {
 public:
  explicit Switch(const NodeInit& init);
  void OnPacket(int interface, PacketPtr packet) override;
};

}  // namespace pinhole::sim
