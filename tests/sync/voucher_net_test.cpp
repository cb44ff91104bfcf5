// Vouchers with codes and cards at risk, in a small network: what stores without a line took meets what head office
// has.
#include <catch2/catch.hpp>

#include "sync/audit.hpp"
#include "sync/programme_net.hpp"
#include "sync/settlement.hpp"
#include "sync/voucher_code.hpp"

using namespace tally;
using test::five_off;
using test::station_net;
using test::why;

namespace {

constexpr account_id voucher{5'001};

struct voucher_net : test::programme_net {
  voucher_net()
      : programme_net([](rules_record& r) {
          r.programme.earns.clear();
          r.programme.risk_budget = 5'000;
          card_kind_rule k{1, {"Member"}, {}, true, 0};
          k.risk_sale = 800;
          k.risk_total = 1'000;
          r.programme.card_kinds = {k};
        }) {
    turn(4);  // the stores have their budgets
  }
  void grant() {
    entry e;
    e.kind = entry_kind::voucher_grant;
    e.account = voucher;
    e.earned = {{five_off, unit_of(five_off), 0, 1}};
    e.blob = "spring";
    REQUIRE(publish({e}).code == errc::ok);
    turn();
  }
  sale_command coupon(node& n) {
    auto c = sale(n, 10, voucher);
    c.card = 0;
    c.uses = {{five_off, 1}};
    c.tenders = {{tender_kind::cash, main_unit, 500}};
    c.genuine = true;
    c.bearer = {five_off, 1, 0};
    return c;
  }
  /// A gift certificate of 10.00, with the code of the voucher.
  void certificate() {
    entry e;
    e.kind = entry_kind::voucher_grant;
    e.account = voucher;
    e.values = {{purse_paid, main_unit, 0, 1'000}};
    e.tenders = {{tender_kind::transfer, main_unit, 1'000}};
    REQUIRE(publish({e}).code == errc::ok);
    turn();
  }
  till_answer pay(node& n, std::int64_t things) {
    auto c = sale(n, things, voucher);
    c.genuine = true;
    c.bearer = {purse_paid, 1'000, 0};
    return ask(n, c);
  }
  /// What owners of that node owe by rulings.
  amount ruled(node& n) {
    auto r = tally::settle(hq().store, *hq().certificates, {0, UINT32_MAX, {}});
    REQUIRE(r);
    return r->nodes.at(n.id).sums.ruled;
  }
  amount budget(node& n) { return -n.st->ledger().st().balance(quota_account(n.writer(), risk_of(main_unit))); }
  amount debts(account_id account, std::uint32_t purse) {
    amount sum = 0;
    for (std::uint32_t id = 1; id <= 4; ++id)
      sum += debt_of(at(id).st->ledger().st(), at(id).writer(), account, purse);
    return sum;
  }
  void both(bool up) {
    link(at(3), region(), up);
    link(at(4), region(), up);
  }
  std::size_t found_by_audit() {
    auto r = audit(hq().store, {std::string(chain), root()}, with(), {});
    REQUIRE(r);
    std::size_t n = 0;
    for (const auto& line : r->lines)
      for (const auto& p : line.problems) {
        INFO(p.where << " " << p.expected << " " << p.found);
        CHECK(p.expected.find("code of voucher") != std::string::npos);
        ++n;
      }
    return n;
  }
};

}  // namespace

TEST_CASE("a voucher's code that one dark store took is paid from head office's units", "[sync][voucher]") {
  voucher_net net;
  net.grant();
  auto& a = net.at(3);
  CHECK(net.budget(a) == 5'000);
  net.both(false);
  auto sold = net.ask(a, net.coupon(a));
  REQUIRE(why(sold) == errc::ok);
  CHECK(std::get<entry>(sold.outcome).risk == 500);
  CHECK(net.budget(a) == 4'500);
  CHECK(why(net.ask(a, net.coupon(a))) == errc::voucher_used);
  net.both(true);
  net.turn(16);
  CHECK(net.debts(voucher, five_off) == 0);
  CHECK(holding(net.hq().st->ledger().st(), net.hq().writer(), voucher, five_off) == 0);
  CHECK(net.hq().st->seen().open_cases().empty());
  // With a line the other store hears that nothing is left.
  CHECK(why(net.ask(net.at(4), net.coupon(net.at(4)), true)) == errc::voucher_used);
  net.nothing_contested();
  CHECK(net.found_by_audit() == 0);
  // The settlement reads the journals again, and prices what was at risk as head office did.
  auto settled = settle(net.hq().store, *net.hq().certificates, {0, UINT32_MAX, {}});
  REQUIRE(settled);
  CHECK(settled->contested == 0);
}

TEST_CASE("what was taken in the dark is not given again, though its debt is still below", "[sync][voucher]") {
  voucher_net net;
  net.grant();
  auto &a = net.at(3), &b = net.at(4);
  net.both(false);
  REQUIRE(why(net.ask(a, net.coupon(a))) == errc::ok);
  net.both(true);
  net.sync();  // head office has the entry, and nobody has looked after debts
  REQUIRE(holding(net.hq().st->ledger().st(), net.hq().writer(), voucher, five_off) == 1);
  CHECK(why(net.ask(b, net.coupon(b), true)) == errc::voucher_used);
  net.turn(16);
  CHECK(net.debts(voucher, five_off) == 0);
  CHECK(net.hq().st->seen().open_cases().empty());
  net.nothing_contested();
}

TEST_CASE("many accounts that owe and cannot pay keep nobody else's debts back", "[sync][risk]") {
  voucher_net net;
  auto& a = net.at(3);
  std::vector<entry> facts;
  for (std::uint64_t i = 0; i < 130; ++i) {
    entry e;
    e.kind = entry_kind::map_media;
    e.account = {100 + i};
    e.medium = bytes(8, 'm') + bytes(8, static_cast<char>(i));
    e.card_kind = 1;
    e.status = card_status::active;
    e.account_version = 1;
    facts.push_back(e);
  }
  REQUIRE(net.publish(facts).code == errc::ok);
  net.grant();
  net.link(a, net.region(), false);
  std::size_t lent = 0;
  for (std::uint64_t i = 0; i < 130; ++i) {
    auto c = net.sale(a, 1, account_id{100 + i});
    lent += why(net.ask(a, c)) == errc::ok ? 1U : 0U;
  }
  CHECK(lent == 50);     // of 1.00 each, the budget
  auto next_day = [&] {  // the budget is filled up again
    net.link(a, net.region(), true);
    net.turn(16);
    net.pass_time(86'400'000);
    net.turn(16);
    net.link(a, net.region(), false);
  };
  next_day();
  for (std::uint64_t i = 0; i < 130; ++i)
    lent += why(net.ask(a, net.sale(a, 1, account_id{229 - i}))) == errc::ok ? 1U : 0U;
  CHECK(lent == 100);
  next_day();
  REQUIRE(why(net.ask(a, net.coupon(a))) == errc::ok);
  net.link(a, net.region(), true);
  net.turn(16);
  CHECK(net.debts(voucher, five_off) == 0);
}

TEST_CASE("with a line the units come, and no budget is used", "[sync][voucher]") {
  voucher_net net;
  net.grant();
  auto &a = net.at(3), &b = net.at(4);
  auto sold = net.ask(a, net.coupon(a), true);
  REQUIRE(why(sold) == errc::ok);
  CHECK(std::get<entry>(sold.outcome).risk == 0);
  CHECK(net.budget(a) == 5'000);
  net.both(false);
  // The other store cannot know: it takes it at its own risk, and that alone is a case.
  auto again = net.ask(b, net.coupon(b));
  REQUIRE(why(again) == errc::ok);
  net.both(true);
  net.turn(16);
  const auto& cases = net.hq().st->seen().open_cases();
  REQUIRE(cases.size() == 1);
  CHECK(cases.at(b.writer()).at(again.seq) == errc::voucher_used);
  CHECK(net.debts(voucher, five_off) == 1);
  CHECK(net.found_by_audit() == 1);
  net.nothing_contested();
}

TEST_CASE("a voucher's code that two dark stores took is a case at both, and ruled about", "[sync][voucher]") {
  voucher_net net;
  net.grant();
  auto &a = net.at(3), &b = net.at(4);
  net.both(false);
  auto first = net.ask(a, net.coupon(a)), second = net.ask(b, net.coupon(b));
  REQUIRE(why(first) == errc::ok);
  REQUIRE(why(second) == errc::ok);
  net.both(true);
  net.turn(16);
  CHECK(net.debts(voucher, five_off) == 1);  // one is paid
  CHECK(net.hq().st->seen().is_open_case(a.writer(), first.seq));
  CHECK(net.hq().st->seen().is_open_case(b.writer(), second.seq));
  net.open(net.hq());  // found again after a restart
  net.link(net.region(), net.hq(), true);
  CHECK(net.hq().st->seen().is_open_case(b.writer(), second.seq));
  CHECK(net.found_by_audit() == 2);
  // One loss: each names both, and a ruling about one is about both.
  using uses = std::vector<std::pair<writer_id, sequence>>;
  const uses both{{a.writer(), first.seq}, {b.writer(), second.seq}};
  const auto *of_first = net.hq().st->seen().same_case(a.writer(), first.seq),
             *of_second = net.hq().st->seen().same_case(b.writer(), second.seq);
  REQUIRE(of_first);
  CHECK(of_first->first == both);
  CHECK(of_first->all == 2);
  CHECK(of_second == of_first);
  entry ruling;
  ruling.kind = entry_kind::ruling;
  ruling.subject = b.writer();
  ruling.cites = second.seq;
  ruling.outcome = ruling_outcome::owed;
  REQUIRE(net.publish({ruling}).code == errc::ok);
  CHECK(net.hq().st->seen().open_cases().empty());
  CHECK(net.hq().st->seen().same_case(a.writer(), first.seq) == nullptr);
  CHECK(net.found_by_audit() == 0);
  ruling.subject = a.writer();
  ruling.cites = first.seq;
  CHECK(net.publish({ruling}).code == errc::not_found);
  net.open(net.hq());  // and stays so
  net.link(net.region(), net.hq(), true);
  CHECK(net.hq().st->seen().open_cases().empty());
  // The first store takes its sale back: one use is left, as head office granted.
  REQUIRE(why(net.ask(a, reverse_command{net.key(a), first.seq}, true)) == errc::ok);
  net.turn(16);
  CHECK(net.hq().st->seen().open_cases().empty());
  CHECK(net.found_by_audit() == 0);
  net.nothing_contested();
}

TEST_CASE("each entry that took some at risk is a case, and none that was reversed", "[sync][voucher]") {
  voucher_net net;
  auto &a = net.at(3), &b = net.at(4);
  net.certificate();
  net.both(false);
  REQUIRE(why(net.pay(b, 10)) == errc::ok);
  auto first = net.pay(a, 6), second = net.pay(a, 4);
  REQUIRE(why(first) == errc::ok);
  REQUIRE(why(second) == errc::ok);
  net.both(true);
  net.turn(16);
  auto open = [&](const till_answer& x) { return net.hq().st->seen().is_open_case(a.writer(), x.seq); };
  CHECK(open(first));
  CHECK(open(second));
  CHECK(net.found_by_audit() == 3);
  REQUIRE(why(net.ask(a, reverse_command{net.key(a), second.seq}, true)) == errc::ok);
  net.turn(4);
  CHECK(open(first));
  CHECK_FALSE(open(second));
  net.open(net.hq());
  net.link(net.region(), net.hq(), true);
  CHECK(open(first));
  CHECK_FALSE(open(second));
  CHECK(net.found_by_audit() == 2);
  REQUIRE(why(net.ask(a, reverse_command{net.key(a), first.seq}, true)) == errc::ok);
  net.turn(16);
  CHECK(net.hq().st->seen().open_cases().empty());
  CHECK(net.found_by_audit() == 0);
  net.nothing_contested();
}

TEST_CASE("a ruling about a voucher's use charges what was lost, not what was taken there", "[sync][voucher]") {
  voucher_net net;
  auto &a = net.at(3), &b = net.at(4);
  net.certificate();
  net.both(false);
  const auto whole = net.pay(b, 10), part = net.pay(a, 6);  // 16.00 of 10.00
  REQUIRE(why(whole) == errc::ok);
  REQUIRE(why(part) == errc::ok);
  net.both(true);
  net.turn(16);
  REQUIRE(net.hq().st->seen().is_open_case(b.writer(), whole.seq));
  auto ruling = test::ruling_about(b.writer(), whole.seq, ruling_outcome::owed);
  ruling.values = {{purse_paid, main_unit, 0, 601}};
  CHECK(net.publish({ruling}).code == errc::bad_amount);
  ruling.values.clear();
  REQUIRE(net.publish({ruling}).code == errc::ok);
  CHECK(net.hq().st->seen().open_cases().empty());
  CHECK(net.ruled(b) == 600);
  CHECK(net.found_by_audit() == 0);
}

TEST_CASE("rulings about several uses of one code charge the loss once, together", "[sync][voucher]") {
  voucher_net net;
  auto &a = net.at(3), &b = net.at(4);
  net.certificate();
  net.both(false);
  const auto whole = net.pay(b, 8), first = net.pay(a, 6), second = net.pay(a, 4);  // 18.00 of 10.00
  for (const auto& x : {whole, first, second})
    REQUIRE(why(x) == errc::ok);
  net.both(true);
  net.turn(16);
  REQUIRE(net.publish({test::ruling_about(a.writer(), first.seq, ruling_outcome::owed)}).code == errc::ok);
  CHECK(net.ruled(a) == 600);
  // 2.00 of the 8.00 are nobody's yet, whoever is asked for them.
  REQUIRE(net.hq().st->seen().is_open_case(a.writer(), second.seq));
  net.open(net.hq());  // and stay so
  net.link(net.region(), net.hq(), true);
  auto ruling = test::ruling_about(b.writer(), whole.seq, ruling_outcome::owed);
  ruling.values = {{purse_paid, main_unit, 0, 201}};
  CHECK(net.publish({ruling}).code == errc::bad_amount);
  ruling.values.clear();
  REQUIRE(net.publish({ruling}).code == errc::ok);
  CHECK(net.ruled(b) == 200);
  CHECK(net.hq().st->seen().open_cases().empty());
  CHECK(net.found_by_audit() == 0);
}

TEST_CASE("a code that head office never granted is a case wherever it was taken", "[sync][voucher]") {
  voucher_net net;
  auto& a = net.at(3);
  net.both(false);
  auto sold = net.ask(a, net.coupon(a));
  REQUIRE(why(sold) == errc::ok);
  net.both(true);
  net.turn(16);
  CHECK(net.hq().st->seen().is_open_case(a.writer(), sold.seq));
}

TEST_CASE("what a dark store let a card spend is covered by what lies elsewhere", "[sync][risk]") {
  voucher_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(b, 2'000)) == errc::ok);
  net.turn();
  net.link(a, net.region(), false);
  auto sold = net.ask(a, net.sale(a, 7));
  REQUIRE(why(sold) == errc::ok);
  CHECK(std::get<entry>(sold.outcome).risk == 700);
  CHECK(why(net.ask(a, net.sale(a, 4))) == errc::insufficient);         // risk_total
  CHECK(why(net.ask(b, net.sale(b, 21), true)) == errc::insufficient);  // nobody is at risk with a line
  net.link(a, net.region(), true);
  net.turn(20);
  CHECK(net.debts(station_net::card, purse_paid) == 0);
  amount left = 0;
  for (std::uint32_t id = 1; id <= 4; ++id)
    left += holding(net.at(id).st->ledger().st(), net.at(id).writer(), station_net::card);
  CHECK(left == 1'300);
  CHECK(net.budget(a) == 4'300);  // a quarter is used before more is sent
  net.nothing_contested();
  CHECK(net.found_by_audit() == 0);
}

TEST_CASE("a parent that does not answer is as good as no line", "[sync][risk]") {
  voucher_net net;
  auto& a = net.at(3);
  auto c = net.sale(a, 5);
  auto waits = net.ask(a, c, true);
  CHECK(why(waits) == errc::insufficient);  // everybody was asked, and nothing is there
}

TEST_CASE("a region that is dark itself knows nothing of a voucher", "[sync][voucher]") {
  voucher_net net;
  net.grant();
  auto &a = net.at(3), &b = net.at(4);
  net.link(net.region(), net.hq(), false);
  auto sold = net.ask(a, net.coupon(a), true);
  REQUIRE(why(sold) == errc::ok);
  CHECK(std::get<entry>(sold.outcome).risk == 500);
  net.link(net.region(), net.hq(), true);
  net.turn(16);
  CHECK(why(net.ask(b, net.coupon(b), true)) == errc::voucher_used);
  CHECK(net.debts(voucher, five_off) == 0);
  CHECK(net.hq().st->seen().open_cases().empty());
}

TEST_CASE("codes of vouchers: one spelling, one chain, one key", "[voucher][code]") {
  auto key_of = [](std::uint8_t n) {
    std::array<std::uint8_t, 32> seed{};
    seed.fill(n);
    return signing_key_from_seed(seed);
  };
  const ed25519_signer hq(key_of(1)), other(key_of(2));
  const ed25519_signer* keys = &hq;
  const ed25519_verifier with;
  const voucher_code v{voucher, {five_off, 1, 2'600}};
  const auto text = make_voucher_code(*keys, "net", v);
  CHECK(looks_like_voucher_code(text));
  CHECK(text.size() <= voucher_code_text_max);
  auto back = verify_voucher_code(text, "net", keys->key(), with);
  REQUIRE(back);
  CHECK(*back == v);
  CHECK(verify_voucher_code(text, "other", keys->key(), with).code() == errc::bad_signature);
  CHECK(verify_voucher_code(text, "net", other.key(), with).code() == errc::bad_signature);
  for (std::size_t n = 0; n < text.size(); ++n) {
    CHECK_FALSE(verify_voucher_code(text.substr(0, n), "net", keys->key(), with));
    auto bent = text;
    bent[n] = bent[n] == 'A' ? 'B' : 'A';
    CHECK_FALSE(verify_voucher_code(bent, "net", keys->key(), with));
  }
  CHECK_FALSE(verify_voucher_code(text + "A", "net", keys->key(), with));
}
