#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ice/agent.h"
#include "net/random.h"
#include "stun/turn_server.h"

// A small network in virtual time: agents, a STUN and TURN server, and, if a test wants one, a NAT in front of an
// agent. It records every datagram.
namespace pinhole::ice {

using net::Duration;
using net::Instant;
using net::SocketAddress;

SocketAddress Addr(absl::string_view text);
LocalAddress Local(absl::string_view address, net::InterfaceKind kind = net::InterfaceKind::kEthernet);
constexpr Instant At(Duration since_start) { return Instant() + since_start; }

struct WirePacket {
  Instant sent;
  int sender = -1;     // index of the endpoint; -1: the server
  SocketAddress from;  // the source address when the datagram left the sender
  SocketAddress to;
  net::PacketClass packet_class = net::PacketClass::kOther;
  net::PacketTag cause;
  std::vector<std::uint8_t> bytes;
};

// A NAT for one endpoint. Its mapping has one outside port for each inside socket, or for each inside socket and
// destination. Its filter lets in only sources to which the inside socket has sent.
struct TestNat {
  explicit TestNat(const SocketAddress& first) : outside(first) {}

  enum class Dependence { kEndpointIndependent, kAddressAndPortDependent };
  SocketAddress outside;  // the NAT's outside address; its ports count up from here
  Dependence mapping = Dependence::kEndpointIndependent;
  Dependence filtering = Dependence::kEndpointIndependent;

  SocketAddress Outwards(const SocketAddress& from, const SocketAddress& to);
  std::optional<SocketAddress> Inwards(const SocketAddress& from, const SocketAddress& to) const;

 private:
  struct Mapping {
    SocketAddress inside;
    std::optional<SocketAddress> only_to;
    SocketAddress outside;
    std::vector<SocketAddress> sent_to;
  };
  std::vector<Mapping> mappings_;
};

class TestNetwork {
 public:
  struct Endpoint {
    std::string name;
    std::unique_ptr<net::SeededRandom> random;
    HostPacer pacer;
    std::unique_ptr<Agent> agent;
    std::vector<LocalAddress> addresses;
    std::optional<TestNat> nat;
    std::map<SocketTag, SocketAddress> sockets;
    std::uint16_t next_port = 50000;
    int peer = -1;
    bool reported = false;  // true: its description has been sent to the peer
    // The outputs of the agent.
    std::vector<Output> events;  // all except sends, data and sockets; these events have no byte views
    std::vector<std::vector<std::uint8_t>> data;
    std::vector<SocketTag> closed;

    template <typename T>
    const T* Event() const {
      for (const Output& output : events) {
        if (const T* event = std::get_if<T>(&output)) return event;
      }
      return nullptr;
    }
    template <typename T>
    int Count() const {
      int count = 0;
      for (const Output& output : events) count += std::holds_alternative<T>(output);
      return count;
    }
  };

  // The time that a datagram takes; nullopt: it is lost.
  using Link = std::function<std::optional<Duration>(const WirePacket&)>;

  explicit TestNetwork(std::uint64_t seed = 1) : seed_(seed), server_random_(seed, "server") {}

  int Add(const std::string& name, const AgentOptions& options, std::vector<LocalAddress> addresses);
  // Adds a STUN and TURN server at this address, with the user "user" and the password "secret".
  void AddServer(const SocketAddress& address);
  std::size_t allocations() const { return server_->allocations(); }
  // Puts a "symmetric" NAT in front of an endpoint: mapping and filtering both depend on address and port (RFC 4787).
  void AddSymmetricNat(int endpoint, const SocketAddress& outside);
  // The descriptions of the two agents reach the other agent `signalling` after they were gathered.
  void Introduce(int a, int b, Duration signalling = std::chrono::milliseconds(10));
  void Start(int endpoint, Instant at = Instant());

  Endpoint& operator[](int index) { return endpoints_[static_cast<std::size_t>(index)]; }
  Agent& agent(int index) { return *endpoints_[static_cast<std::size_t>(index)].agent; }
  Instant now() const { return now_; }
  std::vector<WirePacket>& packets() { return packets_; }
  std::vector<WirePacket> Sent(int sender, net::PacketClass packet_class) const;

  void set_link(Link link) { link_ = std::move(link); }
  void set_delay(Duration one_way) {
    link_ = [one_way](const WirePacket&) { return one_way; };
  }
  // Puts the endpoints `inside` on one LAN behind one NAT. Towards the server the NAT maps each inside socket to a port
  // of `outside`. A datagram from inside to such a port goes straight to the mapped socket, with its source unchanged
  // (RFC 4787 §6, "internal source").
  void set_hairpin(const SocketAddress& outside, std::vector<int> inside, const SocketAddress& server);
  // Sets a function that changes descriptions on their way.
  void set_rewrite(std::function<void(int from, Description&)> rewrite) { rewrite_ = std::move(rewrite); }

  // Handles the next event. False: there is none before `until`.
  bool Step(Instant until);
  void RunUntil(Instant until);
  // Runs until both agents have concluded, or until `until`.
  void RunUntilConcluded(int a, int b, Instant until);
  void At(Instant at, std::function<void()> action);
  // Delivers a datagram to an endpoint's first socket, bypassing its NAT.
  void Inject(int endpoint, const SocketAddress& from, net::ByteView bytes);
  void Drain(int endpoint);

 private:
  void Send(int sender, const SocketAddress& from, const SocketAddress& to, net::ByteView bytes,
            net::PacketClass packet_class, net::PacketTag cause);
  void Deliver(const SocketAddress& from, const SocketAddress& to, const std::vector<std::uint8_t>& bytes);
  void DrainServer();

  std::uint64_t seed_;
  Instant now_;
  int idle_steps_ = 0;  // since time moved
  std::deque<Endpoint> endpoints_;
  std::multimap<Instant, std::function<void()>> events_;
  std::vector<WirePacket> packets_;
  Duration signalling_{};
  std::uint64_t next_tag_ = 1;
  Link link_ = [](const WirePacket&) { return std::chrono::milliseconds(10); };
  std::function<void(int, Description&)> rewrite_ = [](int, Description&) {};

  std::optional<SocketAddress> hairpin_;
  std::vector<int> hairpin_inside_;
  std::vector<SocketAddress> hairpin_sockets_;

  net::SeededRandom server_random_;
  std::unique_ptr<stun::TurnServer> server_;
  SocketAddress server_address_;
  std::map<stun::RelayId, SocketAddress> relays_;
  std::uint16_t next_relay_port_ = 60000;
};

}  // namespace pinhole::ice
