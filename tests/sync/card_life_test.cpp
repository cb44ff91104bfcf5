// Cards in a small network: reported at one store, refused everywhere; sold and given back without a line.
#include <catch2/catch.hpp>

#include "ledger/cards.hpp"
#include "storage/entry_codec.hpp"
#include "sync/station_net.hpp"

using namespace tally;
using test::alarmed;
using test::station_net;
using test::why;

namespace {

constexpr account_id stock_card{2'000};

struct card_net : station_net {
  card_net() {
    rules_record r;
    r.version = 2;
    r.top_up_max = 1'000'000;
    r.taxes = {{"A", 0}};
    card_kind_rule k{1, {"Card"}, {}, true, 0};
    k.price = 100;
    k.deposit = 500;
    k.valid_months = 12;
    r.programme.card_kinds = {k};
    r.programme.stale = {48, 24, 100};
    const auto rules = test::rules_fact(r);
    const auto map = test::media_fact(stock_card, 's', card_status::stock);
    entry allot;
    allot.kind = entry_kind::allot;
    allot.account = stock_card;
    allot.size = 3;
    allot.card_kind = 1;
    allot.blob = "first";
    allot.subject = at(3).writer();
    REQUIRE(publish({rules, map, allot}).code == errc::ok);
    sync();
  }
  till_answer report(node& n, card_status s, account_id a = card) { return ask(n, claim_command{key(n), a, s}); }
  card_status at_store(node& n, account_id a = card) {
    const auto& st = n.st->ledger().st();
    return standing_of(st, n.writer(), a, card_of(st, a).value(), {}).status;
  }
  void says(card_status s, account_id a = card) {
    auto e = card_fact(a, card_of(hq().st->ledger().st(), a).value());
    e.status = s;
    REQUIRE(publish({e}).code == errc::ok);
  }
  void nothing_contested() {
    for (std::uint32_t id = 1; id <= 4; ++id)
      CHECK(hq().st->seen().contested_of(at(id).writer()) == 0);
  }
};

}  // namespace

TEST_CASE("of two who change a card at once the later does not undo the earlier", "[sync][cards]") {
  card_net net;
  const auto seen = card_of(net.hq().st->ledger().st(), net.card).value();
  auto lost = card_fact(net.card, seen), good_until = lost;
  lost.status = card_status::lost;
  good_until.expires = 30'000;
  REQUIRE(net.publish({lost}).code == errc::ok);
  CHECK(net.publish({good_until}).code == errc::busy);
  CHECK(net.publish({lost}).code == errc::ok);  // said again
  auto now = card_of(net.hq().st->ledger().st(), net.card).value();
  CHECK(now.status == card_status::lost);
  good_until = card_fact(net.card, now);
  good_until.expires = 30'000;
  CHECK(net.publish({good_until}).code == errc::ok);
  now = card_of(net.hq().st->ledger().st(), net.card).value();
  CHECK(now.status == card_status::lost);
  CHECK(now.expires == 30'000);
}

TEST_CASE("a report acts at once where it is made, and everywhere when head office has heard of it", "[sync][cards]") {
  card_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(b, 5'000)) == errc::ok);
  net.sync();
  net.link(a, net.region(), false);
  REQUIRE(why(net.report(a, card_status::lost)) == errc::ok);
  CHECK(why(net.ask(a, net.sale(a, 1))) == errc::card_blocked);
  net.sync();
  CHECK(why(net.ask(b, net.sale(b, 1))) == errc::ok);  // nobody could tell it
  net.link(a, net.region(), true);
  net.sync();
  CHECK(why(net.ask(b, net.sale(b, 1))) == errc::card_blocked);
  const auto& known = net.hq().st->ledger().st();
  REQUIRE(claim_of(known, net.card));
  CHECK(claim_of(known, net.card)->writer == a.writer());
  // Only head office loosens; the store that reported it hears so as well.
  net.says(card_status::active);
  net.sync();
  CHECK(net.at_store(a) == card_status::active);
  CHECK(why(net.ask(b, net.sale(b, 1))) == errc::ok);
  CHECK_FALSE(claim_of(known, net.card));
  net.nothing_contested();
}

TEST_CASE("a report that head office had decided before is forgotten by its store", "[sync][cards]") {
  card_net net;
  auto& a = net.at(3);
  net.link(a, net.region(), false);
  REQUIRE(why(net.report(a, card_status::frozen)) == errc::ok);
  net.says(card_status::blacklisted);
  net.link(a, net.region(), true);
  net.sync();
  CHECK(net.at_store(a) == card_status::blacklisted);
  net.says(card_status::active);
  net.sync();
  CHECK(net.at_store(a) == card_status::active);
}

TEST_CASE("claims of one node from an entry on are undone, also those that come later", "[sync][cards]") {
  card_net net;
  auto& a = net.at(3);
  REQUIRE(why(net.report(a, card_status::frozen)) == errc::ok);
  net.sync();
  CHECK(net.at_store(net.at(4)) == card_status::frozen);
  entry stand;
  stand.kind = entry_kind::claims_stand;
  stand.subject = a.writer();
  REQUIRE(net.publish({stand}).code == errc::ok);
  net.says(card_status::active);
  net.link(a, net.region(), false);
  REQUIRE(why(net.report(a, card_status::lost)) == errc::ok);
  net.sync();
  CHECK(net.at_store(a) == card_status::lost);
  net.link(a, net.region(), true);
  net.sync();
  CHECK(net.at_store(a) == card_status::active);
  CHECK(net.at_store(net.at(4)) == card_status::active);
  net.nothing_contested();
}

TEST_CASE("a store that head office does not heed refuses reports until that is ended", "[sync][cards]") {
  card_net net;
  auto &a = net.at(3), &b = net.at(4);
  auto stand = [&](std::uint64_t size) {
    entry e;
    e.kind = entry_kind::claims_stand;
    e.subject = a.writer();
    e.size = size;
    REQUIRE(net.publish({e}).code == errc::ok);
    net.sync();
  };
  net.forget();
  stand(0);
  CHECK(alarmed(a, errc::not_entitled));  // it is in the store's log
  auto no = net.report(a, card_status::lost);
  REQUIRE(why(no) == errc::not_entitled);
  CHECK(std::get<refusal>(no.outcome).why.detail == silenced_text);
  CHECK(net.at_store(a) == card_status::active);
  CHECK(why(net.report(b, card_status::frozen)) == errc::ok);  // another store
  net.sync();
  net.says(card_status::active);
  net.forget();
  stand(every_claim);
  CHECK_FALSE(alarmed(a, errc::not_entitled));
  REQUIRE(why(net.report(a, card_status::lost)) == errc::ok);
  net.sync();
  CHECK(net.at_store(b) == card_status::lost);
  net.nothing_contested();
}

TEST_CASE("cards in stock go on to the next life of their store, when all of the one before is here", "[sync][cards]") {
  card_net net;
  auto& a = net.at(3);
  constexpr account_id second{2'001};
  REQUIRE(net.publish({test::media_fact(second, 't', card_status::stock)}).code == errc::ok);
  net.sync();
  const auto copy = a.store.image();
  REQUIRE(why(net.ask(a, card_sale_command{net.key(a), stock_card, 0})) == errc::ok);
  net.sync();
  auto batch = [&] { return *batch_at(net.hq().st->ledger().st(), stock_card); };
  REQUIRE(batch().holder == a.writer());
  bool all_here = true;
  SECTION("all of it is here") {}
  SECTION("more was proved than is here") { all_here = false; }
  const auto proven = a.source->size(a.journal()) + (all_here ? 0 : 5);
  net.link(a, net.region(), false);
  a.store.reset(copy);
  net.open(a);
  net.settle(a);
  REQUIRE(a.st->check_rollback(a.writer(), proven, net.now()));
  net.settle(a);
  auto life = a.st->ledger().self();
  REQUIRE(life != a.writer());
  net.link(a, net.region(), true);
  for (int i = 0; i < 6; ++i) {
    net.pass_time(11'000);
    net.sync();
  }
  CHECK((batch().holder == life) == all_here);
  CHECK(batch().count == 3);
  CHECK(batch().name == "first");
  auto sell = [&](account_id card) { return why(net.ask(a, card_sale_command{net.key(a), card, 0})); };
  if (!all_here) {
    CHECK(sell(second) != errc::ok);
    return;
  }
  CHECK(sell(second) == errc::ok);
  CHECK(sell(stock_card) == errc::not_applicable);  // it was sold in the life before
  net.sync();
  net.nothing_contested();
}

TEST_CASE("a card is sold without a line, is good everywhere later, and comes back elsewhere", "[sync][cards]") {
  card_net net;
  auto &a = net.at(3), &b = net.at(4);
  CHECK(why(net.ask(b, card_sale_command{net.key(b), stock_card, 1'000})) == errc::not_entitled);
  net.link(a, net.region(), false);
  REQUIRE(why(net.ask(a, card_sale_command{net.key(a), stock_card, 1'000})) == errc::ok);
  CHECK(why(net.ask(a, net.sale(a, 1, stock_card))) == errc::ok);
  CHECK(why(net.ask(b, net.sale(b, 1, stock_card))) == errc::card_blocked);
  net.link(a, net.region(), true);
  net.sync();
  auto card = card_of(net.hq().st->ledger().st(), stock_card);
  REQUIRE(card);
  CHECK(card->status == card_status::active);
  CHECK(month_of(card->expires) == add_months(month_of(day_of(net.now())), 12));
  CHECK(net.at_store(b, stock_card) == card_status::active);
  // The other store pulls paid money and deposit while the customer waits, and pays both out.
  auto back = net.ask(b, hand_back_command{net.key(b), stock_card, 900, 500}, true);
  REQUIRE(why(back) == errc::ok);
  net.sync();
  for (auto* n : {&a, &b, &net.hq()})
    CHECK(net.at_store(*n, stock_card) == card_status::returned);
  CHECK(why(net.ask(a, net.sale(a, 1, stock_card))) == errc::card_blocked);
  amount left = 0;
  for (std::uint32_t id = 1; id <= 4; ++id)
    for (auto purse : {purse_paid, purse_deposit})
      left += holding(net.hq().st->seen().st(), net.at(id).writer(), stock_card, purse);
  CHECK(left == 0);
  net.nothing_contested();
}

TEST_CASE("cards that were not sold come back, and nobody sells one twice", "[sync][cards]") {
  card_net net;
  auto &a = net.at(3), &b = net.at(4);
  constexpr account_id second{2'001};
  auto fact = [&](entry_kind kind, const writer_id& to) {
    entry e;
    e.kind = kind;
    e.account = stock_card;
    e.size = 3;
    e.subject = to;
    if (kind == entry_kind::allot) e.blob = "first", e.card_kind = 1;
    return e;
  };
  REQUIRE(net.publish({test::media_fact(second, 't', card_status::stock)}).code == errc::ok);
  net.sync();
  auto look = [&] {
    net.pass_time(11'000);
    net.sync();
  };
  auto holder = [&] { return batch_at(net.hq().st->ledger().st(), stock_card)->holder; };
  auto sell = [&](station_net::node& n, account_id card) {
    return why(net.ask(n, card_sale_command{net.key(n), card, 0}));
  };
  // A dark store may sell what lies there, whatever head office has said meanwhile.
  net.link(a, net.region(), false);
  REQUIRE(net.publish({fact(entry_kind::recall, a.writer())}).code == errc::ok);
  look();
  look();
  CHECK(holder() == a.writer());
  REQUIRE(sell(a, stock_card) == errc::ok);
  net.link(a, net.region(), true);
  net.sync();
  look();
  look();
  CHECK(holder() == writer_id{});
  CHECK(sell(a, second) == errc::not_entitled);
  REQUIRE(net.publish({fact(entry_kind::allot, b.writer())}).code == errc::ok);
  net.sync();
  CHECK(sell(b, stock_card) == errc::not_applicable);  // it is in use
  REQUIRE(sell(b, second) == errc::ok);
  net.sync();
  net.nothing_contested();
  // A sale behind its own word counts for nothing.
  entry e;
  e.kind = entry_kind::activate;
  e.terminal = 300;
  e.counter = 99;
  e.account = {2'002};
  auto s = net.forge(net.region(), a.journal(), {e}, *a.keys);
  CHECK(net.ingest(net.region(), a.id, s).code == errc::ok);
  net.sync();
  CHECK(net.hq().st->seen().contested_of(a.writer()) == 1);
}

TEST_CASE("head office says every hour that its directory is whole", "[sync][cards]") {
  card_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 5'000)) == errc::ok);
  net.sync();
  net.link(a, net.region(), false);
  for (int hour = 0; hour < 30; ++hour) {
    net.pass_time(3'600'000);
    net.sync();
  }
  CHECK(directory_age(b.st->ledger().st(), net.now(), 0).value() <= 2 * 3600);
  CHECK(directory_age(a.st->ledger().st(), net.now(), 0).value() > 29 * 3600);
  CHECK(why(net.ask(a, net.sale(a, 2))) == errc::stale_lists);
  CHECK(why(net.ask(a, net.sale(a, 1))) == errc::ok);
  net.link(a, net.region(), true);
  net.sync();
  CHECK(why(net.ask(a, net.sale(a, 2))) == errc::ok);
}

TEST_CASE("a card is given back with all that lies anywhere, or not at all", "[sync][cards]") {
  card_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 10'000)) == errc::ok);
  REQUIRE(why(net.top_up(b, 2'000)) == errc::ok);
  net.sync();
  auto back = [&](amount paid) { return net.ask(b, hand_back_command{net.key(b), net.card, paid, 0}, true); };
  auto one = back(1);
  REQUIRE(why(one) == errc::bad_amount);
  CHECK(std::get<refusal>(one.outcome).why.detail ==
        "120.00 of the card's money lies here: a card is given back with all of it");
  CHECK(one.here == std::optional<amount>(12'000));
  CHECK(why(back(12'001)) == errc::insufficient);
  REQUIRE(why(back(12'000)) == errc::ok);
  net.sync();
  CHECK(net.at_store(a) == card_status::returned);
  for (std::uint32_t id = 1; id <= 4; ++id)
    CHECK(held(net.hq(), net.at(id).writer()) == 0);
  net.nothing_contested();
}

TEST_CASE("a card of which a dark store holds a part is not given back at one that knows", "[sync][cards]") {
  card_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 3'000)) == errc::ok);
  REQUIRE(why(net.top_up(b, 2'000)) == errc::ok);
  net.sync();
  net.link(a, net.region(), false);
  auto no = net.ask(b, hand_back_command{net.key(b), net.card, 2'000, 0}, true);
  REQUIRE(why(no) == errc::insufficient);
  CHECK(std::get<refusal>(no.outcome).why.detail ==
        "30.00 of the card's money lies elsewhere and could not be fetched: ask again when that store has a line, or "
        "let head office take the card back");
  net.link(a, net.region(), true);
  net.sync();
  CHECK(why(net.ask(b, hand_back_command{net.key(b), net.card, 5'000, 0}, true)) == errc::ok);
}

TEST_CASE("in the dark a card is given back with what lies there, and head office pays out the rest", "[sync][cards]") {
  card_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 3'000)) == errc::ok);
  REQUIRE(why(net.top_up(b, 2'000)) == errc::ok);
  net.sync();
  auto pay_out = [&](amount sum, const char* reference) {
    entry e;
    e.kind = entry_kind::hand_back;
    e.account = net.card;
    e.tenders = {{tender_kind::transfer, main_unit, sum}};
    e.blob = reference;
    return net.publish({e});
  };
  CHECK(pay_out(1'000, "too early").code == errc::not_applicable);  // the card is in use
  net.link(b, net.region(), false);
  REQUIRE(why(net.ask(b, hand_back_command{net.key(b), net.card, 2'000, 0}, true)) == errc::ok);
  net.link(b, net.region(), true);
  net.sync();
  REQUIRE(net.at_store(net.hq()) == card_status::returned);
  // What lies at a store is fetched when head office is asked for it.
  CHECK(pay_out(3'000, "bank-1").code == errc::insufficient);
  net.sync();
  CHECK(held(net.hq(), net.hq().writer()) == 3'000);
  CHECK(pay_out(3'001, "bank-1").code == errc::insufficient);
  REQUIRE(pay_out(2'000, "bank-1").code == errc::ok);
  CHECK(pay_out(1'000, "bank-1").code == errc::key_reused);
  CHECK(pay_out(1'001, "bank-2").code == errc::insufficient);
  REQUIRE(pay_out(1'000, "bank-2").code == errc::ok);
  CHECK(pay_out(1, "bank-3").code == errc::insufficient);
  net.sync();
  for (std::uint32_t id = 1; id <= 4; ++id)
    CHECK(held(net.hq(), net.at(id).writer()) == 0);
  CHECK(net.at_store(a) == card_status::returned);
  net.nothing_contested();
}

TEST_CASE("what was put aside and comes to a card that was given back is paid out at head office", "[sync][cards]") {
  card_net net;
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 3'000)) == errc::ok);
  auto aside = net.ask(a, authorise_command{net.key(a), net.card, 1'000, 600});
  REQUIRE(why(aside) == errc::ok);
  REQUIRE(why(net.ask(a, hand_back_command{net.key(a), net.card, 2'000, 0}, true)) == errc::ok);
  net.sync();
  REQUIRE(why(net.ask(a, void_command{net.key(a), aside.seq})) == errc::ok);
  net.sync();
  entry e;
  e.kind = entry_kind::hand_back;
  e.account = net.card;
  e.tenders = {{tender_kind::cash, main_unit, 1'000}};
  e.blob = "at the counter";
  CHECK(net.publish({e}).code == errc::insufficient);
  net.sync();
  REQUIRE(net.publish({e}).code == errc::ok);
  net.sync();
  CHECK(held(net.hq(), a.writer()) == 0);
  CHECK(held(net.hq(), net.hq().writer()) == 0);
  net.nothing_contested();
}
