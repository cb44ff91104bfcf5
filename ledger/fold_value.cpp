// Units by hand, fees of cards that nobody uses, and who uses them; gifts on the shelf.
#include <algorithm>

#include "ledger/card_sale.hpp"
#include "ledger/closing.hpp"
#include "ledger/fold_units.hpp"
#include "ledger/programme.hpp"

namespace tally::fold_detail {
namespace {

cell_key fee_key(account_id account) {
  return {.type = cell_type::fee_month, .a = account.value, .b = 0, .writer = {}, .peer = {}};
}

/// The month whose end made it due.
std::uint32_t month_of_fee(const entry& e) {
  auto day = day_of(e.deadline);
  return day == 0 ? 0 : month_of(day - 1);
}

/// A person with the card in hand; not what the shop does for itself.
bool is_use(const entry& e) { return e.counter != 0 && e.kind != entry_kind::adjust; }

}  // namespace

// Of what head office gives or takes under one reference there is one entry, in whichever of its lives.
status check_hand_note(const entry& e, const entry_place& p, const state& s) {
  auto [reference, reason] = parse_hand_note(e.blob);
  if (reference.empty() || reference.size() > reference_max || reason.empty() || reason.size() > note_max)
    return error{errc::malformed, "head office names what it gives or takes by hand, and why"};
  if (p.watched || !adjustment_for(s, reference)) return done();
  return error{errc::key_reused, "units were given or taken under this reference"};
}

status check_adjust(const entry& e, const entry_place& p, const state& s) {
  if (e.values.empty() == e.earned.empty()) return error{errc::malformed, "units by hand are given, or taken"};
  const auto& items = e.values.empty() ? e.earned : e.values;
  for (const auto& v : items)
    if (v.purse < 2 || v.purse > purse_id_max || v.purse != items.front().purse)
      return error{errc::malformed, "units of one purse, and no paid money"};
  if (p.role == node_role::hq) {
    TALLY_TRY(check_hand_note(e, p, s));
  } else if (e.blob.size() > note_max) {
    return error{errc::malformed, "the reason has more than " + std::to_string(note_max) + " octets"};
  }
  return check_debts(e);
}

status check_fee(const entry& e, const entry_place& p, const state& s) {
  auto day = day_of(e.deadline);
  if (day == 0 || start_of_day(day) != e.deadline || month_of(day) == month_of(day - 1))
    return error{errc::malformed, "a fee falls due when a month begins"};
  if (e.hq_time < e.deadline) return error{errc::not_entitled, "head office's time has not passed that day"};
  // Who watches meets head office's lives in any order.
  if (!p.watched && number(s, fee_key(e.account)) >= month_of_fee(e))
    return error{errc::key_reused, "that month's fee was taken"};
  for (const auto& v : e.values)
    if (v.purse > purse_id_max) return error{errc::malformed, "no fee is taken from a card's deposit"};
  return done();
}

status check_stock(const entry& e) {
  for (std::size_t i = 0; i < e.lines.size(); ++i) {
    const auto& l = e.lines[i];
    bool twice = std::any_of(e.lines.begin(), e.lines.begin() + static_cast<std::ptrdiff_t>(i),
                             [&](const line_item& o) { return o.product == l.product; });
    bool fits = e.kind == entry_kind::count ? l.quantity >= 0 : l.quantity != 0 && l.quantity >= -pieces_max;
    if (twice || !fits || l.quantity > pieces_max)
      return error{errc::malformed, "pieces of product " + std::to_string(l.product.value) + ", each once, at most " +
                                        std::to_string(pieces_max)};
  }
  return done();
}

// What was never counted is not counted down either. The shelf is right: below zero means that somebody should count.
void apply_stock(const entry& e, const entry_place& p, state& s) {
  if (e.kind == entry_kind::count || e.kind == entry_kind::stock) {
    for (const auto& l : e.lines) {
      auto n = e.kind == entry_kind::count ? std::int64_t{0} : pieces_left(s, p.writer, l.product).value_or(0);
      if (checked_add(n, l.quantity, n)) put_pieces(s, p.writer, l.product, n);
    }
    return;
  }
  bool back = e.kind == entry_kind::reverse;
  const auto* of = back ? p.cited : &e;
  if (!of || !sells(of->kind)) return;
  for (const auto& g : of->gifts)
    if (auto n = pieces_left(s, p.writer, g.product); n && checked_add(*n, back ? g.quantity : -g.quantity, *n))
      put_pieces(s, p.writer, g.product, *n);
}

// A use counts in the month that its store's calendar says, and in the one in which it was heard of: a slow clock makes
// no card look unused. What some store wrote in a month is what tells that the month was seen at all; head office's own
// sales are by its own clock.
void apply_uses(const entry& e, const entry_place& p, state& s, errc why) {
  if (e.kind == entry_kind::fee && why == errc::ok)
    s.put(fee_key(e.account), {std::max<std::int64_t>(number(s, fee_key(e.account)), month_of_fee(e)), {}});
  if (e.kind == entry_kind::adjust && !p.watched)
    for (const auto* list : {&e.values, &e.earned})
      for (const auto& v : *list)
        add_adjusted(s, e.business_date, p.writer, v.purse, list == &e.values, v.amount);
  bool made = e.kind == entry_kind::map_media;  // a number of its own, or a new one
  if (!p.watched || p.uses == 0 || (!is_use(e) && !made)) return;
  auto month = month_of(e.business_date);
  if (p.role == node_role::store) note_used(s, {}, month);
  for (auto account : {e.account, e.to_account}) {
    if (account.value == 0) continue;
    note_used(s, account, month);
    note_used(s, account, p.uses);
  }
}

// What lay there, and whether it is too much, is for who sees that journal to say (audit); the order in which journals
// meet must not change a verdict.
status check_regrant(const entry& e, const entry_place& p, const state& s) {
  if (e.values.empty() && e.debts.empty()) return error{errc::malformed, "nothing is granted anew"};
  // An earlier life of head office may have closed it, whose journal is read after this one.
  auto was_closed = [&](const writer_id& w) {
    auto published = p.directory ? closing_of(*p.directory, w) : std::nullopt;
    return closing_of(s, w) || (published && published->day <= e.business_date);
  };
  if (was_closed(e.subject)) return done();
  // A send of a closed epoch, which its receiver will never take: the node moved away, or was a region that is gone.
  bool returns = e.cited_kind == entry_kind::receive && was_closed(e.peer);
  if (!returns) return error{errc::not_entitled, writer_name(e.subject) + " was not closed"};
  return done();
}

}  // namespace tally::fold_detail
