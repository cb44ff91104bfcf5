// What the outbox carries besides codes: notices and vouchers; their records, bounds and who had which.
#include <catch2/catch.hpp>

#include "sync/notice.hpp"
#include "sync/outbox.hpp"
#include "sync/sent_vouchers.hpp"

using namespace tally;

namespace {

constexpr unix_seconds midday = 1'795'000'000, a_day = 86'400;
constexpr node_id asking_store{3};
constexpr account_id card_a{17}, card_b{18}, member_a{900}, member_b{901};

outbox_message note(outbox& box, unix_seconds now, account_id card, std::string origin = "", unix_seconds expires = 0) {
  outbox_message m;
  m.kind = message_kind::level;
  m.card = card;
  m.to = 2;
  m.origin = std::move(origin);
  m.expires = expires;
  m = box.next_notice(now, m);
  CHECK(box.add(m) == std::vector{m});
  return m;
}
std::vector<std::uint64_t> numbers_of(const std::vector<outbox_message>& list) {
  std::vector<std::uint64_t> out;
  for (const auto& m : list)
    out.push_back(m.number);
  return out;
}

sent_voucher sent(std::uint64_t voucher, account_id card, account_id member, std::uint32_t until = 0) {
  return {.voucher = {voucher}, .card = card, .member = member, .batch = "spring", .until = until, .at = midday};
}

}  // namespace

