// Times the road of a sale inside one process, beside the disk's own floor. `bench/run` calls it and collects.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <semaphore>
#include <stdexcept>
#include <thread>

#include "actors/system.hpp"
#include "bench/figures.hpp"
#include "bench/http_road.hpp"
#include "bench/shop.hpp"
#include "storage/entry_codec.hpp"

namespace tally::bench {
namespace {

constexpr const char* usage =
    R"(road_bench COMMAND --dir DIR [OPTION VALUE]...

  raw     append + fdatasync of records as long as a sale's entry  (--count 3000)
  sale    sales through the in-process road, in a store in DIR     (--clients 64 --seconds 5)
  fill    a store in DIR with a history                            (--entries 1000000)
  start   from exec of a process to its first sale, in such a store, and its memory  (--sales 20000)
  http    sales over HTTP against a process of tallystick on such a store; when its tills were paired by an
          earlier run, also its time from exec to the first sale; its memory
          (--program PATH --clients 64 --seconds 5)

Prints "name value" lines. Figures and the reference workload: bench/README.md.
)";

using arguments = std::map<std::string, std::string, std::less<>>;

std::string text(const arguments& a, const char* name, const char* otherwise) {
  auto it = a.find(name);
  return it == a.end() ? otherwise : it->second;
}
std::uint64_t figure(const arguments& a, const char* name, const char* otherwise) {
  return std::stoull(text(a, name, otherwise));
}

/// The running node of a shop, without links and devices.
class running {
public:
  explicit running(shop& s) {
    system_options o;
    o.station = s.config();
    o.first_epoch = shop::epoch();
    o.log = [](errc code, const std::string& line) {
      std::fprintf(stderr, "%s: %s\n", std::string(errc_name(code)).c_str(), line.c_str());
    };
    o.fatal = [](const std::string& line) {
      std::fprintf(stderr, "fatal: %s\n", line.c_str());
      std::_Exit(1);
    };
    o.wall = [] {
      return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
    };
    o.tick = [] { return now_ns() / 1'000'000; };
    auto started = node_system::start(std::move(o), s.store(), s.certificates(), s.keys(), s.curve(), s.random());
    if (!started) throw std::runtime_error("the node does not start: " + started.error().detail);
    system_ = std::move(*started);
  }
  node_system& operator*() { return *system_; }
  node_system* operator->() { return system_.get(); }

private:
  std::unique_ptr<node_system> system_;
};

sequence approved(const till_answer& a) {
  if (const auto* r = std::get_if<refusal>(&a.outcome)) {
    std::fprintf(stderr, "refused: %s %s\n", std::string(errc_name(r->why.code)).c_str(), r->why.detail.c_str());
    std::_Exit(1);  // on an actor's thread: nothing above could report it
  }
  return a.seq;
}

std::uint64_t last_counter(const kv_store& store, const writer_id& self, std::uint32_t terminal) {
  durable_state s(store);
  return static_cast<std::uint64_t>(
      number(s, {.type = cell_type::last_counter, .a = terminal, .b = 0, .writer = self, .peer = {}}));
}

/// One till: its script, and the request that is out.
struct lane {
  till_script script;
  till_command out{};
  std::int64_t since = 0;
};

std::vector<lane> lanes_of(node_system& node, unsigned clients) {
  std::vector<lane> lanes;
  auto self = node.snapshot()->self;
  for (unsigned i = 0; i < clients; ++i) {
    auto terminal = reference::first_terminal + i;
    auto counter = last_counter(node.store(), self, terminal);
    lanes.push_back({till_script(counter * 1000 + terminal, terminal, counter), {}, 0});
  }
  return lanes;
}

/// One client on its own thread: asks, sleeps until the answer wakes it, asks again.
latencies one_client(node_system& node, std::int64_t until) {
  auto lanes = lanes_of(node, 1);
  auto& l = lanes.front();
  latencies times;
  std::binary_semaphore answered(0);
  sequence seq{};
  while (now_ns() < until) {
    l.out = l.script.next();
    auto start = now_ns();
    node.till(l.out, {}, [&](const till_answer& a) {
      seq = approved(a);
      answered.release();
    });
    answered.acquire();
    times.add(now_ns() - start);
    l.script.approved(l.out, seq);
  }
  return times;
}

/// Many clients, one request of each out at any time; each answer sends that client's next request.
class crowd {
public:
  crowd(node_system& node, unsigned clients, std::int64_t until)
      : node_(node), lanes_(lanes_of(node, clients)), until_(until), left_(clients) {
    times_.reserve(1 << 20);
  }
  latencies run() {
    for (auto& l : lanes_)
      ask(l);
    all_done_.acquire();
    return std::move(times_);
  }

private:
  void ask(lane& l) {
    l.out = l.script.next();
    l.since = now_ns();
    node_.till(l.out, {}, [this, &l](const till_answer& a) {
      // All answers come from the ledger actor, one at a time.
      auto now = now_ns();
      times_.add(now - l.since);
      l.script.approved(l.out, approved(a));
      if (now < until_) return ask(l);
      if (left_.fetch_sub(1) == 1) all_done_.release();
    });
  }

