// What accounts owe in a small network: debts travel up and are paid from wherever units are given next, credited units
// are taken back, and goods of one sale that several stores took back are a case.
#include <catch2/catch.hpp>

#include <sstream>

#include "sync/debts_net.hpp"
#include "sync/hledger.hpp"
#include "sync/return_letter.hpp"
#include "sync/returned_goods.hpp"
#include "sync/settlement.hpp"

using namespace tally;
using test::debts_net;
using test::points_purse;
using test::station_net;
using test::why;

TEST_CASE("a debt at one store is paid from what another gives", "[sync][debt]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 10'000)) == errc::ok);  // 50 points
  auto sale = net.ask(a, net.sale(a, 50));          // 500 points
  REQUIRE(why(sale) == errc::ok);
  auto spend = net.sale(a, 2);
  spend.card = 100;
  spend.uses = {{points_purse, 100}};
  REQUIRE(why(net.ask(a, spend)) == errc::ok);
  CHECK(net.points(a) == 460);
  REQUIRE(why(net.ask(a, reverse_command{net.key(a), sale.seq}, true)) == errc::ok);
  CHECK(net.debt(a) + net.debts_everywhere() > 0);
  net.turn(16);
  CHECK(net.debt(a) == 0);  // it travelled up
  CHECK(net.debt(net.region()) == 0);
  CHECK(net.debt(net.hq()) == 40);
  CHECK(net.everywhere() == 0);

  REQUIRE(why(net.ask(b, net.sale(b, 3), true)) == errc::ok);  // 30 points at the other store
  net.turn(4);
  CHECK(net.debt(net.hq()) == 10);
  CHECK(net.everywhere() == 0);
  REQUIRE(why(net.ask(b, net.sale(b, 3), true)) == errc::ok);
  net.turn(4);
  CHECK(net.debts_everywhere() == 0);
  CHECK(net.everywhere() == 20);
  net.nothing_contested();
}

