// Uses of cards that were lost, and rulings that move value, in a small network.
#include <catch2/catch.hpp>

#include <sstream>

#include "ledger/cards.hpp"
#include "ledger/ruling.hpp"
#include "sync/audit.hpp"
#include "sync/hledger.hpp"
#include "sync/programme_net.hpp"
#include "sync/settlement.hpp"

using namespace tally;
using test::station_net;
using test::why;

namespace {

struct ruling_net : test::programme_net {
  ruling_net()
      : programme_net([](rules_record& r) {
          r.programme.earns.clear();
          r.programme.refund_quota = 50'000;
        }) {
    turn();
  }
  entry entry_at(node& n, sequence seq) { return *n.st->ledger().find_entry(seq); }
  /// The card's money lies at store 4, which has no line then.
  void far_away(amount value) {
    REQUIRE(why(top_up(at(4), value)) == errc::ok);
    turn();
    link(at(4), region(), false);
  }
  void back() {
    link(at(4), region(), true);
    turn();
  }
  void report(card_status s) {
    REQUIRE(why(ask(at(3), claim_command{key(at(3)), card, s})) == errc::ok);
    turn();
  }
  const errc* open_case(sequence seq) {
    const auto& all = hq().st->seen().open_cases();
    auto of = all.find(at(4).writer());
    if (of == all.end() || of->second.count(seq) == 0) return nullptr;
    return &of->second.at(seq);
  }
  entry rule(sequence seq, ruling_outcome o) {
    entry e;
    e.kind = entry_kind::ruling;
    e.subject = at(4).writer();
    e.cites = seq;
    e.outcome = o;
    return e;
  }
  audit_report audited(node& n) {
    auto r = audit(n.store, {std::string(chain), root()}, with(), {});
    REQUIRE(r.ok());
    return std::move(*r);
  }
  void whole() {
    for (std::uint32_t id = 1; id <= 4; ++id)
      for (const auto& l : audited(at(id)).lines)
        for (const auto& p : l.problems)
          FAIL_CHECK("node " << id << " " << l.check << " " << p.where << ": expected " << p.expected << ", found "
                             << p.found);
  }
  settlement_report settled(node& n) {
    auto r = tally::settle(n.store, *n.certificates, {0, UINT32_MAX, {}});
    REQUIRE(r.ok());
    return std::move(*r);
  }
};

}  // namespace

