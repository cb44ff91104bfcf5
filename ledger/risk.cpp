#include "ledger/risk.hpp"

#include <algorithm>
#include <charconv>

namespace tally {
namespace {

bytes text_of(const std::vector<sequence>& list) {
  bytes out;
  for (auto seq : list)
    out += (out.empty() ? "" : " ") + std::to_string(seq);
  return out;
}

}  // namespace

std::vector<sequence> takings_in(byte_view text) {
  std::vector<sequence> out;
  while (!text.empty()) {
    auto end = std::min(text.find(' '), text.size());
    sequence seq = 0;
    std::from_chars(text.data(), text.data() + end, seq);
    out.push_back(seq);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

amount units_at_risk(const entry& e) {
  amount sum = 0;
  for (const auto& d : e.debts)
    if (d.amount > 0 && !checked_add(sum, d.amount, sum)) return INT64_MAX;
  return sum;
}

std::optional<amount> worth_at_risk(const entry& e, const programme& plan) {
  amount worth = 0;
  for (const auto& d : e.debts) {
    if (d.amount <= 0) continue;
    const auto* rule = plan.purse(d.purse);
    amount each = d.purse == purse_paid ? 1 : rule ? rule->off : 0, n = 0;
    if (each <= 0 || !checked_mul(d.amount, each, n) || !checked_add(worth, n, worth)) return std::nullopt;
  }
  return worth;
}

bytes grant_text(const entry& grant) {
  const auto& v = grant.values.empty() ? grant.earned.front() : grant.values.front();
  return std::to_string(v.purse) + ' ' + std::to_string(grant.expires) + ' ' + grant.blob;
}

std::optional<grant_words> parse_grant_text(byte_view text) {
  const auto first = text.find(' '), second = text.find(' ', first + 1);
  if (first == byte_view::npos || second == byte_view::npos) return std::nullopt;
  const auto purse = parse_amount(text.substr(0, first), 0);
  const auto until = parse_amount(text.substr(first + 1, second - first - 1), 0);
  if (!purse || !until) return std::nullopt;
  return grant_words{static_cast<std::uint32_t>(*purse), static_cast<std::uint32_t>(*until),
                     std::string(text.substr(second + 1))};
}

bytes with_taking(byte_view text, sequence seq) {
  auto list = takings_in(text);
  list.push_back(seq);
  if (list.size() > takings_max) list.erase(list.begin());
  return text_of(list);
}

bytes without_taking(byte_view text, sequence seq) {
  auto list = takings_in(text);
  std::erase(list, seq);
  return text_of(list);
}

cell_key code_key(const writer_id& w, account_id account, bool granted) {
  return {.type = cell_type::bearer, .a = account.value, .b = granted ? 1U : 0U, .writer = w, .peer = {}};
}
amount taken_by_code(const state& s, const writer_id& w, account_id account) {
  return number(s, code_key(w, account, false));
}
cell_key risk_count_key(const writer_id& w, account_id account) {
  return {.type = cell_type::risk_count, .a = account.value, .b = 0, .writer = w, .peer = {}};
}
std::int64_t risk_count(const state& s, const writer_id& w, account_id account) {
  return number(s, risk_count_key(w, account));
}

}  // namespace tally
