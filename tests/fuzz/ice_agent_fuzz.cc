// Fuzzes an agent with the inputs that a peer, a server or an unknown host could cause. The input is a script of steps.
// Mutated messages get correct integrity and fingerprint again, so that the mutation reaches the code behind these
// checks.
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
#include "stun/attributes.h"
#include "stun/fingerprint.h"
#include "stun/message.h"
#include "stun/message_builder.h"
#include "tests/fuzz/script.h"

namespace pinhole::ice {
namespace {

constexpr char kUfrag[] = "PEER";
constexpr char kPassword[] = "peerpasswordpeerpassword";
const net::SocketAddress kServer(net::IpAddress::V4(198, 51, 100, 1), 3478);

struct Sent {
  SocketTag tag;
  net::SocketAddress to;
  std::vector<std::uint8_t> bytes;
};

// Changes bytes before the integrity attribute, then makes integrity and fingerprint correct again.
void MutateAndRepair(std::vector<std::uint8_t>& message, const stun::HmacSha1Key& key, Script& script) {
  if (message.size() < 52) return;
  const std::size_t end = message.size() - 32;  // MESSAGE-INTEGRITY and FINGERPRINT are last.
  for (int i = script.Byte() % 4; i > 0; --i) {
    const std::size_t at = 20 + script.Number() % (end - 20 + 1);
    if (at < end) message[at] = script.Byte();
  }
  const auto length = static_cast<std::uint16_t>(end + 24 - 20);
  const stun::Sha1Digest mac = key.ComputeWithLength(net::ByteView(message).first(end), length);
  std::copy(mac.begin(), mac.end(), message.begin() + static_cast<std::ptrdiff_t>(end) + 4);
  net::StoreU16(message.data() + 2, static_cast<std::uint16_t>(message.size() - 20));
  net::StoreU32(message.data() + end + 24 + 4, stun::FingerprintOf(net::ByteView(message).first(end + 24)));
}

void Run(net::ByteView input) {
  Script script(input);
  AgentOptions options;
  options.role = script.Byte() % 2 == 0 ? Role::kControlling : Role::kControlled;
  options.nomination = static_cast<NominationPolicy>(script.Byte() % 3);
  options.components = script.Byte() % 2 == 0 ? std::vector<int>{1} : std::vector<int>{2, 1};
  options.icmp_fails_pairs = script.Byte() % 2 == 0;
  const std::uint8_t servers = script.Byte();
  if (servers & 1) options.stun_servers = {kServer};
  if (servers & 2) options.turn_servers = {{kServer, "user", "secret"}};
  net::SeededRandom random(1, "agent"), peer(1, "peer");
  HostPacer pacer;
  std::set<net::SocketAddress> told;      // by someone who knew a password: described, or the source of a right check
  std::set<net::SocketAddress> answered;  // from where a right answer came
  Agent agent(options, random, &pacer);
  net::Instant now;
  std::vector<Sent> sent;
  std::vector<net::SocketAddress> sockets;
  const auto drain = [&] {
    std::vector<OpenSocket> opened;
    int outputs = 0;
    for (bool more = true; more;) {
      more = false;
      while (const std::optional<Output> output = agent.PollOutput()) {
        if (++outputs > 10000) std::abort();
        if (const auto* open = std::get_if<OpenSocket>(&*output)) opened.push_back(*open);
        if (const auto* send = std::get_if<SendDatagram>(&*output)) {
          sent.push_back({send->tag, send->to, {send->bytes.begin(), send->bytes.end()}});
        }
      }
      for (const OpenSocket& open : std::exchange(opened, {})) {
        sockets.push_back(open.local.WithPort(static_cast<std::uint16_t>(50000 + sockets.size())));
        agent.OnSocketOpened(now, open.tag, sockets.back());
        more = true;
      }
    }
    if (sent.size() > 64) sent.erase(sent.begin(), sent.end() - 64);
  };
  std::array<LocalAddress, 2> local;
  local[0].address = net::IpAddress::V4(192, 0, 2, 1);
  local[1].address = net::IpAddress::V4(192, 0, 2, 2);
  agent.StartGathering(now, local);
  drain();
  const Description own = agent.LocalDescription();
  const stun::HmacSha1Key own_key{absl::string_view(own.password)};
  const stun::HmacSha1Key peer_key{absl::string_view(kPassword)};

  const auto peer_address = [&] {
    return net::SocketAddress(net::IpAddress::V4(203, 0, 113, script.Byte()),
                              static_cast<std::uint16_t>(1 + script.Number()));
  };
  for (int steps = 0; !script.done() && steps < 400; ++steps) {
    const auto tag = static_cast<SocketTag>(script.Byte() % 4);
    switch (script.Byte() % 10) {
      case 0: {  // a description
        Description remote;
        remote.ufrag = kUfrag;
        remote.password = kPassword;
        remote.complete = script.Byte() % 4 != 0;
        for (int i = script.Byte() % 20; i > 0; --i) {
          Candidate candidate;
          candidate.stream = script.Byte() % 3;
          candidate.component = 1 + script.Byte() % 3;
          candidate.type = static_cast<CandidateType>(script.Byte() % 4);
          candidate.priority = 1 + script.Number();
          candidate.address = peer_address();
          candidate.foundation = Foundation(script.Byte() % 2 == 0 ? "1" : "2");
          told.insert(candidate.address);
          remote.candidates.push_back(candidate);
        }
        agent.SetRemote(now, remote);
        break;
      }
      case 1: {  // a check of the peer's
        std::array<std::uint8_t, 548> buffer;
        stun::MessageBuilder message(buffer, stun::MessageClass::kRequest, stun::Method::kBinding,
                                     stun::TransactionId::Random(peer));
        message.Add(stun::Username{own.ufrag + ":" + kUfrag}).Add(stun::Priority{script.Number()});
        const std::uint8_t kind = script.Byte();
        if (kind & 1) message.Add(stun::UseCandidate{});
        if (kind & 2) {
          message.Add(stun::IceControlling{script.Number()});
        } else {
          message.Add(stun::IceControlled{script.Number()});
        }
        const net::ByteView whole = message.AddIntegrity(own_key).AddFingerprint().Finish().value();
        std::vector<std::uint8_t> bytes(whole.begin(), whole.end());
        MutateAndRepair(bytes, own_key, script);
        const net::SocketAddress from = peer_address();
        told.insert(from);
        agent.OnDatagram(now, tag, from, bytes, {});
        break;
      }
      case 2:
      case 3: {  // an answer to something the agent sent
        if (sent.empty()) break;
        const Sent& request = sent[script.Byte() % sent.size()];
        const std::optional<stun::MessageView> view = stun::MessageView::Parse(request.bytes);
        if (!view.has_value()) break;
        std::array<std::uint8_t, 548> buffer;
        const std::uint8_t kind = script.Byte();
        stun::MessageBuilder message(buffer, kind % 4 == 0 ? stun::MessageClass::kError : stun::MessageClass::kSuccess,
                                     view->method(), view->transaction_id());
        if (kind % 4 == 0) message.Add(stun::ErrorCode{kind % 8 == 0 ? 487 : 300 + script.Byte(), ""});
        message.Add(
            stun::XorMappedAddress{kind % 3 == 0 ? peer_address() : net::SocketAddress(local[0].address, 50000)});
        if (request.to == kServer) message.Add(stun::XorRelayedAddress{kServer.WithPort(60000)});
        const net::ByteView whole = message.AddIntegrity(peer_key).AddFingerprint().Finish().value();
        std::vector<std::uint8_t> bytes(whole.begin(), whole.end());
        MutateAndRepair(bytes, peer_key, script);
        const net::SocketAddress from = kind % 7 == 0 ? peer_address() : request.to;
        answered.insert(from);
        agent.OnDatagram(now, kind % 5 == 0 ? tag : request.tag, from, bytes, {});
        break;
      }
      case 4: {  // raw bytes
        std::vector<std::uint8_t> bytes;
        for (int i = script.Byte() % 64; i > 0; --i) bytes.push_back(script.Byte());
        agent.OnDatagram(now, tag, script.Byte() % 2 == 0 ? kServer : peer_address(), bytes, {});
        break;
      }
      case 5:
        agent.OnIcmp(now, tag, peer_address(), static_cast<net::IcmpError::Kind>(script.Byte() % 8));
        break;
      case 6: {
        Candidate candidate;
        candidate.stream = script.Byte() % 3;
        candidate.component = 1 + script.Byte() % 3;
        candidate.priority = 1 + script.Number();
        candidate.address = peer_address();
        told.insert(candidate.address);
        agent.AddRemoteCandidate(now, candidate);
        if (script.Byte() % 4 == 0) agent.EndOfRemoteCandidates(now);
        break;
      }
      case 7: {
        const std::array<std::uint8_t, 2> data = {200, 1};
        agent.SendData(now, script.Byte() % 2, 1 + script.Byte() % 2, data);
        break;
      }
      default: {  // time goes by
        now += std::chrono::milliseconds(script.Number());
        for (int i = 0; agent.NextTimer() <= now; ++i) {
          if (i > 1000) std::abort();  // A deadline in the past must not loop.
          agent.OnTimer(now);
          drain();
        }
      }
    }
    drain();
    if (const char* broken = agent.BrokenInvariant()) {
      std::fprintf(stderr, "%s\n", broken);
      std::abort();
    }
  }
  // An agent may be connected only with a sender that knew a password: the agent's in a check, or its own in a
  // response.
  for (int stream = 0; stream < static_cast<int>(options.components.size()); ++stream) {
    for (int component = 1; component <= options.components[static_cast<std::size_t>(stream)]; ++component) {
      const std::optional<PairView> selected = agent.SelectedPair(stream, component);
      if (!selected.has_value()) continue;
      if (!told.contains(selected->remote.address) || !answered.contains(selected->remote.address)) std::abort();
    }
  }
  // Bounds.
  if (agent.CheckListSnapshot().size() > 200 || agent.RemoteCandidates().size() > 500) std::abort();
  if (agent.LocalCandidates().size() > 300) std::abort();
  agent.Close(now);
  drain();
  if (agent.NextTimer() != net::kNever) std::abort();
}

}  // namespace
}  // namespace pinhole::ice

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pinhole::ice::Run(pinhole::net::ByteView(data, size));
  return 0;
}
