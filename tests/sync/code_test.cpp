// One-time codes: head office's outbox, the store's box, and the letters between them.
#include <catch2/catch.hpp>

#include "sync/code_box.hpp"
#include "sync/code_letter.hpp"
#include "sync/outbox.hpp"

using namespace tally;

namespace {

constexpr unix_seconds noon = 1'795'000'000;
constexpr node_id store_a{3}, store_b{4};
constexpr account_id card_1{17}, card_2{18};

outbox_message send(outbox& box, unix_seconds now, node_id store, account_id card, std::uint64_t question) {
  auto m = box.next(now, store, card, question, 5'000, "42", "123456");
  (void)box.add(m);
  return m;
}
std::vector<std::uint64_t> numbers(const std::vector<outbox_message>& list) {
  std::vector<std::uint64_t> out;
  for (const auto& m : list)
    out.push_back(m.number);
  return out;
}

pin_verifier plain(std::string_view code) {
  pin_verifier v;
  std::copy(code.begin(), code.end(), v.hash.begin());
  return v;
}
std::optional<bool> compare(const pin_verifier& v, std::string_view text) { return v == plain(text); }

}  // namespace

TEST_CASE("messages are taken until they are delivered or too old", "[sync][code]") {
  outbox box;
  auto first = send(box, noon, store_a, card_1, 1), second = send(box, noon + 1, store_a, card_2, 2);
  CHECK(second.number > first.number);
  CHECK(first.expires == noon + 300);
  CHECK(numbers(box.take(noon + 2, 1)) == std::vector{first.number});
  CHECK(numbers(box.take(noon + 3, 9)) == std::vector{second.number});
  CHECK(box.take(noon + 4, 9).empty());  // both are being delivered
  auto done = box.done(first.number);
  REQUIRE(done);
  CHECK(done->code.empty());
  CHECK_FALSE(box.done(first.number));
  CHECK_FALSE(box.done(12));
  // Nobody said that the second was delivered.
  CHECK(numbers(box.take(noon + 63, 9)) == std::vector{second.number});
  CHECK(box.take(noon + 301, 9).empty());
  auto changes = box.look(noon + 301);
  CHECK(numbers(changes.store) == std::vector{second.number});
  CHECK(changes.store.front().code.empty());
  CHECK(changes.erase.empty());
  CHECK(box.waiting().empty());
  // What is only counted is erased after an hour; the newest stays, so that its number never comes again.
  CHECK(box.look(noon + 3601).erase == std::vector{first.number});
  auto later = box.next(noon - 86'400, store_a, card_1, 3, 1, "42", "000000");
  CHECK(later.number == second.number + 1);
}

TEST_CASE("a new code of a card at a store makes the one before void", "[sync][code]") {
  outbox box;
  auto old = send(box, noon, store_a, card_1, 1);
  auto elsewhere = send(box, noon, store_b, card_1, 2);
  auto m = box.next(noon + 5, store_a, card_1, 3, 900, "42", "654321");
  auto changed = box.add(m);
  REQUIRE(numbers(changed) == std::vector{old.number, m.number});
  CHECK(changed.front().code.empty());
  CHECK(numbers(box.waiting()) == std::vector{elsewhere.number, m.number});
  CHECK(box.served(store_a, 1));
  CHECK_FALSE(box.served(store_b, 1));
}

TEST_CASE("limits of a card, a store and the whole outbox", "[sync][code]") {
  outbox_limits limits;
  limits.per_card = 2;
  limits.per_store = 3;
  limits.waiting_max = 5;
  outbox box(limits);
  send(box, noon, store_a, card_1, 1);
  CHECK_FALSE(box.may_send(noon, store_a, card_1));
  send(box, noon + 10, store_b, card_1, 2);
  auto no = box.may_send(noon + 20, store_a, card_1);
  REQUIRE(no);
  CHECK(no->code == errc::busy);
  CHECK(no->wait == 3'580);
  // A clock that is set back a little makes it no wider; what is an hour old does not count.
  CHECK(box.may_send(noon - 100, store_a, card_1));
  CHECK_FALSE(box.may_send(noon + 3'600, store_a, card_1));
  send(box, noon + 20, store_a, card_2, 3);
  send(box, noon + 20, store_a, {19}, 4);
  CHECK(box.may_send(noon + 30, store_a, {20})->code == errc::busy);
  CHECK_FALSE(box.may_send(noon + 30, store_b, {20}));
  send(box, noon + 20, store_b, {20}, 5);
  CHECK(box.may_send(noon + 30, {5}, {21})->code == errc::full);
}

TEST_CASE("the outbox after a restart: numbers, counts and what waits", "[sync][code]") {
  outbox box, again;
  auto a = send(box, noon, store_a, card_1, 1), b = send(box, noon, store_a, card_2, 2);
  (void)box.take(noon + 1, 9);
  auto done = box.done(a.number);
  REQUIRE(done);
  for (auto m : {b, *done}) {
    m.taken = 0;  // is not stored
    auto octets = encode_outbox_message(m);
    auto read = decode_outbox_message(octets);
    REQUIRE(read.ok());
    CHECK(*read == m);
    again.restore(*read);
    for (std::size_t n = 0; n < octets.size(); ++n)
      CHECK(decode_outbox_message(byte_view(octets).substr(0, n)).code() == errc::corrupt);
    CHECK(decode_outbox_message(octets + "x").code() == errc::corrupt);
  }
  // It was taken, perhaps delivered, and comes again: at least once.
  CHECK(numbers(again.take(noon + 2, 9)) == std::vector{b.number});
  CHECK(again.served(store_a, 1));
  CHECK(again.next(noon, store_a, card_1, 3, 1, "42", "000000").number == b.number + 1);
  // A database that was lost gives no number again, once the clock has gone on.
  CHECK(outbox().next(noon + 60, store_a, card_1, 3, 1, "42", "000000").number > b.number);
}

TEST_CASE("a code is judged three times, of its card, in its time", "[sync][code]") {
  code_box box;
  using is = code_proof::verdict;
  till_key key{301, 7, 0};
  auto judge = [&](account_id card, std::string_view text, unix_seconds now = noon) {
    return box.judge(card, text, key, now, compare);
  };
  CHECK(judge(card_1, "123456").is == is::unknown);
  REQUIRE(box.put(card_1, 9, 5'000, noon + 300, plain("123456"), noon));
  CHECK(judge(card_2, "123456").is == is::unknown);
  auto right = judge(card_1, "123456");
  CHECK(right == code_proof{is::right, 9, 5'000, noon + 300, 3});
  CHECK(judge(card_1, "123456", noon + 300).is == is::unknown);
  auto wrong = judge(card_1, "000000");
  CHECK(wrong.is == is::wrong);
  CHECK(wrong.tries == 2);
  CHECK(judge(card_1, "000000").tries == 2);  // the same request again
  ++key.counter;
  CHECK(judge(card_1, "000000").tries == 1);
  CHECK(judge(card_1, "123456").is == is::right);
  ++key.counter;
  CHECK(judge(card_1, "000001").tries == 0);
  CHECK(judge(card_1, "000001").is == is::wrong);
  CHECK(judge(card_1, "123456").is == is::unknown);  // it is over, also for the right one
  REQUIRE(box.put(card_1, 10, 100, noon + 400, plain("222222"), noon + 50));
  CHECK(judge(card_1, "222222", noon + 60).number == 10);
  // An answer that was overtaken takes nothing back.
  REQUIRE(box.put(card_1, 8, 9'000, noon + 900, plain("333333"), noon + 60));
  CHECK(judge(card_1, "222222", noon + 60).number == 10);
}

TEST_CASE("the store's box is bounded, and what is old makes room", "[sync][code]") {
  code_box box;
  for (std::size_t i = 0; i < code_box::codes_max; ++i)
    REQUIRE(box.put({1 + i}, 1 + i, 1, noon + 300, plain("123456"), noon));
  CHECK_FALSE(box.put({99'999}, 99'999, 1, noon + 300, plain("123456"), noon));
  CHECK(box.put({1}, 100'000, 1, noon + 300, plain("123456"), noon));  // in place of an older one
  CHECK(box.put({99'999}, 100'001, 1, noon + 900, plain("123456"), noon + 300));
  CHECK(box.size() == 1);
}

TEST_CASE("letters about codes: round trip, truncated, out of bounds", "[sync][code]") {
  code_question q{0x0102030405060708, card_1, 5'000};
  code_answer a{.id = q.id, .number = 218'000'000, .seconds = 300, .ends_in = "42", .verifier = plain("123456")};
  CHECK(decode_code_question(encode_code_question(q)).value() == q);
  CHECK(decode_code_answer(encode_code_answer(a)).value() == a);
  CHECK(is_code_question(encode_code_question(q)));
  CHECK(is_code_answer(encode_code_answer(a)));
  CHECK_FALSE(is_code_question(encode_code_answer(a)));
  CHECK_FALSE(is_code_question(encode_pin_question({1, card_1, 1})));
  CHECK_FALSE(is_code_answer(encode_pin_answer({1, errc::busy})));
  CHECK_FALSE(is_code_answer(""));
  for (const auto& text : {encode_code_question(q), encode_code_answer(a)}) {
    for (std::size_t n = 0; n < text.size(); ++n) {
      CHECK_FALSE(decode_code_question(byte_view(text).substr(0, n)).ok());
      CHECK_FALSE(decode_code_answer(byte_view(text).substr(0, n)).ok());
    }
    CHECK_FALSE(decode_code_question(text + "x").ok());
    CHECK_FALSE(decode_code_answer(text + "x").ok());
  }
  q.up_to = -1;
  CHECK(decode_code_question(encode_code_question(q)).code() == errc::malformed);
  q.up_to = amount_max + 1;
  CHECK(decode_code_question(encode_code_question(q)).code() == errc::malformed);
  a.ends_in = "12345";
  CHECK(decode_code_answer(encode_code_answer(a)).code() == errc::malformed);
  a.ends_in = "42";
  a.number = 0;
  CHECK(decode_code_answer(encode_code_answer(a)).code() == errc::malformed);
  a.code = errc::busy;
  CHECK(decode_code_answer(encode_code_answer(a)).ok());
}
