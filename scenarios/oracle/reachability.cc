// The method. The constructor gathers: it opens a socket for each address of a peer, asks STUN and TURN servers through
// it, and drops the answers that come after the deadline. Then rounds of checks follow. In a round each side sends from
// each base to each remote address that the base knows. With Order::kCrossing, the checks of both sides leave before
// any of them enters a box of the other side. Each answer and each new source address is recorded. The rounds end when
// nothing changes.
//
// A last pass sends every check once more. The pairs that work from both ends in this pass give the paths that work in
// the end. The pairs that worked in any round give the paths "meanwhile". Only the last pass records losses, because a
// check that is lost early may get through later.

#include "scenarios/oracle/reachability.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "scenarios/oracle/exploration.h"

namespace pinhole::scenarios::oracle {
namespace {

using net::Duration;
using net::IpAddress;
using net::SocketAddress;

// The number of ports that a side learns from one remote address at one socket. Two sides that have not met after two
// changes of port (udp_punching.h) never meet, so the limit only ends the exploration. The limit of a real agent is
// higher.
constexpr int kLearnedPortsMax = 4;
// A bound for the loop. Every round except the last one makes a side learn an address, or changes a box.
constexpr int kRoundsMax = 4 * kLearnedPortsMax;

std::size_t At(int index) { return static_cast<std::size_t>(index); }

// A socket of a peer, and the remote addresses to which it sends checks.
struct Base {
  int socket = 0;
  bool relay = false;
  std::vector<SocketAddress> remotes;
};

struct Side {
  std::vector<Base> bases;
  Duration gathering{};
  Duration last_asked{};
  bool close = false;
};

// A request in the gathering phase, and its answer.
struct Question {
  int socket = 0;
  int server = 0;
  bool turn = false;
  Duration begins{};                    // when the request is first sent, counted from the start of the side
  std::optional<SocketAddress> mapped;  // empty: no answer arrives
  Duration round_trip{};
  Duration again{};  // when a TURN server is asked for the second time
  // False if the agent does not send this request, because the candidate is withheld or the server is already asked.
  bool counts = true;

  // A TURN server refuses the first request and asks for credentials, so that a second one is needed (RFC 8489 §9.2).
  Duration whole() const { return (turn ? 2 : 1) * round_trip; }
};

// A check that worked: the request arrived, and the answer came back from the address to which the request was sent.
struct Working {
  int base = 0;
  SocketAddress remote;
  SocketAddress mapped;  // the source address that the other side saw
  int peer_base = 0;
  Duration delay{};

  bool SameAs(const Working& other) const {
    return base == other.base && peer_base == other.peer_base && remote == other.remote && mapped == other.mapped;
  }
};

class UdpExploration : private Exploration {
 public:
  UdpExploration(const Model& model, Order order, Pooling pooling)
      : Exploration(model, order, pooling, Traffic::kUdp), order_matters_(OrderMayMatter(model)) {
    AddPeer(0);
    AddPeer(1);
    // Each side knows all candidates of the other side that are not withheld.
    for (int side = 0; side < 2; ++side) {
      for (Base& base : sides_[side].bases) {
        for (const ExploredCandidate& candidate : candidates_[1 - side]) {
          if (!candidate.withheld) Learn(base, candidate.address, true);
        }
      }
    }
  }

  Reached Run() {
    Reached reached;
    reached.a = Summarise(0);
    reached.b = Summarise(1);
    for (int round = 0; round < kRoundsMax; ++round) {
      const int before = passage_.knowledge() + learned_;
      Round();
      if (passage_.knowledge() + learned_ == before) break;
    }
    // If a box may change its state between A's check and B's check, the address at which one of them was seen may be
    // out of date. Then it is enough that one of the two addresses matches.
    const bool same_address = !order_matters_;
    AddPaths(worked_[0], worked_[1], same_address, reached.direct_meanwhile, reached.relayed_meanwhile, nullptr);
    reached_ = &reached;
    const std::vector<Working> a = CheckAll(0);
    const std::vector<Working> b = CheckAll(1);
    AddPaths(a, b, true, reached.direct, reached.relayed, &reached.direct_delay);
    AddPaths(a, b, same_address, reached.direct_meanwhile, reached.relayed_meanwhile, nullptr);
    for (const Side& side : sides_) {
      int pairs = 0;
      for (const Base& base : side.bases) pairs += static_cast<int>(base.remotes.size());
      reached.pairs_max = std::max(reached.pairs_max, pairs);
    }
    for (std::vector<PathKind>* paths :
         {&reached.direct, &reached.relayed, &reached.direct_meanwhile, &reached.relayed_meanwhile}) {
      std::sort(paths->begin(), paths->end());
      paths->erase(std::unique(paths->begin(), paths->end()), paths->end());
    }
    return reached;
  }

