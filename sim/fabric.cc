#include "sim/fabric.h"

#include <algorithm>
#include <utility>

namespace pinhole::sim {

std::uint32_t Fabric::Attach(const std::vector<net::Interface>& interfaces, std::size_t index) {
  Attachment& added = attachments_.emplace_back();
  added.interfaces = &interfaces;
  added.index = static_cast<std::uint32_t>(index);
  built_ = false;
  return static_cast<std::uint32_t>(attachments_.size() - 1);
}

std::uint32_t Fabric::Connect(std::uint32_t a, std::uint32_t b) {
  const std::uint32_t first = static_cast<std::uint32_t>(directions_.size());
  directions_.push_back({a, b});
  directions_.push_back({b, a});
  attachments_[a].out.push_back(first);
  attachments_[b].out.push_back(first + 1);
  built_ = false;
  return first;
}

void Fabric::Build() {
  built_ = true;
  networks_.clear();
  members_.clear();
  holders_.clear();
  loop_.reset();
  networks_.reserve(attachments_.size());
  members_.reserve(attachments_.size());
  for (Attachment& attachment : attachments_) {
    attachment.up = (*attachment.interfaces)[attachment.index].up;
    attachment.network = kNone;
    attachment.last_neighbour = kNone;
  }
  for (std::uint32_t root = 0; root < attachments_.size(); ++root) {
    if (attachments_[root].network == kNone) BuildNetwork(root);
  }
}

// Makes the network of `root`: visits its attachments breadth first, along all links. An attachment that is reached
// twice is on a loop.
void Fabric::BuildNetwork(std::uint32_t root) {
  const std::uint32_t number = static_cast<std::uint32_t>(networks_.size());
  Network network;
  network.begin = static_cast<std::uint32_t>(members_.size());
  attachments_[root].network = number;
  attachments_[root].root_side = kNone;
  attachments_[root].towards_root = kNone;
  members_.push_back(root);
  for (std::uint32_t next = network.begin; next < members_.size(); ++next) {
    const std::uint32_t from = members_[next];
    for (const std::uint32_t direction : attachments_[from].out) {
      if (direction == attachments_[from].towards_root) continue;
      const std::uint32_t to = directions_[direction].to;
      if (attachments_[to].network != kNone) {
        loop_ = to;
        continue;
      }
      attachments_[to].network = number;
      attachments_[to].root_side = from;
      attachments_[to].towards_root = direction ^ 1;
      members_.push_back(to);
    }
  }
  network.end = static_cast<std::uint32_t>(members_.size());
  networks_.push_back(network);
}

std::uint32_t Fabric::Search(std::uint32_t from, const net::IpAddress& address, bool strict) {
  constexpr std::uint32_t kScanMax = 8;
  Network& network = networks_[attachments_[from].network];
  const std::uint32_t size = network.end - network.begin;
  if (size == 2 && !strict) {
    return members_[network.begin] == from ? members_[network.begin + 1] : members_[network.begin];
  }
  if (size > kScanMax) {
    const HolderByAddress& holders = HoldersOf(network);
    const auto found = holders.find(address);
    return found != holders.end() && found->second != from ? found->second : kNone;
  }
  for (std::uint32_t i = network.begin; i < network.end; ++i) {
    const std::uint32_t member = members_[i];
    if (member == from) continue;
    for (const net::InterfaceAddress& held : attachments_[member].addresses()) {
      if (held.address == address) return member;
    }
  }
  return kNone;
}

const Fabric::HolderByAddress& Fabric::HoldersOf(Network& network) {
  if (network.holders == kNone) {
    network.holders = static_cast<std::uint32_t>(holders_.size());
    HolderByAddress& holders = holders_.emplace_back();
    holders.reserve(network.end - network.begin);
    for (std::uint32_t i = network.begin; i < network.end; ++i) {
      for (const net::InterfaceAddress& held : attachments_[members_[i]].addresses()) {
        holders.emplace(held.address, members_[i]);
      }
    }
  }
  return holders_[network.holders];
}

// Follows the tree of the network: to the child through which `destination` is reached, else towards the root.
std::uint32_t Fabric::NextOfSeveral(std::uint32_t from, std::uint32_t destination) {
  BuildIfChanged();
  for (std::uint32_t at = destination; at != kNone; at = attachments_[at].root_side) {
    if (attachments_[at].root_side == from) return attachments_[at].towards_root ^ 1;
  }
  return attachments_[from].towards_root;
}

std::optional<std::uint32_t> Fabric::FindLoop() {
  BuildIfChanged();
  return loop_;
}

std::optional<Fabric::SharedAddress> Fabric::FindSharedAddress() {
  BuildIfChanged();
  std::vector<std::pair<net::IpAddress, std::uint32_t>> held;
  for (const Network& network : networks_) {
    held.clear();
    for (std::uint32_t i = network.begin; i < network.end; ++i) {
      for (const net::InterfaceAddress& address : attachments_[members_[i]].addresses()) {
        held.emplace_back(address.address, members_[i]);
      }
    }
    std::sort(held.begin(), held.end());
    for (std::size_t i = 1; i < held.size(); ++i) {
      if (held[i].first == held[i - 1].first) return SharedAddress{held[i].first, held[i - 1].second, held[i].second};
    }
  }
  return std::nullopt;
}

}  // namespace pinhole::sim
