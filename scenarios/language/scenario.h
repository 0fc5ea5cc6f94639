#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "scenarios/scenario.pb.h"

namespace pinhole::scenarios {

struct AxisValue {
  std::string axis;
  std::string value;  // as in ids
  friend bool operator==(const AxisValue&, const AxisValue&) = default;
};

// One combination of axis values. Its repetitions are runs; what differs between them is the seed.
struct Cell {
  // "nat_matrix/nat_a=pf,nat_b=cgn": the scenario's name and sorted axis=value.
  std::string id;
  std::vector<AxisValue> values;  // sorted by axis
  // Which of Scenario::file().expect() apply, by index, ascending. Empty: the oracle judges.
  std::vector<int> expectations;

  // For Scenario::Resolve(): per axis in the file's order, the number of its value.
  std::vector<std::uint32_t> value_numbers;
};

// A cell has at most so many runs, numbered from 0, whether the file says how many or a sweep is told.
inline constexpr std::uint32_t kRepetitionsMax = 1'000'000;

struct NamedRun {
  const Cell* cell = nullptr;
  std::uint32_t repetition = 0;
};

class CompiledSweep;

// A scenario file after loading: every cell is known to resolve. Immutable; may be read by many threads.
class Scenario {
 public:
  // The file over its base, with --set, before any axis.
  const proto::Scenario& file() const { return *file_; }
  const std::string& name() const { return file_->name(); }
  // The path it was loaded by.
  const std::string& path() const { return path_; }
  // In the order of the axes in the file, the last one fastest.
  const std::vector<Cell>& cells() const { return cells_; }
  std::uint32_t repetitions() const { return file_->sweep().repetitions(); }

  // The cell as a scenario without axes in which nothing is left to look up, so a reader needs only what it
  // finds there:
  //  - sweep and expect are empty; base is cleared.
  //  - nat: udp, icmp, pool and limits are the profile's with what overrides it; unreplied_timeout_us and
  //    assured_timeout_us are present. first_timeout_us and filter_timeout_us stay absent unless said.
  //  - interface: `up` and `down` are whole; `link` is cleared, and so are the networks' links. gateway lists the next
  //    hops, one per family at most; empty on an INTERNET network (the core) and without a default route. Every
  //    address has a prefix length. A NAT's outside interface has a name.
  //  - server: host, address, relay_address and user are filled in.
  //  - session: each peer's host, agent.role, stun_server, turn_server (empty when `turn` says so), and turn_user and
  //    turn_password if it uses TURN servers at all; agent has what the session says for both. The session's own
  //    agent, stun_server and turn_server are cleared.
  // A scalar that nobody set is absent, and its accessor gives the schema's default.
  proto::Scenario Resolve(const Cell& cell) const;

  // The cell with this id; null if there is none.
  const Cell* Find(absl::string_view id) const;
  // The run with this id, as RunId() makes them; without "/" and a repetition, the cell's first. The repetition need
  // not be one of the file's. NotFound: no such cell. OutOfRange: kRepetitionsMax or more.
  absl::StatusOr<NamedRun> FindRun(absl::string_view id) const;
  // Up to `count` ids of cells that look most like `id`, best first.
  std::vector<std::string> NearestIds(absl::string_view id, int count) const;

  // "axis=value,axis=value2,...": cells that have, for each axis named, one of the values given for it.
  // InvalidArgument: no such axis or value; or no cell is left.
  absl::StatusOr<std::vector<const Cell*>> Filter(absl::string_view filter) const;

 private:
  friend class ScenarioBuilder;
  std::string path_;
  std::shared_ptr<const proto::Scenario> file_;
  std::shared_ptr<const CompiledSweep> sweep_;
  std::vector<Cell> cells_;
};

// "nat_matrix/nat_a=pf,nat_b=cgn/3": what names one run for good.
std::string RunId(const Cell& cell, std::uint32_t repetition);

// The seed of one run. `base` is SeedPolicy.base or what --seed says in its place.
std::uint64_t SeedOf(const Cell& cell, proto::SeedPolicy::By by, std::uint64_t base, std::uint32_t repetition);

}  // namespace pinhole::scenarios
