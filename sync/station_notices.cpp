// What head office tells members of cards by its outbox: a new level, a fee before the first is taken, units before
// they expire. Written in the group of the entry, or of the look, so that a crash tells nothing twice and forgets
// nothing.
#include <algorithm>

#include "ledger/cards.hpp"
#include "ledger/closing.hpp"
#include "ledger/fee_notice.hpp"
#include "storage/kv_state.hpp"
#include "storage/varint.hpp"
#include "sync/notice.hpp"
#include "sync/station.hpp"

namespace tally {
namespace {

constexpr std::size_t expiring_per_look = 200;  // read at once; a look follows every second

/// Units of the month that an account has at all nodes, put aside ones left out: whoever put them aside uses them.
amount units_of_month(const state& seen, const std::vector<writer_id>& alive, account_id account, std::uint32_t purse,
                      std::uint32_t month) {
  amount sum = 0;
  for (const auto& w : alive) {
    auto n = -seen.balance(hold_account(w, account, purse, month, unit_of(purse)));
    if (n > 0 && !checked_add(sum, n, sum)) sum = INT64_MAX;
  }
  return sum;
}

}  // namespace

void station::note_level(account_id account, std::uint32_t from, std::uint32_t to, sequence seq) {
  if (!config_.notice_levels) return;
  notice n{.kind = notice_kind::level, .card = account, .at = now_, .from = from, .to = to};
  book_->view().put(family::meta, level_notice_key(account, book_->self().epoch, seq), encode_notice(n));
}

// Once before the first fee of a time in which nobody used the card.
void station::note_fee(account_id account) {
  if (config_.notice_fee_days == 0) return;
  if (!first_fee_ahead(book_->at(now_), observer_->st(), account, config_.notice_fee_days, 0)) return;
  bytes known;
  auto found = book_->view().get(family::meta, fee_told_key(account), known);
  if (found == lookup::failed) return;
  auto told = found == lookup::found ? static_cast<std::uint32_t>(byte_reader(known).uv(UINT32_MAX)) : 0;
  auto ahead = first_fee_ahead(book_->at(now_), observer_->st(), account, config_.notice_fee_days, told);
  if (!ahead) return;
  bool any = false;  // of nothing nothing is taken
  for (auto purse : ahead->purses)
    any = any || held_here(account, purse) > 0 || elsewhere(account, purse, config_.self) > 0;
  if (!any) return;
  notice n{.kind = notice_kind::fee, .card = account, .at = now_, .fee = ahead->fee, .day = ahead->day};
  byte_writer month;
  month.uv(ahead->month);
  book_->view().put(family::meta, fee_told_key(account), month.take());
  book_->view().put(family::meta, fee_notice_key(account, ahead->month), encode_notice(n));
}

// In the last days of a month, and once for it: all cards, some at a time.
void station::note_expiring() {
  const auto* rules = book_->rules().newest();
  if (config_.notice_expiry_days == 0 || !rules || book_->hq_time() <= 0) return;
  const auto today = day_of(book_->hq_time()), month = month_of(today);
  auto last = today;
  while (month_of(last + 1) == month)
    ++last;
  if (last - today >= config_.notice_expiry_days) return;
  const bytes prefix{cell_prefix, static_cast<char>(cell_type::card)};
  if (calendar_.expiring_month != month) calendar_.expiring_card = prefix;
  calendar_.expiring_month = month;
  if (calendar_.expiring_card.empty()) return;
  std::vector<account_id> some;
  auto c = store_.scan(family::state, calendar_.expiring_card);
  for (; c->valid() && c->key().starts_with(prefix) && some.size() < expiring_per_look; c->next())
    if (auto k = parse_cell_key(c->key())) some.push_back({k->a});
  if (!c->state()) return;
  calendar_.expiring_card = c->valid() && c->key().starts_with(prefix) ? bytes(c->key()) : bytes();
  auto alive = observer_->writers();
  std::erase_if(alive, [&](const writer_id& w) { return closing_of(book_->st(), w).has_value(); });
  for (auto account : some) {
    auto card = card_of(book_->st(), account);
    bytes known;
    if (!card || is_final(card->status) || card->status == card_status::stock) continue;
    auto found = book_->view().get(family::meta, expiry_told_key(account), known);
    if (found == lookup::failed) continue;
    if (found == lookup::found && byte_reader(known).uv(UINT32_MAX) >= month) continue;
    bool any = false;
    for (const auto& p : rules->programme.purses) {
      auto units = p.bucket == bucket_rule::expires ? units_of_month(observer_->st(), alive, account, p.id, month) : 0;
      if (units == 0) continue;
      any = true;
      notice n{.kind = notice_kind::expiry, .card = account, .at = now_, .from = p.id, .fee = units, .day = last};
      book_->view().put(family::meta, expiry_notice_key(account, p.id, month), encode_notice(n));
    }
    if (!any) continue;
    byte_writer told;
    told.uv(month);
    book_->view().put(family::meta, expiry_told_key(account), told.take());
  }
}

}  // namespace tally
