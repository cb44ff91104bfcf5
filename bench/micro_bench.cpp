// Small parts on their own, with Google Benchmark: where the time of a sale and of a segment goes. No disk.
#include <benchmark/benchmark.h>

#include "bench/shop.hpp"
#include "storage/memory_kv.hpp"
#include "storage/segment.hpp"
#include "storage/sha256.hpp"

namespace tally::bench {
namespace {

constexpr unix_seconds noon = 1'795'348'800;  // 2026-11-22T12:00:00Z
constexpr node_id store_node{2};

epoch_id epoch_of(std::uint8_t n) {
  epoch_id e;
  e.value.fill(n);
  return e;
}
const writer_id hq{node_id{1}, epoch_of(1)}, self{store_node, epoch_of(9)};

/// A memory store that counts the reads that reach it.
class counted_kv final : public kv_store {
public:
  lookup get(family f, byte_view key, bytes& out) const override {
    ++reads;
    return inner_.get(f, key, out);
  }
  std::unique_ptr<kv_cursor> scan(family f, byte_view from) const override { return inner_.scan(f, from); }
  std::unique_ptr<kv_cursor> seek_last_at_or_before(family f, byte_view key) const override {
    return inner_.seek_last_at_or_before(f, key);
  }
  status commit(const kv_batch& batch, bool sync) override {
    changes += batch.size();
    return inner_.commit(batch, sync);
  }
  std::uint64_t disk_free_bytes() const override { return inner_.disk_free_bytes(); }

  mutable std::uint64_t reads = 0;
  std::uint64_t changes = 0;

private:
  memory_kv inner_;
};

/// A stocked store in memory, as bench/shop.hpp makes one on a disk.
struct bench_book {
  counted_kv store;
  std::unique_ptr<book> ledger;

