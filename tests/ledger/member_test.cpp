#include "ledger/member.hpp"

#include <catch2/catch.hpp>

#include "fixture.hpp"
#include "ledger/han.hpp"
#include "ledger/member_search.hpp"
#include "ledger/member_state.hpp"
#include "ledger/member_text.hpp"
#include "ledger/pinyin.hpp"

using namespace tally;
using namespace tally::test;

namespace {

const auto today = day_of(noon);

member_profile person(std::string name, std::vector<std::string> phones = {}) {
  member_profile p;
  p.name = std::move(name);
  p.phones = std::move(phones);
  return p;
}

bool finds(const member_profile& p, std::string_view query) {
  auto q = parse_member_query(query);
  REQUIRE(q);
  bool meant = matches(p, *q);
  // Whatever matches can be found by the index's tokens.
  auto own = tokens_of(p);
  auto has = [&](const std::string& t) { return std::find(own.begin(), own.end(), t) != own.end(); };
  bool found = true;
  for (const auto& t : tokens_of(*q))
    found = found && has(t);
  for (const auto& d : q->digits) {
    auto either = digit_tokens(d);
    found = found && (has(either[0]) || has(either[1]));
  }
  if (meant) CHECK(found);
  return meant;
}

status check_name(std::string name) {
  member_change c;
  c.name = std::move(name);
  return check_member(c, today);
}

}  // namespace

TEST_CASE("a form holds what people are called, and nothing that plays tricks", "[ledger][member]") {
  for (const char* good : {"王小明", "김철수", "José Ñandú", "O'Brien-Smith", "Nguyễn Thị Minh Khai", "Владимир",
                           "محمد", "山田 太郎", "👩 Ann", ""})
    CHECK(check_name(good).ok());
  for (std::string bad : {std::string("a\0b", 3),
                          std::string("tab\there"),
                          std::string("new\nline"),
                          std::string("\x7f"),
                          std::string("\xc2\x85"),
                          std::string("rtl\u202eevil"),
                          std::string("\u2066iso"),
                          std::string("\u200fmark"),
                          std::string("zero\u200bwidth"),
                          std::string("\ufeffbom"),
                          std::string("\ue000private"),
                          std::string("\ufdd0"),
                          std::string("\U000e0041tag"),
                          std::string("\u2028line"),
                          std::string("\xc0\xaf"),
                          std::string("\xed\xa0\x80"),
                          std::string("\xf4\x90\x80\x80"),
                          std::string("\xe7\x8e"),
                          std::string("\xff"),
                          std::string(" edge"),
                          std::string("edge\u3000"),
                          std::string("\u0301a"),
                          std::string("a\u0301\u0301\u0301\u0301\u0301"),
                          std::string(121, 'a')})
    CHECK(check_name(bad).code() == errc::malformed);
  CHECK(is_clean_text("two\nlines", true));
  CHECK_FALSE(is_clean_text("two\nlines"));
}

