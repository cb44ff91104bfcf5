#include "ledger/closing.hpp"

#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace tally;
using namespace tally::test;

namespace {

entry close(const writer_id& w, const writer_id& next = {}) {
  entry e;
  e.kind = entry_kind::close_epoch;
  e.subject = w;
  e.peer = next;
  e.head = stream_head{{w, sub_stream::journal, {}}, 7, {}};
  e.size = 9;
  return e;
}
entry regrant(const writer_id& from, amount n) {
  entry e;
  e.kind = entry_kind::regrant;
  e.subject = from;
  e.account = card_1;
  e.values = {{purse_paid, main_unit, 0, n}};
  return e;
}
entry send_to(const writer_id& to, std::uint64_t channel, std::vector<value_item> values) {
  entry e;
  e.kind = entry_kind::send;
  e.peer = to;
  e.channel = channel;
  e.cause = send_cause::pull;
  e.account = card_1;
  e.values = std::move(values);
  return e;
}

}  // namespace

TEST_CASE("an epoch is closed once, at a head of its journal, for another epoch of its node", "[closing]") {
  shop s(hq, node_role::hq);
  auto code = [&](const entry& e) { return judge(e, {hq, node_role::hq, s.journal.size()}, s.st).code(); };
  auto life = writer(3, 2);
  CHECK(code(close(store_a, life)) == errc::ok);
  CHECK(code(close(store_a, writer(4, 2))) == errc::malformed);
  CHECK(code(close(store_a, store_a)) == errc::malformed);
  auto odd = close(store_a, life);
  odd.head->stream.sub = sub_stream::directory;
  CHECK(code(odd) == errc::malformed);
  odd = close(store_a, life);
  odd.head->stream.writer = store_b;
  CHECK(code(odd) == errc::malformed);
  CHECK(judge(close(store_a), {store_a, node_role::store, 5}, s.st).code() == errc::not_entitled);

  // Closed for nobody, it may get a successor later, and then no other.
  REQUIRE(s.write(close(store_a)).ok());
  CHECK(code(close(store_a)) == errc::malformed);
  REQUIRE(s.write(close(store_a, life)).ok());
  CHECK(code(close(store_a, writer(3, 9))) == errc::malformed);
  auto c = closing_of(s.st, store_a);
  REQUIRE(c.has_value());
  CHECK(c->size == 7);
  CHECK(c->proven == 9);
  CHECK_FALSE(c->complete());
  CHECK(node_of(s.st, store_a.node)->epoch == life.epoch);
}

TEST_CASE("the directory follows closed epochs to the one that trades", "[closing]") {
  memory_state s;
  node_record r{node_role::store, store_a.epoch, {node_id{2}, node_id{1}}, {}};
  certify_node(s, store_a.node, r);
  put_closing(s, store_a, {1, {}, 1, epoch_of(2), 5});
  put_closing(s, writer(3, 2), {1, {}, 1, epoch_of(3), 6});
  CHECK(node_of(s, store_a.node)->epoch == epoch_of(3));
  // A renewed certificate still names the first epoch; its parents changed, and the former one is remembered.
  r.parents = {node_id{5}, node_id{1}};
  certify_node(s, store_a.node, r);
  auto now = node_of(s, store_a.node);
  CHECK(now->epoch == epoch_of(3));
  CHECK(now->parents == r.parents);
  CHECK(now->former == std::vector<node_id>{node_id{2}});
  CHECK(are_neighbours(s, store_a.node, node_id{2}));
  CHECK(are_neighbours(s, node_id{5}, store_a.node));
  CHECK(are_neighbours(s, node_id{1}, node_id{99}));
  CHECK_FALSE(are_neighbours(s, store_a.node, store_b.node));
  // Two epochs that follow each other cannot be honest, and must not hang anybody.
  put_closing(s, writer(3, 3), {1, {}, 1, epoch_of(2), 7});
  certify_node(s, store_a.node, r);
}

TEST_CASE("only what lay at a closed epoch is granted anew, and it balances", "[closing]") {
  shop s(hq, node_role::hq);
  CHECK(judge(regrant(store_a, 50), {hq, node_role::hq, 1}, s.st).code() == errc::not_entitled);
  REQUIRE(s.write(close(store_a)).ok());
  auto postings = s.write(regrant(store_a, 50));
  REQUIRE(postings.ok());
  CHECK(balances(*postings));
  CHECK(holding(s.st, hq, card_1) == 50);
  CHECK(s.st.balance(doubt_account(hq, store_a, hold_account(store_a, card_1, purse_paid, 0, main_unit))) == 50);
  CHECK(judge(regrant(store_a, 0), {hq, node_role::hq, 5}, s.st).code() == errc::malformed);
  CHECK(judge(regrant(store_a, 5), {region, node_role::region, 5}, s.st).code() == errc::not_entitled);

  auto half = regrant(store_a, 20);
  half.peer = region;
  CHECK(judge(half, {hq, node_role::hq, 5}, s.st).code() == errc::malformed);  // which half, and its number
  half.channel = 1;
  half.cited_kind = entry_kind::sale;
  CHECK(judge(half, {hq, node_role::hq, 5}, s.st).code() == errc::malformed);
  half.cited_kind = entry_kind::receive;
  REQUIRE(s.write(half).ok());
  CHECK(holding(s.st, hq, card_1) == 70);
  half.cited_kind = entry_kind::send;
  REQUIRE(s.write(half).ok());
  CHECK(holding(s.st, hq, card_1) == 70);
}

TEST_CASE("a half that head office books and the half itself meet in either order", "[closing]") {
  auto out = send_to(store_a, 1, {{purse_paid, main_unit, 0, 300}});
  auto booked = regrant(store_a, 300);
  booked.peer = region;
  booked.channel = 1;
  booked.cited_kind = entry_kind::receive;
  cell_key waiting{.type = cell_type::transfer, .a = 1, .b = 1, .writer = region, .peer = store_a};
  auto late = waiting;
  late.b = 0;
  std::map<cell_key, cell> ends[2];
  for (int order = 0; order < 2; ++order) {
    memory_state s;
    put_closing(s, store_a, {1, {}, 1, {}, 5});
    s.set_balance(hold_account(region, card_1, 1, 0, main_unit), -1000);
    for (int i = 0; i < 2; ++i) {
      bool send = (i == 0) == (order == 0);
      entry_place place{send ? region : hq, send ? node_role::region : node_role::hq, 1, nullptr, true};
      auto postings = judge(send ? out : booked, place, s);
      REQUIRE(postings.ok());
      REQUIRE(apply(send ? out : booked, place, *postings, s).ok());
    }
    CHECK_FALSE(s.find(waiting).has_value());
    CHECK_FALSE(s.find(late).has_value());
    ends[order] = s.cells();
  }
  CHECK(ends[0] == ends[1]);
}

TEST_CASE("what a transfer said can be read back, and nothing else", "[closing]") {
  auto e = send_to(store_a, 1, {{purse_paid, main_unit, 202611, 300}, {2, main_unit, 0, 7}});
  auto back = parse_transfer_text(transfer_text(e));
  REQUIRE(back.has_value());
  CHECK(back->first == card_1);
  CHECK(back->second == e.values);
  for (auto bad : {"", "17 1", "17 1 4 0", "17 1 4 0 x", "17 1 4 0 -5", "17  1 4 0 5", "17 5000000000 4 0 5",
                   "17 1 4 0 9999999999999999999", "17 1 4 0 5 "})
    CHECK_FALSE(parse_transfer_text(bad).has_value());
}
