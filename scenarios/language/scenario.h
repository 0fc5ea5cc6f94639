#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "scenarios/language/topology.h"
#include "scenarios/scenario.pb.h"

namespace pinhole::scenarios {

struct AxisValue {
  std::string axis;
  std::string value;  // as it is written in ids
  friend bool operator==(const AxisValue&, const AxisValue&) = default;
};

// One combination of axis values. Its repetitions are runs, which differ only in their seeds.
struct Cell {
  // The scenario's name and its axis=value in sorted order, such as "nat_matrix/nat_a=pf,nat_b=cgn".
  std::string id;
  std::vector<AxisValue> values;  // sorted by axis
  // The indices in Scenario::file().expect() of the expectations that apply, ascending. Empty: the oracle judges the
  // cell.
  std::vector<int> expectations;

  // The number of the cell's value on each axis, in the file's order of axes. Scenario::Resolve() reads it.
  std::vector<std::uint32_t> value_numbers;
};

// The maximal number of runs of a cell, from the file or from the command line. Runs are numbered from 0.
inline constexpr std::uint32_t kRepetitionsMax = 1'000'000;

struct NamedRun {
  const Cell* cell = nullptr;
  std::uint32_t repetition = 0;
};

class CompiledSweep;

// A scenario file after loading. Every cell is known to resolve. Immutable, so several threads may read it.
class Scenario {
 public:
  // The file merged with its base and --set, before the axes are applied.
  const proto::Scenario& file() const { return *file_; }
  const std::string& name() const { return file_->name(); }
  // The path from which it was loaded.
  const std::string& path() const { return path_; }
  // Ordered by the axes in the file; the last axis changes fastest.
  const std::vector<Cell>& cells() const { return cells_; }
  std::uint32_t repetitions() const { return file_->sweep().repetitions(); }

  // Returns the cell as a scenario without axes. No name and no default is left to look up:
  //  - sweep and expect are empty; base is cleared.
  //  - nat: udp, icmp, pool and limits have the values of the profile, with the file's overrides. unreplied_timeout_us
  //    and assured_timeout_us are set. first_timeout_us and filter_timeout_us are absent unless the file sets them.
  //  - interface: `up` and `down` are complete; `link` is cleared, and so are the links of the networks. gateway lists
  //    the next hops, at most one per family. It is empty on an INTERNET network, where the core is the next hop, and
  //    where there is no default route. Every address has a prefix length. A NAT's outside interface has a name.
  //  - server: host, address, relay_address and user are set.
  //  - session: each peer has its host, agent.role, stun_server and turn_server (empty if `turn` excludes the peer). It
  //    has turn_user and turn_password if it uses a TURN server. Its agent contains the session's settings for both
  //    agents. The session's own agent, stun_server and turn_server are cleared.
  // A scalar that nobody set is absent, and its accessor returns the schema's default.
  ResolvedCell Resolve(const Cell& cell) const;

  // The cell with this id; null if there is none.
  const Cell* Find(absl::string_view id) const;
  // The run with this id, in the form that RunId() makes. Without "/" and a repetition it is the cell's first run. The
  // repetition may be larger than the file's `repetitions`. NotFound: no such cell. OutOfRange: kRepetitionsMax or
  // more.
  absl::StatusOr<NamedRun> FindRun(absl::string_view id) const;
  // The ids of up to `count` cells that are most similar to `id`, best first.
  std::vector<std::string> NearestIds(absl::string_view id, int count) const;

  // Selects cells by "axis=value,axis=value2,...": for each axis that is named, the cell has one of the values given
  // for it. InvalidArgument: no such axis or value, or no cell is selected.
  absl::StatusOr<std::vector<const Cell*>> Filter(absl::string_view filter) const;

 private:
  friend class ScenarioBuilder;
  std::string path_;
  std::shared_ptr<const proto::Scenario> file_;
  std::shared_ptr<const CompiledSweep> sweep_;
  std::vector<Cell> cells_;
};

// The permanent name of one run, such as "nat_matrix/nat_a=pf,nat_b=cgn/3".
std::string RunId(const Cell& cell, std::uint32_t repetition);

// The seed of one run. `base` is SeedPolicy.base, or the value of --seed if that is given.
std::uint64_t SeedOf(const Cell& cell, proto::SeedPolicy::By by, std::uint64_t base, std::uint32_t repetition);

}  // namespace pinhole::scenarios
