#include "net/contract.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pinhole::net {
namespace {

enum class Fruit { kApple, kPear };

int Seeds(Fruit fruit) {
  switch (fruit) {
    case Fruit::kApple:
      return 5;
    case Fruit::kPear:
      return 10;
  }
  CannotHappen();
}

// Half of an even number. The function can also be used at compile time.
constexpr int Half(int number) {
  PINHOLE_REQUIRES(number % 2 == 0);
  return number / 2;
}
static_assert(Half(10) == 5);

TEST(Contract, AConditionThatHoldsChangesNothing) {
  EXPECT_EQ(Half(4), 2);
  PINHOLE_INVARIANT(Half(4) == 2);
}

TEST(ContractDeathTest, AValueThatIsNoEnumeratorEndsTheProgramInEveryBuild) {
  EXPECT_EQ(Seeds(Fruit::kPear), 10);
  EXPECT_DEATH(Seeds(static_cast<Fruit>(7)), "contract_test\\.cc:[0-9]+: this cannot happen");
}

#ifdef PINHOLE_CHECKED

TEST(ContractDeathTest, ABrokenRequirementIsNamedWithItsPlace) {
  EXPECT_DEATH(Half(3), "contract_test\\.cc:[0-9]+: broken REQUIRES: number % 2 == 0");
}

TEST(ContractDeathTest, ABrokenInvariantIsNamedWithItsPlace) {
  const int seeds = 3;
  EXPECT_DEATH(PINHOLE_INVARIANT(seeds == 4), "contract_test\\.cc:[0-9]+: broken INVARIANT: seeds == 4");
}

#else

TEST(Contract, InReleaseAConditionIsNotEvaluated) {
  int evaluated = 0;
  PINHOLE_REQUIRES(++evaluated < 0);
  PINHOLE_INVARIANT(++evaluated < 0);
  EXPECT_EQ(evaluated, 0);
}

#endif

}  // namespace
}  // namespace pinhole::net
