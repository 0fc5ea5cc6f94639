#include "net/random.h"

#include <sys/random.h>

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdlib>

#include "net/contract.h"

namespace pinhole::net {
namespace {

using Wide = unsigned __int128;

}  // namespace

std::uint64_t RandomSource::Below(std::uint64_t bound) {
  PINHOLE_REQUIRES(bound > 0);
  // Lemire, "Fast Random Integer Generation in an Interval" (2019), algorithm 5.
  Wide product = Wide{NextU64()} * bound;
  if (static_cast<std::uint64_t>(product) < bound) {
    const std::uint64_t threshold = -bound % bound;  // 2^64 mod bound
    while (static_cast<std::uint64_t>(product) < threshold) product = Wide{NextU64()} * bound;
  }
  return static_cast<std::uint64_t>(product >> 64);
}

void RandomSource::Fill(std::span<std::uint8_t> bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    std::uint64_t word = NextU64();
    for (int k = 0; k < 8 && i < bytes.size(); ++k, ++i) {
      bytes[i] = static_cast<std::uint8_t>(word);
      word >>= 8;
    }
  }
}

bool RandomSource::OneInMillion(std::uint32_t ppm) {
  // Without rejection, so that one call always draws one number. The bias is below 2^-44.
  return static_cast<std::uint64_t>((Wide{NextU64()} * 1'000'000) >> 64) < ppm;
}

std::uint64_t SplitMix64(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

SeededRandom::SeededRandom(std::uint64_t seed, absl::string_view label) {
  std::uint64_t start = SplitMix64(seed) ^ StableHash(label);
  for (std::uint64_t& word : state_) word = SplitMix64(start);
}

std::uint64_t SeededRandom::NextU64() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t SystemRandom::NextU64() {
  std::uint64_t value;
  ssize_t got;
  do {
    got = getrandom(&value, sizeof(value), 0);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof(value)) std::abort();
  return value;
}

std::uint64_t StableHash(absl::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash ^= static_cast<std::uint8_t>(c);
    hash *= 0x100000001b3;
  }
  return hash;
}

}  // namespace pinhole::net
