#pragma once

#include <bit>
#include <cstdint>
#include <optional>

namespace pinhole::sim {

// A set of enumerators of `E`, whose values are 0 to 7, in one byte. TakeFirst() gives the enumerators in the order in
// which the enum lists them.
template <typename E>
class PendingSet {
 public:
  bool Has(E one) const { return (bits_ & Bit(one)) != 0; }
  void Add(E one) { bits_ |= Bit(one); }
  void Remove(E one) { bits_ &= static_cast<std::uint8_t>(~Bit(one)); }
  void Clear() { bits_ = 0; }
  // Removes `one`. True if `one` was in the set.
  bool Take(E one) {
    const bool was_in = Has(one);
    Remove(one);
    return was_in;
  }
  // Removes the first enumerator and returns it; nullopt if the set is empty.
  std::optional<E> TakeFirst() {
    if (bits_ == 0) return std::nullopt;
    const auto first = static_cast<E>(std::countr_zero(bits_));
    Remove(first);
    return first;
  }

 private:
  static constexpr std::uint8_t Bit(E one) { return static_cast<std::uint8_t>(1u << static_cast<unsigned>(one)); }

  std::uint8_t bits_ = 0;
};

}  // namespace pinhole::sim
