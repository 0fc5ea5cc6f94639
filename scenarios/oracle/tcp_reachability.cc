// The method. The constructor opens a socket for each passive and simultaneous-open candidate, asks the STUN servers
// from it, and makes the attempts: each active candidate with each passive one, and each simultaneous-open candidate
// with each other one. Then rounds follow, in which each open attempt sends a SYN (Fly()). In one flight, all SYNs
// arrive before the first refusal is back.
//
// A SYN has one of four results. Answered from the address to which it was sent: the attempt is connected. Refused by a
// RST or a hard ICMP error: the attempt ends, unless the agent tries again. Answered from another address: the attempt
// goes on, but the attempt of the other side with the same socket can no longer connect. Lost without an answer: the
// attempt sends its SYN again in the next round.

#include "scenarios/oracle/tcp_reachability.h"

#include <algorithm>
#include <map>
#include <utility>

#include "scenarios/oracle/exploration.h"

namespace pinhole::scenarios::oracle {
namespace {

using net::Duration;
using net::IpAddress;
using net::SocketAddress;

// A bound for the loop. Every round except the last one changes a box or ends an attempt.
constexpr int kRoundsMax = 16;

std::size_t At(int index) { return static_cast<std::size_t>(index); }

using Transport = ExploredCandidate::Transport;

// A port on which a side listens.
struct Listener {
  int socket = 0;
  bool connects = false;  // simultaneous-open, and at least one of its candidates is not withheld
};

struct Side {
  std::vector<Listener> listeners;
  Gathered gathered;
};

struct Attempt {
  enum class State : std::uint8_t {
    kTrying,
    kConnected,
    kRefused,
    kSpoilt,  // its socket serves a connection of the other side whose answers arrive from a wrong address
  };
  int side = 0;
  int socket = 0;
  SocketAddress remote;
  State state = State::kTrying;
  int flights = 0;
  Duration first_into_box{};
  std::optional<TcpLoss> loss;
  Arrival arrival;  // of the last SYN
};

class TcpExploration : private Exploration {
 public:
  TcpExploration(const Model& model, Order order, bool in_time, Pooling pooling)
      : Exploration(model, order, pooling, Traffic::kTcp), in_time_(in_time) {
    AddPeer(0);
    AddPeer(1);
    AddAttempts(0);
    AddAttempts(1);
  }

  TcpReached Run() {
    for (int round = 0; round < kRoundsMax; ++round) {
      const int before = changes_ + passage_.knowledge();
      if (order_ == Order::kCrossing) {
        Fly({true, true});
      } else {
        const bool b_first = order_ == Order::kBFirst;
        Fly({!b_first, b_first});
        Fly({b_first, !b_first});
      }
      reached_.unsettled = changes_ + passage_.knowledge() != before;
      if (!reached_.unsettled) break;
    }
    reached_.a = sides_[0].gathered;
    reached_.b = sides_[1].gathered;
    std::sort(reached_.direct.begin(), reached_.direct.end());
    reached_.direct.erase(std::unique(reached_.direct.begin(), reached_.direct.end()), reached_.direct.end());
    int attempts[2] = {0, 0};
    for (const Attempt& attempt : attempts_) {
      ++attempts[attempt.side];
      NoteTimes(attempt);
      if (!attempt.loss || attempt.state == Attempt::State::kConnected) continue;
      if (std::find(reached_.losses.begin(), reached_.losses.end(), *attempt.loss) != reached_.losses.end()) continue;
      reached_.losses.push_back(*attempt.loss);
    }
    reached_.attempts_max = std::max(attempts[0], attempts[1]);
    return std::move(reached_);
  }

 private:
  using State = Attempt::State;

  void AddPeer(int side) {
    const TcpCandidates& tcp = PeerOf(side).tcp;
    int requests = 0;
    for (const LocalAddress& local : AddressesOf(PeerOf(side))) {
      if (tcp.active && !PeerOf(side).withhold_host) ++sides_[side].gathered.hosts;
      if (tcp.passive) AddListener(side, local, Transport::kTcpPassive, requests);
      if (tcp.simultaneous_open) AddListener(side, local, Transport::kTcpSimultaneousOpen, requests);
    }
  }