 private:
  // Returns the address under which the server sees the socket, and sets `round_trip`. Returns nothing if no answer
  // arrives.
  std::optional<SocketAddress> AskServer(int socket, int server_socket, Duration* round_trip) {
    const SocketAddress server = passage_.socket(server_socket).address;
    if (server.family() != passage_.socket(socket).address.family()) return std::nullopt;
    const Arrival request = passage_.Send(socket, server);
    if (request.socket != server_socket) return std::nullopt;
    const Arrival answer = passage_.Send(server_socket, request.datagram.source);
    if (answer.socket != socket || answer.datagram.source != server) return std::nullopt;
    *round_trip = request.datagram.delay + answer.datagram.delay;
    return request.datagram.source;
  }

  void AddCandidate(int side, const SocketAddress& address, CandidateType type, bool withheld) {
    for (const ExploredCandidate& old : candidates_[side]) {
      if (old.address == address && (old.type == type || !old.withheld)) return;
    }
    candidates_[side].push_back({.address = address, .type = type, .withheld = withheld});
  }

  void AddPeer(int side) {
    const Peer& peer = PeerOf(side);
    AddRelaysOverTcp(side);
    std::vector<Question> questions;
    std::vector<int> sockets;
    if (!peer.udp) return;
    for (const auto& [interface, address] : AddressesOf(peer)) {
      const SocketAddress own(address, next_port_++);
      sockets.push_back(passage_.AddSocket(interface, own));
      AddCandidate(side, own, CandidateType::kHost, peer.withhold_host);
      Ask(peer, sockets.back(), questions);
    }
    AskAgain(peer, questions, sides_[side]);
    LeaveOutTheLate(peer, questions, sides_[side]);
    for (int socket : sockets) {
      const SocketAddress own = passage_.socket(socket).address;
      bool checks = !peer.withhold_host;
      for (const Question& question : questions) {
        if (question.socket != socket || !question.mapped) continue;
        if (*question.mapped != own) {
          AddCandidate(side, *question.mapped, CandidateType::kServerReflexive, peer.withhold_srflx);
          if (!peer.withhold_srflx) checks = true;
        }
        if (question.turn) AddRelay(model_.servers[At(question.server)], own, side);
      }
      if (checks) sides_[side].bases.push_back({socket, false, {}});
    }
  }

  // The requests of one socket, one per Ta. TURN servers are asked first, because their answer also contains the mapped
  // address, so that the same server needs no request for it.
  void Ask(const Peer& peer, int socket, std::vector<Question>& questions) {
    const net::Family family = passage_.socket(socket).address.family();
    std::vector<int> asked;
    for (const bool turn : {true, false}) {
      for (int server : turn ? peer.turn_servers : peer.stun_servers) {
        const std::vector<SocketAddress>& listens = model_.servers[At(server)].listens;
        if (std::none_of(listens.begin(), listens.end(),
                         [&](const SocketAddress& address) { return address.family() == family; })) {
          continue;
        }
        Question question{.socket = socket, .server = server, .turn = turn};
        question.counts = turn ? !peer.withhold_relay
                               : !peer.withhold_srflx && std::find(asked.begin(), asked.end(), server) == asked.end();
        if (turn && question.counts) asked.push_back(server);
        question.begins = peer.pace * std::count_if(questions.begin(), questions.end(),
                                                    [](const Question& before) { return before.counts; });
        // Uses one listening address of each family.
        for (int server_socket : server_sockets_[At(server)]) {
          if (question.mapped || (turn && !model_.servers[At(server)].turn)) continue;
          question.mapped = AskServer(socket, server_socket, &question.round_trip);
        }
        questions.push_back(question);
      }
    }
  }

