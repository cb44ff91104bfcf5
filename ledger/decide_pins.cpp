// Whether a card's PIN is asked for, and choosing one.
#include <algorithm>

#include "ledger/cards.hpp"
#include "ledger/decide_parts.hpp"
#include "ledger/pins.hpp"

namespace tally::decide_detail {
namespace {

using verdict = pin_proof::verdict;

/// A wrong PIN, in place of what was asked for; `e` has its key.
decision failed(const entry& e, account_id account, const card_record& card, const pin_state& pin, const situation& s,
                std::vector<posting>& postings) {
  entry out;
  out.kind = entry_kind::pin_failed;
  out.terminal = e.terminal;
  out.counter = e.counter;
  out.operator_id = e.operator_id;
  out.business_date = e.business_date;
  out.stamp = e.stamp;
  out.account = account;
  out.account_version = card.version;
  out.pin = pin;
  return judged(std::move(out), s, postings);
}

/// Why the PIN cannot be taken for right, and no try is counted for it.
maybe_refusal unproven(const pin_proof& proof, account_id account, const pin_state& pin, const situation& s) {
  if (!pin.set) return refuse(errc::pin_required, "no PIN is set on this card: choose one first", account);
  if (pin_tries(s.st, s.self, account, pin) >= pin_tries_max) return refuse(errc::pin_locked, "", account);
  if (proof.is == verdict::none) return refuse(errc::pin_required, "", account);
  if (proof.is == verdict::unknown)
    return refuse(errc::pin_required, "this store cannot check this card's PIN until its line to head office is up",
                  account);
  if (proof.version != pin.version)
    return refuse(errc::pin_required, "the card's PIN has changed a moment ago: type it again", account);
  return std::nullopt;
}

}  // namespace

std::optional<decision> check_pin(const pin_matter& m, const programme& plan, entry& e, const situation& s,
                                  std::vector<posting>& postings) {
  const auto* kind = plan.card_kind(m.card.kind);
  auto spent = kind && kind->pin_above_day ? money_taken_on(s.st, e.business_date, s.self, m.account, plan) : 0;
  bool needed = asks_for_pin(kind, m.money, m.units, spent);
  if (!needed && m.proof.is == verdict::none) return std::nullopt;
  auto pin = pin_of(s.st, s.self, m.account, m.card);
  if (auto r = unproven(m.proof, m.account, pin, s)) {
    if (!needed) return std::nullopt;
    r->without_pin = free_of_pin(*kind, spent);
    return decision(std::move(*r));
  }
  if (m.proof.is == verdict::wrong) return failed(e, m.account, m.card, pin, s, postings);
  e.pin_checked = pin.version;
  return std::nullopt;
}

maybe_refusal check_code(const code_matter& m, const rules_record& rules, entry& e, const situation& s) {
  const auto* kind = rules.programme.card_kind(m.card.kind);
  if (!asks_for_code(kind, m.money, m.units)) return std::nullopt;
  auto no = [&](errc code, std::string why) {
    auto r = refuse(code, std::move(why), m.account);
    r.without_code = *kind->code_above;
    return r;
  };
  const auto& p = m.proof;
  if (p.is == code_proof::verdict::none) return no(errc::code_required, "");
  if (p.is == code_proof::verdict::unknown)
    return no(errc::code_required, "no code of this card waits here: have one sent");
  if (p.is == code_proof::verdict::wrong) {
    auto r = no(errc::code_wrong, p.tries == 0 ? "that was the last try: have a new code sent" : "");
    r.tries = p.tries;
    return r;
  }
  if (s.now >= p.until) return no(errc::code_required, "the code is too old: have a new one sent");
  if (m.money > p.up_to) return no(errc::code_required, "the code is for at most " + money_text(&rules, p.up_to));
  const auto used = std::max(code_used(s.st, s.self, m.account), code_used(s.st, {s.self.node, {}}, m.account));
  if (p.number == 0 || p.number <= used)
    return no(errc::code_required, "the code was used before: have a new one sent");
  e.code_checked = p.number;
  return std::nullopt;
}

decision decide_pin(const pin_command& c, const situation& s, std::vector<posting>& postings) {
  if (s.stopped != errc::ok) return refuse(s.stopped, "", c.account);
  if (auto r = check_heeded(c.account, s)) return *r;
  auto card = card_of(s.st, c.account);
  if (!card) return refuse(errc::unknown_card, "", c.account);
  entry e = start(entry_kind::pin_set, c.key, s);
  if (auto r = check_standing(c.account, *card, s, e.business_date)) return *r;
  auto pin = pin_of(s.st, s.self, c.account, *card);
  if (pin.set) {
    if (auto r = unproven(c.pin, c.account, pin, s)) return *r;
    if (c.pin.is == verdict::wrong) return failed(e, c.account, *card, pin, s, postings);
    e.pin_checked = pin.version;
  }
  if (c.version != pin.version + 1)
    return refuse(errc::pin_required, "the card's PIN has changed a moment ago: type it again", c.account);
  e.account = c.account;
  e.account_version = card->version;
  e.pin = {pin.version + 1, pin.refills, true};
  e.blob = c.sealed;
  e.medium = c.digest;
  return judged(std::move(e), s, postings);
}

bool same_pin(const pin_command& c, const entry& e) {
  return e.kind == entry_kind::pin_set && e.account == c.account && e.medium == c.digest;
}

}  // namespace tally::decide_detail
