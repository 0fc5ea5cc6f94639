#pragma once

#include <cstdint>

namespace pinhole::sim {

// Index of a node in its world, in the order added.
enum class NodeId : std::uint32_t {};

}  // namespace pinhole::sim
