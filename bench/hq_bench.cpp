// Head office taking in a national day of sales: verify, judge, apply, durable; beside the limits of this machine.
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <deque>
#include <mutex>
#include <semaphore>
#include <stdexcept>
#include <thread>

#include <unistd.h>

#include "bench/chain.hpp"
#include "bench/figures.hpp"
#include "storage/sha256.hpp"
#include "sync/reexecution.hpp"

namespace tally::bench {
namespace {

namespace fs = std::filesystem;

constexpr const char* usage =
    R"(hq_bench --dir DIR [--accounts 1000000] [--stores 20] [--sales 500000] [--entries 4096] [--rounds 1]

Makes head office in DIR/hq with that many stores and accounts, each account topped up at its store; then lets it take
in the journals of a day, cut into segments of at most that many entries, as one thread opens them, one decides and one
waits for the disk. Then the same octets against the single limits: decompress, hash, write. Each round is another day.
Prints "name value" lines. Figures and the reference workload: bench/README.md.
)";

struct options {
  fs::path dir;
  std::uint64_t accounts = 1'000'000, sales = 500'000, entries = 4096, rounds = 1;
  unsigned stores = 20;
};

double seconds(std::int64_t ns) { return static_cast<double>(ns) / 1e9; }

/// Hands things from one thread to another, a few at a time.
template <class T>
class belt {
public:
  explicit belt(std::size_t max) : max_(max) {}
  void put(T x) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return list_.size() < max_; });
    list_.push_back(std::move(x));
    changed_.notify_all();
  }
  T take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !list_.empty(); });
    auto x = std::move(list_.front());
    list_.pop_front();
    changed_.notify_all();
    return x;
  }

private:
  std::size_t max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> list_;
};

/// Other threads still run: nothing to unwind.
[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "hq_bench: %s\n", why.c_str());
  std::_Exit(1);
}

struct busy {
  std::int64_t open = 0, decide = 0, commit = 0;  ///< nanoseconds
  std::uint64_t groups = 0;
};

/// What comes to the thread that decides: a segment, or word of the disk.
struct word {
  std::optional<segment_arrival> arrival;
  bool committed = false;
};

