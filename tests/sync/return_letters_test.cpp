// Letters about goods that came back: read by the two ends alone, and whoever passes them on changes nothing.
#include <catch2/catch.hpp>

#include "sync/debts_net.hpp"
#include "sync/member_seal.hpp"
#include "sync/return_letter.hpp"

using namespace tally;
using test::alarmed;
using test::debts_net;
using test::station_net;
using test::why;

namespace {

/// A store asks head office about a sale of another, and the letters are in the hands of the region.
struct letters_net : debts_net {
  letters_net() {
    sale = sold(at(3), 20'000, 5).seq;
    REQUIRE(why(ask(at(3), own_back(at(3), sale, 4))) == errc::ok);
    sync();
    link(region(), hq(), false);
    forget();
  }
  /// The question as the region has it from the store.
  letter_message asked(std::int64_t pieces) {
    auto& b = at(4);
    REQUIRE(b.st->put(till_request{++request, back(b, at(3), sale, pieces), true}).ok());
    settle(b);
    letter_message out;
    for (const auto& e : b.seen)
      if (const auto* m = std::get_if<to_neighbour>(&e))
        if (const auto* l = std::get_if<letter_message>(&m->what)) out = *l;
    REQUIRE(out.to == head_office);
    return out;
  }
  /// What head office answers when such a letter comes.
  std::optional<letter_message> answer_to(const letter_message& m) {
    hq().seen.clear();
    link(region(), hq(), true);
    REQUIRE(hq().st->put(control_arrival{region().id, m}).ok());
    settle(hq());
    std::optional<letter_message> out;
    for (const auto& e : hq().seen)
      if (const auto* to = std::get_if<to_neighbour>(&e))
        if (const auto* l = std::get_if<letter_message>(&to->what)) out = *l;
    return out;
  }
  void told(const letter_message& m) {
    REQUIRE(at(4).st->put(control_arrival{region().id, m}).ok());
    settle(at(4));
  }
  std::optional<till_answer> answered() { return answer_of(at(4), request); }
  /// Nobody answered in time: as without a line.
  void in_the_dark() {
    CHECK_FALSE(answered());
    pass_time(1'600);
    settle(at(4));
    REQUIRE(answered());
    CHECK(why(*answered()) == errc::ok);
  }

  sequence sale = 0;
  std::uint64_t request = 2'000'000;
};

}  // namespace

TEST_CASE("what a store asks about a sale the region cannot read, and head office's answer neither",
          "[sync][elsewhere][letters]") {
  letters_net net;
  auto q = net.asked(2);
  auto sealed = return_letter(q.body);
  REQUIRE(sealed);
  CHECK_FALSE(decode_return_question(*sealed));
  CHECK_FALSE(open_letter(net.region().curve, net.at(4).curve.pub, *sealed));
  auto a = net.answer_to(q);
  REQUIRE(a);
  CHECK(a->to == net.at(4).id);
  CHECK_FALSE(open_letter(net.region().curve, net.hq().curve.pub, *return_letter(a->body)));
  net.told(*a);
  REQUIRE(net.answered());
  CHECK(why(*net.answered()) == errc::already_reversed);  // one of five is left
  CHECK_FALSE(alarmed(net.at(4), errc::bad_proof));
}

TEST_CASE("an answer about goods that the region made up is refused, named, and nobody goes by it",
          "[sync][elsewhere][letters][thief]") {
  letters_net net;
  auto& b = net.at(4);
  auto q = net.asked(2);
  auto id = decode_return_question(*open_letter(net.hq().curve, b.curve.pub, *return_letter(q.body)))->id;
  auto lie = encode_return_answer({id, true, {}, false});
  SECTION("as it was sent before letters were sealed") { net.told({head_office, b.id, lie}); }
  SECTION("without a seal") {
    net.told({head_office, b.id, as_return_letter(lie)});
    CHECK(alarmed(b, errc::bad_proof));
  }
  SECTION("sealed with keys of its own") {
    auto sealed = seal_letter(net.region().curve, b.curve.pub, lie, *net.region().random);
    net.told({head_office, b.id, as_return_letter(sealed)});
    CHECK(alarmed(b, errc::bad_proof));
  }
  SECTION("the store's own question, sent back") {
    net.told({head_office, b.id, q.body});
    CHECK(alarmed(b, errc::bad_proof));
  }
  SECTION("head office's own answer, changed") {
    auto a = net.answer_to(q);
    REQUIRE(a);
    for (auto at : {a->body.size() - 1, a->body.size() / 2, std::size_t{9}}) {
      auto changed = *a;
      changed.body[at] = static_cast<char>(changed.body[at] ^ 1);
      net.told(changed);
    }
    CHECK(alarmed(b, errc::bad_proof));
  }
  SECTION("cut off") {
    net.told({head_office, b.id, q.body.substr(0, 12)});
    CHECK(alarmed(b, errc::bad_proof));
  }
  net.in_the_dark();
}

TEST_CASE("an answer to another question, or the same one again, changes nothing",
          "[sync][elsewhere][letters][thief]") {
  letters_net net;
  auto first = net.answer_to(net.asked(2));
  REQUIRE(first);
  net.told(*first);
  REQUIRE(net.answered());
  net.link(net.region(), net.hq(), false);
  (void)net.asked(2);
  net.told(*first);
  net.in_the_dark();
  CHECK_FALSE(alarmed(net.at(4), errc::bad_proof));
}

TEST_CASE("head office answers no question that its store did not seal", "[sync][elsewhere][letters][thief]") {
  letters_net net;
  auto q = net.asked(2);
  auto text = open_letter(net.hq().curve, net.at(4).curve.pub, *return_letter(q.body));
  REQUIRE(text);
  SECTION("in clear") {
    auto lie = q;
    lie.body = as_return_letter(*text);
    CHECK_FALSE(net.answer_to(lie));
  }
  SECTION("in another store's name") {
    auto lie = q;
    lie.from = net.at(3).id;
    CHECK_FALSE(net.answer_to(lie));
  }
  SECTION("sealed by one store about what another asks") {
    auto lie = q;
    lie.from = net.at(3).id;
    lie.body = as_return_letter(seal_letter(net.at(3).curve, net.hq().curve.pub, *text, *net.at(3).random));
    CHECK_FALSE(net.answer_to(lie));
  }
  CHECK(alarmed(net.hq(), errc::bad_proof));
  // Named once a minute, not for each letter.
  (void)net.answer_to({net.at(4).id, head_office, as_return_letter("x")});
  CHECK_FALSE(alarmed(net.hq(), errc::bad_proof));
  net.pass_time(61'000);
  (void)net.answer_to({net.at(4).id, head_office, as_return_letter("x")});
  CHECK(alarmed(net.hq(), errc::bad_proof));
}
