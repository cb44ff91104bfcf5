// Sums over everything that is held here, and what is on its way.
#include <algorithm>

#include "ledger/closing.hpp"
#include "sync/audit_parts.hpp"

namespace tally::audit_detail {
namespace {

constexpr std::size_t transfers_kept = 1000;

/// Reads what `transfer_text` wrote.
void read_transfer(byte_view text, audit_transfer& t) {
  text = text.substr(0, text.find('/'));  // debts that travel are no value
  std::vector<amount> numbers;
  while (!text.empty()) {
    auto end = std::min(text.find(' '), text.size());
    if (auto n = parse_amount(text.substr(0, end), 0)) numbers.push_back(*n);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (numbers.empty()) return;
  t.account.value = static_cast<std::uint64_t>(numbers[0]);
  for (std::size_t i = 1; i + 3 < numbers.size(); i += 4)
    t.amounts.emplace_back(unit_id{static_cast<std::uint32_t>(numbers[i + 1])}, numbers[i + 3]);
}

}  // namespace

void auditor::totals(const std::map<ledger_account, amount>& balances) {
  bool whole = report_.role == node_role::hq;
  auto inside = [&](const writer_id& w) { return whole || held({w, sub_stream::journal, {}}); };
  std::map<unit_id, amount> zero;
  bool fits = true;
  for (const auto& [a, v] : balances) {
    // Rights are credits; here they are shown as what they are worth. The smallest 64-bit number has no opposite.
    fits = fits && v != INT64_MIN && checked_add(zero[a.unit], v, zero[a.unit]);
    if (!fits) break;
    bool alone = class_of(a.unit) == unit_class::refund || class_of(a.unit) == unit_class::risk;
    auto& sums = sums_[alone ? a.unit : value_of(a.unit)];
    bool quota = class_of(a.unit) != unit_class::value;
    amount* to = nullptr;
    switch (a.type) {
      case account_type::hold:
      case account_type::held: to = &sums.held; break;
      // Units that are owed back were counted as spent, and are none that anybody holds.
      case account_type::debt: to = &sums.held; break;
      case account_type::doubt: to = &sums.held; break;      // granted anew beside the holding that it is taken from
      case account_type::contested: to = &sums.held; break;  // a debt that stands twice, as its own send was lost
      case account_type::issued: to = &sums.quota_used; break;
      case account_type::quota: to = must_hold_credit(a) ? &sums.quota_left : &sums.quota_granted; break;
      case account_type::transit:
        to = inside(a.from) && inside(a.to) ? (quota ? &sums.quota_moving : &sums.moving)
                                            : (quota ? &sums.quota_granted : &sums.received);
        break;
      default: break;
    }
    // What came from elsewhere, and what head office made, are debits of their accounts.
    bool debit = to == &sums.quota_granted || to == &sums.received;
    if (to) fits = fits && checked_add(*to, debit ? v : -v, *to);
  }
  if (!fits) problem(check_totals, "all accounts", {}, "sums that fit 64 bits", "an overflow");
  for (const auto& [unit, sum] : zero) {
    ++line(check_totals).count;
    if (sum != 0)
      problem(check_totals, "unit " + unit_name(unit, report_.currency), {}, "0 over all accounts",
              std::to_string(sum));
  }
  for (auto& [unit, t] : sums_) {
    t.unit = unit;
    line(check_totals).count += 2;
    auto name = "unit " + unit_name(unit, report_.currency);
    amount in = 0, out = 0;
    if (!checked_add(t.loaded, t.received, in) || !checked_add(t.spent, t.held, out) ||
        !checked_add(out, t.moving, out) || in != out)
      problem(check_totals, name, {}, "loaded + received = spent + held + moving",
              std::to_string(in) + " and " + std::to_string(out));
    if (!checked_add(t.quota_used, t.quota_left, out) || !checked_add(out, t.quota_moving, out) ||
        t.quota_granted != out)
      problem(check_totals, name, {}, "quota granted = used + left + moving",
              std::to_string(t.quota_granted) + " and " + std::to_string(out));
    report_.totals.push_back(t);
  }
}

/// Halves of transfers behind the place up to which entries of a revoked or retired life count: cases by themselves.
std::set<std::pair<cell_key, bytes>> auditor::halves_behind_end(const writer_id& w) {
  std::set<std::pair<cell_key, bytes>> out;
  auto revoked = revoking_of(own_, w);
  const stream_id id{w, sub_stream::journal, {}};
  if (!revoked || revoked->size >= size_of(id)) return out;
  entry_walk walk(store_, id, self_.node, revoked->size, size_of(id));
  while (auto item = walk.next()) {
    auto e = decode_entry(item->data);
    if (!e || (e->kind != entry_kind::send && e->kind != entry_kind::receive)) continue;
    cell_key half{.type = cell_type::transfer, .a = e->channel, .b = 1, .writer = w, .peer = e->peer};
    if (e->kind == entry_kind::receive) half.b = 0, std::swap(half.writer, half.peer);
    out.emplace(half, transfer_text(*e));
  }
  return out;
}

void auditor::open_transfers(const state& s, const std::map<cell_key, cell>& cells) {
  std::vector<audit_transfer> open;
  std::map<writer_id, std::set<std::pair<cell_key, bytes>>> behind;
  for (const auto& [k, c] : cells) {
    if (k.type != cell_type::transfer || k.b > 1) continue;
    if (s.find(withheld_key(k.writer, k.peer, k.a))) continue;  // seen, and not credited
    const auto &from = k.writer, &to = k.peer;
    bool sent = k.b == 1;
    auto other_side = static_cast<std::uint64_t>(number(s, channel_key(!sent, from, to)));
    auto where = stream_name({sent ? from : to, sub_stream::journal, {}});
    auto what = "transfer " + std::to_string(k.a) + " from " + writer_name(from) + " to " + writer_name(to);
    ++line(check_transfers).count;
    // The numbers of a channel have no gaps, so the other half was passed over or says something else.
    // Head office booked the other half for a life that it had closed, and then the real one turned up: honoured.
    // The closing may be among what was given back to a head office on a backup.
    const bool closed = closing_of(s, sent ? from : to) || closing_of(own_, sent ? from : to);
    if (closed && k.a <= other_side) continue;
    if (k.a <= other_side || (!sent && from == self_)) {
      const auto& other = sent ? to : from;
      if (!behind.count(other)) behind.emplace(other, halves_behind_end(other));
      auto half = k;
      half.b = sent ? 0 : 1;
      if (behind.at(other).count({half, c.data})) continue;
      problem(check_transfers, where, {}, "both halves of " + what + " alike",
              sent ? "no such receive" : "no such send");
      continue;
    }
    auto cert = certificates_.find(to.node);
    bool comes_here = report_.role == node_role::hq || held({to, sub_stream::journal, {}}) ||
                      (cert != certificates_.end() && !cert->second.front().parents.empty() &&
                       cert->second.front().parents.front() == self_.node);
    if (!sent || !comes_here) continue;
    audit_transfer t{from, to, k.a, {}, {}, 0};
    if (c.n >= 0 && c.n < report_.today) t.days = report_.today - static_cast<std::uint32_t>(c.n);
    read_transfer(c.data, t);
    open.push_back(std::move(t));
  }
  report_.in_transit_count = open.size();
  std::sort(open.begin(), open.end(), [](const audit_transfer& a, const audit_transfer& b) {
    return std::tuple(b.days, a.from, a.to, a.number) < std::tuple(a.days, b.from, b.to, b.number);
  });
  if (open.size() > transfers_kept) open.resize(transfers_kept);
  report_.in_transit = std::move(open);
}

}  // namespace tally::audit_detail
