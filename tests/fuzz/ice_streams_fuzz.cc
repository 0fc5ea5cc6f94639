// Fuzzes an agent with TCP candidates and servers over TCP. The input decides how connections open, fail and send: in
// any order, in any pieces, with messages of the peer, of unknown hosts, and garbage.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <set>
#include <vector>

#include "ice/agent.h"
#include "ice/framing.h"
#include "stun/attributes.h"
#include "stun/message.h"
#include "stun/message_builder.h"
#include "tests/fuzz/script.h"

namespace pinhole::ice {
namespace {

constexpr char kUfrag[] = "PEER";
constexpr char kPassword[] = "peerpasswordpeerpassword";
const net::SocketAddress kServer(net::IpAddress::V4(198, 51, 100, 1), 3478);

void Require(bool holds) {
  if (!holds) std::abort();
}

net::SocketAddress PeerOf(Script& script) {
  const std::uint8_t host = script.Byte();
  const std::uint8_t port = script.Byte();
  return net::SocketAddress(net::IpAddress::V4(host < 128 ? 203 : 10, 0, 113, host % 16),
                            static_cast<std::uint16_t>(1 + port % 8));
}

std::vector<std::uint8_t> Framed(net::ByteView payload) {
  const auto header = FrameHeader(payload.size());
  std::vector<std::uint8_t> frame(header.size() + payload.size());
  std::copy(payload.begin(), payload.end(), std::copy(header.begin(), header.end(), frame.begin()));
  return frame;
}

struct Driver {
  explicit Driver(const AgentOptions& options) : agent(options, random, nullptr) {}

  void Drain() {
    std::vector<SocketTag> opened;
    for (int outputs = 0; const std::optional<Output> output = agent.PollOutput(); ++outputs) {
      Require(outputs < 10000);
      if (const auto* socket = std::get_if<OpenSocket>(&*output)) opened.push_back(socket->tag);
      if (const auto* listener = std::get_if<OpenListener>(&*output)) opened.push_back(listener->tag);
      if (const auto* connect = std::get_if<Connect>(&*output)) {
        Require(!connect->remote.address().IsLoopback() && live.insert(connect->connection).second);
        if (connect->remote.address().IsPrivate()) private_targets.insert(connect->remote.address());
        tags.push_back(connect->connection);
      }
      if (const auto* close = std::get_if<CloseConnection>(&*output)) Require(live.erase(close->connection) == 1);
      if (const auto* send = std::get_if<SendStream>(&*output)) {
        Require(live.contains(send->connection));
        requests.push_back({send->bytes.begin(), send->bytes.end()});
      }
    }
    for (SocketTag tag : opened) {
      agent.OnSocketOpened(now, tag,
                           net::SocketAddress(net::IpAddress::V4(192, 0, 2, 1), 50000)
                               .WithPort(static_cast<std::uint16_t>(50000 + static_cast<std::uint32_t>(tag))));
      Drain();
    }
    if (requests.size() > 32) requests.erase(requests.begin(), requests.end() - 32);
  }

