#include "sim/reduce.hpp"

#include <algorithm>
#include <cctype>

namespace tally::sim {
namespace {

using change = void (*)(plan&);

/// Smaller in one respect each, the greatest savings first.
constexpr change smaller[] = {
    [](plan& p) { p.trade_ms /= 4; },
    [](plan& p) { p.trade_ms = p.trade_ms * 2 / 3; },
    [](plan& p) { p.stores = std::max(1U, p.stores / 2); },
    [](plan& p) { p.stores = std::max(1U, p.stores - 1); },
    [](plan& p) {
      if (p.ending != ending::replace_region) p.regions /= 2;
    },
    [](plan& p) { p.cards = std::max(1U, p.cards / 2); },
    [](plan& p) { p.request_every *= 2; },
};

/// What a setting is without its trouble.
struct setting {
  const char* name;
  std::int64_t value;
};
constexpr setting calmer[] = {
    {"tills", 1},     {"stock", 0},     {"ending", 0}, {"restore", 0},          {"crash_every", 0}, {"faults", 0},
    {"cut_every", 0}, {"clocks", 0},    {"full", 0},   {"repeat", 0},           {"loss", 0},        {"wild", 0},
    {"programme", 0}, {"tight", 0},     {"hold", 0},   {"certificates", 0},     {"sweep_quiet", 0}, {"wrong", 0},
    {"returns", 0},   {"real_keys", 0}, {"resets", 1}, {"checkpoint", 100'000}, {"delay", 50},      {"commit", 10},
    {"new_keys", 0},  {"forges", 0},
};

plan changed(const plan& from, std::size_t i) {
  auto p = from;
  if (i < std::size(smaller)) {
    smaller[i](p);
    return p;
  }
  const auto& to = calmer[i - std::size(smaller)];
  for (const auto& f : plan_fields())
    if (std::string_view(f.name) == to.name) f.set(p, to.value);
  return p;
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
    for (std::size_t i = 0; i < std::size(smaller) + std::size(calmer); ++i) {
      auto next = changed(best.how, i);
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
