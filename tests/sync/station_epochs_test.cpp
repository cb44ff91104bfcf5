// Lives of nodes: what ends, what stands, and what is granted anew.
#include <catch2/catch.hpp>

#include "ledger/cards.hpp"
#include "ledger/closing.hpp"
#include "storage/entry_codec.hpp"
#include "sync/station_net.hpp"

using namespace tally;
using test::about;
using test::alarmed;
using test::held;
using test::let_time_pass;
using test::station_net;
using test::why;

namespace {

/// A store that goes back to a copy of its disk, notices, and has been linked again.
writer_id restore(station_net& net, station_net::node& n, const kv_image& copy, std::uint64_t proven) {
  n.store.reset(copy);
  net.open(n);
  net.settle(n);
  REQUIRE(n.st->check_rollback(n.writer(), proven, net.now()));
  net.settle(n);
  net.link(n, net.region(), true);
  return n.st->ledger().self();
}

}  // namespace

TEST_CASE("what lay at a restored store is granted anew, once, and the store trades again", "[sync][epochs]") {
  station_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  auto copy = a.store.image();
  REQUIRE(why(net.ask(a, net.sale(a, 3))) == errc::ok);
  net.sync();
  auto life = restore(net, a, copy, a.source->size(a.journal()));
  CHECK(why(net.ask(a, net.sale(a, 1))) == errc::rolled_back);
  let_time_pass(net, 6);

  auto closed = closing_of(net.hq().st->ledger().st(), a.writer());
  REQUIRE(closed.has_value());
  CHECK(closed->successor == life.epoch);
  CHECK(closed->complete());
  CHECK(node_of(b.st->ledger().st(), a.id)->epoch == life.epoch);
  CHECK(a.st->ledger().stopped() == errc::ok);
  CHECK(held(net.hq(), net.hq().writer()) == 700);
  CHECK(net.hq().st->in_doubt(a.id) == 0);

  // Customers spend it where they are; nobody spends it twice.
  CHECK(why(net.ask(b, net.sale(b, 4), true)) == errc::ok);
  net.sync();
  CHECK(why(net.ask(a, net.sale(a, 3), true)) == errc::ok);
  CHECK(why(net.ask(a, net.sale(a, 1), true)) == errc::insufficient);
  net.sync();
  let_time_pass(net, 12);
  CHECK(held(net.hq(), net.hq().writer()) == 0);
  for (const auto& w : net.hq().st->seen().writers())
    CHECK(net.hq().st->seen().contested_of(w) == 0);
}

TEST_CASE("the newer disk that comes back after an older one was followed is named, and an operator lets it go on",
          "[sync][epochs]") {
  station_net net;
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  auto older = a.store.image();
  REQUIRE(why(net.ask(a, net.sale(a, 3))) == errc::ok);
  net.sync();
  auto newer = a.store.image();
  restore(net, a, older, a.source->size(a.journal()));
  let_time_pass(net, 6);
  REQUIRE(a.st->ledger().stopped() == errc::ok);
  net.link(a, net.region(), false);
  net.forget();
  a.store.reset(newer);
  net.open(a);
  net.settle(a);
  net.link(a, net.region(), true);
  let_time_pass(net, 12);
  const auto life = a.st->ledger().self();
  REQUIRE(a.st->ledger().stopped() == errc::epoch_closed);
  CHECK(alarmed(net.hq(), errc::epoch_closed));
  entry close;
  close.kind = entry_kind::close_epoch;
  close.subject.node = a.id;
  REQUIRE(net.publish({close}).code == errc::ok);
  let_time_pass(net, 12);
  CHECK(node_of(net.hq().st->ledger().st(), a.id)->epoch == life.epoch);
  CHECK(a.st->ledger().stopped() == errc::ok);
  for (const auto& w : net.hq().st->seen().writers())
    CHECK(net.hq().st->seen().contested_of(w) == 0);
}

