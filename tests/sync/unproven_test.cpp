// What only a store's own journal speaks for, counted and released, one entry at a time.
#include "sync/unproven.hpp"

#include <catch2/catch.hpp>

using namespace tally;

namespace {

constexpr node_id self{2};
const writer_id hq{{1}, {{1}}}, region{self, {{2}}}, store{{3}, {{3}}};
const stream_id grants{hq, sub_stream::addressed, store.node};

struct watcher {
  memory_state st;
  unproven_rights rights;
  node_role role = node_role::store;
  std::optional<entry> stored;  ///< the only entry of `grants` that is here

  entry_place place(sequence seq = 9) const { return {store, role, seq, nullptr, true, nullptr, false}; }
  void hold(amount n) { st.put({.type = cell_type::held_total, .a = 0, .b = 0, .writer = store, .peer = {}}, {n, {}}); }
  void count(const entry& e, errc why = errc::ok) {
    auto postings = expand(e, store);
    REQUIRE(postings.ok());
    rights.count(e, place(), *postings, why, self, st,
                 [&](const stream_id& id, sequence seq) { return id == grants && seq == 0 ? stored : std::nullopt; });
  }
  bool may_send(amount n) const {
    entry e;
    e.kind = entry_kind::send;
    e.peer = region;
    e.account = {17};
    e.values = {{purse_paid, main_unit, 0, n}};
    return rights.check(e, place(), self, st).ok();
  }
};

entry transfer(entry_kind kind, const writer_id& peer, amount n, std::uint32_t purse = purse_paid) {
  entry e;
  e.kind = kind;
  e.peer = peer;
  e.channel = 1;
  if (purse != 0) e.account = {17};
  e.values = {{purse, purse == 0 ? quota_of(main_unit) : main_unit, 0, n}};
  if (kind == entry_kind::receive) e.head = stream_head{grants, 1, {}};
  return e;
}

cell_key received_half() { return {.type = cell_type::transfer, .a = 1, .b = 0, .writer = hq, .peer = store}; }

}  // namespace

