#include "sync/member_index.hpp"

#include <sodium.h>

#include <algorithm>
#include <set>

namespace tally {
namespace {

using members = std::vector<account_id>;

void insert(members& list, account_id m) {
  if (list.empty() || list.back() < m) return list.push_back(m);  // mostly: numbers are drawn in order
  auto at = std::ranges::lower_bound(list, m);
  if (at == list.end() || *at != m) list.insert(at, m);
}

template <class Table>
void take_out(Table& table, std::uint64_t token, account_id m) {
  auto it = table.find(token);
  if (it == table.end()) return;
  std::erase(it->second, m);
  if (it->second.empty()) table.erase(it);
}

}  // namespace

member_index::member_index(entropy& source) {
  static_assert(crypto_shorthash_KEYBYTES == std::tuple_size_v<decltype(key_)>);
  source.fill(key_);
}

std::uint64_t member_index::hash(const std::string& token) const {
  std::uint64_t out = 0;
  crypto_shorthash(reinterpret_cast<unsigned char*>(&out), reinterpret_cast<const unsigned char*>(token.data()),
                   token.size(), key_.data());
  return out;
}

void member_index::add(account_id member, const member_profile& p) {
  for (const auto& t : tokens_of(p))
    insert(tokens_[hash(t)], member);
  for (const auto& t : identity_tokens(p))
    insert(identities_[hash(t)], member);
  for (auto card : p.cards)
    cards_[card] = member;
}

void member_index::remove(account_id member, const member_profile& p) {
  for (const auto& t : tokens_of(p))
    take_out(tokens_, hash(t), member);
  for (const auto& t : identity_tokens(p))
    take_out(identities_, hash(t), member);
  for (auto card : p.cards)
    if (auto it = cards_.find(card); it != cards_.end() && it->second == member) cards_.erase(it);
}

const member_index::list* member_index::find(const std::string& token) const {
  auto it = tokens_.find(hash(token));
  return it == tokens_.end() ? nullptr : &it->second;
}

std::vector<account_id> member_index::candidates(const member_query& q, std::size_t max) const {
  std::vector<const list*> must;
  std::vector<list> either;  // digits end a number or begin it
  either.reserve(q.digits.size());
  for (const auto& d : q.digits) {
    list both;
    for (const auto& t : digit_tokens(d)) {
      const auto* some = find(t);
      if (!some) continue;
      list sum;
      std::ranges::set_union(both, *some, std::back_inserter(sum));
      both = std::move(sum);
    }
    either.push_back(std::move(both));
    must.push_back(&either.back());
  }
  for (const auto& t : tokens_of(q)) {
    const auto* some = find(t);
    if (!some) return {};
    must.push_back(some);
  }
  if (must.empty()) return {};
  std::ranges::sort(must, {}, [](const list* l) { return l->size(); });
  std::vector<account_id> out;
  for (auto m : *must.front()) {
    bool all =
        std::all_of(must.begin() + 1, must.end(), [&](const list* l) { return std::ranges::binary_search(*l, m); });
    if (!all) continue;
    if (out.size() == max) break;
    out.push_back(m);
  }
  return out;
}

std::vector<std::vector<account_id>> member_index::look_alikes(std::size_t max) const {
  std::set<list> groups;
  for (const auto& [token, who] : identities_)
    if (who.size() > 1) groups.insert(who);
  std::vector<list> out(groups.begin(), groups.end());
  if (out.size() > max) out.resize(max);
  return out;
}

std::optional<account_id> member_index::by_card(account_id card) const {
  auto it = cards_.find(card);
  return it == cards_.end() ? std::nullopt : std::optional(it->second);
}

std::size_t member_index::postings() const {
  std::size_t n = 0;
  for (const auto* t : {&tokens_, &identities_})
    for (const auto& [token, who] : *t)
      n += who.size();
  return n;
}

}  // namespace tally
