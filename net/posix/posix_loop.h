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

// Waits with epoll for the sockets and alarms of its PosixHosts, and calls their programs, one call at a time. Several
// hosts on one loop are several programs in one thread. All functions except Stop() must be called in that thread. A
// program must not run the loop from inside a call.
//
//   PosixLoop loop;
//   PosixHost host(loop);
//   host.Start(program);
//   loop.Run();
class PosixLoop {
 public:
  // Aborts if the system does not create an epoll instance.
  PosixLoop();
  // REQUIRES: all its hosts are destroyed.
  ~PosixLoop();
  PosixLoop(const PosixLoop&) = delete;
  PosixLoop& operator=(const PosixLoop&) = delete;

  // The time since the machine booted. It includes sleep, so that a timer that expires while a laptop sleeps has
  // expired.
  Instant Now() const;

  // Serves until Stop() is called.
  void Run();
  // Serves until `done` returns true. `done` is called before the first round and after each round of calls. Returns
  // false if Stop() was called or `limit` passed before that.
  bool RunUntil(absl::FunctionRef<bool()> done, Duration limit);
  // Makes the current Run() or RunUntil() return; if there is none, the next one returns at once. May be called from
  // other threads and from signal handlers.
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
  // Watches `fd` for epoll's `events` until Remove() is called with the returned key. Returns nullopt if the system
  // refuses.
  std::optional<std::uint64_t> Add(int fd, std::uint32_t events, Registration registration);
  void Remove(int fd, std::uint64_t key);

  // One round: waits for events or an alarm, at most until `deadline`, and makes the calls.
  void Serve(Instant deadline);
  // Calls OnTimer() of every host whose alarm is due, ordered by the time of the alarms.
  void RunAlarms();
  // Returns true once for each Stop().
  bool TakeStop();

  int epoll_ = -1;
  int stop_ = -1;   // eventfd
  int timer_ = -1;  // timerfd, set to the earliest alarm
  Instant timer_at_ = kNever;
  bool serving_ = false;
  std::atomic<bool> stopped_ = false;
  std::uint64_t next_key_;
  absl::flat_hash_map<std::uint64_t, Registration> registrations_;
  std::vector<PosixHost*> hosts_;  // in order of creation
};

}  // namespace pinhole::net