  // Second requests to TURN servers are sent after all first requests.
  static void AskAgain(const Peer& peer, std::vector<Question>& questions, Side& side) {
    Duration free{};
    for (const Question& question : questions) {
      if (!question.counts) continue;
      side.last_asked = std::max(side.last_asked, question.begins);
      free = std::max(free, question.begins + peer.pace);
    }
    std::vector<Question*> turn;
    for (Question& question : questions) {
      if (question.counts && question.turn && question.mapped) turn.push_back(&question);
    }
    std::stable_sort(turn.begin(), turn.end(), [](const Question* x, const Question* y) {
      return x->begins + x->round_trip < y->begins + y->round_trip;
    });
    for (Question* question : turn) {
      question->again = std::max(free, question->begins + question->round_trip);
      free = question->again + peer.pace;
      side.last_asked = std::max(side.last_asked, question->again);
    }
  }

  // Gathering ends when all requests are answered, or one deadline after the last request was first sent, the second
  // request to a TURN server included. The pacer decides when that request is sent, so there is a lower and an upper
  // bound.
  void LeaveOutTheLate(const Peer& peer, std::vector<Question>& questions, Side& side) {
    const std::int64_t count =
        std::count_if(questions.begin(), questions.end(), [](const Question& q) { return q.counts; });
    const Duration wait_max =
        // waiting in the pacer's queue behind all other requests
        peer.pace * std::max<std::int64_t>(0, 2 * (count - 1));
    Duration last_at_least = peer.pace * std::max<std::int64_t>(0, count - 1);
    Duration last_at_most = last_at_least;
    for (const Question& question : questions) {
      if (!question.counts || !question.mapped || !question.turn) continue;
      const Duration refused = question.begins + question.round_trip;
      if (question.round_trip < peer.gathering_deadline) {
        last_at_least = std::max(last_at_least, refused - 2 * model_.jitter);
      }
      if (question.round_trip - 2 * model_.jitter <= peer.gathering_deadline + wait_max) {
        last_at_most = std::max(last_at_most, refused + wait_max);
      }
    }
    bool unanswered = false;
    for (Question& question : questions) {
      const Duration comes = question.begins + question.whole();
      const Duration comes_first = comes - (question.turn ? 4 : 2) * model_.jitter;
      if (question.mapped && comes_first > last_at_most + peer.gathering_deadline) question.mapped.reset();
      if (!question.counts) continue;
      if (!question.mapped) {
        unanswered = true;
        continue;
      }
      side.close |= question.round_trip >= peer.gathering_deadline && comes >= last_at_least + peer.gathering_deadline;
      side.gathering = std::max(side.gathering, std::max(comes, question.again + question.round_trip));
    }
    if (unanswered) side.gathering = std::max(side.gathering, last_at_least + peer.gathering_deadline);
  }

  void AddRelay(const Server& server, const SocketAddress& own, int side) {
    for (const IpAddress& address : server.relay_addresses) {
      if (address.family() != own.family()) continue;
      const Interface* interface = InterfaceOf(server.host, address);
      if (interface == nullptr) continue;
      const SocketAddress relayed(address, next_port_++);
      Socket socket;
      socket.address = relayed;
      socket.network = interface->network;
      socket.gateway = interface->gateway;
      socket.up = interface->up;
      socket.down = interface->down;
      socket.relay = true;
      const int index = passage_.AddSocket(socket);
      AddCandidate(side, relayed, CandidateType::kRelayed, PeerOf(side).withhold_relay);
      if (!PeerOf(side).withhold_relay) sides_[side].bases.push_back({index, true, {}});
      return;
    }
  }

  // Adds a relay for each address from which a TURN server can be reached over TCP.
  void AddRelaysOverTcp(int side) {
    const Peer& peer = PeerOf(side);
    if (peer.withhold_relay) return;
    for (const auto& [interface, address] : AddressesOf(peer)) {
      for (int index : peer.tcp_turn_servers) {
        const Server& server = model_.servers[At(index)];
        if (!server.up || !server.turn) continue;
        const std::optional<Duration> round_trip = RoundTripOverTcp(server, interface, address);
        if (!round_trip) continue;
        AddRelay(server, SocketAddress(address, 1), side);
        // The handshake and two requests.
        sides_[side].gathering = std::max(sides_[side].gathering, 3 * *round_trip);
      }
    }
  }

