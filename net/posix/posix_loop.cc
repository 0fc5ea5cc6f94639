#include "net/posix/posix_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "net/posix/posix_host.h"

namespace pinhole::net {
namespace {

// The epoll keys of the loop's own descriptors. The keys of sockets begin at kFirstSocketKey.
constexpr std::uint64_t kStopKey = 0;
constexpr std::uint64_t kTimerKey = 1;
constexpr std::uint64_t kFirstSocketKey = 2;

int CheckDescriptor(int fd, const char* what) {
  if (fd >= 0) return fd;
  std::perror(what);
  std::abort();
}

timespec ToTimespec(Instant at) {
  const std::int64_t ns = std::max<std::int64_t>(at.time_since_epoch().count(), 1);  // 0 would stop the timer
  return {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
}

}  // namespace

PosixLoop::PosixLoop() : next_key_(kFirstSocketKey) {
  epoll_ = CheckDescriptor(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  stop_ = CheckDescriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  timer_ = CheckDescriptor(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd_create");
  epoll_event event = {.events = EPOLLIN, .data = {.u64 = kStopKey}};
  CheckDescriptor(epoll_ctl(epoll_, EPOLL_CTL_ADD, stop_, &event), "epoll_ctl");
  event.data.u64 = kTimerKey;
  CheckDescriptor(epoll_ctl(epoll_, EPOLL_CTL_ADD, timer_, &event), "epoll_ctl");
}

PosixLoop::~PosixLoop() {
  if (!hosts_.empty()) std::abort();
  close(timer_);
  close(stop_);
  close(epoll_);
}

Instant PosixLoop::Now() const {
  timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return Instant(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

void PosixLoop::Run() {
  while (!TakeStop()) Serve(kNever);
}

bool PosixLoop::RunUntil(absl::FunctionRef<bool()> done, Duration limit) {
  const Instant deadline = Now() + limit;
  for (;;) {
    if (done()) return true;
    if (TakeStop() || Now() >= deadline) return false;
    Serve(deadline);
  }
}

void PosixLoop::Stop() {
  stopped_.store(true);
  const std::uint64_t one = 1;
  (void)!write(stop_, &one, sizeof(one));  // fails only if the counter is full, and then the loop wakes anyway
}

bool PosixLoop::TakeStop() {
  if (!stopped_.exchange(false)) return false;
  std::uint64_t count;
  (void)!read(stop_, &count, sizeof(count));
  return true;
}

void PosixLoop::AddHost(PosixHost* host) { hosts_.push_back(host); }

void PosixLoop::RemoveHost(PosixHost* host) { hosts_.erase(std::find(hosts_.begin(), hosts_.end(), host)); }

std::optional<std::uint64_t> PosixLoop::Add(int fd, std::uint32_t events, Registration registration) {
  const std::uint64_t key = next_key_++;
  epoll_event event = {.events = events, .data = {.u64 = key}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) return std::nullopt;
  registrations_.emplace(key, registration);
  return key;
}

void PosixLoop::Remove(int fd, std::uint64_t key) {
  registrations_.erase(key);
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

void PosixLoop::Serve(Instant deadline) {
  if (serving_) std::abort();
  serving_ = true;

  Instant wake = deadline;
  for (const PosixHost* host : hosts_) {
    if (host->app_ != nullptr) wake = std::min(wake, host->alarm_);
  }
  if (wake != timer_at_) {
    itimerspec spec = {};
    if (wake != kNever) spec.it_value = ToTimespec(wake);
    timerfd_settime(timer_, TFD_TIMER_ABSTIME, &spec, nullptr);
    timer_at_ = wake;
  }

  std::array<epoll_event, 64> events;
  const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const std::uint64_t key = event.data.u64;
    if (key == kStopKey) continue;  // TakeStop() reads it
    if (key == kTimerKey) {
      std::uint64_t expirations;
      (void)!read(timer_, &expirations, sizeof(expirations));
      timer_at_ = kNever;
      continue;
    }
    // A call made earlier in this round may have closed the socket.
    const auto registration = registrations_.find(key);
    if (registration == registrations_.end()) continue;
    const Registration target = registration->second;
    target.host->OnSocketEvent(target.socket, event.events);
  }
  RunAlarms();

  serving_ = false;
}

void PosixLoop::RunAlarms() {
  // Each host is called at most once, so that sockets are also served if a program's alarm is always in the past.
  const Instant now = Now();
  std::vector<std::pair<Instant, PosixHost*>> due;
  for (PosixHost* host : hosts_) {
    if (host->app_ != nullptr && host->alarm_ <= now) due.emplace_back(host->alarm_, host);
  }
  std::stable_sort(due.begin(), due.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [when, host] : due) {
    // An earlier call in this loop may have destroyed the host.
    if (std::find(hosts_.begin(), hosts_.end(), host) != hosts_.end()) host->RunAlarm();
  }
}

}  // namespace pinhole::net
