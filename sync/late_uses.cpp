#include "sync/late_uses.hpp"

#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"

namespace tally {
namespace {

constexpr char late_prefix = 'l';

bytes late_key(const writer_id& w, sequence seq) {
  byte_writer out;
  out.u8(static_cast<std::uint8_t>(late_prefix));
  write_writer(out, w);
  out.u64be(seq);
  return out.take();
}

/// Value leaves the card, by its holder's or a thief's hand.
bool takes(entry_kind k) {
  return k == entry_kind::sale || k == entry_kind::gift || k == entry_kind::hand_back || k == entry_kind::authorise;
}

bool is_reported(card_status s) {
  return s == card_status::lost || s == card_status::frozen || s == card_status::blacklisted;
}

}  // namespace

status late_uses::load(const kv_store& store) {
  const bytes prefix(1, late_prefix);
  auto c = store.scan(family::meta, prefix);
  for (; c->valid() && c->key().starts_with(prefix); c->next()) {
    byte_reader key(c->key().substr(1)), value(c->value());
    auto w = read_writer(key);
    auto seq = key.u64be();
    auto what = value.u8();
    if (!key.at_end() || !value.at_end() || what == 0 || what > static_cast<std::uint8_t>(state::undone))
      return error{errc::corrupt, "a use of a lost card"};
    all_[{w, seq}] = static_cast<state>(what);
  }
  TALLY_TRY(c->state());
  return load_cards(store);
}

status late_uses::load_cards(const kv_store& store) {
  const bytes prefix{cell_prefix, static_cast<char>(cell_type::card)};
  auto c = store.scan(family::state, prefix);
  for (; c->valid() && c->key().starts_with(prefix); c->next()) {
    auto k = parse_cell_key(c->key());
    auto card = decode_cell(c->value());
    if (!k || !card || card->data.empty()) return error{errc::corrupt, "a card"};
    card_said({k->a}, static_cast<card_status>(card->data[0]));
  }
  return c->state();
}

void late_uses::card_said(account_id account, card_status now) {
  if (is_reported(now)) {
    reported_.insert(account.value);
  } else {
    reported_.erase(account.value);
  }
}

late_uses::state late_uses::note(const entry& e, const writer_id& writer, sequence seq) {
  if (e.kind == entry_kind::capture && e.cites) {
    // What was authorised in time was promised.
    return of(writer, *e.cites) == state::put_aside ? put(writer, seq, state::used) : state::none;
  }
  if (e.kind == entry_kind::reverse && e.cites)
    return of(writer, *e.cites) == state::used ? put(writer, *e.cites, state::undone) : state::none;
  if (!takes(e.kind) || e.values.empty() || e.account.value == 0) return state::none;
  if (reported_.count(e.account.value) == 0) return state::none;
  return put(writer, seq, e.kind == entry_kind::authorise ? state::put_aside : state::used);
}

late_uses::state late_uses::put(const writer_id& w, sequence seq, state what) {
  all_[{w, seq}] = what;
  changed_.emplace(w, seq);
  return what;
}

late_uses::state late_uses::of(const writer_id& w, sequence seq) const {
  auto it = all_.find({w, seq});
  return it == all_.end() ? state::none : it->second;
}

void late_uses::write(kv_view& view) {
  for (const auto& [w, seq] : changed_)
    view.put(family::meta, late_key(w, seq), bytes(1, static_cast<char>(all_.at({w, seq}))));
  changed_.clear();
}

}  // namespace tally