  void AddListener(int side, const LocalAddress& local, Transport transport, int& requests) {
    const Peer& peer = PeerOf(side);
    Gathered& gathered = sides_[side].gathered;
    const SocketAddress own(local.address, next_port_++);
    const bool simultaneous_open = transport == Transport::kTcpSimultaneousOpen;
    Listener listener{passage_.AddSocket(local.interface, own), !peer.withhold_host && simultaneous_open};
    AddCandidate(side, {own, CandidateType::kHost, transport, peer.withhold_host});
    for (int server : peer.tcp_stun_servers) {
      if (peer.withhold_srflx) break;
      for (int server_socket : server_sockets_[At(server)]) {
        const SocketAddress listens = passage_.socket(server_socket).address;
        if (listens.family() != own.family()) continue;
        const Arrival syn = passage_.Open(listener.socket, listens);
        if (syn.socket != server_socket) continue;
        const Arrival answer = passage_.Send(server_socket, syn.datagram.source);
        if (answer.socket != listener.socket || answer.datagram.source != listens) continue;
        // The handshake takes one round trip, and the STUN request another one.
        gathered.last_asked = peer.pace * requests;
        const Duration whole = peer.pace * requests++ + 2 * (syn.datagram.delay + answer.datagram.delay);
        gathered.took = std::max(gathered.took, whole);
        if (syn.datagram.source != own) {
          AddCandidate(side, {syn.datagram.source, CandidateType::kServerReflexive, transport, false});
          listener.connects |= simultaneous_open;
        }
        break;
      }
    }
    sides_[side].listeners.push_back(listener);
  }

  void AddCandidate(int side, const ExploredCandidate& candidate) {
    for (const ExploredCandidate& old : candidates_[side]) {
      if (old.address == candidate.address && !old.withheld) return;
    }
    candidates_[side].push_back(candidate);
    if (candidate.withheld) return;
    Gathered& gathered = sides_[side].gathered;
    (candidate.type == CandidateType::kHost ? gathered.hosts : gathered.srflxs) += 1;
  }

  void AddAttempts(int side) {
    const Peer& peer = PeerOf(side);
    for (const ExploredCandidate& remote : candidates_[1 - side]) {
      if (remote.withheld || InterfaceOf(peer.host, remote.address.address()) != nullptr) continue;
      if (remote.transport == Transport::kTcpPassive) {
        if (!peer.tcp.active || peer.withhold_host) continue;
        for (const auto& [interface, address] : AddressesOf(peer)) {
          if (address.family() != remote.address.family()) continue;
          AddAttempt(side, passage_.AddSocket(interface, SocketAddress(address, next_port_++)), remote.address);
        }
        continue;
      }
      for (const Listener& listener : sides_[side].listeners) {
        const SocketAddress& own = passage_.socket(listener.socket).address;
        if (!listener.connects || own.family() != remote.address.family()) continue;
        AddAttempt(side, listener.socket, remote.address);
      }
    }
  }

  void AddAttempt(int side, int socket, const SocketAddress& remote) {
    Attempt& attempt = attempts_.emplace_back();
    attempt.side = side;
    attempt.socket = socket;
    attempt.remote = remote;
  }

