#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "scenarios/language/problem.h"

namespace pinhole::scenarios {

// How deep messages may stand in one another in a file.
inline constexpr int kNestingMax = 32;
// How many elements a list may have.
inline constexpr int kElementsMax = 10000;

// Reads protobuf text into `message`. `file` is what places are reported under. Fields' places go to `origins` unless
// null. What is wrong goes to `problems`: with every misspelt field at once; after any other syntax error the rest
// of the file is not looked at. Never crashes or recurses deeper than kNestingMax, whatever the bytes.
void ParseTextInto(const std::string& file, absl::string_view text, google::protobuf::Message* message,
                   Origins* origins, Problems* problems);

// Holds a message to what the schema says of its fields (schema_options.proto): ranges, what is needed, what is not
// built; and names to letters, digits, "_", "-" and ".". `path` leads to the message. `partial`: fields may be
// missing that are `needed`.
void CheckAgainstSchema(const google::protobuf::Message& message, const std::string& path, const Origins& origins,
                        bool partial, Problems* problems);

}  // namespace pinhole::scenarios
