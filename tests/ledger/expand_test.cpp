#include <catch2/catch.hpp>

#include <map>

#include "fixture.hpp"

using namespace tally;
using namespace tally::test;

namespace {

/// Name and unit → sum, for comparing with a literal.
std::map<std::string, amount> sheet(const std::vector<posting>& list) {
  std::map<std::string, amount> out;
  for (const auto& p : list)
    out[account_name(p.account) + " " + unit_name(p.account.unit, "CNY")] += p.amount;
  return out;
}
std::map<std::string, amount> expanded(const entry& e, const writer_id& w = store_a) {
  auto list = expand(e, w);
  REQUIRE(list.ok());
  CHECK(balances(*list));
  return sheet(*list);
}
errc failure(const entry& e) { return expand(e, store_a).code(); }

entry sale() {
  entry e;
  e.kind = entry_kind::sale;
  e.account = card_1;
  e.shift = 6;
  e.values = {{purse_paid, main_unit, 0, 2000}};
  e.tenders = {{tender_kind::cash, main_unit, 500}};
  e.taxes = {{0, main_unit, 288}};
  return e;
}
entry top_up() {
  entry e;
  e.kind = entry_kind::top_up;
  e.account = card_1;
  e.values = {{purse_paid, main_unit, 0, 700}};
  e.tenders = {{tender_kind::bank, main_unit, 700}};
  return e;
}
entry move(bool out) {
  entry e;
  e.kind = out ? entry_kind::send : entry_kind::receive;
  e.peer = region;
  e.account = card_1;
  e.values = {{purse_paid, main_unit, 0, 300}, {0, quota_unit, 0, 40}};
  return e;
}

const std::string at = "3.0000000000000001";

}  // namespace

TEST_CASE("a sale takes rights and money and gives sales and tax", "[expand]") {
  CHECK(expanded(sale()) == std::map<std::string, amount>{{"hold:17:paid:" + at + " CNY", 2000},
                                                          {"tender:cash:6:" + at + " CNY", 500},
                                                          {"tax:0:" + at + " CNY", -288},
                                                          {"sales:" + at + " CNY", -2212}});
  entry free = sale();
  free.values.clear(), free.tenders.clear(), free.taxes.clear();
  CHECK(expanded(free).empty());
}

TEST_CASE("a top-up uses quota up and remembers what was issued", "[expand]") {
  CHECK(expanded(top_up()) == std::map<std::string, amount>{{"tender:bank:0:" + at + " CNY", 700},
                                                            {"hold:17:paid:" + at + " CNY", -700},
                                                            {"quota:1:" + at + " Q:CNY", 700},
                                                            {"issued:1:" + at + " Q:CNY", -700}});
}

TEST_CASE("a send and its receive are two halves of one transit", "[expand]") {
  auto out = expanded(move(true));
  CHECK(out == std::map<std::string, amount>{{"hold:17:paid:" + at + " CNY", 300},
                                             {"quota:1:" + at + " Q:CNY", 40},
                                             {"transit:" + at + ":2.0000000000000001:" + at + " CNY", -300},
                                             {"transit:" + at + ":2.0000000000000001:" + at + " Q:CNY", -40}});
  entry in = move(false);
  in.peer = store_a;
  auto there = expanded(in, region);
  const std::string r = "2.0000000000000001";
  CHECK(there == std::map<std::string, amount>{{"hold:17:paid:" + r + " CNY", -300},
                                               {"quota:1:" + r + " Q:CNY", -40},
                                               {"transit:" + at + ":" + r + ":" + r + " CNY", 300},
                                               {"transit:" + at + ":" + r + ":" + r + " Q:CNY", 40}});
}

TEST_CASE("kinds that move nothing post nothing", "[expand]") {
  for (int k = 0; k < 64; ++k) {
    auto kind = static_cast<entry_kind>(k);
    if (kind == entry_kind::sale || kind == entry_kind::top_up || kind == entry_kind::send ||
        kind == entry_kind::receive || kind == entry_kind::reverse || kind == entry_kind::regrant ||
        kind == entry_kind::refund || kind == entry_kind::expire || kind == entry_kind::issue ||
        kind == entry_kind::hand_back || kind == entry_kind::authorise || kind == entry_kind::capture ||
        kind == entry_kind::void_hold || kind == entry_kind::time_out || kind == entry_kind::refund_elsewhere ||
        kind == entry_kind::gift || kind == entry_kind::adjust || kind == entry_kind::fee ||
        kind == entry_kind::voucher_grant || kind == entry_kind::ruling || kind == entry_kind::execute)
      continue;
    entry e = sale();
    e.kind = kind;
    INFO(k);
    CHECK(expanded(e).empty());
  }
}

