// tallystick-sim: runs seeds until told to stop. A failure is replayed with its last events, made smaller on request.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iostream>

#include "sim/reduce.hpp"

namespace {

using tally::sim::plan;
using clock_of_run = std::chrono::steady_clock;

struct options {
  std::uint64_t seeds = 1'000, first = 1;
  std::uint64_t hours = 0;  ///< that each seed trades; 0: what the seed says
  std::uint64_t jobs = 1;
  double seconds = 0;  ///< 0: until all seeds are done
  bool small = false, verbose = false, keep_going = false, reduce = false;
  std::string with;
};

constexpr std::uint64_t jobs_max = 64, hours_max = 24 * 366;
constexpr unsigned reduction_runs = 300;

/// What one worker has done, for the progress line; in memory that all workers share.
struct work_done {
  tally::sim::tally_of_run sum;
  std::uint64_t seeds, failed;
  double cpu_s;
};

volatile std::uint64_t running_seed = 0;

// An invariant of the product stops the process: say which seed it was.
extern "C" void on_abort(int) {
  char text[64];
  int n = std::snprintf(text, sizeof text, "\nseed %llu: aborted\n", static_cast<unsigned long long>(running_seed));
  if (n > 0) (void)!write(1, text, static_cast<std::size_t>(n));
  std::_Exit(3);
}

int usage(int status) {
  (status == 0 ? std::cout : std::cerr)
      << "usage: tallystick-sim [options]\n"
         "Runs whole chains on one thread each, every one from its seed, and checks what must hold.\n\n"
         "  --seeds N       so many seeds (1000)\n"
         "  --first X       beginning with this one (1)\n"
         "  --seed X        this one alone\n"
         "  --hours H       each trades for H simulated hours, instead of what its seed says\n"
         "  --small         at most three stores and a few hours: many seeds quickly\n"
         "  --seconds S     stop after this time, whatever is left\n"
         "  --jobs N        so many at once, in processes (1)\n"
         "  --with LIST     settings that replace the seed's own, as name=value,name=value\n"
         "  --keep-going    go on after a failure\n"
         "  --reduce        make a failing seed's chain smaller while it fails in the same way\n"
         "  --verbose       every event of each seed\n\n"
         "A failure prints \"seed N: what was broken\", then its settings and its last events. Status 1: a seed "
         "failed.\n\n"
         "  tallystick-sim --seeds 100000 --small --jobs 2 --keep-going\n"
         "  tallystick-sim --seed 388 --reduce\n"
         "  tallystick-sim --seed 1 --with stores=200,regions=5,cards=2000 --hours 2\n";
  return status;
}

bool number(const char* text, std::uint64_t least, std::uint64_t most, std::uint64_t& out) {
  auto end = text + std::strlen(text);
  auto [rest, error] = std::from_chars(text, end, out);
  return error == std::errc{} && rest == end && out >= least && out <= most;
}

bool take(std::string_view name, const char* value, options& o) {
  if (name == "--seeds") return number(value, 1, UINT64_MAX, o.seeds);
  if (name == "--first") return number(value, 0, UINT64_MAX, o.first);
  if (name == "--hours") return number(value, 1, hours_max, o.hours);
  if (name == "--jobs") return number(value, 1, jobs_max, o.jobs);
  if (name == "--with") return plan{}.set(o.with = value);
  if (name == "--seed") {
    o.seeds = 1;
    return number(value, 0, UINT64_MAX, o.first);
  }
  if (name != "--seconds") return false;
  char* end = nullptr;
  o.seconds = std::strtod(value, &end);
  o.seeds = UINT64_MAX;
  return end != value && *end == 0 && o.seconds > 0;
}

bool parse(int argc, char** argv, options& o) {
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i];
    if (name == "--verbose") {
      o.verbose = true;
    } else if (name == "--keep-going") {
      o.keep_going = true;
    } else if (name == "--small") {
      o.small = true;
    } else if (name == "--reduce") {
      o.reduce = true;
    } else if (i + 1 >= argc || !take(name, argv[i + 1], o)) {
      std::cerr << "not understood: " << name << (i + 1 < argc ? std::string(" ") + argv[i + 1] : "") << "\n";
      return false;
    } else {
      ++i;
    }
  }
  return true;
}

plan plan_of(const options& o, std::uint64_t seed) {
  auto p = o.small ? plan::small(seed) : plan::from_seed(seed);
  if (o.hours > 0) p.trade_ms = static_cast<std::int64_t>(o.hours) * 3'600'000;
  (void)p.set(o.with);
  p.have_what_it_needs();
  return p;
}

