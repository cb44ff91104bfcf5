// What is put aside for a purchase to come, and how that ends.
#include <algorithm>

#include "ledger/fold_units.hpp"

namespace tally::fold_detail {
namespace {

cell_key until_key(const writer_id& w, sequence authorise) {
  return {.type = cell_type::held_until, .a = authorise, .b = 0, .writer = w, .peer = {}};
}

/// Each item of the authorisation, taken or given back, and nothing else.
bool ends_whole(const entry& e, const entry& authorise) {
  auto left = authorise.values;
  auto take = [&](const std::vector<value_item>& items) {
    return std::ranges::all_of(items, [&](const value_item& v) {
      auto of = std::ranges::find_if(
          left, [&](const value_item& l) { return l.purse == v.purse && l.unit == v.unit && l.bucket == v.bucket; });
      if (of == left.end() || v.amount <= 0 || v.amount > of->amount) return false;
      of->amount -= v.amount;
      return true;
    });
  };
  // A void and a time-out have no values.
  return take(e.values) && take(e.released) &&
         std::ranges::all_of(left, [](const value_item& v) { return v.amount == 0; });
}

}  // namespace

status check_authorise(const entry& e, const entry_place& p) {
  if (*e.cites != p.seq) return error{errc::malformed, "an authorisation is named by its own sequence"};
  auto from = business_moment(e);
  if (e.deadline <= from || e.deadline - from > hold_seconds_max)
    return error{errc::malformed, "an authorisation lasts up to 40 days"};
  for (std::size_t i = 0; i < e.values.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (e.values[i].purse == e.values[j].purse && e.values[i].bucket == e.values[j].bucket)
        return error{errc::malformed, "an authorisation names a month of a purse twice"};
  return done();
}

status check_hold_end(const entry& e, const entry_place& p, const state& s) {
  if (*e.cites >= p.seq || !p.cited) return error{errc::not_found, "the authorisation"};
  const auto& c = *p.cited;
  if (c.kind != entry_kind::authorise || c.account != e.account)
    return error{errc::not_reversible, "that is no authorisation of this card"};
  for (const auto& v : c.values)
    if (-s.balance(held_account(p.writer, c.account, v, *e.cites)) != v.amount)
      return error{errc::already_reversed, "that authorisation has ended"};
  if (!ends_whole(e, c)) return error{errc::malformed, "an authorisation ends whole: taken, or given back"};
  bool passed = business_moment(e) >= c.deadline;
  if (e.kind == entry_kind::capture && passed) return error{errc::not_applicable, "the authorisation has timed out"};
  if (e.kind == entry_kind::time_out && !passed) return error{errc::not_entitled, "the authorisation has time left"};
  return done();
}

void apply_hold(const entry& e, const entry_place& p, state& s) {
  bool ends = e.kind == entry_kind::capture || e.kind == entry_kind::void_hold || e.kind == entry_kind::time_out;
  if ((e.kind != entry_kind::authorise && !ends) || !e.cites) return;
  auto open = open_holds(s, p.writer) + (ends ? -1 : 1);
  s.put(open_holds_key(p.writer), {open, {}});
  if (ends) return s.erase(until_key(p.writer, *e.cites));
  s.put(until_key(p.writer, *e.cites), {e.deadline, {}});
}

}  // namespace tally::fold_detail
