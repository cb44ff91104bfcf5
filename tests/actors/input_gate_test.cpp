#include "actors/input_gate.hpp"

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

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