  bench_book() {
    auto opened = book::open(store, store_node, node_role::store);
    invariant(opened.ok(), "an empty store opens");
    ledger = std::move(*opened);
    ledger->begin_epoch(self.epoch, noon, std::nullopt);
    stock(*ledger, store, hq, reference::cards, "bench");
  }
};

/// Entries of the reference workload, in order, as a store's journal holds them.
const std::vector<bytes>& journal() {
  static const std::vector<bytes> entries = [] {
    bench_book b;
    grow(*b.ledger, b.store, reference::cards + 20'000);
    stream_reader reader(b.store);
    std::vector<bytes> all;
    while (all.size() < b.ledger->durable_next()) {
      auto some = reader.own_entries(b.ledger->journal(), all.size(), b.ledger->durable_next(), segment_entries_max);
      invariant(some.ok(), "own entries are there");
      for (auto e : *some)
        all.emplace_back(e);
    }
    return all;
  }();
  return entries;
}
/// The part of it that is sales, top-ups and reversals.
std::span<const bytes> trade() { return std::span(journal()).last(20'000); }

entry decoded(const bytes& data) {
  auto e = decode_entry(data);
  invariant(e.ok(), "an entry of the workload decodes");
  return std::move(*e);
}

void encode(benchmark::State& state) {
  std::vector<entry> list;
  for (const auto& data : trade().first(1000))
    list.push_back(decoded(data));
  std::size_t i = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(encode_entry(list[i++ % list.size()]));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(encode);

void decode(benchmark::State& state) {
  auto list = trade().first(1000);
  std::size_t i = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(decode_entry(list[i++ % list.size()]));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(decode);

void expand_entry(benchmark::State& state) {
  std::vector<entry> list;
  for (const auto& data : trade().first(1000))
    list.push_back(decoded(data));
  std::size_t i = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(expand(list[i++ % list.size()], self));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(expand_entry);

/// The whole journal again and again, on a fold in memory: what an observer does without its decoding and tracking.
void judge_and_apply(benchmark::State& state) {
  std::vector<entry> list;
  for (const auto& data : journal())
    list.push_back(decoded(data));
  std::unique_ptr<memory_state> fold;
  std::size_t i = 0;
  for (auto _ : state) {
    if (i == 0) fold = std::make_unique<memory_state>();
    const auto& e = list[i];
    entry_place place{self, node_role::store, i, e.cites ? &list[*e.cites] : nullptr};
    auto postings = judge(e, place, *fold);
    if (!postings || !apply(e, place, *postings, *fold)) return state.SkipWithError("an entry was refused");
    i = (i + 1) % list.size();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(judge_and_apply);

void decide_on_book(benchmark::State& state) {
  bench_book b;
  till_script script(7, reference::first_terminal);
  for (auto _ : state) {
    auto d = decide(script.next_sale(), b.ledger->at(noon));
    if (!std::holds_alternative<entry>(d)) return state.SkipWithError("a sale was refused");
    benchmark::DoNotOptimize(d);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(decide_on_book)->Iterations(900);  // counters may run ahead of what was written by 1,000

/// Decide, judge, apply, encode, append; a group of the given size is committed to memory.
void book_take(benchmark::State& state) {
  bench_book b;
  till_script script(7, reference::first_terminal);
  std::int64_t in_group = 0;
  auto reads = b.store.reads, changes = b.store.changes;
  for (auto _ : state) {
    auto c = script.next();
    auto seq = b.ledger->next();
    auto d = b.ledger->take(c, noon);
    if (!std::holds_alternative<entry>(d)) return state.SkipWithError("a request was refused");
    script.approved(c, seq);
    if (++in_group == state.range(0)) {
      commit(*b.ledger, b.store);
      in_group = 0;
    }
  }
  auto n = static_cast<double>(state.iterations());
  state.SetItemsProcessed(state.iterations());
  state.counters["reads"] = static_cast<double>(b.store.reads - reads) / n;
  state.counters["changes"] = static_cast<double>(b.store.changes - changes) / n;
}
BENCHMARK(book_take)->Arg(1)->Arg(64)->Arg(2000);

void merkle_append(benchmark::State& state) {
  auto list = trade().first(1000);
  merkle_frontier f;
  std::size_t i = 0;
  for (auto _ : state)
    f.append(merkle_leaf(list[i++ % list.size()]));
  benchmark::DoNotOptimize(f.root());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(merkle_append);

void segment_pack(benchmark::State& state) {
  auto n = static_cast<std::size_t>(state.range(0));
  std::vector<bytes> list(trade().begin(), trade().begin() + state.range(0));
  std::size_t octets = 0;
  for (auto _ : state)
    octets = pack_entries(list).size();
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["octets_per_entry"] = static_cast<double>(octets) / static_cast<double>(n);
}
BENCHMARK(segment_pack)->Arg(8)->Arg(512)->Arg(4096);

void segment_unpack(benchmark::State& state) {
  std::vector<bytes> list(trade().begin(), trade().begin() + state.range(0));
  segment s;
  s.entries = static_cast<std::uint32_t>(list.size());
  s.payload = pack_entries(list);
  for (auto _ : state) {
    auto back = unpack_entries(s);
    if (!back) return state.SkipWithError("a segment does not unpack");
    benchmark::DoNotOptimize(*back);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(segment_unpack)->Arg(512)->Arg(4096);

signing_key test_key() {
  std::array<std::uint8_t, 32> seed{};
  return signing_key_from_seed(seed);
}
void ed25519_sign(benchmark::State& state) {
  auto key = test_key();
  for (auto _ : state)
    benchmark::DoNotOptimize(sign(key, "tallystick/bench/2/0909090909090909/journal\n1000000\n"));
}
BENCHMARK(ed25519_sign);
void ed25519_verify(benchmark::State& state) {
  auto key = test_key();
  constexpr byte_view text = "tallystick/bench/2/0909090909090909/journal\n1000000\n";
  auto s = sign(key, text);
  for (auto _ : state)
    if (!verify(key.pub, text, s)) return state.SkipWithError("a signature does not verify");
}
BENCHMARK(ed25519_verify);

/// Head office taking in the journal of a store, 1,000 entries at a time; the journal begins anew when it ends.
void observe(benchmark::State& state) {
  const auto& all = journal();
  memory_state directory;
  put_node(directory, store_node, {node_role::store, self.epoch, {node_id{1}}});
  put_node(directory, node_id{1}, {node_role::hq, hq.epoch, {}});
  auto find = [&](sequence seq) { return std::optional(decoded(all[seq])); };
  std::unique_ptr<observer> o;
  constexpr std::size_t step = 1000;
  std::vector<entry_list> runs;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i % step == 0) runs.emplace_back();
    runs.back().add(all[i]);
  }
  std::size_t at = 0, n = 0;
  for (auto _ : state) {
    if (at == 0) o = std::make_unique<observer>(directory);
    const auto& some = runs[at / step];
    for (const auto& v : o->observe(self, at, some, find))
      if (v.why != errc::ok) return state.SkipWithError("an entry was contested");
    n += some.size();
    at = at + some.size() == all.size() ? 0 : at + some.size();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(n));
}
BENCHMARK(observe);

}  // namespace
}  // namespace tally::bench

BENCHMARK_MAIN();
