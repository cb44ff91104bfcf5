// Members at the till (docs/http-api.md).
#include "node/http_router.hpp"
#include "node/json_read.hpp"
#include "node/member_json.hpp"

namespace tally {
namespace {

/// Hands an answer over to the call's own thread.
template <class T, class Write>
std::function<void(result<T>)> answer_with(const api_ptr& api, const call_ptr& call, Write write) {
  return [api, call, write](result<T> r) {
    call->later([api, call, write, r = std::move(r)] {
      if (!r) return call->finish(refuse(*api, r.error()));
      call->finish({.status = 200, .body = write(*r)});
    });
  };
}

member_service* members_of(const api_ptr& api, const call_ptr& call) {
  if (!api->services.members) call->finish(refuse(*api, {errc::not_allowed, "this node keeps no members"}));
  return api->services.members;
}

/// The card that a body names, and nothing else of it.
result<known_card> card_named(const api_context& api, const api_request& r) {
  auto body = parse_json(r.body);
  if (!body) return body.error();
  json_fields f(*body);
  auto number = f.text("card", card_text_max);
  if (!f.ok()) return f.problem();
  return find_card(api, number);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (i + 2 >= text.size() || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0) return std::nullopt;
    out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
    i += 2;
  }
  return out;
}

std::optional<std::string> asked_for(std::string_view query) {
  constexpr std::string_view name = "query=";
  while (!query.empty()) {
    auto one = query.substr(0, query.find('&'));
    if (one.starts_with(name)) return percent_decoded(one.substr(name.size()));
    query.remove_prefix(std::min(query.size(), one.size() + 1));
  }
  return std::nullopt;
}

std::optional<account_id> number_of(std::string_view text) {
  std::uint64_t n = 0;
  for (char c : text) {
    if (c < '0' || c > '9' || n > UINT64_MAX / 100) return std::nullopt;
    n = n * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (n == 0) return std::nullopt;
  return account_id{n};
}

}  // namespace

void handle_find_members(const api_ptr& api, const api_request& r, const call_ptr& call) {
  auto* members = members_of(api, call);
  if (!members) return;
  auto query = asked_for(r.query);
  if (!query) return call->finish(refuse(*api, {errc::malformed, "query is what to look for, in percent encoding"}));
  members->find(*query, answer_with<member_list>(api, call, member_list_text));
}

void handle_member_of_card(const api_ptr& api, const api_request& r, const call_ptr& call) {
  auto* members = members_of(api, call);
  if (!members) return;
  auto card = card_named(*api, r);
  if (!card) return call->finish(refuse(*api, card.error()));
  members->of_card(card->account, answer_with<std::optional<member_view>>(api, call, [](const auto& v) {
                     return v ? "{\"member\":" + member_text(*v) + "}" : std::string("{\"member\":null}");
                   }));
}

void handle_card_application(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call) {
  auto* members = members_of(api, call);
  if (!members) return;
  auto card = card_named(*api, r);
  if (!card) return call->finish(refuse(*api, card.error()));
  members->apply(card->account, card->masked, terminal, answer_with<applied_card>(api, call, applied_text));
}

void handle_add_member(const api_ptr& api, std::uint32_t, const api_request& r, const call_ptr& call) {
  auto* members = members_of(api, call);
  if (!members) return;
  auto body = parse_json(r.body);
  if (!body) return call->finish(refuse(*api, body.error()));
  json_fields f(*body);
  auto number = f.text("card", card_text_max);
  if (!f.ok()) return call->finish(refuse(*api, f.problem()));
  auto change = change_from_json(*body);
  if (!change) return call->finish(refuse(*api, change.error()));
  auto card = find_card(*api, number);
  if (!card) return call->finish(refuse(*api, card.error()));
  change->cards = {card->account};
  members->add(std::move(*change), answer_with<member_view>(api, call, member_text));
}

void route_member(const api_ptr& api, std::uint32_t terminal, std::string_view rest, const api_request& r,
                  const call_ptr& call) {
  if (r.method != "GET" && r.method != "HEAD" && r.method != "POST")
    return call->finish(wrong_method(*api, "GET, HEAD, POST"));
  auto* members = members_of(api, call);
  if (!members) return;
  auto member = number_of(rest);
  if (!member) return call->finish(refuse(*api, {errc::not_found, "no such member"}));
  auto told = answer_with<member_view>(api, call, member_text);
  if (r.method == "GET" || r.method == "HEAD") return members->show(*member, std::move(told));
  auto body = parse_json(r.body);
  if (!body) return call->finish(refuse(*api, body.error()));
  json_fields f(*body);
  auto version = f.maybe_integer("version", 0, INT64_MAX);
  if (!f.ok()) return call->finish(refuse(*api, f.problem()));
  auto change = change_from_json(*body);
  if (!change) return call->finish(refuse(*api, change.error()));
  auto looked_at = version ? std::optional(static_cast<std::uint64_t>(*version)) : std::nullopt;
  members->edit(*member, looked_at, std::move(*change), terminal, std::move(told));
}

}  // namespace tally
