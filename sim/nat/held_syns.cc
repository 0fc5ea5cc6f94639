#include "sim/nat/held_syns.h"

#include "net/contract.h"

namespace pinhole::sim::nat {

bool HeldSyns::Hold(const Ends& ends, const Packet& packet, net::Instant until, bool resets, std::uint8_t icmp_code) {
  if (numbers_.contains(ends)) return true;
  if (held_.size() >= kMax) return false;
  PINHOLE_REQUIRES(held_.empty() || held_.back().until <= until);
  Held& syn = held_.emplace_back();
  syn.until = until;
  syn.number = next_++;
  syn.ends = ends;
  syn.answer = {
      .kind = resets ? NatOutput::Kind::kReset : NatOutput::Kind::kIcmpError, .icmp_code = icmp_code, .packet = packet};
  syn.answer.packet.payload = {};
  numbers_[ends] = syn.number;
  return true;
}

void HeldSyns::Clear() {
  held_.clear();
  numbers_.clear();
}

net::Instant HeldSyns::NextTimer() const { return held_.empty() ? net::kNever : held_.front().until; }

std::optional<NatOutput> HeldSyns::PopDue(net::Instant now) {
  while (!held_.empty() && held_.front().until <= now) {
    const Held syn = held_.front();
    held_.pop_front();
    const auto number = numbers_.find(syn.ends);
    if (number == numbers_.end() || number->second != syn.number) continue;
    numbers_.erase(number);
    return syn.answer;
  }
  return std::nullopt;
}

}  // namespace pinhole::sim::nat
