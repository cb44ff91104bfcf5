#include "sync/observer.hpp"

#include <catch2/catch.hpp>

#include "ledger/kinds.hpp"
#include "storage/faulty_kv.hpp"
#include "storage/kv_state.hpp"

using namespace tally;

namespace {

constexpr unit_id quota_unit = quota_of(main_unit);
constexpr account_id card{17};
epoch_id epoch_of(std::uint8_t n) { return {{n, n, n, n, n, n, n, n}}; }
const writer_id hq{node_id{1}, epoch_of(1)}, store_a{node_id{3}, epoch_of(3)}, store_b{node_id{4}, epoch_of(4)};

entry opening() {
  entry e;
  e.kind = entry_kind::open_epoch;
  e.engine = engine_revision;
  return e;
}
entry move(bool out, writer_id peer, std::uint64_t channel, account_id account, value_item v) {
  entry e;
  e.kind = out ? entry_kind::send : entry_kind::receive;
  e.peer = peer;
  e.channel = channel;
  e.account = account;
  e.values = {v};
  if (out)
    e.cause = send_cause::grant;
  else
    e.head = stream_head{{peer, sub_stream::journal, {}}, channel, {}};
  return e;
}
entry sale(std::uint64_t counter, amount v) {
  entry e;
  e.kind = entry_kind::sale;
  e.terminal = 201;
  e.counter = counter;
  e.account = card;
  e.lines = {{product_id{1}, 1}};
  e.values = {{purse_paid, main_unit, 0, v}};
  return e;
}
entry top_up(std::uint64_t counter, amount v) {
  entry e = sale(counter, v);
  e.kind = entry_kind::top_up;
  e.lines.clear();
  e.tenders = {{tender_kind::cash, main_unit, v}};
  return e;
}
entry reversal(const entry& of, sequence seq, std::uint64_t counter) {
  entry e = of;
  e.kind = entry_kind::reverse;
  e.cited_kind = of.kind;
  e.cites = seq;
  e.counter = counter;
  e.lines.clear();
  return e;
}

/// Head office's database with the journals of two stores, as they would have arrived.
struct office {
  memory_kv store;
  kv_view view{store};
  stream_writer writer{view};
  memory_state directory;
  std::unique_ptr<observer> seen;
  std::size_t reads = 0;  ///< of earlier entries

  office() {
    put_node(directory, hq.node, {node_role::hq, hq.epoch, {}});
    put_node(directory, store_a.node, {node_role::store, store_a.epoch, {node_id{1}}});
    put_node(directory, store_b.node, {node_role::store, store_b.epoch, {store_a.node, node_id{1}}});
    seen = std::make_unique<observer>(directory);
  }
  std::vector<verdict> arrive_raw(const writer_id& w, std::vector<bytes> list) {
    stream_id id{w, sub_stream::journal, {}};
    auto first = writer.tip(id).size();
    if (w.node == hq.node) {
      for (const auto& e : list)
        writer.append_own(id, e, std::nullopt);
    } else {
      segment s{id, first, static_cast<std::uint32_t>(list.size()), {}, pack_entries(list)};
      writer.append_foreign(s, open_segment(s)->run);
    }
    auto find = [this, w](sequence seq) -> std::optional<entry> {
      ++reads;
      auto data = stream_reader(store).entry_of({w, sub_stream::journal, {}}, seq, hq);
      if (!data) return std::nullopt;
      auto e = decode_entry(*data);
      if (!e) return std::nullopt;
      return std::move(*e);
    };
    return seen->observe(w, first, list, find);
  }
  std::vector<verdict> arrive(const writer_id& w, const std::vector<entry>& list) {
    std::vector<bytes> data;
    for (const auto& e : list)
      data.push_back(encode_entry(e));
    return arrive_raw(w, data);
  }
  void commit() {
    writer.flush();
    REQUIRE(store.commit(view.seal(), true).ok());
    view.settled();
  }
  /// An observer that starts from the disk.
  std::unique_ptr<observer> reopened() {
    auto o = std::make_unique<observer>(directory);
    REQUIRE(o->load(stream_reader(store), hq.node).ok());
    return o;
  }
};

void same(const observer& a, const observer& b) {
  CHECK(a.all().balances() == b.all().balances());
  CHECK(a.all().cells() == b.all().cells());
  CHECK(a.writers() == b.writers());
  for (const auto& w : a.writers())
    CHECK(a.position(w) == b.position(w));
}
void all_good(const std::vector<verdict>& list) {
  for (const auto& v : list) {
    INFO(v.seq << " " << v.detail);
    CHECK(errc_name(v.why) == "ok");
  }
}

/// Quota and value for store A, so that it can trade.
void supply(office& o) {
  all_good(o.arrive(hq, {opening(), move(true, store_a, 1, {}, {0, quota_unit, 0, 1000})}));
  all_good(o.arrive(store_a, {opening(), move(false, hq, 1, {}, {0, quota_unit, 0, 1000})}));
}

}  // namespace

