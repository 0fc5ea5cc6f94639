#include "scenarios/run/result_words.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "net/contract.h"

namespace pinhole::scenarios {

std::uint64_t ToUs(net::Duration duration) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

std::uint64_t ToUs(net::Instant instant) { return ToUs(instant.time_since_epoch()); }

proto::RunOutcome ToProto(Outcome outcome) {
  switch (outcome) {
    case Outcome::kUndecided:
      return proto::UNDECIDED;
    case Outcome::kDirect:
      return proto::DIRECT;
    case Outcome::kRelayed:
      return proto::RELAYED;
    case Outcome::kFailed:
      return proto::FAILED;
  }
  net::CannotHappen();
}

std::string Ms(std::uint64_t us) { return absl::StrFormat("%d.%03d ms", us / 1000, us % 1000); }

std::string Counted(std::uint64_t count, const char* noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

}  // namespace pinhole::scenarios