TEST_CASE("notices wait behind codes, until they are delivered or too old", "[sync][notice]") {
  outbox box;
  auto old = note(box, midday, card_a, "a"), last = note(box, midday, card_b, "b", midday + a_day);
  auto code = box.next(midday, asking_store, card_a, 1, 5'000, "42", "123456");
  (void)box.add(code);
  CHECK(old.expires == midday + 7 * a_day);
  CHECK(last.expires == midday + a_day);
  CHECK(box.has("a"));
  CHECK_FALSE(box.has("c"));
  CHECK(numbers_of(box.take(midday + 1, 2)) == std::vector{code.number, old.number});
  CHECK(numbers_of(box.take(midday + 1, 9)) == std::vector{last.number});
  CHECK(box.take(midday + 2, 9).empty());
  CHECK(numbers_of(box.take(midday + 62, 9)) == std::vector{code.number, old.number, last.number});
  auto done = box.done(old.number);
  REQUIRE(done);
  CHECK(done->over);
  CHECK_FALSE(box.done(old.number));
  // A notice does not end by a clock that is set back; a code does.
  auto back = box.look(midday - 10);
  CHECK(numbers_of(back.store) == std::vector{code.number});
  CHECK(back.erase == std::vector{old.number});
  CHECK(numbers_of(box.take(midday - 10, 9)) == std::vector{last.number});
  auto later = box.look(midday + a_day);
  CHECK(numbers_of(later.store) == std::vector{last.number});
  CHECK(later.store.front().over);
  CHECK(box.waiting().empty());
  CHECK(box.look(midday + a_day).erase == std::vector{last.number});
}

TEST_CASE("notices are bounded for a card and in all, and are never in the way of codes", "[sync][notice]") {
  outbox_limits limits;
  limits.notices_per_card = 2;
  limits.notices_max = 3;
  limits.kept_max = 3;
  outbox box(limits);
  CHECK(box.may_note(card_a) == errc::ok);
  auto first = note(box, midday, card_a);
  CHECK_FALSE(box.more_than_half_full());
  (void)note(box, midday, card_a);
  CHECK(box.may_note(card_a) == errc::busy);
  CHECK(box.may_note(card_b) == errc::ok);
  CHECK(box.more_than_half_full());
  (void)note(box, midday, card_b);
  CHECK(box.may_note(card_b) == errc::full);
  CHECK_FALSE(box.may_send(midday, asking_store, card_a));
  REQUIRE(box.done(first.number));
  CHECK(box.may_note(card_a) == errc::ok);
}

TEST_CASE("records of notices: round trip, a restart, damaged ones", "[sync][notice]") {
  outbox box;
  outbox_message m;
  m.kind = message_kind::voucher;
  m.card = card_a;
  m.member = member_a;
  m.voucher = {77};
  m.up_to = 500;
  m.day = 20'900;
  m.from = 1;
  m.to = 2;
  m.origin = std::string(24, '\1');
  m = box.next_notice(midday, m);
  auto data = encode_outbox_message(m);
  auto back = decode_outbox_message(data);
  REQUIRE(back);
  CHECK(*back == m);
  for (std::size_t n = 0; n < data.size(); ++n)
    CHECK(decode_outbox_message(byte_view(data).substr(0, n)).code() == errc::corrupt);
  CHECK(decode_outbox_message(data + "x").code() == errc::corrupt);
  auto other = data;
  other[1] = 5;  // no such kind
  CHECK(decode_outbox_message(other).code() == errc::corrupt);
  m.origin = std::string(33, 'x');
  CHECK(decode_outbox_message(encode_outbox_message(m)).code() == errc::corrupt);
  outbox again;
  again.restore(*back);
  CHECK(again.waiting() == std::vector{*back});
  CHECK(again.next_notice(midday - a_day, {}).number == back->number + 1);

  notice n{.kind = notice_kind::fee, .card = card_a, .at = midday, .from = 1, .to = 2, .fee = 200, .day = 20'900};
  auto written = encode_notice(n);
  REQUIRE(decode_notice(written));
  CHECK(*decode_notice(written) == n);
  for (std::size_t i = 0; i < written.size(); ++i)
    CHECK(decode_notice(byte_view(written).substr(0, i)).code() == errc::corrupt);
  written[1] = 4;
  CHECK(decode_notice(written).code() == errc::corrupt);
  epoch_id life;
  life.value[0] = 1;
  CHECK(level_notice_key(card_a, life, 202'711) != fee_notice_key(card_a, 202'711));
  CHECK(expiry_notice_key(card_a, 3, 202'711) != fee_notice_key(card_a, 202'711));
  CHECK(expiry_notice_key(card_a, 3, 202'711) != expiry_notice_key(card_a, 4, 202'711));
  n.kind = notice_kind::expiry;
  CHECK(decode_notice(encode_notice(n)).value() == n);
  CHECK(level_notice_key(card_a, life, 5) != level_notice_key(card_a, life, 6));
}

TEST_CASE("a voucher is one member's, and a member has one of a batch", "[sync][notice]") {
  sent_vouchers all;
  all.put(sent(50, card_a, member_a));
  const std::vector own{card_a}, two{card_a, card_b}, other{card_b};
  REQUIRE(all.had("spring", member_a, own));
  CHECK(all.had("spring", member_a, other)->voucher == account_id{50});  // whichever card it is
  CHECK(all.had("spring", member_b, two)->voucher == account_id{50});    // a member that took another's card over
  CHECK_FALSE(all.had("spring", member_b, other));
  CHECK_FALSE(all.had("may", member_a, own));
  REQUIRE(all.find({50}));
  CHECK_FALSE(all.find({51}));
  // What became of it takes its place.
  auto changed = sent(50, card_a, member_a);
  changed.state = sent_state::too_old;
  all.put(changed);
  CHECK(all.size() == 1);
  CHECK(all.find({50})->state == sent_state::too_old);
  // It is forgotten when nobody can use it any more, and only then.
  all.put(sent(51, card_b, member_b, 20'900));
  CHECK(all.forget_old(20'900 + sent_vouchers::kept_days, 9).empty());
  CHECK(all.forget_old(20'901 + sent_vouchers::kept_days, 9) == std::vector{account_id{51}});
  CHECK_FALSE(all.had("spring", member_b, other));
  CHECK(all.had("spring", member_a, own));
}

TEST_CASE("records of vouchers that were sent: round trip and damaged ones", "[sync][notice]") {
  auto v = sent(50, card_a, member_a, 20'900);
  v.state = sent_state::dropped;
  auto data = encode_sent_voucher(v);
  REQUIRE(decode_sent_voucher(data));
  CHECK(*decode_sent_voucher(data) == v);
  for (std::size_t n = 0; n < data.size(); ++n)
    CHECK(decode_sent_voucher(byte_view(data).substr(0, n)).code() == errc::corrupt);
  CHECK(decode_sent_voucher(data + "x").code() == errc::corrupt);
  for (char state : {'\0', '\5'}) {
    auto bad = data;
    bad[1] = state;
    CHECK(decode_sent_voucher(bad).code() == errc::corrupt);
  }
  v.batch = std::string(31, 'b');
  CHECK(decode_sent_voucher(encode_sent_voucher(v)).code() == errc::corrupt);
  CHECK(decode_sent_voucher(encode_sent_voucher(sent(50, card_a, {}))).code() == errc::corrupt);
}
