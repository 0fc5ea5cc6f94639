// Fuzzes the loader with any bytes as a scenario file. The file loads, or the loader gives a message. A file that loads
// can be resolved and prepared, cell by cell, and its merged form, written out, loads as the same scenario.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "google/protobuf/text_format.h"
#include "scenarios/language/load.h"
#include "scenarios/sweep/judged_run.h"

namespace {

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "scenario_loader_fuzz: %s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinhole::scenarios;
  const std::string text(reinterpret_cast<const char*>(data), size);
  LoadOptions options;
  // Large sweeps are slow and teach nothing.
  options.sets = {"limits.runs_max=20"};
  MemoryFiles files({{"fuzz.textproto", text}});
  const absl::StatusOr<Scenario> scenario = LoadScenario("fuzz.textproto", files, options);
  if (!scenario.ok()) {
    Require(scenario.status().code() == absl::StatusCode::kInvalidArgument, "an error that is not the file's");
    Require(!scenario.status().message().empty(), "an error without a message");
    return 0;
  }
  Require(!scenario->cells().empty(), "a scenario without cells");
  for (const Cell& cell : scenario->cells()) {
    Require(scenario->Resolve(cell).file().session_size() > 0, "a cell without a session");
    Require(scenario->Find(cell.id) != nullptr, "a cell that cannot be found by its id");
    const absl::StatusOr<PreparedCell> prepared = PrepareCell(*scenario, cell);
    if (!prepared.ok()) std::fprintf(stderr, "%s\n", std::string(prepared.status().message()).c_str());
    Require(prepared.ok(), "a cell that loads but cannot be made ready");
  }

  proto::Scenario merged = scenario->file();
  merged.clear_base();
  std::string written;
  Require(google::protobuf::TextFormat::PrintToString(merged, &written), "a scenario that cannot be written");
  MemoryFiles again({{"fuzz.textproto", written}});
  const absl::StatusOr<Scenario> same = LoadScenario("fuzz.textproto", again, options);
  Require(same.ok(), "a merged scenario that does not load");
  Require(same->cells().size() == scenario->cells().size(), "a merged scenario with other cells");
  for (std::size_t i = 0; i < same->cells().size(); ++i) {
    Require(same->cells()[i].id == scenario->cells()[i].id, "a merged scenario with other ids");
  }
  return 0;
}
