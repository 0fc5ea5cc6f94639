#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "scenarios/language/problem.h"

namespace pinhole::scenarios {

// The maximal depth of messages within messages in a file.
inline constexpr int kNestingMax = 32;
// The maximal number of elements of a list.
inline constexpr int kElementsMax = 10000;

// Reads protobuf text into `message`. `file` is the file name in the places of mistakes. Records the place of each
// field in `origins`, unless it is null. Adds mistakes to `problems`: all misspelt fields at once, but after any other
// syntax error the rest of the file is not read. Safe for any bytes: it never crashes, and never recurses deeper than
// kNestingMax.
void ParseTextInto(const std::string& file, absl::string_view text, google::protobuf::Message* message,
                   Origins* origins, Problems* problems);

// Checks a message against the options of its fields in the schema (schema_options.proto): ranges, `needed` and
// `not_built`. Also checks that names consist of letters, digits, "_", "-" and ".". `path` is the field path of the
// message. With `partial`, `needed` fields may be missing.
void CheckAgainstSchema(const google::protobuf::Message& message, const std::string& path, const Origins& origins,
                        bool partial, Problems* problems);

}  // namespace pinhole::scenarios
