#include "node/http_router.hpp"

#include "node/openapi.hpp"

namespace tally {
namespace {

enum class access : std::uint8_t { anyone, till, network, figures };

struct row {
  std::string_view method, path;
  access who;
  void (*run)(const api_ptr&, std::uint32_t terminal, const api_request&, const call_ptr&);
};

void health(const api_ptr& api, std::uint32_t, const api_request&, const call_ptr& call) {
  const auto& id = api->services.identity;
  json_writer w;
  w.open('{');
  w.field("ok", true);
  w.field("node", id.node.value);
  w.field("role", role_name(id.role));
  w.close('}');
  call->finish(answer(std::move(w)));
}

void metrics(const api_ptr& api, std::uint32_t, const api_request&, const call_ptr& call) {
  auto s = api->services.node.snapshot();
  auto recomputed = api->services.node.reexecuted();
  auto owing = cards_owing(api->services.node.store(), s->self, 0);
  call->finish({.status = 200,
                .body = api->metrics.text(*s, api->services.identity.name, recomputed.get(), owing ? &*owing : nullptr,
                                          api->services.mirror),
                .content_type = "text/plain; version=0.0.4; charset=utf-8"});
}

void document(const api_ptr&, std::uint32_t, const api_request&, const call_ptr& call) {
  call->finish({.status = 200, .body = {}, .shared_body = &openapi_document()});
}

using request = const api_request&;
using call = const call_ptr&;

constexpr std::string_view check_path = "/api/v1/receipts/check", members_path = "/api/v1/members";

// The rows of docs/http-api.md; the most frequent one first.
constexpr row rows[] = {
    {"POST", "/api/v1/sales", access::till,
     [](const api_ptr& a, std::uint32_t t, request r, call c) { handle_sale(a, t, r, c); }},
    {"POST", "/api/v1/topups", access::till,
     [](const api_ptr& a, std::uint32_t t, request r, call c) { handle_top_up(a, t, r, c); }},
    {"POST", "/api/v1/reversals", access::till,
     [](const api_ptr& a, std::uint32_t t, request r, call c) { handle_reversal(a, t, r, c); }},
    {"POST", "/api/v1/refunds", access::till,
     [](const api_ptr& a, std::uint32_t t, request r, call c) { handle_refund(a, t, r, c); }},
    {"POST", "/api/v1/cards/reports", access::till,
     [](const api_ptr& a, std::uint32_t t, request r, call c) { handle_card_report(a, t, r, c); }},
    {"POST", "/api/v1/cards/pin", access::till,
     [](const api_ptr& a, std::uint32_t t, request r, call c) { handle_card_pin(a, t, r, c); }},
    {"POST", "/api/v1/cards/code", access::till,
     [](const api_ptr& a, std::uint32_t, request r, call c) { handle_card_code(a, r, c); }},
    {"POST", "/api/v1/cards/sales", access::till,
     [](const api_ptr& a, std::uint32_t t, request r, call c) { handle_card_sale(a, t, r, c); }},
    {"POST", "/api/v1/cards/returns", access::till,
     [](const api_ptr& a, std::uint32_t t, request r, call c) { handle_card_return(a, t, r, c); }},
    {"POST", "/api/v1/transfers", access::till,
     [](const api_ptr& a, std::uint32_t t, request r, call c) { handle_gift(a, t, r, c); }},
    {"POST", "/api/v1/adjustments", access::till,
     [](const api_ptr& a, std::uint32_t t, request r, call c) { handle_adjustment(a, t, r, c); }},
    {"POST", "/api/v1/stock", access::till,
     [](const api_ptr& a, std::uint32_t t, request r, call c) { handle_stock(a, t, r, c); }},
    {"GET", "/api/v1/stock", access::till,
     [](const api_ptr& a, std::uint32_t, request, call c) { handle_shelf(a, c); }},
    {"POST", "/api/v1/authorisations", access::till,
     [](const api_ptr& a, std::uint32_t t, request r, call c) { handle_authorisation(a, t, r, c); }},
    {"POST", "/api/v1/captures", access::till,
     [](const api_ptr& a, std::uint32_t t, request r, call c) { handle_capture(a, t, r, c); }},
    {"POST", "/api/v1/voids", access::till,
     [](const api_ptr& a, std::uint32_t t, request r, call c) { handle_void(a, t, r, c); }},
    {"POST", "/api/v1/cards/lookup", access::till,
     [](const api_ptr& a, std::uint32_t, request r, call c) { handle_lookup(a, r, c); }},
    {"GET", "/api/v1/till", access::till,
     [](const api_ptr& a, std::uint32_t t, request, call c) { handle_till(a, t, c); }},
    {"GET", members_path, access::till,
     [](const api_ptr& a, std::uint32_t, request r, call c) { handle_find_members(a, r, c); }},
    {"POST", members_path, access::till,
     [](const api_ptr& a, std::uint32_t t, request r, call c) { handle_add_member(a, t, r, c); }},
    {"POST", "/api/v1/cards/member", access::till,
     [](const api_ptr& a, std::uint32_t, request r, call c) { handle_member_of_card(a, r, c); }},
    {"POST", "/api/v1/cards/applications", access::till,
     [](const api_ptr& a, std::uint32_t t, request r, call c) { handle_card_application(a, t, r, c); }},
    {"GET", "/api/v1/products", access::till,
     [](const api_ptr& a, std::uint32_t, request, call c) { handle_products(a, c); }},
    {"GET", "/api/v1/programme", access::till,
     [](const api_ptr& a, std::uint32_t, request, call c) { handle_programme(a, c); }},
    {"POST", "/api/v1/quotes", access::till,
     [](const api_ptr& a, std::uint32_t, request r, call c) { handle_quote(a, r, c); }},
    {"POST", "/api/v1/drawer", access::till,
     [](const api_ptr& a, std::uint32_t, request, call c) { handle_drawer(a, c); }},
    {"POST", "/api/v1/display", access::till,
     [](const api_ptr& a, std::uint32_t, request r, call c) { handle_display(a, r, c); }},
    {"GET", "/api/v1/network", access::network,
     [](const api_ptr& a, std::uint32_t, request, call c) { handle_network(a, c); }},
    {"GET", "/api/v1/cases", access::network,
     [](const api_ptr& a, std::uint32_t, request, call c) { handle_cases(a, c); }},
    {"POST", check_path, access::network,
     [](const api_ptr& a, std::uint32_t, request r, call c) { handle_check_receipt(a, r, c); }},
    {"POST", "/api/v1/pair", access::anyone,
     [](const api_ptr& a, std::uint32_t, request r, call c) { handle_pair(a, r, c); }},
    {"GET", "/healthz", access::anyone, health},
    {"GET", "/metrics", access::figures, metrics},
    {"GET", "/api/v1/openapi.json", access::anyone, document},
};

/// Calls that have no row: their path holds an id, or another part of the server takes them.
constexpr http_call_name others[] = {
    {"GET", events_path},
    {"GET", "/api/v1/receipts/{id}"},
    {"GET", "/api/v1/receipts/{id}/code"},
    {"POST", "/api/v1/receipts/{id}/print"},
    {"GET", "/api/v1/reports/{date}/{till}"},
    {"POST", "/api/v1/reports/{date}/{till}/print"},
    {"GET", "/api/v1/members/{id}"},
    {"POST", "/api/v1/members/{id}"},
    {"POST", "/api/v1/admin/pair"},
    {"GET", "/api/v1/admin/tills"},
};

/// Who may see it without being a till: figures of money are for people of the house.
bool open_for(const api_context& api, access who, const api_request& r) {
  switch (who) {
    case access::anyone: return true;
    case access::till: return false;
    case access::network: return api.services.open_network || is_admin(api, r.authorization);
    case access::figures: return r.loopback || is_admin(api, r.authorization);
  }
  return false;
}

constexpr std::string_view get = "GET, HEAD";

/// /api/v1/receipts/{id}, /api/v1/receipts/{id}/print and /api/v1/receipts/{id}/code.
void route_receipt(const api_ptr& api, std::string_view rest, const api_request& r, const call_ptr& c) {
  auto terminal = terminal_of(*api, r);
  if (!terminal) return c->finish(unauthorised(*api));
  constexpr std::string_view print = "/print";
  if (rest.ends_with(print)) {
    if (r.method != "POST") return c->finish(wrong_method(*api, "POST"));
    return handle_print(api, rest.substr(0, rest.size() - print.size()), c);
  }
  if (r.method != "GET" && r.method != "HEAD") return c->finish(wrong_method(*api, get));
  constexpr std::string_view code = "/code";
  if (rest.ends_with(code)) return handle_receipt_code(api, rest.substr(0, rest.size() - code.size()), c);
  handle_receipt(api, *terminal, rest, c);
}

/// /api/v1/reports/{date}/{till} and /api/v1/reports/{date}/{till}/print.
void route_report(const api_ptr& api, std::string_view rest, const api_request& r, const call_ptr& c) {
  if (!terminal_of(*api, r)) return c->finish(unauthorised(*api));
  const bool print = rest.ends_with("/print");
  if (print && r.method != "POST") return c->finish(wrong_method(*api, "POST"));
  if (!print && r.method != "GET" && r.method != "HEAD") return c->finish(wrong_method(*api, get));
  handle_report(api, rest, c);
}

}  // namespace

std::vector<http_call_name> http_calls() {
  std::vector<http_call_name> out(std::begin(others), std::end(others));
  for (const auto& row : rows)
    out.push_back({row.method, row.path});
  return out;
}

api_response unauthorised(api_context& api, std::string text) {
  auto out = refuse(api, {errc::not_allowed, std::move(text)});
  out.status = 401;
  out.headers = "WWW-Authenticate: Bearer\r\n";
  return out;
}

api_response wrong_method(api_context& api, std::string_view allowed) {
  auto out = refuse(api, problem::wrong_method, "this address takes " + std::string(allowed));
  out.headers = "Allow: " + std::string(allowed) + "\r\n";
  return out;
}

void route(const api_ptr& api, const api_request& r, const call_ptr& c) {
  constexpr std::string_view receipts = "/api/v1/receipts/";
  if (r.path.starts_with(receipts) && r.path != check_path)
    return route_receipt(api, r.path.substr(receipts.size()), r, c);
  constexpr std::string_view reports = "/api/v1/reports/";
  if (r.path.starts_with(reports)) return route_report(api, r.path.substr(reports.size()), r, c);
  constexpr std::string_view members = "/api/v1/members/";
  if (r.path.starts_with(members)) {
    auto terminal = terminal_of(*api, r);
    if (!terminal) return c->finish(unauthorised(*api));
    return route_member(api, *terminal, r.path.substr(members.size()), r, c);
  }
  if (r.path.starts_with(admin_prefix)) {
    if (is_admin(*api, r.authorization)) return handle_admin(api, r, c);
    api->suspect(errc::not_allowed, "a call of the administration with a wrong or no token, from " +
                                        (r.remote.empty() ? std::string("?") : std::string(r.remote)));
    return c->finish(unauthorised(*api, "the administration's token is needed"));
  }
  std::string allowed;
  for (const auto& row : rows) {
    if (row.path != r.path) continue;
    if (row.method != r.method && !(row.method == "GET" && r.method == "HEAD")) {
      allowed += (allowed.empty() ? "" : ", ") + std::string(row.method == "GET" ? get : row.method);
      continue;
    }
    std::uint32_t terminal = 0;
    if (!open_for(*api, row.who, r)) {
      auto known = terminal_of(*api, r);
      if (!known) return c->finish(unauthorised(*api));
      terminal = *known;
    }
    return row.run(api, terminal, r, c);
  }
  if (!allowed.empty()) return c->finish(wrong_method(*api, allowed));
  c->finish(refuse(*api, {errc::not_found, "no such address"}));
}

}  // namespace tally
