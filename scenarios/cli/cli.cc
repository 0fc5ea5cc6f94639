#include "scenarios/cli/cli.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "scenarios/cli/check.h"
#include "scenarios/cli/nats.h"
#include "scenarios/cli/run.h"
#include "scenarios/cli/sweep.h"

namespace pinhole::scenarios {
namespace {

constexpr char kAbout[] =
    "Pinhole sweeps connection establishment between peers behind NATs: the real STUN, TURN and ICE engines over a "
    "simulated internet, in virtual time.";
constexpr char kFooter[] =
    "Exit codes: 0 all as expected; 1 an expectation failed; 2 bad usage or scenario; 3 an internal error.\n"
    "FILE is a path on disk, or within the built-in data: library/nat_matrix.textproto, or nat_matrix for short.";

// Adds the options of every command that reads scenarios.
void AddLoadOptions(CLI::App* command, LoadOptions* load) {
  command->add_option("--set", load->sets, "Set a field before the sweep; may be given more than once")
      ->type_name("PATH=VALUE")
      ->expected(1)
      ->allow_extra_args(false)
      ->take_all();
  command
      ->add_option("--data", load->data_directory, "Directory that holds nats/ and topologies/ instead of the built-in")
      ->type_name("DIR");
}

}  // namespace

// To add a command: write a file with `ExitCode Name(const NameFlags&, FileReader&, std::ostream& out, std::ostream&
// err)`, add its flags here, and add its call at the end of this function.
ExitCode RunCommandLine(const std::vector<std::string>& arguments, FileReader& files, std::ostream& out,
                        std::ostream& err) {
  CLI::App app(kAbout, "pinhole");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.set_version_flag("--version", PINHOLE_VERSION);

  CheckFlags check;
  CLI::App* check_command = app.add_subcommand("check", "Say whether scenarios are well formed, without running them");
  check_command->add_option("FILE", check.paths, "Scenario files")->required();
  check_command->add_flag("--list", check.list, "Print the id of every cell");
  check_command->add_option("--filter", check.filter, "List only cells with these values")->type_name("AXIS=VALUE,...");
  AddLoadOptions(check_command, &check.load);

  NatsFlags nats;
  CLI::App* nats_command = app.add_subcommand("nats", "Describe the NAT profiles, or one of them in full");
  nats_command->add_option("NAME", nats.name, "Name or alias of a profile");
  nats_command->add_flag("--markdown", nats.markdown, "Print the table of docs/nats.md");
  nats_command->add_option("--data", nats.data_directory, "Directory that holds nats/ instead of the built-in")
      ->type_name("DIR");

  RunFlags run;
  CLI::App* run_command = app.add_subcommand("run", "Run one cell and tell all about it");
  run_command->add_option("FILE", run.path, "Scenario file")->required();
  run_command->add_option("--cell", run.cell, "Which cell, and perhaps which repetition")->type_name("ID");
  run_command->add_option("--seed", run.seed, "Base seed, in place of the file's")->type_name("N");
  run_command->add_flag("!--no-ladder", run.ladder, "Leave the ladder of packets out");
  run_command->add_option("--pcapng", run.pcapng, "Write what passed every interface to a capture")->type_name("FILE");
  run_command->add_option("--json", run.json, "Write the RunResult; - for standard output alone")->type_name("FILE");
  AddLoadOptions(run_command, &run.load);

  SweepFlags sweep;
  CLI::App* sweep_command = app.add_subcommand("sweep", "Run every cell on all cores and judge each");
  sweep_command->add_option("FILE", sweep.paths, "Scenario files")->required();
  sweep_command->add_option("--filter", sweep.filter, "Only cells with these values")->type_name("AXIS=VALUE,...");
  sweep_command->add_option("--seed", sweep.seed, "Base seed, in place of the file's")->type_name("N");
  sweep_command->add_option("--repeat", sweep.repeat, "Runs of each cell, in place of the file's repetitions")
      ->type_name("N")
      ->check(CLI::Range(std::uint32_t{1}, kRepetitionsMax));
  sweep_command->add_option("-j,--jobs", sweep.jobs, "Threads; all cores by default")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  sweep_command->add_option("--json", sweep.json, "Write one RunResult a line; - for standard output")
      ->type_name("FILE");
  sweep_command->add_flag("-q,--quiet", sweep.quiet, "Leave the matrix out");
  AddLoadOptions(sweep_command, &sweep.load);

  // CLI11 reads the vector of arguments from its end.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::Success& asked) {  // --help, --version
    app.exit(asked, out, err);
    return ExitCode::kOk;
  } catch (const CLI::ParseError& wrong) {
    app.exit(wrong, out, err);
    return ExitCode::kBadScenario;
  }

  if (check_command->parsed()) return Check(check, files, out, err);
  if (nats_command->parsed()) return Nats(nats, files, out, err);
  if (run_command->parsed()) return Run(run, files, out, err);
  if (sweep_command->parsed()) {
    sweep.progress = &err == &std::cerr && isatty(STDERR_FILENO) != 0;
    return Sweep(sweep, files, out, err);
  }
  return ExitCode::kInternal;
}

}  // namespace pinhole::scenarios