TEST_CASE("dates, numbers, addresses and pictures that cannot be are refused by name", "[ledger][member]") {
  for (const char* good : {"", "1990-02-28", "2000-02-29", "--02-29", "1900-01-01"})
    CHECK(birth_text(*parse_birth(good)) == good);
  for (const char* bad : {"1990-02-30", "2001-02-29", "1990-13-01", "1990-00-10", "1990-1-1", "1899-12-31", "90-02-28",
                          "--13-01", "19900228", "1990-02-28 ", "０９-01-01", "-1990-02-28"})
    CHECK_FALSE(parse_birth(bad));
  member_change c;
  c.born = parse_birth("2026-11-23");
  CHECK(check_member(c, today).error().detail.find("birthday") == 0);
  c = {};
  c.children = {{*parse_birth("2027-01-01"), member_sex::female}};
  CHECK(check_member(c, today).code() == errc::malformed);
  c.children = std::vector<member_child>(13);
  CHECK(check_member(c, today).code() == errc::malformed);

  CHECK(normal_phone("+86 (138) 0013-8000") == "+8613800138000");
  for (const char* bad : {"12", "+", "1+2345", "phone", "123456789012345678901", "138０0138000", ""})
    CHECK_FALSE(normal_phone(bad));
  for (const char* bad : {"", "a", "@b", "a@", "a@b@c", "a b@c", "a@b,c@d", "<a@b>"}) {
    c = {};
    c.emails = {bad};
    CHECK(check_member(c, today).code() == errc::malformed);
  }
  auto photo = [&](bytes octets) {
    member_change p;
    p.photo = std::move(octets);
    return check_member(p, today).code();
  };
  CHECK(photo("\xFF\xD8\xFF\xE0" + bytes(20'000, 'x')) == errc::ok);
  CHECK(photo("") == errc::ok);
  CHECK(photo("\xFF\xD8\xFF\xE0" + bytes(24'000, 'x')) == errc::malformed);
  CHECK(photo("<svg onload=alert(1)>") == errc::malformed);
  c = {};
  c.consents = 1U << 5;
  CHECK(check_member(c, today).code() == errc::malformed);
  c = {};
  c.cards = {account_id{4}, account_id{4}};
  CHECK(check_member(c, today).code() == errc::malformed);
}

TEST_CASE("a change says what it changes and nothing else", "[ledger][member]") {
  auto p = person("Ann Lee", {"5550100"});
  p.consents = 3;
  member_change c;
  c.phones.emplace();
  c.address = "1 Main Street";
  auto q = p;
  apply_change(q, c);
  CHECK(q.phones.empty());
  CHECK(q.name == "Ann Lee");
  CHECK(q.consents == 3);
  CHECK(difference(p, q) == c);
  CHECK(difference(p, p).empty());
  member_profile again;
  apply_change(again, change_of(q));
  CHECK(again == q);

  // A photo goes with the consent to it, and is not taken without.
  member_change photo, withdrawn;
  photo.photo = "\xFF\xD8\xFF";
  CHECK(check_photo(again, photo).code() == errc::not_allowed);
  photo.consents = 3 | consent_photo;
  CHECK(check_photo(again, photo).ok());
  apply_change(again, photo);
  CHECK_FALSE(again.photo.empty());
  photo.consents.reset();
  CHECK(check_photo(again, photo).ok());
  withdrawn.consents = 3;
  apply_change(again, withdrawn);
  CHECK(again.photo.empty());
  CHECK(again.consents == 3);

  auto other = person("Lee Ann", {"5550199"});
  other.cards = {account_id{18}};
  other.consents = consents_all;
  other.photo = "\xFF\xD8\xFF";
  p.cards = {account_id{17}};
  auto one = merged(p, other);
  CHECK(one.name == "Ann Lee");
  CHECK(one.phones == std::vector<std::string>{"5550100", "5550199"});
  CHECK(one.cards == std::vector<account_id>{{17}, {18}});
  CHECK(one.consents == 3);
  CHECK(one.photo.empty());
  CHECK(merged(one, other) == one);
}

TEST_CASE("members are found by parts of names in any script and by last digits", "[ledger][member]") {
  auto wang = person("王小明", {"+8613800138000"});
  for (const char* q : {"王", "小", "明", "王小", "小明", "王小明", "８０００", "8000", "138000", "+86138",
                        "13800138000", " 小明 ", "王小明 8000"})
    CHECK(finds(wang, q));
  for (const char* q : {"明小", "王明", "李", "9999", "0013", "王小明 9999"})
    CHECK_FALSE(finds(wang, q));

  auto kim = person("김철수", {"01012345678"});
  for (const char* q : {"김", "철수", "ㄱㅊㅅ", "ㅊㅅ", "ㄱ", "5678", "0101", "\u1100\u1175\u11b7"})  // 김 taken apart
    CHECK(finds(kim, q));
  for (const char* q : {"ㅅㅊ", "박", "수철", "ㄱㅅ"})
    CHECK_FALSE(finds(kim, q));

  auto jose = person("José María Núñez", {});
  jose.emails = {"Jose.Nunez@Example.com"};
  for (const char* q : {"jose", "JOSÉ", "nun", "maria nunez", "nunez jos", "Ｊｏｓé", "jose.nunez@example.com"})
    CHECK(finds(jose, q));
  for (const char* q : {"ose", "pedro", "jose pedro", "nunez@example.com"})
    CHECK_FALSE(finds(jose, q));

  CHECK(finds(person("ヤマダ タロウ"), "やまだ"));
  for (std::string bad :
       {std::string(), std::string("  "), std::string("--"), std::string("\xff"), std::string(121, 'a')})
    CHECK(parse_member_query(bad).code() == errc::malformed);
}

TEST_CASE("Chinese names are found by pinyin", "[ledger][member]") {
  auto zhang = person("张伟", {});
  for (const char* q : {"zhang wei", "zhangwei", "zw", "ZHANG", "zhangw", "wei", "z w", "Wěi", "张 wei"})
    CHECK(finds(zhang, q));
  for (const char* q : {"hang", "zhangweiwei", "wz", "zhang li", "李 wei", "ei"})
    CHECK_FALSE(finds(zhang, q));
  CHECK(finds(person("張偉", {}), "zhangwei"));  // Traditional
  // Surnames that are read in their own way, names with a syllable that keyboards write in two, several readings.
  for (const char* q : {"zengguofan", "cengguo", "zgf", "guofan"})
    CHECK(finds(person("曾国藩", {}), q));
  for (const char* q : {"shanxiong", "danxiong"})
    CHECK(finds(person("单雄", {}), q));
  for (const char* q : {"lvna", "luna", "lüna"})
    CHECK(finds(person("吕娜", {}), q));
  // A name in letters, and a Korean one, are what they were.
  CHECK_FALSE(finds(person("김철수", {}), "kim"));
  CHECK_FALSE(finds(person("Zhou Li", {}), "zl"));
  CHECK(pinyin_of(U'张') == std::vector<std::string_view>{"zhang"});
  CHECK(pinyin_of(U'김').empty());
  CHECK(pinyin_of(U'a').empty());
  CHECK(pinyin_spellings(U"").empty());
  // However long a name is, and however many readings it has, what is kept of it is bounded.
  CHECK(pinyin_spellings(std::u32string(40, U'长')).size() <= 40 * 2 * pinyin_ways_max);
}

TEST_CASE("every reading is a syllable of a character that is looked up", "[ledger][member]") {
  std::size_t read = 0;
  for (char32_t c = 0x4E00; c <= 0x9FFF; ++c) {
    auto readings = pinyin_of(c);
    for (std::size_t i = 0; i < readings.size(); ++i) {
      INFO(encode_utf8(std::u32string(1, c)));
      REQUIRE((readings[i].size() >= 1 && readings[i].size() <= 6));
      REQUIRE(std::ranges::all_of(readings[i], [](char l) { return l >= 'a' && l <= 'z'; }));
      REQUIRE(std::ranges::count(readings, readings[i]) == 1);
    }
    // A Traditional character is looked up as its Simplified one.
    if (!readings.empty()) REQUIRE(simplified(c) == c);
    read += readings.empty() ? 0 : 1;
  }
  CHECK(read == 18'066);
}

TEST_CASE("Simplified and Traditional characters are found as one", "[ledger][member]") {
  auto hans = person("陈国张"), hant = person("陳國張"), mixed = person("陳国張");
  for (const char* q : {"陈国张", "陳國張", "陈國", "国张", "國張", "张", "張", "陈", "陳", "国", "國"})
    for (const auto* p : {&hans, &hant, &mixed})
      CHECK(finds(*p, q));
  for (const char* q : {"章", "程", "郭", "國陳"})
    CHECK_FALSE(finds(hant, q));
  // Several Traditional characters with one Simplified form, each by each.
  for (const char* q : {"发", "發", "髮"})
    for (const char* name : {"王发", "王發", "王髮"})
      CHECK(finds(person(name), q));
  // What is neither stays what it is, and the name itself is as it was typed.
  CHECK(fold_text(U"김철수 José やまだ 王小明") == U"김철수 jose やまだ 王小明");
  CHECK(hant.name == "陳國張");

  auto a = person("張國"), b = person("张国");
  a.born = b.born = {1990, 2, 28};
  CHECK(identity_tokens(a) == identity_tokens(b));
}

TEST_CASE("the Simplified form of a character is its own", "[ledger][member]") {
  std::size_t pairs = 0;
  char32_t first = 0, last = 0;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    auto s = simplified(c);
    if (s != c) ++pairs, last = c;
    if (s != c && first == 0) first = c;
    if (simplified(s) != s || is_unspaced(c) != is_unspaced(s)) FAIL("character " << static_cast<std::uint32_t>(c));
  }
  CHECK(pairs == 2'852);
  CHECK(simplified(first) != first);
  CHECK(simplified(last) != last);
  CHECK(simplified(U'張') == U'张');
  CHECK(simplified(U'龜') == U'龟');
  CHECK(simplified(U'「') == U'「');
}

TEST_CASE("one telephone number, or one name and birthday, make look-alikes", "[ledger][member]") {
  auto common = [](const member_profile& a, const member_profile& b) {
    auto x = identity_tokens(a), y = identity_tokens(b);
    return std::any_of(x.begin(), x.end(), [&](const auto& t) { return std::find(y.begin(), y.end(), t) != y.end(); });
  };
  CHECK(common(person("A", {"+8613800138000"}), person("B", {"13800138000"})));
  CHECK_FALSE(common(person("A", {"13800138000"}), person("A", {"13800138001"})));
  auto a = person("Ann Lee"), b = person("ANN  LEE");
  CHECK_FALSE(common(a, b));
  a.born = b.born = {1990, 2, 28};
  CHECK(common(a, b));
  b.born.year = 0;
  CHECK_FALSE(common(a, b));
}

namespace {

entry profile_entry(account_id member, std::uint64_t version) {
  entry e;
  e.kind = entry_kind::profile;
  e.account = member;
  e.account_version = version;
  e.blob = "sealed";
  return e;
}
entry claim_entry(account_id member, std::uint64_t number) {
  entry e;
  e.kind = entry_kind::profile_claim;
  e.account = member;
  e.serial = number;
  e.blob = "sealed";
  return e;
}
entry erasure_entry(account_id member) {
  entry e;
  e.kind = entry_kind::erase_member;
  e.account = member;
  return e;
}

errc say(state& s, const writer_id& w, node_role role, sequence seq, const entry& e, bool watched = false) {
  entry_place at{.writer = w, .role = role, .seq = seq, .watched = watched};
  auto postings = judge(e, at, s);
  if (!postings) return postings.code();
  CHECK(postings->empty());
  REQUIRE(apply(e, at, *postings, s).ok());
  return errc::ok;
}

}  // namespace

TEST_CASE("profiles count up, and an erasure is the last word", "[ledger][member]") {
  memory_state s;
  const account_id m{1201};
  auto hq_says = [&](sequence seq, const entry& e) { return say(s, hq, node_role::hq, seq, e); };
  CHECK(hq_says(1, erasure_entry(m)) == errc::not_found);
  CHECK(hq_says(1, profile_entry(m, 2)) == errc::gap);
  CHECK(hq_says(1, profile_entry(m, 1)) == errc::ok);
  CHECK(hq_says(2, profile_entry(m, 1)) == errc::gap);  // the same again, or an older one
  CHECK(hq_says(2, profile_entry(m, 2)) == errc::ok);
  CHECK(member_of(s, m)->version == 2);
  CHECK(member_of(s, m)->at == 2);
  CHECK(member_of(s, m)->epoch == hq.epoch);
  CHECK(hq_says(3, erasure_entry(m)) == errc::ok);
  CHECK(hq_says(4, profile_entry(m, 3)) == errc::not_allowed);
  CHECK(hq_says(4, erasure_entry(m)) == errc::not_allowed);
  CHECK(member_of(s, m)->erased);
  CHECK(say(s, store_a, node_role::store, 1, profile_entry(m, 3)) == errc::not_entitled);
  CHECK(say(s, store_a, node_role::store, 1, erasure_entry(m)) == errc::not_entitled);

  memory_state store;
  apply_directory(erasure_entry(m), store);
  CHECK(member_of(store, m)->erased);
}

TEST_CASE("a store's claims count up, and stay open until head office publishes one", "[ledger][member]") {
  memory_state own, seen;
  const account_id m{1201};
  for (bool watched : {false, true}) {
    auto& s = watched ? seen : own;
    CHECK(say(s, store_a, node_role::store, 5, claim_entry(m, 2), watched) == errc::gap);
    for (std::uint64_t n = 1; n <= claims_kept_max + 3; ++n)
      CHECK(say(s, store_a, node_role::store, 4 + n, claim_entry(m, n), watched) == errc::ok);
    CHECK(say(s, store_a, node_role::store, 50, claim_entry(m, 1), watched) == errc::gap);
    CHECK(say(s, hq, node_role::hq, 50, claim_entry(m, 1), watched) == errc::not_entitled);
  }
  auto record = claims_of(own, store_a, m);
  CHECK(record.newest == claims_kept_max + 3);
  CHECK(record.last.size() == claims_kept_max);
  CHECK(record.last.back() == 4 + claims_kept_max + 3);
  auto open = open_claim_key(store_a, 5, false);
  CHECK(seen.find(open)->n == 1201);

  auto answer = profile_entry(m, 1);
  answer.subject = store_a;
  CHECK(say(own, hq, node_role::hq, 7, answer) == errc::malformed);  // a subject without a claim
  answer.cites = 5;
  CHECK(say(seen, hq, node_role::hq, 7, answer, true) == errc::ok);
  CHECK_FALSE(seen.find(open));
  // The answer may be met before its claim, and nothing is left of the two either.
  memory_state other_way;
  CHECK(say(other_way, hq, node_role::hq, 7, answer, true) == errc::ok);
  CHECK(say(other_way, store_a, node_role::store, 5, claim_entry(m, 1), true) == errc::ok);
  CHECK_FALSE(other_way.find(open));
  CHECK_FALSE(other_way.find(open_claim_key(store_a, 5, true)));
  memory_state head_office_own;
  CHECK(say(head_office_own, hq, node_role::hq, 7, answer) == errc::ok);
  CHECK(claims_published(head_office_own, store_a, m) == 6);
  CHECK(claims_published(head_office_own, store_b, m) == 0);
}
