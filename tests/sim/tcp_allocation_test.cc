// After some segments a connection allocates no memory for further segments. Builds with a sanitizer do not have this
// test, see CMakeLists.txt.
#include <array>
#include <cstdlib>
#include <new>

#include "sim/host/host_node.h"
#include "tests/sim/tcp_world.h"

namespace {
std::size_t allocations = 0;
}  // namespace

// Counts the allocations. The nothrow form calls this function.
void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
// Not inlined, or GCC sees free() called on what a new-expression gave, and warns.
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace pinhole::sim {
namespace {

using namespace std::chrono_literals;

// A program that writes as much as fits, or reads and discards the bytes.
class Bulk final : public net::App {
 public:
  void OnTcpAccepted(net::SocketId, net::SocketId, const net::SocketAddress&) override {}
  void OnTcpConnected(net::SocketId id) override { WriteOn(id); }
  void OnTcpWritable(net::SocketId id) override { WriteOn(id); }
  void OnTcpReadable(net::SocketId id) override {
    for (;;) {
      const std::size_t given = host->Read(id, buffer_).value_or(0);
      received += given;
      if (given < buffer_.size()) return;
    }
  }
  void WriteOn(net::SocketId id) {
    while (host->Write(id, buffer_, {.packet_class = net::PacketClass::kData}).value_or(0) == buffer_.size()) {
    }
  }

  net::Host* host = nullptr;
  std::size_t received = 0;

 private:
  std::array<std::uint8_t, 10'000> buffer_ = {};
};

TEST(TcpAllocation, ABulkTransferAllocatesNothingPerSegment) {
  World world(1, {.drop_log_limit = 0});
  HostNode& alice_node = AddHost(world, "alice", "192.0.2.1/24");
  HostNode& bob_node = AddHost(world, "bob", "192.0.2.2/24");
  Link(world, alice_node, 1, bob_node, 1, {.delay = 5ms, .loss_ppm = 1000, .rate_bps = 100'000'000});
  Bulk alice, bob;
  alice.host = &alice_node.StartProgram("bulk", alice);
  bob.host = &bob_node.StartProgram("bulk", bob);
  world.RunUntil(Time({}));
  ASSERT_TRUE(bob.host->Listen(At("192.0.2.2:80"), {}).ok());
  ASSERT_TRUE(alice.host->Connect(At("0.0.0.0:0"), At("192.0.2.2:80"), {}).ok());
  world.RunUntil(Time(5s));
  const std::size_t received = bob.received;
  const std::uint64_t hops = world.packet_hops();
  const std::size_t before = allocations;
  world.RunUntil(Time(20s));
  const std::size_t made = allocations - before;
  EXPECT_GT(bob.received - received, std::size_t{10} << 20);
  ASSERT_GT(world.packet_hops() - hops, 10'000u);
  // The record of where packets came from doubles now and then.
  EXPECT_LE(made, 4u);
}

}  // namespace
}  // namespace pinhole::sim
