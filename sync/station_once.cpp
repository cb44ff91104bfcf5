// One-time numbers: a number pays one sale, wherever that is. Its value lies in one place until then and stays there
// afterwards, so that no other node has anything which a second use could spend, whatever it has heard of the first.
#include <algorithm>

#include "ledger/cards.hpp"
#include "sync/station.hpp"

namespace tally {

// As far as is known here: at a store from its own journals, above from all journals below. A number that was replaced
// leads to another account, and binds the card's value no longer.
station::once_state station::once_at(account_id account) const {
  auto out = once_state::none;
  auto look = [&](const state& st, const writer_id& w) {
    auto seen = once_of(st, w, account);
    if (!seen || account_of(book_->st(), seen->medium) != account) return;
    out = std::max(out, seen->used_by != 0 ? once_state::used : once_state::unused);
  };
  look(book_->st(), book_->self());
  for (const auto& w : book_->at(now_).earlier)
    look(book_->st(), w);
  for (const auto& w : observer_->writers())
    look(observer_->st(), w);
  return out;
}

// So that every store can say why the number opens nothing. A reversal gives it back; a card that was frozen or lost
// meanwhile stays so.
void station::close_used_number(account_id account) {
  auto card = card_of(book_->st(), account);
  auto once = once_at(account);
  if (!card || once == once_state::none) return;
  bool used = once == once_state::used;
  if (card->status != (used ? card_status::active : card_status::expired)) return;
  auto e = card_fact(account, *card);
  e.status = used ? card_status::expired : card_status::active;
  date_entry(e, book_->st(), book_->self(), now_, book_->hq_time());
  if (auto written = write(e); !written)
    open_effects_.push_back(alarm_effect{written.error().code, "a used number: " + written.error().detail});
}

void station::close_used_numbers() {
  auto turned = observer_->take_once();
  if (turned.overflowed)
    observer_->all().each_once([&](account_id account) {
      // An unused one may have been set to expired by hand.
      if (once_at(account) == once_state::used) turned.accounts.insert(account);
    });
  for (auto account : turned.accounts)
    close_used_number(account);
}

}  // namespace tally
