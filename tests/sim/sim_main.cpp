// tallystick-sim: runs seeds until told to stop; the first failure is replayed with its last events and ends the
// program.
#include <unistd.h>
#include <csignal>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "sim/runner.hpp"

namespace {

struct options {
  std::uint64_t seeds = 1'000, first = 1;
  double seconds = 0;  // 0: until all seeds are done
  bool verbose = false, keep_going = false;
};

volatile std::uint64_t running_seed = 0;

// An invariant of the product stops the process: say which seed it was.
extern "C" void on_abort(int) {
  char text[64];
  int n = std::snprintf(text, sizeof text, "aborted in seed %llu\n", static_cast<unsigned long long>(running_seed));
  if (n > 0) (void)!write(2, text, static_cast<std::size_t>(n));
  std::_Exit(3);
}

int usage() {
  std::cerr << "usage: tallystick-sim [--seeds N] [--seconds S] [--seed X] [--first X] [--verbose] [--keep-going]\n";
  return 2;
}

bool parse(int argc, char** argv, options& o) {
  for (int i = 1; i < argc; ++i) {
    auto is = [&](const char* name) { return std::strcmp(argv[i], name) == 0; };
    auto number = [&] { return std::strtoull(argv[++i], nullptr, 10); };
    if (is("--verbose")) {
      o.verbose = true;
    } else if (is("--keep-going")) {
      o.keep_going = true;
    } else if (i + 1 >= argc) {
      return false;
    } else if (is("--seeds")) {
      o.seeds = number();
    } else if (is("--first")) {
      o.first = number();
    } else if (is("--seconds")) {
      o.seconds = std::strtod(argv[++i], nullptr);
      o.seeds = UINT64_MAX;
    } else if (is("--seed")) {
      o.first = number();
      o.seeds = 1;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  if (!parse(argc, argv, o)) return usage();
  std::signal(SIGABRT, on_abort);
  using clock = std::chrono::steady_clock;
  auto begin = clock::now(), shown = begin;
  tally::sim::tally_of_run sum;
  std::uint64_t done = 0, failed = 0;
  auto progress = [&](const char* end) {
    auto cpu = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
    std::fprintf(
        stderr,
        "\r%llu seeds, %llu failed, %.1f store-hours (%.0f per CPU minute), %llu entries, %llu approved, %llu "
        "pulled, %llu "
        "repeated, %llu reversed, %llu crashes, %llu cuts, %llu disk faults, %llu rollbacks, %llu rulings, "
        "%llu swept, %llu cards sold, %llu given back, %llu captured, %llu returned elsewhere (%llu too many), "
        "%llu given%s",
        static_cast<unsigned long long>(done), static_cast<unsigned long long>(failed), double(sum.store_ms) / 3.6e6,
        cpu > 0 ? double(sum.store_ms) / 3.6e6 / cpu * 60 : 0, static_cast<unsigned long long>(sum.entries),
        static_cast<unsigned long long>(sum.approved), static_cast<unsigned long long>(sum.pulled),
        static_cast<unsigned long long>(sum.repeated), static_cast<unsigned long long>(sum.reversed),
        static_cast<unsigned long long>(sum.crashes), static_cast<unsigned long long>(sum.cuts),
        static_cast<unsigned long long>(sum.commit_faults), static_cast<unsigned long long>(sum.rollbacks),
        static_cast<unsigned long long>(sum.ruled), static_cast<unsigned long long>(sum.swept),
        static_cast<unsigned long long>(sum.cards_sold), static_cast<unsigned long long>(sum.cards_back),
        static_cast<unsigned long long>(sum.captured), static_cast<unsigned long long>(sum.elsewhere),
        static_cast<unsigned long long>(sum.over_returned), static_cast<unsigned long long>(sum.given), end);
  };
  for (auto seed = o.first; done < o.seeds; ++seed) {
    running_seed = seed;
    auto r = tally::sim::run_seed(seed, o.verbose);
    ++done;
    sum.add(r.counted);
    if (!r.why.empty()) {
      ++failed;
      std::cout << "\nseed " << seed << ": " << r.why << std::endl;
      if (!o.keep_going) {
        std::cout << r.last_events << std::flush;
        break;
      }
    }
    auto now = clock::now();
    if (now - shown > std::chrono::seconds(1)) {
      progress("");
      shown = now;
    }
    if (o.seconds > 0 && now - begin > std::chrono::duration<double>(o.seconds)) break;
  }
  progress("\n");
  return failed == 0 ? 0 : 1;
}
