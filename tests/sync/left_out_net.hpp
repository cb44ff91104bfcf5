#pragma once
#include <catch2/catch.hpp>

#include "sync/audit.hpp"
#include "sync/left_out.hpp"
#include "sync/station_net.hpp"

namespace tally::test {

inline constexpr std::uint32_t by_amount = 500;

inline entry product_fact(std::uint32_t id, amount price, bool open = false, std::uint64_t version = 1) {
  product p;
  p.id = {id};
  p.version = version;
  // Names that a frame makes shorter, but not as if they were all one.
  auto mixed = [](std::uint64_t n) {
    return to_hex(stream_key({{node_id{static_cast<std::uint32_t>(n * 2'654'435'761U)}, {}}, {}, {}})).substr(0, 8);
  };
  p.names[0] = "article " + mixed(id);
  p.names[1] = "商品 " + mixed(id + 7) + mixed(id + 91);
  p.price = open ? 1 : price;
  p.open = open;
  entry e;
  e.kind = entry_kind::publish;
  e.topic = publish_topic::product;
  e.rules_version = version;
  e.blob = encode_product(p);
  return e;
}

/// Head office announces one piece of goods, and writes that the card is frozen.
inline std::vector<entry> false_run() {
  entry run, freeze;
  run.kind = entry_kind::topic_run;
  run.topic = publish_topic::product;
  run.size = 1;
  freeze.kind = entry_kind::card_state;
  freeze.account = station_net::card;
  freeze.status = card_status::frozen;
  freeze.account_version = 2;
  freeze.card_kind = 1;
  return {run, freeze};
}

/// Store 3 leaves goods sold by the piece out of its copy of the directory.
struct skipping {
  station_net net;
  station_net::node& region = net.region();
  station_net::node& store = net.at(3);  ///< skips goods
  station_net::node& whole = net.at(4);

  skipping() { reopen(topic_goods); }
  void reopen(topic_set skips) {
    net.link(store, region, false);
    station_config habits;
    habits.skips = skips;
    net.open(store, habits);
    net.link(store, region, true);
    net.sync();
  }
  stream_id directory() { return net.hq().st->directory(); }
  facts_answer publish_goods(std::uint32_t from, std::uint32_t n) {
    std::vector<entry> facts;
    for (auto id = from; id < from + n; ++id)
      facts.push_back(product_fact(id, 100 + id));
    return net.publish(facts);
  }
  errc sells(station_net::node& at, std::uint32_t id, std::int64_t quantity, amount sum) {
    sale_command s{net.key(at), {}, {{{id}, quantity}}, 0, {}};
    s.tenders = {{tender_kind::cash, main_unit, sum}};
    return why(net.ask(at, s));
  }
  audit_report audited(station_net::node& n) {
    auto r = audit(n.store, {std::string(station_net::chain), net.root()}, net.with(), {});
    REQUIRE(r.ok());
    for (const auto& l : r->lines)
      for (const auto& p : l.problems)
        UNSCOPED_INFO(l.check << ": " << p.where << " expected " << p.expected << " found " << p.found);
    return *r;
  }
  void some_time() {
    for (int i = 0; i < 12; ++i) {
      net.pass_time(5'000);
      net.sync();
    }
  }
};

/// All that was left out and stays so is asked for again; answers come as long as `s.net` syncs.
inline void take_after_all(skipping& s) {
  s.net.link(s.store, s.region, false);
  s.net.open(s.store, {});
  s.net.link(s.store, s.region, true);
}

}  // namespace tally::test