/// Takes in all segments, as the running node does: the link's thread opens, the ledger's decides the next group while
/// the disk's thread commits the one before.
busy take_in(office& hq, std::vector<segment> segments) {
  busy out;
  auto all = segments.size();
  belt<word> mailbox(64);
  std::counting_semaphore credit(32);  // a connection has some dozen segments under way
  std::thread opener([&] {
    for (auto& s : segments) {
      credit.acquire();
      auto start = now_ns();
      auto opened = std::make_shared<const result<opened_segment>>(open_segment(s));
      out.open += now_ns() - start;
      node_id from = s.stream.writer.node;
      mailbox.put({segment_arrival{from, std::move(s), std::move(opened)}, false});
    }
  });
  // Nothing: the end. A group of effects alone is a batch without changes, and no end.
  belt<std::optional<kv_batch>> to_disk(1);
  std::thread disk([&] {
    for (;;) {
      auto batch = to_disk.take();
      if (!batch) return;
      auto start = now_ns();
      if (!hq.store().commit(*batch, true)) std::_Exit(1);
      out.commit += now_ns() - start;
      mailbox.put({std::nullopt, true});
    }
  });
  std::size_t taken = 0;
  while (taken < all) {
    auto w = mailbox.take();
    auto start = now_ns();
    if (w.arrival && !hq.at().put(std::move(*w.arrival))) fail("the station is busy");
    if (w.committed)
      for (const auto& e : hq.at().settled()) {
        const auto* i = std::get_if<ingested_effect>(&e);
        const auto* a = std::get_if<alarm_effect>(&e);
        if ((i && i->code != errc::ok) || a)
          fail("head office refused or contested what the stores wrote: " +
               (a ? a->text : std::string(errc_name(i->code))));
        if (!i) continue;
        ++taken;
        credit.release();
      }
    hq.at().run(1'795'348'800, 0);
    if (auto batch = hq.at().seal()) {
      ++out.groups;
      to_disk.put(std::move(batch));
    }
    out.decide += now_ns() - start;
  }
  to_disk.put(std::nullopt);
  opener.join();
  disk.join();
  return out;
}

/// What the machine allows for the same octets, one thing at a time on one thread.
void limits(const fs::path& dir, const std::vector<segment>& segments, std::uint64_t entries) {
  std::vector<entry_list> lists;
  auto start = now_ns();
  for (const auto& s : segments)
    lists.push_back(*unpack_entries(s));
  report("limit_unpack_per_s", static_cast<double>(entries) / seconds(now_ns() - start));
  start = now_ns();
  std::size_t i = 0;
  for (const auto& s : segments) {
    merkle_run run(s.first);
    for (auto e : lists[i++])
      run.append(merkle_leaf(e));
  }
  report("limit_hash_per_s", static_cast<double>(entries) / seconds(now_ns() - start));
  start = now_ns();
  entry e;
  std::size_t good = 0;
  for (const auto& l : lists)
    for (auto data : l)
      good += decode_entry(data, e).ok() ? 1U : 0U;
  report("limit_decode_per_s", static_cast<double>(good) / seconds(now_ns() - start));
  std::string all;
  for (const auto& s : segments)
    all += encode_segment(s);
  auto took = raw_write_sync(dir, all, 256 << 10);
  report("limit_write_per_s", static_cast<double>(entries) / seconds(took));
  report("octets_per_entry", static_cast<double>(all.size()) / static_cast<double>(entries));
}

void day(const options& o, office& hq, std::vector<model_store>& stores) {
  for (std::uint64_t i = 0; i < o.sales; ++i) {
    auto& s = stores[i % stores.size()];
    s.trade();
    if ((i / stores.size() + 1) % o.entries == 0) s.cut();
  }
  std::vector<std::vector<segment>> each;
  std::vector<segment> segments;
  for (auto& s : stores) {
    s.cut();
    each.push_back(s.take());
  }
  for (std::size_t n = 0; segments.size() < 1 || n < each.front().size() + 1; ++n)
    for (auto& list : each)
      if (n < list.size()) segments.push_back(std::move(list[n]));
  auto copy = segments;
  auto cpu = cpu_us();
  auto start = now_ns();
  auto b = take_in(hq, std::move(segments));
  auto took = now_ns() - start;
  auto n = static_cast<double>(o.sales);
  report("hq_seconds", seconds(took));
  report("hq_per_s", n / seconds(took));
  report("hq_cpu_us", (cpu_us() - cpu) / n);
  report("hq_open_us", static_cast<double>(b.open) / 1e3 / n);
  report("hq_decide_us", static_cast<double>(b.decide) / 1e3 / n);
  report("hq_commit_us", static_cast<double>(b.commit) / 1e3 / n);
  report("hq_groups", static_cast<double>(b.groups));
  limits(o.dir, copy, o.sales);
}

/// Behind the streams: every entry priced again, on one thread.
void look_again(const options& o, office& hq) {
  auto look = reexecution::open(hq.store());
  if (!look) throw std::runtime_error(look.error().detail);
  auto start = now_ns();
  for (;;) {
    auto notes = (*look)->step(20'000);
    if (!notes) throw std::runtime_error(notes.error().detail);
    if (notes->empty()) break;
    kv_batch batch;
    for (const auto& [key, value] : *notes)
      batch.put(family::meta, "n" + key, value);
    if (!hq.store().commit(batch, true)) throw std::runtime_error("the notes are not written");
  }
  auto took = seconds(now_ns() - start);
  auto counted = (*look)->counted();
  if (counted.differences != 0 || counted.behind != 0 || counted.entries < o.accounts + o.sales * o.rounds)
    throw std::runtime_error("head office does not come to the stores' figures");
  report("hq_priced_again_per_s", static_cast<double>(counted.entries) / took);
}

void run(const options& o) {
  office hq(o.dir / "hq", o.stores);
  auto each = o.accounts / o.stores;
  constexpr amount top_up = 10'000'000;
  auto quota = top_up * static_cast<amount>(each) * 2;
  hq.grant(quota);
  hq.publish();
  auto directory = hq.directory();
  std::vector<model_store> stores;
  std::vector<segment> opening;
  for (unsigned n = 0; n < o.stores; ++n) {
    stores.emplace_back(n, hq.self(), 1 + n * each, each);
    stores.back().open(directory, quota, top_up);
    for (auto& s : stores.back().take())
      opening.push_back(std::move(s));
  }
  auto start = now_ns();
  (void)take_in(hq, std::move(opening));
  report("hq_fill_per_s", static_cast<double>(o.accounts) / seconds(now_ns() - start));
  for (std::uint64_t r = 0; r < o.rounds; ++r)
    day(o, hq, stores);
  for (unsigned n = 0; n < o.stores; ++n) {
    writer_id w{office::store_id(n), office::store_epoch(n)};
    if (hq.at().seen().position(w) != stores[n].size() || hq.at().seen().contested_of(w) != 0)
      throw std::runtime_error("head office does not hold all that the stores wrote");
  }
  look_again(o, hq);
  report("hq_state_mib", static_cast<double>(hq.at().seen().all().memory_octets()) / 1048576);
  report("hq_rss_mib", static_cast<double>(memory_of(getpid()).resident) / 1024);
  hq.at().checkpoint();
  hq.settle();
  start = now_ns();
  hq.reopen();
  report("hq_start_ms", static_cast<double>(now_ns() - start) / 1e6);
}

int main_of(int argc, char** argv) {
  options o;
  for (int i = 1; i < argc; ++i) {
    std::string name = argv[i];
    if (name == "--help") return std::fputs(usage, stdout), 0;
    if (i + 1 >= argc) return std::fputs(usage, stderr), 2;
    std::string value = argv[++i];
    if (name == "--dir") {
      o.dir = value;
    } else if (name == "--accounts") {
      o.accounts = std::stoull(value);
    } else if (name == "--stores") {
      o.stores = static_cast<unsigned>(std::stoul(value));
    } else if (name == "--sales") {
      o.sales = std::stoull(value);
    } else if (name == "--entries") {
      o.entries = std::stoull(value);
    } else if (name == "--rounds") {
      o.rounds = std::stoull(value);
    } else {
      return std::fputs(usage, stderr), 2;
    }
  }
  if (o.dir.empty() || o.stores == 0 || o.accounts < o.stores || o.entries == 0 || o.entries > segment_entries_max)
    return std::fputs(usage, stderr), 2;
  if (fs::exists(o.dir / "hq")) throw std::runtime_error("'hq' is there from another run: remove it");
  fs::create_directories(o.dir);
  run(o);
  return 0;
}

}  // namespace
}  // namespace tally::bench

int main(int argc, char** argv) {
  try {
    return tally::bench::main_of(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "hq_bench: %s\n", e.what());
    return 1;
  }
}