TEST_CASE("a card that a dark store takes after its loss was published is a case, and stands", "[sync][rulings]") {
  ruling_net net;
  auto& b = net.at(4);
  net.far_away(5'000);
  auto before = net.ask(b, net.sale(b, 2));
  REQUIRE(why(before) == errc::ok);
  net.back();  // head office has it before it hears of the loss
  net.link(b, net.region(), false);
  net.report(card_status::lost);
  auto first = net.ask(b, net.sale(b, 3)), second = net.ask(b, net.sale(b, 4));
  REQUIRE(why(first) == errc::ok);
  REQUIRE(why(second) == errc::ok);
  CHECK(net.hq().st->seen().open_cases().empty());
  net.back();
  CHECK_FALSE(net.open_case(before.seq));
  for (auto seq : {first.seq, second.seq}) {
    REQUIRE(net.open_case(seq));
    CHECK(*net.open_case(seq) == errc::used_lost);
  }
  net.nothing_contested();
  CHECK(why(net.ask(b, net.sale(b, 1))) == errc::card_blocked);  // now it knows
  // Its replacement is no lost card.
  auto map = test::media_fact(station_net::card, 'n', card_status::active);
  map.account_version = card_of(net.hq().st->ledger().st(), station_net::card)->version + 1;
  REQUIRE(net.publish({map}).code == errc::ok);
  net.turn();
  auto third = net.ask(b, net.sale(b, 1));
  REQUIRE(why(third) == errc::ok);
  net.turn();
  CHECK_FALSE(net.open_case(third.seq));
  // It is found again after a restart, and nothing that came before the loss.
  net.open(net.hq());
  net.link(net.region(), net.hq(), true);
  CHECK_FALSE(net.open_case(before.seq));
  CHECK(net.open_case(first.seq));
  // What the store takes back costs nobody anything.
  REQUIRE(why(net.ask(b, reverse_command{net.key(b), second.seq})) == errc::ok);
  net.turn();
  CHECK_FALSE(net.open_case(second.seq));
  net.open(net.hq());
  net.link(net.region(), net.hq(), true);
  CHECK_FALSE(net.open_case(second.seq));
  CHECK(net.open_case(first.seq));
  net.whole();
}

TEST_CASE("a frozen card's gift is a case, its authorisation is none until it is captured", "[sync][rulings]") {
  ruling_net net;
  auto& b = net.at(4);
  constexpr account_id other{18};
  auto also = [&](account_id a) {
    REQUIRE(net.publish({test::media_fact(a, 'o', card_status::active)}).code == errc::ok);
    net.turn();
  };
  also(other);
  net.far_away(5'000);
  auto promised = net.ask(b, authorise_command{net.key(b), net.card, 500, 3'600});
  REQUIRE(why(promised) == errc::ok);
  net.back();
  net.link(b, net.region(), false);
  net.report(card_status::frozen);
  auto late = net.ask(b, authorise_command{net.key(b), net.card, 700, 3'600});
  REQUIRE(why(late) == errc::ok);
  auto capture = [&](sequence of, std::int64_t things) {
    auto a = net.ask(b, capture_command{net.sale(b, things), of});
    REQUIRE(why(a) == errc::ok);
    return a.seq;
  };
  auto kept = capture(promised.seq, 5), taken = capture(late.seq, 7);
  auto unused = net.ask(b, authorise_command{net.key(b), net.card, 100, 3'600});
  REQUIRE(why(unused) == errc::ok);
  net.back();
  CHECK_FALSE(net.open_case(kept));  // what was promised in time
  CHECK_FALSE(net.open_case(late.seq));
  CHECK_FALSE(net.open_case(unused.seq));
  REQUIRE(net.open_case(taken));
  CHECK(net.hq().st->seen().open_cases().at(b.writer()).size() == 1);
}

TEST_CASE("owed for a lost card is a debt of the store's owner, once and at most the case", "[sync][rulings]") {
  ruling_net net;
  auto& b = net.at(4);
  net.far_away(5'000);
  net.report(card_status::lost);
  auto first = net.ask(b, net.sale(b, 3)), second = net.ask(b, net.sale(b, 4)), third = net.ask(b, net.sale(b, 5));
  net.back();
  REQUIRE(net.open_case(third.seq));
  auto before = net.settled(net.hq());
  auto bad = net.rule(first.seq, ruling_outcome::owed);
  bad.values = {{purse_paid, main_unit, 0, 301}};
  CHECK(net.publish({bad}).code == errc::bad_amount);
  REQUIRE(net.publish({net.rule(first.seq, ruling_outcome::owed)}).code == errc::ok);  // all of it
  CHECK(net.publish({net.rule(first.seq, ruling_outcome::owed)}).code == errc::not_allowed);
  auto half = net.rule(second.seq, ruling_outcome::owed);
  half.values = {{purse_paid, main_unit, 0, 150}};
  REQUIRE(net.publish({half}).code == errc::ok);
  REQUIRE(net.publish({net.rule(third.seq, ruling_outcome::stands)}).code == errc::ok);
  net.turn();
  auto after = net.settled(net.hq());
  CHECK(after.nodes.at(b.id).sums.ruled == 450);
  CHECK(after.nodes.at(b.id).owes == before.nodes.at(b.id).owes + 450);
  CHECK(after.nodes.at(net.hq().id).owes == before.nodes.at(net.hq().id).owes - 450);
  CHECK(after.pool == before.pool);
  CHECK(after.money + after.aside == after.on_cards);
  // The region, which has the rulings from the directory, says the same of its store.
  CHECK(net.settled(net.region()).nodes.at(b.id).owes == after.nodes.at(b.id).owes);
  CHECK(net.settled(b).nodes.at(b.id).owes == after.nodes.at(b.id).owes);
  net.nothing_contested();
  net.whole();
  std::ostringstream text;
  REQUIRE(export_hledger(net.hq().store, text).ok());
  CHECK(text.str().find("contested:4:1.") != std::string::npos);
}

TEST_CASE("what a ruling says is owed and written off is together at most the case", "[sync][rulings]") {
  ruling_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 5'000)) == errc::ok);
  net.turn();
  net.far_away(5'000);
  net.report(card_status::lost);
  auto first = net.ask(b, net.sale(b, 3)), second = net.ask(b, net.sale(b, 4));
  net.back();
  REQUIRE(net.open_case(second.seq));
  auto both = [&](sequence seq, amount owes, amount takes) {
    auto e = net.rule(seq, ruling_outcome::owed);
    if (owes != 0) e.values = {{purse_paid, main_unit, 0, owes}};
    e.peer.node = a.id;
    e.released = {{purse_paid, main_unit, 0, takes}};
    return e;
  };
  CHECK(net.publish({both(first.seq, 201, 100)}).code == errc::bad_amount);
  CHECK(net.publish({both(first.seq, 300, 1)}).code == errc::bad_amount);
  CHECK(net.publish({both(first.seq, 0, 301)}).code == errc::bad_amount);
  CHECK(net.publish({both(first.seq, -1, 300)}).code == errc::bad_amount);
  REQUIRE(net.publish({both(first.seq, 200, 100)}).code == errc::ok);
  // What is not said is what is left of the case.
  REQUIRE(net.publish({both(second.seq, 0, 150)}).code == errc::ok);
  net.turn();
  CHECK(net.settled(net.hq()).nodes.at(b.id).sums.ruled == 200 + 250);
  net.nothing_contested();
  net.whole();
}

TEST_CASE("a case keeps its first reason, and other trouble stands beside it", "[sync][rulings]") {
  ruling_net net;
  auto &a = net.at(3), &b = net.at(4);
  net.far_away(5'000);
  auto sold = net.ask(b, net.sale(b, 3));
  REQUIRE(why(sold) == errc::ok);
  auto sale = net.entry_at(b, sold.seq);
  REQUIRE(why(net.ask(a, refund_elsewhere_command{net.key(a),
                                                  b.writer(),
                                                  sold.seq,
                                                  sale,
                                                  encode_entry(sale),
                                                  {{product_id{1}, 2}},
                                                  true,
                                                  tender_kind::cash})) == errc::ok);
  REQUIRE(why(net.ask(b, refund_command{net.key(b), sold.seq, {{product_id{1}, 2}}, true, tender_kind::cash})) ==
          errc::ok);
  net.report(card_status::lost);
  station_config habits;
  habits.used_lost = ruling_outcome::owed;
  habits.used_lost_wait_ms = 0;
  net.open(net.hq(), habits);
  net.link(net.region(), net.hq(), true);
  net.back();
  net.turn(3);
  // The policy is about lost cards alone.
  REQUIRE(net.open_case(sold.seq));
  using reasons = std::vector<errc>;
  CHECK(*net.open_case(sold.seq) == errc::used_lost);
  CHECK(net.hq().st->seen().reasons_of(b.writer(), sold.seq) == reasons{errc::used_lost, errc::over_returned});
  net.open(net.hq(), habits);
  net.link(net.region(), net.hq(), true);
  CHECK(net.hq().st->seen().reasons_of(b.writer(), sold.seq).size() == 2);
  REQUIRE(net.publish({net.rule(sold.seq, ruling_outcome::owed)}).code == errc::ok);
  CHECK(net.hq().st->seen().open_cases().empty());
  CHECK(net.hq().st->seen().reasons_of(b.writer(), sold.seq).empty());
  net.nothing_contested();
}

TEST_CASE("head office's policy rules about lost cards when their stores had time to take sales back",
          "[sync][rulings]") {
  ruling_net net;
  auto& b = net.at(4);
  station_config habits;
  habits.used_lost = ruling_outcome::owed;
  habits.used_lost_wait_ms = 120'000;
  net.open(net.hq(), habits);
  net.link(net.region(), net.hq(), true);
  net.far_away(5'000);
  net.report(card_status::lost);
  auto sold = net.ask(b, net.sale(b, 3)), mistake = net.ask(b, net.sale(b, 4));
  net.back();
  net.turn(3);
  CHECK(net.open_case(sold.seq));
  CHECK(net.open_case(mistake.seq));
  REQUIRE(why(net.ask(b, reverse_command{net.key(b), mistake.seq})) == errc::ok);
  net.turn(12);
  CHECK_FALSE(net.open_case(mistake.seq));
  CHECK_FALSE(ruling_of(net.hq().st->ledger().st(), b.writer(), mistake.seq));
  CHECK_FALSE(net.open_case(sold.seq));
  CHECK(ruling_of(net.hq().st->ledger().st(), b.writer(), sold.seq) == ruling_outcome::owed);
  CHECK(net.settled(net.hq()).nodes.at(b.id).sums.ruled == 300);
  net.whole();
}

TEST_CASE("a holder writes off what a ruling says, once, and what was made up is contested", "[sync][rulings]") {
  ruling_net net;
  auto &a = net.at(3), &b = net.at(4);
  net.far_away(5'000);
  net.report(card_status::lost);
  auto sold = net.ask(b, net.sale(b, 20));
  net.back();
  REQUIRE(net.open_case(sold.seq));
  auto lies = test::held(net.hq(), b.writer());
  REQUIRE(lies == 3'000);
  auto e = net.rule(sold.seq, ruling_outcome::stands);
  e.released = {{purse_paid, main_unit, 0, 2'001}};
  e.peer = {b.id, {}};
  CHECK(net.publish({e}).code == errc::bad_amount);
  e.released[0].amount = 1'200;
  e.peer = {node_id{77}, {}};
  CHECK(net.publish({e}).code == errc::not_found);
  e.peer = {b.id, {{9, 9, 9, 9, 9, 9, 9, 9}}};
  CHECK(net.publish({e}).code == errc::wrong_epoch);
  e.peer = {b.id, {}};
  net.link(b, net.region(), false);
  REQUIRE(net.publish({e}).code == errc::ok);
  net.turn();
  CHECK(test::held(net.hq(), b.writer()) == 3'000);  // it has not heard
  net.back();
  net.turn(3);
  CHECK(test::held(net.hq(), b.writer()) == 1'800);
  CHECK(holding(b.st->st(), b.writer(), net.card) == 1'800);
  net.open(b);
  net.link(b, net.region(), true);
  net.turn(4);
  CHECK(test::held(net.hq(), b.writer()) == 1'800);
  net.nothing_contested();
  auto r = net.settled(net.hq());
  CHECK(r.money + r.aside == r.on_cards);
  CHECK(r.nodes.at(net.hq().id).sums.spent == 1'200);
  net.whole();
  // Nobody told the other store anything.
  entry lie;
  lie.kind = entry_kind::execute;
  lie.subject = b.writer();
  lie.cites = sold.seq;
  lie.account = net.card;
  lie.business_date = day_of(net.now());
  auto seq = a.source->size(a.journal());
  REQUIRE(net.ingest(net.region(), a.id, net.forge(net.region(), a.journal(), {lie}, *a.keys)).code == errc::ok);
  net.carry(net.region(), net.hq());
  CHECK(net.hq().st->seen().is_open_case(a.writer(), seq));
}

TEST_CASE("a node with many contested entries is sent nothing until head office has ruled", "[sync][rulings]") {
  ruling_net net;
  auto& a = net.at(3);
  station_config habits;
  habits.quarantine_after = 2;
  for (auto* n : {&net.hq(), &net.region()})
    net.open(*n, habits);
  net.link(net.region(), net.hq(), true);
  for (auto id : {3U, 4U})
    net.link(net.at(id), net.region(), true);
  REQUIRE(why(net.top_up(net.at(4), 3'000)) == errc::ok);
  net.turn();
  auto lies = [&](int n) {
    std::vector<entry> out;
    for (int i = 0; i < n; ++i) {
      entry e;
      e.kind = entry_kind::execute;
      e.subject = net.at(4).writer();
      e.cites = static_cast<sequence>(100 + i);
      e.account = net.card;
      e.business_date = day_of(net.now());
      out.push_back(e);
    }
    return out;
  };
  net.link(a, net.region(), false);
  auto seq = a.source->size(a.journal());
  REQUIRE(net.ingest(net.region(), a.id, net.forge(net.region(), a.journal(), lies(2), *a.keys)).code == errc::ok);
  net.carry(net.region(), net.hq());
  CHECK(net.hq().st->is_quarantined(a.id));
  CHECK_FALSE(net.hq().st->is_quarantined(node_id{4}));
  net.open(net.hq(), habits);
  net.link(net.region(), net.hq(), true);
  CHECK(net.hq().st->is_quarantined(a.id));
  auto quota = [&] { return number(net.hq().st->st(), channel_key(true, net.hq().writer(), a.writer())); };
  auto more = net.limits_entry(a, {1'000'000, 1'000'000, 400'000, 1'000'000});
  REQUIRE(net.publish({more}).code == errc::ok);
  auto sent = quota();
  net.turn(3);
  CHECK(quota() == sent);
  for (auto about : {seq, seq + 1}) {
    auto e = net.rule(about, ruling_outcome::no_loss);
    e.subject = a.writer();
    REQUIRE(net.publish({e}).code == errc::ok);
  }
  CHECK_FALSE(net.hq().st->is_quarantined(a.id));
  net.turn(3);
  CHECK(quota() > sent);
}

// One card's slip, or fake, is no other card's loss: what was made up is kept back where it was made.
TEST_CASE("what lies on other cards of a closed life is granted whatever is ruled about one", "[sync][rulings]") {
  station_net net;
  auto &hq = net.hq(), &a = net.at(3);
  constexpr account_id slip{18};
  REQUIRE(net.publish({card_fact(slip, {card_status::active, 1, 1})}).code == errc::ok);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  net.link(a, net.region(), false);
  auto load = net.ask(a, top_up_command{net.key(a), slip, 400, tender_kind::cash});
  // Taken back, or some of it was spent.
  const bool spent = GENERATE(false, true);
  auto gone = spent ? net.ask(a, net.sale(a, 3, slip)) : net.ask(a, reverse_command{net.key(a), load.seq});
  auto honest = net.top_up(a, 500);
  auto sale = net.ask(a, net.sale(a, 2));
  auto undone = net.ask(a, reverse_command{net.key(a), sale.seq});
  for (const auto& x : {load, gone, honest, sale, undone})
    REQUIRE(why(x) == errc::ok);
  REQUIRE(net.publish({test::about(entry_kind::revoke, a.id)}).code == errc::ok);
  net.link(a, net.region(), true);
  net.sync();
  REQUIRE(net.publish({test::about(entry_kind::close_epoch, a.id)}).code == errc::ok);
  net.pass_time(tick_ms{8} * 24 * 3'600'000);
  test::let_time_pass(net, 12);
  auto at_hq = [&](account_id account) { return holding(hq.st->ledger().st(), hq.writer(), account); };
  CHECK(at_hq(station_net::card) == 800);  // what was proven, less a sale that may stand; the rest is to be looked at
  auto rule = [&](sequence seq, ruling_outcome outcome) {
    REQUIRE(net.publish({test::ruling_about(a.writer(), seq, outcome)}).code == errc::ok);
  };
  rule(load.seq, ruling_outcome::no_loss);
  rule(gone.seq, spent ? ruling_outcome::stands : ruling_outcome::no_loss);
  rule(honest.seq, ruling_outcome::stands);
  rule(sale.seq, ruling_outcome::no_loss);
  rule(undone.seq, ruling_outcome::no_loss);
  test::let_time_pass(net, 70);
  CHECK(at_hq(station_net::card) == 1'500);
  CHECK(at_hq(slip) == 0);
  CHECK(hq.st->in_doubt(a.id) == (spent ? 100 : 0));
}

// What a ruling says never was took nothing from anybody either.
TEST_CASE("what an entry that never was took from a card is granted to its holder", "[sync][rulings]") {
  ruling_net net;
  auto &hq = net.hq(), &a = net.at(4);
  constexpr account_id other{18}, fake{19}, emptied{20};
  for (auto account : {other, fake, emptied})
    REQUIRE(net.publish({card_fact(account, {card_status::active, 1, 1})}).code == errc::ok);
  net.turn();
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  REQUIRE(why(net.ask(a, top_up_command{net.key(a), emptied, 600, tender_kind::cash})) == errc::ok);
  net.turn();
  net.link(a, net.region(), false);
  auto load = net.top_up(a, 500);
  auto undone = net.ask(a, reverse_command{net.key(a), load.seq});
  auto honest = net.ask(a, top_up_command{net.key(a), other, 300, tender_kind::cash});
  auto made_up = net.ask(a, net.sale(a, 2, other));
  auto slip = net.ask(a, top_up_command{net.key(a), fake, 400, tender_kind::cash});
  auto spent = net.ask(a, net.sale(a, 3, fake));
  auto all = net.ask(a, net.sale(a, 6, emptied));
  for (const auto& x : {load, undone, honest, made_up, slip, spent, all})
    REQUIRE(why(x) == errc::ok);
  REQUIRE(net.publish({test::about(entry_kind::revoke, a.id)}).code == errc::ok);
  net.back();
  REQUIRE(net.publish({test::about(entry_kind::close_epoch, a.id)}).code == errc::ok);
  net.pass_time(tick_ms{8} * 24 * 3'600'000);
  test::let_time_pass(net, 12);
  auto at_hq = [&](account_id account) { return holding(hq.st->ledger().st(), hq.writer(), account); };
  CHECK(at_hq(station_net::card) == 500);  // the slip is not proven, and what undid it may stand
  const bool first = GENERATE(true, false);  // what took is ruled about before what gave, or behind it
  auto rule = [&](const till_answer& about, ruling_outcome outcome) {
    REQUIRE(net.publish({net.rule(about.seq, outcome)}).code == errc::ok);
    test::let_time_pass(net, 70);
    CHECK(at_hq(fake) == 0);
  };
  if (!first) rule(load, ruling_outcome::stands), rule(honest, ruling_outcome::stands);
  const auto never = GENERATE(ruling_outcome::no_loss, ruling_outcome::owed);  // what the owner owes, nobody else lost
  for (const auto* x : {&undone, &made_up, &spent, &slip, &all})
    rule(*x, x == &slip ? ruling_outcome::no_loss : never);
  if (first) rule(load, ruling_outcome::stands), rule(honest, ruling_outcome::stands);
  CHECK(at_hq(station_net::card) == 1'500);
  CHECK(at_hq(other) == 300);
  CHECK(at_hq(emptied) == 600);
  CHECK(hq.st->in_doubt(a.id) == 100);  // made up, and not spent: it is looked at again and again
  test::let_time_pass(net, 200);
  CHECK(at_hq(emptied) == 600);
  CHECK(at_hq(station_net::card) == 1'500);
  net.whole();
  const auto books = net.settled(hq);
  CHECK(books.money + books.aside == books.on_cards);
}
