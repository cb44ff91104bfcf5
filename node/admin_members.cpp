// Members, for `tallystick member`: see node/admin.hpp.
#include "ledger/state.hpp"
#include "node/admin_internal.hpp"
#include "node/member_json.hpp"
#include "node/reason.hpp"
#include "storage/kv_state.hpp"

namespace tally::admin {
namespace {

/// Accounts of cards that are named by their digests.
result<std::vector<account_id>> accounts_in(const call& c, const char* name) {
  std::vector<account_id> out;
  auto list = c.in.find(name);
  if (list == c.in.end()) return out;
  if (!list->is_array() || list->size() > member_cards_max)
    return error{errc::malformed, std::string(name) + " is a list of at most " + std::to_string(member_cards_max)};
  durable_state st(c.node.store());
  for (const auto& m : *list) {
    std::array<std::uint8_t, 16> digest{};
    if (!m.is_string() || !from_hex(m.get<std::string>(), digest))
      return error{errc::malformed, "a medium is 32 hexadecimal digits"};
    auto account = account_of(st, bytes(view_of(digest)));
    if (!account) return error{errc::unknown_card, "there is no card with this number"};
    out.push_back(*account);
  }
  return out;
}

/// Cards that a member is given: one that is over for good leads nowhere.
result<std::vector<account_id>> live_accounts_in(const call& c, const char* name) {
  auto out = accounts_in(c, name);
  if (!out) return out;
  durable_state st(c.node.store());
  for (auto account : *out)
    if (auto card = card_of(st, account); card && is_final(card->status))
      return error{errc::not_allowed, "this card's number is " + standing_text(card->status) +
                                          ": if it was replaced, name the card by its new number"};
  return out;
}

result<member_change> change_in(const call& c) {
  auto text = c.in.dump(-1, ' ', false, json::error_handler_t::replace);
  auto object = parse_json(text);
  return object ? change_from_json(*object) : result<member_change>(object.error());
}

std::optional<account_id> member_in(const call& c, const char* name) {
  auto n = number_in(c.in, name, 1, INT64_MAX);
  if (!n) return std::nullopt;
  return account_id{static_cast<std::uint64_t>(*n)};
}

member_service* service(const call& c) {
  if (!c.context.members) c.refuse({errc::not_allowed, "this node keeps no members"});
  return c.context.members;
}

/// Answers with the member, or the refusal. May outlive the call's views.
member_service::answer<member_view> shown(const call& c) {
  return [respond = c.respond](const result<member_view>& r) {
    r ? respond(200, member_text(*r)) : respond(http_status(r.code()), error_json(r.error()));
  };
}

std::vector<account_id> with_cards(std::vector<account_id> cards, const std::vector<account_id>& more,
                                   const std::vector<account_id>& fewer) {
  cards.insert(cards.end(), more.begin(), more.end());
  std::ranges::sort(cards);
  cards.erase(std::ranges::unique(cards).begin(), cards.end());
  std::erase_if(cards, [&](account_id a) { return std::ranges::find(fewer, a) != fewer.end(); });
  return cards;
}

}  // namespace

void add_member(call c) {
  auto* members = service(c);
  if (!members) return;
  auto change = change_in(c);
  auto cards = live_accounts_in(c, "add_cards");
  if (!change) return c.refuse(change.error());
  if (!cards) return c.refuse(cards.error());
  change->cards = with_cards({}, *cards, {});
  members->add(std::move(*change), shown(c));
}

void edit_member(call c) {
  auto* members = service(c);
  if (!members) return;
  auto member = member_in(c, "member");
  auto change = change_in(c);
  auto more = live_accounts_in(c, "add_cards"), fewer = accounts_in(c, "remove_cards");
  if (!member) return c.refuse({errc::malformed, "member is its number"});
  if (!change) return c.refuse(change.error());
  if (!more || !fewer) return c.refuse(more ? fewer.error() : more.error());
  if (more->empty() && fewer->empty()) return members->edit(*member, std::nullopt, std::move(*change), 0, shown(c));
  // The list of cards is changed as it is now; if it changes meanwhile, the caller looks again.
  members->show(*member, [members, member = *member, change = std::move(*change), more = *more, fewer = *fewer,
                          told = shown(c)](const result<member_view>& now) mutable {
    if (!now) return told(now.error());
    change.cards = with_cards(now->profile.cards, more, fewer);
    members->edit(member, now->version, std::move(change), 0, told);
  });
}

void show_member(call c) {
  auto* members = service(c);
  if (!members) return;
  if (auto member = member_in(c, "member")) return members->show(*member, shown(c));
  auto card = accounts_in(c, "cards");
  if (!card) return c.refuse(card.error());
  if (card->size() != 1) return c.refuse({errc::malformed, "a member's number, or a card"});
  members->of_card(card->front(), [told = shown(c)](const result<std::optional<member_view>>& r) {
    if (!r) return told(r.error());
    *r ? told(**r) : told(error{errc::not_found, "this card has no member"});
  });
}

void find_members(call c) {
  auto* members = service(c);
  if (!members) return;
  auto query = text_in(c.in, "query", 400);
  if (!query) return c.refuse(query.error());
  members->find(*query, [respond = c.respond](const result<member_list>& r) {
    r ? respond(200, member_list_text(*r)) : respond(http_status(r.code()), error_json(r.error()));
  });
}

void merge_members(call c) {
  auto* members = service(c);
  auto into = member_in(c, "into"), from = member_in(c, "from");
  if (!members) return;
  if (!into || !from) return c.refuse({errc::malformed, "into and from are members' numbers"});
  members->merge(*into, *from, shown(c));
}

void erase_member(call c) {
  auto* members = service(c);
  auto member = member_in(c, "member");
  if (!members) return;
  if (!member) return c.refuse({errc::malformed, "member is its number"});
  members->erase(*member, [respond = c.respond](const result<erased_members>& r) {
    if (!r) return respond(http_status(r.code()), error_json(r.error()));
    json list = json::array();
    for (auto m : r->members)
      list.push_back(m.value);
    respond(200, json{{"erased", list}, {"leases_until", r->leases_until}}.dump());
  });
}

void show_applications(const call& c) {
  auto* members = service(c);
  if (!members) return;
  members->applications([respond = c.respond](const result<application_list>& r) {
    r ? respond(200, application_list_text(*r)) : respond(http_status(r.code()), error_json(r.error()));
  });
}

void answer_application(const call& c) {
  auto* members = service(c);
  if (!members) return;
  auto account = member_in(c, "account");
  if (!account) return c.refuse({errc::malformed, "account is the card's"});
  if (c.in.contains("medium") == c.in.contains("reason"))
    return c.refuse({errc::malformed, "a medium when it is made, or a reason when it is refused"});
  application_answer a;
  a.card = *account;
  if (c.in.contains("reason")) {
    auto reason = text_in(c.in, "reason", application_reason_max);
    if (!reason) return c.refuse(reason.error());
    if (!is_reason(*reason)) return c.refuse({errc::malformed, "a refusal has a reason, which the member may read"});
    a.reason = std::move(*reason);
  } else {
    auto text = text_in(c.in, "medium", 32);
    std::array<std::uint8_t, 16> digest{};
    if (!text || !from_hex(*text, digest)) return c.refuse({errc::malformed, "a medium is 32 hexadecimal digits"});
    a.medium = bytes(view_of(digest));
  }
  if (auto alone = alone_with(c, a.card)) members->answer_application(std::move(a), shown(*alone));
}

void member_duplicates(call c) {
  auto* members = service(c);
  if (!members) return;
  members->duplicates([respond = c.respond](const result<std::vector<std::vector<member_view>>>& r) {
    if (!r) return respond(http_status(r.code()), error_json(r.error()));
    std::string out = "{\"groups\":[";
    for (const auto& group : *r) {
      if (out.back() == ']' || out.back() == '}') out += ',';
      member_list l{group, false};
      out += member_list_text(l);
    }
    respond(200, out + "]}");
  });
}

}  // namespace tally::admin
