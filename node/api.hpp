#pragma once
#include <atomic>
#include <mutex>

#include "actors/facade.hpp"
#include "node/http_types.hpp"
#include "node/identity.hpp"
#include "node/json_write.hpp"
#include "node/metrics.hpp"
#include "node/ticket.hpp"
#include "node/tills.hpp"
#include "sync/members.hpp"
#include "sync/receipt_code.hpp"

namespace tally {

class live_mirror;
class pin_desk;

/// Carries out a call of the administration. `respond` may be called from any thread, once.
using admin_hook = std::function<void(std::string method, std::string path, std::string body,
                                      std::function<void(int code, std::string json)> respond)>;

/// A refusal of the interface itself, of which the ledger knows nothing: stable name, plain sentence, HTTP status.
struct api_problem {
  std::string_view name, text;
  int status;
};
namespace problem {
inline constexpr api_problem no_display{"no_display", "No customer display is configured at this node.", 409};
inline constexpr api_problem no_printer{"no_printer", "No printer is configured at this node.", 409};
inline constexpr api_problem no_drawer{
    "no_drawer", "This node has no cash drawer that it can open: drawers hang on a printer that is no queue of CUPS.",
    409};
inline constexpr api_problem printer_offline{
    "printer_offline", "The printer does not answer, so the drawer that hangs on it may not have opened.", 503};
inline constexpr api_problem too_many_codes{
    "too_many_codes", "Ten pairing codes are open. Use one of them, or wait until they expire.", 409};
inline constexpr api_problem too_many_tills{
    "too_many_tills", "All 63 tills of this node are paired. Pair one of them again by its number.", 409};
inline constexpr api_problem too_many_streams{
    "too_many_streams", "Too many event streams are open at this node. Try again in a moment.", 429};
inline constexpr api_problem stores_only{
    "stores_only", "Only stores have tills. What this node knows of the chain is on its page /network.", 409};
inline constexpr api_problem wrong_method{"wrong_method", "This address does not take that method.", 405};
inline constexpr api_problem wrong_host{
    "wrong_host", "This node is not known by that name. Names of its own are listed in http.names.", 403};
inline constexpr api_problem wrong_origin{"wrong_origin", "A page of another site may not call this node.", 403};
inline constexpr api_problem wrong_type{"wrong_type", "The body must be application/json.", 415};
}  // namespace problem

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
  /// Takes what somebody may have tried, and what failed, for the log that fits the code; may be empty. Any thread.
  std::function<void(errc, const std::string&)> security{};
  receipt_layout layout{};
  bool printer_configured = false;
  /// Head office's signing key as its certificate in the store says; nothing before there is one.
  std::function<std::optional<public_key>()> head_office_key{};
  /// The code that proves a durable receipt of this node's current epoch; empty for another. May be empty: no codes.
  std::function<std::string(const writer_id&, sequence)> prove_receipt{};
  /// Checks a receipt's code against what this node holds; may be empty. Any thread.
  std::function<result<receipt_report>(std::string_view code)> check_receipt{};
  member_service* members = nullptr;    ///< null: this node keeps none
  const live_mirror* mirror = nullptr;  ///< null: there is none
  pin_desk* pins = nullptr;             ///< null: PINs are judged nowhere here
};

/// Services and what the interface keeps of its own. Shared with callbacks under way. Thread-safe.
struct api_context {
  explicit api_context(http_services s)
      : services(std::move(s)), paired(services.node, services.identity.node, services.secret, services.random) {
    paired.on_lock_out([this](const std::string& text) { suspect(errc::bad_token, text); });
  }

  http_services services;
  tills paired;
  node_metrics metrics;
  std::atomic<errc> last_alarm{errc::ok};  ///< since the start

