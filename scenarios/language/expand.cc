#include "scenarios/language/expand.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "scenarios/language/check_cell.h"
#include "scenarios/language/compiled_sweep.h"
#include "scenarios/language/expectations.h"
#include "scenarios/language/resolve.h"
#include "scenarios/language/topology.h"
#include "scenarios/language/trials.h"
#include "scenarios/oracle/extract.h"

namespace pinhole::scenarios {

// Builds a Scenario, whose members are private.
class ScenarioBuilder {
 public:
  ScenarioBuilder(const std::string& path, proto::Scenario file, CompiledSweep sweep) {
    scenario_.path_ = path;
    scenario_.file_ = std::make_shared<const proto::Scenario>(std::move(file));
    scenario_.sweep_ = std::make_shared<const CompiledSweep>(std::move(sweep));
  }
  const proto::Scenario& file() const { return *scenario_.file_; }
  const CompiledSweep& sweep() const { return *scenario_.sweep_; }
  void Add(Cell cell) { scenario_.cells_.push_back(std::move(cell)); }
  const std::vector<Cell>& cells() const { return scenario_.cells_; }
  Scenario Build() && { return std::move(scenario_); }

 private:
  Scenario scenario_;
};

namespace {

using Numbers = std::vector<std::uint32_t>;

// A file with more combinations than this is refused; combinations that `only` drops are counted too.
constexpr std::uint64_t kCombinationsMax = 1000000;

Cell MakeCell(const std::string& scenario_name, const CompiledSweep& sweep, Numbers numbers) {
  Cell cell;
  for (std::size_t i = 0; i < sweep.axes().size(); ++i) {
    cell.values.push_back({sweep.axes()[i].name, sweep.axes()[i].values[numbers[i]].label});
  }
  std::sort(cell.values.begin(), cell.values.end(),
            [](const AxisValue& a, const AxisValue& b) { return a.axis < b.axis; });
  cell.id = absl::StrCat(scenario_name, cell.values.empty() ? "" : "/",
                         absl::StrJoin(cell.values, ",", [](std::string* out, const AxisValue& value) {
                           absl::StrAppend(out, value.axis, "=", value.value);
                         }));
  cell.value_numbers = std::move(numbers);
  return cell;
}

// Goes through all combinations; the last dimension changes fastest.
class Combinations {
 public:
  explicit Combinations(const CompiledSweep& sweep)
      : sweep_(sweep), position_(sweep.dimensions().size(), 0), numbers_(sweep.axes().size(), 0) {}

  // The number of combinations; nullopt if there are more than kCombinationsMax.
  std::optional<std::uint64_t> Count() const {
    std::uint64_t count = 1;
    for (const std::vector<std::size_t>& dimension : sweep_.dimensions()) {
      count *= sweep_.axes()[dimension[0]].values.size();
      if (count > kCombinationsMax) return std::nullopt;
    }
    return count;
  }
  const Numbers& numbers() const { return numbers_; }
  // Goes to the next combination. Returns false after the last one.
  bool Next() {
    for (std::size_t i = position_.size(); i-- > 0;) {
      const std::vector<std::size_t>& dimension = sweep_.dimensions()[i];
      const std::uint32_t size = static_cast<std::uint32_t>(sweep_.axes()[dimension[0]].values.size());
      position_[i] = position_[i] + 1 == size ? 0 : position_[i] + 1;
      for (const std::size_t axis : dimension) numbers_[axis] = position_[i];
      if (position_[i] != 0) return true;
    }
    return false;
  }

 private:
  const CompiledSweep& sweep_;
  Numbers position_;
  Numbers numbers_;
};

// Whether some outcome satisfies both expectations.
bool Compatible(const proto::Expect& a, const proto::Expect& b) {
  if (!a.has_outcome() || !b.has_outcome() || a.outcome() == b.outcome()) return true;
  if (a.has_session() && b.has_session() && a.session() != b.session()) return true;
  const auto connects = [](const proto::Expect& e) {
    return e.outcome() == proto::Outcome::DIRECT || e.outcome() == proto::Outcome::RELAYED;
  };
  return (a.outcome() == proto::Outcome::CONNECTED && connects(b)) ||
         (b.outcome() == proto::Outcome::CONNECTED && connects(a));
}

class Expander {
 public:
  Expander(ScenarioBuilder* builder, const Origins& origins, Problems* problems)
      : builder_(builder), sweep_(builder->sweep()), origins_(origins), problems_(problems) {}

