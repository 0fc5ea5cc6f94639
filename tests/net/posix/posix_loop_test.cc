#include "net/posix/posix_loop.h"

#include <thread>

#include "gtest/gtest.h"
#include "net/posix/posix_host.h"
#include "tests/net/posix/recorder.h"

namespace pinhole::net {
namespace {

using namespace std::chrono_literals;

TEST(PosixLoop, AlarmComesOnceAndNotBeforeItsTime) {
  PosixLoop loop;
  PosixHost host(loop);
  Recorder program;
  host.Start(program);
  const Instant when = host.Now() + 5ms;
  host.WakeAt(when);
  ASSERT_TRUE(loop.RunUntil([&] { return program.timers > 0; }, kLimit));
  EXPECT_GE(host.Now(), when);
  EXPECT_FALSE(loop.RunUntil([] { return false; }, 5ms));
  EXPECT_EQ(program.timers, 1);
}

TEST(PosixLoop, AnAlarmInThePastComesAtOnce) {
  PosixLoop loop;
  PosixHost host(loop);
  Recorder program;
  host.Start(program);
  host.WakeAt(Instant{});
  EXPECT_EQ(program.timers, 0) << "not from inside WakeAt()";
  EXPECT_TRUE(loop.RunUntil([&] { return program.timers == 1; }, kLimit));
}

TEST(PosixLoop, ALaterWakeAtReplacesTheAlarm) {
  PosixLoop loop;
  PosixHost host(loop);
  Recorder program;
  host.Start(program);
  host.WakeAt(host.Now() + 1h);
  host.WakeAt(host.Now() + 1ms);
  EXPECT_TRUE(loop.RunUntil([&] { return program.timers == 1; }, kLimit));
  host.WakeAt(host.Now() + 1ms);
  host.WakeAt(net::kNever);
  EXPECT_FALSE(loop.RunUntil([&] { return program.timers == 2; }, 5ms));
}

TEST(PosixLoop, AlarmsOfSeveralHostsComeInOrderOfTime) {
  PosixLoop loop;
  PosixHost first(loop), second(loop);
  Recorder a, b;
  std::string order;
  a.during_call = [&] { order += 'a'; };
  b.during_call = [&] { order += 'b'; };
  first.Start(a);
  second.Start(b);
  order.clear();
  const Instant now = loop.Now();
  first.WakeAt(now + 6ms);
  second.WakeAt(now + 2ms);
  ASSERT_TRUE(loop.RunUntil([&] { return order.size() == 2; }, kLimit));
  EXPECT_EQ(order, "ba");
  first.WakeAt(now + 1ms);  // both are past: one round
  second.WakeAt(now);
  ASSERT_TRUE(loop.RunUntil([&] { return order.size() == 4; }, kLimit));
  EXPECT_EQ(order, "baba");
}

TEST(PosixLoop, RunUntilGivesUpAtItsLimit) {
  PosixLoop loop;
  const Instant begin = loop.Now();
  EXPECT_FALSE(loop.RunUntil([] { return false; }, 3ms));
  EXPECT_GE(loop.Now() - begin, 3ms);
  EXPECT_TRUE(loop.RunUntil([] { return true; }, 0ms)) << "asked first";
}

TEST(PosixLoop, StopEndsTheRunOrElseTheNext) {
  PosixLoop loop;
  loop.Stop();
  loop.Run();
  PosixHost host(loop);
  Recorder program;
  host.Start(program);
  program.during_call = [&] { loop.Stop(); };
  host.WakeAt(host.Now());
  loop.Run();
  EXPECT_EQ(program.timers, 1);
  std::thread other([&] { loop.Stop(); });
  loop.Run();
  other.join();
}

}  // namespace
}  // namespace pinhole::net
