// What machines and head office read: metrics, and entries that were priced again.
#include <catch2/catch.hpp>

#include "http_desk.hpp"
#include "node/ticket.hpp"
#include "sync/reexecution.hpp"

using namespace tally;
using namespace tally::test;

TEST_CASE("head office says which entries it priced otherwise", "[node][http]") {
  desk d;
  d.api->services.open_network = true;
  CHECK(d.get("/api/v1/cases").body == R"({"open":0,"cases":[]})");
  CHECK(d.get("/metrics").body.find("recomputed") == std::string::npos);
  auto seq = d.node.snapshot()->entries - 1;
  auto r = std::make_shared<reexecution_report>();
  r->counted = {40, 2, 5, 2};
  r->first = {{writer_of(3), seq, "a total of 1250 minor units under rules 4", "\"<1150>\""}};
  d.node.recomputed = r;
  auto body = nlohmann::json::parse(d.get("/api/v1/cases").body).at("recomputed");
  CHECK(body.at("entries") == 40);
  CHECK(body.at("behind") == 2);
  // What came since that look is behind as well.
  auto late = std::make_shared<reexecution_report>();
  late->counted = {1, 0, 0, 0};
  d.node.recomputed = late;
  CHECK(nlohmann::json::parse(d.get("/api/v1/cases").body).at("recomputed").at("behind") ==
        d.node.snapshot()->entries - 1);
  d.node.recomputed = r;
  CHECK(body.at("differences") == 3);
  CHECK(body.at("acknowledged") == 2);
  REQUIRE(body.at("first").size() == 1);
  const auto& first = body.at("first").front();
  CHECK(first.at("id") == receipt_id(writer_of(3), seq));
  CHECK(first.at("node") == 3);
  CHECK(first.at("expected") == "a total of 1250 minor units under rules 4");
  CHECK(first.at("found") == "\"<1150>\"");
  CHECK(nlohmann::json::parse(d.get("/api/v1/network").body).at("differences") == 3);
  auto text = d.get("/metrics").body;
  CHECK(text.find("tallystick_recomputed_entries_total 40\n") != std::string::npos);
  CHECK(text.find("tallystick_recomputed_behind 2\n") != std::string::npos);
  CHECK(text.find("tallystick_recomputed_differences_open 3\n") != std::string::npos);
  CHECK(text.find("tallystick_recomputed_differences_total 5\n") != std::string::npos);
}

TEST_CASE("metrics keep the rules of promtool", "[node][metrics]") {
  desk d;
  (void)d.post("/api/v1/sales", d.sale_body(1, 1));
  d.api->metrics.answered(200);
  d.api->services.identity.name = "Bob's \"Corner\"\n\\";
  auto text = d.get("/metrics").body;
  std::map<std::string, std::string> types;
  std::string_view rest = text;
  while (!rest.empty()) {
    auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    if (line.starts_with("# HELP ")) {
      CHECK(line.find(' ', 7) != std::string_view::npos);
    } else if (line.starts_with("# TYPE ")) {
      auto name = std::string(line.substr(7, line.find(' ', 7) - 7));
      CHECK(types.emplace(name, line.substr(7 + name.size() + 1)).second);
    } else {
      auto name = std::string(line.substr(0, line.find_first_of("{ ")));
      INFO(line);
      REQUIRE(types.count(name) == 1);
      CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos);
      CHECK(name.ends_with("_total") == (types[name] == "counter"));
    }
  }
  CHECK(text.find("tallystick_node_info{node=\"3\",role=\"store\",name=\"Bob's \\\"Corner\\\"\\n\\\\\"} 1\n") !=
        std::string::npos);
  CHECK(text.find("tallystick_refusals_total{reason=\"insufficient\"} 1\n") != std::string::npos);
  CHECK(text.find("tallystick_http_requests_total{code=\"200\"} 1\n") != std::string::npos);
}
