#include "net/random.h"

#include <array>
#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pinhole::net {
namespace {

using ::testing::ElementsAre;

// Returns the given numbers. After the last one it fails the test.
class Scripted final : public RandomSource {
 public:
  explicit Scripted(std::vector<std::uint64_t> numbers) : numbers_(std::move(numbers)) {}
  std::uint64_t NextU64() override { return numbers_.at(drawn_++); }
  std::size_t drawn() const { return drawn_; }

 private:
  std::vector<std::uint64_t> numbers_;
  std::size_t drawn_ = 0;
};

TEST(SplitMix64, PublishedVectorOfSeed1234567) {
  // rosettacode.org/wiki/Pseudo-random_numbers/Splitmix64, from Vigna's splitmix64.c.
  std::uint64_t state = 1234567;
  EXPECT_EQ(SplitMix64(state), 6457827717110365317u);
  EXPECT_EQ(SplitMix64(state), 3203168211198807973u);
  EXPECT_EQ(SplitMix64(state), 9817491932198370423u);
  EXPECT_EQ(SplitMix64(state), 4593380528125082431u);
  EXPECT_EQ(SplitMix64(state), 16408922859458223821u);
}

TEST(SeededRandom, PublishedVectorOfXoshiro256StarStar) {
  // State 1, 2, 3, 4: the vector of the reference C code that rand_xoshiro also tests.
  SeededRandom random(std::array<std::uint64_t, 4>{1, 2, 3, 4});
  for (const std::uint64_t expected :
       {11520ull, 0ull, 1509978240ull, 1215971899390074240ull, 1216172134540287360ull, 607988272756665600ull,
        16172922978634559625ull, 8476171486693032832ull, 10595114339597558777ull, 2904607092377533576ull}) {
    EXPECT_EQ(random.NextU64(), expected);
  }
}

TEST(SeededRandom, AStreamIsFixedBySeedAndLabel) {
  SeededRandom random(1, "host/alice/ice/ufrag");
  EXPECT_EQ(random.NextU64(), 8044884523156089502u);
  std::set<std::uint64_t> firsts;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    for (const char* label : {"", "a", "b", "ab", "ba", "host/alice", "host/bob"}) {
      firsts.insert(SeededRandom(seed, label).NextU64());
      EXPECT_EQ(SeededRandom(seed, label).NextU64(), SeededRandom(seed, label).NextU64());
    }
  }
  EXPECT_EQ(firsts.size(), 700u);
}

TEST(StableHash, PublishedVectorsOfFnv1a) {
  // Fowler, Noll and Vo's test suite.
  EXPECT_EQ(StableHash(absl::string_view("")), 0xcbf29ce484222325u);
  EXPECT_EQ(StableHash(absl::string_view("a")), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(StableHash(absl::string_view("foobar")), 0x85944171f73967e8u);
  EXPECT_EQ(StableHash(absl::string_view("\xff")), 0xaf64724c8602eb6eu);
}

TEST(RandomSource, BelowIsTheHighHalfOfTheProduct) {
  Scripted random({0, ~0ull, 1ull << 63, (1ull << 63) - 1});
  EXPECT_EQ(random.Below(1ull << 32), 0u);
  EXPECT_EQ(random.Below(1ull << 32), (1ull << 32) - 1);
  EXPECT_EQ(random.Below(2), 1u);
  EXPECT_EQ(random.Below(2), 0u);
}

TEST(RandomSource, BelowRejectsWhatWouldBiasIt) {
  // 2^64 mod 3 = 1: exactly one of the 2^64 numbers must be thrown away, 0, whose low half is 0.
  Scripted random({0, 1});
  EXPECT_EQ(random.Below(3), 0u);
  EXPECT_EQ(random.drawn(), 2u);
  // 2^64 mod (2^63 + 1) = 2^63 - 1 numbers: 0 and 2 have the low halves 0 and 2, refused; 1 has 2^63 + 1.
  Scripted wide({0, 2, 1});
  EXPECT_EQ(wide.Below((1ull << 63) + 1), 0u);
  EXPECT_EQ(wide.drawn(), 3u);
}

TEST(RandomSource, BelowOneIsZero) {
  Scripted random({~0ull});
  EXPECT_EQ(random.Below(1), 0u);
  EXPECT_EQ(random.drawn(), 1u);
}

TEST(RandomSource, BelowIsUniform) {
  SeededRandom random(7, "below");
  std::array<int, 6> counts = {};
  for (int i = 0; i < 600'000; ++i) ++counts[random.Below(6)];
  // Five standard deviations of a binomial: 5 * sqrt(600000 * 1/6 * 5/6) = 1443.
  for (const int count : counts) EXPECT_NEAR(count, 100'000, 1443);
}

TEST(RandomSource, FillTakesLittleEndianBytesAndDropsTheRest) {
  Scripted random({0x0807060504030201, 0x1817161514131211, 0x2827262524232221});
  std::array<std::uint8_t, 10> bytes;
  random.Fill(bytes);
  EXPECT_THAT(bytes, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 0x11, 0x12));
  EXPECT_EQ(random.drawn(), 2u);
  random.Fill(std::span(bytes).first(1));
  EXPECT_EQ(bytes[0], 0x21);
  random.Fill({});
  EXPECT_EQ(random.drawn(), 3u);
}

TEST(RandomSource, OneInMillionAlwaysDrawsOnce) {
  Scripted random({0, ~0ull, 0, ~0ull});
  EXPECT_FALSE(random.OneInMillion(0));
  EXPECT_TRUE(random.OneInMillion(1'000'000));
  EXPECT_TRUE(random.OneInMillion(1));
  EXPECT_FALSE(random.OneInMillion(999'999));
  EXPECT_EQ(random.drawn(), 4u);
}

TEST(RandomSource, OneInMillionIsTrueThatOften) {
  SeededRandom random(3, "ppm");
  int hits = 0;
  for (int i = 0; i < 1'000'000; ++i) hits += random.OneInMillion(10'000);
  EXPECT_NEAR(hits, 10'000, 500);  // five standard deviations
}

TEST(SystemRandom, DoesNotRepeat) {
  SystemRandom random;
  std::set<std::uint64_t> numbers;
  for (int i = 0; i < 1000; ++i) numbers.insert(random.NextU64());
  EXPECT_EQ(numbers.size(), 1000u);
}

}  // namespace
}  // namespace pinhole::net
