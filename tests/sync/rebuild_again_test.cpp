// Head office on a backup from before it was last restored: the life that came since is given back as well.
#include <catch2/catch.hpp>

#include "ledger/cards.hpp"
#include "ledger/closing.hpp"
#include "sync/station_net.hpp"

using namespace tally;
using test::about;
using test::alarmed;
using test::held;
using test::in_all;
using test::let_time_pass;
using test::station_net;
using test::why;

namespace {

void set_status(station_net& net, card_status status) {
  auto card = card_of(net.hq().st->ledger().st(), station_net::card);
  REQUIRE(card.has_value());
  card->status = status;
  ++card->version;
  REQUIRE(net.publish({card_fact(station_net::card, *card)}).code == errc::ok);
  net.sync();
}

void go_on(station_net& net, const kv_image& copy) {
  net.go_back(copy);
  net.link(net.region(), net.hq(), true);
  let_time_pass(net, 30);
  REQUIRE_FALSE(net.hq().st->is_rebuilding());
}

void check_uncontested(const station_net& net) {
  const auto& seen = const_cast<station_net&>(net).hq().st->seen();
  for (const auto& w : seen.writers()) {
    INFO(w.node.value);
    CHECK(seen.contested_of(w) == 0);
    CHECK(seen.unproven(w).quota == 0);
    CHECK(seen.unproven(w).rights == 0);
  }
}

}  // namespace

TEST_CASE("head office goes on from one backup twice, and what each life published stands", "[sync][rebuild]") {
  station_net net;
  auto &hq = net.hq(), &a = net.at(3);
  const auto first = hq.writer();
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  const auto copy = hq.store.image();
  std::vector<writer_id> lives{first};
  for (auto status : {card_status::frozen, card_status::active, card_status::frozen}) {
    set_status(net, status);
    go_on(net, copy);
    lives.push_back(hq.st->ledger().self());
    CHECK(card_of(hq.st->ledger().st(), station_net::card)->status == status);
  }
  for (std::size_t i = 0; i + 1 < lives.size(); ++i) {
    CAPTURE(i);
    auto closed = closing_of(hq.st->ledger().st(), lives[i]);
    REQUIRE(closed.has_value());
    CHECK(closed->complete());
    const stream_id directory{lives[i], sub_stream::directory, {}};
    for (auto* n : {&net.region(), &a})
      CHECK(hq.source->size(directory) == n->source->size(directory));
  }
  CHECK(node_of(a.st->ledger().st(), head_office)->epoch == lives.back().epoch);
  set_status(net, card_status::active);
  REQUIRE(why(net.ask(a, net.sale(a, 10), true)) == errc::ok);
  net.sync();
  CHECK(in_all(net) == 0);
  CHECK_FALSE(alarmed(hq, errc::rolled_back));
  check_uncontested(net);
}

TEST_CASE("value that each lost life of head office passed on is there once", "[sync][rebuild]") {
  station_net net({1'000'000, 1'000'000, 100'000, 1'000'000}, 1, true);
  auto &hq = net.hq(), &a = net.at(3), &b = net.at(4), &far = net.at(5);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  // At head office: what lay at the life of a store that ended.
  REQUIRE(net.publish({about(entry_kind::close_epoch, a.id)}).code == errc::ok);
  net.sync();
  auto copy = hq.store.image();
  const bool granted = GENERATE(true, false);  // in the backup; else every life grants it anew itself
  CAPTURE(granted);
  net.pass_time(tick_ms{8} * 24 * 3'600'000);
  let_time_pass(net, 15);
  REQUIRE(held(hq, hq.writer()) == 1'000);
  if (granted) copy = hq.store.image();
  REQUIRE(why(net.ask(b, net.sale(b, 2), true)) == errc::ok);  // the life of the backup, in its lost part
  net.sync();
  net.link(far, hq, false);
  net.go_back(copy);
  net.link(far, hq, true);
  net.link(net.region(), hq, true);
  let_time_pass(net, 30);
  REQUIRE_FALSE(hq.st->is_rebuilding());
  REQUIRE(why(net.ask(far, net.sale(far, 3), true)) == errc::ok);  // the life after it, which is lost as a whole
  net.sync();
  CHECK(in_all(net) == 500);
  net.go_back(copy);
  net.link(net.region(), hq, true);
  let_time_pass(net, 30);
  // The store right below head office has what was sent to it, and nobody else has.
  REQUIRE(hq.st->is_rebuilding());
  CHECK(hq.st->rebuilt().silent == std::vector<node_id>{far.id});
  net.link(far, hq, true);
  let_time_pass(net, 30);
  REQUIRE_FALSE(hq.st->is_rebuilding());
  CHECK(in_all(net) == 500);
  REQUIRE(why(net.ask(far, net.sale(far, 4), true)) == errc::ok);
  CHECK(why(net.ask(b, net.sale(b, 2), true)) == errc::insufficient);
  REQUIRE(why(net.ask(b, net.sale(b, 1), true)) == errc::ok);
  CHECK(why(net.ask(far, net.sale(far, 1), true)) == errc::insufficient);
  net.sync();
  CHECK(in_all(net) == 0);
  check_uncontested(net);
}

TEST_CASE("a crash while a later life is given back costs nothing", "[sync][rebuild]") {
  station_net net;
  auto& hq = net.hq();
  const auto copy = hq.store.image();
  go_on(net, copy);
  for (int i = 0; i < 5; ++i)
    set_status(net, i % 2 == 0 ? card_status::frozen : card_status::active);
  const stream_id later = hq.st->directory();
  const auto published = hq.source->size(later);
  const int steps = GENERATE(1, 2, 3, 4);
  net.go_back(copy);
  for (int again = 0; again < 3; ++again) {
    net.link(net.region(), hq, true);
    for (int i = 0; i < steps; ++i)
      let_time_pass(net, 1);
    net.link(net.region(), hq, false);
    if (!hq.st->is_rebuilding()) break;
    net.open(hq);
    REQUIRE(hq.st->begin_restored_epoch(net.now()).ok());
  }
  net.link(net.region(), hq, true);
  let_time_pass(net, 30);
  REQUIRE_FALSE(hq.st->is_rebuilding());
  CHECK(hq.source->size(later) == published);
  CHECK(card_of(hq.st->ledger().st(), station_net::card)->status == card_status::frozen);
}

TEST_CASE("a node that knows of a later life and does not give it back is waited for", "[sync][rebuild]") {
  const bool without = GENERATE(false, true);  // whatever the operator says
  CAPTURE(without);
  station_net net;
  auto &hq = net.hq(), &region = net.region();
  const auto copy = hq.store.image();
  const writer_id made_up{head_office, {{7}}};
  net.go_back(copy, without ? std::vector{region.id} : std::vector<node_id>{});
  net.link(region, hq, true);
  const bool mute = GENERATE(false, true);  // an older program
  CAPTURE(mute);
  message no = refuse_message{errc::rolled_back, std::string(older_backup_text)};
  if (!mute) no = have_message{{made_up, sub_stream::directory, {}}, 9};
  REQUIRE(hq.st->put(control_arrival{region.id, no}).ok());
  net.settle(hq);
  net.forget();
  let_time_pass(net, 60);
  CHECK(hq.st->is_rebuilding());
  CHECK(hq.st->rebuilt().newer == std::vector{region.id});
  CHECK(alarmed(hq, errc::rolled_back) == mute);
}
