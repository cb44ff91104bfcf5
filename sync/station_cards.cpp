// Head office's part in the life of cards: it answers what stores claim, sell and take back, and says now and then that
// its directory is whole.
#include "ledger/cards.hpp"
#include "ledger/closing.hpp"
#include "ledger/pins.hpp"
#include "storage/kv_state.hpp"
#include "sync/station.hpp"
#include "sync/wrong_pin.hpp"

namespace tally {

namespace {

// Stores need not know the age of their lists to the minute.
constexpr std::int64_t mark_every = 3600;
constexpr tick_ms cards_look_ms = 10'000;
constexpr std::size_t runs_per_look = 100;

}  // namespace

// In the group that keeps the claim, so that none is left without an answer. A claim that changes nothing is answered
// too: the store then forgets it.
void station::answer_card(const entry& e, const writer_id& from, sequence seq) {
  auto card = card_of(book_->st(), e.account);
  if (!card) return;  // nobody has such a card
  auto out = card_fact(e.account, *card);
  out.subject = from;
  out.cites = seq;
  if (e.kind == entry_kind::claim) {
    bool stands = seq < claims_stand_up_to(book_->st(), from);
    if (stands && tightness(e.status) > tightness(card->status)) out.status = e.status;
  } else if (e.kind == entry_kind::pin_set) {
    // Of two stores that set one at the same time, the first that is heard counts.
    bool stands = seq < claims_stand_up_to(book_->st(), from) && !is_final(card->status);
    bool next = e.pin.version == card->pin.version + 1 && e.pin_checked == (card->pin.set ? card->pin.version : 0);
    // Another store's first PIN has the same version: what was typed was the published one only if the store had that.
    auto source = pin_source(book_->st(), e.account);
    bool knew = !card->pin.set || (source && source->first == from) ||
                e.account_version >= pin_published_at(book_->st(), e.account);
    if (stands && next && knew) out.pin = {e.pin.version, card->pin.refills, true};
  } else if (e.kind == entry_kind::hand_back) {
    if (!is_final(card->status)) out.status = card_status::returned;
  } else if (e.kind == entry_kind::reverse) {
    // Not for sale again: a store that has not heard yet may go on taking it, and who bought it may be known by it.
    if (card->status == card_status::active) out.status = card_status::cancelled;
  } else if (card->status == card_status::stock) {
    out.status = card_status::active;
    const auto* rules = book_->rules().rules(e.rules_version);
    const auto* kind = rules ? rules->programme.card_kind(card->kind) : nullptr;
    out.expires = kind ? expiry_of(*kind, e.business_date) : 0;
  }
  date_entry(out, book_->st(), book_->self(), now_, book_->hq_time());
  if (auto written = write(out); !written)
    open_effects_.push_back(alarm_effect{written.error().code, "a card's state: " + written.error().detail});
}

// Of lives that ended whole: all of the journal is here, so what was sold of a run is known, and the rest is as it was.
static std::vector<card_batch> runs_to_pass_on(const kv_store& store, book& b) {
  std::vector<card_batch> out;
  const bytes prefix{cell_prefix, static_cast<char>(cell_type::batch)};
  // Most chains have closed none, and many runs.
  const bytes closings{cell_prefix, static_cast<char>(cell_type::closed)};
  if (auto any = store.scan(family::state, closings); !any->valid() || !any->key().starts_with(closings)) return out;
  auto c = store.scan(family::state, prefix);
  for (; c->valid() && c->key().starts_with(prefix) && out.size() < runs_per_look; c->next()) {
    auto k = parse_cell_key(c->key());
    auto run = k ? batch_at(b.st(), {k->a}) : std::nullopt;
    auto how = run && run->holder != writer_id{} ? closing_of(b.st(), run->holder) : std::nullopt;
    if (!how || how->successor == epoch_id{} || revoking_of(b.st(), run->holder)) continue;
    auto node = node_of(b.st(), run->holder.node);
    bool whole = how->complete() || b.head({run->holder, sub_stream::journal, {}}).size >= how->proven;
    if (!whole || !node || node->epoch == epoch_id{} || is_recalled(b.st(), run->holder, run->first, run->count))
      continue;
    run->holder.epoch = node->epoch;
    out.push_back(std::move(*run));
  }
  return out;
}

// A store that has new keys, moved, or lives anew has its cards in the drawer still.
void station::pass_on_cards() {
  for (const auto& run : runs_to_pass_on(store_, *book_)) {
    if (is_revoked(run.holder.node)) continue;
    auto e = allot_fact(run);
    date_entry(e, book_->st(), book_->self(), now_, book_->hq_time());
    if (auto written = write(e); !written)
      open_effects_.push_back(alarm_effect{written.error().code, "cards of a life before: " + written.error().detail});
  }
}

// A run that head office wants back: from this entry on nothing of it is sold here, so what was not sold is free when
// head office has read up to it. A dark store keeps what it has.
void station::bring_back_cards() {
  if (tick_ < calendar_.cards_due) return;
  calendar_.cards_due = tick_ + cards_look_ms;
  const auto self = book_->self();
  if (config_.role == node_role::hq) pass_on_cards();
  std::vector<card_batch> wanted;
  const bytes prefix{cell_prefix, static_cast<char>(cell_type::batch)};
  // Without a recall of this node there is nothing to compare with.
  const bytes recalls{cell_prefix, static_cast<char>(cell_type::recalled)};
  if (auto any = store_.scan(family::state, recalls); !any->valid() || !any->key().starts_with(recalls)) return;
  auto c = store_.scan(family::state, prefix);
  for (; c->valid() && c->key().starts_with(prefix) && wanted.size() < runs_per_look; c->next()) {
    auto k = parse_cell_key(c->key());
    auto v = decode_cell(c->value());
    auto run = k && v ? parse_batch({k->a}, *v) : std::nullopt;
    if (run && run->holder == self && is_called_back(book_->st(), book_->st(), self, run->first, run->count))
      wanted.push_back(std::move(*run));
  }
  for (const auto& run : wanted) {
    entry e;
    e.kind = entry_kind::bring_back;
    e.account = run.first;
    e.size = run.count;
    date_entry(e, book_->st(), self, now_, book_->hq_time());
    if (auto written = write(e); !written) {
      open_effects_.push_back(alarm_effect{written.error().code, "cards called back: " + written.error().detail});
    } else if (config_.role == node_role::hq) {
      free_run(e, self);
    }
  }
}

// In the group that keeps the store's word. Cards that were sold before are in use; the rest lie nowhere and can be
// delivered again, or sold here.
void station::free_run(const entry& brought, const writer_id& from) {
  auto run = batch_at(book_->st(), brought.account);
  if (!run || run->holder != from || run->count != brought.size) return;
  run->holder = {};
  auto e = allot_fact(*run);
  date_entry(e, book_->st(), book_->self(), now_, book_->hq_time());
  if (auto written = write(e); !written)
    open_effects_.push_back(alarm_effect{written.error().code, "cards that came back: " + written.error().detail});
}

void refuse_wrong_pin(till_answer& a, const state& st, const writer_id& self) {
  const auto* e = std::get_if<entry>(&a.outcome);
  if (!e || e->kind != entry_kind::pin_failed) return;
  auto account = e->account;
  auto card = card_of(st, account).value_or(card_record{});
  refusal r{{errc::pin_wrong, ""}, account, {}, 0};
  r.tries = pin_tries_max - pin_tries(st, self, account, pin_of(st, self, account, card));
  a.outcome = std::move(r);
}

void station::mark_directory() {
  const auto* rules = book_->rules().newest();
  if (!rules || !rules->programme.stale.any()) return;
  auto age = directory_age(book_->st(), now_, 0);
  if (!age || *age < mark_every) return;
  entry e;
  e.kind = entry_kind::mark;
  e.hq_time = now_;
  date_entry(e, book_->st(), book_->self(), now_, book_->hq_time());
  (void)write(e);
}

}  // namespace tally
