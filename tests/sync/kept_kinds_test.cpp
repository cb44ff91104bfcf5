// Kinds of cards that go out of the rules, and cards that are made at the same moment.
#include "sync/kept_kinds.hpp"

#include "sync/programme_net.hpp"

using namespace tally;
using test::programme_net;

namespace {

struct kinds_net : programme_net {
  kinds_net()
      : programme_net([](rules_record& r) {
          r.programme.card_kinds = {{1, {"Card"}, {}, true, 0}, {2, {"Staff"}, {}, true, 0}};
        }) {}
  entry rules_without(std::uint32_t kind, std::uint64_t version) {
    auto r = *hq().st->ledger().rules().newest();
    r.version = version;
    std::erase_if(r.programme.card_kinds, [&](const card_kind_rule& k) { return k.id == kind; });
    return test::rules_fact(r);
  }
  static entry made(std::uint64_t account, std::uint32_t kind, card_status status = card_status::active) {
    entry e;
    e.kind = entry_kind::map_media;
    e.account = {account};
    e.medium = bytes(16, static_cast<char>(account));
    e.card_kind = kind;
    e.status = status;
    e.account_version = 1;
    return e;
  }
  /// Head office is told all of this before it writes any of it: one answer for each.
  std::vector<facts_answer> at_once(const std::vector<entry>& facts) {
    hq().seen.clear();
    for (const auto& f : facts)
      REQUIRE(hq().st->put(facts_request{++request, {f}}).ok());
    settle(hq());
    std::vector<facts_answer> out;
    for (const auto& e : hq().seen)
      if (const auto* a = std::get_if<facts_answer>(&e)) out.push_back(*a);
    REQUIRE(out.size() == facts.size());
    return out;
  }
  std::uint64_t version() { return hq().st->ledger().rules().newest()->version; }
  std::uint64_t request = 3'000'000;
};

}  // namespace

TEST_CASE("rules that leave out a kind come after a card of it that is not on the disk yet", "[sync][kinds]") {
  kinds_net net;
  auto a = net.at_once({net.made(101, 2), net.rules_without(2, 3)});
  CHECK(a[0].code == errc::ok);
  CHECK(a[1].code == errc::bad_rules);
  CHECK(a[1].detail.starts_with("card_kind 2 (Staff) is not in the file, and 1 card is of it"));
  CHECK(net.version() == 2);
  // The same when it is durable.
  CHECK(net.at_once({net.rules_without(2, 3)})[0].code == errc::bad_rules);
  CHECK(net.version() == 2);
}

TEST_CASE("a card of a kind comes after rules that leave it out", "[sync][kinds]") {
  kinds_net net;
  auto a = net.at_once({net.rules_without(2, 3), net.made(101, 2), net.made(102, 1)});
  CHECK(a[0].code == errc::ok);
  CHECK(a[1].code == errc::not_found);
  CHECK(a[1].detail == "rules version 3 has no [[card_kind]] 2, so no card becomes one of it");
  CHECK(a[2].code == errc::ok);
  CHECK_FALSE(card_of(net.hq().st->ledger().st(), {101}));
  auto changed = net.made(102, 2);
  changed.kind = entry_kind::card_state;
  changed.medium.clear();
  CHECK(net.at_once({changed})[0].code == errc::not_found);
}

TEST_CASE("cards that got another kind, or are over, keep no kind in the rules", "[sync][kinds]") {
  kinds_net net;
  auto state = [&](std::uint64_t account, std::uint32_t kind, card_status status) {
    auto e = net.made(account, kind, status);
    e.kind = entry_kind::card_state;
    e.medium.clear();
    e.account_version = 2;
    return e;
  };
  REQUIRE(net.publish({net.made(101, 2), net.made(102, 2)}).code == errc::ok);
  // Each is changed in the very group in which the rules come.
  auto a = net.at_once({state(101, 1, card_status::active), net.rules_without(2, 3),
                        state(102, 2, card_status::cancelled), net.rules_without(2, 3)});
  CHECK(a[0].code == errc::ok);
  CHECK(a[1].detail.starts_with("card_kind 2 (Staff) is not in the file, and 1 card is of it"));
  CHECK(a[2].code == errc::ok);
  CHECK(a[3].code == errc::ok);
  CHECK(net.version() == 3);
  // What is over may still be spoken of, and so may numbers that lead nowhere.
  CHECK(net.at_once({net.made(103, 2, card_status::cancelled)})[0].code == errc::ok);
}