  std::optional<Duration> RoundTripOverTcp(const Server& server, const Interface& from,
                                           const IpAddress& address) const {
    Passage passage(model_, Pooling::kAlwaysFirst, Traffic::kTcp);
    const int client = passage.AddSocket(from, SocketAddress(address, 40000));
    for (const SocketAddress& listens : server.listens_tcp) {
      const Interface* interface = InterfaceOf(server.host, listens.address());
      if (interface == nullptr || listens.family() != address.family()) continue;
      const int there = passage.AddSocket(*interface, listens);
      const Arrival syn = passage.Open(client, listens);
      if (syn.socket != there) continue;
      const Arrival answer = passage.Send(there, syn.datagram.source);
      if (answer.socket == client) return syn.datagram.delay + answer.datagram.delay;
    }
    return std::nullopt;
  }

  Gathered Summarise(int side) const {
    Gathered gathered;
    gathered.took = sides_[side].gathering;
    gathered.last_asked = sides_[side].last_asked;
    gathered.close = sides_[side].close;
    for (const ExploredCandidate& candidate : candidates_[side]) {
      if (candidate.withheld) continue;
      gathered.hosts += candidate.type == CandidateType::kHost;
      gathered.srflxs += candidate.type == CandidateType::kServerReflexive;
      gathered.relays += candidate.type == CandidateType::kRelayed;
    }
    return gathered;
  }

  // Returns false if the address is known, or if too many ports of it have been learned.
  bool Learn(Base& base, const SocketAddress& remote, bool signalled) {
    if (remote.family() != passage_.socket(base.socket).address.family()) return false;
    int ports = 0;
    for (const SocketAddress& known : base.remotes) {
      if (known == remote) return false;
      if (known.address() == remote.address()) ++ports;
    }
    if (!signalled && ports > kLearnedPortsMax) return false;
    base.remotes.push_back(remote);
    ++learned_;
    return true;
  }

  static bool Knows(const Base& base, const SocketAddress& remote) {
    return std::find(base.remotes.begin(), base.remotes.end(), remote) != base.remotes.end();
  }

  std::optional<int> BaseOf(int side, int socket) const {
    for (std::size_t i = 0; i < sides_[side].bases.size(); ++i) {
      if (sides_[side].bases[i].socket == socket) return static_cast<int>(i);
    }
    return std::nullopt;
  }

  // Handles a request of `side` that has arrived or was lost. If it arrived, the other side learns its source and
  // answers. Where a later packet may change which pairs work, the other side also sends a check to the source at once
  // (a triggered check, RFC 8445 §7.3.1.4).
  std::optional<Working> Finish(int side, int base, const SocketAddress& remote, const Arrival& request) {
    const std::optional<Working> done = Answer(side, base, remote, request);
    if (reached_ == nullptr && order_matters_ && request.socket) {
      const SocketAddress& source = request.datagram.source;
      const std::optional<int> peer_base = BaseOf(1 - side, *request.socket);
      if (peer_base && Knows(sides_[1 - side].bases[At(*peer_base)], source)) {
        Answer(1 - side, *peer_base, source, passage_.Send(*request.socket, source));
      }
    }
    return done;
  }

  std::optional<Working> Answer(int side, int base, const SocketAddress& remote, const Arrival& request) {
    if (!request.socket) {
      NoteLoss(request.loss);
      return std::nullopt;
    }
    const std::optional<int> peer_base = BaseOf(1 - side, *request.socket);
    if (!peer_base) return std::nullopt;  // it arrived at a socket that is not the other peer's
    Learn(sides_[1 - side].bases[At(*peer_base)], request.datagram.source, false);
    const Arrival answer = passage_.Send(*request.socket, request.datagram.source);
    if (!answer.socket) {
      NoteLoss(answer.loss);
      return std::nullopt;
    }
    if (*answer.socket != sides_[side].bases[At(base)].socket) return std::nullopt;
    if (answer.datagram.source != remote) {
      if (reached_ != nullptr) reached_->asymmetric_answers = true;
      return std::nullopt;
    }
    const Working done{base, remote, request.datagram.source, *peer_base, request.datagram.delay};
    std::vector<Working>& worked = worked_[side];
    if (std::none_of(worked.begin(), worked.end(), [&](const Working& old) { return old.SameAs(done); })) {
      worked.push_back(done);
    }
    return done;
  }

