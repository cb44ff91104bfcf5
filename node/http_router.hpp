#pragma once
#include "node/api.hpp"

namespace tally {

/// Sends a request to its handler, after asking who calls. `GET /api/v1/events` and pages are the server's own.
void route(const api_ptr& api, const api_request& r, const call_ptr& call);

/// 401 of a till's call, or with another text; how to log on is in WWW-Authenticate (RFC 9110 section 15.5.2).
api_response unauthorised(api_context& api, std::string text = "pair this till first: POST /api/v1/pair");

/// 405 with the methods that an address takes.
api_response wrong_method(api_context& api, std::string_view allowed);

constexpr std::string_view events_path = "/api/v1/events";
constexpr std::string_view admin_prefix = "/api/v1/admin/";

/// A call as the OpenAPI document names it: "GET", "/api/v1/receipts/{id}".
struct http_call_name {
  std::string_view method, path;
  auto operator<=>(const http_call_name&) const = default;
};
/// Every call of the interface that is for others: all but the command line's own below `admin_prefix`.
std::vector<http_call_name> http_calls();

}  // namespace tally
