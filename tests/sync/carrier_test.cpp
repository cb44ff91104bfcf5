#include "sync/carrier.hpp"

#include <catch2/catch.hpp>
#include <sstream>

#include "sync/hledger.hpp"
#include "sync/left_behind.hpp"
#include "sync/station_net.hpp"

using namespace tally;
using tally::test::alarmed;
using tally::test::seen;
using tally::test::station_net;

namespace {

using node = station_net::node;

carrier_parts parts_of(node& n, bool with_key = true) {
  return {n.store,
          *n.certificates,
          with_key ? n.keys.get() : nullptr,
          std::string(station_net::chain),
          n.st->ledger().self(),
          n.role};
}

std::vector<parcel> packed(result<shipment> s) {
  REQUIRE(s.ok());
  std::vector<parcel> out;
  for (;;) {
    auto p = s->next();
    REQUIRE(p.ok());
    if (!*p) return out;
    // As the receiver reads it.
    auto back = decode_parcel(encode_parcel(**p));
    REQUIRE(back.ok());
    out.push_back(std::move(*back));
  }
}

std::vector<parcel> ship(station_net& net, node& from, node& to, const wanted_from& wants = {},
                         const std::vector<cosign_message>& cosigned = {}) {
  return packed(shipment::plan(parts_of(from), to.id, wants, cosigned, {7}, net.now()));
}

carried_answer carry(station_net& net, node& n, std::vector<message> what) {
  n.seen.clear();
  REQUIRE(n.st->put(carried_request{1, std::move(what)}).ok());
  net.settle(n);
  const auto* a = seen<carried_answer>(n);
  REQUIRE(a != nullptr);
  return *a;
}

/// Everything of a shipment, in bundles; the first answer that is not ok ends it.
carried_answer take(station_net& net, node& n, const std::vector<parcel>& shipped) {
  carried_answer sum;
  for (const auto& p : shipped)
    for (const auto& m : p.messages) {
      auto a = carry(net, n, {m});
      if (a.code != errc::ok) return a;
      for (const auto& row : a.taken)
        sum.taken.push_back(row);
      for (const auto& c : a.cosigned)
        sum.cosigned.push_back(c);
      sum.cosignatures += a.cosignatures;
    }
  return sum;
}

std::uint64_t fresh(const carried_answer& a) {
  std::uint64_t n = 0;
  for (const auto& row : a.taken)
    n += row.fresh;
  return n;
}
bool all_ok(const carried_answer& a) {
  return std::ranges::all_of(a.taken, [](const auto& row) { return row.code == errc::ok; });
}
std::uint64_t size_at(node& n, const stream_id& id) { return stream_reader(n.store).size(id); }
wanted_from wants_of(const std::vector<parcel>& shipped) {
  wanted_from out;
  for (const auto& p : shipped)
    note_wants(p, out);
  return out;
}

/// Store 3 and its region without a line; the store has sold.
struct dark {
  station_net net;
  node& store = net.at(3);
  dark() {
    net.link(store, net.region(), false);
    REQUIRE(std::holds_alternative<entry>(net.top_up(store, 5'000).outcome));
    for (int i = 0; i < 5; ++i)
      REQUIRE(std::holds_alternative<entry>(net.ask(store, net.sale(store, 2)).outcome));
    REQUIRE(size_at(store, store.journal()) > size_at(net.region(), store.journal()));
  }
};

}  // namespace

TEST_CASE("a dark store's sales reach its region by hand, and cosignatures come back", "[sync][carrier]") {
  dark w;
  auto& region = w.net.region();
  auto up = ship(w.net, w.store, region);
  REQUIRE(up.size() == 1);
  CHECK(up.front().last);
  CHECK(up.front().from == w.store.writer());
  auto before = size_at(region, w.store.journal());
  auto taken = take(w.net, region, up);
  CHECK(all_ok(taken));
  CHECK(before + fresh(taken) == size_at(w.store, w.store.journal()));
  CHECK(size_at(region, w.store.journal()) == size_at(w.store, w.store.journal()));
  CHECK(seen<ingested_effect>(region) == nullptr);  // no link hears of it
  REQUIRE(taken.cosigned.size() == 1);
  CHECK(taken.cosigned.front().size == size_at(w.store, w.store.journal()));

  auto down = ship(w.net, region, w.store, wants_of(up), taken.cosigned);
  auto back = take(w.net, w.store, down);
  CHECK(all_ok(back));
  CHECK(back.cosignatures >= 1);
  auto held = w.store.st->cosigned(region.id);
  REQUIRE(held.has_value());
  CHECK(held->size == taken.cosigned.front().size);
  // Head office hears of it over its own line with the region; its cosignature travels on the next stick.
  w.net.sync();
  CHECK(size_at(w.net.hq(), w.store.journal()) == taken.cosigned.front().size);
  (void)take(w.net, w.store, ship(w.net, region, w.store));
  REQUIRE(w.store.st->cosigned().has_value());
  CHECK(w.store.st->cosigned()->size == taken.cosigned.front().size);
}

TEST_CASE("the line and the stick mix", "[sync][carrier]") {
  dark w;
  // Straight to head office, past the region.
  auto taken = take(w.net, w.net.hq(), ship(w.net, w.store, w.net.hq()));
  CHECK(all_ok(taken));
  CHECK(size_at(w.net.hq(), w.store.journal()) == size_at(w.store, w.store.journal()));
  REQUIRE(std::holds_alternative<entry>(w.net.ask(w.store, w.net.sale(w.store, 1)).outcome));
  w.net.link(w.store, w.net.region(), true);
  w.net.sync();
  for (auto id : {1u, 2u})
    CHECK(size_at(w.net.at(id), w.store.journal()) == size_at(w.store, w.store.journal()));
  // Late to the region as well: it has all of it.
  auto again = take(w.net, w.net.region(), ship(w.net, w.store, w.net.region()));
  CHECK(all_ok(again));
  CHECK(fresh(again) == 0);
}

TEST_CASE("prices and rights come by hand", "[sync][carrier]") {
  dark w;
  auto limits = w.net.limits_entry(w.store, {2'000'000, 2'000'000, 400'000, 2'000'000});
  REQUIRE(w.net.publish({limits}).code == errc::ok);
  w.net.pass_time(2'000);
  w.net.sync();  // head office sends a larger quota
  auto quota = [&] { return quota_left(w.store.st->ledger().st(), w.store.writer()); };
  auto before = quota();
  auto first = ship(w.net, w.net.region(), w.store);
  auto taken = take(w.net, w.store, first);
  CHECK(all_ok(taken));
  CHECK(fresh(taken) > 0);
  CHECK(quota() > before);
  // The store's own parcels say how far it is, so the next shipment begins there.
  auto wants = wants_of(ship(w.net, w.store, w.net.region()));
  auto plan = shipment::plan(parts_of(w.net.region()), w.store.id, wants, {}, {}, w.net.now());
  REQUIRE(plan.ok());
  CHECK(plan->entries() == 0);
  // The same stick again gives nothing twice.
  auto now = quota();
  CHECK(fresh(take(w.net, w.store, first)) == 0);
  CHECK(quota() == now);
}

TEST_CASE("a shipment begins where it is proved that the receiver is", "[sync][carrier]") {
  dark w;
  auto cosigned = w.store.st->cosigned(w.net.region().id);
  REQUIRE(cosigned.has_value());
  auto plan = [&](const wanted_from& wants) {
    auto s = shipment::plan(parts_of(w.store), w.net.region().id, wants, {}, {}, 0);
    REQUIRE(s.ok());
    REQUIRE(s->rows().size() == 1);
    return s->rows().front();
  };
  CHECK(plan({}).from == cosigned->size);
  CHECK(plan({{w.store.journal(), 2}}).from == 2);
  CHECK(plan({{w.store.journal(), UINT64_MAX}}).from == size_at(w.store, w.store.journal()));
  CHECK(shipment::plan(parts_of(w.store), node_id{4}, {}, {}, {}, 0).code() == errc::not_allowed);
  CHECK(shipment::plan(parts_of(w.store), node_id{99}, {}, {}, {}, 0).code() == errc::not_allowed);
  CHECK(shipment::plan(parts_of(w.store), w.store.id, {}, {}, {}, 0).code() == errc::not_allowed);
}

TEST_CASE("without its key a dead node's tail stays behind, what others signed does not", "[sync][carrier]") {
  dark w;
  auto s = shipment::plan(parts_of(w.store, false), w.net.region().id, {}, {}, {}, 0);
  REQUIRE(s.ok());
  REQUIRE(s->rows().size() == 1);
  CHECK_FALSE(s->rows().front().proved);
  CHECK(s->entries() == 0);
  // A dead region: the journals of its children prove themselves.
  auto of_region =
      shipment::plan(parts_of(w.net.region(), false), head_office, {{w.net.at(4).journal(), 0}}, {}, {}, 0);
  REQUIRE(of_region.ok());
  std::size_t proved = 0;
  for (const auto& r : of_region->rows())
    proved += r.proved && r.from < r.size ? 1 : 0;
  CHECK(proved == 1);
  auto taken = take(w.net, w.net.hq(), packed(std::move(of_region)));
  CHECK(all_ok(taken));
}

TEST_CASE("what is wrong on a stick is refused, and closes nothing", "[sync][carrier]") {
  dark w;
  auto& region = w.net.region();
  auto up = ship(w.net, w.store, region);
  const auto* good = std::get_if<segment_message>(&up.back().messages.back());
  REQUIRE(good);
  auto row_of = [&](const segment& s) {
    auto a = carry(w.net, region, {segment_message{s}});
    REQUIRE(a.taken.size() == 1);
    CHECK(a.taken.front().fresh == 0);
    CHECK(seen<ingested_effect>(region) == nullptr);
    return a.taken.front().code;
  };
  auto before = size_at(region, w.store.journal());
  auto bad = good->seg;
  bad.sign[5] ^= 1;
  CHECK(row_of(bad) == errc::bad_signature);
  CHECK(alarmed(region, errc::bad_signature));
  bad = good->seg;
  auto entries = unpack_entries(bad)->copies();
  entries.back() += 'x';
  bad.payload = pack_entries(entries);
  CHECK(row_of(bad) == errc::bad_signature);
  bad = good->seg;
  bad.payload.resize(bad.payload.size() / 2);
  CHECK(row_of(bad) == errc::malformed);
  bad = good->seg;
  bad.first += 1;
  CHECK(row_of(bad) == errc::gap);
  // Another store's key over this store's journal, and streams from where they do not come.
  entry e;
  e.kind = entry_kind::adopt;
  CHECK(row_of(w.net.forge(region, w.store.journal(), {e}, *w.net.at(4).keys)) == errc::bad_signature);
  auto directory = w.net.hq().st->ledger().head({w.net.hq().writer(), sub_stream::directory, {}}).stream;
  auto upwards = carry(w.net, w.net.hq(), {segment_message{w.net.forge(w.net.hq(), directory, {e}, *w.net.hq().keys)}});
  CHECK(upwards.taken.front().code == errc::not_entitled);
  auto sideways = carry(w.net, w.net.at(4), {segment_message{good->seg}});
  CHECK(sideways.taken.front().code == errc::not_entitled);
  CHECK(size_at(region, w.store.journal()) == before);
  // A cosignature that does not verify is counted by nobody.
  cosign_message c{w.store.journal(), 1, {}, region.id, w.net.now(), {}};
  auto told = carry(w.net, w.store, {c});
  CHECK(told.cosignatures == 0);
  CHECK(alarmed(w.store, errc::bad_signature));
  // Asking for a cosignature gives one over what is held, and for nothing else.
  auto asked = carry(w.net, region,
                     {have_message{w.net.at(4).journal(), 0}, have_message{directory, 0},
                      have_message{{{node_id{77}, {}}, sub_stream::journal, {}}, 0}});
  REQUIRE(asked.cosigned.size() == 1);
  CHECK(asked.cosigned.front().stream == w.net.at(4).journal());
  // Too much at once.
  CHECK(carry(w.net, region, std::vector<message>(carried_max + 1, c)).code == errc::malformed);
  // After all that the true one is taken.
  CHECK(all_ok(take(w.net, region, up)));
}

TEST_CASE("an old copy takes nothing from a stick that knows better", "[sync][carrier]") {
  station_net net;
  auto& store = net.at(3);
  auto old = store.store.image();
  REQUIRE(std::holds_alternative<entry>(net.top_up(store, 1'000).outcome));
  net.sync();
  net.link(store, net.region(), false);
  auto down = ship(net, net.region(), store);
  auto newest = size_at(store, store.journal());
  store.store.reset(old);
  net.open(store);
  auto had = size_at(store, store.journal());
  REQUIRE(had < newest);
  // A claim without the store's own signature is nothing.
  auto claim = carry(net, store, {want_message{store.journal(), newest + 100, std::nullopt}});
  CHECK(claim.code == errc::bad_proof);
  want_message made_up{store.journal(), newest + 100, want_message::evidence{}};
  CHECK(carry(net, store, {made_up}).code == errc::bad_proof);
  CHECK(store.st->ledger().self() == store.writer());
  // The region's parcel has it.
  auto answer = take(net, store, down);
  CHECK(answer.code == errc::rolled_back);
  CHECK(answer.taken.empty());
  CHECK(store.st->ledger().self() != store.writer());
  CHECK(store.st->ledger().stopped() == errc::rolled_back);
  CHECK(alarmed(store, errc::rolled_back));
  // From then on the same stick is harmless: what it carries was meant for the old life.
  CHECK(all_ok(take(net, store, down)));
  CHECK(holding(store.st->ledger().st(), store.st->ledger().self(), station_net::card, purse_paid) == 0);
}

TEST_CASE("a parcel has one reading, and damage is told from strangeness", "[sync][carrier]") {
  dark w;
  auto p = ship(w.net, w.net.region(), w.store).front();
  auto text = encode_parcel(p);
  REQUIRE(decode_parcel(text).ok());
  for (std::size_t n = 0; n < text.size(); n += n < 200 ? 1 : 97) {
    auto code = decode_parcel(byte_view(text).substr(0, n)).code();
    CHECK(code == (n < 21 ? errc::malformed : errc::corrupt));
  }
  for (std::size_t n = 21; n < text.size(); n += n < 200 ? 1 : 97) {
    auto bad = text;
    bad[n] = static_cast<char>(bad[n] ^ 0x10);
    CHECK(decode_parcel(bad).code() == errc::corrupt);
  }
  CHECK(decode_parcel(text + "x").code() == errc::corrupt);
  auto later = text;
  later[19] = '2';
  CHECK(decode_parcel(later).code() == errc::unsupported);
  later[19] = 'x';
  CHECK(decode_parcel(later).code() == errc::malformed);
  CHECK(decode_parcel("").code() == errc::malformed);
  CHECK(decode_parcel("anything else").code() == errc::malformed);
  CHECK(decode_parcel(bytes(parcel_bytes_max + 1, 'x')).code() == errc::malformed);
  CHECK(is_carried(want_message{}));
  CHECK_FALSE(is_carried(ask_message{}));
  CHECK_FALSE(is_carried(hello_message{}));
}

TEST_CASE("a long backlog goes into several parcels", "[sync][carrier]") {
  station_net net;
  auto& hq = net.hq();
  // Noise does not compress.
  std::vector<entry> facts;
  for (int i = 0; i < 150; ++i) {
    entry e;
    e.kind = entry_kind::publish;
    e.topic = publish_topic::notice;
    bytes blob(50'000, '\0');
    hq.random->fill({reinterpret_cast<std::uint8_t*>(blob.data()), blob.size()});
    e.blob = blob;
    facts.push_back(e);
  }
  REQUIRE(net.publish(facts).code == errc::ok);
  auto& store = net.at(3);
  auto down = ship(net, hq, store);
  REQUIRE(down.size() >= 2);
  for (std::size_t i = 0; i < down.size(); ++i) {
    CHECK(down[i].number == i + 1);
    CHECK(down[i].last == (i + 1 == down.size()));
    CHECK(encode_parcel(down[i]).size() <= parcel_bytes_max);
  }
  // Without its first file the rest has a gap before it.
  auto late = take(net, store, {down.begin() + 1, down.end()});
  CHECK(std::ranges::any_of(late.taken, [](const auto& row) { return row.code == errc::gap; }));
  CHECK(all_ok(take(net, store, down)));
  stream_id directory{hq.writer(), sub_stream::directory, {}};
  CHECK(size_at(store, directory) == size_at(hq, directory));
}

TEST_CASE("a copy that went on is noticed from a stick at any length, and its life stays behind", "[sync][carrier]") {
  station_net net;
  auto& store = net.at(3);
  REQUIRE(std::holds_alternative<entry>(net.top_up(store, 1'000).outcome));
  net.sync();
  auto old = store.store.image();
  REQUIRE(std::holds_alternative<entry>(net.ask(store, net.sale(store, 3)).outcome));
  net.sync();
  net.link(store, net.region(), false);
  auto down = ship(net, net.region(), store);
  store.store.reset(old);
  net.open(store);
  net.settle(store);
  for (int i = 0; i < 4; ++i)
    REQUIRE(std::holds_alternative<entry>(net.ask(store, net.sale(store, 1)).outcome));
  auto held = size_at(net.region(), store.journal());
  REQUIRE(size_at(store, store.journal()) > held);

  // Nobody takes its other history, whichever way it comes.
  auto refused = take(net, net.region(), ship(net, store, net.region(), {{store.journal(), 0}}));
  CHECK(std::ranges::any_of(refused.taken, [](const auto& row) { return row.code == errc::bad_signature; }));
  CHECK(fresh(refused) == 0);
  CHECK(size_at(net.region(), store.journal()) == held);

  auto answer = take(net, store, down);
  CHECK(answer.code == errc::rolled_back);
  CHECK(answer.taken.empty());
  CHECK(store.st->ledger().stopped() == errc::rolled_back);
  auto life = store.st->ledger().self();
  REQUIRE(life != store.writer());
  auto next = shipment::plan(parts_of(store), net.region().id, {}, {}, {}, net.now());
  REQUIRE(next.ok());
  REQUIRE(next->astray().size() == 1);
  CHECK(next->astray().front() == store.journal());
  REQUIRE(next->rows().size() == 1);
  CHECK(next->rows().front().stream.writer == life);
  // What tills did on the copy is named, for people.
  auto behind = left_behind_of(store.store, store.id);
  REQUIRE((behind.ok() && behind->size() == 1));
  CHECK(behind->front().journal == store.journal());
  CHECK(behind->front().of_tills == 4);
  CHECK((behind->front().from > 0 && behind->front().from < held));
  std::ostringstream text;
  auto sum = export_hledger(store.store, text, {{store.journal(), behind->front().from}});
  REQUIRE(sum.ok());
  CHECK(sum->transactions == behind->front().size - behind->front().from);
  CHECK(left_behind_of(net.region().store, net.region().id)->empty());
  auto again = take(net, net.region(), packed(std::move(next)));
  CHECK(all_ok(again));
  CHECK(fresh(again) > 0);
  // A word about the other history under that name hides nothing of this one.
  net.link(store, net.region(), true);
  net.sync();
  auto other = left_behind_of(store.store, store.id);
  REQUIRE((other.ok() && other->size() == 1));
  CHECK((other->front().from == behind->front().from && other->front().of_tills == 4));
  const auto held_there = [&](std::uint64_t size) {
    cosign_message m{store.journal(), size, {}, net.region().id, 1, {}};
    m.root = *root_at(size, stream_reader(net.region().store).nodes(store.journal(), net.region().writer()));
    return held_by(stream_reader(store.store), store.journal(), m);
  };
  CHECK(held_there(behind->front().from) == behind->front().from);
  CHECK(held_there(held) == 0);
  CHECK(held_by(stream_reader(store.store), store.journal(), std::nullopt) == 0);
}

TEST_CASE("what a revoked store brings by hand is evidence, and what a revoked region sends is not taken",
          "[sync][carrier]") {
  dark w;
  auto& hq = w.net.hq();
  auto revoked = [&](node_id id) {
    entry e;
    e.kind = entry_kind::revoke;
    e.subject.node = id;
    REQUIRE(w.net.publish({e}).code == errc::ok);
  };
  auto before = size_at(hq, w.store.journal());
  auto contested = hq.st->seen().contested_of(w.store.writer());
  revoked(w.store.id);
  auto taken = take(w.net, hq, ship(w.net, w.store, hq));
  CHECK(all_ok(taken));
  CHECK(size_at(hq, w.store.journal()) > before);
  CHECK(hq.st->seen().contested_of(w.store.writer()) == contested + size_at(hq, w.store.journal()) - before);
  CHECK(alarmed(hq, errc::revoked));
  // Again, and nothing more of it.
  CHECK(fresh(take(w.net, hq, ship(w.net, w.store, hq, {{w.store.journal(), 0}}))) == 0);

  // A transfer that lies at the region when it is revoked: store 4 takes head office's word first, then nothing.
  auto& other = w.net.at(4);
  auto& region = w.net.region();
  w.net.link(other, region, false);
  entry send;
  send.kind = entry_kind::send;
  send.peer = other.writer();
  send.channel = 1;
  send.cause = send_cause::pull;
  send.account = station_net::card;
  send.values = {{purse_paid, main_unit, 0, 100}};
  stream_id rights{region.writer(), sub_stream::addressed, other.id};
  auto forged = w.net.forge(other, rights, {send}, *region.keys);
  revoked(region.id);
  CHECK(all_ok(take(w.net, other, ship(w.net, hq, other))));
  auto none = carry(w.net, other, {segment_message{forged}});
  REQUIRE(none.taken.size() == 1);
  CHECK(none.taken.front().code == errc::revoked);
  CHECK(size_at(other, rights) == forged.first);
  CHECK(holding(other.st->ledger().st(), other.writer(), station_net::card, purse_paid) == 0);
}

TEST_CASE("an epoch that was closed ends by hand too, and what a stick brings of it later is honoured",
          "[sync][carrier]") {
  dark w;
  auto& hq = w.net.hq();
  entry close;
  close.kind = entry_kind::close_epoch;
  close.subject.node = w.store.id;
  REQUIRE(w.net.publish({close}).code == errc::ok);
  w.net.sync();
  // The word of it and the rights of the old life come in one bundle; the old life's are no longer taken.
  auto old_life = w.store.writer();
  std::vector<message> bundle;
  for (const auto& p : ship(w.net, hq, w.store, {}))
    bundle.insert(bundle.end(), p.messages.begin(), p.messages.end());
  REQUIRE(bundle.size() <= carried_max);
  auto told = carry(w.net, w.store, bundle);
  CHECK(told.code == errc::ok);
  CHECK(all_ok(told));
  CHECK(alarmed(w.store, errc::epoch_closed));
  auto life = w.store.st->ledger().self();
  CHECK(life != old_life);
  CHECK(w.store.st->ledger().stopped() == errc::epoch_closed);
  CHECK(holding(w.store.st->ledger().st(), life, station_net::card, purse_paid) == 0);
  // Its sales reach head office late and whole, and count.
  auto up = ship(w.net, w.store, hq);
  auto late = take(w.net, hq, up);
  CHECK(all_ok(late));
  CHECK(hq.st->seen().contested_of(old_life) == 0);
  CHECK(size_at(hq, w.store.journal()) == size_at(w.store, w.store.journal()));
  CHECK(fresh(take(w.net, hq, up)) == 0);
}