TEST_CASE("journals from everywhere fold into one view", "[observer]") {
  office o;
  supply(o);
  all_good(o.arrive(store_a, {top_up(1, 700), sale(2, 200)}));
  CHECK(holding(o.seen->st(), store_a, card) == 500);
  CHECK(quota_left(o.seen->st(), store_a) == 300);
  CHECK(held_total(o.seen->st(), store_a) == 500);
  // A receives nothing of what it sends until B's half arrives.
  all_good(o.arrive(store_a, {move(true, store_b, 1, card, {purse_paid, main_unit, 0, 150})}));
  auto transit = [&] {
    return -(o.seen->st().balance(transit_account(store_a, store_a, store_b, main_unit)) +
             o.seen->st().balance(transit_account(store_b, store_a, store_b, main_unit)));
  };
  CHECK(transit() == 150);
  all_good(o.arrive(store_b, {opening(), move(false, store_a, 1, card, {purse_paid, main_unit, 0, 150})}));
  CHECK(transit() == 0);
  CHECK(holding(o.seen->st(), store_b, card) == 150);
  CHECK(o.seen->writers() == std::vector<writer_id>{hq, store_a, store_b});
  CHECK(o.seen->position(store_a) == 5);
  CHECK(o.seen->contested_of(store_a) == 0);
}

TEST_CASE("a reversal finds what it cites in the same run and on the disk", "[observer]") {
  office o;
  supply(o);
  auto load = top_up(1, 700), spend = sale(2, 200), late = sale(4, 100);
  all_good(o.arrive(store_a, {load, spend, reversal(spend, 3, 3), late}));
  CHECK(holding(o.seen->st(), store_a, card) == 600);
  o.commit();
  all_good(o.arrive(store_a, {reversal(late, 5, 5)}));
  CHECK(holding(o.seen->st(), store_a, card) == 700);
}

