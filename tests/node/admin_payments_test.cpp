// What head office books onto a card, once for each reference.
#include "ledger/card_sale.hpp"
#include "ledger/cards.hpp"
#include "node/office_desk.hpp"
#include "sync/medium.hpp"
#include "sync/text.hpp"

using namespace tally;
using nlohmann::json;
using test::with;

namespace {

using desk = test::office_desk;

const writer_id self{head_office, {{1, 2, 3, 4, 5, 6, 7, 8}}};

/// Head office has issued one card, of account 1: its medium.
std::string one_card(desk& d) {
  d.node.shown->self = self;
  auto medium = to_hex(medium_of("bakery", "9704000000000017"));
  d.post("cards/reserve", {{"count", 1}});
  d.post("cards/map", {{"first", 1}, {"kind", 1}, {"media", {medium}}});
  d.node.learn(d.node.written.back());
  return medium;
}

}  // namespace

TEST_CASE("a payment is booked once for each reference, whoever asks, and how", "[admin]") {
  desk d;
  d.node.shown->self = self;
  std::vector<bytes> media;
  d.post("cards/reserve", {{"count", 3}});
  for (int i = 0; i < 2; ++i) {
    media.push_back(medium_of("bakery", "970400000000001" + std::to_string(i)));
    d.post("cards/map", {{"first", 1 + i}, {"kind", 1}, {"media", {to_hex(media.back())}}});
    d.node.learn(d.node.written.back());
  }
  auto ask = [&](int card, const std::string& reference, amount value = 500) {
    return d.post("card/top-up", {{"medium", to_hex(media[static_cast<std::size_t>(card)])},
                                  {"amount", value},
                                  {"tender", "online"},
                                  {"reference", reference}});
  };
  CHECK(ask(0, "Shop-1")["booked_before"] == false);
  auto booked = d.node.written.back();
  CHECK(booked.blob == "Shop-1");
  for (const char* bad : {"", " x", "x ", "x\ny"}) {
    ask(0, bad);
    CHECK(d.status == 400);
  }
  auto keep = [&](std::vector<entry> list) {
    memory_state st;
    for (std::size_t i = 0; i < list.size(); ++i)
      if (list[i].kind == entry_kind::top_up)
        st.put(payment_key(list[i].blob), {static_cast<std::int64_t>(i), list[i].blob});
    d.node.keep_journal(self, list);
    d.node.put_cells(st);
  };
  booked.terminal = office_terminal;
  booked.counter = 1;
  entry old_number;
  old_number.kind = entry_kind::map_media;
  old_number.account = {1};
  old_number.medium = media[0];
  old_number.card_kind = 1;
  old_number.status = card_status::active;
  auto written = d.node.written.size();
  SECTION("at the same time") {
    d.node.meanwhile = [&] { keep({booked}); };
    CHECK(ask(0, "shop-1")["booked_before"] == true);
    CHECK(d.status == 200);
    // Another one that was first stays another one.
    CHECK(ask(1, "SHOP-1")["error"] == "key_reused");
    CHECK(d.node.written.size() == written);
  }
  SECTION("and what is refused for another reason is refused") {
    d.node.meanwhile = [] {};
    CHECK(ask(0, "shop-2")["error"] == "key_reused");
  }
  SECTION("under the number that the card had before") {
    keep({old_number, booked});
    d.post("card/replace", {{"medium", to_hex(media[0])}, {"replacement", std::string(32, 'a')}, {"dead", 3}});
    REQUIRE(d.status == 200);
    for (auto i = written; i < d.node.written.size(); ++i)
      d.node.learn(d.node.written[i]);
    written = d.node.written.size();
    CHECK(ask(0, "shop-1")["booked_before"] == true);
    CHECK(ask(0, "shop-1", 501)["error"] == "key_reused");
    CHECK(ask(1, "shop-1")["error"] == "key_reused");
    CHECK(d.node.written.size() == written);
  }
}

