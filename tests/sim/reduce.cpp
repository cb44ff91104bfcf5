#include "sim/reduce.hpp"

#include <cctype>

namespace tally::sim {
namespace {

using change = std::function<void(plan&)>;

/// Smaller in one respect each, the greatest savings first.
std::vector<change> changes() {
  std::vector<change> all;
  auto to = [&](const char* name, std::int64_t value) {
    for (const auto& f : plan_fields())
      if (std::string_view(f.name) == name) all.push_back([&f, value](plan& p) { f.set(p, value); });
  };
  all.push_back([](plan& p) { p.trade_ms /= 4; });
  all.push_back([](plan& p) { p.trade_ms = p.trade_ms * 2 / 3; });
  all.push_back([](plan& p) { p.stores = std::max(1U, p.stores / 2); });
  all.push_back([](plan& p) { p.stores = std::max(1U, p.stores - 1); });
  all.push_back([](plan& p) {
    if (p.ending != ending::replace_region) p.regions /= 2;
  });
  to("tills", 1);
  all.push_back([](plan& p) { p.cards = std::max(1U, p.cards / 2); });
  for (const auto* off :
       {"stock", "ending", "restore", "crash_every", "faults", "cut_every", "clocks", "full", "repeat", "loss", "wild",
        "programme", "tight", "certificates", "hold", "sweep_quiet", "wrong", "returns", "real_keys"})
    to(off, 0);
  to("resets", 1);
  to("checkpoint", 100'000);
  to("delay", 50);
  to("commit", 10);
  all.push_back([](plan& p) { p.request_every *= 2; });
  return all;
}

bool runs(const plan& p) { return (p.ending != ending::move && p.ending != ending::replace_region) || p.regions > 0; }

}  // namespace

std::string kind_of_failure(std::string_view why) {
  std::string out;
  // Writers are written as node.epoch, in hexadecimal: a word with a digit in it says nothing of the kind.
  for (std::size_t i = 0; i < why.size();) {
    auto end = std::min(why.find(' ', i), why.size());
    auto word = why.substr(i, end - i);
    bool digit = false;
    for (char c : word)
      digit = digit || std::isdigit(static_cast<unsigned char>(c));
    if (!digit) out += std::string(word) + " ";
    i = end + 1;
  }
  return out.substr(0, 60);
}

reduced reduce(const plan& failing, const run_result& result, unsigned runs_max,
               const std::function<void(unsigned run, const plan& best)>& each) {
  reduced best{failing, result, 0};
  auto kind = kind_of_failure(result.why);
  for (bool better = true; better;) {
    better = false;
    for (const auto& c : changes()) {
      auto next = best.how;
      c(next);
      if (next.changes(best.how).empty() || !runs(next)) continue;
      if (best.runs == runs_max) return best;
      if (each) each(best.runs, best.how);
      ++best.runs;
      auto r = run_plan(next);
      if (kind_of_failure(r.why) != kind) continue;
      best.how = next;
      best.result = std::move(r);
      better = true;
    }
  }
  return best;
}

}  // namespace tally::sim
