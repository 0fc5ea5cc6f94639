#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "net/host.h"
#include "net/time.h"

namespace pinhole::net {

class PosixHost;

// Waits (epoll) for the sockets and alarms of the PosixHosts that were made on it and calls their programs,
// one call at a time. Several hosts on one loop are several programs in one thread. Everything but Stop()
// belongs to one thread, and nothing may run the loop from inside a call into a program.
//
//   PosixLoop loop;
//   PosixHost host(loop);
//   host.Start(program);
//   loop.Run();
class PosixLoop {
 public:
  // Aborts if the system gives no epoll instance.
  PosixLoop();
  // REQUIRES: its hosts are gone.
  ~PosixLoop();
  PosixLoop(const PosixLoop&) = delete;
  PosixLoop& operator=(const PosixLoop&) = delete;

  // Time since the machine booted, sleep included: what expires while a laptop sleeps has expired.
  Instant Now() const;

  // Serves until Stop().
  void Run();
  // Serves until `done` is true, which is asked first and after each round of calls; false if Stop() came
  // or `limit` passed before.
  bool RunUntil(absl::FunctionRef<bool()> done, Duration limit);
  // Makes the Run() or RunUntil() that is running return, or else the next one. May be called from other
  // threads and signal handlers.
  void Stop();

 private:
  friend class PosixHost;
  friend class PosixTcp;

  struct Registration {
    PosixHost* host;
    SocketId socket;
  };

  void AddHost(PosixHost* host);
  void RemoveHost(PosixHost* host);
  // Watches `fd` for epoll's `events` until Remove() with the key that this gives; nullopt if the system refuses.
  std::optional<std::uint64_t> Add(int fd, std::uint32_t events, Registration registration);
  void Remove(int fd, std::uint64_t key);

  // One round: waits for events or an alarm, `deadline` at the latest, and makes the calls.
  void Serve(Instant deadline);
  // Calls OnTimer() of every host whose alarm is due, in order of time.
  void RunAlarms();
  // True once per Stop().
  bool TakeStop();

  int epoll_ = -1;
  int stop_ = -1;   // eventfd
  int timer_ = -1;  // timerfd, at the earliest alarm
  Instant timer_at_ = kNever;
  bool serving_ = false;
  std::atomic<bool> stopped_ = false;
  std::uint64_t next_key_;
  absl::flat_hash_map<std::uint64_t, Registration> registrations_;
  std::vector<PosixHost*> hosts_;  // in order of creation
};

}  // namespace pinhole::net
