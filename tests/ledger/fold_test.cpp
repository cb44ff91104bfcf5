#include "ledger/fold.hpp"

#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace tally;
using namespace tally::test;

namespace {

cell_key cell_of(cell_type t, std::uint64_t a, std::uint64_t b, writer_id w, writer_id peer = {}) {
  return {.type = t, .a = a, .b = b, .writer = w, .peer = peer};
}

entry send_to(writer_id peer, std::uint64_t channel, account_id account, std::vector<value_item> values,
              std::uint32_t day = 2517) {
  entry e;
  e.kind = entry_kind::send;
  e.business_date = day;
  e.peer = peer;
  e.channel = channel;
  e.cause = send_cause::pull;
  e.account = account;
  e.values = std::move(values);
  return e;
}
entry receive_of(const entry& send, writer_id from) {
  entry e = send;
  e.kind = entry_kind::receive;
  e.peer = from;
  e.cause = {};
  e.head = stream_head{{from, sub_stream::journal, {}}, 1, {}};
  return e;
}
status put(state& s, const entry& e, writer_id w, sequence seq, errc why = errc::ok) {
  auto postings = expand(e, w);
  REQUIRE(postings.ok());
  REQUIRE(merge(*postings));
  return apply(e, {w, node_role::store, seq, nullptr, true}, *postings, s, why);
}

}  // namespace

