#include "scenarios/language/expectations.h"

namespace pinhole::scenarios {

std::vector<const proto::Expect*> ExpectationsOf(const std::vector<const proto::Expect*>& expectations,
                                                 absl::string_view session) {
  std::vector<const proto::Expect*> its;
  for (const proto::Expect* expect : expectations) {
    if (!expect->has_session() || expect->session() == std::string(session)) its.push_back(expect);
  }
  return its;
}

std::string UnsupportedReason(const std::vector<const proto::Expect*>& expectations) {
  for (const proto::Expect* expect : expectations) {
    if (expect->has_unsupported()) return expect->unsupported();
  }
  return "";
}

}  // namespace pinhole::scenarios