TEST_CASE("head office gives and takes units by hand", "[admin]") {
  desk d;
  rules_record r;
  r.version = 1;
  r.programme.purses.resize(2);
  for (std::uint32_t i = 0; i < 2; ++i) {
    auto& p = r.programme.purses[i];
    p.id = 2 + i;
    p.kind = i == 0 ? purse_kind::bonus : purse_kind::points;
    p.names[0] = i == 0 ? "Bonus" : "Points";
  }
  auto rules = std::make_shared<catalogue>();
  rules->add(r);
  d.node.shown->rules = rules;
  const auto medium = one_card(d);
  const json call{
      {"medium", medium}, {"units", "300"}, {"purse", 3}, {"reason", "opening day"}, {"reference", "Call-1"}};
  CHECK(d.post("card/adjust", call) ==
        json{{"account", 1}, {"units", 300}, {"purse", 3}, {"name", "Points"}, {"booked_before", false}});
  auto given = d.node.written.back();
  CHECK(given.earned == std::vector<value_item>{{3, unit_of(3), 0, 300}});
  CHECK(given.values.empty());
  CHECK(given.blob == "Call-1\nopening day");
  d.post("card/adjust", with(with(call, "units", "-5.50"), "purse", 2));
  CHECK(d.node.written.back().values == std::vector<value_item>{{2, unit_of(2), 0, 550}});
  CHECK(d.node.written.back().earned.empty());
  for (const auto& bad :
       {with(call, "units", "0"), with(call, "units", "5.50"), with(call, "units", "--5"), with(call, "units", 5),
        with(call, "units", ""), with(call, "reason", ""), with(call, "reason", "  "),
        with(call, "reason", std::string(note_max + 1, 'x')), with(call, "reason", "a\nb"), with(call, "reference", ""),
        with(call, "purse", 1), with(call, "purse", 256)}) {
    d.post("card/adjust", bad);
    CHECK(d.status == 400);
  }
  d.post("card/adjust", with(call, "purse", 9));
  CHECK(d.answer["error"] == "not_applicable");
  // The rules may split what is given into months.
  given.terminal = office_terminal;
  given.counter = 1;
  given.earned = {{3, unit_of(3), 202701, 100}, {3, unit_of(3), 202702, 200}};
  d.node.keep_journal(self, {given});
  memory_state st;
  st.put(adjustment_key("Call-1"), {0, given.blob});
  d.node.put_cells(st);
  CHECK(d.post("card/adjust", with(call, "reference", "CALL-1"))["booked_before"] == true);
  for (const auto& other : {with(call, "units", "301"), with(call, "units", "-300"), with(call, "reason", "why")})
    CHECK(d.post("card/adjust", other)["error"] == "key_reused");
}

TEST_CASE("head office pays out what is left on a card, once for each reference", "[admin]") {
  desk d;
  const auto medium = one_card(d);
  const json call{{"medium", medium}, {"amount", 500}, {"tender", "cash"}, {"reference", "Bank-1"}};
  CHECK(d.post("card/pay-out", call) == json{{"account", 1}, {"amount", 500}, {"booked_before", false}});
  auto out = d.node.written.back();
  CHECK(out.kind == entry_kind::hand_back);
  CHECK(out.tenders == std::vector<tender_item>{{tender_kind::cash, main_unit, 500}});
  CHECK(out.blob == "Bank-1");
  for (const auto& bad : {with(call, "amount", 0), with(call, "amount", "5"), with(call, "tender", "card"),
                          with(call, "reference", ""), with(call, "reference", " x"), with(call, "medium", "00")}) {
    d.post("card/pay-out", bad);
    CHECK(d.status == 400);
  }
  // What lay in which purse the node said when it wrote it.
  out.terminal = office_terminal;
  out.counter = 1;
  out.values = {{purse_paid, main_unit, 0, 200}, {purse_deposit, main_unit, 0, 300}};
  d.node.keep_journal(self, {out});
  memory_state st;
  st.put(payment_key("Bank-1"), {0, out.blob});
  d.node.put_cells(st);
  CHECK(d.post("card/pay-out", with(call, "reference", "BANK-1"))["booked_before"] == true);
  for (const auto& other : {with(call, "amount", 501), with(call, "tender", "transfer")})
    CHECK(d.post("card/pay-out", other)["error"] == "key_reused");
  // Where nobody has the number any more, by the account.
  const json by_account{{"account", 1}, {"amount", 500}, {"tender", "cash"}, {"reference", "bank-1"}};
  CHECK(d.post("card/pay-out", by_account)["booked_before"] == true);
  CHECK(d.post("card/pay-out", with(by_account, "account", 2))["error"] == "unknown_card");
  // A payment that came in has another name.
  CHECK(d.post("card/top-up", with(call, "tender", "online"))["error"] == "key_reused");
}