TEST_CASE("a receive that nobody knows the send of makes nothing that can be sent on", "[sync][unproven]") {
  watcher w;
  w.hold(500);
  CHECK(w.may_send(500));
  w.count(transfer(entry_kind::receive, hq, 1'000));
  w.hold(1'500);
  CHECK(w.rights.of(store).rights == 1'000);
  CHECK(w.may_send(500));
  CHECK_FALSE(w.may_send(501));
  CHECK(w.rights.changed().count(store) == 1);
}

TEST_CASE("the send proves it, before and after", "[sync][unproven]") {
  watcher w;
  w.hold(1'000);
  auto receive = transfer(entry_kind::receive, hq, 1'000), send = transfer(entry_kind::send, store, 1'000);
  SECTION("it lies in a stream that passes through here") {
    w.stored = send;
    w.count(receive);
    CHECK(w.may_send(1'000));
  }
  SECTION("one of another amount does not") {
    w.stored = transfer(entry_kind::send, store, 999);
    w.count(receive);
    CHECK_FALSE(w.may_send(1));
  }
  SECTION("it passes later, because the receive came by hand") {
    w.count(receive);
    w.st.put(received_half(), {0, transfer_text(receive)});
    CHECK_FALSE(w.may_send(1));
    auto other = send;
    other.values[0].amount = 999;
    CHECK_FALSE(w.rights.proved(other, hq, w.st));
    CHECK(w.rights.proved(send, hq, w.st));
    CHECK(w.may_send(1'000));
  }
}

TEST_CASE("contested entries and loads from unproven quota count, good ones do not", "[sync][unproven]") {
  watcher w;
  entry load;
  load.kind = entry_kind::top_up;
  load.account = {17};
  load.values = {{purse_paid, main_unit, 0, 300}};
  load.tenders = {{tender_kind::cash, main_unit, 300}};
  w.count(load);
  CHECK(w.rights.of(store).rights == 0);
  w.count(load, errc::no_quota);
  CHECK(w.rights.of(store).rights == 300);
  w.count(transfer(entry_kind::receive, hq, 200, 0));
  CHECK(w.rights.of(store).quota == 200);
  w.count(load);  // no quota is left that is proven: as much of it as the made-up quota covers
  CHECK(w.rights.of(store).rights == 500);
}

TEST_CASE("what was loaded from quota is proven with that quota, and nothing else is", "[sync][unproven]") {
  watcher w;
  entry load;
  load.kind = entry_kind::top_up;
  load.account = {17};
  load.values = {{purse_paid, main_unit, 0, 300}};
  load.tenders = {{tender_kind::cash, main_unit, 300}};
  auto receive = transfer(entry_kind::receive, hq, 500, 0), send = transfer(entry_kind::send, store, 500, 0);
  // A thief's own value beside what was loaded of a grant that a region without its disk has not heard of yet.
  w.count(transfer(entry_kind::receive, {{9}, {{9}}}, 100));
  w.count(receive);
  w.count(load);
  w.hold(400);
  CHECK(w.rights.of(store).rights == 400);
  CHECK_FALSE(w.may_send(1));
  w.st.put(received_half(), {0, transfer_text(receive)});
  CHECK(w.rights.proved(send, hq, w.st));
  CHECK(w.rights.of(store).quota == 0);
  CHECK(w.rights.of(store).rights == 100);
  CHECK(w.may_send(300));
  CHECK_FALSE(w.may_send(301));
}

TEST_CASE("regions are not counted, and own sends are known", "[sync][unproven]") {
  watcher w;
  w.hold(1'000);
  w.st.put(channel_key(true, region, store), {1, {}});
  w.count(transfer(entry_kind::receive, region, 1'000));  // `self` sent it, or it was contested
  CHECK(w.may_send(1'000));
  w.role = node_role::region;
  w.count(transfer(entry_kind::receive, hq, 1'000));
  CHECK(w.rights.of(store).rights == 0);
}

TEST_CASE("what is lent from a risk budget that nobody knows is proven with that budget", "[sync][unproven]") {
  watcher w;
  auto budget = transfer(entry_kind::receive, hq, 200, 0);
  budget.values[0].unit = risk_of(main_unit);
  entry lent;
  lent.kind = entry_kind::gift;
  lent.account = {17};
  lent.to_account = {18};
  lent.values = lent.debts = {{purse_paid, main_unit, 0, 200}};
  lent.risk = 200;
  w.count(lent);  // from a budget that is known
  CHECK(w.rights.of(store).rights == 0);
  w.count(budget);
  CHECK(w.rights.of(store, risk_of(main_unit)).quota == 200);
  w.count(lent);
  w.hold(200);
  CHECK(w.rights.of(store).rights == 200);
  CHECK_FALSE(w.may_send(1));
  w.st.put(received_half(), {0, transfer_text(budget)});
  auto send = budget;
  send.kind = entry_kind::send;
  send.peer = store;
  send.head.reset();
  CHECK(w.rights.proved(send, hq, w.st));
  CHECK(w.rights.of(store).rights == 0);
  CHECK(w.may_send(200));
  // A voucher, whose worth in money the budget counts, is proven as one piece.
  watcher voucher;
  constexpr unit_id five_off = unit_of(5);
  entry piece = lent;
  piece.values = piece.debts = {{5, five_off, 0, 1}};
  piece.risk = 150;
  voucher.count(budget);
  voucher.count(piece);
  CHECK(voucher.rights.of(store, five_off).rights == 1);
  CHECK(voucher.rights.of(store).rights == 0);
  voucher.st.put(received_half(), {0, transfer_text(budget)});
  CHECK(voucher.rights.proved(send, hq, voucher.st));
  CHECK(voucher.rights.of(store, five_off).rights == 0);
  CHECK_FALSE(voucher.rights.any(store));
  // By a sale, which a reversal may bring back.
  watcher other;
  other.count(budget);
  lent.kind = entry_kind::sale;
  lent.to_account = {};
  other.count(lent);
  other.hold(200);
  CHECK_FALSE(other.may_send(1));
}
