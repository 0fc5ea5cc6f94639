#include "scenarios/judge/bounds.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <optional>

#include "absl/strings/str_cat.h"

namespace pinhole::scenarios {
namespace {

using Measure = std::optional<std::uint64_t>;

// Microseconds, rounded up, of the side that has more. nullopt: a side has no such time.
template <typename TimeOf>
Measure LaterUs(const TrialOutcome& outcome, TimeOf time_of) {
  std::int64_t later = 0;
  for (const SideOutcome* side : {&outcome.a, &outcome.b}) {
    const std::optional<net::Duration> time = time_of(*side);
    if (!time) return std::nullopt;
    later = std::max<std::int64_t>(later, std::chrono::ceil<std::chrono::microseconds>(*time).count());
  }
  return static_cast<std::uint64_t>(later);
}

Measure LaterUs(const TrialOutcome& outcome, std::optional<net::Instant> SideOutcome::*at) {
  return LaterUs(outcome, [at](const SideOutcome& side) -> std::optional<net::Duration> {
    if (!(side.*at)) return std::nullopt;
    return (side.*at)->time_since_epoch();
  });
}

Measure Count(const std::optional<std::int64_t>& value) {
  if (!value) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

// One field of proto::Bounds.
struct Bound {
  int field;          // its number
  const char* words;  // begin the sentence that says what was too much
  const char* unit;
  Measure (*measure)(const TrialOutcome&);
};

// In the order in which they are told.
constexpr Bound kBounds[] = {
    {proto::Bounds::kConnectedMaxUsFieldNumber, "connected after", " us",
     [](const TrialOutcome& outcome) { return LaterUs(outcome, &SideOutcome::connected_at); }},
    {proto::Bounds::kNominatedMaxUsFieldNumber, "nominated after", " us",
     [](const TrialOutcome& outcome) { return LaterUs(outcome, &SideOutcome::nominated); }},
    {proto::Bounds::kValidToNominatedMaxUsFieldNumber, "from first valid pair to nomination", " us",
     [](const TrialOutcome& outcome) {
       return LaterUs(outcome, [](const SideOutcome& side) -> std::optional<net::Duration> {
         if (!side.first_valid || !side.nominated) return std::nullopt;
         return *side.nominated - *side.first_valid;
       });
     }},
    {proto::Bounds::kPacketsMaxFieldNumber, "packets", "",
     [](const TrialOutcome& outcome) { return Count(outcome.packets); }},
    {proto::Bounds::kBytesMaxFieldNumber, "bytes", "",
     [](const TrialOutcome& outcome) { return Count(outcome.wire_bytes); }},
};

}  // namespace

std::string BrokenBound(const proto::Bounds& bounds, const TrialOutcome& outcome) {
  const google::protobuf::Reflection& reflection = *bounds.GetReflection();
  for (const Bound& bound : kBounds) {
    const google::protobuf::FieldDescriptor& field = *bounds.GetDescriptor()->FindFieldByNumber(bound.field);
    if (!reflection.HasField(bounds, &field)) continue;
    const Measure got = bound.measure(outcome);
    if (!got) return absl::StrCat(bound.words, ": there is none");
    const std::uint64_t most = reflection.GetUInt64(bounds, &field);
    if (*got > most) {
      return absl::StrCat(bound.words, " ", *got, bound.unit, ", expected at most ", most, bound.unit);
    }
  }
  return "";
}

}  // namespace pinhole::scenarios
