// A result is filled in this order: identity, the trials' parts, the verdict, traffic by node and interface, drops,
// knowledge, digests.
//
// `traffic` is the sum of the packets that hosts sent; packets that NATs, routers and cores forward are only in
// `node_traffic`. An interface that carried no packet is left out. Drops are counted by node and rule without limit,
// but the drop log keeps only the latest records, so `hopeless_probes` is absent if records were overwritten.

#include "scenarios/results/run_result.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "net/contract.h"
#include "scenarios/results/knowledge.h"
#include "scenarios/run/killer.h"
#include "scenarios/run/result_words.h"

namespace pinhole::scenarios {
namespace {

proto::Verdict ToProto(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::kPass:
      return proto::PASS;
    case VerdictKind::kFail:
      return proto::FAIL;
    case VerdictKind::kXfail:
      return proto::XFAIL;
    case VerdictKind::kUnsupported:
      return proto::UNSUPPORTED;
  }
  net::CannotHappen();
}

void FillTraffic(const sim::TrafficByClass& traffic, google::protobuf::RepeatedPtrField<proto::ClassTraffic>* result) {
  for (int i = 0; i < net::kPacketClassCount; ++i) {
    const sim::Traffic& one = traffic[static_cast<std::size_t>(i)];
    if (one.packets == 0) continue;
    proto::ClassTraffic* entry = result->Add();
    entry->set_packet_class(net::ToString(static_cast<net::PacketClass>(i)));
    entry->set_packets(one.packets);
    entry->set_wire_bytes(one.bytes);
  }
}

void FillPeak(const sim::Traffic& peak, proto::Peak* result) {
  result->set_packets(peak.packets);
  result->set_wire_bytes(peak.bytes);
}

void FillDrops(const CellRun& run, proto::RunResult* result) {
  const sim::DropLog& drops = run.world().drops();
  for (const sim::DropLog::NodeCount& of_node : drops.CountsByNode()) {
    proto::DropCount* count = result->add_drops();
    count->set_node(run.world().node(of_node.node).name());
    count->set_rule(sim::ToString(of_node.rule));
    count->set_packets(of_node.packets);
  }
  if (drops.cut()) return;  // Only a kept record has the destination, which decides whether a check was hopeless.
  std::uint32_t hopeless = 0;
  for (std::size_t i = 0; i < drops.size(); ++i) {
    const sim::DropRecord& drop = drops.at(i);
    const bool check =
        drop.packet_class == net::PacketClass::kCheck || drop.packet_class == net::PacketClass::kRetransmittedCheck;
    if (check && IsHopeless(run, drop)) ++hopeless;
  }
  result->set_hopeless_probes(hopeless);
}

}  // namespace

proto::RunResult MakeRunResult(const RunIdentity& identity, const CellRun& run, const PacketBook& book,
                               const std::vector<Prediction>& predictions, const std::vector<Verdict>& verdicts) {
  proto::RunResult result;
  result.set_scenario(identity.scenario->name());
  result.set_file(identity.scenario->path());
  result.set_cell(RunId(*identity.cell, identity.repetition));
  for (const AxisValue& value : identity.cell->values) {
    proto::AxisValue* axis = result.add_axis();
    axis->set_axis(value.axis);
    axis->set_value(value.value);
  }
  result.set_repetition(identity.repetition);
  result.set_seed(identity.seed);

  const CellPlan& plan = run.plan();
  const sim::World& world = run.world();
  for (std::size_t i = 0; i < run.trials().size(); ++i) {
    run.trial(i).Fill(run, book, i < predictions.size() ? &predictions[i] : nullptr, &result);
  }
  if (!verdicts.empty()) {
    const Verdict& verdict = WorstOf(verdicts);
    result.set_verdict(ToProto(verdict.kind));
    if (!verdict.reason.empty()) result.set_verdict_reason(verdict.reason);
    result.set_judge(verdict.by_oracle ? proto::ORACLE : proto::EXPECTATION);
  }

  sim::TrafficByClass total = {};
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    const sim::Node& node = world.node(sim::NodeId{static_cast<std::uint32_t>(i)});
    for (std::size_t interface = 0; interface < node.interfaces().size(); ++interface) {
      const sim::TrafficCounters& counters = world.interface_counters(node, static_cast<int>(interface));
      if (sim::Sum(counters.sent).packets + sim::Sum(counters.received).packets == 0) continue;
      proto::NodeTraffic* traffic = result.add_node_traffic();
      traffic->set_node(node.name());
      traffic->set_interface(node.interface_at(interface).name);
      FillTraffic(counters.sent, traffic->mutable_sent());
      FillTraffic(counters.received, traffic->mutable_received());
      const sim::Traffic peak = world.interface_peak(node, static_cast<int>(interface));
      if (peak.packets > 0) FillPeak(peak, traffic->mutable_sent_peak());
      if (plan.nodes[i].is_host()) {
        for (std::size_t c = 0; c < total.size(); ++c) total[c] += counters.sent[c];
      }
    }
    const sim::Traffic peak = world.node_peak(node);
    if (peak.packets > 0) {
      proto::NodePeak* entry = result.add_node_peak();
      entry->set_node(node.name());
      FillPeak(peak, entry->mutable_sent());
    }
  }
  FillTraffic(total, result.mutable_traffic());
  result.set_nat_bindings(static_cast<std::uint32_t>(run.nat_bindings()));
  FillDrops(run, &result);
  FillKnowledge(run, book, &result);
  result.set_virtual_time_us(ToUs(world.now()));
  result.set_events(world.events_run());
  result.mutable_digests()->set_wire(DigestText(world.wire_digest()));
  result.mutable_digests()->set_full(DigestText(world.full_digest()));
  return result;
}

std::string ToJson(const proto::RunResult& result) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(result, &json, options).ok()) return "{}";
  return json;
}

const Verdict& WorstOf(const std::vector<Verdict>& verdicts) {
  const auto rank = [](const Verdict& verdict) {
    switch (verdict.kind) {
      case VerdictKind::kFail:
        return 3;
      case VerdictKind::kXfail:
        return 2;
      case VerdictKind::kUnsupported:
        return 1;
      case VerdictKind::kPass:
        return 0;
    }
    net::CannotHappen();
  };
  return *std::max_element(verdicts.begin(), verdicts.end(),
                           [&rank](const Verdict& a, const Verdict& b) { return rank(a) < rank(b); });
}

std::string DigestText(std::uint64_t digest) { return absl::StrFormat("%016x", digest); }

}  // namespace pinhole::scenarios
