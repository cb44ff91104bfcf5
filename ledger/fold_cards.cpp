#include "ledger/fold_cards.hpp"

#include <algorithm>

#include "ledger/card_sale.hpp"
#include "ledger/cards.hpp"
#include "ledger/fold_pins.hpp"
#include "ledger/kinds.hpp"

namespace tally::fold_detail {
namespace {

cell_key card_key(cell_type t, std::uint64_t a, std::uint64_t b, const writer_id& w) {
  return {.type = t, .a = a, .b = b, .writer = w, .peer = {}};
}

void put_le(bytes& out, std::uint64_t v, int octets) {
  for (int i = 0; i < octets; ++i)
    out += static_cast<char>(v >> (8 * i) & 255);
}

void put_writer(bytes& out, const writer_id& w) {
  put_le(out, w.node.value, 4);
  out += view_of(w.epoch.value);
}

void count_claim(const entry& e, const entry_place& p, state& s, bool blind) {
  auto before = claims_on(s, e.business_date, p.writer);
  bytes day;
  put_le(day, e.business_date, 4);
  s.put(card_key(cell_type::claims_today, 0, 0, p.writer), {before.all + 1, day});
  if (blind) s.put(card_key(cell_type::claims_today, 0, 1, p.writer), {before.blind + 1, day});
}

void note_sold(const entry& e, const entry_place& p, state& s) {
  auto k = card_key(cell_type::issued, e.account.value / 512, 0, p.writer);
  auto c = s.find(k).value_or(cell{});
  c.data.resize(64);
  auto bit = e.account.value % 512;
  auto& octet = c.data[bit / 8];
  octet = static_cast<char>(static_cast<unsigned char>(octet) | 1U << (bit % 8));
  ++c.n;
  s.put(k, std::move(c));
  if (!p.watched) s.put(card_key(cell_type::sold, e.account.value, 0, p.writer), {e.expires, {}});
}

// It can be sold again, by whoever it lies at.
void note_unsold(const entry& e, const entry_place& p, state& s) {
  auto k = card_key(cell_type::issued, e.account.value / 512, 0, p.writer);
  auto c = s.find(k);
  if (!c || c->data.size() != 64) return;
  auto bit = e.account.value % 512;
  auto& octet = c->data[bit / 8];
  octet = static_cast<char>(static_cast<unsigned char>(octet) & ~(1U << (bit % 8)));
  if (--c->n > 0) {
    s.put(k, std::move(*c));
  } else {
    s.erase(k);
  }
  if (!p.watched) s.erase(card_key(cell_type::sold, e.account.value, 0, p.writer));
}

void note_claimed(const entry& e, const entry_place& p, state& s, card_status status) {
  if (p.watched) return;
  s.put(card_key(cell_type::claimed, e.account.value, 0, p.writer),
        {static_cast<std::int64_t>(p.seq), bytes(1, static_cast<char>(status))});
}

/// A region may hear of a store's sale before it hears where head office has put its cards: a restored one knows less
/// than the stores below it. The writer knows what it went by, and head office knows its own word.
bool knows_runs(const entry_place& p) { return p.directory && (!p.watched || p.revocations); }

}  // namespace

status check_claim(const entry& e, const entry_place& p, const state& s) {
  if (!may_claim(e.status)) return error{errc::malformed, "a claim is that a card is lost, or to be frozen"};
  auto n = claims_on(s, e.business_date, p.writer);
  if (n.all >= claims_per_day_max || (n.blind >= blind_claims_per_day_max && is_blind(s, p.writer, e.account)))
    return error{errc::too_many_claims, std::to_string(n.all) + " on " + date_text(e.business_date)};
  return done();
}

// Of a payment that came to head office there is one top-up, in whichever of its lives.
status check_reference(const entry& e, const entry_place& p, const state& s) {
  if (p.role == node_role::hq ? e.blob.size() > reference_max : !e.blob.empty())
    return error{errc::malformed, "the reference of a payment"};
  if (e.blob.empty() || p.watched || !top_up_for(s, e.blob)) return done();
  return error{errc::key_reused, "a payment with this reference was booked"};
}

status check_card_sale(const entry& e, const entry_place& p, const state& s) {
  if (was_sold(s, p.writer, e.account)) return error{errc::key_reused, "this card was sold before"};
  if (knows_runs(p) && !may_sell(*p.directory, s, p.writer, e.account))
    return error{errc::not_entitled,
                 "card " + std::to_string(e.account.value) + " is in no run of " + writer_name(p.writer)};
  if (e.kind == entry_kind::activate) return done();
  // Purses at most once each, so that nobody has to add them up to know the price.
  for (std::size_t i = 1; i < e.values.size(); ++i)
    if (e.values[i].purse <= e.values[i - 1].purse) return error{errc::malformed, "a card's sale loads a purse twice"};
  return done();
}

// Head office pays out what is left on a card that is gone: once for each reference, of payments in and out.
status check_hand_back(const entry& e, const entry_place& p, const state& s) {
  if (e.values.empty() != e.tenders.empty()) return error{errc::unbalanced, "a card that comes back is paid for"};
  if (p.role == node_role::hq && (e.blob.empty() || e.values.empty()))
    return error{errc::malformed, "head office pays out under a reference"};
  return check_reference(e, p, s);
}

std::string what_stays(entry_kind k) {
  switch (k) {
    case entry_kind::hand_back: return "a card that was given back stays given back";
    case entry_kind::issue:
    case entry_kind::activate: return "a store takes back a card that it sold, not its sale: give the card back";
    case entry_kind::refund:
    case entry_kind::refund_elsewhere: return "goods that came back are sold again, their return is not taken back";
    case entry_kind::reverse: return "a receipt that was reversed stays reversed";
    case entry_kind::authorise:
    case entry_kind::void_hold: return "money that was put aside is given back by a void";
    default: return std::string(kind_name(k));
  }
}

status check_allot(const entry& e) {
  if (e.size < 1 || e.size > batch_cards_max || e.account.value > INT64_MAX - batch_cards_max)
    return error{errc::malformed, "a run of cards has 1 to " + std::to_string(batch_cards_max)};
  if (e.blob.size() > batch_name_max) return error{errc::malformed, "the name of a run is too long"};
  return done();
}

status check_bring_back(const entry& e, const entry_place& p, const state& s) {
  TALLY_TRY(check_allot(e));
  if (knows_runs(p) && !is_called_back(*p.directory, s, p.writer, e.account, e.size))
    return error{errc::not_entitled,
                 "cards from " + std::to_string(e.account.value) + " on, which were not called back"};
  return done();
}

status check_card_state(const entry& e) {
  if (e.cites.has_value() != (e.subject != writer_id{}))
    return error{errc::malformed, "a card's state answers the entry of a journal, or none"};
  if (e.birth_month > 12) return error{errc::malformed, "a month of birth"};
  return done();
}

void apply_card_life(const entry& e, const entry_place& p, state& s) {
  switch (e.kind) {
    case entry_kind::claim:
      count_claim(e, p, s, is_blind(s, p.writer, e.account));
      note_claimed(e, p, s, e.status);
      break;
    case entry_kind::issue:
    case entry_kind::activate: note_sold(e, p, s); break;
    case entry_kind::reverse:
      if (sells_card(e.cited_kind)) note_unsold(e, p, s);
      break;
    case entry_kind::top_up:
      if (!e.blob.empty() && !p.watched) s.put(payment_key(e.blob), {static_cast<std::int64_t>(p.seq), e.blob});
      break;
    case entry_kind::adjust:
      if (p.role == node_role::hq && !p.watched)
        s.put(adjustment_key(parse_hand_note(e.blob).reference), {static_cast<std::int64_t>(p.seq), e.blob});
      break;
    case entry_kind::hand_back:
      if (p.role != node_role::hq) {
        note_claimed(e, p, s, card_status::returned);
      } else if (!p.watched) {
        s.put(payment_key(e.blob), {static_cast<std::int64_t>(p.seq), e.blob});
      }
      break;
    case entry_kind::bring_back:
      each_piece(e.account, e.size, [&](std::uint64_t at, std::uint64_t bits) {
        auto k = card_key(cell_type::brought, at, bits, p.writer);
        s.put(k, {number(s, k) + 1, {}});
      });
      break;
    default: break;
  }
}

void learn_card(const entry& e, state& s) {
  auto before = card_of(s, e.account);
  auto c = before.value_or(card_record{});
  c.status = e.status;
  if (e.card_kind != 0) c.kind = e.card_kind;
  c.level = e.level;
  c.expires = e.expires;
  c.birth_month = e.birth_month;
  c.version = e.account_version;
  c.pin = e.pin;
  learn_pin(e, before ? before->pin : pin_state{}, s);
  put_card(s, e.account, c);
  if (e.kind != entry_kind::card_state) return;
  auto origin = card_key(cell_type::last_claim, e.account.value, 0, {});
  if (!e.cites) {
    if (before && before->status != e.status && s.find(origin)) s.erase(origin);
    return;
  }
  // Head office has seen this node's claim up to there, and says what has become of it.
  auto own = card_key(cell_type::claimed, e.account.value, 0, e.subject);
  if (auto claim = s.find(own); claim && static_cast<sequence>(claim->n) <= *e.cites) s.erase(own);
  if (!before || before->status == e.status) return;
  cell from{static_cast<std::int64_t>(*e.cites), bytes(1, static_cast<char>(before->status))};
  put_writer(from.data, e.subject);
  s.put(origin, std::move(from));
}

void learn_batch(const entry& e, state& s) {
  // What is left of an order when its first part is delivered.
  if (auto order = batch_at(s, e.account); order && order->holder == writer_id{} && order->count > e.size) {
    account_id rest{e.account.value + e.size};
    auto c = s.find(card_key(cell_type::batch, e.account.value, 0, {}));
    c->n -= static_cast<std::int64_t>(e.size);
    if (!batch_at(s, rest)) s.put(card_key(cell_type::batch, rest.value, 0, {}), std::move(*c));
  }
  cell c{static_cast<std::int64_t>(e.size), {}};
  put_le(c.data, e.card_kind, 4);
  put_writer(c.data, e.subject);
  c.data += e.blob;
  s.put(card_key(cell_type::batch, e.account.value, 0, {}), std::move(c));
  if (e.subject == writer_id{}) return;
  each_piece(e.account, e.size, [&](std::uint64_t at, std::uint64_t bits) {
    auto before = number(s, card_key(cell_type::recalled, at, bits, e.subject));
    s.put(card_key(cell_type::allotted, at, bits, e.subject), {before + 1, {}});
  });
}

void learn_recall(const entry& e, state& s) {
  each_piece(e.account, e.size, [&](std::uint64_t at, std::uint64_t bits) {
    auto allotted = number(s, card_key(cell_type::allotted, at, bits, e.subject));
    if (allotted > 0) s.put(card_key(cell_type::recalled, at, bits, e.subject), {allotted, {}});
  });
}

}  // namespace tally::fold_detail
