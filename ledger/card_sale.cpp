#include "ledger/card_sale.hpp"

#include <algorithm>

#include "ledger/cards.hpp"

namespace tally {

status state_card_sale(entry& e, account_id account, const card_record& card, const rules_record& rules, amount load,
                       tender_kind tender) {
  auto text = [&](amount v) { return format_amount(v, static_cast<int>(rules.exponent)); };
  if (load != 0 && (load < rules.top_up_min || load > rules.top_up_max))
    return error{errc::bad_amount, "a card is loaded with " + text(rules.top_up_min) + " to " + text(rules.top_up_max)};
  const auto* kind = rules.programme.card_kind(card.kind);
  e.kind = entry_kind::issue;
  e.account = account;
  e.account_version = card.version;
  e.card_kind = card.kind;
  e.rules_version = rules.version;
  e.values.clear();
  e.tenders.clear();
  amount total = load;
  if (kind) {
    e.expires = expiry_of(*kind, e.business_date);
    if (!checked_add(total, kind->price, total) || !checked_add(total, kind->deposit, total))
      return error{errc::overflow, "the price of a card"};
  }
  if (load != 0) e.values.push_back({purse_paid, main_unit, 0, load});
  if (kind && kind->deposit != 0) e.values.push_back({purse_deposit, main_unit, 0, kind->deposit});
  if (total == 0) e.kind = entry_kind::activate;
  if (total != 0) e.tenders.push_back({tender, main_unit, total});
  return done();
}

namespace {

constexpr char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// FNV-1a: whoever chooses references that meet only keeps a payment of its own from being booked.
std::uint64_t reference_digest(byte_view reference) {
  std::uint64_t h = 0xcbf29ce484222325;
  for (char c : reference)
    h = (h ^ static_cast<std::uint8_t>(small(c))) * 0x100000001b3;
  return h;
}

}  // namespace

bool same_reference(byte_view a, byte_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return small(x) == small(y); });
}

cell_key payment_key(byte_view reference) {
  return {.type = cell_type::paid_for, .a = reference_digest(reference), .b = 0, .writer = {}, .peer = {}};
}

cell_key adjustment_key(byte_view reference) {
  return {.type = cell_type::paid_for, .a = reference_digest(reference), .b = 1, .writer = {}, .peer = {}};
}

std::optional<sequence> adjustment_for(const state& s, byte_view reference) {
  auto c = s.find(adjustment_key(reference));
  return c ? std::optional(static_cast<sequence>(c->n)) : std::nullopt;
}

hand_note parse_hand_note(byte_view blob) {
  auto end = blob.find('\n');
  return end == byte_view::npos ? hand_note{blob, {}} : hand_note{blob.substr(0, end), blob.substr(end + 1)};
}

bytes hand_note_text(byte_view reference, byte_view reason) {
  bytes out(reference);
  out += '\n';
  return out += reason;
}

std::optional<sequence> top_up_for(const state& s, byte_view reference) {
  auto c = s.find(payment_key(reference));
  return c ? std::optional(static_cast<sequence>(c->n)) : std::nullopt;
}

}  // namespace tally