  // Sends one SYN of each attempt that still tries, for the sides that `sides` selects. All SYNs leave before the first
  // one arrives, and all arrive before the first refusal is back.
  void Fly(std::pair<bool, bool> sides) {
    std::vector<Attempt*> flying;
    for (Attempt& attempt : attempts_) {
      if (attempt.state == State::kTrying && (attempt.side == 0 ? sides.first : sides.second)) {
        flying.push_back(&attempt);
      }
    }
    for (Attempt* attempt : flying) attempt->arrival = passage_.Open(attempt->socket, attempt->remote, true);
    for (Attempt* attempt : flying) {
      ++attempt->flights;
      if (!attempt->arrival.paused) continue;
      Arrival further = passage_.Resume(attempt->arrival.datagram);
      further.steps.insert(further.steps.begin(), attempt->arrival.steps.begin(), attempt->arrival.steps.end());
      attempt->arrival = std::move(further);
      if (attempt->flights == 1) attempt->first_into_box = attempt->arrival.into_box;
    }
    std::vector<Attempt*> answered, refused;
    for (Attempt* attempt : flying) {
      for (const Step& step : attempt->arrival.steps) until_box_[attempt->side].emplace(step.box, step.delay);
      if (IsAnswered(*attempt)) {
        answered.push_back(attempt);
      } else if (attempt->loss->told != Refusal::kSilent) {
        refused.push_back(attempt);
      }
    }
    for (Attempt* attempt : answered) Connect(*attempt);
    for (Attempt* attempt : refused) {
      passage_.Refuse(attempt->arrival.steps, attempt->loss->told);
      if (PeerOf(attempt->side).retries_refused || attempt->state != State::kTrying) continue;
      attempt->state = State::kRefused;
      ++changes_;
    }
  }

  // Whether the SYN reached a listener of the other side, and the answer came back from the address to which it was
  // sent.
  bool IsAnswered(Attempt& attempt) {
    const Arrival& arrival = attempt.arrival;
    TcpLoss loss;
    loss.side = attempt.side;
    loss.loss = arrival.loss;
    if (!arrival.steps.empty()) loss.sender_box = arrival.steps.back().box;
    if (arrival.socket && ListenerOf(1 - attempt.side, *arrival.socket) == nullptr) {
      loss.loss = {.kind = Loss::Kind::kNoListener, .place = arrival.datagram.network};
    } else if (arrival.socket) {
      const SocketAddress& source = arrival.datagram.source;
      const Arrival answer = passage_.Send(*arrival.socket, source);
      if (answer.socket == attempt.socket && answer.datagram.source == attempt.remote) return true;
      // The other side's own attempt with this socket can no longer connect.
      if (Attempt* theirs = Find(1 - attempt.side, *arrival.socket, source);
          theirs != nullptr && theirs->state == State::kTrying) {
        theirs->state = State::kSpoilt;
        ++changes_;
      }
      if (const std::optional<int> box = BoxAt(attempt.remote.address())) {
        std::vector<int>& boxes = reached_.answers_elsewhere;
        if (std::find(boxes.begin(), boxes.end(), *box) == boxes.end()) boxes.push_back(*box);
      }
      loss.loss = answer.loss;
      attempt.loss = loss;
      return false;
    }
    const Told told = ToldOf(model_, loss.loss);
    const bool heard = told.refusal != Refusal::kIcmp ||
                       std::all_of(arrival.steps.begin(), arrival.steps.end(),
                                   [&](const Step& step) { return model_.boxes[At(step.box)].tcp.passes_icmp; });
    // A held refusal of the late side's SYN is never sent: the early side sends its SYN again before the hold ends, and
    // that cancels the refusal (RFC 5382 §4.3 REQ-4).
    const bool early = order_ != Order::kCrossing && (order_ == Order::kAFirst) == (attempt.side == 0);
    if (heard && (told.hold == Duration{} || (early && !in_time_))) loss.told = told.refusal;
    attempt.loss = loss;
    return false;
  }

