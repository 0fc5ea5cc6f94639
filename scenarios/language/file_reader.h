#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace pinhole::scenarios {

// Where scenario files come from. Paths are the disk's, or "builtin:" and a path within scenarios/
// ("builtin:nats/pf.textproto") for the files that the program carries in itself.
class FileReader {
 public:
  virtual ~FileReader() = default;

  // NotFound: there is no such file. FailedPrecondition: there is, but it is no readable file (a directory,
  // no permission, larger than kFileBytesMax). The message does not repeat the path.
  virtual absl::StatusOr<std::string> Read(const std::string& path) = 0;
  // Files of a directory whose names end in ".textproto", as paths for Read(), sorted; empty if there is none.
  virtual std::vector<std::string> List(const std::string& directory) = 0;
};

inline constexpr std::size_t kFileBytesMax = 4 << 20;
inline constexpr char kBuiltinPrefix[] = "builtin:";

// The disk, and the built-in nats/, topologies/ and library/.
class SystemFiles final : public FileReader {
 public:
  absl::StatusOr<std::string> Read(const std::string& path) override;
  std::vector<std::string> List(const std::string& directory) override;
};

// A fixed set of files by path, for tests. Paths that it does not hold and that begin with "builtin:" are
// answered from the built-in files.
class MemoryFiles final : public FileReader {
 public:
  explicit MemoryFiles(std::map<std::string, std::string> files) : files_(std::move(files)) {}
  absl::StatusOr<std::string> Read(const std::string& path) override;
  std::vector<std::string> List(const std::string& directory) override;

 private:
  std::map<std::string, std::string> files_;
};

}  // namespace pinhole::scenarios
