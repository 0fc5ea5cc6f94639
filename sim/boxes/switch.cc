#include "sim/boxes/switch.h"

#include <utility>

#include "sim/world.h"

namespace pinhole::sim {

Switch::Switch(const NodeInit& init) : Node(init) { AddInterface("bridge"); }

void Switch::OnPacket(int interface, PacketPtr packet) {
  (void)interface;
  world().Drop(*this, std::move(packet), Rule::kNotForwarding);
}

}  // namespace pinhole::sim
