#include "sim/runner.hpp"

#include <iostream>

namespace tally::sim {
namespace {

constexpr std::size_t events_shown = 60;

std::string attempt(const plan& p, std::function<void(std::string)> log, tally_of_run& counted) {
  world w(p, std::move(log));
  std::string why;
  try {
    w.run();
  } catch (const broken& b) {
    why = b.what();
  }
  counted = w.counted();
  return why;
}

}  // namespace

run_result run_plan(const plan& p, bool verbose) {
  run_result r;
  if (verbose) {
    std::cout << p.text() << "\n";
    r.why = attempt(
        p, [](const std::string& line) { std::cout << line << "\n"; }, r.counted);
    return r;
  }
  r.why = attempt(p, {}, r.counted);
  if (r.why.empty()) return r;
  std::deque<std::string> lines;
  tally_of_run ignored;
  auto again = attempt(
      p,
      [&](std::string line) {
        lines.push_back(std::move(line));
        if (lines.size() > events_shown) lines.pop_front();
      },
      ignored);
  r.last_events = p.text() + "\n";
  for (const auto& l : lines)
    r.last_events += l + "\n";
  if (again != r.why) r.last_events += "the second run ended otherwise: " + again + "\n";
  return r;
}

run_result run_seed(std::uint64_t seed, bool verbose) { return run_plan(plan::from_seed(seed), verbose); }

}  // namespace tally::sim