  void Connect(Attempt& attempt) {
    if (attempt.state != State::kTrying) return;
    attempt.state = State::kConnected;
    ++changes_;
    const Arrival& arrival = attempt.arrival;
    const Duration renumbered = IsRenumbered(attempt) ? arrival.datagram.delay : Duration{};
    if (Attempt* theirs = Find(1 - attempt.side, *arrival.socket, arrival.datagram.source)) {
      theirs->state = State::kConnected;  // it is the same connection
    }
    const Duration delay = arrival.datagram.delay;
    if (reached_.direct.empty() || delay < reached_.direct_delay) reached_.direct_delay = delay;
    reached_.at_once |= attempt.flights == 1;
    const int side = attempt.side;
    reached_.renumbered = reached_.direct.empty() ? renumbered : std::min(reached_.renumbered, renumbered);
    PathKind path;
    path.tcp = true;
    path.ipv6 = attempt.remote.family() == net::Family::kIpv6;
    const CandidateType there = RemoteType(side, attempt.remote);
    const CandidateType back = RemoteType(1 - side, arrival.datagram.source);
    for (CandidateType near : LocalTypes(side, arrival.datagram.source)) {
      for (CandidateType far : LocalTypes(1 - side, attempt.remote)) {
        path.a_local = side == 0 ? near : far;
        path.a_remote = side == 0 ? there : back;
        path.b_local = side == 0 ? far : near;
        path.b_remote = side == 0 ? back : there;
        reached_.direct.push_back(path);
      }
    }
  }

  // Whether the answer has another sequence number than an earlier SYN of the same port that a box still remembers.
  bool IsRenumbered(const Attempt& attempt) {
    const Attempt* theirs = Find(1 - attempt.side, *attempt.arrival.socket, attempt.arrival.datagram.source);
    if (theirs == nullptr || theirs->state != State::kRefused) return false;
    return std::any_of(theirs->arrival.steps.begin(), theirs->arrival.steps.end(), [&](const Step& step) {
      const TcpBehavior& tcp = model_.boxes[At(step.box)].tcp;
      const bool forgets = theirs->loss->told == Refusal::kReset ? tcp.reset_forgets : tcp.icmp_forgets;
      return tcp.tracks_numbers && !forgets;
    });
  }

  const Listener* ListenerOf(int side, int socket) const {
    for (const Listener& listener : sides_[side].listeners) {
      if (listener.socket == socket) return &listener;
    }
    return nullptr;
  }

  Attempt* Find(int side, int socket, const SocketAddress& remote) {
    for (Attempt& attempt : attempts_) {
      if (attempt.side == side && attempt.socket == socket && attempt.remote == remote) return &attempt;
    }
    return nullptr;
  }

  std::optional<int> BoxAt(const IpAddress& address) const {
    for (std::size_t i = 0; i < model_.boxes.size(); ++i) {
      const std::vector<IpAddress>& external = model_.boxes[i].outside.addresses;
      if (std::find(external.begin(), external.end(), address) != external.end()) return static_cast<int>(i);
    }
    return std::nullopt;
  }

  // Notes how much longer a SYN takes to the other side's box than the SYN of the host behind that box takes to it.
  void NoteTimes(const Attempt& attempt) {
    const std::optional<int> box = BoxAt(attempt.remote.address());
    if (!box || attempt.first_into_box == Duration{}) return;
    const auto own = until_box_[1 - attempt.side].find(*box);
    if (own == until_box_[1 - attempt.side].end()) return;
    const TcpBehavior& tcp = model_.boxes[At(*box)].tcp;
    Duration& into = attempt.side == 0 ? reached_.into_b : reached_.into_a;
    Duration& hold = attempt.side == 0 ? reached_.hold_b : reached_.hold_a;
    into = std::max(into, attempt.first_into_box - own->second);
    if (tcp.unsolicited != Refusal::kSilent) hold = tcp.hold;
  }

  const bool in_time_;
  Side sides_[2];
  std::vector<Attempt> attempts_;
  std::map<int, Duration> until_box_[2];  // by side and box: the time that the side's own SYNs take to the box
  int changes_ = 0;
  TcpReached reached_;
};

}  // namespace

TcpReached ExploreTcp(const Model& model, Order order, bool in_time, Pooling pooling) {
  return TcpExploration(model, order, in_time, pooling).Run();
}

}  // namespace pinhole::scenarios::oracle
