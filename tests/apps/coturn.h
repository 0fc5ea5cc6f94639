#pragma once

#include <string>

#include "net/posix/posix_loop.h"
#include "net/socket_address.h"

// The programs of coturn (package `coturn`) as peers on this machine's loopback interface. Tests fail if the programs
// are missing, because interoperation is the subject of these tests.
namespace pinhole::apps {

struct CoturnRun {
  std::string output;
  bool succeeded = false;
};
// Runs a coturn client to its end, while `loop` serves the programs of the test.
CoturnRun RunCoturnClient(net::PosixLoop& loop, const std::string& command);

// A coturn server that runs as long as this object lives. Its user and password are "pinhole".
class CoturnServer {
 public:
  CoturnServer();
  ~CoturnServer();
  CoturnServer(const CoturnServer&) = delete;
  CoturnServer& operator=(const CoturnServer&) = delete;

  // The address of the server for UDP and TCP. The server is ready.
  const net::SocketAddress& address() const { return address_; }

 private:
  int pid_ = -1;
  std::string directory_;
  net::SocketAddress address_;
};

}  // namespace pinhole::apps