TEST_CASE("an epoch whose end is missing waits, and is closed without it in the end", "[sync][epochs]") {
  station_net net;
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  auto copy = a.store.image();
  net.link(a, net.region(), false);
  REQUIRE(why(net.ask(a, net.sale(a, 3))) == errc::ok);  // nobody but the till knows of this
  auto life = restore(net, a, copy, a.source->size(a.journal()));
  let_time_pass(net, 6);
  CHECK_FALSE(closing_of(net.hq().st->ledger().st(), a.writer()).has_value());
  CHECK(a.st->ledger().stopped() == errc::rolled_back);

  net.pass_time(25 * 3'600'000);
  let_time_pass(net, 12);
  auto closed = closing_of(net.hq().st->ledger().st(), a.writer());
  REQUIRE(closed.has_value());
  CHECK_FALSE(closed->complete());
  CHECK(closed->successor == life.epoch);
  CHECK(held(net.hq(), net.hq().writer()) == 0);  // in doubt: 300 of it were spent, for all that is known here
  CHECK(net.hq().st->in_doubt(a.id) == 1'000);

  net.pass_time(tick_ms{8} * 24 * 3'600'000);
  let_time_pass(net, 12);
  CHECK(held(net.hq(), net.hq().writer()) == 1'000);
  CHECK(net.hq().st->in_doubt(a.id) == 0);
}

TEST_CASE("a node on a backup whose life an operator closed goes on at once", "[sync][epochs]") {
  station_net net;
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  const bool first = GENERATE(false, true);  // closed before it starts again
  auto close = [&] { REQUIRE(net.publish({test::about(entry_kind::close_epoch, a.id)}).code == errc::ok); };
  net.link(a, net.region(), false);
  if (first) close();
  kv_batch b;
  mark_as_copy(b);
  REQUIRE(a.store.commit(b, true).ok());
  net.open(a);
  REQUIRE(a.st->begin_restored_epoch(net.now()).ok());
  net.settle(a);
  net.link(a, net.region(), true);
  let_time_pass(net, 6);
  if (!first) close();
  let_time_pass(net, 12);
  CHECK(a.st->ledger().stopped() == errc::ok);
  CHECK(node_of(net.hq().st->ledger().st(), a.id)->epoch == a.st->ledger().self().epoch);
}

TEST_CASE("a node that starts on a backup begins anew; what the lost database had is unknown", "[sync][epochs]") {
  station_net net;
  auto mark = [](station_net::node& n) {
    kv_batch b;
    mark_as_copy(b);
    REQUIRE(n.store.commit(b, true).ok());
  };
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  auto old = a.writer();
  auto size = a.st->ledger().durable_next();
  mark(a);
  net.open(a);
  REQUIRE(a.st->begin_restored_epoch(net.now()).ok());
  net.settle(a);
  auto life = a.st->ledger().self();
  CHECK(life.epoch != old.epoch);
  CHECK(a.st->ledger().stopped() == errc::rolled_back);
  CHECK(why(net.ask(a, net.sale(a, 1))) == errc::rolled_back);
  net.open(a);  // once
  REQUIRE(a.st->begin_restored_epoch(net.now()).ok());
  net.settle(a);
  CHECK(a.st->ledger().self() == life);

  // Head office has all of the backup, and does not take that for the end.
  net.link(a, net.region(), true);
  let_time_pass(net, 6);
  CHECK(net.hq().st->seen().position(old) == size);
  CHECK_FALSE(closing_of(net.hq().st->ledger().st(), old).has_value());
  net.pass_time(25 * 3'600'000);
  let_time_pass(net, 12);
  auto closed = closing_of(net.hq().st->ledger().st(), old);
  REQUIRE(closed.has_value());
  CHECK_FALSE(closed->complete());
  CHECK(closed->successor == life.epoch);
  net.pass_time(tick_ms{8} * 24 * 3'600'000);
  let_time_pass(net, 12);
  CHECK(held(net.hq(), net.hq().writer()) == 1'000);
  CHECK(a.st->ledger().stopped() == errc::ok);
  CHECK(why(net.ask(a, net.sale(a, 3), true)) == errc::ok);
}

TEST_CASE("head office on an old copy is told so by those below: it takes and writes nothing", "[sync][epochs]") {
  station_net net;
  auto &hq = net.hq(), &a = net.at(3);
  net.sync();
  auto copy = hq.store.image();
  auto facts = [&](amount ceiling) {
    return net.publish({net.limits_entry(a, {ceiling, 1'000'000, 100'000, 1'000'000})});
  };
  REQUIRE(facts(2'000).code == errc::ok);
  net.sync();
  auto newest = hq.store.image();
  auto dir = hq.st->directory();
  auto shown = net.region().source->evidence(dir);
  REQUIRE(shown.has_value());
  auto show = [&] {
    REQUIRE(hq.st->verify_rollback_proof(dir, shown->size, shown->proof));
    CHECK_FALSE(hq.st->heed_proof(dir, shown->size, shown->proof.root, net.now()));
    net.settle(hq);
  };
  show();  // of what it has it learns nothing
  CHECK_FALSE(hq.st->is_outdated());
  CHECK_FALSE(hq.st->verify_rollback_proof(dir, shown->size + 1, shown->proof));

  for (bool went_on : {false, true}) {
    hq.store.reset(copy);
    net.open(hq);
    // The copy went on, to the same length and beyond: under its name others know another entry.
    if (went_on) REQUIRE(facts(3'000).code == errc::ok);
    if (went_on) REQUIRE(facts(4'000).code == errc::ok);
    show();
    CHECK(hq.st->is_outdated());
    CHECK(facts(5'000).code == errc::rolled_back);
    net.open(hq);  // a restart does not make it forget
    CHECK(hq.st->is_outdated());
    REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
    auto had = stream_reader(hq.store).size(a.journal());
    auto more = a.source->next_segment(a.journal(), had);
    REQUIRE(more.ok());
    CHECK(net.ingest(hq, net.region().id, *more).code == errc::busy);
    CHECK(facts(5'000).code == errc::rolled_back);
  }
  hq.store.reset(newest);
  net.open(hq);
  show();
  CHECK_FALSE(hq.st->is_outdated());
  CHECK(facts(5'000).code == errc::ok);
}

TEST_CASE("a region on an old copy that its stores notice waits for its parent, then lives anew", "[sync][epochs]") {
  station_net net;
  auto &region = net.region(), &a = net.at(3);
  auto& b = net.at(4);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  auto copy = region.store.image();
  REQUIRE(why(net.ask(b, net.sale(b, 4), true)) == errc::ok);  // the region passed it on
  net.sync();
  stream_id rights{region.writer(), sub_stream::addressed, b.id};
  auto shown = b.source->evidence(rights);
  REQUIRE(shown.has_value());

  region.store.reset(copy);
  net.open(region);
  net.link(region, net.hq(), false);
  REQUIRE(region.st->verify_rollback_proof(rights, shown->size, shown->proof));
  CHECK_FALSE(region.st->heed_proof(rights, shown->size, shown->proof.root, net.now()));
  CHECK(region.st->is_outdated());
  net.pass_time(120'000);
  net.settle(region);
  CHECK(region.st->ledger().self() == region.writer());  // whether head office holds more of its journal is not known
  REQUIRE(region.st->put(link_change{head_office, true}).ok());
  net.settle(region);
  CHECK(region.st->is_outdated());
  net.pass_time(61'000);
  net.settle(region);
  CHECK_FALSE(region.st->is_outdated());
  CHECK(region.st->ledger().self().epoch != region.cert.epoch);
}

TEST_CASE("a copy that sold more than the original is noticed all the same, and settled", "[sync][epochs]") {
  station_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  auto copy = a.store.image();
  REQUIRE(why(net.ask(a, net.sale(a, 9))) == errc::ok);
  net.sync();
  auto held_above = net.region().source->size(a.journal());

  a.store.reset(copy);
  net.open(a);
  net.settle(a);
  net.link(a, net.region(), false);
  for (int i = 0; i < 4; ++i)
    REQUIRE(why(net.ask(a, net.sale(a, 2))) == errc::ok);  // nothing here can know better
  REQUIRE(a.source->size(a.journal()) > held_above);
  auto shown = net.region().source->evidence(a.journal());
  REQUIRE((shown && shown->size == held_above));
  CHECK(a.source->root_at(a.journal(), held_above) != shown->proof.root);
  CHECK_FALSE(a.st->check_rollback(a.writer(), held_above, net.now()));
  CHECK_FALSE(a.st->check_rollback(a.writer(), held_above, net.now(), a.source->root_at(a.journal(), held_above)));
  REQUIRE(a.st->verify_rollback_proof(a.journal(), shown->size, shown->proof));
  REQUIRE(a.st->check_rollback(a.writer(), shown->size, net.now(), shown->proof.root));
  net.settle(a);
  CHECK(a.st->ledger().stopped() == errc::rolled_back);
  net.open(a);
  net.settle(a);
  for (const auto& id : a.st->streams_for(net.region().id))
    CHECK(id.writer != a.writer());  // its end is not the one that others hold

  net.link(a, net.region(), true);
  let_time_pass(net, 12);
  auto closed = closing_of(net.hq().st->ledger().st(), a.writer());
  REQUIRE(closed.has_value());
  CHECK(closed->size == held_above);
  CHECK(closed->complete());
  CHECK(a.st->ledger().stopped() == errc::ok);
  CHECK(held(net.hq(), net.hq().writer()) == 100);
  CHECK(why(net.ask(b, net.sale(b, 1), true)) == errc::ok);
  CHECK(why(net.ask(b, net.sale(b, 1), true)) == errc::insufficient);
}

TEST_CASE("transfers that a lost disk took with it are booked by their other half", "[sync][epochs]") {
  station_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  REQUIRE(why(net.ask(b, net.sale(b, 2), true)) == errc::ok);
  net.sync();
  auto copy = b.store.image();  // b has received from the region once
  // The region sends to b, which never takes it: its disk burns first.
  REQUIRE(why(net.top_up(b, 400)) == errc::ok);
  net.link(b, net.region(), false);
  auto sale = net.ask(a, net.sale(a, 1), true);
  REQUIRE(why(sale) == errc::ok);
  net.sync();
  restore(net, b, copy, b.source->size(b.journal()));
  net.pass_time(25 * 3'600'000);
  let_time_pass(net, 4);
  net.pass_time(tick_ms{8} * 24 * 3'600'000);
  let_time_pass(net, 12);
  const auto& seen = net.hq().st->seen();
  for (const auto& [k, c] : seen.all().cells())
    CHECK((k.type != cell_type::transfer || k.b != 1 || k.peer != b.writer()));
  amount all = 0;
  for (const auto& [account, v] : seen.all().balances())
    if (account.unit == main_unit && (account.type == account_type::hold || account.type == account_type::doubt ||
                                      account.type == account_type::transit))
      all -= v;
  CHECK(all == 1'000 - 200 - 100);  // the top-up that only the burned disk knew is gone
}

TEST_CASE("an operator closes a store that burned; if it lives after all, it begins anew", "[sync][epochs]") {
  station_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  net.link(a, net.region(), false);
  REQUIRE(net.publish({about(entry_kind::close_epoch, a.id)}).code == errc::ok);
  CHECK(net.publish({about(entry_kind::close_epoch, a.id)}).code == errc::not_found);
  CHECK(net.publish({about(entry_kind::close_epoch, node_id{77})}).code == errc::not_found);
  CHECK(net.publish({about(entry_kind::close_epoch, net.hq().id)}).code == errc::not_entitled);
  let_time_pass(net, 12);
  CHECK(held(net.hq(), net.hq().writer()) == 0);
  CHECK(net.hq().st->in_doubt(a.id) == 1'000);
  net.pass_time(tick_ms{8} * 24 * 3'600'000);
  let_time_pass(net, 12);
  CHECK(why(net.ask(b, net.sale(b, 6), true)) == errc::ok);
  net.sync();

  // It was only the line. What it sold meanwhile is honoured, and what was granted twice is seen.
  REQUIRE(why(net.ask(a, net.sale(a, 3))) == errc::ok);
  net.link(a, net.region(), true);
  net.sync();
  let_time_pass(net, 12);
  auto life = a.st->ledger().self();
  CHECK(life != a.writer());
  CHECK(alarmed(a, errc::epoch_closed));
  CHECK(closing_of(net.hq().st->ledger().st(), a.writer())->successor == life.epoch);
  CHECK(net.hq().st->seen().contested_of(a.writer()) == 0);
  CHECK(a.st->ledger().stopped() == errc::ok);
  auto lost =
      -net.hq().st->seen().st().balance(hold_account(a.writer(), station_net::card, purse_paid, 0, main_unit)) -
      net.hq().st->seen().st().balance(doubt_account(
          net.hq().writer(), a.writer(), hold_account(a.writer(), station_net::card, purse_paid, 0, main_unit)));
  CHECK(lost == -300);
}

TEST_CASE("what a revoked store made up stays in doubt until it is ruled about, all else is granted anew",
          "[sync][epochs]") {
  station_net net;
  auto &hq = net.hq(), &a = net.at(3);
  constexpr account_id other{18};
  REQUIRE(net.publish({card_fact(other, {card_status::active, 1, 1})}).code == errc::ok);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  net.link(a, net.region(), false);
  // An honest customer is served, and another one loads a card; for all that anybody knows it was the thief.
  auto sale = net.ask(a, net.sale(a, 2));
  auto load = net.ask(a, top_up_command{net.key(a), other, 100, tender_kind::cash});
  REQUIRE(why(sale) == errc::ok);
  REQUIRE(why(load) == errc::ok);
  REQUIRE(net.publish({about(entry_kind::revoke, a.id)}).code == errc::ok);
  net.link(a, net.region(), true);
  net.sync();
  REQUIRE(hq.st->seen().contested_of(a.writer()) >= 2);
  REQUIRE(net.publish({about(entry_kind::close_epoch, a.id)}).code == errc::ok);
  net.pass_time(tick_ms{8} * 24 * 3'600'000);  // nobody knows what the thief kept back
  let_time_pass(net, 12);
  auto at_hq = [&](account_id account) { return holding(hq.st->ledger().st(), hq.writer(), account); };
  CHECK(at_hq(station_net::card) == 800);
  CHECK(at_hq(other) == 0);
  CHECK(hq.st->in_doubt(a.id) == 100);
  auto rule = [&](sequence seq, ruling_outcome outcome, int seconds) {
    REQUIRE(net.publish({test::ruling_about(a.writer(), seq, outcome)}).code == errc::ok);
    let_time_pass(net, seconds);
  };
  rule(sale.seq, ruling_outcome::stands, 25);
  CHECK(at_hq(other) == 0);
  const auto outcome = GENERATE(ruling_outcome::stands, ruling_outcome::no_loss);
  rule(load.seq, outcome, 5);  // not only when it looks at all of it again, every ten seconds
  const amount stands = outcome == ruling_outcome::stands ? 100 : 0;
  CHECK(at_hq(other) == stands);
  CHECK(hq.st->in_doubt(a.id) == 100 - stands);
  CHECK(at_hq(station_net::card) == 800);
}

TEST_CASE("a revoked node is cut off, also after a restart, and what it writes counts for nothing", "[sync][epochs]") {
  station_net net;
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  REQUIRE(net.publish({about(entry_kind::revoke, a.id)}).code == errc::ok);
  CHECK(net.publish({about(entry_kind::revoke, a.id)}).code == errc::revoked);
  net.sync();
  for (auto* n : {&net.hq(), &net.region()}) {
    CHECK(n->st->is_revoked(a.id));
    CHECK_FALSE(n->st->curve_key_of(a.id).has_value());
    net.open(*n);
    CHECK(n->st->is_revoked(a.id));
  }
  net.link(net.region(), net.hq(), true);
  net.link(net.at(4), net.region(), true);
  // It knows, and stops card value, top-ups included; also after a restart, and whatever came late.
  CHECK(alarmed(a, errc::revoked));
  for (int life = 0; life < 2; ++life) {
    CHECK(a.st->ledger().stopped() == errc::revoked);
    CHECK(why(net.ask(a, net.sale(a, 3))) == errc::revoked);
    CHECK(why(net.top_up(a, 1'000)) == errc::revoked);
    CHECK(why(net.ask(a, net.sale(a, 1, {}))) == errc::ok);  // cash
    net.open(a);
  }
  // By whatever way its later entries come: they are evidence.
  net.carry(a, net.region());
  net.carry(net.region(), net.hq());
  CHECK(net.hq().st->seen().contested_of(a.writer()) >= 1);
  auto before = net.hq().st->seen().position(net.hq().writer());
  let_time_pass(net, 3);
  auto sent = net.hq().st->ledger().find_entry(before);
  CHECK((!sent || sent->peer.node != a.id));
}

TEST_CASE("whoever knocks with keys that do not count any more may hear up to the entry that says so",
          "[sync][epochs]") {
  station_net net;
  auto& a = net.at(3);
  CHECK(net.region().st->void_keys().empty());
  REQUIRE(net.publish({about(entry_kind::revoke, a.id)}).code == errc::ok);
  auto told_at = net.hq().source->size(net.hq().st->directory());
  REQUIRE(net.hq().st->void_keys().size() == 1);  // it may come by itself, when its region is silent
  CHECK(net.hq().st->void_keys()[0] == void_key{a.cert.curve, a.id, told_at, errc::revoked});
  net.sync();
  auto other = net.limits_entry(net.at(4), {});
  REQUIRE(net.publish({other}).code == errc::ok);
  net.sync();
  for (int life = 0; life < 2; ++life) {
    auto keys = net.region().st->void_keys();
    REQUIRE(keys.size() == 1);
    CHECK(keys[0] == void_key{a.cert.curve, a.id, told_at, errc::revoked});
    net.open(net.region());
  }
  CHECK(net.region().st->directory() == net.hq().st->directory());
  REQUIRE(seen<cut_off_effect>(net.region()) != nullptr);
  CHECK(seen<cut_off_effect>(net.region())->node == a.id);
}

TEST_CASE("a request that was answered in an earlier epoch is answered again, not done again", "[sync][epochs]") {
  station_net net;
  auto& a = net.at(3);
  auto first = top_up_command{net.key(a), station_net::card, 500, tender_kind::cash};
  auto answer = net.ask(a, first);
  REQUIRE(why(answer) == errc::ok);
  auto copy = a.store.image();
  REQUIRE(why(net.ask(a, net.sale(a, 1))) == errc::ok);
  net.sync();
  auto size = a.source->size(a.journal());
  restore(net, a, copy, size);
  auto again = net.ask(a, first);
  REQUIRE(why(again) == errc::ok);
  CHECK(again.repeated);
  CHECK(again.writer == answer.writer);
  CHECK(again.seq == answer.seq);
  auto other = first;
  other.value = 600;
  CHECK(why(net.ask(a, other)) == errc::key_reused);
  net.open(a);  // and after a restart
  net.settle(a);
  CHECK(net.ask(a, first).seq == answer.seq);
}
