#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace pinhole::scenarios {

// Reads scenario files. A path is a path on the disk, or "builtin:" and a path within scenarios/
// ("builtin:nats/pf.textproto") for a file that is part of the program.
class FileReader {
 public:
  virtual ~FileReader() = default;

  // Returns the text of a file. NotFound: the file does not exist. FailedPrecondition: it exists but cannot be read (it
  // is a directory, there is no permission, or it is larger than kFileBytesMax). The message does not repeat the path.
  virtual absl::StatusOr<std::string> Read(const std::string& path) = 0;
  // The files of a directory whose names end in ".textproto", as paths for Read(), sorted. Empty if the directory does
  // not exist.
  virtual std::vector<std::string> List(const std::string& directory) = 0;
};

inline constexpr std::size_t kFileBytesMax = 4 << 20;
inline constexpr char kBuiltinPrefix[] = "builtin:";

// Reads the disk and the built-in files.
class SystemFiles final : public FileReader {
 public:
  absl::StatusOr<std::string> Read(const std::string& path) override;
  std::vector<std::string> List(const std::string& directory) override;
};

// A fixed set of files by path, for tests. A path that begins with "builtin:" and is not in the set is read from the
// built-in files.
class MemoryFiles final : public FileReader {
 public:
  explicit MemoryFiles(std::map<std::string, std::string> files) : files_(std::move(files)) {}
  absl::StatusOr<std::string> Read(const std::string& path) override;
  std::vector<std::string> List(const std::string& directory) override;

 private:
  std::map<std::string, std::string> files_;
};

}  // namespace pinhole::scenarios
