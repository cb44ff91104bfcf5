#pragma once
#include <functional>

#include "storage/entry_codec.hpp"

namespace tally::test {

inline const std::string chain = "testchain";
inline const std::string card_a = "9704000000003931", card_frozen = "9704000000005555", card_b = "9704000000007187";
constexpr unix_seconds noon = 1'795'348'800;  // 2026-11-22T12:00:00Z
inline writer_id writer_of(std::uint32_t node, std::uint8_t epoch = 1) {
  return {node_id{node}, {{0, 0, 0, 0, 0, 0, 0, epoch}}};
}

/// What head office published for the fake node: rules version 1 and three products, the first with a barcode.
inline std::vector<entry> test_rules() {
  rules_record r;
  r.version = 1;
  r.header = "Corner shops\nMain street 1";
  r.footer = "Thank you";
  r.top_up_min = 100;
  r.top_up_max = 100'000'000;
  r.receipts[2].copies = 2;
  r.taxes = {{"A", 1300}, {"B", 0}};
  entry e;
  e.kind = entry_kind::publish;
  e.topic = publish_topic::rules;
  e.blob = encode_rules(r);
  std::vector<entry> out{e};
  for (std::uint32_t id = 1; id <= 3; ++id) {
    product p;
    p.id = product_id{id};
    p.version = 1;
    p.ean = id == 1 ? "4006381333931" : "";
    p.names = {"Bread " + std::to_string(id), id == 1 ? "面包" : "", "", ""};
    p.price = id * 1250;
    p.tax = id == 3 ? 1 : 0;
    e.topic = publish_topic::product;
    e.blob = encode_product(p);
    out.push_back(e);
  }
  return out;
}

/// Rules version 2, under which paid money may be given to others.
inline entry gift_rules(amount per_day) {
  auto e = test_rules().front();
  auto r = decode_rules(e.blob);
  r->version = 2;
  r->programme.gift_per_day = per_day;
  e.blob = encode_rules(*r);
  return e;
}

/// Rules version 2, under which points (purse 3) are given and taken by hand; `change` says where kind 1 is good.
inline entry hand_rules(amount per_day, const std::function<void(card_kind_rule&)>& change = {}) {
  auto e = test_rules().front();
  auto r = decode_rules(e.blob);
  r->version = 2;
  purse_rule points;
  points.id = 3;
  points.kind = purse_kind::points;
  points.names[0] = "Points";
  points.manual_per_day = per_day;
  r->programme.purses = {points};
  r->programme.card_kinds = {{1, {"Card"}, {}, true, 0}};
  if (change) change(r->programme.card_kinds.front());
  e.blob = encode_rules(*r);
  return e;
}

/// Rules version 2, under which bonus (purse 2) is given and taken by hand.
inline entry bonus_rules() {
  auto e = test_rules().front();
  auto r = decode_rules(e.blob);
  r->version = 2;
  purse_rule bonus;
  bonus.id = 2;
  bonus.kind = purse_kind::bonus;
  bonus.names[0] = "Pearl money";
  bonus.manual_per_day = 10'000;
  r->programme.purses = {bonus};
  e.blob = encode_rules(*r);
  return e;
}

}  // namespace tally::test