  net::SeededRandom random{1, "agent"};
  Agent agent;
  net::Instant now;
  std::set<ConnectionTag> live;
  std::set<net::IpAddress> private_targets;
  std::vector<ConnectionTag> tags;
  std::vector<std::vector<std::uint8_t>> requests;  // with their frame headers, if they have any
};

std::vector<std::uint8_t> Check(const Description& own, Script& script, net::RandomSource& random) {
  std::array<std::uint8_t, 548> buffer;
  stun::MessageBuilder message(buffer, stun::MessageClass::kRequest, stun::Method::kBinding,
                               stun::TransactionId::Random(random));
  message.Add(stun::Username{own.ufrag + ":" + kUfrag}).Add(stun::Priority{std::uint32_t{1} + script.Byte()});
  const std::uint8_t kind = script.Byte();
  if (kind & 1) message.Add(stun::UseCandidate{});
  if (kind & 2) {
    message.Add(stun::IceControlling{kind});
  } else {
    message.Add(stun::IceControlled{kind});
  }
  const stun::HmacSha1Key key{absl::string_view(kind % 8 == 0 ? std::string("wrong") : own.password)};
  const net::ByteView bytes = message.AddIntegrity(key).AddFingerprint().Finish().value();
  return {bytes.begin(), bytes.end()};
}

std::vector<std::uint8_t> Answer(net::ByteView sent, Script& script) {
  for (std::size_t skip : {std::size_t{0}, kFrameHeaderBytes}) {
    if (sent.size() < skip) break;
    const std::optional<stun::MessageView> request = stun::MessageView::Parse(sent.subspan(skip));
    if (!request.has_value()) continue;
    std::array<std::uint8_t, 548> buffer;
    const std::uint8_t kind = script.Byte();
    stun::MessageBuilder message(buffer, kind % 4 == 0 ? stun::MessageClass::kError : stun::MessageClass::kSuccess,
                                 request->method(), request->transaction_id());
    if (kind % 4 == 0) message.Add(stun::ErrorCode{kind % 8 == 0 ? 487 : 401, ""});
    message.Add(stun::XorMappedAddress{PeerOf(script)});
    const net::ByteView bytes =
        skip == 0
            ? message.Finish().value()
            : message.AddIntegrity(stun::HmacSha1Key(absl::string_view(kPassword))).AddFingerprint().Finish().value();
    if (skip > 0) return Framed(bytes);
    return {bytes.begin(), bytes.end()};
  }
  return {};
}

void Run(net::ByteView input) {
  Script script(input);
  AgentOptions options;
  const std::uint8_t switches = script.Byte();
  options.role = switches & 1 ? Role::kControlling : Role::kControlled;
  options.udp_candidates = switches & 2;
  options.tcp.active = true;
  options.tcp.passive = options.tcp.simultaneous_open = switches & 4;
  if (switches & 4) options.tcp.stun_servers = {kServer};
  if (switches & 8) options.turn_servers = {{kServer, "user", "secret", stun::Transport::kTcp}};
  if (switches & 16) options.tcp.on_connect_failure = ConnectFailurePolicy::kRetry;
  options.nomination = static_cast<NominationPolicy>((switches >> 5) % 3);
  Driver driver(options);
  std::array<LocalAddress, 1> local;
  local[0].address = net::IpAddress::V4(192, 0, 2, 1);
  driver.agent.StartGathering(driver.now, local);
  driver.Drain();
  const Description own = driver.agent.LocalDescription();
  net::SeededRandom peer(1, "peer");

  for (int steps = 0; !script.done() && steps < 400; ++steps) {
    const ConnectionTag tag = driver.tags.empty() ? ConnectionTag(0) : driver.tags[script.Byte() % driver.tags.size()];
    const auto feed = [&](const std::vector<std::uint8_t>& bytes) {
      const std::size_t cut = bytes.empty() ? 0 : script.Byte() % bytes.size();
      driver.agent.OnStreamBytes(driver.now, tag, net::ByteView(bytes).first(cut));
      driver.Drain();
      driver.agent.OnStreamBytes(driver.now, tag, net::ByteView(bytes).subspan(cut));
    };
    switch (script.Byte() % 9) {
      case 0: {
        Description remote;
        remote.ufrag = kUfrag;
        remote.password = kPassword;
        for (int i = script.Byte() % 20; i > 0; --i) {
          Candidate candidate;
          candidate.transport = static_cast<Transport>(script.Byte() % 4);
          candidate.priority = std::uint32_t{1} + script.Byte();
          candidate.address = PeerOf(script);
          candidate.foundation = Foundation(script.Byte() % 2 == 0 ? "1" : "2");
          remote.candidates.push_back(candidate);
        }
        driver.agent.SetRemote(driver.now, remote);
        break;
      }
      case 1:
        if (driver.live.contains(tag))
          driver.agent.OnConnecting(driver.now, tag, net::SocketAddress(local[0].address, 40000));
        if (driver.live.contains(tag)) driver.agent.OnConnected(driver.now, tag);
        break;
      case 2:
        if (driver.live.erase(tag) == 1) {
          driver.agent.OnConnectionEnded(driver.now, tag, static_cast<ConnectionEnd>(script.Byte() % 8));
        }
        break;
      case 3: {
        const auto accepted = driver.agent.OnAccepted(driver.now, SocketTag(script.Byte() % 4), PeerOf(script));
        if (accepted.has_value()) {
          Require(driver.live.insert(*accepted).second);
          driver.tags.push_back(*accepted);
        }
        break;
      }
      case 4:
        feed(Framed(Check(own, script, peer)));
        break;
      case 5:
        if (!driver.requests.empty()) feed(Answer(driver.requests[script.Byte() % driver.requests.size()], script));
        break;
      case 6: {
        std::vector<std::uint8_t> bytes;
        for (int i = script.Byte() % 64; i > 0; --i) bytes.push_back(script.Byte());
        feed(bytes);
        break;
      }
      case 7: {
        const std::array<std::uint8_t, 2> data = {200, 1};
        driver.agent.SendData(driver.now, 0, 1, data);
        break;
      }
      default:
        driver.now += std::chrono::milliseconds(script.Byte() * 4);
        for (int i = 0; driver.agent.NextTimer() <= driver.now; ++i) {
          Require(i < 1000);  // A deadline in the past must not loop.
          driver.agent.OnTimer(driver.now);
          driver.Drain();
        }
    }
    driver.Drain();
    if (const char* broken = driver.agent.BrokenInvariant()) {
      std::fprintf(stderr, "%s\n", broken);
      std::abort();
    }
  }
  Require(driver.private_targets.size() <= 8 && driver.live.size() <= 300);
  driver.agent.Close(driver.now);
  driver.Drain();
  Require(driver.live.empty() && driver.agent.NextTimer() == net::kNever);
}

}  // namespace
}  // namespace pinhole::ice

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pinhole::ice::Run(pinhole::net::ByteView(data, size));
  return 0;
}
