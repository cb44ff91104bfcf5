// Head office asks a node how far its books go before it closes them for good, and the node stands still.
#include <catch2/catch.hpp>

#include "ledger/cards.hpp"
#include "sync/audit.hpp"
#include "sync/closing_talk.hpp"
#include "sync/left_behind.hpp"
#include "sync/member_seal.hpp"
#include "sync/station_net.hpp"

using namespace tally;
using test::seen;
using test::station_net;
using test::why;

namespace {

using outcome = result<closing_end>;

/// Store 3 below the region, store 5 right below head office, 500 on the card at one of them.
struct closing_net : station_net {
  explicit closing_net(std::uint32_t which = 3) : station_net({1'000'000, 1'000'000, 100'000, 1'000'000}, 1, true) {
    id = which;
    top_up(store(), 500);
    sync();
    forget();
  }
  node& store() { return at(id); }
  node& above() { return id == 3 ? region() : hq(); }
  void ask_end() {
    said.reset();
    times = 0;
    hq().st->ask_end(store().id, [this](const outcome& o) { said = o, ++times; });
    deliver();
  }
  /// Asks, and the letter lies in the post.
  void begin_to_ask() {
    hq().st->ask_end(store().id, [this](const outcome& o) { said = o, ++times; });
    settle(hq());
  }
  /// Callers are called.
  void tell() {
    for (const auto& e : std::exchange(hq().seen, {}))
      if (const auto* c = std::get_if<call_effect>(&e)) c->call();
  }
  /// Of the question that lies in the post.
  std::uint64_t asked() {
    for (const auto& e : hq().seen)
      if (const auto* m = std::get_if<to_neighbour>(&e))
        if (const auto* l = std::get_if<letter_message>(&m->what))
          if (auto text = open_letter(store().curve, hq().curve.pub, *closing_letter(l->body)))
            return decode_closing_question(*text)->id;
    return 0;
  }
  std::uint64_t written() { return store().st->ledger().head(store().journal()).size; }
  /// Head office says that the card is frozen, or good.
  entry card_said(card_status status) {
    auto c = *card_of(hq().st->ledger().st(), card);
    c.status = status;
    ++c.version;
    return card_fact(card, c);
  }
  /// Everything goes where it goes.
  void deliver() {
    sync();
    tell();
  }
  /// Head office hears that, sealed by one node and said to be of another.
  void hear(node& by, const closing_answer& a, node_id name, node_id over) {
    auto sealed = seal_letter(by.curve, hq().curve.pub, encode_closing_answer(a), *by.random);
    REQUIRE(hq().st->put(control_arrival{over, letter_message{name, head_office, as_closing_letter(sealed)}}).ok());
    settle(hq());
  }
  void later(tick_ms ms) {
    pass_time(ms);
    deliver();
  }
  errc code() const { return !said ? errc::timeout : said->ok() ? errc::ok : said->code(); }
  std::string text() const { return said && !said->ok() ? said->error().detail : ""; }
  /// As `tallystick retire` does with what the node said.
  errc close() {
    entry close, revoke;
    close.kind = entry_kind::close_epoch;
    revoke.kind = entry_kind::revoke;
    revoke.subject.node = close.subject.node = store().id;
    revoke.size = close.size = (*said)->size;
    return publish({revoke, close}).code;
  }
  errc sell() { return why(ask(store(), sale(store(), 1))); }
  errc sell_for_cash() { return why(ask(store(), sale(store(), 1, {}))); }
  void open_again() {
    open(store());
    settle(store());
  }
  closing_question question(std::uint64_t q) {
    auto w = store().writer();
    return {q, w, store().st->ledger().head(store().journal()).size, 60'000};
  }
  /// In head office's name.
  void put_question(const closing_question& q) {
    auto sealed = seal_letter(hq().curve, store().curve.pub, encode_closing_question(q), *hq().random);
    REQUIRE(
        store()
            .st->put(control_arrival{above().id, letter_message{head_office, store().id, as_closing_letter(sealed)}})
            .ok());
    settle(store());
  }
  hello_message hello(node& n, std::uint32_t speaks) {
    hello_message m{protocol_version_min, speaks, n.writer(), true};
    m.process = 77;
    return m;
  }

  std::uint32_t id;
  std::optional<outcome> said;
  int times = 0;
};

}  // namespace

TEST_CASE("a node says where its books end, and sells nothing until it hears that they do", "[sync][closing]") {
  closing_net net(GENERATE(3u, 5u));
  net.ask_end();
  REQUIRE(net.code() == errc::ok);
  CHECK((*net.said)->writer == net.store().writer());
  CHECK((*net.said)->size == net.store().st->ledger().head(net.store().journal()).size);
  CHECK(net.sell() == errc::busy);
  CHECK(net.sell_for_cash() == errc::busy);
  REQUIRE(net.close() == errc::ok);
  // Whoever comes with the keys that are void now is told of both, the revocation and the closing.
  if (net.above().id == head_office) {
    auto keys = net.hq().st->void_keys();
    REQUIRE(keys.size() == 1);
    CHECK(keys[0].directory == net.hq().source->size(net.hq().st->directory()));
  }
  net.sync();
  CHECK(net.hq().st->is_revoked(net.store().id));
  net.ask_end();
  CHECK(net.code() == errc::revoked);
  for (int i = 0; i < 4; ++i)
    net.later(15'000);
  CHECK(holding(net.hq().st->ledger().st(), net.hq().writer(), station_net::card, purse_paid) == 500);
  CHECK(net.hq().st->in_doubt(net.store().id) == 0);
  net.later(5 * 60'000);
  CHECK(net.sell() == errc::revoked);
}

TEST_CASE("what retired sells nothing any more, and its books end where it said", "[sync][closing]") {
  closing_net net(GENERATE(3u, 5u));
  net.ask_end();
  REQUIRE(net.code() == errc::ok);
  const auto before = net.store().journal();
  // What head office says meanwhile, and what it sends, comes behind that end.
  REQUIRE(net.publish({net.card_said(card_status::frozen)}).code == errc::ok);
  net.sync();
  REQUIRE(card_of(net.store().st->ledger().st(), station_net::card)->status == card_status::frozen);
  REQUIRE(net.close() == errc::ok);
  for (int i = 0; i < 8; ++i)
    net.later(15'000);
  CHECK(net.hq().source->size(before) == (*net.said)->size);
  CHECK(net.store().source->size(before) == (*net.said)->size);
  CHECK(net.hq().st->seen().contested_of(before.writer) == 0);
  CHECK(net.sell() == errc::revoked);
  CHECK(net.sell_for_cash() == errc::revoked);
  net.open_again();
  CHECK(net.sell_for_cash() == errc::revoked);
}

TEST_CASE("what head office says to a node that stands still is adopted when it goes on", "[sync][closing]") {
  closing_net net(GENERATE(3u, 5u));
  net.ask_end();
  REQUIRE(net.code() == errc::ok);
  const auto size = net.written();
  REQUIRE(net.publish({net.card_said(card_status::frozen)}).code == errc::ok);
  net.sync();
  CHECK(net.written() == size);
  if (GENERATE(false, true)) net.open_again();
  CHECK(net.written() == size);
  net.pass_time(80'000);
  SECTION("in time") { net.deliver(); }
  SECTION("with the first sale") {}
  CHECK(net.sell_for_cash() == errc::ok);
  REQUIRE(net.written() >= size + 2);
  CHECK(net.store().st->ledger().find_entry(size)->kind == entry_kind::adopt);
  CHECK(net.sell() == errc::card_blocked);
  net.deliver();
  CHECK(net.hq().st->seen().contested_of(net.store().writer()) == 0);
  CHECK(audit(net.hq().store, {std::string(net.chain), net.root()}, net.with(), {})->ok());
}

TEST_CASE("an answer that comes when the talk is over closes nothing", "[sync][closing]") {
  closing_net net(5);
  net.begin_to_ask();
  closing_answer a{net.asked(), net.store().writer(), net.written(), true, false};
  REQUIRE(a.id != 0);
  auto sealed = seal_letter(net.store().curve, net.hq().curve.pub, encode_closing_answer(a), *net.hq().random);
  // Head office's process was stopped for long: what waits for it is read before it sees how late it is. The machine's
  // own clock may have stood still as well.
  auto tick = net.ticks();
  auto wall = net.now();
  SECTION("by its clock") { tick += 70'000; }
  SECTION("by the date") { wall += 70; }
  REQUIRE(
      net.hq()
          .st
          ->put(control_arrival{net.store().id, letter_message{net.store().id, head_office, as_closing_letter(sealed)}})
          .ok());
  net.hq().st->run(wall, tick);
  net.settle(net.hq());
  net.tell();
  CHECK(net.code() != errc::ok);
}

TEST_CASE("what a store sold before it heard that it retired is named by it", "[sync][closing]") {
  closing_net net(GENERATE(3u, 5u));
  net.ask_end();
  REQUIRE(net.code() == errc::ok);
  const auto journal = net.store().journal();
  REQUIRE(net.close() == errc::ok);
  net.pass_time(80'000);  // the line broke in between
  REQUIRE(net.sell_for_cash() == errc::ok);
  CHECK(left_behind_of(net.store().store, net.store().id)->empty());
  net.forget();
  for (int i = 0; i < 4; ++i)
    net.later(15'000);
  CHECK(net.sell_for_cash() == errc::revoked);
  CHECK(std::ranges::any_of(net.store().seen, [](const station_effect& e) {
    const auto* a = std::get_if<alarm_effect>(&e);
    return a && a->text.find("closed before the newest") != std::string::npos;
  }));
  auto behind = left_behind_of(net.store().store, net.store().id);
  REQUIRE((behind && behind->size() == 1));
  CHECK(behind->front().journal == journal);
  CHECK(behind->front().from == (*net.said)->size);
  CHECK(behind->front().of_tills == 1);
  CHECK(behind->front().retired);
  CHECK(left_behind_of(net.hq().store, head_office)->empty());
}

TEST_CASE("what a store passed on behind the end of its books is a case, and no half of a transfer is missing",
          "[sync][closing]") {
  closing_net net;
  net.ask_end();
  REQUIRE(net.code() == errc::ok);
  net.link(net.region(), net.hq(), false);
  REQUIRE(net.close() == errc::ok);
  net.pass_time(80'000);
  net.deliver();
  // Its region has not heard either, and asks it for what another store's customer wants to spend.
  net.ask(net.at(4), net.sale(net.at(4), 1), true);
  net.sync();
  REQUIRE(net.written() > (*net.said)->size);
  net.link(net.region(), net.hq(), true);
  for (int i = 0; i < 4; ++i)
    net.later(15'000);
  REQUIRE(net.hq().st->seen().contested_of((*net.said)->writer) > 0);
  auto report = audit(net.hq().store, {std::string(net.chain), net.root()}, net.with(), {});
  CHECK(report->line("transfers")->problems.empty());
  CHECK_FALSE(report->line("entitlement")->problems.empty());
}

TEST_CASE("a region with a store below it does not retire, and nobody comes below one that did", "[sync][closing]") {
  closing_net net(5);
  auto& region = net.region();
  entry close, revoke;
  revoke.kind = entry_kind::revoke;
  close.kind = entry_kind::close_epoch;
  revoke.subject.node = close.subject.node = region.id;
  revoke.size = close.size = net.hq().source->size(region.journal());
  const auto before = net.hq().st->ledger().durable_next();
  CHECK(net.publish({revoke, close}).code == errc::not_allowed);
  CHECK(net.hq().st->ledger().durable_next() == before);
  // Its stores are elsewhere by now, and one is to come back.
  entry certify;
  certify.kind = entry_kind::certify;
  for (std::uint32_t id : {3U, 4U}) {
    auto c = net.at(id).cert;
    ++c.serial;
    c.parents = {head_office};
    certify.blob = encode(sign_certificate(c, head_office, *net.hq().keys));
    REQUIRE(net.publish({certify}).code == errc::ok);
  }
  REQUIRE(net.publish({revoke, close}).code == errc::ok);
  CHECK(net.hq().st->is_revoked(region.id));
  auto back = *net.hq().st->certificate_of(node_id{4});
  ++back.serial;
  back.parents = {region.id, head_office};
  certify.blob = encode(sign_certificate(back, head_office, *net.hq().keys));
  auto refused = net.publish({certify});
  CHECK(refused.code == errc::revoked);
  CHECK(refused.detail.find("node 2, its parent") != std::string::npos);
}

TEST_CASE("what is promised ends by itself", "[sync][closing]") {
  closing_net net;
  net.ask_end();
  REQUIRE(net.code() == errc::ok);
  CHECK(net.sell() == errc::busy);
  SECTION("while the process runs") {
    net.later(67'000);
    CHECK(net.sell() == errc::busy);
    net.later(2'000);
  }
  SECTION("and a new process keeps it") {
    net.open_again();
    CHECK(net.sell() == errc::busy);
    net.later(80'000);
  }
  SECTION("a clock that goes back makes it no longer than any is") {
    net.open_again();
    net.pass_time(-3'600'000);
    net.settle(net.store());
  }
  CHECK(net.sell() == errc::ok);
  CHECK(net.sell_for_cash() == errc::ok);
}

TEST_CASE("a line that carries nothing closes no books", "[sync][closing]") {
  closing_net net(GENERATE(3u, 5u));
  // Head office takes the line for good, and the store sells.
  net.begin_to_ask();
  const auto size = net.hq().st->ledger().durable_next();
  REQUIRE_FALSE(net.said);
  CHECK(net.sell() == errc::ok);
  for (int i = 0; i < 6; ++i) {
    net.pass_time(2'000);
    net.settle(net.hq());
    net.tell();
  }
  CHECK(net.code() == errc::offline);
  CHECK(net.times == 1);
  CHECK(net.text().find("did not answer") != std::string::npos);
  CHECK(net.text().find("Nothing was closed") != std::string::npos);
  CHECK_FALSE(net.hq().st->is_revoked(net.store().id));
  CHECK(net.hq().st->ledger().durable_next() == size);
  // Letters that come late close nothing either, and the store goes on by itself.
  net.deliver();
  CHECK(net.times == 1);
  net.later(120'000);
  CHECK(net.sell() == errc::ok);
}

TEST_CASE("without a line the refusal comes at once", "[sync][closing]") {
  closing_net net(5);
  net.link(net.store(), net.hq(), false);
  net.ask_end();
  CHECK(net.code() == errc::offline);
}

TEST_CASE("what was sold and is on its way comes first", "[sync][closing]") {
  closing_net net(5);
  REQUIRE(net.sell() == errc::ok);  // head office has not heard of it
  net.forget();
  net.begin_to_ask();
  net.put_question({4, net.store().writer(), net.store().st->ledger().head(net.store().journal()).size - 1, 60'000});
  const auto* grown = seen<advanced_effect>(net.store());
  CHECK((grown && grown->urgent));  // it does not wait for others to travel with
  CHECK(net.sell() == errc::ok);    // nothing was promised
  net.deliver();
  CHECK_FALSE(net.said);
  net.later(2'000);  // asked again
  REQUIRE(net.code() == errc::ok);
  CHECK((*net.said)->size == net.store().st->ledger().head(net.store().journal()).size);
  CHECK(net.sell() == errc::busy);
}

TEST_CASE("entries that do not come are named", "[sync][closing]") {
  closing_net net(5);
  net.begin_to_ask();
  const auto id = net.asked();
  REQUIRE(id != 0);
  auto size = net.store().st->ledger().head(net.store().journal()).size;
  closing_answer a{id, net.store().writer(), size + 3, false, false};
  SECTION("of the node") {
    for (int i = 0; i < 6; ++i) {
      net.hear(net.store(), a, net.store().id, net.store().id);
      net.pass_time(2'000);
    }
    net.settle(net.hq());
    net.tell();
    CHECK(net.code() == errc::offline);
    CHECK(net.text().find("has 3 entries that are not here yet") != std::string::npos);
  }
  SECTION("a promise of more than is here closes nothing") {
    a.promised = true;
    net.hear(net.store(), a, net.store().id, net.store().id);
    net.tell();
    CHECK_FALSE(net.said);
  }
  SECTION("an answer in its name that another one sealed counts for nothing") {
    a.size = size;
    a.promised = true;
    net.hear(net.at(4), a, net.store().id, net.store().id);
    net.tell();
    CHECK_FALSE(net.said);
  }
}

TEST_CASE("a store whose program is older is not waited for", "[sync][closing]") {
  closing_net net(GENERATE(3u, 5u));
  auto& parent = net.above();
  REQUIRE(parent.st->put(control_arrival{net.store().id, net.hello(net.store(), protocol_closing - 1)}).ok());
  net.settle(parent);
  net.ask_end();
  CHECK(net.code() == errc::unsupported);
  CHECK(net.times == 1);
  CHECK(net.text().find("older") != std::string::npos);
  CHECK_FALSE(net.hq().st->is_quarantined(net.store().id));
  CHECK(net.sell() == errc::ok);
  // It was updated.
  auto now = net.hello(net.store(), protocol_version);
  now.process = 78;
  REQUIRE(parent.st->put(control_arrival{net.store().id, now}).ok());
  net.sync();
  net.ask_end();
  CHECK(net.code() == errc::ok);
}

TEST_CASE("only the parent of a node says that its program is older", "[sync][closing][thief]") {
  closing_net net(5);
  net.begin_to_ask();
  closing_answer a{0, {net.store().id, {}}, 0, false, true};
  net.hear(net.region(), a, net.region().id, net.region().id);
  net.tell();
  CHECK_FALSE(net.said);
  net.deliver();
  CHECK(net.code() == errc::ok);
}

TEST_CASE("a node that stands still gives nothing away", "[sync][closing]") {
  closing_net net;
  net.ask_end();
  REQUIRE(net.code() == errc::ok);
  auto before = net.store().st->ledger().durable_next();
  REQUIRE(net.store()
              .st->put(control_arrival{net.region().id, ask_message{9, station_net::card, purse_paid, 200, 1'500}})
              .ok());
  net.settle(net.store());
  CHECK(net.store().st->ledger().durable_next() == before);
  net.later(15 * 60'000);
  REQUIRE(net.store()
              .st->put(control_arrival{net.region().id, ask_message{10, station_net::card, purse_paid, 200, 1'500}})
              .ok());
  net.settle(net.store());
  CHECK(net.store().st->ledger().durable_next() > before);
}

TEST_CASE("a question that is said again makes no promise longer", "[sync][closing][thief]") {
  closing_net net;
  auto q = net.question(7);
  net.put_question(q);
  CHECK(net.sell() == errc::busy);
  net.pass_time(59'000);
  net.put_question(q);
  CHECK(net.sell() == errc::busy);
  net.pass_time(2'000);
  net.put_question(q);
  CHECK(net.sell() == errc::ok);
  net.put_question(q);  // of books that have gone on
  net.put_question(net.question(7));
  CHECK(net.sell() == errc::ok);
}

TEST_CASE("head office asks one node once at a time, and only head office asks", "[sync][closing]") {
  closing_net net(5);
  int busy = 0;
  net.hq().st->ask_end(net.store().id, [&](const outcome& o) { net.said = o; });
  net.hq().st->ask_end(net.store().id, [&](const outcome& o) { busy += o.code() == errc::busy; });
  net.hq().st->ask_end(head_office, [&](const outcome& o) { busy += o.code() == errc::not_entitled; });
  net.deliver();
  CHECK(busy == 2);
  CHECK(net.code() == errc::ok);
}

TEST_CASE("letters about the end of books: round trip, truncated, longer", "[sync][closing]") {
  writer_id w{node_id{5}, {}};
  w.epoch.value[3] = 9;
  closing_question q{77, w, 1'000, 70'000};
  auto text = encode_closing_question(q);
  REQUIRE(decode_closing_question(text).ok());
  CHECK(*decode_closing_question(text) == q);
  CHECK_FALSE(decode_closing_answer(text).ok());
  for (std::size_t n = 0; n < text.size(); ++n)
    CHECK_FALSE(decode_closing_question(byte_view(text).substr(0, n)).ok());
  CHECK_FALSE(decode_closing_question(text + "x").ok());
  for (auto [promised, older] : {std::pair{false, false}, std::pair{true, false}, std::pair{false, true}}) {
    closing_answer a{78, w, 1'000'000, promised, older};
    auto said = encode_closing_answer(a);
    REQUIRE(decode_closing_answer(said).ok());
    CHECK(*decode_closing_answer(said) == a);
    CHECK_FALSE(decode_closing_question(said).ok());
    for (std::size_t n = 0; n < said.size(); ++n)
      CHECK_FALSE(decode_closing_answer(byte_view(said).substr(0, n)).ok());
    CHECK_FALSE(decode_closing_answer(said + "x").ok());
  }
  auto both = encode_closing_answer({78, w, 1, true, true});
  CHECK_FALSE(decode_closing_answer(both).ok());
  CHECK_FALSE(closing_letter("tallyret"));
  CHECK(closing_letter(as_closing_letter("sealed")) == std::optional<byte_view>("sealed"));
}
