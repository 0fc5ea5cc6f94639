// Makes the PunchingModel of a cell: the properties that the rules of techniques.h need. PunchingModelOf() is declared
// in extract.h.
//
// The method: the punching is presented to ModelOf() as a session of the same two hosts, so that addresses, gateways,
// delays and NATs are read in one place only. Then the two homes and the rendezvous are compared with the topology for
// which the rules hold. The first difference becomes `beyond`, and the outcome is then open. Loss, jitter, timing
// errors and unequal delays become `disturbed`: only outcomes that these cannot change stay certain.

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "net/contract.h"
#include "scenarios/oracle/extract.h"
#include "scenarios/oracle/techniques.h"

namespace pinhole::scenarios {
namespace oracle {
namespace {

using net::Duration;
using std::chrono::microseconds;

Duration Micros(std::uint64_t us) { return microseconds(static_cast<std::int64_t>(us)); }

Answer AnswerOf(proto::Unsolicited::Answer answer) {
  switch (answer) {
    case proto::Unsolicited::DROP:
      return Answer::kNone;
    case proto::Unsolicited::TCP_RST:
    case proto::Unsolicited::INPUT:
      return Answer::kReset;
    case proto::Unsolicited::ICMP_PORT_UNREACHABLE:
    case proto::Unsolicited::ICMP_HOST_UNREACHABLE:
    case proto::Unsolicited::ICMP_ADMIN_PROHIBITED:
      return Answer::kIcmp;
  }
  net::CannotHappen();
}

template <typename Elements>
const auto* Named(const Elements& elements, const std::string& name) {
  const auto found =
      std::find_if(elements.begin(), elements.end(), [&](const auto& one) { return one.name() == name; });
  return found == elements.end() ? nullptr : &*found;
}

bool LowTtl(proto::Punching::Technique technique) {
  return technique == proto::Punching::LOW_TTL_SYN || technique == proto::Punching::FORGED_GUESSED_NUMBER ||
         technique == proto::Punching::FORGED_EXCHANGED_NUMBER;
}

// The rules hold for two homes on one INTERNET network. For any other topology, `PunchingModel::beyond` says how it
// differs from this one:
//
//   host --- NAT --- core --- NAT --- host
//                     |
//                 rendezvous
class PunchingExtraction {
 public:
  PunchingExtraction(const proto::Scenario& cell, const proto::Punching& punching)
      : topology_(cell.topology()), punching_(punching) {}

  absl::StatusOr<PunchingModel> Run() {
    punch_.technique = punching_.technique();
    punch_.several_tries = punching_.tries() > 1;
    punch_.also_listens = punching_.also_listens();
    proto::Session session;
    session.set_name(punching_.name());
    for (const proto::PunchingPeer& peer : punching_.peer()) {
      proto::Peer& added = *session.add_peer();
      added.set_name(peer.name());
      added.set_host(peer.host());
      added.set_start_offset_us(peer.start_offset_us());
    }
    absl::StatusOr<Model> model = ModelOf(topology_, session);
    if (!model.ok()) return model.status();
    if (topology_.router_size() > 0) Beyond("there are routers");
    const Interface* homes[2] = {FillSide(*model, model->a, punch_.a), FillSide(*model, model->b, punch_.b)};
    const Interface* rendezvous = FillRendezvous(*model);
    if (homes[0] == nullptr || homes[1] == nullptr || rendezvous == nullptr) return punch_;
    const Box& box_a = model->boxes[static_cast<std::size_t>(*homes[0]->gateway)];
    const Box& box_b = model->boxes[static_cast<std::size_t>(*homes[1]->gateway)];
    if (&box_a == &box_b) Beyond("both hosts are behind one NAT");
    if (box_a.outside.network != box_b.outside.network || box_a.outside.network != rendezvous->network) {
      Beyond("the two NATs and the rendezvous are not on one network");
    }
    const proto::Network& internet = topology_.network(rendezvous->network);
    if (internet.kind() != proto::Network::INTERNET) Beyond("the two NATs meet on a LAN");
    punch_.tells_exceeded = internet.has_core_address();
    // The NAT and the core each take 1 from the TTL, so a TTL of 2 ends in the core.
    if (LowTtl(punch_.technique) && punching_.ttl() != 2) {
      Beyond(absl::StrCat("where a segment with a TTL of ", punching_.ttl(), " ends"));
    }
    const Interface* lans[2] = {InsideOf(box_a, *homes[0]), InsideOf(box_b, *homes[1])};
    Disturb(*model, {homes[0], homes[1], rendezvous, &box_a.outside, &box_b.outside, lans[0], lans[1]});
    // When both sides act at the same time, their SYNs cross if each SYN has left its own NAT before the other SYN
    // arrives there.
    const Duration leaves[2] = {homes[0]->up + lans[0]->down, homes[1]->up + lans[1]->down};
    const Duration apart = box_a.outside.up + box_b.outside.down;
    if (leaves[0] >= leaves[1] + apart || leaves[1] >= leaves[0] + apart) Disturbed("which SYN comes first");
    // A's SYN and A's message that B may start leave together and reach the core at the same time. The message then
    // goes through the rendezvous and B's home to B, and B's SYN goes back to B's NAT.
    punch_.answer_time = rendezvous->up + rendezvous->down + lans[1]->up + homes[1]->down + leaves[1];
    punch_.reopen_time = punch_.answer_time + 2 * (leaves[0] + apart);
    return punch_;
  }

