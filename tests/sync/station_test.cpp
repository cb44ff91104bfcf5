#include "sync/station.hpp"

#include <catch2/catch.hpp>

#include "storage/entry_codec.hpp"
#include "sync/station_net.hpp"

using namespace tally;
using test::alarmed;
using test::held;
using test::seen;
using test::station_net;
using test::why;

namespace {

/// What the third node's journal would go on with, if its software lied.
entry lie(const station_net::node& liar, entry_kind kind) {
  entry e;
  e.kind = kind;
  e.business_date = day_of(1'795'341'600);
  e.terminal = liar.id.value * 100;
  return e;
}
entry send_of(const station_net::node& liar, const writer_id& to, std::uint64_t channel, amount n) {
  auto e = lie(liar, entry_kind::send);
  e.terminal = 0;
  e.peer = to;
  e.channel = channel;
  e.cause = send_cause::sweep;
  e.account = station_net::card;
  e.values = {{purse_paid, main_unit, 0, n}};
  return e;
}

}  // namespace

TEST_CASE("a top-up in one store is spent in another while the links are up", "[sync][station]") {
  station_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  auto sale = net.ask(b, net.sale(b, 4), true);
  CHECK(why(sale) == errc::ok);
  CHECK(sale.pulled == 400);
  net.sync();
  CHECK(held(net.hq(), a.writer()) == 600);
  CHECK(held(net.hq(), b.writer()) == 0);

  net.link(b, net.region(), false);
  auto alone = net.ask(b, net.sale(b, 1), true);
  CHECK(why(alone) == errc::insufficient);
  CHECK(alone.pulled == 0);
}

TEST_CASE("without quota nothing is loaded, and the refusal names what is possible", "[sync][station]") {
  station_net net({100'000, 100'000, 1'000, 1'500});
  auto& a = net.at(3);
  auto much = net.top_up(a, 1'001);
  REQUIRE(why(much) == errc::no_quota);
  CHECK(std::get<refusal>(much.outcome).here == 1'000);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  CHECK(why(net.top_up(a, 1)) == errc::no_quota);

  // Head office learns of it and sends more, but no more than a day allows.
  net.sync();
  net.pass_time(2'000);
  net.sync();
  CHECK(quota_left(a.st->ledger().st(), a.writer()) == 500);
  REQUIRE(why(net.top_up(a, 500)) == errc::ok);
  for (int i = 0; i < 3; ++i) {
    net.pass_time(2'000);
    net.sync();
  }
  CHECK(why(net.top_up(a, 1)) == errc::no_quota);
  net.pass_time(86'400'000);
  net.sync();
  net.sync();
  CHECK(why(net.top_up(a, 1'000)) == errc::ok);
}

TEST_CASE("no quota is replenished while a store holds more than its ceiling", "[sync][station]") {
  station_net net({800, 100'000, 1'000, 10'000});
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  net.pass_time(5'000);
  net.sync();
  CHECK(quota_left(a.st->ledger().st(), a.writer()) == 0);
  REQUIRE(why(net.ask(a, net.sale(a, 5))) == errc::ok);
  net.sync();
  net.pass_time(5'000);
  net.sync();
  CHECK(quota_left(a.st->ledger().st(), a.writer()) == 1'000);
}

TEST_CASE("rights above a store's ceiling or daily inflow are not sent to it", "[sync][station]") {
  auto limits = GENERATE(node_limits{500, 100'000, 10'000, 10'000}, node_limits{100'000, 500, 10'000, 10'000});
  station_net net(limits);
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(net.publish({net.limits_entry(a, {1'000'000, 1'000'000, 10'000, 10'000})}).code == errc::ok);
  net.sync();
  REQUIRE(why(net.top_up(a, 2'000)) == errc::ok);
  net.sync();
  CHECK(why(net.ask(b, net.sale(b, 4), true)) == errc::ok);
  net.forget();
  auto much = net.ask(b, net.sale(b, 6), true);
  CHECK(why(much) == errc::insufficient);
  CHECK(alarmed(net.region(), errc::over_ceiling));
  net.sync();
  CHECK(held(net.hq(), b.writer()) == 0);
  CHECK(held(net.hq(), a.writer()) + held(net.hq(), net.region().writer()) == 1'600);
}

TEST_CASE("a send of rights that its writer does not have is kept, contested and withheld", "[sync][station]") {
  station_net net;
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 300)) == errc::ok);
  net.sync();
  auto size = a.source->size(a.journal());
  auto bad =
      net.ingest(net.region(), a.id,
                 net.forge(net.region(), a.journal(), {send_of(a, net.region().writer(), 1, 1'000'000)}, *a.keys));
  CHECK(bad.code == errc::ok);
  CHECK(bad.size == size + 1);
  CHECK(alarmed(net.region(), errc::insufficient));
  CHECK(net.region().st->seen().contested_of(a.writer()) == 1);
  CHECK(held(net.region(), net.region().writer()) == 0);

  // It does not block what is right behind it.
  auto sale = lie(a, entry_kind::sale);
  sale.counter = 500;
  sale.rules_version = 1;
  sale.lines = {{{1}, 1}};
  sale.tenders = {{tender_kind::cash, main_unit, 100}};
  auto good = net.ingest(net.region(), a.id, net.forge(net.region(), a.journal(), {sale}, *a.keys));
  CHECK(good.code == errc::ok);
  CHECK(net.region().st->seen().contested_of(a.writer()) == 1);

  // Head office comes to the same verdict from the same bytes.
  net.carry(net.region(), net.hq());
  CHECK(net.hq().st->seen().contested_of(a.writer()) == 1);
}

TEST_CASE("a contested send takes its number, so that a good one behind it is credited", "[sync][station]") {
  station_net net;
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 300)) == errc::ok);
  net.sync();
  auto bad = send_of(a, net.region().writer(), 1, 100);
  bad.business_date -= 1;
  auto good = send_of(a, net.region().writer(), 2, 50);
  for (const auto& e : {bad, good})
    REQUIRE(net.ingest(net.region(), a.id, net.forge(net.region(), a.journal(), {e}, *a.keys)).code == errc::ok);
  CHECK(net.region().st->seen().contested_of(a.writer()) == 1);
  const auto& own = net.region().st->ledger();
  CHECK(holding(own.st(), net.region().writer(), station_net::card) == 50);
  auto first = own.find_entry(own.durable_next() - 2);
  REQUIRE(first.has_value());
  CHECK(first->kind == entry_kind::receive);
  CHECK(first->values.empty());
  CHECK(first->reason == errc::malformed);
  net.carry(net.region(), net.hq());
  CHECK(net.hq().st->seen().contested_of(net.region().writer()) == 0);
}

TEST_CASE("rights go to parents and children only", "[sync][station]") {
  station_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 300)) == errc::ok);
  net.sync();
  auto across = send_of(a, b.writer(), 1, 100);
  REQUIRE(net.ingest(net.region(), a.id, net.forge(net.region(), a.journal(), {across}, *a.keys)).code == errc::ok);
  CHECK(net.region().st->seen().contested_of(a.writer()) == 1);
  CHECK(alarmed(net.region(), errc::not_entitled));
}

TEST_CASE("a store cannot use the powers of head office", "[sync][station]") {
  station_net net;
  auto& a = net.at(3);
  auto map = lie(a, entry_kind::map_media);
  map.terminal = 0;
  map.account = station_net::card;
  map.medium = bytes(16, 'z');
  map.card_kind = 1;
  map.status = card_status::active;
  map.account_version = 9;
  auto directory = net.hq().source->size({net.hq().writer(), sub_stream::directory, {}});
  auto r = net.ingest(net.region(), a.id, net.forge(net.region(), a.journal(), {map}, *a.keys));
  CHECK(r.code == errc::ok);  // the bytes are true to their signature, so they are kept as evidence
  CHECK(alarmed(net.region(), errc::not_entitled));
  net.carry(net.region(), net.hq());
  CHECK(alarmed(net.hq(), errc::not_entitled));
  for (std::uint32_t id : {1U, 2U, 4U})
    CHECK_FALSE(account_of(net.at(id).st->ledger().st(), bytes(16, 'z')).has_value());
  CHECK(net.hq().source->size({net.hq().writer(), sub_stream::directory, {}}) == directory);
}

TEST_CASE("kinds that nobody knows yet are kept and give nobody anything", "[sync][station]") {
  station_net net;
  auto& a = net.at(3);
  auto before = stream_reader(net.region().store).size(a.journal());
  auto r = net.ingest(net.region(), a.id,
                      net.forge(net.region(), a.journal(), {lie(a, entry_kind::deposit)}, *a.keys));
  CHECK(r.code == errc::ok);
  CHECK(r.size == before + 1);
  CHECK(alarmed(net.region(), errc::unsupported));
}

TEST_CASE("segments that do not prove themselves leave nothing behind", "[sync][station]") {
  station_net net;
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 300)) == errc::ok);
  auto have = stream_reader(net.region().store).size(a.journal());
  auto good = a.source->next_segment(a.journal(), have);
  REQUIRE(good.ok());
  auto refused = [&](segment s, errc code, node_id from = node_id{3}) {
    auto r = net.ingest(net.region(), from, s);
    CHECK(r.code == code);
    CHECK(stream_reader(net.region().store).size(a.journal()) == have);
  };
  auto s = *good;
  s.sign[7] ^= 1;
  refused(s, errc::bad_signature);
  refused(net.forge(net.region(), a.journal(), {send_of(a, net.region().writer(), 1, 5)}, *net.at(4).keys),
          errc::bad_signature);
  s = *good;
  auto entries = unpack_entries(s);
  REQUIRE(entries.ok());
  auto changed = entries->copies();
  changed.back().back() = static_cast<char>(changed.back().back() ^ 1);
  s.payload = pack_entries(changed);
  refused(s, errc::bad_signature);
  s = *good;
  s.payload.resize(s.payload.size() / 2);
  refused(s, errc::malformed);
  s = *good;
  s.entries += 1;
  refused(s, errc::malformed);
  s = *good;
  s.first += 1;
  refused(s, errc::gap);
  refused(*good, errc::not_entitled, node_id{4});  // a store's journal comes from that store
  refused(*good, errc::not_entitled, head_office);

  CHECK(net.ingest(net.region(), a.id, *good).code == errc::ok);
  auto again = net.ingest(net.region(), a.id, *good);
  CHECK(again.code == errc::ok);
  CHECK(again.size == good->size_after());
  CHECK(held(net.region(), a.writer()) == 300);
}

TEST_CASE("a segment may overlap what is here, and a reversal may cite what came a moment ago", "[sync][station]") {
  station_net net;
  auto& a = net.at(3);
  auto have = stream_reader(net.region().store).size(a.journal());
  auto first = net.top_up(a, 300);
  auto one = a.source->next_segment(a.journal(), have);
  REQUIRE(why(net.ask(a, reverse_command{net.key(a), first.seq})) == errc::ok);
  auto both = a.source->next_segment(a.journal(), have);
  REQUIRE((one.ok() && both.ok()));
  // Both wait in one group, so neither is durable when the second is looked at.
  REQUIRE(net.region().st->put(segment_arrival{a.id, *one}).ok());
  REQUIRE(net.region().st->put(segment_arrival{a.id, *both}).ok());
  net.settle(net.region());
  CHECK(net.region().st->seen().contested_of(a.writer()) == 0);
  CHECK(stream_reader(net.region().store).size(a.journal()) == both->size_after());
  CHECK(held(net.region(), a.writer()) == 0);
}

TEST_CASE("a repeated key that waits is answered with the sale it waits for", "[sync][station]") {
  station_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  auto sale = net.sale(b, 3);
  auto other = sale;
  other.lines = {{{1}, 2}};
  other.card = 200;
  REQUIRE(b.st->put(till_request{9'001, sale, true}).ok());
  REQUIRE(b.st->put(till_request{9'002, sale, true}).ok());
  REQUIRE(b.st->put(till_request{9'003, other, true}).ok());
  net.settle(b);
  CHECK_FALSE(net.answer_of(b, 9'001).has_value());
  CHECK_FALSE(net.answer_of(b, 9'002).has_value());
  auto third = net.answer_of(b, 9'003);
  REQUIRE(third.has_value());
  CHECK(why(*third) == errc::key_reused);
  net.sync();
  auto first = net.answer_of(b, 9'001), second = net.answer_of(b, 9'002);
  REQUIRE((first && second));
  CHECK(why(*first) == errc::ok);
  CHECK_FALSE(first->repeated);
  CHECK(second->repeated);
  CHECK(first->seq == second->seq);
}

TEST_CASE("a parent that answers nothing is not waited for again until it says something", "[sync][station]") {
  station_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  auto waits = [&](std::uint64_t request, tick_ms ms) {  // not answered before, answered after
    REQUIRE(b.st->put(till_request{request, net.sale(b, 30), true}).ok());
    net.settle(b);
    net.pass_time(ms - 10);
    net.settle(b);
    CHECK_FALSE(net.answer_of(b, request).has_value());
    net.pass_time(20);
    net.settle(b);
    auto answered = net.answer_of(b, request);
    REQUIRE(answered.has_value());
    CHECK(why(*answered) == errc::insufficient);
  };
  waits(9'001, 1'500);
  waits(9'002, 150);
  waits(9'003, 150);
  net.sync();  // the post comes, with the answers to what was asked
  waits(9'004, 1'500);
}

TEST_CASE("with a full disk nothing new is done, and what was done is still answered", "[sync][station]") {
  station_net net;
  auto& a = net.at(3);
  auto command = top_up_command{net.key(a), station_net::card, 300, tender_kind::cash};
  auto done = net.ask(a, command);
  REQUIRE(why(done) == errc::ok);
  auto have = a.source->size(a.journal());
  REQUIRE(a.st->put(till_request{9'001, command, true}).ok());
  REQUIRE(a.st->put(till_request{9'002, net.sale(a, 1), true}).ok());
  net.settle(a, 1'000'000);
  CHECK(net.answer_of(a, 9'001)->seq == done.seq);
  CHECK(why(*net.answer_of(a, 9'001)) == errc::ok);
  CHECK(why(*net.answer_of(a, 9'002)) == errc::full);
  CHECK(a.source->size(a.journal()) == have);

  // A parent whose disk is low takes no segments, and does not close the door on them.
  auto s = a.source->next_segment(a.journal(), stream_reader(net.region().store).size(a.journal()));
  net.region().seen.clear();
  REQUIRE(net.region().st->put(segment_arrival{a.id, *s}).ok());
  net.settle(net.region(), 1'000'000);
  REQUIRE(seen<ingested_effect>(net.region()) != nullptr);
  CHECK(seen<ingested_effect>(net.region())->code == errc::busy);
  CHECK(net.ingest(net.region(), a.id, *s).code == errc::ok);
}

TEST_CASE("an old copy is noticed, and its new life has no rights", "[sync][station]") {
  station_net net;
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  auto old = a.store.image();
  auto old_size = a.source->size(a.journal());
  REQUIRE(why(net.ask(a, net.sale(a, 9))) == errc::ok);
  net.sync();
  auto shown = net.region().source->evidence(a.journal());
  REQUIRE(shown.has_value());
  auto proof = std::optional(shown->proof);
  auto known = net.region().source->size(a.journal());
  REQUIRE(proof.has_value());

  a.store.reset(old);
  net.open(a);
  net.settle(a);
  CHECK(a.st->verify_rollback_proof(a.journal(), known, *proof));
  CHECK_FALSE(a.st->verify_rollback_proof(a.journal(), known + 1, *proof));
  auto forged = *proof;
  forged.root[0] ^= 1;
  CHECK_FALSE(a.st->verify_rollback_proof(a.journal(), known, forged));
  CHECK_FALSE(a.st->check_rollback(a.writer(), old_size, net.now()));
  CHECK_FALSE(a.st->check_rollback({a.id, {{9}}}, known, net.now()));  // a mark of another life is ignored
  REQUIRE(a.st->check_rollback(a.writer(), known, net.now()));
  CHECK_FALSE(a.st->check_rollback(a.writer(), known, net.now()));
  net.settle(a);
  auto life = a.st->ledger().self();
  CHECK(life.epoch != a.cert.epoch);
  CHECK(a.source->size(a.journal()) == old_size);
  CHECK(a.source->size({life, sub_stream::journal, {}}) == 1);

  CHECK(why(net.ask(a, net.sale(a, 1))) == errc::rolled_back);
  CHECK(why(net.top_up(a, 100)) == errc::rolled_back);
  CHECK(why(net.ask(a, net.sale(a, 2, {}))) == errc::ok);  // for cash it goes on trading
  net.open(a);                                             // and it stays so when the node starts again
  net.settle(a);
  CHECK(a.st->ledger().self() == life);
  CHECK(why(net.ask(a, net.sale(a, 1))) == errc::rolled_back);
  net.link(a, net.region(), true);
  net.sync();
  CHECK(held(net.hq(), a.writer()) == 100);
  CHECK(held(net.hq(), life) == 0);
  CHECK(net.hq().st->seen().contested_of(life) == 0);
}

TEST_CASE("a cosignature of head office reaches the store, also when it was lost on the way", "[sync][station]") {
  station_net net;
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 300)) == errc::ok);
  net.carry(a, net.region());
  net.carry(net.region(), net.hq());
  net.link(a, net.region(), false);  // what is under way now is lost
  net.sync();
  net.link(a, net.region(), true);
  net.sync();
  auto size = a.source->size(a.journal());
  CHECK(a.st->cosigned()->size < size);
  // While entries wait for company, their cosignature is not missed yet.
  a.st->held_longer(60'000);
  for (int i = 0; i < 3; ++i) {
    net.pass_time(15'000);
    net.sync();
  }
  CHECK(a.st->cosigned()->size < size);
  a.st->held_longer(0);
  for (int i = 0; i < 3; ++i) {
    net.pass_time(15'000);
    net.sync();
  }
  REQUIRE(a.st->cosigned().has_value());
  CHECK(a.st->cosigned()->size == size);
  CHECK(a.st->cosigned()->by == head_office);

  // An older one that comes late, and a forged one, change nothing.
  auto late = *a.st->cosigned();
  auto forged = late;
  forged.size += 1;
  for (const auto& m : {message{forged}, message{late}})
    REQUIRE(a.st->put(control_arrival{{2}, m}).ok());
  net.settle(a);
  CHECK(alarmed(a, errc::bad_signature));
  CHECK(a.st->cosigned()->size == size);
}

TEST_CASE("queues have a bound, and a full one loses nothing", "[sync][station]") {
  station_net net;
  auto& a = net.at(3);
  station_config habits;
  habits.urgent_max = 3;
  habits.bulk_max = 2;
  net.open(a, habits);
  for (int i = 0; i < 3; ++i)
    CHECK(a.st->put(till_request{9'000U + static_cast<unsigned>(i), net.sale(a, 1, {}), true}).ok());
  CHECK(a.st->put(till_request{9'009, net.sale(a, 1, {}), true}).code() == errc::busy);
  segment s{a.journal(), 0, 1, {}, "x"};
  CHECK(a.st->put(segment_arrival{{2}, s}).ok());
  CHECK(a.st->put(segment_arrival{{2}, s}).ok());
  CHECK(a.st->put(segment_arrival{{2}, s}).code() == errc::busy);
  net.settle(a);
  for (std::uint64_t i = 0; i < 3; ++i)
    CHECK(why(*net.answer_of(a, 9'000 + i)) == errc::ok);
  CHECK_FALSE(net.answer_of(a, 9'009).has_value());
}

TEST_CASE("what is observed is the same after a restart, whenever it was written down", "[sync][station]") {
  station_net net;
  auto& a = net.at(3);
  auto every = GENERATE(1U, 5U, 1'000'000U);
  station_config habits;
  habits.checkpoint_every = every;
  net.open(net.hq(), habits);
  net.settle(net.hq());
  net.link(net.region(), net.hq(), true);
  for (int i = 0; i < 10; ++i) {
    REQUIRE(why(net.top_up(a, 100)) == errc::ok);
    net.sync();
  }
  auto before = net.hq().st->seen().all().balances();
  auto cells = net.hq().st->seen().all().cells();
  net.open(net.hq(), habits);
  CHECK(net.hq().st->seen().all().balances() == before);
  CHECK(net.hq().st->seen().all().cells() == cells);
}
