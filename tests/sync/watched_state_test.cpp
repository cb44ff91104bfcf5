#include "sync/watched_state.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "storage/kv_state.hpp"
#include "storage/memory_kv.hpp"

using namespace tally;

namespace {

epoch_id epoch(std::uint8_t n) {
  epoch_id e;
  e.value.fill(n);
  return e;
}

/// Accounts and facts as folds have them, and a few that only a hostile store would write.
struct maker {
  std::mt19937_64 dice;

  std::uint64_t below(std::uint64_t n) { return dice() % n; }
  writer_id writer() {
    return {node_id{static_cast<std::uint32_t>(1 + below(6))}, epoch(static_cast<std::uint8_t>(below(2)))};
  }
  ledger_account account() {
    auto w = writer();
    switch (below(8)) {
      case 0: return quota_account(w, quota_of(main_unit));
      case 1: return transit_account(w, w, writer(), main_unit);
      case 2:
        return {.type = account_type::tax,
                .unit = main_unit,
                .a = below(40),
                .b = 0,
                .c = 0,
                .writer = w,
                .from = {},
                .to = {}};
      case 3:
        return {.type = account_type::tender,
                .unit = main_unit,
                .a = 1 + below(4),
                .b = below(3),
                .c = 0,
                .writer = w,
                .from = {},
                .to = {}};
      case 4: {
        auto a = hold_account(w, {below(50)}, static_cast<std::uint32_t>(below(3)),
                              static_cast<std::uint32_t>(202601 + below(3)), main_unit);
        return a;
      }
      default: return hold_account(w, {below(4'000)}, purse_paid, 0, main_unit);
    }
  }
  cell_key fact() {
    auto w = writer();
    switch (below(7)) {
      case 0: return {.type = cell_type::held_total, .a = 0, .b = 0, .writer = w, .peer = {}};
      case 1: return {.type = cell_type::business_date, .a = 0, .b = 0, .writer = w, .peer = {}};
      case 2: return {.type = cell_type::counters, .a = 1 + below(2), .b = 0, .writer = w, .peer = {}};
      case 3: return {.type = cell_type::reversed, .a = below(3'000), .b = 0, .writer = w, .peer = {}};
      case 4: return {.type = cell_type::contested, .a = below(100), .b = 0, .writer = w, .peer = {}};
      case 5: return {.type = cell_type::channel_in, .a = 0, .b = 0, .writer = w, .peer = writer()};
      default: return {.type = cell_type::transfer, .a = below(20), .b = below(2), .writer = w, .peer = writer()};
    }
  }
};

void checkpoint(watched_state& s, memory_kv& store, kv_view& view) {
  s.checkpoint(view);
  REQUIRE(store.commit(view.seal(), true).ok());
  view.settled();
}

std::size_t table_records(const memory_kv& store) {
  std::size_t n = 0;
  for (auto c = store.scan(family::state, "h"); c->valid() && c->key()[0] == 'h'; c->next())
    ++n;
  return n;
}

}  // namespace

TEST_CASE("a watched state answers as a plain one, also after any checkpoint", "[watched]") {
  maker m{std::mt19937_64(GENERATE(11, 12, 13))};
  memory_kv store;
  kv_view view(store);
  auto s = std::make_unique<watched_state>();
  memory_state truth;
  std::map<std::pair<writer_id, std::uint32_t>, std::uint64_t> newest;
  for (int round = 0; round < 60'000; ++round) {
    auto a = m.account();
    auto k = m.fact();
    switch (m.below(5)) {
      case 0:
      case 1: {
        auto v = m.below(4) == 0 ? 0 : static_cast<amount>(m.dice());
        s->set_balance(a, v);
        truth.set_balance(a, v);
        break;
      }
      case 2: {
        cell c{static_cast<std::int64_t>(1 + m.below(1'000'000)),
               k.type == cell_type::transfer ? bytes("17 1 4 0 300") : bytes()};
        s->put(k, c);
        truth.put(k, c);
        break;
      }
      case 3:
        if (k.type != cell_type::transfer) break;
        s->erase(k);
        truth.erase(k);
        break;
      default: {
        // Keys: the same questions have the same answers, only not which entry it was.
        auto w = m.writer();
        auto terminal = static_cast<std::uint32_t>(201 + m.below(3));
        auto& last = newest[{w, terminal}];
        auto counter = m.below(10) < 7 ? last + 1 : m.below(last + 1500) + 1;
        key_use use{w, terminal, counter};
        REQUIRE(s->newest_counter(w, terminal) == truth.newest_counter(w, terminal));
        REQUIRE(s->answered(use).has_value() == truth.answered(use).has_value());
        s->set_answered(use, static_cast<sequence>(round));
        truth.set_answered(use, static_cast<sequence>(round));
        last = std::max(last, counter);
      }
    }
    REQUIRE(s->balance(a) == truth.balance(a));
    REQUIRE(s->find(k) == truth.find(k));
    if (m.below(3'000) == 0) checkpoint(*s, store, view);
    if (m.below(10'000) == 0) {
      checkpoint(*s, store, view);
      auto again = std::make_unique<watched_state>();
      REQUIRE(again->load(store).ok());
      REQUIRE(again->balances() == s->balances());
      REQUIRE(again->cells() == s->cells());
      s = std::move(again);
    }
  }
  CHECK(s->balances() == truth.balances());
  auto keys = [](std::map<cell_key, cell> cells) {
    std::erase_if(cells, [](const auto& c) {
      return c.first.type == cell_type::answered || c.first.type == cell_type::last_counter;
    });
    return cells;
  };
  CHECK(keys(s->cells()) == keys(truth.cells()));
  CHECK(s->memory_octets() > 0);
}

TEST_CASE("checkpoints are gathered, whatever their number", "[watched]") {
  memory_kv store;
  kv_view view(store);
  watched_state s;
  writer_id w{node_id{3}, epoch(1)};
  std::mt19937_64 dice(5);
  for (int round = 0; round < 400; ++round) {
    for (int i = 0; i < 300; ++i)
      s.set_balance(hold_account(w, {dice() % 2'000}, purse_paid, 0, main_unit),
                    -static_cast<amount>(dice() % 100'000));
    checkpoint(s, store, view);
  }
  // At most a whole record and as many octets of changes as one page for each part, of some 20 octets each.
  CHECK(table_records(store) < right_table::parts * 250);
  watched_state again;
  REQUIRE(again.load(store).ok());
  CHECK(again.balances() == s.balances());
  checkpoint(s, store, view);  // nothing changed: nothing is written
  auto before = table_records(store);
  checkpoint(again, store, view);
  CHECK(table_records(store) == before);
}

TEST_CASE("damaged records of the table are refused", "[watched]") {
  memory_kv store;
  kv_view view(store);
  watched_state s;
  writer_id w{node_id{3}, epoch(1)};
  for (int round = 0; round < 2; ++round) {
    for (std::uint64_t i = 0; i < 2'000; ++i)
      s.set_balance(hold_account(w, {i}, purse_paid, 0, main_unit),
                    -static_cast<amount>(1 + i + static_cast<std::uint64_t>(round)));
    checkpoint(s, store, view);
  }
  auto c = store.scan(family::state, "h");
  REQUIRE(c->valid());
  bytes key(c->key()), value(c->value());
  auto load = [&](const bytes& k, std::optional<bytes> v) {
    memory_kv damaged;
    damaged.reset(store.image());
    kv_batch b;
    if (v) {
      b.put(family::state, k, *v);
    } else {
      b.erase(family::state, k);
    }
    REQUIRE(damaged.commit(b, true).ok());
    return watched_state().load(damaged).code();
  };
  CHECK(load(key, value) == errc::ok);
  CHECK(load(key, bytes()) == errc::corrupt);
  CHECK(load(key, std::nullopt) == errc::corrupt);  // changes without their beginning
  CHECK(load(key + '\0', value) == errc::corrupt);
  for (std::size_t n = 1; n < value.size(); ++n)
    if (auto code = load(key, value.substr(0, n)); code != errc::corrupt && n != 1) FAIL("cut at " << n);
  auto second = value;
  second[10] = 9;  // a kind of number that there is none of
  CHECK(load(key, second) == errc::corrupt);
}
