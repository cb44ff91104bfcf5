#pragma once
#include <cstdint>
#include <random>

#include "ledger/decide.hpp"
#include "ledger/kinds.hpp"

namespace tally::test {

inline epoch_id epoch_of(std::uint64_t n) {
  epoch_id e;
  for (std::size_t i = 0; i < 8; ++i)
    e.value[7 - i] = static_cast<std::uint8_t>(n >> (8 * i));
  return e;
}
inline writer_id writer(std::uint32_t node, std::uint64_t epoch = 1) { return {node_id{node}, epoch_of(epoch)}; }

inline const writer_id hq = writer(1), region = writer(2), store_a = writer(3), store_b = writer(4);
constexpr account_id card_1{17}, card_2{18}, frozen_card{19}, unknown_card{99};
constexpr unix_seconds noon = 1'795'348'800;  // 2026-11-22T12:00:00Z
constexpr unit_id quota_unit = quota_of(main_unit);

/// Seeded numbers with ranges of its own, since the standard's distributions differ by library.
class dice {
public:
  explicit dice(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t bits() { return engine_(); }
  std::uint64_t below(std::uint64_t n) { return engine_() % n; }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
  }
  bool percent(unsigned p) { return below(100) < p; }

private:
  std::mt19937_64 engine_;
};

inline rules_record rules_of(std::uint64_t version, std::uint32_t from) {
  rules_record r;
  r.version = version;
  r.effective_from = from;
  r.top_up_min = 100;
  r.top_up_max = 100'000;
  r.taxes = {{"A", 1300}, {"B", 0}};
  return r;
}
inline product product_of(std::uint32_t id, std::uint64_t version, amount price, std::uint32_t tax = 0) {
  product p;
  p.id = product_id{id};
  p.version = version;
  p.names[0] = "product " + std::to_string(id);
  p.price = price;
  p.tax = tax;
  return p;
}

inline entry opening() {
  entry e;
  e.kind = entry_kind::open_epoch;
  e.engine = engine_revision;
  return e;
}

/// One node's journal with its fold, without any storage. `rights` and `quota` give it what head office would have
/// sent.
class shop {
public:
  explicit shop(writer_id w, node_role r = node_role::store) : self(w), role(r) {
    put_node(st, node_id{1}, {node_role::hq, hq.epoch, {}});
    put_node(st, node_id{2}, {node_role::region, region.epoch, {node_id{1}}});
    put_node(st, node_id{3}, {node_role::store, store_a.epoch, {node_id{2}, node_id{1}}});
    put_node(st, node_id{4}, {node_role::store, store_b.epoch, {node_id{2}, node_id{1}}});
    put_card(st, card_1, {card_status::active, 1, 1});
    put_card(st, card_2, {card_status::active, 1, 4});
    put_card(st, frozen_card, {card_status::frozen, 1, 2});
    prices.add(rules_of(1, 0));
    for (std::uint32_t id = 1; id <= 3; ++id)
      prices.add(product_of(id, 1, id * 100, id == 3));
    REQUIRE(write(opening()).ok());
  }

  situation at() {
    return {.st = st,
            .rules = prices,
            .self = self,
            .role = role,
            .now = now,
            .hq_time = hq_time,
            .stopped = stopped,
            .next = journal.size(),
            .find_entry = [this](const writer_id&, sequence s) { return find(s); },
            .earlier = {},
            .asked = asked,
            .alone = alone};
  }
  std::optional<entry> find(sequence s) const { return s < journal.size() ? std::optional(journal[s]) : std::nullopt; }

  /// Judges and applies, as a writer does.
  result<std::vector<posting>> write(const entry& e) {
    std::optional<entry> cited;
    if (e.cites) cited = find(*e.cites);
    entry_place place{self, role, journal.size(), cited ? &*cited : nullptr};
    auto postings = judge(e, place, st);
    if (!postings) return postings;
    REQUIRE(apply(e, place, *postings, st).ok());
    journal.push_back(e);
    return postings;
  }
  decision run(const till_command& c) {
    auto d = decide(c, at());
    if (const auto* e = std::get_if<entry>(&d)) REQUIRE(write(*e).ok());
    return d;
  }

  entry receive(account_id account, std::vector<value_item> values, writer_id from = hq) {
    entry e;
    e.kind = entry_kind::receive;
    e.peer = from;
    e.channel = static_cast<std::uint64_t>(number(st, channel_key(false, from, self))) + 1;
    e.account = account;
    e.values = std::move(values);
    e.head = stream_head{{from, sub_stream::addressed, self.node}, e.channel, {}};
    return e;
  }
  void quota(amount v) { REQUIRE(write(receive({}, {{0, quota_unit, 0, v}})).ok()); }
  void rights(account_id account, amount v) { REQUIRE(write(receive(account, {{purse_paid, main_unit, 0, v}})).ok()); }

  till_key next_key(std::uint32_t terminal = 201) { return {terminal, ++counter, 5}; }
  amount held(account_id account) const { return holding(st, self, account); }

  writer_id self;
  node_role role;
  memory_state st;
  catalogue prices;
  std::vector<entry> journal;
  unix_seconds now = noon;
  std::int64_t hq_time = noon;
  errc stopped = errc::ok;
  std::uint64_t counter = 0;
  bool asked = false;  ///< everybody was
  bool alone = false;  ///< nobody can be asked
};

inline entry& written(decision& d) {
  if (const auto* r = std::get_if<refusal>(&d)) FAIL("refused: " << errc_name(r->why.code) << " " << r->why.detail);
  REQUIRE(std::holds_alternative<entry>(d));
  return std::get<entry>(d);
}
inline errc refused(const decision& d) {
  const auto* r = std::get_if<refusal>(&d);
  return r ? r->why.code : errc::ok;
}

}  // namespace tally::test
