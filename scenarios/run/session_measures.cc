// The measures of a side are one table. FillMeasures() and MeasureLines() go through its rows in order, and set and
// read the fields of proto::Side by protobuf reflection, so that a new measure is one row and no further code.

#include "scenarios/run/session_measures.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "scenarios/run/result_words.h"

namespace pinhole::scenarios {
namespace {

using google::protobuf::FieldDescriptor;
using Value = std::optional<std::uint64_t>;

// What the measures of one side are taken from.
struct Source {
  const CellRun& run;
  const PacketBook& book;
  const SessionTrial& session;
  int side;
  const apps::EndpointReport& report;
};

template <std::optional<net::Instant> apps::EndpointTimes::*kTime>
Value Time(const Source& source) {
  const std::optional<net::Instant>& at = source.report.times.*kTime;
  return at ? Value(ToUs(*at)) : std::nullopt;
}

Value LargestGap(const Source& source) {
  if (!source.report.times.first_data || source.session.hold() == net::Duration::zero()) return std::nullopt;
  return ToUs(source.report.largest_data_gap);
}

// The rate is measured only if the session went on for at least a second after connecting.
Value StunAfterConnecting(const Source& source) {
  const std::optional<net::Instant>& since = source.report.times.connected;
  const net::Duration connected = since ? source.run.world().now() - *since : net::Duration::zero();
  if (connected < std::chrono::seconds(1)) return std::nullopt;
  std::uint64_t consent = 0;
  for (const PacketBook::Delivery& delivery : source.book.deliveries()) {
    const PacketBook::Entry& entry = source.book.at(delivery.packet);
    if (delivery.at > *since && entry.packet_class == net::PacketClass::kConsent) ++consent;
  }
  return consent * 1'000'000'000'000ULL / static_cast<std::uint64_t>(connected.count());
}

Value PathChanges(const Source& source) {
  if (source.report.selected.empty()) return std::nullopt;
  return static_cast<std::uint64_t>(source.report.path_changes);
}

Value ConsentLost(const Source& source) {
  if (!source.report.times.nominated) return std::nullopt;
  return static_cast<std::uint64_t>(source.report.times.consent_lost.has_value());
}

// Packets of one class that the side's host sent.
template <net::PacketClass kClass>
Value Sent(const Source& source) {
  const std::uint32_t node = source.session.plan().peer(source.side).node;
  return source.run.world().node_counters(source.run.host(node)).sent[static_cast<std::size_t>(kClass)].packets;
}

struct Measure {
  int field;         // the number of a field of proto::Side, which is a uint64, a uint32 or a bool
  const char* line;  // the line of text on which it stands; nullptr: only JSON has it
  Value (*take)(const Source&);
  std::string (*words)(std::uint64_t);  // empty: it is not worth a word
};

// The measures of one line follow each other.
constexpr Measure kMeasures[] = {
    {proto::Side::kStartedUsFieldNumber, "times", Time<&apps::EndpointTimes::started>,
     [](std::uint64_t us) { return absl::StrCat("started ", Ms(us)); }},
    {proto::Side::kGatheredUsFieldNumber, "times", Time<&apps::EndpointTimes::gathered>,
     [](std::uint64_t us) { return absl::StrCat("gathered ", Ms(us)); }},
    {proto::Side::kExchangedUsFieldNumber, "times", Time<&apps::EndpointTimes::exchanged>,
     [](std::uint64_t us) { return absl::StrCat("exchanged ", Ms(us)); }},
    {proto::Side::kFirstValidUsFieldNumber, "times", Time<&apps::EndpointTimes::first_valid>,
     [](std::uint64_t us) { return absl::StrCat("first valid ", Ms(us)); }},
    {proto::Side::kNominatedUsFieldNumber, "times", Time<&apps::EndpointTimes::nominated>,
     [](std::uint64_t us) { return absl::StrCat("nominated ", Ms(us)); }},
    {proto::Side::kFirstDataUsFieldNumber, "times", Time<&apps::EndpointTimes::first_data>,
     [](std::uint64_t us) { return absl::StrCat("first data ", Ms(us)); }},
    {proto::Side::kConnectedUsFieldNumber, "times", Time<&apps::EndpointTimes::connected>,
     [](std::uint64_t us) { return absl::StrCat("connected ", Ms(us)); }},

    {proto::Side::kLargestGapUsFieldNumber, "held", LargestGap,
     [](std::uint64_t us) { return absl::StrCat("longest silence ", Ms(us)); }},
    {proto::Side::kStunAfterConnectingPpksFieldNumber, "held", StunAfterConnecting,
     [](std::uint64_t ppks) {
       return absl::StrFormat("%.3f STUN packets a second", static_cast<double>(ppks) / 1000.0);
     }},
    {proto::Side::kPathChangesFieldNumber, "held", PathChanges,
     [](std::uint64_t count) { return count == 0 ? std::string() : Counted(count, "path change"); }},
    {proto::Side::kConsentLostFieldNumber, "held", ConsentLost,
     [](std::uint64_t lost) { return std::string(lost == 0 ? "" : "consent lost"); }},

    {proto::Side::kChecksSentFieldNumber, nullptr, Sent<net::PacketClass::kCheck>, nullptr},
    {proto::Side::kCheckRetransmissionsFieldNumber, nullptr, Sent<net::PacketClass::kRetransmittedCheck>, nullptr},
};

void Set(const FieldDescriptor* field, std::uint64_t value, proto::Side* side) {
  const google::protobuf::Reflection& reflection = *side->GetReflection();
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_UINT64) {
    reflection.SetUInt64(side, field, value);
  } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_UINT32) {
    reflection.SetUInt32(side, field, static_cast<std::uint32_t>(value));
  } else {
    reflection.SetBool(side, field, value != 0);
  }
}

// nullopt: the field has no value.
Value Get(const proto::Side& side, const FieldDescriptor* field) {
  const google::protobuf::Reflection& reflection = *side.GetReflection();
  if (!reflection.HasField(side, field)) return std::nullopt;
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_UINT64) return reflection.GetUInt64(side, field);
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_UINT32) return reflection.GetUInt32(side, field);
  return static_cast<std::uint64_t>(reflection.GetBool(side, field));
}

const FieldDescriptor* FieldOf(const Measure& measure) {
  return proto::Side::descriptor()->FindFieldByNumber(measure.field);
}

}  // namespace

void FillMeasures(const CellRun& run, const PacketBook& book, const SessionTrial& session, int side,
                  const apps::EndpointReport& report, proto::Side* result) {
  const Source source = {.run = run, .book = book, .session = session, .side = side, .report = report};
  for (const Measure& measure : kMeasures) {
    if (const Value value = measure.take(source)) Set(FieldOf(measure), *value, result);
  }
}

std::vector<std::string> MeasureLines(const proto::Side& side) {
  std::vector<std::string> lines;
  absl::string_view line;  // of the last one in `lines`
  for (const Measure& measure : kMeasures) {
    const Value value = measure.line == nullptr ? std::nullopt : Get(side, FieldOf(measure));
    if (!value) continue;
    const std::string words = measure.words(*value);
    if (words.empty()) continue;
    if (measure.line == line) {
      absl::StrAppend(&lines.back(), ", ", words);
    } else {
      line = measure.line;
      lines.push_back(absl::StrCat(line, ": ", words));
    }
  }
  return lines;
}

}  // namespace pinhole::scenarios
