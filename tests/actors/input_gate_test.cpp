#include "actors/input_gate.hpp"

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "actors/devices.hpp"

using namespace tally;

TEST_CASE("a device that never stops is read no faster than its actor works", "[actors][devices]") {
  const auto gate = std::make_shared<input_gate>();
  std::vector<std::shared_ptr<const bytes>> mailbox;
  for (std::size_t i = 0; i < input_gate::waiting_max; ++i)
    mailbox.push_back(gate->admit("piece " + std::to_string(i)));
  CHECK(*mailbox.back() == "piece 63");
  CHECK_FALSE(gate->take_dropped());
  CHECK(gate->admit("too many") == nullptr);
  CHECK(gate->take_dropped());
  CHECK_FALSE(gate->take_dropped());
  mailbox.pop_back();
  CHECK(gate->admit("one more") != nullptr);
  // What ends with its pieces in the mailbox lets go of them.
  mailbox.push_back(gate->admit("last"));
  std::thread actor([&] { mailbox.clear(); });
  CHECK(gate->admit("waits for room") != nullptr);
  actor.join();
}

TEST_CASE("a scanner takes cards by its own prefix and by that of the rules in force", "[actors][devices]") {
  mixed_reader reader({.card_prefixes = {"88"}});
  prefix_follower prefixes{{"88"}};
  std::string rules;
  const auto scan = [&](const std::string& number) {
    prefixes.follow([&] { return rules; }, reader);
    const auto events = reader.feed(number + "\r", 0);
    return events.size() == 1 && std::holds_alternative<card_read>(events.front());
  };
  CHECK_FALSE(scan("9704003931234565"));
  rules = "9704";  // published while it runs
  CHECK(scan("9704003931234565"));
  CHECK(scan("8800000000000005"));
  rules.clear();
  CHECK_FALSE(scan("9704003931234565"));
  prefixes.follow(nullptr, reader);
}