  void Run() {
    CheckExpectations();
    const proto::Scenario& file = builder_->file();
    Combinations combinations(sweep_);
    if (!combinations.Count()) {
      problems_->Add(origins_.Find("sweep"), absl::StrCat("the axes cross to more than ", kCombinationsMax,
                                                          " combinations, more than can be looked through"));
      return;
    }
    selected_.assign(static_cast<std::size_t>(file.expect_size()), false);
    const std::uint64_t repetitions = file.sweep().repetitions();
    const std::uint64_t runs_max = file.limits().runs_max();
    std::uint64_t cells = 0;
    // Counts the combinations first, so that a sweep that is too large stops at once.
    const bool by_fields = std::any_of(sweep_.only().begin(), sweep_.only().end(),
                                       [](const CompiledCondition& c) { return c.asks_fields(); });
    if (!by_fields) {
      do {
        if (IsWanted(combinations.numbers(), nullptr)) ++cells;
      } while (combinations.Next());
      if (!CheckBound(cells, repetitions, runs_max)) return;
      cells = 0;
    }
    Combinations again(sweep_);
    do {
      if (problems_->full()) return;
      if (!by_fields && !IsWanted(again.numbers(), nullptr)) continue;
      if (Visit(again.numbers())) ++cells;
    } while (cells <= runs_max && again.Next());
    if (!CheckBound(cells, repetitions, runs_max) || !problems_->empty()) return;
    if (cells == 0) problems_->Add(origins_.Find("sweep.only"), "sweep.only leaves no cell");
    for (std::size_t i = 0; i < selected_.size() && cells > 0; ++i) {
      if (!selected_[i]) {
        problems_->Add(origins_.Find(absl::StrCat("expect[", i, "]")), "this expectation selects no cell");
      }
    }
  }

 private:
  bool CheckBound(std::uint64_t cells, std::uint64_t repetitions, std::uint64_t runs_max) {
    if (cells <= runs_max / repetitions) return true;
    problems_->Add(
        origins_.Find("sweep"),
        absl::StrCat(cells, " cells of ", repetitions, repetitions == 1 ? " repetition" : " repetitions", " are ",
                     cells * repetitions, " runs, more than limits.runs_max allows (", runs_max, ")"));
    return false;
  }

  bool IsWanted(const Numbers& numbers, const proto::Scenario* cell) {
    for (std::size_t i = 0; i < sweep_.only().size(); ++i) {
      const absl::StatusOr<bool> holds = sweep_.only()[i].Holds(sweep_.axes(), numbers, cell);
      if (!holds.ok()) {
        problems_->Add(origins_.Find(absl::StrCat("sweep.only[", i, "]")), holds.status().message());
        return false;
      }
      if (!*holds) return false;
    }
    return true;
  }

  // Resolves and checks one combination, and keeps it as a cell. Returns false if `only` drops it.
  bool Visit(const Numbers& numbers) {
    Cell cell = MakeCell(builder_->file().name(), sweep_, numbers);
    CellProblems found(origins_, sweep_.SetPlaces(numbers), cell.values.empty() ? "" : absl::StrCat("in ", cell.id),
                       problems_);
    Location where;
    absl::StatusOr<proto::Scenario> resolved = sweep_.Apply(numbers, &where);
    if (!resolved.ok()) {
      problems_->Add(where, resolved.status().message());
      return true;
    }
    ResolveCell(sweep_.profiles(), &found, &*resolved);
    if (!IsWanted(numbers, &*resolved)) return false;
    if (found.found()) return true;
    const ResolvedCell whole(*std::move(resolved));
    CheckCell(whole, &found);
    if (found.found()) return true;
    FindExpectations(whole.file(), &cell);
    CheckPunchingsAreJudged(whole.file(), cell, &found);
    builder_->Add(std::move(cell));
    return true;
  }

  // The oracle can judge every session, because it lists the outcomes that are possible. It may know nothing of a
  // punching, which then needs an expectation.
  void CheckPunchingsAreJudged(const proto::Scenario& resolved, const Cell& cell, CellProblems* found) {
    if (resolved.punching_size() == 0) return;
    std::vector<const proto::Expect*> expectations;
    for (const int i : cell.expectations) expectations.push_back(&builder_->file().expect(i));
    if (!UnsupportedReason(expectations).empty()) return;
    for (const proto::Punching& punching : resolved.punching()) {
      const std::vector<const proto::Expect*> its = ExpectationsOf(expectations, punching.name());
      if (std::any_of(its.begin(), its.end(), [](const proto::Expect* one) { return one->has_outcome(); })) continue;
      const absl::StatusOr<Prediction> prediction = Predict(resolved, punching);
      if (prediction.ok() && !prediction->depends()) continue;
      found->Add(absl::StrCat("punching[", punching.name(), "].technique"),
                 absl::StrCat("punching \"", punching.name(), "\": what comes of ",
                              proto::Punching::Technique_Name(punching.technique()), " depends (",
                              prediction.ok() ? prediction->reason : prediction.status().message(),
                              "), and no expectation says it; add expect { outcome: ... } for such cells"));
    }
  }

