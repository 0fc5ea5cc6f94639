#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "net/host.h"
#include "net/posix/posix_loop.h"

namespace pinhole::net {

// The time limit of a test. A test that passes never waits this long.
inline constexpr Duration kLimit = std::chrono::seconds(20);

// A program that records its events, and checks that its host makes only one call at a time.
class Recorder final : public App {
 public:
  struct Received {
    Datagram datagram;  // without payload
    std::string text;
  };

  void OnStart() override;
  void OnDatagram(const Datagram& datagram) override;
  void OnIcmpError(const IcmpError& error) override;
  void OnTimer() override;

  // If set, called during each call into the program.
  std::function<void()> during_call;

  int starts = 0;
  int timers = 0;
  std::vector<Received> received;
  std::vector<IcmpError> errors;

 private:
  void Call();
  bool in_call_ = false;
};

inline void PrintTo(SendStatus status, std::ostream* out) { *out << ToString(status); }
inline void PrintTo(IcmpError::Kind kind, std::ostream* out) { *out << ToString(kind); }
inline void PrintTo(const SocketAddress& address, std::ostream* out) { *out << address.ToString(); }

// The bytes of a text.
ByteView Bytes(const std::string& text);
SocketAddress Addr(absl::string_view text);

}  // namespace pinhole::net
