// The bounds are one table. Each row has the number of a field of proto::Bounds, the words and the unit for the
// message, and a function that takes the measure from a TrialOutcome. BrokenBound() goes through the rows in order,
// skips the fields that the expectation does not set, and stops at the first broken bound.
//
// The value of a bound is read by protobuf reflection, so that a new bound is one row and no further code. Measures are
// rounded up to whole microseconds: a time of 10.5 us exceeds a bound of 10 us.

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

// The later of the two sides' times, in microseconds, rounded up. nullopt: at least one side has no such time.
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

// How one field of proto::Bounds is checked.
struct Bound {
  int field;          // the number of the field
  const char* words;  // the beginning of the sentence that reports a broken bound
  const char* unit;
  Measure (*measure)(const TrialOutcome&);
};

// In the order in which bounds are checked. Only the first broken bound is reported.
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
