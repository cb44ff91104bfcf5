#pragma once
#include <catch2/catch.hpp>

#include "ledger/programme_fixture.hpp"
#include "storage/entry_codec.hpp"
#include "sync/station_net.hpp"

namespace tally::test {

/// The small network under the chain's programme, without its discounts; `change` may alter the rules.
struct programme_net : station_net {
  explicit programme_net(const std::function<void(rules_record&)>& change = {}, std::uint32_t more = 0)
      : station_net({1'000'000, 1'000'000, 100'000, 1'000'000}, more) {
    rules_record r;
    r.version = 2;
    r.top_up_max = 1'000'000;
    r.taxes = {{"A", 0}};
    r.programme = chain_programme();
    r.programme.discounts.clear();
    if (change) change(r);
    entry e;
    e.kind = entry_kind::publish;
    e.topic = publish_topic::rules;
    e.rules_version = 2;
    e.blob = encode_rules(r);
    REQUIRE(publish({e}).code == errc::ok);
    turn();
  }
  /// Time for replenishing and for the calendar, and what follows from it.
  void turn(int times = 2, tick_ms ms = 11'000) {
    for (int i = 0; i < times; ++i) {
      pass_time(ms);
      sync();
    }
  }
  void nothing_contested() {
    for (std::uint32_t id = 1; id <= 4; ++id)
      CHECK(hq().st->seen().contested_of(at(id).writer()) == 0);
  }
};

}  // namespace tally::test
