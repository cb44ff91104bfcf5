// What a till is told of the code of a voucher: what can be had of it now, and its name on a receipt.
#include <catch2/catch.hpp>

#include "http_desk.hpp"
#include "ledger/kinds.hpp"
#include "node/notice_words.hpp"
#include "node/ticket.hpp"
#include "storage/memory_kv.hpp"

using namespace tally;
using test::desk;

TEST_CASE("without a line a voucher's code promises what can be had of it here", "[node][http][voucher]") {
  desk d;
  auto s = *d.node.snapshot();
  const known_card code{{42}, "V42", true, {}, {purse_paid, 1'000, 0}};
  memory_state st;
  s.link_up = true;
  CHECK(promised_by(s, st, code) == 1'000);
  s.link_up = false;
  CHECK(promised_by(s, st, code) == 0);  // the store may take nothing at risk
  st.set_balance(quota_account(s.self, risk_of(main_unit)), -300);
  CHECK(promised_by(s, st, code) == 300);
  st.set_balance(hold_account(s.self, {42}, purse_paid, 0, main_unit), -200);
  CHECK(promised_by(s, st, code) == 500);
  st.set_balance(quota_account(s.self, risk_of(main_unit)), -5'000);
  CHECK(promised_by(s, st, code) == 1'000);
  const known_card card{{7}, "**** 3931", false, {}, {}};
  CHECK(promised_by(s, st, card) == 0);
}

TEST_CASE("a receipt names a voucher as its sale did", "[node][ticket][voucher]") {
  memory_kv store;
  catalogue rules;
  const writer_id w{{3}, {{1}}};
  entry e;
  e.kind = entry_kind::gift;
  e.account = {42};
  e.to_account = {7};
  e.bearer = 1'000;
  e.values = {{purse_paid, main_unit, 0, 1'000}};
  auto r = describe_receipt(e, w, 5, rules, store, "Store A", language::en);
  REQUIRE(r);
  CHECK(r->masked == "card V42");
  e.bearer = 0;
  CHECK(describe_receipt(e, w, 5, rules, store, "Store A", language::en)->masked == "card 42");
}

TEST_CASE("a member reads what expires and until when, in each language", "[node][notice]") {
  auto text = [](language words) { return expiry_text(words, "Points", "120", "2027-01-31"); };
  CHECK(text(language::en) ==
        "Points on your member card: up to 120 are good until 2027-01-31 and then expire. Use them in time.");
  CHECK(text(language::zh_hans) == "您的会员卡中最多有 120（Points）将于 2027-01-31 后失效，请及时使用。");
  CHECK(text(language::zh_hant) == "您的會員卡中最多有 120（Points）將於 2027-01-31 後失效，請及時使用。");
  CHECK(text(language::ko) ==
        "회원 카드의 Points 중 최대 120이(가) 2027-01-31 이후 소멸됩니다. 그 전에 사용해 주세요.");
  const localized names{"Points", "积分", "", "포인트"};
  CHECK(name_of(names, language::ko) == "포인트");
  CHECK(name_of(names, language::zh_hant) == "Points");
}
