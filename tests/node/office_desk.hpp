#pragma once
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "node/admin.hpp"
#include "node/fake_members.hpp"
#include "node/fake_office.hpp"
#include "sync/seeded.hpp"

namespace tally::test {

/// Head office's administration with a node that only writes down what it is told.
struct office_desk {
  seeded_entropy random{3};
  fake_office node;
  fake_members members{node};
  unix_seconds clock = 1'795'355'000;
  admin_context context{.identity = {{"bakery", {}}, head_office, node_role::hq, "HQ", {}},
                        .signing = {},
                        .door_key = {},
                        .doors = {"tcp://127.0.0.1:7102"},
                        .web_address = "127.0.0.1:8080",
                        .random = random,
                        .layout = {},
                        .now = [this] { return clock; },
                        .certify = {},
                        .mutex = {},
                        .next_node = 0,
                        .next_account = 0,
                        .publication = {},
                        .publication_seen = 0};
  office_desk() { context.members = &members; }
  office_desk(const office_desk&) = delete;
  office_desk& operator=(const office_desk&) = delete;

  int status = 0;
  nlohmann::json answer;

  nlohmann::json call(const std::string& method, const std::string& path, const std::string& body) {
    int answers = 0;
    handle_admin(method, "/api/v1/admin/" + path, body, node, context, [&](int s, const std::string& text) {
      ++answers;
      status = s;
      answer = nlohmann::json::parse(text);
    });
    CHECK(answers == 1);
    return answer;
  }
  nlohmann::json post(const std::string& path, const nlohmann::json& body) { return call("POST", path, body.dump()); }
};

/// The same object with one member changed.
inline nlohmann::json with(nlohmann::json j, const char* name, const nlohmann::json& value) {
  j[name] = value;
  return j;
}

}  // namespace tally::test
