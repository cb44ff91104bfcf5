// A thief holds a store's disk and keys, is online, and tries whatever he can think of for a week. He must not get hold
// of more than the exposure that head office's screen showed when he took it.
#include <catch2/catch.hpp>

#include <random>

#include "sync/exposure.hpp"
#include "sync/station_net.hpp"

using namespace tally;
using test::station_net;

namespace {

constexpr std::int64_t week_days = 7;
constexpr node_limits week_limits{
    .ceiling = 20'000, .daily_inflow = 6'000, .quota_target = 9'000, .daily_quota = 4'000};
constexpr amount fortune = 1'000'000'00;

/// Card value and top-up quota of one transfer.
struct worth {
  amount value = 0, quota = 0;
  void add(const entry& e) {
    for (const auto& v : e.values)
      (v.purse == 0 ? quota : value) += v.amount;
  }
};

struct week {
  station_net net{week_limits};
  station_net::node& thief = net.at(3);
  std::mt19937_64 random;
  amount screen = 0;            ///< exposure at the theft
  worth had, came;              ///< at the theft, and sent to him since
  std::vector<stream_id> from;  ///< who sends to him
  std::map<stream_id, std::uint64_t> taken;
  std::map<writer_id, std::uint64_t> out, in;  ///< channel numbers
  std::vector<entry> written;
  std::uint64_t asks = 1'000, counter = 5'000;

