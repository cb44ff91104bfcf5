#include "storage/kv_state.hpp"

#include <catch2/catch.hpp>

#include <set>

#include "random_entry.hpp"
#include "storage/faulty_kv.hpp"

using namespace tally;
using tally::test::random_entry;

namespace {

ledger_account random_account(random_entry& source) {
  ledger_account a;
  a.type = static_cast<account_type>(1 + source.below(8));
  a.unit = source.unit();
  a.a = source.number(), a.b = source.number(), a.c = source.number();
  a.writer = source.writer();
  if (a.type == account_type::transit) a.from = source.writer(), a.to = source.writer();
  return a;
}
cell_key random_cell_key(random_entry& source) {
  cell_key k;
  k.type = static_cast<cell_type>(1 + source.below(19));
  k.a = source.number(), k.b = source.number();
  if (source.below(2)) k.writer = source.writer();
  if (source.below(2)) k.peer = source.writer();
  return k;
}

}  // namespace

TEST_CASE("keys of accounts and cells come back and never meet", "[kv_state]") {
  random_entry source(31);
  std::set<bytes> keys;
  std::size_t different = 0;
  std::set<ledger_account> accounts;
  std::set<cell_key> cells;
  for (int i = 0; i < 5000; ++i) {
    auto a = random_account(source);
    auto key = balance_key(a);
    REQUIRE(parse_balance_key(key) == a);
    REQUIRE_FALSE(parse_cell_key(key).has_value());
    different += accounts.insert(a).second;
    keys.insert(key);
    auto k = random_cell_key(source);
    key = cell_key_bytes(k);
    REQUIRE(parse_cell_key(key) == k);
    REQUIRE_FALSE(parse_balance_key(key).has_value());
    different += cells.insert(k).second;
    keys.insert(key);
    for (std::size_t n = 0; n < key.size(); ++n)
      REQUIRE_FALSE(parse_cell_key(byte_view(key).substr(0, n)).has_value());
    REQUIRE_FALSE(parse_cell_key(key + '\0').has_value());
  }
  CHECK(keys.size() == different);
}

TEST_CASE("balances and cells have one form", "[kv_state]") {
  for (amount v : {amount{0}, amount{1}, amount{-1}, amount{1250}, INT64_MAX, INT64_MIN}) {
    CHECK(decode_balance(encode_balance(v)) == v);
    cell c{v, bytes("\0data", 5)};
    CHECK(decode_cell(encode_cell(c)) == c);
  }
  CHECK_FALSE(decode_balance("").has_value());
  CHECK_FALSE(decode_balance(encode_balance(5) + "x").has_value());
  CHECK_FALSE(decode_balance(bytes("\x80\x00", 2)).has_value());
  CHECK_FALSE(decode_cell("").has_value());
}

TEST_CASE("a state reads its own changes before they are durable", "[kv_state]") {
  memory_kv store;
  kv_view view(store);
  kv_state s(view);
  durable_state below(store);
  ledger_account a{.type = account_type::sales,
                   .unit = main_unit,
                   .a = 0,
                   .b = 0,
                   .c = 0,
                   .writer = {node_id{3}, {}},
                   .from = {},
                   .to = {}};
  cell_key k{.type = cell_type::medium, .a = 1, .b = 2, .writer = {}, .peer = {}};
  CHECK(s.balance(a) == 0);
  CHECK_FALSE(s.find(k).has_value());
  s.set_balance(a, -5);
  s.put(k, {7, "x"});
  CHECK(s.balance(a) == -5);
  CHECK(s.find(k) == cell{7, "x"});
  CHECK(below.balance(a) == 0);

  auto first = view.seal();
  CHECK(view.in_flight());
  s.set_balance(a, -6);  // the next group is decided upon the first, while the disk works
  s.erase(k);
  CHECK(s.balance(a) == -6);
  CHECK_FALSE(s.find(k).has_value());
  REQUIRE(store.commit(first, true).ok());
  view.settled();
  CHECK(below.balance(a) == -5);
  CHECK(below.find(k) == cell{7, "x"});
  CHECK(s.balance(a) == -6);
  CHECK_FALSE(s.find(k).has_value());
  REQUIRE(store.commit(view.seal(), true).ok());
  view.settled();
  CHECK(below.balance(a) == -6);
  CHECK_FALSE(below.find(k).has_value());
  CHECK(view.open_changes() == 0);
}

TEST_CASE("a disk that does not answer is noticed and not forgotten", "[kv_state]") {
  faulty_kv store;
  kv_view view(store);
  kv_state s(view);
  durable_state below(store);
  ledger_account a{.type = account_type::sales,
                   .unit = main_unit,
                   .a = 0,
                   .b = 0,
                   .c = 0,
                   .writer = {node_id{3}, {}},
                   .from = {},
                   .to = {}};
  s.set_balance(a, 1);
  store.fail_reads(true);
  CHECK(s.balance(a) == 1);  // known without the disk
  CHECK_FALSE(view.read_failed());
  CHECK_FALSE(s.find({.type = cell_type::card, .a = 1, .b = 0, .writer = {}, .peer = {}}).has_value());
  CHECK(view.read_failed());
  CHECK(below.balance(a) == 0);
  CHECK(below.read_failed());
  store.fail_reads(false);
  (void)s.find({.type = cell_type::card, .a = 1, .b = 0, .writer = {}, .peer = {}});
  CHECK(view.read_failed());
}