 private:
  // Record a reason. Only the first reason of each kind is kept.
  void Beyond(std::string why) {
    if (punch_.beyond.empty()) punch_.beyond = std::move(why);
  }
  void Disturbed(std::string why) {
    if (punch_.disturbed.empty()) punch_.disturbed = std::move(why);
  }

  // Returns the only interface of the peer's host if it leads to a NAT; otherwise nullptr. Notes in `beyond` whether
  // the NAT has several addresses, is behind another NAT, or has forwards or a firewall.
  const Interface* FillSide(const Model& model, const Peer& peer, PunchingHome& side) {
    const Host& host = model.hosts[static_cast<std::size_t>(peer.host)];
    side.host = host.name;
    const bool home = host.interfaces.size() == 1 && host.interfaces[0].gateway;
    if (!home) {
      Beyond(absl::StrCat(host.name, " is not behind a NAT, or has other ways"));
      return nullptr;
    }
    const Box& box = model.boxes[static_cast<std::size_t>(*host.interfaces[0].gateway)];
    const proto::Nat& nat = topology_.nat(*host.interfaces[0].gateway);
    side.nat = box.name;
    side.udp = box.nat;
    side.tcp = box.tcp;
    side.unsolicited = AnswerOf(nat.tcp().unsolicited());
    side.rewrites_numbers = nat.tcp().tracking() == proto::TcpTracking::REWRITES_ISN;
    side.gives_up = Named(topology_.host(), host.name)->tcp().soft_errors_abort_connect();
    if (box.outside.gateway) Beyond(absl::StrCat(box.name, " is behind another NAT"));
    if (box.outside.addresses.size() != 1) Beyond(absl::StrCat(box.name, " has several addresses"));
    if (!box.forwards.empty()) Beyond(absl::StrCat(box.name, " forwards ports"));
    if (nat.has_firewall()) Beyond(absl::StrCat(box.name, " has a firewall"));
    const std::string& forgetful = punch_.technique == proto::Punching::UDP ? box.nat.forgetful : box.tcp.nat.forgetful;
    if (!forgetful.empty()) Beyond(absl::StrCat(box.name, " ", forgetful));
    if (box.tcp.icmp_forgets && !box.tcp.passes_icmp) Beyond(absl::StrCat(box.name, " keeps errors to itself"));
    return &host.interfaces[0];
  }

  const Interface* FillRendezvous(const Model& model) {
    const proto::Host* host = Named(topology_.host(), punching_.rendezvous());
    const auto modelled = std::find_if(model.hosts.begin(), model.hosts.end(),
                                       [&](const Host& one) { return one.name == punching_.rendezvous(); });
    if (host == nullptr || host->interface_size() != 1 || modelled->interfaces[0].addresses.size() != 1) {
      Beyond("the rendezvous has several ways");
      return nullptr;
    }
    if (modelled->interfaces[0].addresses[0].is_v6()) Beyond("the rendezvous is met over IPv6");
    punch_.forges = host->raw_tcp() && !host->interface(0).source_filtering();
    return &modelled->interfaces[0];
  }

  static const Interface* InsideOf(const Box& box, const Interface& home) {
    for (const Interface& inside : box.inside) {
      if (inside.network == home.network) return &inside;
    }
    return &box.outside;
  }

  void Disturb(const Model& model, std::initializer_list<const Interface*> ways) {
    if (!model.chance.empty()) Disturbed(model.chance);
    if (punching_.timing_error_us() != 0) Disturbed("timing_error_us");
    if (punching_.timing_error_ppm() != 0) Disturbed("timing_error_ppm");
    if (punching_.listen_after_us() != 0) Disturbed("listen_after_us");
    if (model.jitter > Duration::zero()) Disturbed("jitter");
    Duration once{};
    for (const Interface* way : ways) {
      // The sides take half a round trip for the one-way delay, which is wrong if the two directions differ.
      if (way->up != way->down) Disturbed("ways that take longer there than back");
      once += way->up + way->down;
    }
    std::uint64_t rto = 0;
    for (const proto::PunchingPeer& peer : punching_.peer()) {
      const std::uint64_t own = Named(topology_.host(), peer.host())->tcp().initial_rto_us();
      if (rto != 0 && own != rto && punch_.technique == proto::Punching::LOW_TTL_SYN)
        Disturbed("unlike initial_rto_us");
      rto = std::max(rto, own);
      if (LowTtl(punch_.technique) && Micros(own) <= once) Beyond("a SYN is sent again before an error is back");
    }
    if (Micros(punching_.try_timeout_us()) < Micros(rto) + 4 * once) Disturbed("try_timeout_us is short");
  }

  const proto::Topology& topology_;
  const proto::Punching& punching_;
  PunchingModel punch_;
};

}  // namespace

absl::StatusOr<PunchingModel> PunchingModelOf(const proto::Scenario& cell, const proto::Punching& punching) {
  return PunchingExtraction(cell, punching).Run();
}

}  // namespace oracle

absl::StatusOr<Prediction> Predict(const proto::Scenario& cell, const proto::Punching& punching) {
  const absl::StatusOr<oracle::PunchingModel> extracted = oracle::PunchingModelOf(cell, punching);
  if (!extracted.ok()) return extracted.status();
  return oracle::PredictPunching(*extracted);
}

}  // namespace pinhole::scenarios
