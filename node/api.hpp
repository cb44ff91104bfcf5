#pragma once
#include "actors/facade.hpp"
#include "node/http_types.hpp"
#include "node/identity.hpp"
#include "node/json_write.hpp"
#include "node/metrics.hpp"
#include "node/ticket.hpp"
#include "node/tills.hpp"

namespace tally {

/// Carries out a call of the administration. `respond` may be called from any thread, once.
using admin_hook = std::function<void(std::string method, std::string path, std::string body,
                                      std::function<void(int code, std::string json)> respond)>;

/// What the handlers of a node's HTTP interface work with. Everything referred to outlives the server;
/// `random` must be thread-safe.
struct http_services {
  node_facade& node;
  const node_secret& secret;
  entropy& random;
  node_identity identity;
  std::string admin_token;  ///< content of the file admin.token; empty: no administration
  admin_hook admin;         ///< may be empty: 404 for what the interface does not know itself
  std::function<unix_seconds()> wall;
  std::function<tick_ms()> tick;
  bool open_network = false;  ///< the network page needs no pairing
  std::string demo_control;   ///< "http://127.0.0.1:8080", or empty
  std::int64_t exposure_days = 7;
};

/// Services and what the interface keeps of its own. Shared with callbacks under way. Thread-safe.
struct api_context {
  explicit api_context(http_services s)
      : services(std::move(s)), paired(services.node, services.identity.node, services.secret, services.random) {}

  http_services services;
  tills paired;
  node_metrics metrics;

  tills::moment now() const { return {services.wall(), services.tick()}; }
};
using api_ptr = std::shared_ptr<api_context>;

// -- answers ---------------------------------------------------------------------

/// `{"error":…,"message":…,"detail":…}` with the status of the code; `more` adds fields. A code that leaves it
/// open whether something was recorded adds `"retry":"same_counter"`. Counted in the metrics.
api_response refuse(api_context& api, const error& why, const std::function<void(json_writer&)>& more = {});
api_response answer(json_writer w);

// -- who calls -------------------------------------------------------------------

/// The token of "Bearer …"; empty for anything else.
std::string_view bearer_of(std::string_view authorization);
/// The terminal of a valid bearer token, or else of a valid cookie.
std::optional<std::uint32_t> terminal_of(const api_context& api, const api_request& r);
/// The bearer token is that of the file admin.token. Constant time.
bool is_admin(const api_context& api, std::string_view authorization);

// -- what is known ---------------------------------------------------------------

/// The rules in force today; before any is, an empty record with CNY and two decimals.
const rules_record& rules_now(const node_snapshot& s);
/// The next counter of a terminal, from the durable ledger.
std::uint64_t next_counter(const api_context& api, const writer_id& self, std::uint32_t terminal);
/// The mark that a till returns: how far the ledger is durable, `at_least` entries.
std::string seen_mark(const api_context& api, const node_snapshot& s, std::uint64_t at_least = 0);
/// Why card value is stopped, `full` when the disk is.
errc blocked_by(const node_snapshot& s);
std::optional<account_id> account_of_card(const api_context& api, std::string_view number);
/// Fields of the objects of the same name in docs/http-api.md, brackets included.
void write_link(json_writer& w, const node_snapshot& s);
void write_devices(json_writer& w, const device_states& d);
void write_blocked(json_writer& w, errc why);
/// Receipt JSON of a finished request, with `next_counter` and `seen`; `masked` replaces the account's form if
/// not empty. `text` receives the ticket's lines.
result<std::string> receipt_json(const api_context& api, const till_answer& a, std::string_view masked,
                                 std::vector<std::string>* text = nullptr);

// -- handlers, by path (docs/http-api.md) ------------------------------------------

void handle_pair(const api_ptr& api, const api_request& r, const call_ptr& call);
void handle_till(const api_ptr& api, std::uint32_t terminal, const call_ptr& call);
void handle_products(const api_ptr& api, const call_ptr& call);
void handle_lookup(const api_ptr& api, const api_request& r, const call_ptr& call);
void handle_top_up(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call);
void handle_sale(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call);
void handle_reversal(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call);
void handle_receipt(const api_ptr& api, std::uint32_t terminal, std::string_view id, const call_ptr& call);
void handle_print(const api_ptr& api, std::string_view id, const call_ptr& call);
void handle_network(const api_ptr& api, const call_ptr& call);
/// POST /api/v1/admin/pair `{"terminal":201}` (terminal optional) and GET /api/v1/admin/tills; everything else
/// goes to the hook. REQUIRES: is_admin.
void handle_admin(const api_ptr& api, const api_request& r, const call_ptr& call);

}  // namespace tally
