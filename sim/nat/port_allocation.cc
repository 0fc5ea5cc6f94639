#include "sim/nat/port_allocation.h"

#include "net/contract.h"

namespace pinhole::sim::nat {

PortRange PortAllocator::RangeFor(std::uint16_t inside_port) const {
  if (behavior_->ports) return *behavior_->ports;
  if (behavior_->block_ports > 0 || inside_port >= 1024) return PortRange{1024, 65535};
  return PortRange{1, 1023};
}

bool PortAllocator::Fits(PortRange range, std::uint16_t inside_port, std::uint16_t port) const {
  return range.Contains(port) && (behavior_->parity == PortParity::kAny || (port ^ inside_port) % 2 == 0);
}

PortAllocator::Candidates PortAllocator::CandidatesOf(PortRange range, std::uint16_t inside_port) const {
  if (behavior_->parity == PortParity::kAny) return {range.first, 1, range.size()};
  const int skip = (range.first ^ inside_port) & 1;
  return {static_cast<std::uint16_t>(range.first + skip), 2, (range.size() - skip + 1) / 2};
}

PortAllocator::Choice PortAllocator::Pick(int pool_index, std::uint16_t inside_port, PortRange range,
                                          std::optional<std::uint16_t> preferred, IsFree is_free) {
  if (preferred && Fits(range, inside_port, *preferred) && is_free(*preferred)) return {.port = preferred};
  const Candidates ports = CandidatesOf(range, inside_port);
  switch (behavior_->port_allocation) {
    case PortAllocation::kPreserve:
    case PortAllocation::kPreserveOverloading: {
      const bool fits = Fits(range, inside_port, inside_port);
      if (fits && is_free(inside_port)) return {.port = inside_port};
      switch (behavior_->collision) {
        case PortCollision::kRandom:
        case PortCollision::kOtherAddress:  // the caller has tried the other addresses
          return {.port = Random(ports, is_free)};
        case PortCollision::kNextFree:
          return {.port = NextFree(ports, inside_port, is_free)};
        case PortCollision::kTakeOver:
          if (fits) return {.port = inside_port, .takes_over = true};
          return {.port = Random(ports, is_free)};
        case PortCollision::kRefuse:
          return {.refused = true};
      }
      net::CannotHappen();
    }
    case PortAllocation::kSequential:
      return {.port = Sequential(pool_index, range, inside_port, is_free)};
    case PortAllocation::kRandom:
      return {.port = Random(ports, is_free)};
  }
  net::CannotHappen();
}

std::optional<std::uint16_t> PortAllocator::FirstFree(const Candidates& ports, int start, IsFree is_free) const {
  for (int i = 0; i < ports.count; ++i) {
    const std::uint16_t port = ports[(start + i) % ports.count];
    if (is_free(port)) return port;
  }
  return std::nullopt;
}

std::optional<std::uint16_t> PortAllocator::Random(const Candidates& ports, IsFree is_free) {
  if (ports.count == 0) return std::nullopt;
  const int start = static_cast<int>(random_->Below(static_cast<std::uint64_t>(ports.count)));
  return FirstFree(ports, start, is_free);
}

std::optional<std::uint16_t> PortAllocator::NextFree(const Candidates& ports, std::uint16_t above,
                                                     IsFree is_free) const {
  int start = 0;
  if (above >= ports.first) start = (above - ports.first) / ports.stride + 1;
  if (start >= ports.count) start = 0;
  return FirstFree(ports, start, is_free);
}

std::optional<std::uint16_t> PortAllocator::Sequential(int pool_index, PortRange range, std::uint16_t inside_port,
                                                       IsFree is_free) {
  const auto at = static_cast<std::size_t>(pool_index);
  if (next_.size() <= at) next_.resize(at + 1);
  Sequence* sequence = nullptr;
  for (Sequence& known : next_[at]) {
    if (known.range == range) sequence = &known;
  }
  if (sequence == nullptr) sequence = &next_[at].emplace_back(Sequence{range, 0});

  const int size = range.size();
  const int step = ((behavior_->sequential_step % size) + size) % size;
  int offset = sequence->offset;
  const int start = offset;
  // If the step and the size have a common divisor, the sequence returns to its start early. Then it goes on one port
  // further, so that every port is tried once.
  int lap_start = start;
  for (int i = 0; i < size; ++i) {
    const auto port = static_cast<std::uint16_t>(range.first + offset);
    const bool taken = Fits(range, inside_port, port) && is_free(port);
    offset = (offset + step) % size;
    if (offset == lap_start && i + 1 < size) lap_start = offset = (offset + 1) % size;
    if (taken) {
      sequence->offset = offset;
      return port;
    }
  }
  sequence->offset = start;
  return std::nullopt;
}

}  // namespace pinhole::sim::nat
