// What leads to a card: its numbers and its codes, and how they end together.
#include "sync/card_media.hpp"

#include <algorithm>

#include "ledger/cards.hpp"
#include "node/office.hpp"
#include "node/office_desk.hpp"
#include "storage/kv_state.hpp"
#include "sync/card_qr.hpp"
#include "sync/medium.hpp"
#include "sync/text.hpp"

using namespace tally;
using nlohmann::json;
using test::with;
using desk = test::office_desk;

TEST_CASE("with a card's number every other one that leads to it ends", "[admin]") {
  for (const char* named : {"9704000000000017", "9704000000000033"}) {
    desk d;
    const std::string chain = "bakery", telephone = "9704000000000017", plastic = "9704000000000033";
    const auto fresh = medium_of(chain, "9704000000000025");
    auto leads_to = [&](const auto& medium) {
      auto a = account_of(durable_state(d.node.store()), medium);
      return a ? a->value : 0;
    };
    d.post("cards/reserve", {{"count", 3}});
    d.post(
        "cards/map",
        {{"first", 1}, {"kind", 3}, {"media", {to_hex(medium_of(chain, telephone)), to_hex(medium_of(chain, "2"))}}});
    auto made = d.node.written.front();  // head office keeps only the digest of the number that it made
    made.medium = bytes(medium_of(chain, plastic));
    for (const auto& e : d.node.written)
      d.node.learn(e);
    d.node.learn(made);
    REQUIRE(leads_to(medium_of(chain, plastic)) == 1);
    d.post("card/code", {{"medium", to_hex(medium_of(chain, plastic))}});
    d.node.learn(d.node.written.back());
    const auto before = d.node.written.size();
    d.post("card/replace", {{"medium", to_hex(medium_of(chain, named))}, {"replacement", to_hex(fresh)}, {"dead", 3}});
    REQUIRE(d.status == 200);
    // The new number first, so that no power cut leaves the card without any.
    CHECK(d.node.written.at(before).medium == fresh);
    for (auto i = before; i < d.node.written.size(); ++i)
      d.node.learn(d.node.written[i]);
    CHECK(leads_to(fresh) == 1);
    CHECK(leads_to(medium_of(chain, telephone)) == 3);
    CHECK(leads_to(medium_of(chain, plastic)) == 3);
    CHECK(leads_to(code_medium(chain, {1}, 0)) == 3);
    CHECK(leads_to(code_medium(chain, {1}, 1)) == 3);
    CHECK(leads_to(medium_of(chain, "2")) == 2);  // another card's
    CHECK(card_of(durable_state(d.node.store()), {3})->status == card_status::cancelled);
    CHECK(card_of(durable_state(d.node.store()), {1})->status == card_status::active);
  }
}

TEST_CASE("what leads to a card is changed by one at a time", "[admin]") {
  desk d;
  const json card{{"medium", to_hex(medium_of("bakery", "9704000000000017"))}};
  d.post("cards/reserve", {{"count", 3}});
  d.post("cards/map", {{"first", 1}, {"kind", 3}, {"media", {card["medium"], std::string(32, '7')}}});
  for (const auto& e : d.node.written)
    d.node.learn(e);
  d.context.media_changing = {{1}};
  const auto replace = with(with(card, "replacement", std::string(32, '5')), "dead", 3);
  for (const auto& [path, body] : {std::pair("card/code", card), std::pair("card/codes/void", with(card, "dead", 3)),
                                   std::pair("card/replace", replace)}) {
    d.post(path, body);
    CHECK(d.answer["error"] == "busy");
  }
  CHECK(d.post("card/code", {{"medium", std::string(32, '7')}})["serial"] == 1);  // another card
  // Whoever was refused, or failed, leaves nothing behind.
  d.context.media_changing.clear();
  d.node.writes = false;
  d.post("card/replace", replace);
  CHECK(d.answer["error"] == "io");
  d.node.writes = true;
  CHECK(d.context.media_changing.empty());
  CHECK(d.post("card/replace", replace)["account"] == 1);
  CHECK(d.context.media_changing.empty());
}

TEST_CASE("media of a card are found a part at a time", "[admin]") {
  memory_kv store;
  memory_state st;
  std::vector<bytes> wanted;
  for (int i = 0; i < 100; ++i) {
    bytes medium(16, '\0');
    medium[0] = static_cast<char>(i * 37);
    medium[15] = static_cast<char>(255 - i);
    put_medium(st, medium, {i % 33 == 0 ? 7ULL : 8ULL + static_cast<std::uint64_t>(i)});
    if (i % 33 == 0) wanted.push_back(medium);
  }
  kv_batch cells;
  for (const auto& [k, c] : st.cells())
    cells.put(family::state, cell_key_bytes(k), encode_cell(c));
  REQUIRE(store.commit(cells, true).ok());
  std::ranges::sort(wanted);
  for (std::size_t most : {1U, 7U, 99U, 100U, 1'000U}) {
    media_search search({7});
    std::size_t steps = 0;
    for (bool more = true; more; ++steps) {
      auto r = search.step(store, most);
      REQUIRE(r);
      more = *r;
    }
    CHECK(steps == (100 + most - 1) / most);
    auto found = search.found();
    std::ranges::sort(found);
    CHECK(found == wanted);
  }
  // One that cannot be read may be the one that is looked for.
  kv_batch bad;
  bad.put(family::state, cell_key_bytes({.type = cell_type::medium, .a = 5, .b = 5, .writer = {}, .peer = {}}), "");
  REQUIRE(store.commit(bad, true).ok());
  CHECK(media_search({7}).step(store, 1'000).code() == errc::corrupt);
}

TEST_CASE("after which errors a new number may be in force", "[admin]") {
  for (auto code : {errc::timeout, errc::malformed, errc::io, errc::internal})
    CHECK(outcome_unknown(code));
  for (auto code : {errc::not_found, errc::not_allowed, errc::key_reused, errc::busy, errc::full, errc::offline})
    CHECK_FALSE(outcome_unknown(code));
}
