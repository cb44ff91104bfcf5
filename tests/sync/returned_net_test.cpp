// Goods of one sale that come back to several stores: who gets nothing put back, who waits, and which month that
// weighs on.
#include <catch2/catch.hpp>

#include "sync/debts_net.hpp"
#include "sync/return_letter.hpp"

using namespace tally;
using test::alarmed;
using test::debts_net;
using test::station_net;
using test::why;

TEST_CASE("of what a store made up about a sale nothing is put back", "[sync][elsewhere]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  net.turn(2);
  net.link(a, net.region(), false);  // from now on a thief speaks for it
  auto made_up = [&](entry_kind kind, std::uint64_t counter) {
    entry e;
    e.kind = kind;
    e.terminal = 300;
    e.counter = counter;
    e.business_date = day_of(net.now());
    e.account = net.card;
    e.rules_version = 2;
    e.earned = {{test::five_off, unit_of(test::five_off), 0, 1}};  // for which two pieces are not enough
    return e;
  };
  auto sale = made_up(entry_kind::sale, 1), back = made_up(entry_kind::refund, 2);
  sale.lines = {{product_id{1}, 2}};
  sale.tenders = {{tender_kind::cash, main_unit, 200}};
  back.lines = {{product_id{1}, 1}};
  back.tenders = {{tender_kind::cash, main_unit, 100}};
  auto first = net.forge(net.region(), a.journal(), {sale}, *a.keys);
  back.cites = first.first;
  REQUIRE(net.ingest(net.region(), a.id, net.forge(net.region(), a.journal(), {sale, back}, *a.keys)).code == errc::ok);
  refund_elsewhere_command c{net.key(b),         a.writer(),           first.first, sale,
                             encode_entry(sale), {{product_id{1}, 1}}, false,       tender_kind::cash};
  REQUIRE(why(net.ask(b, c, true)) == errc::ok);
  auto left = net.vouchers_left();
  net.forget();
  net.turn(6);
  net.nothing_contested();
  CHECK(net.vouchers_left() == left);
  CHECK(alarmed(net.hq(), errc::bad_rules));
}

TEST_CASE("nothing is put back of a sale of a store that is revoked", "[sync][elsewhere]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  const auto sale = net.sold(a, 20'000, 20);
  net.dark(true);
  REQUIRE(why(net.ask(b, net.back(b, a, sale.seq, 1))) == errc::ok);
  REQUIRE(why(net.ask(a, net.own_back(a, sale.seq, 1))) == errc::ok);
  net.dark(false);
  net.sync();
  net.link(b, net.region(), false);
  entry e;
  e.kind = entry_kind::revoke;
  e.subject.node = a.id;
  REQUIRE(net.publish({e}).code == errc::ok);
  auto sent = [&] {
    auto day = day_of(net.now());
    return sent_on(net.hq().st->ledger().st(), day, unit_of(test::five_off), net.hq().writer(), a.writer());
  };
  net.turn(4);
  CHECK(sent() == 0);
}

