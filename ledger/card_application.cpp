#include "ledger/card_application.hpp"

#include <algorithm>

#include "ledger/member.hpp"
#include "ledger/member_text.hpp"

namespace tally {
namespace {

bool newer(const card_application& a, const card_application& than) {
  if (a.number != than.number) return a.number > than.number;
  return a.state != application_state::open && than.state == application_state::open;
}

card_applications::iterator place_of(card_applications& list, account_id card) {
  return std::ranges::lower_bound(list, card, {}, &card_application::card);
}

void refuse(card_application& a, std::string reason, std::uint32_t today) {
  a.state = application_state::refused;
  a.answered = today;
  a.reason = std::move(reason);
}

}  // namespace

std::string_view application_state_name(application_state s) {
  auto i = static_cast<std::size_t>(s) - 1;
  return i < application_state_names.size() ? application_state_names.at(i) : "unknown";
}

const card_application* application_for(const card_applications& list, account_id card) {
  auto it = std::ranges::lower_bound(list, card, {}, &card_application::card);
  return it != list.end() && it->card == card ? &*it : nullptr;
}

void merge_applications(card_applications& into, const card_applications& from) {
  for (const auto& a : from) {
    auto it = place_of(into, a.card);
    if (it == into.end() || it->card != a.card) {
      into.insert(it, a);
    } else if (newer(a, *it)) {
      *it = a;
    }
  }
}

card_applications new_applications(const card_applications& from, const card_applications& to) {
  card_applications out;
  for (const auto& a : to)
    if (const auto* before = application_for(from, a.card); !before || *before != a) out.push_back(a);
  return out;
}

void keep_applications_of(card_applications& list, const std::vector<account_id>& cards) {
  std::erase_if(list, [&](const auto& a) { return !std::ranges::binary_search(cards, a.card); });
}

status check_applications(const card_applications& list) {
  auto bad = [](const char* what) { return error{errc::malformed, std::string("applications: ") + what}; };
  if (list.size() > member_cards_max) return bad("one for each card");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto& a = list[i];
    if (a.card.value == 0 || (i > 0 && a.card <= list[i - 1].card)) return bad("each card once");
    if (a.number == 0 || a.node.value == 0) return bad("a number from 1, and the store that took it");
    if (a.state < application_state::open || a.state > application_state::refused) return bad("its state");
    if ((a.state == application_state::open) != (a.answered == 0)) return bad("an answer has its day");
    if (a.state == application_state::refused ? a.reason.empty() : !a.reason.empty())
      return bad("a refusal has a reason, and nothing else has one");
    if (a.shown.size() > application_shown_max || !is_clean_text(a.shown)) return bad("the end of the card's number");
    if (a.reason.size() > application_reason_max || !is_clean_text(a.reason))
      return bad("a reason is text of at most 120 bytes, without control characters");
  }
  return done();
}

result<card_application> apply_for_card(const card_applications& known, const std::vector<account_id>& cards,
                                        account_id card, node_id store, std::uint32_t today, std::string shown) {
  if (!std::ranges::binary_search(cards, card)) return error{errc::not_allowed, "the card is none of this member's"};
  card_application a;
  a.card = card;
  a.since = today;
  a.node = store;
  a.shown = std::move(shown);
  if (const auto* before = application_for(known, card)) a.number = before->number;
  ++a.number;
  TALLY_TRY(check_applications({a}));
  return a;
}

result<card_applications> claimed_applications(const card_applications& known, const std::vector<account_id>& cards,
                                               const card_applications& claimed, node_id store, std::uint32_t today) {
  card_applications out;
  for (auto a : claimed) {
    if (a.state != application_state::open) return error{errc::not_entitled, "a store answers no application"};
    if (a.node != store) return error{errc::not_entitled, "an application that another store took"};
    // The card went to somebody else meanwhile: nobody's fault, and nothing to answer.
    if (!std::ranges::binary_search(cards, a.card)) continue;
    const auto* before = application_for(known, a.card);
    if (before && (before->state == application_state::open || a.number <= before->number)) continue;
    a.number = before ? before->number + 1 : 1;
    a.since = std::min(a.since, today);
    out.push_back(std::move(a));
  }
  return out;
}

result<card_application> answered_application(const card_applications& known, account_id card, std::string reason,
                                              std::uint32_t today) {
  const auto* open = application_for(known, card);
  if (!open || open->state != application_state::open)
    return error{errc::not_found, "nobody's application for this card is open"};
  auto a = *open;
  if (reason.empty()) {
    a.state = application_state::made;
    a.answered = today;
  } else {
    refuse(a, std::move(reason), today);
  }
  TALLY_TRY(check_applications({a}));
  return a;
}

void application_book::note(account_id member, const card_applications& before, const card_applications& now) {
  for (const auto& a : before) {
    auto it = open_.find(a.card);
    if (it == open_.end() || it->second.member != member) continue;
    if (auto n = of_store_.find(it->second.store); n != of_store_.end() && --n->second == 0) of_store_.erase(n);
    open_.erase(it);
  }
  for (const auto& a : now) {
    if (a.state != application_state::open) continue;
    // Of a member that was merged into another one the survivor's counts.
    if (!open_.try_emplace(a.card, held{member, a.node, a.since}).second) continue;
    ++of_store_[a.node];
  }
}

void application_book::bound(card_applications& fresh, std::uint32_t today) const {
  auto count = [](const std::map<node_id, std::size_t>& of, node_id store) {
    auto n = of.find(store);
    return n == of.end() ? 0 : n->second;
  };
  std::size_t added = 0;
  for (auto& a : fresh) {
    if (count(of_store_, a.node) + count(coming_of_store_, a.node) + added >= applications_of_store_max) {
      refuse(a, std::string(application_store_full), today);
    } else if (open_.size() + coming_ + added >= applications_open_max) {
      refuse(a, std::string(application_chain_full), today);
    } else {
      ++added;
    }
  }
}

void application_book::expect(const card_applications& fresh) {
  for (const auto& a : fresh) {
    if (a.state != application_state::open) continue;
    ++coming_;
    ++coming_of_store_[a.node];
  }
}

void application_book::arrived(const card_applications& fresh) {
  for (const auto& a : fresh) {
    auto n = coming_of_store_.find(a.node);
    if (a.state != application_state::open || n == coming_of_store_.end()) continue;
    --coming_;
    if (--n->second == 0) coming_of_store_.erase(n);
  }
}

std::optional<account_id> application_book::member_of(account_id card) const {
  auto it = open_.find(card);
  return it == open_.end() ? std::nullopt : std::optional(it->second.member);
}

std::vector<application_book::place> application_book::list() const {
  std::vector<place> out;
  for (const auto& [card, h] : open_)
    out.push_back({card, h.member, h.store, h.since});
  std::ranges::sort(
      out, [](const auto& a, const auto& b) { return std::pair(a.since, a.card) < std::pair(b.since, b.card); });
  return out;
}

}  // namespace tally
