#include "tests/apps/coturn.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

extern char** environ;

namespace pinhole::apps {
namespace {

sockaddr_in Loopback(std::uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A TCP port that was free when it was chosen.
std::uint16_t FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  close(fd);
  return ntohs(address.sin_port);
}

bool Accepts(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = Loopback(port);
  const bool connected = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return connected;
}

}  // namespace

CoturnRun RunCoturnClient(net::PosixLoop& loop, const std::string& command) {
  const std::string bounded = absl::StrCat("timeout 20 ", command, " 2>&1");
  CoturnRun run;
  std::thread client([&] {
    int status = -1;
    FILE* pipe = popen(bounded.c_str(), "r");
    char buffer[512];
    while (pipe != nullptr && std::fgets(buffer, sizeof buffer, pipe) != nullptr) run.output += buffer;
    if (pipe != nullptr) status = pclose(pipe);
    run.succeeded = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    loop.Stop();
  });
  loop.Run();
  client.join();
  return run;
}

CoturnServer::CoturnServer() {
  directory_ = (std::filesystem::temp_directory_path() / "pinhole-coturn-XXXXXX").string();
  EXPECT_NE(mkdtemp(directory_.data()), nullptr);
  const std::uint16_t port = FreePort();
  address_ = net::SocketAddress(net::IpAddress::V4(127, 0, 0, 1), port);
  std::vector<std::string> arguments = {"turnserver",
                                        "-n",
                                        "-L",
                                        "127.0.0.1",
                                        "-E",
                                        "127.0.0.1",
                                        "-p",
                                        absl::StrCat(port),
                                        "-a",
                                        "-u",
                                        "pinhole:pinhole",
                                        "-r",
                                        "pinhole.example",
                                        "--no-tls",
                                        "--no-dtls",
                                        "--no-cli",
                                        "--allow-loopback-peers",
                                        "--log-file",
                                        directory_ + "/log",
                                        "--simple-log",
                                        "--pidfile",
                                        directory_ + "/pid",
                                        "--userdb",
                                        directory_ + "/users"};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  if (posix_spawnp(&pid_, "turnserver", &actions, nullptr, argv.data(), environ) != 0) pid_ = -1;
  posix_spawn_file_actions_destroy(&actions);
  EXPECT_GT(pid_, 0) << "no turnserver here";
  // The server gives no sign that it listens, except that it accepts connections.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!Accepts(port) && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_TRUE(Accepts(port)) << "turnserver does not listen";
}

CoturnServer::~CoturnServer() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

}  // namespace pinhole::apps
