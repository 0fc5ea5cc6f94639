#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "absl/strings/string_view.h"

namespace pinhole::net {

// Where an engine gets its random numbers: transaction ids, ufrag, pwd, tie-breakers, ports. Given to it
// by its owner, so a simulated run can be repeated and a real one cannot be guessed.
class RandomSource {
 public:
  virtual ~RandomSource() = default;

  virtual std::uint64_t NextU64() = 0;

  // Uniform in [0, bound), without modulo bias (Lemire's multiply-and-reject). REQUIRES: bound > 0.
  std::uint64_t Below(std::uint64_t bound);
  // Little-endian bytes of successive NextU64(); the rest of the last one is thrown away.
  void Fill(std::span<std::uint8_t> bytes);
  // True `ppm` times in a million. Draws once even for 0 and 1'000'000.
  bool OneInMillion(std::uint32_t ppm);
};

// A reproducible stream: xoshiro256** (Blackman and Vigna, 2018), its state filled by SplitMix64 from
// (seed, label). Streams with different labels are independent, so a new consumer never shifts the
// numbers of another. Not for secrets on a real network.
class SeededRandom final : public RandomSource {
 public:
  // `label` names the consumer for good, such as "host/alice/ice/ufrag".
  SeededRandom(std::uint64_t seed, absl::string_view label);
  // The generator's raw state, for its published vectors.
  explicit SeededRandom(const std::array<std::uint64_t, 4>& state) : state_(state) {}

  std::uint64_t NextU64() override;

 private:
  std::array<std::uint64_t, 4> state_;
};

// The system's generator (getrandom(2)). Aborts if the system has none.
class SystemRandom final : public RandomSource {
 public:
  std::uint64_t NextU64() override;
};

// SplitMix64 (Steele, Lea, Flood, 2014): advances `state` and gives the next number.
std::uint64_t SplitMix64(std::uint64_t& state);

// FNV-1a, 64 bits: the stable hash of names.
std::uint64_t StableHash(absl::string_view text);

}  // namespace pinhole::net
