// BrokenBound() goes through the fields of proto::Bounds by protobuf reflection, skips those that the expectation does
// not set, and stops at the first broken bound. A bound on a time has a row in a table, with its words and a function
// that takes the measure from a TrialOutcome. Every other bound is on the count that has its name without "_max".
//
// Times are rounded up to whole microseconds: a time of 10.5 us exceeds a bound of 10 us.

#include "scenarios/judge/bounds.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

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

// How a bound on a time is checked.
struct TimeBound {
  int field;          // the number of the field of proto::Bounds
  const char* words;  // the beginning of the sentence that reports a broken bound
  Measure (*measure)(const TrialOutcome&);
};

constexpr TimeBound kTimeBounds[] = {
    {proto::Bounds::kConnectedMaxUsFieldNumber, "connected after",
     [](const TrialOutcome& outcome) { return LaterUs(outcome, &SideOutcome::connected_at); }},
    {proto::Bounds::kNominatedMaxUsFieldNumber, "nominated after",
     [](const TrialOutcome& outcome) { return LaterUs(outcome, &SideOutcome::nominated); }},
    {proto::Bounds::kValidToNominatedMaxUsFieldNumber, "from first valid pair to nomination",
     [](const TrialOutcome& outcome) {
       return LaterUs(outcome, [](const SideOutcome& side) -> std::optional<net::Duration> {
         if (!side.first_valid || !side.nominated) return std::nullopt;
         return *side.nominated - *side.first_valid;
       });
     }},
};

// What a field of proto::Bounds bounds.
struct Bounded {
  std::string words;
  const char* unit;
  Measure measure;
};

Bounded BoundedBy(const google::protobuf::FieldDescriptor& field, const TrialOutcome& outcome) {
  for (const TimeBound& bound : kTimeBounds) {
    if (bound.field == field.number()) return {bound.words, " us", bound.measure(outcome)};
  }
  const absl::string_view name = absl::StripSuffix(field.name(), "_max");
  const auto count = std::find_if(outcome.counts.begin(), outcome.counts.end(),
                                  [name](const CountOutcome& one) { return one.name == name; });
  return {absl::StrReplaceAll(name, {{"_", " "}}), "",
          count == outcome.counts.end() ? std::nullopt : Measure(count->value)};
}

}  // namespace

std::string BrokenBound(const proto::Bounds& bounds, const TrialOutcome& outcome) {
  const google::protobuf::Descriptor& type = *bounds.GetDescriptor();
  const google::protobuf::Reflection& reflection = *bounds.GetReflection();
  for (int i = 0; i < type.field_count(); ++i) {
    const google::protobuf::FieldDescriptor* const field = type.field(i);
    if (!reflection.HasField(bounds, field)) continue;
    const Bounded bounded = BoundedBy(*field, outcome);
    if (!bounded.measure) return absl::StrCat(bounded.words, ": there is none");
    const std::uint64_t most = reflection.GetUInt64(bounds, field);
    if (*bounded.measure > most) {
      return absl::StrCat(bounded.words, " ", *bounded.measure, bounded.unit, ", expected at most ", most,
                          bounded.unit);
    }
  }
  return "";
}

}  // namespace pinhole::scenarios
