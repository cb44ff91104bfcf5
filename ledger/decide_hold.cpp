// Money that is put aside for a purchase to come, and how that ends without one.
#include "ledger/decide_parts.hpp"

namespace tally {
namespace decide_detail {

maybe_refusal check_open_holds(const situation& s, account_id account) {
  if (open_holds(s.st, s.self) < open_holds_max) return std::nullopt;
  return refuse(errc::busy, std::to_string(open_holds_max) + " authorisations are open here", account);
}

std::variant<entry, refusal> find_hold(sequence seq, const situation& s) {
  auto cited = seq < s.next ? s.find_entry(s.self, seq) : std::nullopt;
  if (!cited || cited->kind != entry_kind::authorise)
    return refuse(errc::not_found, "authorisation " + std::to_string(seq));
  if (s.stopped != errc::ok) return refuse(s.stopped, "", cited->account);
  if (!s.st.find({.type = cell_type::held_until, .a = seq, .b = 0, .writer = s.self, .peer = {}}))
    return refuse(errc::already_reversed, "that authorisation has ended", cited->account);
  return std::move(*cited);
}

decision decide_authorise(const authorise_command& c, const situation& s, std::vector<posting>& postings) {
  card_record card;
  if (c.value <= 0 || c.value > amount_max) return refuse(errc::bad_amount, "the amount to put aside", c.account);
  entry e = start(entry_kind::authorise, c.key, s);
  if (auto r = check_card(c.account, c.genuine, {}, s, e.business_date, card)) return *r;
  e.rules_version = s.rules.version_at(e.business_date);
  const auto* rules = s.rules.rules(e.rules_version);
  if (!rules) return refuse(errc::bad_rules, "no rules are in force here yet", c.account);
  const auto& plan = rules->programme;
  if (auto r = check_place(plan, card, c.account, s)) return *r;
  if (c.seconds <= 0 || c.seconds > hold_seconds_of(plan))
    return refuse(errc::bad_amount,
                  "an authorisation lasts from 1 to " + std::to_string(hold_seconds_of(plan) / 60) + " minutes",
                  c.account);
  if (auto r = check_open_holds(s, c.account)) return *r;
  state_customer(e, c.account, card, plan);
  if (auto r = check_pin({c.pin, c.account, card, c.value, true}, plan, e, s, postings)) return *r;
  if (auto r = check_code({c.code, c.account, card, c.value, true}, *rules, e, s)) return *r;
  e.cites = s.next;
  e.deadline = business_moment(e) + c.seconds;
  e.values.push_back({purse_paid, main_unit, 0, c.value});
  if (auto r = check_day(e, plan, s)) return *r;
  if (auto r = check_lists(c.value, s, rules, c.account)) return *r;
  return judged(std::move(e), s, postings);
}

decision decide_void(const void_command& c, const situation& s, std::vector<posting>& postings) {
  auto found = find_hold(c.seq, s);
  if (auto* r = std::get_if<refusal>(&found)) return *r;
  const auto& authorise = std::get<entry>(found);
  entry e = start(entry_kind::void_hold, c.key, s);
  e.cites = c.seq;
  e.account = authorise.account;
  e.account_version = authorise.account_version;
  e.released = authorise.values;
  return judged(std::move(e), s, postings, &authorise);
}

bool same_authorise(const authorise_command& c, const entry& e) {
  return e.kind == entry_kind::authorise && e.account == c.account && e.lines.empty() && e.gifts.empty() &&
         e.values.size() == 1 && e.values.front().amount == c.value && e.deadline - business_moment(e) == c.seconds;
}

}  // namespace decide_detail

std::int64_t hold_seconds_of(const programme& plan) {
  return plan.hold_minutes == 0 ? 86'400 : std::int64_t{plan.hold_minutes} * 60;
}

std::optional<entry> decide_time_out(const situation& s, sequence seq) {
  auto found = decide_detail::find_hold(seq, s);
  const auto* authorise = std::get_if<entry>(&found);
  if (!authorise) return std::nullopt;
  entry e;
  e.kind = entry_kind::time_out;
  date_entry(e, s.st, s.self, s.now, s.hq_time);
  if (business_moment(e) < authorise->deadline) return std::nullopt;
  e.cites = seq;
  e.account = authorise->account;
  e.released = authorise->values;
  return e;
}

}  // namespace tally