  node_system& node_;
  std::vector<lane> lanes_;
  std::int64_t until_;
  std::atomic<unsigned> left_;
  latencies times_;
  std::binary_semaphore all_done_{0};
};

/// Octets of an average entry of the reference workload.
std::size_t entry_octets() {
  till_script script(1, reference::first_terminal);
  catalogue rules;
  rules.add(reference_rules());
  for (std::uint32_t id = 1; id <= reference::products; ++id)
    rules.add(reference_product(id));
  std::size_t sum = 0;
  constexpr std::size_t n = 1000;
  for (std::size_t i = 0; i < n; ++i) {
    auto c = script.next_sale();
    entry e;
    e.kind = entry_kind::sale;
    e.terminal = c.key.terminal;
    e.counter = c.key.counter;
    e.operator_id = c.key.operator_id;
    e.business_date = 2500;
    e.stamp = 43'200;
    e.account = c.account;
    e.account_version = e.rules_version = 1;
    e.lines = c.lines;
    e.values = {{purse_paid, main_unit, 0, c.card}};
    auto priced = rules.price(c.lines, 1);
    if (priced) e.taxes = priced->taxes;
    sum += encode_entry(e).size();
  }
  return sum / n;
}

void raw(const arguments& a, const std::filesystem::path& dir) {
  auto octets = entry_octets();
  report("entry_octets", static_cast<double>(octets));
  auto times = raw_append_sync(dir, octets, figure(a, "count", "3000"));
  report("raw", times);
}

void sale(const arguments& a, const std::filesystem::path& dir) {
  shop s(dir / "store");
  auto clients = static_cast<unsigned>(figure(a, "clients", "64"));
  running node(s);
  auto start = now_ns();
  auto cpu = cpu_us();
  auto until = start + static_cast<std::int64_t>(figure(a, "seconds", "5")) * 1'000'000'000;
  auto times = clients == 1 ? one_client(*node, until) : crowd(*node, clients, until).run();
  auto name = "road" + std::to_string(clients);
  report(name, times, now_ns() - start);
  report(name + "_cpu_us", (cpu_us() - cpu) / static_cast<double>(times.count()));
  node->stop();
}

void fill(const arguments& a, const std::filesystem::path& dir) {
  shop s(dir / "store");
  auto before = s.open()->ledger().next();
  auto start = now_ns();
  auto cpu = cpu_us();
  auto entries = figure(a, "entries", "1000000");
  if (entries <= before) return;
  s.grow_to(entries);
  auto grown = static_cast<double>(entries - before);
  report("book_entries_per_s", grown * 1e9 / static_cast<double>(now_ns() - start));
  report("book_cpu_us", (cpu_us() - cpu) / grown);
}

/// Runs in the process that `start` times: one sale, a line, and more sales so that its memory is in use.
void first_sale(const arguments& a, const std::filesystem::path& dir) {
  shop s(dir / "store");
  running node(s);
  auto lanes = lanes_of(*node, 1);
  auto sales = figure(a, "sales", "20000");
  std::binary_semaphore answered(0);
  auto& l = lanes.front();
  for (std::uint64_t i = 0; i <= sales; ++i) {
    l.out = l.script.next_sale();
    node->till(l.out, {}, [&](const till_answer& answer) {
      approved(answer);
      answered.release();
    });
    answered.acquire();
    if (i == 0) {
      report("answered", 1);
      report("start_rss_kib", static_cast<double>(memory_of(getpid()).resident));
    }
  }
  auto m = memory_of(getpid());
  report("busy_rss_kib", static_cast<double>(m.resident));
  report("highest_rss_kib", static_cast<double>(m.highest));
  report("entries", static_cast<double>(s.open()->ledger().durable_next()));
  node->stop();
}

void start(char* self, const arguments& a, const std::filesystem::path& dir) {
  auto sales = text(a, "sales", "20000");
  auto from = now_ns();
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("pipe");
  auto child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    execl("/proc/self/exe", self, "first-sale", "--dir", dir.c_str(), "--sales", sales.c_str(), nullptr);
    _exit(127);
  }
  close(ends[1]);
  auto* in = fdopen(ends[0], "r");
  char line[256];
  while (in != nullptr && std::fgets(line, sizeof line, in) != nullptr) {
    if (std::strncmp(line, "answered", 8) == 0)
      report("start_ms", static_cast<double>(now_ns() - from) / 1e6);
    else
      std::fputs(line, stdout);
  }
  if (in != nullptr) std::fclose(in);
  int how = 0;
  waitpid(child, &how, 0);
  if (how != 0) throw std::runtime_error("the timed process failed");
}

int run(int argc, char** argv) {
  if (argc < 2) return std::fputs(usage, stderr), 2;
  std::string command = argv[1];
  if (command == "--help") return std::fputs(usage, stdout), 0;
  arguments a;
  for (int i = 2; i + 1 < argc; i += 2) {
    if (std::strncmp(argv[i], "--", 2) != 0) return std::fputs(usage, stderr), 2;
    a[argv[i] + 2] = argv[i + 1];
  }
  std::filesystem::path dir = text(a, "dir", "");
  if (dir.empty()) return std::fputs(usage, stderr), 2;
  std::filesystem::create_directories(dir);
  if (command == "raw") return raw(a, dir), 0;
  if (command == "sale") return sale(a, dir), 0;
  if (command == "fill") return fill(a, dir), 0;
  if (command == "start") return start(argv[0], a, dir), 0;
  if (command == "first-sale") return first_sale(a, dir), 0;
  if (command == "http") {
    auto clients = static_cast<unsigned>(figure(a, "clients", "64"));
    auto seconds = static_cast<std::int64_t>(figure(a, "seconds", "5"));
    return http_road({dir, text(a, "program", "tallystick"), clients, seconds}), 0;
  }
  return std::fputs(usage, stderr), 2;
}

}  // namespace
}  // namespace tally::bench

int main(int argc, char** argv) {
  try {
    return tally::bench::run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "road_bench: %s\n", e.what());
    return 1;
  }
}