TEST_CASE("sales that wait for the day's measure keep no other store's back", "[sync][elsewhere]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  auto sell = [&](station_net::node& n) {
    auto c = net.sale(n, 20);
    c.card = 0;
    c.tenders = {{tender_kind::cash, main_unit, 2'000}};
    auto sold = net.ask(n, c);
    REQUIRE(why(sold) == errc::ok);
    return sold.seq;
  };
  std::vector<sequence> sales;
  for (int i = 0; i < 103; ++i)
    sales.push_back(sell(a));
  const auto last = sell(b);
  auto rules = *net.hq().st->ledger().rules().newest();
  rules.version = 3;
  for (auto& p : rules.programme.purses)
    if (p.id == test::five_off) p.quota = 1;
  entry e;
  e.kind = entry_kind::publish;
  e.topic = publish_topic::rules;
  e.rules_version = 3;
  e.blob = encode_rules(rules);
  REQUIRE(net.publish({e}).code == errc::ok);
  net.turn();
  net.dark(true);
  auto in_parts = [&](station_net::node& seller, station_net::node& other, sequence seq) {
    auto c = net.back(other, seller, seq, 1);
    c.to_card = false;
    REQUIRE(why(net.ask(other, c)) == errc::ok);
    REQUIRE(
        why(net.ask(seller, refund_command{net.key(seller), seq, {{product_id{1}, 1}}, false, tender_kind::cash})) ==
        errc::ok);
  };
  for (auto seq : sales)
    in_parts(a, b, seq);
  in_parts(b, a, last);
  net.dark(false);
  net.turn(6);
  auto sent = [&](const writer_id& to) {
    return sent_on(net.hq().st->ledger().st(), day_of(net.now()), unit_of(test::five_off), net.hq().writer(), to);
  };
  CHECK(sent(a.writer()) == 1);
  CHECK(sent(b.writer()) == 1);
}

TEST_CASE("what comes back elsewhere weighs on its own month, not on that of another entry", "[sync][elsewhere]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  const auto before = month_of(day_of(net.now()));
  REQUIRE(why(net.top_up(a, 10'000)) == errc::ok);
  for (int i = 0; i < 40; ++i)
    REQUIRE(why(net.top_up(b, 100)) == errc::ok);
  net.turn(2, tick_ms{31} * 86'400'000);
  auto sale = net.ask(a, net.sale(a, 5));
  REQUIRE(why(sale) == errc::ok);
  net.sync();
  REQUIRE(month_of(net.entry_at(b, sale.seq).business_date) == before);  // nothing to do with the sale
  REQUIRE(why(net.ask(b, net.back(b, a, sale.seq, 2))) == errc::ok);
  net.turn();
  const auto& seen = net.hq().st->seen().st();
  CHECK(seen.turnover(net.card, before) == 0);
  CHECK(seen.turnover(net.card, month_of(day_of(net.now()))) == 300);
  net.nothing_contested();
}

TEST_CASE("cents and points that paid come back whole from two stores that knew nothing of each other",
          "[sync][elsewhere]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 20'000)) == errc::ok);
  REQUIRE(why(net.ask(a, net.sale(a, 20))) == errc::ok);  // 200 points
  net.sync();
  auto money = [&] {
    amount sum = 0;
    for (std::uint32_t id = 1; id <= 4; ++id)
      sum += holding(net.at(id).st->ledger().st(), net.at(id).writer(), net.card);
    return sum;
  };
  auto points = [&] { return net.everywhere() - net.debts_everywhere(); };
  const auto money_before = money(), points_before = points();
  auto c = net.sale(a, 3);
  c.uses = {{test::points_purse, 37}};
  c.card = 263;
  auto sale = net.ask(a, c);
  REQUIRE(why(sale) == errc::ok);
  net.sync();
  net.dark(true);
  REQUIRE(why(net.ask(b, net.back(b, a, sale.seq, 2))) == errc::ok);   // 1.75 and 24 points
  REQUIRE(why(net.ask(a, net.own_back(a, sale.seq, 1))) == errc::ok);  // 0.87 and 12
  CHECK(money() == money_before - 1);
  net.dark(false);
  net.turn(20);
  CHECK(money() == money_before);
  CHECK(points() == points_before);
  net.open(net.hq());  // nothing is given twice
  net.link(net.region(), net.hq(), true);
  net.turn(4);
  CHECK(money() == money_before);
  CHECK(points() == points_before);
  CHECK(sent_on(net.hq().st->ledger().st(), day_of(net.now()), evened_money_unit, net.hq().writer(), a.writer()) == 1);
  net.nothing_contested();
  net.audited();
}

TEST_CASE("money that was put back is taken again when a store makes up for it", "[sync][elsewhere]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 20'000)) == errc::ok);
  REQUIRE(why(net.ask(a, net.sale(a, 20))) == errc::ok);
  net.sync();
  auto money = [&] {
    amount sum = 0;
    for (std::uint32_t id = 1; id <= 4; ++id) {
      auto& n = net.at(id);
      sum += holding(n.st->ledger().st(), n.writer(), net.card) -
             debt_of(n.st->ledger().st(), n.writer(), net.card, purse_paid);
    }
    return sum;
  };
  const auto before = money();
  auto c = net.sale(a, 4);
  c.uses = {{test::points_purse, 98}};  // 302 for four: 75.5 each
  c.card = 302;
  auto sale = net.ask(a, c);
  REQUIRE(why(sale) == errc::ok);
  net.sync();
  net.dark(true);
  REQUIRE(why(net.ask(b, net.back(b, a, sale.seq, 1))) == errc::ok);  // 75
  REQUIRE(why(net.ask(a, net.own_back(a, sale.seq, 1))) == errc::ok);
  net.dark(false);
  net.turn(20);
  CHECK(money() == before - 302 + 151);                                      // two cost 151
  REQUIRE(why(net.ask(a, net.own_back(a, sale.seq, 1), true)) == errc::ok);  // 76
  net.turn(20);
  CHECK(money() == before - 302 + 226);  // three cost 226
  net.nothing_contested();
  net.audited();
}

TEST_CASE("with a line, a sale whose goods came back elsewhere is not reversed", "[sync][elsewhere]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  const auto whole = net.sold(a, 20'000, 5), part = net.sold(a, 1'000, 2), other = net.sold(a, 1'000, 2);
  REQUIRE(why(net.ask(b, net.back(b, a, whole.seq, 5), true)) == errc::ok);
  REQUIRE(why(net.ask(b, net.back(b, a, part.seq, 1), true)) == errc::ok);
  net.sync();
  auto no = net.ask(a, reverse_command{net.key(a), whole.seq}, true);
  REQUIRE(why(no) == errc::already_reversed);
  CHECK(std::get<refusal>(no.outcome).why.detail ==
        "of product 1 5 came back at other stores: give back what is left as goods of that receipt");
  CHECK(why(net.ask(a, reverse_command{net.key(a), part.seq}, true)) == errc::already_reversed);
  // What is left of it comes back as goods, and what nobody took back is reversed.
  CHECK(why(net.ask(a, net.own_back(a, part.seq, 1), true)) == errc::ok);
  const reverse_command undo{net.key(a), other.seq};
  REQUIRE(why(net.ask(a, undo, true)) == errc::ok);
  net.sync();
  auto again = net.ask(a, undo, true);
  CHECK(why(again) == errc::ok);
  CHECK(again.repeated);
  net.turn(4);
  CHECK(net.hq().st->seen().open_cases().empty());
  net.nothing_contested();
  net.audited();
}

TEST_CASE("a sale paid from money put aside is not reversed when its goods came back elsewhere", "[sync][elsewhere]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 10'000)) == errc::ok);
  auto aside = net.ask(a, authorise_command{net.key(a), net.card, 1'000, 600});
  REQUIRE(why(aside) == errc::ok);
  capture_command c{net.sale(a, 5), aside.seq};
  auto sale = net.ask(a, c);
  REQUIRE(why(sale) == errc::ok);
  net.sync();
  REQUIRE(why(net.ask(b, net.back(b, a, sale.seq, 5), true)) == errc::ok);
  net.sync();
  CHECK(why(net.ask(a, reverse_command{net.key(a), sale.seq}, true)) == errc::already_reversed);
  CHECK(why(net.ask(a, void_command{net.key(a), aside.seq}, true)) == errc::already_reversed);
  net.turn(3);
  CHECK(net.hq().st->seen().open_cases().empty());
}

TEST_CASE("in the dark a sale that came back elsewhere is reversed, and is a case", "[sync][elsewhere]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  const auto sale = net.sold(a, 20'000, 5);
  REQUIRE(why(net.ask(b, net.back(b, a, sale.seq, 5), true)) == errc::ok);
  net.sync();
  net.link(a, net.region(), false);
  REQUIRE(why(net.ask(a, reverse_command{net.key(a), sale.seq}, true)) == errc::ok);
  net.link(a, net.region(), true);
  net.turn(3);
  CHECK(net.hq().st->seen().is_open_case(a.writer(), sale.seq));
  net.nothing_contested();
}

/// Store 3 reverses an entry of its own while head office answers nobody.
static void reverse_unheard(debts_net& net, std::uint64_t request, sequence seq) {
  auto& a = net.at(3);
  net.link(net.region(), net.hq(), false);
  REQUIRE(a.st->put(till_request{request, reverse_command{net.key(a), seq}, true}).ok());
  net.settle(a);
}

TEST_CASE("nobody waits for long with a reversal that head office does not answer", "[sync][elsewhere]") {
  debts_net net;
  auto& a = net.at(3);
  const auto sale = net.sold(a, 20'000, 5);
  const std::uint64_t request = 1'000'002;
  reverse_unheard(net, request, sale.seq);
  net.sync();
  CHECK_FALSE(net.answer_of(a, request));
  CHECK(a.st->next_due() <= net.ticks() + 1'500);
  net.pass_time(1'600);
  net.sync();
  REQUIRE(net.answer_of(a, request));
  CHECK(why(*net.answer_of(a, request)) == errc::ok);  // as in the dark
}

TEST_CASE("a store whose sales wait for others asks nobody about one that has not left it", "[sync][elsewhere]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  station_config habits;
  habits.batch_ms = 120'000;
  net.link(a, net.region(), false);
  net.open(a, habits);
  net.link(a, net.region(), true);
  net.sync();
  const auto gone_up = net.sold(a, 20'000, 5);
  REQUIRE(why(net.ask(b, net.back(b, a, gone_up.seq, 5), true)) == errc::ok);
  net.sync();
  auto here = net.ask(a, net.sale(a, 2));
  REQUIRE(why(here) == errc::ok);
  reverse_unheard(net, 1'000'004, here.seq);
  REQUIRE(net.answer_of(a, 1'000'004));
  CHECK(why(*net.answer_of(a, 1'000'004)) == errc::ok);
  reverse_unheard(net, 1'000'005, gone_up.seq);
  CHECK_FALSE(net.answer_of(a, 1'000'005));  // that one is asked about, as ever
  net.link(net.region(), net.hq(), true);
  net.sync();
  net.nothing_contested();
}

TEST_CASE("what is no sale is reversed without a question about goods", "[sync][elsewhere]") {
  debts_net net;
  auto& a = net.at(3);
  auto loaded = net.top_up(a, 500);
  REQUIRE(why(loaded) == errc::ok);
  net.sync();
  const std::uint64_t request = 1'000'003;
  reverse_unheard(net, request, loaded.seq);
  REQUIRE(net.answer_of(a, request));
  CHECK(why(*net.answer_of(a, request)) == errc::ok);
}

TEST_CASE("a third store hears of both ways in which a sale came back", "[sync][elsewhere]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  const auto whole = net.sold(a, 20'000, 5), reversed = net.sold(a, 1'000, 2);
  REQUIRE(why(net.ask(a, reverse_command{net.key(a), reversed.seq}, true)) == errc::ok);
  REQUIRE(why(net.ask(a, net.own_back(a, whole.seq, 4), true)) == errc::ok);
  net.sync();
  CHECK(why(net.ask(b, net.back(b, a, reversed.seq, 1), true)) == errc::already_reversed);
  CHECK(why(net.ask(b, net.back(b, a, whole.seq, 2), true)) == errc::already_reversed);
  auto last = net.ask(b, net.back(b, a, whole.seq, 1), true);
  REQUIRE(why(last) == errc::ok);
  // Goods that came back are not sold again by reversing that.
  CHECK(why(net.ask(b, reverse_command{net.key(b), last.seq}, true)) == errc::not_reversible);
  net.turn(3);
  CHECK(net.hq().st->seen().open_cases().empty());
}

TEST_CASE("another store gives cash for goods whose card was given back", "[sync][elsewhere]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  const auto sale = net.sold(a, 20'000, 5);
  auto cash = net.back(b, a, sale.seq, 2);
  cash.to_card = false;
  CHECK(why(net.ask(b, cash, true)) == errc::not_applicable);
  const auto all = holding(net.hq().st->seen().st(), a.writer(), net.card);
  REQUIRE(why(net.ask(a, hand_back_command{net.key(a), net.card, all, 0}, true)) == errc::ok);
  net.sync();
  CHECK(why(net.ask(b, net.back(b, a, sale.seq, 2), true)) == errc::card_blocked);
  CHECK(why(net.ask(a, reverse_command{net.key(a), sale.seq}, true)) == errc::card_blocked);
  REQUIRE(why(net.ask(b, cash, true)) == errc::ok);
  net.sync();
  refund_command rest{net.key(a), sale.seq, {{product_id{1}, 3}}, false, tender_kind::cash};
  REQUIRE(why(net.ask(a, rest, true)) == errc::ok);
  net.turn(3);
  CHECK(net.hq().st->seen().open_cases().empty());
  net.nothing_contested();
  net.audited();
}

namespace {

/// Stores 3, 4 and 5 have a line, and ask about a sale of the first at the same moment.
struct race_net : debts_net {
  race_net() : debts_net() { sale = sold(at(3), 20'000, 5).seq; }
  std::uint64_t put(node& n, till_command c) {
    REQUIRE(n.st->put(till_request{++request, std::move(c), true}).ok());
    settle(n);
    return request;
  }
  errc outcome(node& n, std::uint64_t of) {
    auto a = answer_of(n, of);
    REQUIRE(a);
    return why(*a);
  }
  sequence sale = 0;
  std::uint64_t request = 3'000'000;
};

}  // namespace

TEST_CASE("two stores that give goods of one sale back in the same moment: one does, the other waits",
          "[sync][elsewhere][race]") {
  race_net net;
  auto &a = net.at(3), &b = net.at(4);
  auto first = net.put(b, net.back(b, a, net.sale, 5));
  std::uint64_t second = 0;
  SECTION("goods at the store that sold") { second = net.put(a, net.own_back(a, net.sale, 5)); }
  SECTION("the whole sale reversed there") { second = net.put(a, reverse_command{net.key(a), net.sale}); }
  net.sync();
  std::vector<errc> got{net.outcome(b, first), net.outcome(a, second)};
  CHECK(std::ranges::count(got, errc::ok) == 1);
  CHECK(std::ranges::count(got, errc::busy) == 1);
  net.sync();
  net.turn(2);
  auto& late = got[0] == errc::busy ? b : a;
  auto again =
      &late == &b ? net.ask(b, net.back(b, a, net.sale, 1), true) : net.ask(a, net.own_back(a, net.sale, 1), true);
  CHECK(why(again) == errc::already_reversed);
  CHECK(net.hq().st->seen().open_cases().empty());
  net.nothing_contested();
}

TEST_CASE("a store that asks and gives nothing back holds the sale for a short time only", "[sync][elsewhere][race]") {
  race_net net;
  auto &a = net.at(3), &b = net.at(4);
  net.link(net.region(), net.hq(), false);
  net.forget();
  net.put(b, net.back(b, a, net.sale, 2));
  std::optional<letter_message> question;
  for (const auto& e : b.seen)
    if (const auto* to = std::get_if<to_neighbour>(&e))
      if (const auto* l = std::get_if<letter_message>(&to->what)) question = *l;
  REQUIRE(question);
  net.link(b, net.region(), false);  // nothing comes of it
  net.link(net.region(), net.hq(), true);
  REQUIRE(net.hq().st->put(control_arrival{net.region().id, *question}).ok());
  net.settle(net.hq());
  net.sync();
  CHECK(why(net.ask(a, net.own_back(a, net.sale, 2), true)) == errc::busy);
  net.pass_time(20'000);
  CHECK(why(net.ask(a, net.own_back(a, net.sale, 2), true)) == errc::ok);
}

TEST_CASE("who holds a sale: the first, until its entry is here or the time is over", "[sync][elsewhere][race]") {
  const writer_id seller{{3}, {{1}}}, other{{4}, {{2}}};
  const node_id a{3}, b{4};
  return_holds held;
  CHECK(held.ask(seller, 7, b, 0, 100));
  CHECK_FALSE(held.ask(seller, 7, a, 1, 100));
  CHECK(held.ask(seller, 8, a, 1, 100));  // another sale
  entry e;
  e.kind = entry_kind::refund_elsewhere;
  e.subject = seller;
  e.cites = 7;
  SECTION("its entry is here") {
    held.came(e, other);
    CHECK(held.ask(seller, 7, a, 2, 100));
  }
  SECTION("an entry of somebody else, or about another sale") {
    held.came(e, {{5}, {{2}}});
    e.cites = 6;
    held.came(e, other);
    CHECK_FALSE(held.ask(seller, 7, a, 2, 100));
  }
  SECTION("two questions of the holder, one entry") {
    return_holds two;
    CHECK(two.ask(seller, 7, b, 0, 100));
    CHECK(two.ask(seller, 7, b, 0, 100));
    two.came(e, other);
    CHECK_FALSE(two.ask(seller, 7, a, 2, 100));
    CHECK(two.ask(seller, 7, a, 100, 100));
  }
  SECTION("its time is over, and nobody prolongs it while another waits") {
    CHECK_FALSE(held.ask(seller, 7, b, 60, 100));
    CHECK_FALSE(held.ask(seller, 7, a, 99, 100));
    CHECK(held.ask(seller, 7, a, 100, 100));
  }
  SECTION("at the bound the one that ends first is forgotten") {
    for (std::size_t i = 0; i < return_holds::sales_max; ++i)
      CHECK(held.ask(seller, 100 + i, b, 2, 100));
    CHECK(held.size() == return_holds::sales_max);
    CHECK(held.ask(seller, 7, a, 3, 100));
  }
}

TEST_CASE("to a store that does not know of waiting the answer says that nothing is left", "[sync][elsewhere][race]") {
  return_answer a{77, false, {}, true};
  auto text = encode_return_answer(a);
  REQUIRE(decode_return_answer(text));
  CHECK(*decode_return_answer(text) == a);
  // As it was read before: a sale that was reversed, with a piece of a product that is none.
  auto plain = encode_return_answer({77, true, {{{1}, 1}}, false});
  CHECK(text.size() == plain.size());
  CHECK(text.substr(0, text.size() - 2) == plain.substr(0, plain.size() - 2));
  CHECK(text.substr(text.size() - 2) == byte_view("\0\1", 2));
  CHECK_FALSE(decode_return_answer(encode_return_answer({77, true, {{{0}, 2}}, false})));
  CHECK_FALSE(decode_return_answer(encode_return_answer({77, false, {{{0}, 1}}, false})));
  CHECK_FALSE(decode_return_answer(encode_return_answer({77, true, {{{1}, 1}, {{0}, 1}}, false})));
}
