#include "ledger/kinds.hpp"

#include <iterator>

namespace tally {
namespace {

template <class... Fs>
constexpr field_set set_of(Fs... fs) {
  return (field_set{0} | ... | bit(fs));
}

using enum field;
constexpr field_set when = set_of(business_date, stamp);
constexpr field_set till = set_of(terminal, counter, operator_id, shift) | when;

constexpr kind_row rows[] = {
    {entry_kind::open_epoch, "open_epoch", true, true, true, true, set_of(engine),
     when | set_of(head, rules_version, field::size), false},
    {entry_kind::sale, "sale", true, false, false, true, set_of(terminal, counter),
     till | set_of(lines, account, account_version, rules_version, values, tenders, taxes, card_kind, earned,
                   field::level, gifts, owed, debts, stale, medium, field::birthday, pin_checked, bearer, risk,
                   code_checked),
     false},
    {entry_kind::top_up, "top_up", true, false, true, true, set_of(terminal, counter, account, values, tenders),
     till | set_of(account_version, rules_version, card_kind, earned, field::level, owed, field::package, debts, stale,
                   medium, field::birthday, blob),
     false},
    {entry_kind::reverse, "reverse", true, false, true, true, set_of(terminal, counter, cites, cited_kind),
     till | set_of(account, account_version, values, tenders, taxes, earned, debts, to_account, bearer, pin_checked),
     false},
    {entry_kind::send, "send", true, true, true, true, set_of(peer, channel, cause),
     when | set_of(account, values, request, debts), false},
    {entry_kind::receive, "receive", true, true, true, true, set_of(peer, channel, head),
     when | set_of(account, values, reason, debts), false},
    {entry_kind::adopt, "adopt", true, true, true, true, set_of(head), when | set_of(hq_time), false},
    {entry_kind::shift, "shift", true, false, false, false, 0, till, false},
    {entry_kind::authorise, "authorise", true, false, false, true,
     set_of(terminal, counter, cites, account, values, deadline),
     till | set_of(account_version, rules_version, card_kind, field::level, lines, gifts, field::birthday, pin_checked,
                   code_checked, request),
     false},
    {entry_kind::capture, "capture", true, false, false, true, set_of(terminal, counter, cites, account, values),
     till | set_of(lines, account_version, rules_version, tenders, taxes, card_kind, earned, field::level, gifts, owed,
                   debts, released, field::stale, field::birthday),
     false},
    {entry_kind::void_hold, "void", true, false, false, true, set_of(terminal, counter, cites, account, released),
     till | set_of(account_version), false},
    {entry_kind::time_out, "time_out", true, false, false, true, set_of(cites, account, released), when, false},
    {entry_kind::refund, "refund", true, false, false, true, set_of(terminal, counter, cites, lines),
     till | set_of(account, account_version, rules_version, values, tenders, taxes, earned, owed, debts, bearer),
     false},
    {entry_kind::adjust, "adjust", true, false, true, true, set_of(terminal, counter, account, blob),
     till | set_of(account_version, rules_version, values, earned, debts), false},
    {entry_kind::earn, "earn", false, false, true, true, set_of(account, subject, cites, earned),
     when | set_of(debts, cited_kind), false},
    {entry_kind::voucher_grant, "voucher_grant", false, false, true, true, set_of(account),
     when | set_of(rules_version, values, tenders, earned, expires, blob), false},
    {entry_kind::deposit, "deposit", true, false, false, false, 0, till, false},
    {entry_kind::issue, "issue", true, false, true, true, set_of(terminal, counter, account, tenders),
     till | set_of(account_version, rules_version, values, card_kind, expires, medium), false},
    {entry_kind::activate, "activate", true, false, true, true, set_of(terminal, counter, account),
     till | set_of(account_version, rules_version, card_kind, expires, medium), false},
    {entry_kind::claim, "claim", true, false, false, true, set_of(terminal, counter, account),
     till | set_of(account_version, field::standing), false},
    {entry_kind::expire, "expire", true, true, true, true, set_of(account, values, hq_time), when, false},
    {entry_kind::fee, "fee", false, false, true, true, set_of(account, values, hq_time, deadline),
     when | set_of(rules_version, card_kind), false},
    {entry_kind::execute, "execute", true, true, true, true, set_of(account, subject, cites), when | set_of(values),
     false},
    {entry_kind::count, "count", true, false, false, true, set_of(terminal, counter, lines),
     till | set_of(rules_version), false},
    {entry_kind::stock, "stock", true, false, false, true, set_of(terminal, counter, lines),
     till | set_of(rules_version), false},
    {entry_kind::attendance, "attendance", true, false, false, false, 0, till, false},
    {entry_kind::log, "log", true, false, false, false, 0, till, false},
    {entry_kind::evidence, "evidence", true, true, true, false, 0, till | set_of(blob), false},
    {entry_kind::profile_claim, "profile_claim", true, false, false, true, set_of(account, serial, blob),
     when | set_of(terminal, operator_id, account_version), false},
    {entry_kind::refund_elsewhere, "refund_elsewhere", true, false, false, true,
     set_of(terminal, counter, subject, cites, lines, blob),
     till | set_of(account, account_version, rules_version, values, tenders, taxes, earned, owed, debts, bearer),
     false},
    {entry_kind::gift, "gift", true, false, false, true, set_of(terminal, counter, account, to_account, values),
     till | set_of(account_version, rules_version, card_kind, pin_checked, bearer, risk, debts, code_checked), false},
    {entry_kind::certify, "certify", false, false, true, true, set_of(blob), when, true},
    {entry_kind::revoke, "revoke", false, false, true, true, set_of(subject, serial), when | set_of(field::size), true},
    {entry_kind::close_epoch, "close_epoch", false, false, true, true, set_of(subject, head),
     when | set_of(peer, field::size), true},
    {entry_kind::regrant, "regrant", false, false, true, true, set_of(subject),
     when | set_of(account, values, peer, channel, cited_kind, debts), false},
    {entry_kind::publish, "publish", false, false, true, true, set_of(topic, blob), when | set_of(rules_version), true},
    {entry_kind::limits, "limits", false, false, true, true, set_of(subject, field::limits), when, true},
    {entry_kind::map_media, "map_media", false, false, true, true, set_of(account, medium, card_kind, field::standing),
     when | set_of(account_version, field::level, expires, field::birth_month, field::pin), true},
    {entry_kind::card_state, "card_state", false, false, true, true, set_of(account, field::standing),
     when | set_of(account_version, card_kind, field::level, expires, subject, cites, field::birth_month, field::pin),
     true},
    {entry_kind::clear, "clear", false, false, true, false, 0, when, false},
    {entry_kind::ruling, "ruling", false, false, true, true, set_of(subject, cites, outcome),
     when | set_of(blob, values, account, peer, released, field::debtor), true},
    {entry_kind::settle, "settle", false, false, true, true, set_of(account, debts), when, false},
    {entry_kind::take_back, "take_back", false, false, true, true, set_of(account, subject, cites, earned),
     when | set_of(debts, cited_kind), false},
    {entry_kind::allot, "allot", false, false, true, true, set_of(account, field::size, blob),
     when | set_of(subject, card_kind), true},
    {entry_kind::claims_stand, "claims_stand", false, false, true, true, set_of(subject), when | set_of(field::size),
     true},
    {entry_kind::mark, "mark", false, false, true, true, set_of(hq_time), when, true},
    {entry_kind::hand_back, "hand_back", true, false, true, true, set_of(terminal, counter, account),
     till | set_of(account_version, rules_version, card_kind, values, tenders, pin_checked, code_checked, blob), false},
    {entry_kind::profile, "profile", false, false, true, true, set_of(account, account_version, blob),
     when | set_of(subject, cites), false},
    {entry_kind::erase_member, "erase_member", false, false, true, true, set_of(account), when, true},
    {entry_kind::pin_set, "pin_set", true, false, false, true,
     set_of(terminal, counter, account, field::pin, blob, medium), till | set_of(account_version, pin_checked), false},
    {entry_kind::pin_failed, "pin_failed", true, false, false, true, set_of(terminal, counter, account, field::pin),
     till | set_of(account_version, request), false},
    {entry_kind::give_back, "give_back", false, false, true, true, set_of(account, values, hq_time), when, false},
    {entry_kind::recall, "recall", false, false, true, true, set_of(account, field::size, subject), when, true},
    {entry_kind::bring_back, "bring_back", true, false, true, true, set_of(account, field::size), when, false},
    {entry_kind::topic_run, "topic_run", false, false, true, true, set_of(topic, field::size), when, true},
};

struct index {
  const kind_row* by_kind[128] = {};
  constexpr index() {
    for (const auto& r : rows)
      by_kind[static_cast<std::size_t>(r.kind)] = &r;
  }
};
constexpr index table;

}  // namespace

const kind_row* row_of(entry_kind kind) {
  auto i = static_cast<std::size_t>(kind);
  return i < std::size(table.by_kind) ? table.by_kind[i] : nullptr;
}

bool may_write(node_role role, entry_kind kind) {
  const auto* r = row_of(kind);
  if (!r) return false;
  switch (role) {
    case node_role::store: return r->store;
    case node_role::region: return r->region;
    case node_role::hq: return r->hq;
  }
  return false;
}

std::string_view kind_name(entry_kind kind) {
  const auto* r = row_of(kind);
  return r ? r->name : "unknown";
}

field_set fields_of(const entry& e) {
  field_set s = 0;
  auto put = [&](field f, bool present) {
    if (present) s |= bit(f);
  };
  put(terminal, e.terminal != 0);
  put(counter, e.counter != 0);
  put(operator_id, e.operator_id != 0);
  put(business_date, e.business_date != 0);
  put(stamp, e.stamp != 0);
  put(shift, e.shift != 0);
  put(account, e.account.value != 0);
  put(account_version, e.account_version != 0);
  put(rules_version, e.rules_version != 0);
  put(values, !e.values.empty());
  put(tenders, !e.tenders.empty());
  put(taxes, !e.taxes.empty());
  put(lines, !e.lines.empty());
  put(cites, e.cites.has_value());
  put(cited_kind, e.cited_kind != entry_kind{});
  put(peer, e.peer != writer_id{});
  put(channel, e.channel != 0);
  put(cause, e.cause != send_cause{});
  put(request, e.request != 0);
  put(head, e.head.has_value());
  put(topic, e.topic != publish_topic{});
  put(blob, !e.blob.empty());
  put(medium, !e.medium.empty());
  put(card_kind, e.card_kind != 0);
  put(field::standing, e.status != card_status{});
  put(hq_time, e.hq_time != 0);
  put(subject, e.subject != writer_id{});
  put(field::limits, e.limits.has_value());
  put(engine, e.engine != 0);
  put(field::size, e.size != 0);
  put(reason, e.reason != errc::ok);
  put(serial, e.serial != 0);
  put(outcome, e.outcome != ruling_outcome{});
  put(earned, !e.earned.empty());
  put(field::level, e.level != 0);
  put(gifts, !e.gifts.empty());
  put(owed, !e.owed.empty());
  put(field::package, e.package != 0);
  put(debts, !e.debts.empty());
  put(expires, e.expires != 0);
  put(stale, e.stale);
  put(deadline, e.deadline != 0);
  put(released, !e.released.empty());
  put(to_account, e.to_account.value != 0);
  put(field::birth_month, e.birth_month != 0);
  put(field::birthday, e.birthday);
  put(field::pin, e.pin != pin_state{});
  put(pin_checked, e.pin_checked != 0);
  put(field::bearer, e.bearer != 0);
  put(field::risk, e.risk != 0);
  put(code_checked, e.code_checked != 0);
  put(field::debtor, e.debtor.value != 0);
  return s;
}

}  // namespace tally
