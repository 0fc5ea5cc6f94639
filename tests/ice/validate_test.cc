#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "ice/options.h"

namespace pinhole::ice {
namespace {

using namespace std::chrono_literals;

TEST(AgentOptions, DefaultsAreValid) { EXPECT_TRUE(Validate({}).ok()); }

TEST(AgentOptions, WhatAnRfcForbidsIsRefusedByName) {
  struct Row {
    const char* field;
    std::function<void(AgentOptions&)> spoil;
  };
  const Row rows[] = {
      {"ta", [](AgentOptions& o) { o.ta = 4ms; }},                                  // RFC 8445 §14.2
      {"fixed_rto", [](AgentOptions& o) { o.fixed_rto = 499ms; }},                  // RFC 8445 §14.3
      {"keepalive_interval", [](AgentOptions& o) { o.keepalive_interval = 14s; }},  // RFC 8445 §11
      {"consent.interval", [](AgentOptions& o) { o.consent.interval = 4900ms; }},   // RFC 7675 §5.1: 4 s at 0.8
      {"ufrag_length", [](AgentOptions& o) { o.ufrag_length = 3; }},                // RFC 8445 §5.3
      {"password_length", [](AgentOptions& o) { o.password_length = 21; }},
      {"components", [](AgentOptions& o) { o.components = {257}; }},  // RFC 8445 §5.1.2.1
      {"components", [](AgentOptions& o) { o.components = {}; }},
      {"pair_limit", [](AgentOptions& o) { o.pair_limit = 0; }},
      {"relayed_after", [](AgentOptions& o) { o.relayed_after = 100ms; }},
      {"host_candidates",
       [](AgentOptions& o) { o.host_candidates = o.server_reflexive_candidates = o.relayed_candidates = false; }},
  };
  for (const Row& row : rows) {
    AgentOptions options;
    row.spoil(options);
    EXPECT_THAT(std::string(Validate(options).message()), testing::StartsWith(row.field));
  }
}

}  // namespace
}  // namespace pinhole::ice