TEST_CASE("a dark store's debt waits, and so do the points that would pay it", "[sync][debt]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 10'000)) == errc::ok);
  auto sale = net.ask(a, net.sale(a, 10));
  REQUIRE(why(sale) == errc::ok);
  net.link(a, net.region(), false);
  auto spend = net.sale(a, 2);
  spend.card = 100;
  spend.uses = {{points_purse, 100}};
  REQUIRE(why(net.ask(a, spend)) == errc::ok);
  REQUIRE(why(net.ask(a, reverse_command{net.key(a), sale.seq})) == errc::ok);
  auto owed = net.debt(a);
  REQUIRE(owed > 0);
  REQUIRE(why(net.top_up(b, 20'000)) == errc::ok);  // 100 points
  net.turn(3);
  CHECK(net.debt(a) == owed);
  CHECK(net.points(b) == 100);
  net.link(a, net.region(), true);
  net.turn(16);  // the parent has had time to say that this is no old copy
  CHECK(net.debts_everywhere() == 0);
  CHECK(net.everywhere() == 100 - owed);
  net.nothing_contested();
}

TEST_CASE("a debt travels up although the region's word about what was written before the start was lost",
          "[sync][debt]") {
  debts_net net;
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 10'000)) == errc::ok);
  auto sale = net.ask(a, net.sale(a, 10));
  REQUIRE(why(sale) == errc::ok);
  net.sync();
  byte_writer word;
  word.u8('c');
  word.raw(stream_key(a.journal()));
  word.u32be(net.region().id.value);
  bytes older;
  REQUIRE(a.store.get(family::meta, word.view(), older) == lookup::found);
  auto spend = net.sale(a, 2);
  spend.card = 100;
  spend.uses = {{points_purse, 100}};
  REQUIRE(why(net.ask(a, spend)) == errc::ok);
  REQUIRE(why(net.ask(a, reverse_command{net.key(a), sale.seq})) == errc::ok);
  net.sync();
  REQUIRE(net.debt(a) > 0);
  REQUIRE(a.st->cosigned()->size == a.source->size(a.journal()));
  net.link(a, net.region(), false);
  kv_batch b;
  b.put(family::meta, word.view(), older);
  REQUIRE(a.store.commit(b, true).ok());
  net.open(a);
  net.link(a, net.region(), true);
  net.turn(16);
  CHECK(net.debt(a) == 0);
  CHECK(net.debt(net.hq()) > 0);
  net.nothing_contested();
}

TEST_CASE("a reversal asks for points that lie elsewhere before it makes a debt", "[sync][debt]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 10'000)) == errc::ok);
  auto sale = net.ask(a, net.sale(a, 50));
  REQUIRE(why(sale) == errc::ok);
  auto pull = net.sale(b, 4);
  pull.card = 200;
  pull.uses = {{points_purse, 200}};
  pull.tenders.clear();
  REQUIRE(why(net.ask(b, pull, true)) == errc::ok);
  // The rest of the points goes the same way, unspent.
  auto gather = net.sale(b, 2);
  gather.card = 0;
  gather.uses = {{points_purse, 350}};
  (void)net.ask(b, gather, true);
  auto here = net.points(a);
  REQUIRE(here < 500);
  REQUIRE(why(net.ask(a, reverse_command{net.key(a), sale.seq}, true)) == errc::ok);
  net.turn(16);
  CHECK(net.everywhere() == 0);
  // 50 of the top-up, 500 of the sale, 20 of the other store's sale; 200 were spent.
  CHECK(net.debts_everywhere() == 500 + 200 - 50 - 500 - 20);
  net.nothing_contested();
}

TEST_CASE("units that head office credited are taken back with the sale", "[sync][owed]") {
  debts_net net(100);
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 10'000)) == errc::ok);  // 50 points of the quota of 100
  auto sale = net.ask(a, net.sale(a, 9));           // 90 points: owed
  REQUIRE(why(sale) == errc::ok);
  CHECK(std::get<entry>(sale.outcome).owed.size() == 1);
  net.turn(3);
  CHECK(net.everywhere() == 140);
  REQUIRE(why(net.ask(a, net.own_back(a, sale.seq, 3), true)) == errc::ok);
  net.turn(4);
  CHECK(net.everywhere() - net.debts_everywhere() == 110);
  CHECK(net.debts_everywhere() == 0);
  REQUIRE(why(net.ask(a, net.own_back(a, sale.seq, 6), true)) == errc::ok);
  net.turn(4);
  CHECK(net.everywhere() == 50);
  net.nothing_contested();
}

TEST_CASE("a line that two stores gave back is a case at head office", "[sync][elsewhere]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  const auto sale = net.sold(a, 10'000, 5);
  net.link(a, net.region(), false);
  net.link(b, net.region(), false);
  REQUIRE(why(net.ask(b, net.back(b, a, sale.seq, 3))) == errc::ok);
  REQUIRE(why(net.ask(a, net.own_back(a, sale.seq, 2))) == errc::ok);
  net.link(a, net.region(), true);
  net.link(b, net.region(), true);
  net.turn(3);
  CHECK(net.hq().st->seen().open_cases().empty());  // five of five
  REQUIRE(why(net.ask(b, net.back(b, a, sale.seq, 1))) == errc::ok);
  net.turn(3);
  const auto& cases = net.hq().st->seen().open_cases();
  REQUIRE(cases.count(a.writer()) == 1);
  CHECK(cases.at(a.writer()).at(sale.seq) == errc::over_returned);
  net.open(net.hq());  // it is found again after a restart
  net.link(net.region(), net.hq(), true);
  CHECK(net.hq().st->seen().is_open_case(a.writer(), sale.seq));
  entry ruling;
  ruling.kind = entry_kind::ruling;
  ruling.subject = a.writer();
  ruling.cites = sale.seq;
  ruling.outcome = ruling_outcome::owed;
  REQUIRE(net.publish({ruling}).code == errc::ok);
  CHECK(net.hq().st->seen().open_cases().empty());
  net.turn();
  net.nothing_contested();
}

TEST_CASE("the refund comes to head office before the sale that it is of", "[sync][elsewhere]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 10'000)) == errc::ok);
  net.turn();
  net.link(a, net.region(), false);
  auto sale = net.ask(a, net.sale(a, 2));
  REQUIRE(why(sale) == errc::ok);
  REQUIRE(why(net.ask(b, net.back(b, a, sale.seq, 2))) == errc::ok);
  REQUIRE(why(net.ask(a, net.own_back(a, sale.seq, 1))) == errc::ok);
  net.turn();
  CHECK(net.hq().st->seen().open_cases().empty());
  net.link(a, net.region(), true);
  net.turn(3);
  CHECK(net.hq().st->seen().is_open_case(a.writer(), sale.seq));
}

TEST_CASE("a ruling about goods that came back too often bears what they cost, however often", "[sync][elsewhere]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  const auto sale = net.sold(a, 10'000, 5);  // 5.00
  net.dark(true);
  REQUIRE(why(net.ask(b, net.back(b, a, sale.seq, 5))) == errc::ok);
  REQUIRE(why(net.ask(a, net.own_back(a, sale.seq, 5))) == errc::ok);
  net.dark(false);
  net.turn(3);
  REQUIRE(net.hq().st->seen().is_open_case(a.writer(), sale.seq));
  entry ruling;
  ruling.kind = entry_kind::ruling;
  ruling.subject = a.writer();
  ruling.cites = sale.seq;
  ruling.outcome = ruling_outcome::owed;
  ruling.values = {{purse_paid, main_unit, 0, 501}};
  auto no = net.publish({ruling});
  CHECK(no.code == errc::bad_amount);
  CHECK(no.detail == "this case is about 5.00, what is owed and what is written off together");
  ruling.values = {{purse_paid, main_unit, 0, 500}};
  REQUIRE(net.publish({ruling}).code == errc::ok);
  net.turn();
  net.nothing_contested();
  // Four stores in place of two.
  returned_goods often;
  const auto& rules = net.hq().st->ledger().rules();
  for (auto [pieces, worth] : {std::pair(15, 1'500), std::pair(7, 700), std::pair(1, 100)}) {
    often.beyond = {{product_id{1}, pieces}};
    CHECK(beyond_worth(rules, often, net.entry_at(a, sale.seq)) == worth);
  }
}

/// Of five things, 1.00 each, three come back at another store and four at their own, both in the dark: two too many.
/// Returns the ruling `owed` about it, without a sum.
static entry seven_of_five_back(debts_net& net) {
  auto &a = net.at(3), &b = net.at(4);
  const auto sale = net.sold(a, 10'000, 5);
  net.dark(true);
  REQUIRE(why(net.ask(b, net.back(b, a, sale.seq, 3))) == errc::ok);
  REQUIRE(why(net.ask(a, net.own_back(a, sale.seq, 4))) == errc::ok);
  net.dark(false);
  net.turn(3);
  entry ruling;
  ruling.kind = entry_kind::ruling;
  ruling.subject = a.writer();
  ruling.cites = sale.seq;
  ruling.outcome = ruling_outcome::owed;
  return ruling;
}

TEST_CASE("a ruling about goods that came back too often says whose owner owes it", "[sync][elsewhere]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  auto ruling = seven_of_five_back(net);
  const auto sold_at = *ruling.cites;
  const auto& seen = net.hq().st->seen();
  REQUIRE(seen.is_open_case(a.writer(), sold_at));
  CHECK(seen.beyond_of(a.writer(), sold_at) == 200);  // two of the five that cost 1.00 each
  CHECK(seen.beyond_of(a.writer(), sold_at + 1) == 0);
  ruling.debtor = b.id;
  CHECK(net.publish({ruling}).code == errc::malformed);  // it says whose, and not how much
  ruling.values = {{purse_paid, main_unit, 0, 200}};
  for (std::uint32_t stranger : {1U, 2U, 77U}) {
    ruling.debtor = node_id{stranger};
    CHECK(net.publish({ruling}).code == errc::not_allowed);
  }
  const auto named = GENERATE(3U, 4U);
  ruling.debtor = node_id{named};
  REQUIRE(net.publish({ruling}).code == errc::ok);
  CHECK(seen.beyond_of(a.writer(), sold_at) == 0);
  net.turn();
  net.nothing_contested();
  net.audited();
  certificate_book everybody(std::string(net.chain), net.root(), net.with());
  for (std::uint32_t id = 1; id <= 4; ++id)
    REQUIRE(everybody.add(net.at(id).signed_cert).ok());
  settlement_options all;
  all.last_day = UINT32_MAX;
  auto settled = settle(net.hq().store, everybody, all);
  REQUIRE(settled.ok());
  CHECK(settled->nodes[node_id{named}].sums.ruled == 200);
  CHECK(settled->nodes[node_id{7 - named}].sums.ruled == 0);
  CHECK(settled->nodes[head_office].sums.ruled == -200);
  std::ostringstream books;
  REQUIRE(export_hledger(net.hq().store, books).ok());
  CHECK((books.str().find("contested:" + std::to_string(named)) != std::string::npos));
}

TEST_CASE("the audit names a debtor that had no part in what came back too often", "[sync][elsewhere][audit]") {
  debts_net net;
  auto ruling = seven_of_five_back(net);
  ruling.values = {{purse_paid, main_unit, 0, 200}};
  ruling.debtor = net.region().id;
  auto& office = net.hq().st->ledger();
  date_entry(ruling, office.st(), office.self(), net.now(), office.hq_time());
  REQUIRE(office.write(ruling).ok());  // as a head office that does not ask
  net.settle(net.hq());
  auto r = audit(net.hq().store, {std::string(net.chain), net.root()}, net.with(), {});
  REQUIRE(r.ok());
  REQUIRE(r->line("entitlement"));
  bool named = false;
  for (const auto& p : r->line("entitlement")->problems)
    named = named || p.found == "node 2";
  CHECK(named);
}

TEST_CASE("a sale that comes back in parts to two stores takes its voucher back once", "[sync][elsewhere]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 20'000)) == errc::ok);
  REQUIRE(why(net.ask(a, net.sale(a, 20))) == errc::ok);  // a voucher that stays
  auto sale = net.ask(a, net.sale(a, 20));                // 200 points and a voucher
  REQUIRE(why(sale) == errc::ok);
  net.sync();
  REQUIRE(net.vouchers_left() == 2);
  auto points = net.everywhere();
  net.dark(true);
  REQUIRE(why(net.ask(b, net.back(b, a, sale.seq, 7))) == errc::ok);
  REQUIRE(why(net.ask(a, net.own_back(a, sale.seq, 13))) == errc::ok);
  CHECK(net.vouchers_left() == 0);  // each took one
  net.dark(false);
  net.turn(20);
  CHECK(net.vouchers_left() == 1);
  CHECK(net.everywhere() - net.debts_everywhere() == points - 200);
  net.open(net.hq());  // nothing is given twice
  net.link(net.region(), net.hq(), true);
  net.turn(4);
  CHECK(net.vouchers_left() == 1);
  net.nothing_contested();
  net.audited();
}

TEST_CASE("a voucher that three stores took back is put back twice, which the audit finds right", "[sync][elsewhere]") {
  debts_net net(1'000'000, 1, 1);
  auto &a = net.at(3), &b = net.at(4), &c = net.at(5);
  REQUIRE(why(net.top_up(a, 20'000)) == errc::ok);
  REQUIRE(why(net.ask(a, net.sale(a, 20))) == errc::ok);  // vouchers that stay
  REQUIRE(why(net.ask(a, net.sale(a, 20))) == errc::ok);
  auto sale = net.ask(a, net.sale(a, 20));
  REQUIRE(why(sale) == errc::ok);
  net.sync();
  REQUIRE(net.vouchers_left() == 3);
  net.dark(true);
  REQUIRE(why(net.ask(b, net.back(b, a, sale.seq, 5))) == errc::ok);
  REQUIRE(why(net.ask(c, net.back(c, a, sale.seq, 5))) == errc::ok);
  REQUIRE(why(net.ask(a, net.own_back(a, sale.seq, 5))) == errc::ok);
  CHECK(net.vouchers_left() == 0);
  net.dark(false);
  net.turn(20);
  CHECK(net.vouchers_left() == 2);  // put back in one entry, which is more than the sale gave
  net.nothing_contested();
  net.audited();
}

TEST_CASE("units put back are taken again with the pieces that they went with", "[sync][elsewhere]") {
  debts_net net(1'000'000, 2);
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 20'000)) == errc::ok);
  auto sale = net.ask(a, net.sale(a, 20));  // two vouchers, one for each ten pieces
  REQUIRE(why(sale) == errc::ok);
  net.sync();
  net.dark(true);
  REQUIRE(why(net.ask(b, net.back(b, a, sale.seq, 1))) == errc::ok);
  REQUIRE(why(net.ask(a, net.own_back(a, sale.seq, 1))) == errc::ok);
  CHECK(net.vouchers_left() == 0);
  net.dark(false);
  net.turn(20);
  CHECK(net.vouchers_left() == 1);
  REQUIRE(why(net.ask(a, net.own_back(a, sale.seq, 9), true)) == errc::ok);
  net.turn(20);
  CHECK(net.vouchers_left() == 0);  // eleven pieces, though neither store's own part takes a second one
  net.nothing_contested();
  net.audited();
}

TEST_CASE("nothing is put back of a sale of which too much came back", "[sync][elsewhere]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  const auto sale = net.sold(a, 20'000, 20);
  net.dark(true);
  REQUIRE(why(net.ask(b, net.back(b, a, sale.seq, 20))) == errc::ok);
  REQUIRE(why(net.ask(a, net.own_back(a, sale.seq, 1))) == errc::ok);
  net.dark(false);
  net.turn(20);
  CHECK(net.hq().st->seen().is_open_case(a.writer(), sale.seq));
  CHECK(net.vouchers_left() == -1);
  net.nothing_contested();
}

TEST_CASE("with a line, what came back at another store does not come back again", "[sync][elsewhere]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  const auto sale = net.sold(a, 20'000, 5);
  auto own = [&](std::int64_t pieces) { return net.ask(a, net.own_back(a, sale.seq, pieces), true); };
  auto there = net.back(b, a, sale.seq, 3);
  REQUIRE(why(net.ask(b, there, true)) == errc::ok);
  net.sync();
  auto no = own(3);
  REQUIRE(why(no) == errc::already_reversed);
  CHECK(std::get<refusal>(no.outcome).why.detail == "of product 1 3 came back at other stores: 2 can be given back");
  CHECK(why(own(2)) == errc::ok);
  net.sync();
  CHECK(why(net.ask(b, net.back(b, a, sale.seq, 1), true)) == errc::already_reversed);
  // What was done before is answered as it was.
  auto again = net.ask(b, there, true);
  CHECK(why(again) == errc::ok);
  CHECK(again.repeated);
  net.turn(4);
  CHECK(net.hq().st->seen().open_cases().empty());
  net.nothing_contested();
}

TEST_CASE("a sale that was taken back at its store gives nothing back elsewhere", "[sync][elsewhere]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 20'000)) == errc::ok);
  auto sale = net.ask(a, net.sale(a, 5));
  REQUIRE(why(sale) == errc::ok);
  auto back = net.back(b, a, sale.seq, 1);
  REQUIRE(why(net.ask(a, reverse_command{net.key(a), sale.seq}, true)) == errc::ok);
  net.sync();
  CHECK(why(net.ask(b, back, true)) == errc::already_reversed);
}

TEST_CASE("head office that does not answer keeps no customer waiting for long", "[sync][elsewhere]") {
  debts_net net;
  auto &a = net.at(3), &b = net.at(4);
  const auto sale = net.sold(a, 20'000, 5);
  net.link(net.region(), net.hq(), false);
  auto back = net.back(b, a, sale.seq, 5);
  const std::uint64_t request = 1'000'001;
  REQUIRE(b.st->put(till_request{request, back, true}).ok());
  net.settle(b);
  net.sync();
  auto answered = [&] { return net.answer_of(b, request); };
  CHECK_FALSE(answered());
  CHECK(b.st->next_due() <= net.ticks() + 1'500);
  net.pass_time(1'600);
  net.sync();
  REQUIRE(answered());
  CHECK(why(*answered()) == errc::ok);  // as in the dark
}

TEST_CASE("letters about goods that came back: round trip, truncated, out of bounds", "[sync][elsewhere]") {
  const writer_id w{{3}, {{1, 2}}}, v{{4}, {{3}}};
  return_question q{77, w, v, 12, {{1}, {900}}};
  auto data = encode_return_question(q);
  CHECK_FALSE(decode_return_answer(data));
  REQUIRE(decode_return_question(data));
  CHECK(*decode_return_question(data) == q);
  return_answer a{77, true, {{{1}, 5}}, false};
  auto text = encode_return_answer(a);
  CHECK_FALSE(decode_return_question(text));
  REQUIRE(decode_return_answer(text));
  CHECK(*decode_return_answer(text) == a);
  for (std::size_t i = 0; i < data.size(); ++i)
    CHECK(decode_return_question(byte_view(data).substr(0, i)).code() == errc::malformed);
  for (std::size_t i = 0; i < text.size(); ++i)
    CHECK(decode_return_answer(byte_view(text).substr(0, i)).code() == errc::malformed);
  CHECK_FALSE(decode_return_question(data + "x"));
  CHECK_FALSE(decode_return_answer(text + "x"));
  q.products.clear();
  CHECK_FALSE(decode_return_question(encode_return_question(q)));
  q.products.assign(lines_max + 1, {1});
  CHECK_FALSE(decode_return_question(encode_return_question(q)));
  a.pieces = {{{1}, 0}};
  CHECK_FALSE(decode_return_answer(encode_return_answer(a)));
}
