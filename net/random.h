#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "absl/strings/string_view.h"

namespace pinhole::net {

// The source of an engine's random numbers: transaction ids, ufrag, pwd, tie-breakers, ports. The owner of the engine
// supplies it. So a simulated run can be repeated, and the numbers of a real run cannot be guessed.
class RandomSource {
 public:
  virtual ~RandomSource() = default;

  virtual std::uint64_t NextU64() = 0;

  // A uniformly distributed number in [0, bound), without modulo bias (Lemire's multiply-and-reject). REQUIRES: bound >
  // 0.
  std::uint64_t Below(std::uint64_t bound);
  // Fills `bytes` with the little-endian bytes of successive NextU64(). The remaining bytes of the last number are
  // dropped.
  void Fill(std::span<std::uint8_t> bytes);
  // True with probability `ppm` / 1'000'000. Draws one number in any case, even if `ppm` is 0 or 1'000'000.
  bool OneInMillion(std::uint32_t ppm);
};

// A reproducible stream: xoshiro256** (Blackman and Vigna, 2018). SplitMix64 fills its state from (seed, label).
// Streams with different labels are independent, so a new consumer never changes the numbers of another one. Not for
// secrets on a real network.
class SeededRandom final : public RandomSource {
 public:
  // `label` is the permanent name of the consumer, such as "host/alice/ice/ufrag".
  SeededRandom(std::uint64_t seed, absl::string_view label);
  // Sets the raw state of the generator, for its published test vectors.
  explicit SeededRandom(const std::array<std::uint64_t, 4>& state) : state_(state) {}

  std::uint64_t NextU64() override;

 private:
  std::array<std::uint64_t, 4> state_;
};

// The generator of the system (getrandom(2)). Aborts if the system has none.
class SystemRandom final : public RandomSource {
 public:
  std::uint64_t NextU64() override;
};

// SplitMix64 (Steele, Lea, Flood, 2014): advances `state` and returns the next number.
std::uint64_t SplitMix64(std::uint64_t& state);

// A stable hash of names: FNV-1a, 64 bits.
std::uint64_t StableHash(absl::string_view text);

}  // namespace pinhole::net
