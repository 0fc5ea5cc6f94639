#include "scenarios/language/file_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "scenarios/language/builtin_files.h"

namespace pinhole::scenarios {
namespace {

constexpr absl::string_view kSuffix = ".textproto";

absl::StatusOr<std::string> ReadBuiltin(absl::string_view path) {
  for (const BuiltinFile& file : BuiltinFiles()) {
    if (path == file.path) return std::string(file.text);
  }
  return absl::NotFoundError("no such built-in file");
}

std::vector<std::string> ListBuiltin(absl::string_view directory) {
  std::vector<std::string> paths;
  const std::string prefix = absl::StrCat(absl::StripSuffix(directory, "/"), "/");
  for (const BuiltinFile& file : BuiltinFiles()) {
    if (absl::StartsWith(file.path, prefix)) paths.push_back(absl::StrCat(kBuiltinPrefix, file.path));
  }
  return paths;
}

}  // namespace

absl::StatusOr<std::string> SystemFiles::Read(const std::string& path) {
  absl::string_view builtin = path;
  if (absl::ConsumePrefix(&builtin, kBuiltinPrefix)) return ReadBuiltin(builtin);
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) return absl::NotFoundError("no such file");
  if (std::filesystem::is_directory(status)) return absl::FailedPreconditionError("is a directory, not a file");
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return absl::FailedPreconditionError(absl::StrCat("cannot be opened: ", std::strerror(errno)));
  std::string text(kFileBytesMax + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return absl::FailedPreconditionError("cannot be read");
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > kFileBytesMax) {
    return absl::FailedPreconditionError(absl::StrCat("is larger than ", kFileBytesMax, " bytes"));
  }
  return text;
}

std::vector<std::string> SystemFiles::List(const std::string& directory) {
  absl::string_view builtin = directory;
  if (absl::ConsumePrefix(&builtin, kBuiltinPrefix)) return ListBuiltin(builtin);
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (absl::EndsWith(entry.path().string(), kSuffix)) paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

absl::StatusOr<std::string> MemoryFiles::Read(const std::string& path) {
  if (const auto it = files_.find(path); it != files_.end()) return it->second;
  absl::string_view builtin = path;
  if (absl::ConsumePrefix(&builtin, kBuiltinPrefix)) return ReadBuiltin(builtin);
  return absl::NotFoundError("no such file");
}

std::vector<std::string> MemoryFiles::List(const std::string& directory) {
  absl::string_view builtin = directory;
  if (absl::ConsumePrefix(&builtin, kBuiltinPrefix)) return ListBuiltin(builtin);
  std::vector<std::string> paths;
  for (const auto& [path, text] : files_) {
    if (absl::StartsWith(path, absl::StrCat(directory, "/")) && absl::EndsWith(path, kSuffix)) paths.push_back(path);
  }
  return paths;
}

}  // namespace pinhole::scenarios
