#pragma once
#include "fixture.hpp"
#include "ledger/cards.hpp"

namespace tally::test {

constexpr account_id stock_card{1'000};

/// A store with a run of ten cards, and rules that sell them: 2.00, 20.00 of deposit, good for 30 days.
struct card_shop : shop {
  card_shop() : shop(store_a) {
    auto r = rules_of(2, 0);
    card_kind_rule k{1, {"Card"}, {}, true, 0};
    k.price = 200;
    k.deposit = 2'000;
    k.valid_days = 30;
    r.programme.card_kinds = {k};
    discount_rule all{1, {"Half"}, 5'000, 0, {}};
    r.programme.discounts = {all};
    r.programme.stale = {48, 24, 150};
    prices.add(r);
    for (std::uint32_t id = 1; id <= 3; ++id)
      prices.add(product_of(id, 2, id * 100, 0));
    allot(stock_card, 10, store_a);
    for (std::uint64_t i = 0; i < 10; ++i)
      put_card(st, {stock_card.value + i}, {card_status::stock, 1, 0});
  }
  void allot(account_id first, std::uint64_t count, const writer_id& to) {
    entry e;
    e.kind = entry_kind::allot;
    e.account = first;
    e.size = count;
    e.subject = to;
    e.card_kind = 1;
    e.blob = "first";
    fact(e);
  }
  /// Of head office's directory, dated now.
  void fact(entry e) {
    e.business_date = day_of(now);
    e.stamp = now - start_of_day(e.business_date);
    apply_directory(e, st);
  }
  void says(account_id account, card_status status, std::optional<sequence> answers = {}) {
    auto e = card_fact(account, card_of(st, account).value());
    e.status = status;
    if (answers) e.subject = self, e.cites = answers;
    fact(e);
  }
  decision sale(account_id account, amount card) {
    return run(sale_command{next_key(), account, {{product_id{1}, 2 * card / 100}}, card, {}});
  }
  decision claim(account_id account, card_status status) { return run(claim_command{next_key(), account, status}); }
};

inline const refusal& refusal_of(const decision& d) {
  REQUIRE(std::holds_alternative<refusal>(d));
  return std::get<refusal>(d);
}

}  // namespace tally::test