  void FindExpectations(const proto::Scenario& resolved, Cell* cell) {
    const proto::Scenario& file = builder_->file();
    for (int i = 0; i < file.expect_size(); ++i) {
      bool selected = true;
      for (const CompiledCondition& when : sweep_.when()[static_cast<std::size_t>(i)]) {
        const absl::StatusOr<bool> holds = when.Holds(sweep_.axes(), cell->value_numbers, &resolved);
        if (!holds.ok()) problems_->Add(origins_.Find(absl::StrCat("expect[", i, "]")), holds.status().message());
        selected = selected && holds.ok() && *holds;
      }
      if (!selected) continue;
      selected_[static_cast<std::size_t>(i)] = true;
      for (const int other : cell->expectations) {
        if (Compatible(file.expect(i), file.expect(other))) continue;
        problems_->Add(origins_.Find(absl::StrCat("expect[", i, "].outcome")),
                       absl::StrCat("outcome ", proto::Outcome::Kind_Name(file.expect(i).outcome()),
                                    " contradicts outcome ", proto::Outcome::Kind_Name(file.expect(other).outcome()),
                                    " of ", origins_.Find(absl::StrCat("expect[", other, "]")).ToString()),
                       absl::StrCat("in ", cell->id));
      }
      cell->expectations.push_back(i);
    }
  }

  // Reports the mistakes of expectations that do not depend on the cell.
  void CheckExpectations() {
    const proto::Scenario& file = builder_->file();
    for (int i = 0; i < file.expect_size(); ++i) {
      const proto::Expect& expect = file.expect(i);
      const std::string path = absl::StrCat("expect[", i, "]");
      const auto add = [&](absl::string_view field, absl::string_view what) {
        problems_->Add(origins_.Find(absl::StrCat(path, field)), what);
      };
      const bool says = expect.has_outcome() || expect.peer_size() > 0 || expect.has_relay_hops() ||
                        expect.has_agree() || expect.has_bounds() || expect.has_killed() || expect.has_xfail() ||
                        expect.has_unsupported();
      if (!says) add("", "this expectation expects nothing");
      const std::vector<std::string> sessions = TrialNames(file);
      std::vector<std::string> peers;
      for (const proto::Session& session : file.session()) {
        if (expect.has_session() && expect.session() != session.name()) continue;
        for (const proto::Peer& peer : session.peer()) peers.push_back(peer.name());
      }
      if (expect.has_session() && std::find(sessions.begin(), sessions.end(), expect.session()) == sessions.end()) {
        add(".session", absl::StrCat("no session \"", expect.session(), "\"", Suggestion(expect.session(), sessions)));
        continue;
      }
      for (const proto::PeerExpect& peer : expect.peer()) {
        if (std::find(peers.begin(), peers.end(), peer.name()) == peers.end()) {
          add(absl::StrCat(".peer[", peer.name(), "]"),
              absl::StrCat("no peer \"", peer.name(), "\"", Suggestion(peer.name(), peers)));
        }
      }
      if (expect.outcome() == proto::Outcome::DIRECT && expect.has_outcome() && expect.relay_hops() > 0) {
        add(".relay_hops", "a DIRECT path has no relay hops");
      }
      if (expect.outcome() == proto::Outcome::RELAYED && expect.has_relay_hops() && expect.relay_hops() == 0) {
        add(".relay_hops", "a RELAYED path has at least one relay hop");
      }
      const bool fails = expect.outcome() == proto::Outcome::FAILED || expect.outcome() == proto::Outcome::UNDECIDED;
      if (expect.has_outcome() && fails && (expect.peer_size() > 0 || expect.has_relay_hops() || expect.has_bounds())) {
        add(".outcome", "a session that does not connect has no selected pair, relay hops or bounds");
      }
    }
  }

  ScenarioBuilder* builder_;
  const CompiledSweep& sweep_;
  const Origins& origins_;
  Problems* problems_;
  std::vector<bool> selected_;  // by expectation: it selects at least one cell
};

}  // namespace

absl::StatusOr<Scenario> ExpandAxes(const std::string& path, proto::Scenario scenario, NatProfiles profiles,
                                    const Origins& origins) {
  Problems problems;
  CompiledSweep sweep = CompiledSweep::Compile(scenario, std::move(profiles), origins, &problems);
  if (!problems.empty()) return problems.ToStatus();
  ScenarioBuilder builder(path, std::move(scenario), std::move(sweep));
  Expander(&builder, origins, &problems).Run();
  if (!problems.empty()) return problems.ToStatus();
  return std::move(builder).Build();
}

}  // namespace pinhole::scenarios
