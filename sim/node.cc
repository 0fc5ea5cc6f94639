#include "sim/node.h"

namespace pinhole::sim {

int Node::AddInterface(absl::string_view name, net::InterfaceKind kind) {
  const int index = static_cast<int>(interfaces_.size());
  if (index == 0) {
    constexpr std::size_t kUsual = 3;  // loopback, and two sides
    interfaces_.reserve(kUsual);
  }
  net::Interface& added = interfaces_.emplace_back();
  added.id = net::InterfaceId{static_cast<std::uint32_t>(index)};
  added.name = std::string(name);
  added.kind = kind;
  return index;
}

}  // namespace pinhole::sim
