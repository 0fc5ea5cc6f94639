#pragma once

#include <string>

#include "net/posix/posix_loop.h"
#include "net/socket_address.h"

// coturn's programs (package `coturn`) as peers on this machine's loopback interface. Where they are missing, tests
// fail: interoperation is what they test.
namespace pinhole::apps {

struct CoturnRun {
  std::string output;
  bool succeeded = false;
};
// Runs one of its clients to its end while `loop` serves our programs.
CoturnRun RunCoturnClient(net::PosixLoop& loop, const std::string& command);

// Its server, with the user pinhole/pinhole, for as long as this lives.
class CoturnServer {
 public:
  CoturnServer();
  ~CoturnServer();
  CoturnServer(const CoturnServer&) = delete;
  CoturnServer& operator=(const CoturnServer&) = delete;

  // UDP and TCP. Serves already.
  const net::SocketAddress& address() const { return address_; }

 private:
  int pid_ = -1;
  std::string directory_;
  net::SocketAddress address_;
};

}  // namespace pinhole::apps