TEST_CASE("a reversal is the exact negation of what it cites", "[expand]") {
  for (const entry& e : {sale(), top_up()}) {
    entry back = e;
    back.kind = entry_kind::reverse;
    back.cited_kind = e.kind;
    auto there = expanded(e), undone = expanded(back);
    REQUIRE(there.size() == undone.size());
    for (const auto& [name, v] : there)
      CHECK(undone.at(name) == -v);
  }
  for (auto kind : {entry_kind::send, entry_kind::receive, entry_kind::reverse, entry_kind::adopt, entry_kind{}}) {
    entry back = sale();
    back.kind = entry_kind::reverse;
    back.cited_kind = kind;
    CHECK(failure(back) == errc::malformed);
  }
}

TEST_CASE("items that a kind cannot have are refused", "[expand]") {
  auto broken = [](entry e, auto change) {
    change(e);
    return failure(e);
  };
  using E = entry&;
  CHECK(broken(sale(), [](E e) { e.values[0].purse = 0; }) == errc::malformed);
  CHECK(broken(sale(), [](E e) { e.values[0].unit = quota_unit; }) == errc::malformed);
  CHECK(broken(sale(), [](E e) { e.values[0].unit = unit_of(2); }) == errc::malformed);
  CHECK(broken(sale(), [](E e) { e.values[0].amount = 0; }) == errc::malformed);
  CHECK(broken(sale(), [](E e) { e.values[0].amount = -1; }) == errc::malformed);
  CHECK(broken(sale(), [](E e) { e.tenders[0].amount = -1; }) == errc::malformed);
  CHECK(broken(sale(), [](E e) { e.tenders[0].unit = unit_of(2); }) == errc::malformed);
  CHECK(broken(sale(), [](E e) { e.taxes[0].amount = -1; }) == errc::malformed);
  CHECK(broken(sale(), [](E e) { e.taxes[0].amount = 2501; }) == errc::malformed);  // more tax than sale
  CHECK(broken(sale(), [](E e) { e.values[0].amount = INT64_MAX; }) == errc::overflow);
  CHECK(broken(top_up(), [](E e) { e.values[0].purse = 0; }) == errc::malformed);
  CHECK(broken(top_up(), [](E e) { e.values[0].amount = 0; }) == errc::malformed);
  CHECK(broken(top_up(), [](E e) { e.values[0].unit = quota_unit; }) == errc::malformed);
  CHECK(broken(top_up(), [](E e) { e.tenders[0].amount = -700; }) == errc::malformed);
  CHECK(broken(top_up(), [](E e) { e.tenders[0].amount = 699; }) == errc::unbalanced);
  CHECK(broken(top_up(), [](E e) { e.tenders[0].unit = unit_of(2); }) == errc::unbalanced);
  CHECK(broken(move(true), [](E e) { e.values[0].amount = -300; }) == errc::malformed);
  CHECK(broken(move(true), [](E e) { e.values[1].unit = main_unit; }) == errc::malformed);  // money without a purse
  CHECK(broken(move(false), [](E e) { e.account = {}; }) == errc::malformed);
}

TEST_CASE("whatever the amounts, postings sum to zero or there are none", "[expand]") {
  dice d(7);
  std::size_t good = 0;
  for (int i = 0; i < 100'000; ++i) {
    entry e;
    e.kind = std::array{entry_kind::sale, entry_kind::top_up, entry_kind::send, entry_kind::receive,
                        entry_kind::reverse}[d.below(5)];
    e.cited_kind = d.percent(50) ? entry_kind::sale : entry_kind::top_up;
    e.account = account_id{d.below(3)};
    e.peer = region;
    auto any = [&]() -> amount {
      return d.percent(10) ? static_cast<amount>(d.bits()) : d.percent(10) ? d.between(-2, 2) : d.between(1, 100'000);
    };
    auto unit = [&] { return d.percent(90) ? main_unit : unit_id{static_cast<std::uint32_t>(d.below(8))}; };
    for (auto n = d.below(4); n > 0; --n)
      e.values.push_back(
          {static_cast<std::uint32_t>(d.below(3)), unit(), static_cast<std::uint32_t>(d.below(2)), any()});
    for (auto n = d.below(3); n > 0; --n)
      e.tenders.push_back({tender_kind::cash, unit(), any()});
    for (auto n = d.below(3); n > 0; --n)
      e.taxes.push_back({static_cast<std::uint32_t>(d.below(3)), unit(), any()});
    auto list = expand(e, store_a);
    if (!list) continue;
    ++good;
    std::map<unit_id, __int128> sums;
    for (const auto& p : *list) {
      REQUIRE(p.amount != 0);
      sums[p.account.unit] += p.amount;
      REQUIRE(p.account.writer == store_a);
    }
    for (const auto& [u, sum] : sums)
      REQUIRE(static_cast<std::int64_t>(sum) == 0);
    auto merged = *list;
    if (merge(merged)) {
      REQUIRE(balances(merged));
      for (std::size_t a = 0; a < merged.size(); ++a)
        for (std::size_t b = a + 1; b < merged.size(); ++b)
          REQUIRE(merged[a].account != merged[b].account);
    }
  }
  CHECK(good > 10'000);
}