  explicit week(std::uint64_t seed) : random(seed) {
    REQUIRE(std::holds_alternative<entry>(net.top_up(thief, 700).outcome));
    REQUIRE(std::holds_alternative<entry>(net.top_up(net.at(4), 3'000).outcome));
    net.sync();
    net.link(thief, net.region(), false);  // from now on his own program speaks for it
    screen = exposure_of(exposure_parts_of(*net.hq().st, thief.writer()), week_days);
    had.value = held_total(net.hq().st->seen().st(), thief.writer());
    had.quota = quota_left(net.hq().st->seen().st(), thief.writer());
    for (auto* n : {&net.hq(), &net.region()}) {
      from.push_back({n->writer(), sub_stream::addressed, thief.id});
      taken[from.back()] = n->source->size(from.back());
      const auto& st = thief.st->ledger().st();
      in[n->writer()] = static_cast<std::uint64_t>(number(st, channel_key(false, n->writer(), thief.writer())));
      out[n->writer()] = static_cast<std::uint64_t>(number(st, channel_key(true, thief.writer(), n->writer())));
    }
  }

  std::uint64_t below(std::uint64_t n) { return random() % n; }
  amount sum() {
    static constexpr amount bold[] = {1, 100, 700, 2'500, 9'000, 20'000, fortune, amount_max};
    return bold[below(std::size(bold))];
  }

  void write(entry e) {
    e.business_date = day_of(net.now());
    written.push_back(e);
    (void)net.ingest(net.region(), thief.id, net.forge(net.region(), thief.journal(), {e}, *thief.keys));
    net.settle(net.region());
  }
  entry card_entry(entry_kind kind, amount v) {
    entry e;
    e.kind = kind;
    e.account = station_net::card;
    e.values = {{purse_paid, main_unit, 0, v}};
    return e;
  }

  // Asks for rights as a till of his would, many times under one number too.
  void pull() {
    ask_message m{below(3) == 0 ? asks : ++asks, station_net::card, purse_paid, sum(), 1'500};
    (void)net.region().st->put(control_arrival{thief.id, m});
  }
  // Takes what was sent to him; or says that it was more.
  void take(bool lie) {
    for (const auto& id : from) {
      const auto& store = id.writer == net.hq().writer() ? net.hq().store : net.region().store;
      stream_reader reader(store);
      auto list = reader.own_entries(id, taken[id], reader.size(id), 64);
      if (!list) continue;
      for (auto data : *list) {
        auto send = decode_entry(data);
        REQUIRE(send.ok());
        ++taken[id];
        came.add(*send);
        entry e;
        e.kind = entry_kind::receive;
        e.peer = id.writer;
        e.channel = in[id.writer] = send->channel;
        e.account = send->account;
        e.values = send->values;
        if (lie && !e.values.empty()) e.values.front().amount = fortune;
        e.head = stream_head{id, taken[id], {}};
        write(e);
      }
    }
  }
  void make_up_receive() {
    auto e = card_entry(entry_kind::receive, sum());
    auto sender = below(2) == 0 ? net.at(4).writer() : from[below(2)].writer;
    e.peer = sender;
    e.channel = in[sender] + 1 + below(2);
    e.head = stream_head{{sender, sub_stream::addressed, thief.id}, 1'000, {}};
    write(e);
  }
  void send_up() {
    auto e = card_entry(entry_kind::send, sum());
    e.peer = below(8) == 0 ? net.at(4).writer() : from[below(2)].writer;
    e.channel = below(6) == 0 ? out[e.peer] : ++out[e.peer];
    e.cause = send_cause::sweep;
    if (below(10) == 0) {
      e.account = {};
      e.values = {{0, quota_of(main_unit), 0, sum()}};
    }
    write(e);
  }
  void load() {
    auto e = card_entry(entry_kind::top_up, sum());
    e.terminal = 300;
    e.counter = below(8) == 0 ? counter : ++counter;
    e.tenders = {{tender_kind::cash, main_unit, e.values.front().amount}};
    write(e);
  }
  void undo() {
    if (written.empty()) return;
    auto i = below(written.size());
    auto e = written[i];
    e.cited_kind = e.kind;
    e.kind = entry_kind::reverse;
    e.cites = net.region().source->size(thief.journal()) - written.size() + i;
    e.terminal = 300;
    e.counter = ++counter;
    write(e);
  }
  void an_hour() {
    for (auto n = 1 + below(4); n > 0; --n)
      switch (below(8)) {
        case 0:
        case 1: pull(); break;
        case 2: take(false); break;
        case 3: take(below(4) == 0); break;
        case 4: make_up_receive(); break;
        case 5: load(); break;
        case 6: undo(); break;
        default: send_up(); break;
      }
    // Honest people go on.
    if (below(3) == 0) (void)net.top_up(net.at(4), 300);
    if (below(3) == 0) (void)net.ask(net.at(4), net.sale(net.at(4), 2));
    net.pass_time(3'600'000);
    net.sync();
  }

  /// Card value that honest nodes credited from him.
  amount credited() {
    amount sum = 0;
    for (auto* n : {&net.hq(), &net.region()}) {
      stream_reader reader(n->store);
      for (std::uint64_t at = 0, size = reader.size(n->journal()); at < size;) {
        auto list = reader.own_entries(n->journal(), at, size, 256);
        REQUIRE(list.ok());
        for (auto data : *list) {
          auto e = decode_entry(data);
          REQUIRE(e.ok());
          worth w;
          if (e->kind == entry_kind::receive && e->peer == thief.writer()) w.add(*e);
          sum += w.value;
          ++at;
        }
      }
    }
    return sum;
  }
};

}  // namespace

TEST_CASE("a thief with a store's disk and keys gains in a week at most what the screen said", "[sync][thief]") {
  auto seed = GENERATE(1u, 2u, 3u, 4u, 5u, 6u);
  INFO("seed " << seed);
  week w(seed);
  auto credited_before = w.credited();
  for (int hour = 0; hour < 24 * week_days; ++hour)
    w.an_hour();
  w.take(false);
  auto got = w.had.value + w.had.quota + w.came.value + w.came.quota;
  INFO("had " << w.had.value << " and quota " << w.had.quota << ", came " << w.came.value << " and quota "
              << w.came.quota << "; credited " << w.credited() << "; the screen said " << w.screen);
  CHECK(got <= w.screen);
  CHECK(w.credited() - credited_before <= got);  // he made nothing
  CHECK(w.came.value > 0);                       // and he did try
  CHECK(w.net.hq().st->seen().contested_of(w.thief.writer()) > 50);
}