TEST_CASE("a use of a voucher's code that many know reads no other, and few of them are told", "[observer][voucher]") {
  office o;
  o.seen = std::make_unique<observer>(o.directory, hq.node, node_role::hq);
  constexpr account_id voucher{5'001};
  constexpr std::size_t each = 20;
  const value_item rights{0, risk_of(main_unit), 0, 1'000};
  all_good(o.arrive(hq, {opening(), move(true, store_a, 1, {}, rights), move(true, store_b, 1, {}, rights)}));
  for (const auto& w : {store_a, store_b}) {
    all_good(o.arrive(w, {opening(), move(false, hq, 1, {}, rights)}));
    for (std::uint64_t n = 1; n <= each; ++n) {
      auto e = sale(n, 10);
      e.account = voucher;
      e.bearer = 1'000;
      e.debts = e.values;
      e.risk = 10;
      all_good(o.arrive(w, {e}));
      o.commit();
    }
  }
  CHECK(o.reads == 0);  // each was read when it came
  const auto* joint = o.seen->same_case(store_b, 2);
  REQUIRE(joint);
  CHECK(joint->all == 2 * each);
  CHECK(joint->first.size() == observer::joint_uses_max);
  CHECK(joint->first.front() == std::pair(store_a, sequence{2}));
  CHECK(o.seen->same_case(store_a, 2) == joint);
  CHECK(o.seen->same_case(store_a, 1) == nullptr);
}

TEST_CASE("one bad entry is contested, applied, and blocks nothing", "[observer]") {
  office o;
  supply(o);
  auto list = o.arrive(store_a, {top_up(1, 700), sale(2, 900), sale(3, 50), top_up(4, 2000)});
  CHECK(list[0].why == errc::ok);
  CHECK(list[1].why == errc::insufficient);
  CHECK(list[2].why == errc::insufficient);  // its holding is still below zero
  CHECK(list[3].why == errc::no_quota);
  CHECK(holding(o.seen->st(), store_a, card) == 700 - 900 - 50 + 2000);
  CHECK(o.seen->contested_of(store_a) == 3);
  all_good(o.arrive(store_a, {sale(5, 100)}));
  auto why = o.seen->st().find({.type = cell_type::contested, .a = 3, .b = 0, .writer = store_a, .peer = {}});
  REQUIRE(why.has_value());
  CHECK(why->n == static_cast<int>(errc::insufficient));
}

TEST_CASE("foreign powers, unknown kinds and noise are contested and stored", "[observer]") {
  office o;
  supply(o);
  entry limits;
  limits.kind = entry_kind::limits;
  limits.subject = store_a;
  limits.limits = node_limits{1, 1, 1, 1};
  byte_writer future;
  future.uv(static_cast<std::uint64_t>(entry_kind::deposit));
  future.raw("fields of a later version");
  byte_writer unknown;
  unknown.uv(59);
  auto list = o.arrive_raw(store_a, {encode_entry(limits), future.take(), unknown.take(), bytes("\xff\xff\xff"),
                                     bytes{}, encode_entry(opening()), encode_entry(top_up(1, 10))});
  CHECK(list[0].why == errc::not_entitled);
  CHECK(list[1].why == errc::unsupported);
  CHECK(list[1].kind == entry_kind::deposit);
  CHECK(list[2].why == errc::unsupported);
  CHECK(list[3].why == errc::malformed);
  CHECK(list[4].why == errc::malformed);
  CHECK(list[5].why == errc::malformed);
  CHECK(list[6].why == errc::ok);
  CHECK(o.seen->contested_of(store_a) == 6);
  CHECK(limits_of(o.seen->st(), store_a.node) == node_limits{});  // a store's word changes nobody's limits
  CHECK(o.seen->position(store_a) == 9);
  // A writer that head office never certified is entitled to nothing.
  auto stranger = o.arrive(writer_id{node_id{66}, epoch_of(6)}, {opening()});
  CHECK(stranger[0].why == errc::not_entitled);
}

TEST_CASE("a receive that differs from its send is contested", "[observer]") {
  office o;
  supply(o);
  all_good(o.arrive(hq, {move(true, store_a, 2, {}, {0, quota_unit, 0, 500})}));
  auto list = o.arrive(store_a, {move(false, hq, 2, {}, {0, quota_unit, 0, 5000})});
  CHECK(list[0].why == errc::bad_proof);
  CHECK(o.seen->contested_of(store_a) == 1);
}

TEST_CASE("amounts at the end of the range neither wrap nor stop the fold", "[observer]") {
  office o;
  supply(o);
  std::vector<entry> list;
  for (std::uint64_t i = 0; i < 4; ++i)
    list.push_back(move(false, store_b, i + 1, account_id{100 + i}, {purse_paid, main_unit, 0, INT64_MAX / 2}));
  auto verdicts = o.arrive(store_a, list);
  CHECK(verdicts[1].why == errc::ok);
  CHECK(verdicts[2].why == errc::overflow);
  CHECK(verdicts[3].why == errc::overflow);
  CHECK(o.seen->contested_of(store_a) == 2);
  CHECK(held_total(o.seen->st(), store_a) == INT64_MAX - 1);
  all_good(o.arrive(store_a, {top_up(1, 1)}));
  auto wrong = o.arrive(store_a, {sale(2, INT64_MIN)});
  CHECK(wrong[0].why == errc::malformed);
}

TEST_CASE("the observed fold is rebuilt from the disk, with and without a checkpoint", "[observer]") {
  office o;
  supply(o);
  auto spend = sale(2, 200);
  auto twice = sale(2, 1);  // a number that was used
  o.arrive(store_a, {top_up(1, 700), spend, twice});
  o.commit();
  same(*o.seen, *o.reopened());  // no checkpoint yet: all of it is replayed

  o.seen->checkpoint(o.view);
  CHECK(o.seen->since_checkpoint() == 0);
  o.commit();
  same(*o.seen, *o.reopened());

  // More behind the checkpoint, one of it citing an entry before it.
  o.arrive(store_a, {reversal(spend, 3, 4), move(true, store_b, 1, card, {purse_paid, main_unit, 0, 50})});
  o.arrive(hq, {move(true, store_a, 2, {}, {0, quota_unit, 0, 5})});
  o.commit();
  same(*o.seen, *o.reopened());

  // A second checkpoint writes what changed since, erased facts too: the other half of the transfer takes the first
  // away.
  o.seen->checkpoint(o.view);
  o.commit();
  o.arrive(store_b, {opening(), move(false, store_a, 1, card, {purse_paid, main_unit, 0, 50})});
  o.seen->checkpoint(o.view);
  o.commit();
  auto again = o.reopened();
  same(*o.seen, *again);
  CHECK(holding(again->st(), store_b, card) == 50);
  CHECK(again->contested_of(store_a) == 1);
}

TEST_CASE("a group that was lost is observed again", "[observer]") {
  office o;
  supply(o);
  o.arrive(store_a, {top_up(1, 700)});
  o.commit();
  o.arrive(store_a, {sale(2, 200)});
  o.seen->checkpoint(o.view);  // in the same group as the segment, so both are lost together
  auto again = o.reopened();
  CHECK(again->position(store_a) == 3);
  CHECK(holding(again->st(), store_a, card) == 700);
}

TEST_CASE("a damaged or silent disk stops the load", "[observer]") {
  office o;
  supply(o);
  o.seen->checkpoint(o.view);
  o.arrive(store_a, {top_up(1, 700)});
  o.commit();
  auto load = [&](auto change) {
    faulty_kv store(o.store.image());
    kv_batch batch;
    change(batch);
    if (!batch.empty()) REQUIRE(store.commit(batch, true).ok());
    return observer(o.directory).load(stream_reader(store), hq.node).code();
  };
  CHECK(load([](kv_batch&) {}) == errc::ok);
  CHECK(load([](kv_batch& b) { b.put(family::state, "oz", "x"); }) == errc::corrupt);
  CHECK(load([](kv_batch& b) { b.put(family::state, "o" + balance_key(quota_account(store_a, quota_unit)), ""); }) ==
        errc::corrupt);
  CHECK(load([](kv_batch& b) { b.put(family::state, "pz", "x"); }) == errc::corrupt);
  CHECK(load([](kv_batch& b) { b.put(family::state, "hz", "x"); }) == errc::corrupt);
  stream_id id{store_a, sub_stream::journal, {}};
  CHECK(load([&](kv_batch& b) { b.erase(family::segments, segment_key(id, 2)); }) == errc::corrupt);
  CHECK(load([&](kv_batch& b) { b.put(family::segments, segment_key(id, 2), "x"); }) == errc::corrupt);
  CHECK(load([&](kv_batch& b) { b.erase(family::entries, own_entry_key(hq.epoch, 1)); }) ==
        errc::ok);  // behind the checkpoint
  faulty_kv silent(o.store.image());
  silent.fail_reads(true);
  CHECK(observer(o.directory).load(stream_reader(silent), hq.node).code() == errc::io);
}
