// What head office tells members of cards by its outbox: a new level, and a fee before the first is taken. Written in
// the group of the entry, or of the look, so that a crash tells nothing twice and forgets nothing.
#include "ledger/cards.hpp"
#include "ledger/fee_notice.hpp"
#include "storage/varint.hpp"
#include "sync/notice.hpp"
#include "sync/station.hpp"

namespace tally {

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

}  // namespace tally