  /// A line for the security log. Callers can cause these, so at most `suspicions_max` are written in a minute; how
  /// many more there were is said with the next one. Any thread.
  void suspect(errc code, const std::string& text);
  /// Tickets for the printer. What cannot be printed is logged, and told as the event `print`: `refused`.
  void print(const std::string& receipt, result<std::vector<bytes>> tickets);
  static constexpr int suspicions_max = 30;

  tills::moment now() const { return {services.wall(), services.tick()}; }

private:
  std::mutex suspicions_mutex_;
  tick_ms suspicions_since_ = 0;
  int suspicions_ = 0;
};
using api_ptr = std::shared_ptr<api_context>;

// -- answers ---------------------------------------------------------------------

/// `{"error":…,"message":…,"detail":…}` with the status of the code; `more` adds fields. A code that leaves it
/// open whether something was recorded adds `"retry":"same_counter"`. Counted in the metrics.
api_response refuse(api_context& api, const error& why, const std::function<void(json_writer&)>& more = {});
/// The same for a refusal that is the interface's own.
api_response refuse(api_context& api, const api_problem& what, std::string_view detail = {});
/// A refusal of a call that moves money: with the terminal's `next_counter` and `seen`, like every answer to one.
api_response refuse_money(api_context& api, std::uint32_t terminal, const error& why,
                          const std::function<void(json_writer&)>& more = {});
api_response answer(json_writer w);

// -- who calls -------------------------------------------------------------------

/// The token of "Bearer …" (the scheme in any case); empty for anything else.
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
/// A card as it was read or typed: its number, "uid:…" of a chip, or the text of its signed QR code.
struct known_card {
  account_id account;
  std::string masked;
  bool genuine = false;   ///< head office's signature says so; the card need not be known here
  bytes once = {};        ///< digest of a one-time number; empty for others
  code_face bearer = {};  ///< what the code of a voucher promises
};
constexpr std::size_t card_text_max = 160;
/// Errors: `unknown_card`; `bad_signature` for a QR code that is forged or of another chain.
result<known_card> find_card(const api_context& api, std::string_view card);
/// What may be shown of a card that was read.
std::string masked_card(std::string_view card);
/// Units that the code of a voucher still promises here, as far as they can be had: without a line what lies here, and
/// what this store may take at risk. 0 for a card.
amount promised_by(const node_snapshot& s, const state& st, const known_card& c);
/// Fields of the objects of the same name in docs/http-api.md, brackets included.
void write_link(json_writer& w, const node_snapshot& s);
void write_devices(json_writer& w, const device_states& d);
void write_blocked(json_writer& w, errc why);
/// Field `purses`: what lies here of each purse of the programme beside the paid one, and elsewhere as last told.
void write_purses(json_writer& w, const node_snapshot& s, const state& st, account_id account,
                  const std::optional<elsewhere_hint>& hint, const unit_use& promised);
/// Field `name` with the languages that the text has.
void write_names(json_writer& w, const localized& n);
/// Receipt JSON of a finished request, with `next_counter` and `seen`; `masked` replaces the account's form if not
/// empty. `tickets` receives what is to be printed, or why it cannot be: with the card's balance, which only the first
/// answer of an entry has.
/// `asked`: of a sale that may be approved in part, what the card was to pay: the rest of it is field `remainder`.
result<std::string> receipt_json(const api_context& api, const till_answer& a, std::string_view masked,
                                 result<std::vector<bytes>>* tickets = nullptr, std::optional<amount> asked = {});

/// Remembers the last four digits of a card that was presented, for receipts that are asked for later. One small
/// record for each account, the newest card of it; durable soon after, never before the entry that follows.
void remember_card(const api_context& api, account_id account, std::string_view masked);
/// "**** 3931", or empty when no card of that account was presented here.
std::string remembered_card(const api_context& api, account_id account);

// -- handlers, by path (docs/http-api.md) ------------------------------------------

