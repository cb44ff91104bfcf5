#pragma once
#include "node/api.hpp"
#include "node/api_lines.hpp"
#include "node/json_read.hpp"

namespace tally {

// What the handlers of calls that move money share.

/// A request that moves money, read and understood.
struct money_request {
  till_command command;
  std::string masked;  ///< of the number in the request
  std::string seen;
};

/// The lists of a request that sells, as they stand in its body.
struct basket_lists {
  const std::vector<json_value>*lines = nullptr, *tenders = nullptr, *uses = nullptr, *gifts = nullptr;
};
basket_lists basket_from(json_fields& f);
/// Into the command; or what is wrong with them.
std::optional<error> take_basket(const api_context& api, const basket_lists& b, sale_command& c);

/// Field `counter`, with the terminal.
till_key key_from(json_fields& f, std::uint32_t terminal);
/// The id of a receipt.
receipt_name receipt_from(json_fields& f, const char* field);
/// Why this node cannot take back, capture or void what has that name.
std::optional<error> not_own(const api_context& api, const receipt_name& name);
/// A number that pays one sale is good for nothing else that takes value from its card.
std::optional<error> not_once(const api_context& api, std::string_view number);
/// Asks the ledger and answers the call. A mark of this node beyond what its ledger holds: this is an old copy of the
/// data, and the ledger hears of that first.
void check_mark_then_execute(const api_ptr& api, money_request m, const call_ptr& call);

/// A PIN of a request's body, if there is one: digits.
std::optional<std::string> pin_from(json_fields& f, const char* name);
/// The answer to a PIN that was chosen: no receipt, and nothing of the PIN.
void send_stock(const api_ptr& api, std::uint32_t terminal, const till_answer& a, const call_ptr& call);
void send_pin(const api_ptr& api, std::uint32_t terminal, const till_answer& a, const std::string& masked,
              const call_ptr& call);
/// A one-time code of a request's body, if there is one: six digits.
std::optional<std::string> code_from(json_fields& f, const char* name);
/// What a customer typed for the card of a request.
struct typed_proofs {
  std::optional<std::string> pin, code;
  bool any() const { return pin || code; }
};
/// As `check_mark_then_execute`, with what PIN and code were found to be in the command.
void judge_then_execute(const api_ptr& api, money_request m, typed_proofs typed, const call_ptr& call);

/// Lines of a sale or a refund into the command.
template <class Command>
std::optional<error> take_lines(const api_context& api, const std::vector<json_value>& lines, Command& c) {
  auto read = read_lines(api, c.key, lines);
  c.lines = std::move(read.lines);
  return read.problem;
}

/// The account of an optional or required card.
template <class Command>
std::optional<error> take_card(const api_context& api, std::optional<std::string_view> number, Command& c,
                               std::string& masked) {
  if (!number) return std::nullopt;
  auto found = find_card(api, *number);
  if (!found) return found.error();
  c.account = found->account;
  if constexpr (requires { c.genuine; }) c.genuine = found->genuine;
  if constexpr (requires { c.once; }) c.once = found->once;
  if constexpr (requires { c.bearer; }) {
    c.bearer = found->bearer;
  } else if (found->bearer.units != 0) {
    return error{errc::not_applicable, "the code of a voucher pays, or goes onto a card, and does nothing else"};
  }
  masked = found->masked;
  remember_card(api, c.account, masked);
  return std::nullopt;
}

/// The card that a request names.
using card_text = std::optional<std::string_view>;

/// What all calls that move money share. `read(f, c)` takes the call's own members and gives the number of the card, if
/// it names one; `understand(c)`, when nothing in the body was wrong, says why it cannot be done. A `Command` that the
/// ledger does not know makes one in `command()`.
template <class Command, class Read, class Understand>
void till_call(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call, Read read,
               Understand understand) {
  if (api->services.identity.role != node_role::store) return call->finish(refuse(*api, problem::stores_only));
  auto body = parse_json(r.body);
  if (!body) return call->finish(refuse_money(*api, terminal, body.error()));
  json_fields f(*body);
  money_request m;
  Command c;
  if constexpr (requires { c.key; }) {
    c.key = key_from(f, terminal);
  } else {
    c.sale.key = key_from(f, terminal);
  }
  card_text number = read(f, c);
  m.seen = f.maybe_text("seen", 256).value_or("");
  typed_proofs typed;
  if constexpr (requires { c.pin; }) typed.pin = pin_from(f, "pin");
  if constexpr (requires { c.code; }) typed.code = code_from(f, "code");
  f.only_these();
  if (!f.ok()) return call->finish(refuse_money(*api, terminal, f.problem()));
  std::optional<error> wrong = understand(c);
  if constexpr (requires { c.account; })
    if (!wrong) wrong = take_card(*api, number, c, m.masked);
  if (wrong) return call->finish(refuse_money(*api, terminal, *wrong));
  if constexpr (requires { std::move(c).command(); }) {
    m.command = std::move(c).command();
  } else {
    m.command = std::move(c);
  }
  if (typed.any()) return judge_then_execute(api, std::move(m), std::move(typed), call);
  check_mark_then_execute(api, std::move(m), call);
}

constexpr auto all_is_said = [](const auto&) -> std::optional<error> { return std::nullopt; };

/// A request that names an entry of this node and nothing else.
template <class Command>
void call_about_own(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call,
                    const char* field) {
  receipt_name name;
  till_call<Command>(
      api, terminal, r, call,
      [&](json_fields& f, Command& c) -> card_text {
        name = receipt_from(f, field);
        c.seq = name.seq;
        return std::nullopt;
      },
      [&](const Command&) { return not_own(*api, name); });
}

}  // namespace tally
