// How the beginnings are computed. Each side starts at its offset, gathers, connects to the referral server, and
// publishes its description when it is connected and has gathered. The server hands a description on when both sides
// are registered. A side begins its checks when it has gathered and has received the other side's description, but not
// before the next free slot of its pacer (Ta, RFC 8445 §14.2).
//
// The delays to and from the referral server are found by walking two datagrams through the model (passage.h). The
// tolerance is a millisecond if both sides send the same number of checks at the same pace; otherwise it is the time
// for all pairs. Six times the jitter of the model is added.

#include "scenarios/oracle/beginnings.h"

#include <algorithm>
#include <chrono>

#include "net/contract.h"
#include "scenarios/oracle/passage.h"

namespace pinhole::scenarios::oracle {
namespace {

using net::Duration;
using std::chrono::milliseconds;

std::size_t At(int index) { return static_cast<std::size_t>(index); }

// The one-way delays from a peer to the referral host and from the referral host to the peer.
struct Signalling {
  Duration out{};
  Duration back{};
};

Signalling SignallingOf(const Model& model, const Peer& peer) {
  if (!model.referral_host) return {};
  Passage passage(model, Pooling::kAlwaysFirst, Traffic::kSignalling);
  for (const Interface& at : model.hosts[At(*model.referral_host)].interfaces) {
    for (const net::IpAddress& server_address : at.addresses) {
      const int server = passage.AddSocket(at, net::SocketAddress(server_address, 7000));
      for (const Interface& interface : model.hosts[At(peer.host)].interfaces) {
        for (const net::IpAddress& address : interface.addresses) {
          if (address.family() != server_address.family()) continue;
          const int socket = passage.AddSocket(interface, net::SocketAddress(address, 40000));
          const Arrival request = passage.Send(socket, passage.socket(server).address);
          if (request.socket != server) continue;
          const Arrival answer = passage.Send(server, request.datagram.source);
          if (answer.socket == socket) return {request.datagram.delay, answer.datagram.delay};
        }
      }
    }
  }
  return {};
}

}  // namespace

Beginnings BeginningsOf(const Model& model, const Gathered& of_a, const Gathered& of_b, int pairs_max) {
  const Signalling a = SignallingOf(model, model.a);
  const Signalling b = SignallingOf(model, model.b);
  const Duration a_gathered = model.a.start + of_a.took;
  const Duration b_gathered = model.b.start + of_b.took;
  // A side connects to the referral server when it starts. It registers when it is connected, and publishes its
  // description when it is connected and has gathered.
  const Duration a_connected = model.a.start + a.out + a.back;
  const Duration b_connected = model.b.start + b.out + b.back;
  const Duration from_a = std::max({a_gathered + a.out, a_connected + a.out, b_connected + b.out});
  const Duration from_b = std::max({b_gathered + b.out, b_connected + b.out, a_connected + a.out});
  Beginnings beginnings;
  beginnings.a = std::max({a_gathered, from_b + a.back, model.a.start + of_a.last_asked + model.a.pace});
  beginnings.b = std::max({b_gathered, from_a + b.back, model.b.start + of_b.last_asked + model.b.pace});
  beginnings.description = std::max(b.out + a.back, a.out + b.back);
  const bool alike = of_a.hosts == of_b.hosts && of_a.srflxs == of_b.srflxs && of_a.relays == of_b.relays &&
                     model.a.pace == model.b.pace;
  // If both sides have the same numbers of candidates and the same pace, both reach a given pair after the same number
  // of checks. Otherwise one side may reach the pair several paces before the other side.
  const Duration pace = std::max(model.a.pace, model.b.pace);
  beginnings.slack = (alike ? Duration(milliseconds(1)) : pace * pairs_max) + 6 * model.jitter;
  return beginnings;
}

bool IsPossible(const Beginnings& beginnings, Order order, Duration into_a, Duration into_b) {
  const Duration a_ahead = beginnings.b - beginnings.a;
  switch (order) {
    case Order::kAFirst:
      return a_ahead + beginnings.slack >= into_b;
    case Order::kBFirst:
      return -a_ahead + beginnings.slack >= into_a;
    case Order::kCrossing:
      return a_ahead - beginnings.slack < into_b && -a_ahead - beginnings.slack < into_a;
  }
  net::CannotHappen();
}

}  // namespace pinhole::scenarios::oracle