void handle_pair(const api_ptr& api, const api_request& r, const call_ptr& call);
void handle_till(const api_ptr& api, std::uint32_t terminal, const call_ptr& call);
void handle_products(const api_ptr& api, const call_ptr& call);
/// The programme that is in force: purses, packages, levels, kinds of card, discounts.
void handle_programme(const api_ptr& api, const call_ptr& call);
/// A basket with all that the rules take off and give, decided by nobody: what a till shows before it asks.
void handle_quote(const api_ptr& api, const api_request& r, const call_ptr& call);
void handle_lookup(const api_ptr& api, const api_request& r, const call_ptr& call);
void handle_top_up(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call);
void handle_sale(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call);
void handle_reversal(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call);
void handle_refund(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call);
/// A customer reports a card lost, or wants it frozen.
void handle_card_report(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call);
/// A PIN is chosen, or changed.
void handle_card_pin(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call);
/// A one-time code is sent to the telephone of a card's member.
void handle_card_code(const api_ptr& api, const api_request& r, const call_ptr& call);
/// Field `pin` of a card.
void write_pin(json_writer& w, const node_snapshot& s, const state& st, account_id account,
               const std::optional<card_record>& card);
/// A card of a run that lies here is sold.
void handle_card_sale(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call);
/// A card comes back for good.
void handle_card_return(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call);
void handle_authorisation(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call);
void handle_capture(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call);
void handle_void(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call);
void handle_gift(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call);
/// Units of a card given or taken by hand.
void handle_adjustment(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call);
void handle_stock(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call);
void handle_shelf(const api_ptr& api, const call_ptr& call);
/// What the units of a card that lie here buy by the piece, and how many of each are left on the shelf.
void write_gifts(json_writer& w, const node_snapshot& s, const state& st, account_id account, std::uint32_t card_kind);
void handle_receipt(const api_ptr& api, std::uint32_t terminal, std::string_view id, const call_ptr& call);
/// After an approved request: opens the drawer when cash was taken or given, shows the sum on the customer's display.
void tell_counter(const api_context& api, const till_answer& a);
/// Prints the newest receipts that a crash kept from the spool. Waits up to 5 s for the printer's actor.
void print_unprinted(const api_ptr& api);
void handle_drawer(const api_ptr& api, const call_ptr& call);
void handle_display(const api_ptr& api, const api_request& r, const call_ptr& call);
void handle_print(const api_ptr& api, std::string_view id, const call_ptr& call);
/// A business date in sums: `rest` is `{date}/{till}`, or with `/print` behind it. Date: "2026-11-26" or "today"; till:
/// a number or "all".
void handle_report(const api_ptr& api, std::string_view rest, const call_ptr& call);
/// The code that proves a receipt, as modules to draw.
void handle_receipt_code(const api_ptr& api, std::string_view id, const call_ptr& call);
void handle_check_receipt(const api_ptr& api, const api_request& r, const call_ptr& call);
/// Fields of a check in docs/http-api.md, without brackets.
void write_check(json_writer& w, const receipt_report& r);
void handle_find_members(const api_ptr& api, const api_request& r, const call_ptr& call);
void handle_member_of_card(const api_ptr& api, const api_request& r, const call_ptr& call);
/// A member asks for a card of plastic.
void handle_card_application(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call);
void handle_add_member(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call);
/// GET and POST of /api/v1/members/{id}.
void route_member(const api_ptr& api, std::uint32_t terminal, std::string_view rest, const api_request& r,
                  const call_ptr& call);
void handle_network(const api_ptr& api, const call_ptr& call);
void handle_cases(const api_ptr& api, const call_ptr& call);
/// POST /api/v1/admin/pair `{"terminal":201}` (terminal optional), GET /api/v1/admin/tills, and
/// POST /api/v1/admin/report `{"date":"today","till":"all","print":0}`; everything else goes to the
/// hook. REQUIRES: is_admin.
void handle_admin(const api_ptr& api, const api_request& r, const call_ptr& call);

}  // namespace tally