void progress(const work_done& w, double seconds, const char* end) {
  auto n = [](auto v) { return static_cast<unsigned long long>(v); };
  const auto& s = w.sum;
  auto hours = double(s.store_ms) / 3.6e6;
  std::fprintf(
      stderr,
      "\r%llu seeds, %llu failed, %.0f s, %.1f store-hours (%.0f per CPU minute), %llu entries, %llu approved, "
      "%llu pulled, %llu repeated, %llu reversed, %llu crashes, %llu cuts, %llu disk faults, %llu rollbacks, "
      "%llu rulings, %llu swept, %llu cards sold, %llu given back, %llu captured, %llu returned elsewhere "
      "(%llu too many), %llu given, %llu PINs set, %llu right, %llu wrong, %llu locked, %llu at risk, %llu by code, "
      "%llu runs of cards moved, %llu cards sold at once (%llu undone), %llu fees, %llu detours, %llu entries left "
      "out, %llu uses of lost cards, %llu written off, %llu changes of keys, %llu members changed, %llu merged, "
      "%llu erased, %llu leases ended, %llu cards applied for, %llu answered%s",
      n(w.seeds), n(w.failed), seconds, hours, w.cpu_s > 0 ? hours / w.cpu_s * 60 : 0, n(s.entries), n(s.approved),
      n(s.pulled), n(s.repeated), n(s.reversed), n(s.crashes), n(s.cuts), n(s.commit_faults), n(s.rollbacks),
      n(s.ruled), n(s.swept), n(s.cards_sold), n(s.cards_back), n(s.captured), n(s.elsewhere), n(s.over_returned),
      n(s.given), n(s.pins_set), n(s.pins_right), n(s.pins_wrong), n(s.pins_locked), n(s.at_risk), n(s.by_code),
      n(s.runs_moved), n(s.sold_at_once), n(s.taken_back), n(s.fees), n(s.detours), n(s.left_out), n(s.used_lost),
      n(s.written_off), n(s.new_keys), n(s.members_changed), n(s.merged), n(s.members_erased), n(s.leases_ended),
      n(s.applied), n(s.applications_answered), end);
}

void failure(const options& o, std::uint64_t seed, const plan& p, const tally::sim::run_result& r) {
  std::string text = "\nseed " + std::to_string(seed) + ": " + r.why + "\n";
  if (o.reduce) {
    auto small = tally::sim::reduce(p, r, reduction_runs, [](unsigned run, const plan& best) {
      std::fprintf(stderr, "\rreducing: run %u, %u stores, %lld min\033[K", run, best.stores,
                   static_cast<long long>(best.trade_ms / 60'000));
    });
    auto changes = small.how.changes(o.small ? plan::small(seed) : plan::from_seed(seed));
    text += "reduced in " + std::to_string(small.runs) + " runs: tallystick-sim --seed " + std::to_string(seed) +
            (o.small ? " --small" : "") + (changes.empty() ? "" : " --with " + changes) + "\n" + small.result.why +
            "\n" + small.result.last_events;
  } else if (!o.keep_going) {
    text += r.last_events;
  }
  std::cout << text << std::flush;
}

/// Every `jobs`-th seed from the `job`-th on.
int work(const options& o, std::uint64_t job, work_done& done, clock_of_run::time_point begin) {
  auto shown = begin;
  for (auto i = job; i < o.seeds; i += o.jobs) {
    auto seed = o.first + i;
    running_seed = seed;
    auto p = plan_of(o, seed);
    auto r = run_plan(p, o.verbose);
    done.sum.add(r.counted);
    done.cpu_s = double(std::clock()) / CLOCKS_PER_SEC;
    ++done.seeds;
    if (!r.why.empty()) {
      ++done.failed;
      failure(o, seed, p, r);
      if (!o.keep_going) break;
    }
    auto now = clock_of_run::now();
    std::chrono::duration<double> passed = now - begin;
    if (o.jobs == 1 && now - shown > std::chrono::seconds(1)) {
      progress(done, passed.count(), "");
      shown = now;
    }
    if (o.seconds > 0 && passed.count() > o.seconds) break;
  }
  return done.failed == 0 ? 0 : 1;
}

work_done sum_of(const work_done* all, std::uint64_t jobs) {
  work_done sum{};
  for (std::uint64_t j = 0; j < jobs; ++j) {
    sum.sum.add(all[j].sum);
    sum.seeds += all[j].seeds;
    sum.failed += all[j].failed;
    sum.cpu_s += all[j].cpu_s;
  }
  return sum;
}

int run(const options& o) {
  auto begin = clock_of_run::now();
  auto passed = [&] { return std::chrono::duration<double>(clock_of_run::now() - begin).count(); };
  auto* all = static_cast<work_done*>(
      mmap(nullptr, sizeof(work_done) * o.jobs, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (all == MAP_FAILED) {
    std::cerr << "no memory for " << o.jobs << " jobs\n";
    return 2;
  }
  int status = 0;
  std::uint64_t left = 0;
  if (o.jobs == 1) {
    status = work(o, 0, all[0], begin);
  } else {
    for (std::uint64_t j = 0; j < o.jobs; ++j) {
      auto pid = fork();
      if (pid == 0) _exit(work(o, j, all[j], begin));
      if (pid < 0) {
        std::cerr << "cannot start a job: " << std::strerror(errno) << "\n";
        status = 2;
        break;
      }
      ++left;
    }
  }
  for (; left > 0; progress(sum_of(all, o.jobs), passed(), "")) {
    int ended = 0;
    if (waitpid(-1, &ended, WNOHANG) <= 0) {
      sleep(1);
      continue;
    }
    --left;
    if (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0) status = std::max(status, 1);
  }
  progress(sum_of(all, o.jobs), passed(), "\n");
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && (std::strcmp(argv[1], "--help") == 0 || std::strcmp(argv[1], "-h") == 0)) return usage(0);
  options o;
  if (!parse(argc, argv, o)) return usage(2);
  std::signal(SIGABRT, on_abort);
  return run(o);
}
