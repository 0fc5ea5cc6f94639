// TCP over POSIX: the behavior that is not shared by all hosts (tests/net/tcp tests the shared behavior).
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

#include "net/posix/posix_host.h"
#include "net/posix/sockaddr.h"
#include "tests/net/tcp/tcp_program.h"

namespace pinhole::net {
namespace {

using namespace std::chrono_literals;

// No descriptor can be opened while this lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int next = dup(STDERR_FILENO);
    close(next);
    rlimit limit = before_;
    limit.rlim_cur = static_cast<rlim_t>(next);
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_ = {};
};

// accept(2) fails with EMFILE. The event for the connection has been used and does not come again.
TEST(PosixTcp, AConnectionThatFoundNoDescriptorIsAcceptedWhenOneIsFree) {
  PosixLoop loop;
  PosixHost host(loop);
  TcpProgram program;
  program.Attach(host);
  host.Start(program);
  const SocketAddress any_port(*IpAddress::Parse("127.0.0.1"), 0);
  const SocketId listener = program.Listen(any_port);
  const SocketId other = program.Listen(any_port);

  const int client = socket(AF_INET, SOCK_STREAM, 0);
  const Sockaddr name(*host.LocalAddress(listener), 0);
  ASSERT_EQ(connect(client, name.get(), name.size()), 0);  // the kernel has it, the program does not
  {
    const NoDescriptors none;
    EXPECT_FALSE(loop.RunUntil([&] { return !program.accepted().empty(); }, 20ms));
  }
  host.Close(other);
  EXPECT_TRUE(loop.RunUntil([&] { return !program.accepted().empty(); }, 10s));
  close(client);
}

}  // namespace
}  // namespace pinhole::net