TEST_CASE("applying leaves the facts that later entries are judged by", "[fold]") {
  shop s(store_a);
  s.quota(50'000);
  s.rights(card_1, 10'000);
  entry e;
  e.kind = entry_kind::sale;
  e.terminal = 201;
  e.counter = 8;
  e.business_date = 2517;
  e.account = card_1;
  e.lines = {{product_id{1}, 1}};
  e.values = {{purse_paid, main_unit, 0, 100}};
  REQUIRE(s.write(e).ok());
  CHECK(s.st.answered({store_a, 201, 8}) == s.journal.size() - 1);
  CHECK(s.st.newest_counter(store_a, 201) == 8);
  CHECK(number(s.st, cell_of(cell_type::business_date, 0, 0, store_a)) == 2517);
  CHECK(held_total(s.st, store_a) == 9900);
  CHECK(s.held(card_1) == 9900);

  e.counter = 5;  // an older number that was still free does not move the newest back
  REQUIRE(s.write(e).ok());
  CHECK(s.st.newest_counter(store_a, 201) == 8);
  CHECK(s.st.answered({store_a, 201, 5}) == s.journal.size() - 1);

  entry back = e;
  back.kind = entry_kind::reverse;
  back.cited_kind = entry_kind::sale;
  back.cites = s.journal.size() - 1;
  back.counter = 9;
  back.lines.clear();
  REQUIRE(s.write(back).ok());
  CHECK(s.st.find(cell_of(cell_type::reversed, *back.cites, 0, store_a)).has_value());
  CHECK(held_total(s.st, store_a) == 9900);

  entry adopt;
  adopt.kind = entry_kind::adopt;
  adopt.head = stream_head{{hq, sub_stream::directory, {}}, 77, {}};
  REQUIRE(s.write(adopt).ok());
  CHECK(number(s.st, cell_of(cell_type::adopted, 1, 0, store_a, hq)) == 77);
}

TEST_CASE("the halves of a transfer wait for each other, in either order", "[fold]") {
  auto out = send_to(store_b, 1, card_1, {{purse_paid, main_unit, 0, 300}});
  auto in = receive_of(out, store_a);
  for (bool send_first : {true, false}) {
    memory_state s;
    s.set_balance(hold_account(store_a, card_1, 1, 0, main_unit), -1000);
    const auto& first = send_first ? out : in;
    const auto& second = send_first ? in : out;
    REQUIRE(put(s, first, send_first ? store_a : store_b, 1).ok());
    auto waiting = cell_of(cell_type::transfer, 1, send_first ? 1 : 0, store_a, store_b);
    REQUIRE(s.find(waiting).has_value());
    CHECK(s.find(waiting)->data == "17 1 4 0 300");
    CHECK(s.find(waiting)->n == (send_first ? 2517 : 0));
    REQUIRE(put(s, second, send_first ? store_b : store_a, 1).ok());
    CHECK_FALSE(s.find(waiting).has_value());
    CHECK(number(s, channel_key(true, store_a, store_b)) == 1);
    CHECK(number(s, channel_key(false, store_a, store_b)) == 1);
    auto transit = [&](writer_id w) { return s.balance(transit_account(w, store_a, store_b, main_unit)); };
    CHECK(transit(store_a) == -300);
    CHECK(transit(store_a) + transit(store_b) == 0);
    CHECK(holding(s, store_a, card_1) == 700);
    CHECK(holding(s, store_b, card_1) == 300);
  }
}

TEST_CASE("a node's own fold keeps no half of a transfer", "[fold]") {
  memory_state s;
  auto out = send_to(store_b, 1, card_1, {{purse_paid, main_unit, 0, 300}});
  auto postings = expand(out, store_a);
  REQUIRE(postings.ok());
  REQUIRE(apply(out, {store_a, node_role::store, 1, nullptr}, *postings, s).ok());
  CHECK(number(s, channel_key(true, store_a, store_b)) == 1);
  CHECK_FALSE(s.find(cell_of(cell_type::transfer, 1, 1, store_a, store_b)).has_value());
}

TEST_CASE("what was sent in a day is counted per unit and receiver, the newest day only", "[fold]") {
  memory_state s;
  auto sent = [&](std::uint32_t day, unit_id u, writer_id to) { return sent_on(s, day, u, store_a, to); };
  REQUIRE(put(s, send_to(store_b, 1, card_1, {{1, main_unit, 0, 300}, {0, quota_unit, 0, 50}}), store_a, 1).ok());
  REQUIRE(put(s, send_to(store_b, 2, card_2, {{1, main_unit, 0, 30}}), store_a, 2).ok());
  REQUIRE(put(s, send_to(region, 1, card_2, {{1, main_unit, 0, 7}}), store_a, 3).ok());
  CHECK(sent(2517, main_unit, store_b) == 330);
  auto cells = s.cells().size();
  REQUIRE(put(s, send_to(store_b, 3, card_2, {{1, main_unit, 0, 9}}, 2518), store_a, 4).ok());
  CHECK(s.cells().size() == cells + 1);  // a half of the transfer
  CHECK(sent(2517, main_unit, store_b) == 0);
  CHECK(sent(2517, quota_unit, store_b) == 50);
  CHECK(sent(2517, main_unit, region) == 7);
  CHECK(sent(2518, main_unit, store_b) == 9);
}

TEST_CASE("a contested entry moves what its writer moved, and matches nothing", "[fold]") {
  memory_state s;
  auto in = receive_of(send_to(store_b, 1, card_1, {{1, main_unit, 0, 300}}), store_a);
  REQUIRE(put(s, in, store_b, 1, errc::bad_proof).ok());
  CHECK(holding(s, store_b, card_1) == 300);
  CHECK(number(s, channel_key(false, store_a, store_b)) == 1);
  CHECK_FALSE(s.find(cell_of(cell_type::transfer, 1, 0, store_a, store_b)).has_value());
  CHECK(number(s, cell_of(cell_type::contested, 1, 0, store_b)) == static_cast<int>(errc::bad_proof));
}

TEST_CASE("an overflow changes nothing at all", "[fold]") {
  memory_state s;
  s.set_balance(hold_account(store_b, card_2, 1, 0, main_unit), INT64_MIN + 5);
  auto in = receive_of(send_to(store_b, 1, card_2, {{1, unit_of(9), 0, 1}, {1, main_unit, 0, 300}}), store_a);
  auto before_balances = s.balances();
  auto before_cells = s.cells();
  CHECK(put(s, in, store_b, 1).code() == errc::overflow);
  CHECK(s.balances() == before_balances);
  CHECK(s.cells() == before_cells);
}

TEST_CASE("the sum of holdings does not wrap, though each holding fits", "[fold]") {
  memory_state s;
  constexpr amount big = INT64_MAX / 2;
  std::uint64_t channel = 0;
  auto receive = [&](account_id account) {
    ++channel;
    return put(s, receive_of(send_to(store_b, channel, account, {{1, main_unit, 0, big}}), store_a), store_b, channel);
  };
  CHECK(receive(card_1).ok());
  CHECK(receive(card_2).ok());
  CHECK(held_total(s, store_b) == INT64_MAX - 1);
  CHECK(receive(account_id{20}).code() == errc::overflow);
  CHECK(held_total(s, store_b) == INT64_MAX - 1);
  CHECK(holding(s, store_b, account_id{20}) == 0);
  // The same bound holds for what is on the way.
  auto send = [&](std::uint64_t n) {
    return put(s, send_to(region, n, account_id{30 + n}, {{1, unit_of(9), 0, big}}), store_a, n);
  };
  CHECK(send(1).ok());
  CHECK(send(2).ok());
  CHECK(send(3).code() == errc::overflow);
  CHECK(number(s, channel_key(true, store_a, region)) == 2);
}

TEST_CASE("the directory maps media and sets cards and limits", "[fold]") {
  memory_state s;
  entry e;
  e.kind = entry_kind::map_media;
  e.account = card_1;
  e.medium = "0123456789abcdef";
  e.card_kind = 0x01020304;
  e.status = card_status::active;
  e.account_version = 7;
  apply_directory(e, s);
  CHECK(account_of(s, "0123456789abcdef") == card_1);
  CHECK_FALSE(account_of(s, "0123456789abcdeX").has_value());
  CHECK_FALSE(account_of(s, "short").has_value());
  CHECK(card_of(s, card_1)->kind == 0x01020304);

  entry state;
  state.kind = entry_kind::card_state;
  state.account = card_1;
  state.status = card_status::lost;
  state.account_version = 8;
  apply_directory(state, s);
  auto c = card_of(s, card_1);
  REQUIRE(c.has_value());
  CHECK(c->status == card_status::lost);
  CHECK(c->version == 8);
  CHECK(c->kind == 0x01020304);

  // A second medium of the same account, the first stays.
  e.medium = "fedcba9876543210";
  apply_directory(e, s);
  CHECK(account_of(s, "fedcba9876543210") == card_1);
  CHECK(account_of(s, "0123456789abcdef") == card_1);

  entry l;
  l.kind = entry_kind::limits;
  l.subject = store_a;
  l.limits = node_limits{1, INT64_MAX, 3, 1'000'000'007};
  apply_directory(l, s);
  CHECK(limits_of(s, node_id{3}) == *l.limits);
  CHECK(limits_of(s, node_id{4}) == node_limits{});
  CHECK_FALSE(card_of(s, unknown_card).has_value());
}

TEST_CASE("what is known of a node survives packing", "[fold]") {
  memory_state s;
  node_record r{node_role::store, epoch_of(0x0102030405060708), {node_id{2}, node_id{0xfffffffe}, node_id{1}}};
  put_node(s, node_id{3}, r);
  auto back = node_of(s, node_id{3});
  REQUIRE(back.has_value());
  CHECK(back->role == r.role);
  CHECK(back->epoch == r.epoch);
  CHECK(back->parents == r.parents);
  CHECK_FALSE(node_of(s, node_id{5}).has_value());
}