  void NoteLoss(const Loss& loss) {
    if (reached_ == nullptr) return;
    std::vector<Loss>& losses = reached_->losses;
    if (std::find(losses.begin(), losses.end(), loss) == losses.end()) losses.push_back(loss);
  }

  std::vector<Working> CheckAll(int side) {
    std::vector<Working> working;
    for (std::size_t i = 0; i < sides_[side].bases.size(); ++i) {
      // A copy, because Finish() may add remotes.
      const std::vector<SocketAddress> remotes = sides_[side].bases[i].remotes;
      for (const SocketAddress& remote : remotes) {
        const Arrival request = passage_.Send(sides_[side].bases[i].socket, remote);
        if (std::optional<Working> done = Finish(side, static_cast<int>(i), remote, request)) working.push_back(*done);
      }
    }
    return working;
  }

  struct Paused {
    int side;
    int base;
    SocketAddress remote;
    Datagram datagram;
  };

  void SendAll(int side, std::vector<Paused>& paused) {
    for (std::size_t i = 0; i < sides_[side].bases.size(); ++i) {
      const std::vector<SocketAddress> remotes = sides_[side].bases[i].remotes;
      for (const SocketAddress& remote : remotes) {
        const Arrival request = passage_.Send(sides_[side].bases[i].socket, remote, true);
        if (request.paused) {
          paused.push_back({side, static_cast<int>(i), remote, request.datagram});
        } else {
          Finish(side, static_cast<int>(i), remote, request);
        }
      }
    }
  }

  void Round() {
    switch (order_) {
      case Order::kAFirst:
        CheckAll(0);
        CheckAll(1);
        return;
      case Order::kBFirst:
        CheckAll(1);
        CheckAll(0);
        return;
      case Order::kCrossing:
        break;
    }
    std::vector<Paused> paused;
    SendAll(0, paused);
    SendAll(1, paused);
    for (const Paused& one : paused) Finish(one.side, one.base, one.remote, passage_.Resume(one.datagram));
  }

  // Adds the kinds of path of the pairs that work from both ends. With `same_address`, each end must send its check to
  // the address at which the other end's check was seen; without it, one end is enough.
  void AddPaths(const std::vector<Working>& a, const std::vector<Working>& b, bool same_address,
                std::vector<PathKind>& direct, std::vector<PathKind>& relayed, Duration* direct_delay) const {
    for (const Working& there : a) {
      for (const Working& back : b) {
        if (back.peer_base != there.base || there.peer_base != back.base) continue;
        const int met = int{back.remote == there.mapped} + int{there.remote == back.mapped};
        if (met < (same_address ? 2 : 1)) continue;
        PathKind path;
        path.a_remote = RemoteType(0, there.remote);
        path.b_remote = RemoteType(1, back.remote);
        path.relay_hops = int{sides_[0].bases[At(there.base)].relay} + int{sides_[1].bases[At(back.base)].relay};
        path.ipv6 = there.remote.family() == net::Family::kIpv6;
        for (CandidateType a_local : LocalTypes(0, there.mapped)) {
          for (CandidateType b_local : LocalTypes(1, back.mapped)) {
            path.a_local = a_local;
            path.b_local = b_local;
            (path.relay_hops == 0 ? direct : relayed).push_back(path);
          }
        }
        if (direct_delay != nullptr && path.relay_hops == 0 &&
            (*direct_delay == Duration{} || there.delay < *direct_delay)) {
          *direct_delay = there.delay;
        }
      }
    }
  }

  const bool order_matters_;
  Side sides_[2];
  int learned_ = 0;
  std::vector<Working> worked_[2];  // by side, each once
  Reached* reached_ = nullptr;      // set in the last round only
};

}  // namespace

bool OrderMayMatter(const Model& model) {
  for (const Box& box : model.boxes) {
    if (box.nat.per_tuple ? box.nat.claims_tuple || box.nat.filtering != Dependence::kAddressAndPortDependent
                          : box.nat.inbound_sessions && box.nat.mapping != Dependence::kEndpointIndependent) {
      return true;
    }
  }
  return false;
}

Reached Explore(const Model& model, Order order, Pooling pooling) {
  return UdpExploration(model, order, pooling).Run();
}

}  // namespace pinhole::scenarios::oracle
